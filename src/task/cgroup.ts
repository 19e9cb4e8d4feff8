/**
 * What the control groups that this process is in allow it: CPU and memory.
 *
 * in: /proc/self/cgroup, /proc/self/mountinfo and the cgroup file systems (v2: `cpu.max`, `memory.max`, `memory.high`; v1:
 * `cpu.cfs_quota_us` and `cpu.cfs_period_us`, `memory.limit_in_bytes`; Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/)
 * · out: cores, bytes
 *
 * A limit holds for all groups below it, so the smallest of the process's own group and those above it counts.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

/** The text of a file; null if it cannot be read. */
export type ReadText = (path: string) => string | null;

/** The cores that this process may use. /proc and /sys are looked for below `root`. */
export function coresAvailable(root = '/'): number {
  return Math.min(availableParallelism(), cpuQuota(root) ?? Number.POSITIVE_INFINITY);
}

/** The smallest quota of the process's control group and those above it, in cores; null if there is none. */
export function cpuQuota(root = '/'): number | null {
  const read = readBelow(root);
  return smallest(groupsOf('cpu', read), ({ folder, isV2 }) => {
    if (!isV2) return share(read(join(folder, 'cpu.cfs_quota_us')), read(join(folder, 'cpu.cfs_period_us')));
    const [quota, period] = (read(join(folder, 'cpu.max')) ?? '').trim().split(/\s+/);
    return share(quota, period);
  });
}

/**
 * The smallest memory limit of the process's control group and those above it, in bytes; null if there is none. A group over
 * `memory.high` is not killed, but slowed down until it is below.
 */
export function memoryLimit(read: ReadText = readText): number | null {
  return smallest(groupsOf('memory', read), ({ folder, isV2 }) => {
    const names = isV2 ? ['memory.max', 'memory.high'] : ['memory.limit_in_bytes'];
    return smallest(names, (name) => bytes(read(join(folder, name))));
  });
}

/** Where the control groups that limit this process's CPU have their files: its own first, then those above. */
export function cpuGroups(read: ReadText = readText): string[] {
  const folders = new Set(groupsOf('cpu', read).map(({ folder }) => folder));
  return [...folders].filter((folder) => read(join(folder, 'cpu.stat')) !== null);
}

interface Group {
  readonly isV2: boolean;
  /** Where its files are. */
  readonly folder: string;
}

type Controller = 'cpu' | 'memory';

interface Mount extends Group {
  /** The group that is shown at the top of the mount: a container may be shown its own alone. */
  readonly top: string;
}

/** Where the file systems are mounted nearly everywhere, for machines that do not say. */
const USUAL_MOUNTS: Readonly<Record<Controller, readonly Mount[]>> = {
  cpu: usual('cpu', 'cpu,cpuacct'),
  memory: usual('memory'),
};

function usual(...v1: string[]): Mount[] {
  return [
    ...['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].map((folder) => ({ isV2: true, folder, top: '/' })),
    ...v1.map((name) => ({ isV2: false, folder: `/sys/fs/cgroup/${name}`, top: '/' })),
  ];
}

/** The groups that the process is in, for `controller`: its own first, then those above, as far as they are shown. */
function groupsOf(controller: Controller, read: ReadText): Group[] {
  const groups: Group[] = [];
  const mounts = mountsOf(controller, read);
  const paths = pathsOf(controller, read);
  for (const { isV2, folder, top } of mounts) {
    for (const own of paths[isV2 ? 'v2' : 'v1']) {
      // In a container the path is often that of the host and leads nowhere; the container's own group is at the top then.
      const below = top !== '/' && `${own}/`.startsWith(`${top}/`) ? own.slice(top.length) : own;
      for (let path = join('/', below); ; path = dirname(path)) {
        groups.push({ isV2, folder: join(folder, path) });
        if (path === '/') break;
      }
    }
  }
  return groups;
}

/** `hierarchy-ID:controllers:path`, a line each; v2 has hierarchy 0 and no controllers (cgroups(7)). */
function pathsOf(controller: Controller, read: ReadText): { v1: string[]; v2: string[] } {
  const paths: { v1: string[]; v2: string[] } = { v1: [], v2: [] };
  const text = read('/proc/self/cgroup');
  if (text === null) return { v1: ['/'], v2: ['/'] };
  for (const line of text.split('\n')) {
    const [, controllers, ...rest] = line.split(':');
    if (controllers === undefined) continue;
    const path = join('/', rest.join(':'));
    if (controllers === '') paths.v2.push(path);
    else if (controllers.split(',').includes(controller)) paths.v1.push(path);
  }
  return paths;
}

/**
 * `ID parent major:minor root mount-point options … - type source super-options` (proc_pid_mountinfo(5)). What is mounted at
 * the usual places is looked at in any case: reading one more file costs nothing.
 */
function mountsOf(controller: Controller, read: ReadText): readonly Mount[] {
  const found: Mount[] = [...USUAL_MOUNTS[controller]];
  for (const line of (read('/proc/self/mountinfo') ?? '').split('\n')) {
    const [before = '', behind = ''] = line.split(' - ');
    const [, , , top = '', folder = ''] = before.split(' ').map(unescapeOctal);
    const [type = '', , options = ''] = behind.split(' ');
    if (type === 'cgroup2') found.push({ isV2: true, folder, top });
    else if (type === 'cgroup' && options.split(',').includes(controller)) found.push({ isV2: false, folder, top });
  }
  return found;
}

/** A space, tab, newline or backslash in a path is written as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function smallest<T>(items: readonly T[], measure: (item: T) => number | null): number | null {
  let least: number | null = null;
  for (const item of items) {
    const value = measure(item);
    if (value !== null && (least === null || value < least)) least = value;
  }
  return least;
}

/** No quota is written as `max` or -1, or cannot be read. */
function share(quota: string | null | undefined, period: string | null | undefined): number | null {
  const cores = Number(quota?.trim() || Number.NaN) / Number(period?.trim() || Number.NaN);
  return Number.isFinite(cores) && cores > 0 ? cores : null;
}

/** No limit is written as `max`; a v1 group without one shows a number near 2^63. */
const UNLIMITED_BYTES = 2 ** 62;

function bytes(text: string | null): number | null {
  const limit = Number(text?.trim() || Number.NaN);
  return limit > 0 && limit < UNLIMITED_BYTES ? limit : null;
}

function readBelow(root: string): ReadText {
  return (path) => readText(join(root, path));
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
