/**
 * What surrounds a run: its name, the sweeper that ends what it leaves behind, and the environment of its processes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { newRunName, RUN_VARIABLE } from './left-behind.js';
import { withWhatIsSetUp } from './needs.js';

let sweeper: ChildProcess;

export function setup(): void {
  Object.assign(process.env, withWhatIsSetUp(process.env));
  const run = newRunName();
  const node = ['node', '--import', './run-typescript.js', 'sweeper.ts', run];
  // A shell waits, which takes less than a Node.js would. What is sent to the run's process group is not for it, and it
  // has no part in the name, which is that of what is to be ended.
  const wait = 'trap "" INT TERM HUP; while read -r _; do :; done; exec "$@"';
  sweeper = spawn('sh', ['-c', wait, 'sweeper', ...node], {
    cwd: import.meta.dirname,
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  sweeper.unref();
  process.env[RUN_VARIABLE] = run;
}

export async function teardown(): Promise<void> {
  sweeper.ref();
  const over = once(sweeper, 'exit');
  sweeper.stdin?.end();
  await over;
}
