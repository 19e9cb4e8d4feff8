/**
 * Containers for end-to-end tests: podman with the runtime and the limits that work without a daemon and in a container.
 *
 * The image under test is named by PCAP_SENSOR_IMAGE; `scripts/image` builds one.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { RUN_VARIABLE, runName } from './left-behind.js';

/** The machine's own limits may be more than the runtime is allowed to set. */
const RUN = [
  '--runtime',
  'runc',
  'run',
  '--label',
  `${RUN_VARIABLE}=${runName()}`,
  '--pull',
  'never',
  '--ulimit',
  'nofile=1024:4096',
  '--ulimit',
  'nproc=4096:4096',
];

export const sensorImage = process.env.PCAP_SENSOR_IMAGE ?? '';
const isRoot = process.getuid?.() === 0;
/** Whether PCAP_SENSOR_IMAGE names an image that root's podman can run; scripts/image builds one. */
export const podmanReady =
  isRoot && sensorImage !== '' && spawnSync('podman', [...RUN, '--rm', sensorImage, '--version']).status === 0;

const execute = promisify(execFile);

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function podman(...words: string[]): Promise<Finished> {
  try {
    const { stdout, stderr } = await execute('podman', words, { maxBuffer: 64 << 20 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string };
    return { code: typeof code === 'number' ? code : -1, stdout, stderr };
  }
}

/** Runs a container to its end. */
export const runContainer = (...words: string[]): Promise<Finished> => podman(...RUN, '--rm', ...words);

export interface RunningContainer {
  readonly id: string;
  /** Of its first process, in this machine's numbering. */
  readonly pid: number;
  inspect(format: string): Promise<string>;
  logs(): Promise<string>;
  /** SIGTERM, and SIGKILL after `seconds`; resolves to the exit code. */
  stop(seconds: number): Promise<number>;
  remove(): Promise<void>;
}

/** Starts a container and leaves it running; throws what podman said when it does not start. */
export async function startContainer(...words: string[]): Promise<RunningContainer> {
  const started = await podman(...RUN, '--detach', ...words);
  if (started.code !== 0) {
    throw new Error(`podman run ${words.join(' ')}: ${started.stderr}`);
  }
  const id = started.stdout.trim();
  const inspect = async (format: string) => (await podman('inspect', '--format', format, id)).stdout.trim();
  return {
    id,
    pid: Number(await inspect('{{.State.Pid}}')),
    inspect,
    logs: async () => {
      const { stdout, stderr } = await podman('logs', id);
      return stdout + stderr;
    },
    stop: async (seconds) => {
      await podman('stop', '--time', String(seconds), id);
      return Number(await inspect('{{.State.ExitCode}}'));
    },
    remove: async () => {
      await podman('rm', '--force', '--time', '0', id);
    },
  };
}

export interface CgroupUse {
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  /** Processes that the kernel killed for want of memory. */
  readonly oomKills: number;
}

/** What the cgroup of a process has used; cgroup v1 and v2. */
export function cgroupUse(pid: number): CgroupUse {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  const pathOf = (controller: string) =>
    lines.map((line) => line.split(':')).find((fields) => fields[1]?.split(',').includes(controller))?.[2] ?? '';
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').trim() : '0');
  const member = (text: string, name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  if (existsSync('/sys/fs/cgroup/memory')) {
    const memory = `/sys/fs/cgroup/memory${pathOf('memory')}`;
    return {
      cpuSeconds: Number(read(`/sys/fs/cgroup/cpuacct${pathOf('cpuacct')}/cpuacct.usage`)) / 1e9,
      memoryBytes: Number(read(`${memory}/memory.usage_in_bytes`)),
      memoryPeakBytes: Number(read(`${memory}/memory.max_usage_in_bytes`)),
      oomKills: member(read(`${memory}/memory.oom_control`), 'oom_kill'),
    };
  }
  const group = `/sys/fs/cgroup${lines[0]?.split(':')[2] ?? ''}`;
  return {
    cpuSeconds: member(read(`${group}/cpu.stat`), 'usage_usec') / 1e6,
    memoryBytes: Number(read(`${group}/memory.current`)),
    memoryPeakBytes: Number(read(`${group}/memory.peak`)),
    oomKills: member(read(`${group}/memory.events`), 'oom_kill'),
  };
}
