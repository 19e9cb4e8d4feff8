import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, it } from 'vitest';
import { networkName, run } from '../support/namespace.js';
import { needs } from '../support/needs.js';

interface State {
  descriptors: number;
  rings: number;
  residentBytes: number;
  interfaces: number;
  statistics: { name: string; packets: number }[];
}

const namespace = networkName('');
let child: ChildProcess | null = null;

afterEach(async () => {
  if (child !== null && child.exitCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  run('ip', 'netns', 'del', namespace);
});

it('follows 200 interfaces that come and go, and leaks nothing', {
  ...needs('namespaces', 'ip'),
  timeout: 120_000,
}, async () => {
  run('ip', 'netns', 'add', namespace);
  run('ip', '-n', namespace, 'link', 'set', 'lo', 'up');
  const root = join(import.meta.dirname, '../..');
  child = spawn(
    'ip',
    [
      ...['netns', 'exec', namespace, process.execPath, '--expose-gc'],
      ...['--import', join(root, 'test/support/run-typescript.js'), join(root, 'test/support/live-child.ts')],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const logged = new Map<string, number>();
  const waiting: { until: () => boolean; resolve: () => void }[] = [];
  let answer: ((state: State) => void) | null = null;
  createInterface(child.stdout!).on('line', (line) => {
    const said = JSON.parse(line) as { log?: string; state?: State };
    if (said.state !== undefined) answer?.(said.state);
    if (said.log === undefined) return;
    const what = said.log.replace(/^interface (?!lo)\w+/, 'interface X');
    logged.set(what, (logged.get(what) ?? 0) + 1);
    for (const wait of waiting.splice(0)) wait.until() ? wait.resolve() : waiting.push(wait);
  });
  const times = (line: string, count: number) =>
    new Promise<void>((resolve) => {
      const until = () => (logged.get(line) ?? 0) >= count;
      until() ? resolve() : waiting.push({ until, resolve });
    });
  const state = () =>
    new Promise<State>((resolve) => {
      answer = resolve;
      child?.stdin?.write('\n');
    });
  const batch = (lines: string[]) =>
    execFileSync('ip', ['-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n`, stdio: 'pipe' });

  await times('running', 1);
  const pairs = Array.from({ length: 5 }, (_, i) => [`a${i}`, `b${i}`] as const);
  const round = async (n: number) => {
    batch(
      pairs.flatMap(([a, b]) => [`link add ${a} type veth peer name ${b}`, `link set ${a} up`, `link set ${b} up`]),
    );
    await times('interface X: capturing', n * 10);
    batch(pairs.map(([a]) => `link del ${a}`));
    await times('interface X: gone', n * 10);
  };

  // The first rounds warm up what is allocated once.
  for (let n = 1; n <= 4; n++) await round(n);
  const before = await state();
  expect(before.rings).toBe(1);
  for (let n = 5; n <= 20; n++) await round(n);
  const after = await state();
  expect(after.rings).toBe(1);
  expect(after.descriptors).toBe(before.descriptors);
  expect(after.interfaces).toBe(11); // an interface of the same name is the same to the traces
  expect(after.statistics.map(({ name }) => name)).toContain('lo');
  // A leaked ring is 1 MiB: 160 of them would be far beyond this.
  expect(after.residentBytes - before.residentBytes).toBeLessThan(32 << 20);
  expect([...logged]).toEqual([
    ['running', 1],
    ['interface X: capturing', 200],
    ['interface X: gone', 200],
  ]);
  child.stdin?.end();
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
});
