/**
 * How many cores the task may use: the CPU quota of its control group, else all that the machine has.
 *
 * in: /proc/self/cgroup and the cgroup file system (cgroup v2: `cpu.max`; v1: `cpu.cfs_quota_us` and `cpu.cfs_period_us`,
 * Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cpu-quota) · out: cores
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

/** The cores that this process may use. /proc and /sys are looked for below `root`. */
export function coresAvailable(root = '/'): number {
  return Math.min(availableParallelism(), cpuQuota(root) ?? Number.POSITIVE_INFINITY);
}

/** The smallest quota of the process's control group and those above it, in cores; null if there is none. */
export function cpuQuota(root = '/'): number | null {
  let smallest: number | null = null;
  for (const line of read(join(root, 'proc/self/cgroup')).split('\n')) {
    // hierarchy-ID:controllers:path; v2 has hierarchy 0 and no controllers.
    const [, controllers, ...rest] = line.split(':');
    if (controllers === undefined) continue;
    const isV2 = controllers === '';
    if (!isV2 && !controllers.split(',').includes('cpu')) continue;
    const mounts = isV2
      ? ['sys/fs/cgroup', 'sys/fs/cgroup/unified']
      : ['sys/fs/cgroup/cpu', 'sys/fs/cgroup/cpu,cpuacct'];
    for (const mount of mounts) {
      // Inside a container the path is often that of the host and does not exist; the container's own group is the root.
      for (let path = join('/', rest.join(':')); ; path = dirname(path)) {
        const quota = isV2 ? quotaV2(join(root, mount, path)) : quotaV1(join(root, mount, path));
        if (quota !== null && (smallest === null || quota < smallest)) smallest = quota;
        if (path === '/') break;
      }
    }
  }
  return smallest;
}

function quotaV2(folder: string): number | null {
  const [quota, period] = read(join(folder, 'cpu.max')).trim().split(/\s+/);
  return share(quota, period);
}

function quotaV1(folder: string): number | null {
  return share(read(join(folder, 'cpu.cfs_quota_us')), read(join(folder, 'cpu.cfs_period_us')));
}

/** No quota is written as `max` or -1, or cannot be read. */
function share(quota: string | undefined, period: string | undefined): number | null {
  const cores = Number(quota?.trim() || Number.NaN) / Number(period?.trim() || Number.NaN);
  return Number.isFinite(cores) && cores > 0 ? cores : null;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
