/**
 * What a test run leaves behind, found and removed: processes, network namespaces, interfaces.
 *
 * The run has a name, which is in the environment of all that it starts and in the names of all that it makes. A process
 * of its own, the sweeper, waits for the run to be gone, however it went, and ends what still bears its name.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The environment variable with the run's name: letters and digits, few enough for the name of an interface. */
export const RUN_VARIABLE = 'PCAP_SENSOR_TEST_RUN';
const NAME_LENGTH = 5;
/** What has been ended may take this long to be gone. */
const GRACE_MILLIS = 2000;
const LOOK_AGAIN_MILLIS = 50;

export function newRunName(): string {
  return `r${Math.random()
    .toString(36)
    .slice(2, 1 + NAME_LENGTH)}`;
}

/** This run's name; outside of vitest, where nobody sweeps, one like it. */
export function runName(): string {
  process.env[RUN_VARIABLE] ??= newRunName();
  return process.env[RUN_VARIABLE];
}

/**
 * Lines about what is there although the tests are over: `nginx (process 123)`, `network namespace …`. The children of
 * this process are vitest's workers; what those have started, or had started when they ended, is left behind.
 */
export async function leftBehind(run = process.env[RUN_VARIABLE]): Promise<string[]> {
  if (run === undefined) return [];
  const deadline = Date.now() + GRACE_MILLIS;
  for (;;) {
    const left = processesOf(run).filter(({ parent }) => parent !== process.pid);
    const lines = [...left.map(({ pid, command }) => `${command} (process ${pid})`), ...networkOf(run).map(nameOf)];
    if (lines.length === 0 || Date.now() > deadline) return lines;
    await delay(LOOK_AGAIN_MILLIS);
  }
}

/** Ends and removes all that bears the run's name. */
export function sweep(run: string): void {
  // What is ended last may have been started while the others were.
  for (let round = 0; round < 3; round++) {
    for (const { pid } of processesOf(run)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
  }
  removeContainers(run);
  for (const name of namesIn('/etc/netns')) if (name.includes(run)) rmSync(`/etc/netns/${name}`, { recursive: true });
  for (const { kind, name } of networkOf(run))
    spawnSync('ip', kind === 'netns' ? ['netns', 'del', name] : ['link', 'del', name]);
}

/** Those that `podman.ts` has started. */
function removeContainers(run: string): void {
  if (process.env.PCAP_SENSOR_IMAGE === undefined) return;
  const list = spawnSync('podman', ['ps', '--all', '--quiet', '--filter', `label=${RUN_VARIABLE}=${run}`], {
    encoding: 'utf8',
  });
  const ids = (list.stdout ?? '').split('\n').filter((id) => id !== '');
  if (ids.length > 0) spawnSync('podman', ['rm', '--force', '--time', '0', ...ids]);
}

interface NetworkThing {
  readonly kind: 'netns' | 'link';
  readonly name: string;
}

const nameOf = ({ kind, name }: NetworkThing) => `${kind === 'netns' ? 'network namespace' : 'interface'} ${name}`;

/** Namespaces come first: an interface in one goes with it. */
function networkOf(run: string): NetworkThing[] {
  const named = (directory: string, kind: NetworkThing['kind']) =>
    namesIn(directory)
      .filter((name) => name.includes(run))
      .map((name) => ({ kind, name }));
  return [...named('/run/netns', 'netns'), ...named('/sys/class/net', 'link')];
}

function processesOf(run: string): { pid: number; parent: number; command: string }[] {
  const mark = `${RUN_VARIABLE}=${run}`;
  return namesIn('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    // A zombie has no environment any more, and that of another user's process is not to be read.
    const environment = textOf(`/proc/${pid}/environ`).split('\0');
    if (!environment.includes(mark)) return [];
    const parent = Number(/^PPid:\t(\d+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1]);
    return [{ pid, parent, command: textOf(`/proc/${pid}/cmdline`).split('\0').join(' ').trim() }];
  });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
