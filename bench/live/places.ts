/** Where the harness's own programs are, and what `install` brought. */
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const ROOT = dirname(dirname(import.meta.dirname));

export const PROGRAMS = join(import.meta.dirname, 'programs');
export const LIVE = join(ROOT, 'build/live');
export const PYTHON = join(LIVE, 'python/bin/python');
export const ENVOY = join(LIVE, 'python/bin/envoy');
export const GO = join(LIVE, 'bin/live-go');
export const CADDY = join(LIVE, 'bin/caddy');
export const JAVA_CLASSES = `${join(LIVE, 'java/classes')}${delimiter}${join(LIVE, 'java/lib/*')}`;
export const SENSOR = join(ROOT, 'dist/cli/cli.js');

/** A program by its path, or by a name in PATH or among the system's own. */
export function isThere(program: string): boolean {
  if (program.startsWith('/')) return existsSync(program);
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return directories.some((directory) => existsSync(join(directory, program)));
}
