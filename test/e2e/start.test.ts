/**
 * What a start loads. Each package costs a sensor time and memory for as long as it runs, so one more is a decision, which
 * is made by adding its name here.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { withoutOptions } from '../support/command.js';
import { needs } from '../support/needs.js';

const ROOT = join(import.meta.dirname, '../..');
const LOGGING = [
  '@pinojs/redact',
  'atomic-sleep',
  'on-exit-leak-free',
  'pino',
  'pino-std-serializers',
  'quick-format-unescaped',
  'safe-stable-stringify',
  'sonic-boom',
  'thread-stream',
];

/** Runs the command line until it says `until`, then ends it; what it has loaded, as paths. */
async function loadedBy(args: readonly string[], until: string): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'start-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const list = join(directory, 'modules');
  const hooks = join(ROOT, 'test/support/list-modules.js');
  const child = spawn(process.execPath, ['--import', hooks, join(ROOT, 'dist/cli/cli.js'), ...args], {
    env: { ...withoutOptions(process.env), LIST_MODULES: list },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const closed = once(child, 'close');
  let stderr = '';
  for await (const chunk of child.stderr) {
    stderr += chunk;
    if (stderr.includes(until)) child.kill('SIGTERM');
  }
  expect(stderr).toContain(until);
  expect(await closed).toEqual([0, null]);
  return readFileSync(list, 'utf8').split('\n');
}

function packagesIn(paths: readonly string[]): string[] {
  const names = paths.flatMap((path) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  return [...new Set(names)].sort();
}

it('loads these packages and no other in a sensor that has seen nothing yet', needs('capture'), async () => {
  // Nothing passes the filter, so nothing is sent.
  const nothing = ['--interfaces', 'lo', '--filter', 'tcp port 1 and tcp port 2'];
  const paths = await loadedBy(['apidump', '--satellite-url', 'http://127.0.0.1:9', ...nothing], 'capturing on lo');
  const capture = ['fzstd', 'node-gyp-build', 'undici'];
  const rest = ['bottleneck', 'proxy-from-env', 'yargs-parser'];
  expect(packagesIn(paths)).toEqual([...capture, ...LOGGING, ...rest].sort());

  const own = paths.filter((path) => path.includes('/dist/')).map((path) => path.replace(/.*\/dist\//, ''));
  expect(own).toContain('capture/ring.js');
  expect(
    own.filter((path) => /^(satellite|deploy)\/|^cli\/help|^capture\/file-|subcommands\/(demo|doctor|ecs)/.test(path)),
  ).toEqual([]);
  // A build of itself holds what all of it does: one file for the one that is used.
  expect(paths.filter((path) => path.includes('/node_modules/bottleneck/')).length).toBeLessThanOrEqual(2);
  expect(paths.filter((path) => /^node:(https|tls)$/.test(path))).toEqual([]);
});
