/** `bin/pcapdaemon` as a child process of a test, with a folder of its own for what it writes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withoutOptions } from './command.js';

const PROGRAM = join(import.meta.dirname, '../../bin/pcapdaemon');

export interface RunningDaemon {
  readonly folder: string;
  /** Where captures are written. */
  readonly out: string;
  /** What it has logged. */
  readonly lines: string[];
  readonly pid: number;
  /** Resolves to the first line of the log that fits, of those from the number `since` on. */
  said(pattern: RegExp, since?: number): Promise<string>;
  /** The names of the captures that are written, and their bytes. */
  files(): string[];
  file(name: string): Buffer;
  /** Sends SIGTERM, and resolves to the exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

export interface DaemonSettings {
  /** The configuration; `OUT` and `SPOOL` in it are its own directories, `FOLDER` the one with both. */
  readonly toml: string;
  /** Further files of that folder, by their names. */
  readonly files?: Readonly<Record<string, string>>;
  /** Host name, in a namespace of its own, which takes root. */
  readonly node?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A right that it is to be without. */
  readonly without?: string;
  /** The folder of a run before this one. */
  readonly folder?: string;
}

export async function startPcapdaemon({
  toml,
  node,
  without,
  env = {},
  folder: given,
  files = {},
}: DaemonSettings): Promise<RunningDaemon> {
  const folder = given ?? mkdtempSync(join(tmpdir(), 'pcapdaemon-'));
  const out = join(folder, 'out');
  mkdirSync(out, { recursive: true });
  mkdirSync(join(folder, 'spool'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileSync(
    join(folder, 'pcapdaemon.toml'),
    toml.replaceAll('OUT', out).replaceAll('FOLDER', folder).replaceAll('SPOOL', join(folder, 'spool')),
  );
  const rights = without === undefined ? [] : ['setpriv', `--bounding-set=-${without}`];
  const words = [...rights, PROGRAM, '-config', join(folder, 'pcapdaemon.toml')];
  const inNode =
    node === undefined ? words : ['unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', node, ...words];
  const [program = '', ...rest] = inNode;
  const child: ChildProcess = spawn(program, rest, {
    env: { ...withoutOptions(process.env), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let unfinished = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    const parts = (unfinished + chunk.toString()).split('\n');
    unfinished = parts.pop() ?? '';
    lines.push(...parts);
    for (const look of waiting) look();
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const said = (pattern: RegExp, since = 0) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const line = lines.find((one, number) => number >= since && pattern.test(one));
        if (line === undefined) return;
        waiting.delete(look);
        resolve(line);
      };
      waiting.add(look);
      look();
      void exited.then(() => reject(new Error(`pcapdaemon ended before it said ${pattern}:\n${lines.join('\n')}`)));
    });
  return {
    ...{ folder, out, lines, said, pid: child.pid ?? 0 },
    files: () => readdirSync(out).sort(),
    file: (name) => readFileSync(join(out, name)),
    async stop() {
      child.kill('SIGTERM');
      return (await exited)[0];
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
