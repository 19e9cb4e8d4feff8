import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { coresAvailable, cpuQuota, memoryLimit } from '../../src/task/cgroup.js';

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

function machine(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'cgroup-'));
  roots.push(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

describe('cpuQuota', () => {
  it.each<[string, Record<string, string>, number | null]>([
    ['no cgroup at all', {}, null],
    ['v2 without limit', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' }, null],
    ['v2 in a container', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '25000 100000\n' }, 0.25],
    [
      'v2 with the path of the host',
      { 'proc/self/cgroup': '0::/ecs/task/abc\n', 'sys/fs/cgroup/cpu.max': '50000 100000\n' },
      0.5,
    ],
    [
      'v2, the smallest on the way up',
      {
        'proc/self/cgroup': '0::/a/b\n',
        'sys/fs/cgroup/a/cpu.max': '50000 100000\n',
        'sys/fs/cgroup/a/b/cpu.max': '150000 100000\n',
      },
      0.5,
    ],
    [
      'v1',
      {
        'proc/self/cgroup': '4:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n',
        'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '200000\n',
        'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      2,
    ],
    [
      'v1 without limit',
      {
        'proc/self/cgroup': '4:cpu:/\n',
        'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      null,
    ],
    ['nonsense', { 'proc/self/cgroup': 'x\n0::/\n', 'sys/fs/cgroup/cpu.max': 'a b c\n' }, null],
  ])('%s', (_, files, cores) => {
    expect(cpuQuota(machine(files))).toBe(cores);
  });

  it('never gives more cores than the machine has', () => {
    const root = machine({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '6400000 100000\n' });
    expect(coresAvailable(root)).toBe(availableParallelism());
    expect(coresAvailable(machine({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '10000 100000\n' }))).toBe(
      0.1,
    );
  });
});

/** As the kernel writes /proc/self/mountinfo. */
const mount = (top: string, folder: string, type: string, options: string) =>
  `30 24 0:26 ${top} ${folder} rw,nosuid shared:4 - ${type} ${type} rw,${options}\n`;

describe('memoryLimit', () => {
  const MIB = 2 ** 20;
  it.each<[string, Record<string, string>, number | null]>([
    ['no cgroup at all', {}, null],
    ['v2 without limit', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': 'max\n' }, null],
    ['v2 in a container', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': '209715200\n' }, 200 * MIB],
    [
      'v2, its own group below others',
      {
        'proc/self/cgroup': '0::/kubepods/pod1/sensor\n',
        'sys/fs/cgroup/memory.max': 'max\n',
        'sys/fs/cgroup/kubepods/memory.max': `${4096 * MIB}\n`,
        'sys/fs/cgroup/kubepods/pod1/memory.max': `${512 * MIB}\n`,
        'sys/fs/cgroup/kubepods/pod1/sensor/memory.max': `${200 * MIB}\n`,
      },
      200 * MIB,
    ],
    [
      'v2, a group above that allows less',
      {
        'proc/self/cgroup': '0::/a/b/c\n',
        'sys/fs/cgroup/a/memory.max': `${100 * MIB}\n`,
        'sys/fs/cgroup/a/b/memory.max': 'max\n',
        'sys/fs/cgroup/a/b/c/memory.max': `${300 * MIB}\n`,
      },
      100 * MIB,
    ],
    [
      'v2, where memory.high slows it down first',
      {
        'proc/self/cgroup': '0::/a\n',
        'sys/fs/cgroup/a/memory.max': `${300 * MIB}\n`,
        'sys/fs/cgroup/a/memory.high': `${256 * MIB}\n`,
      },
      256 * MIB,
    ],
    [
      "v2, a group inside of a container that is shown its own group as the top, by the host's path",
      {
        'proc/self/cgroup': '0::/docker/abc/inner\n',
        'proc/self/mountinfo': mount('/docker/abc', '/sys/fs/cgroup', 'cgroup2', 'nsdelegate'),
        'sys/fs/cgroup/memory.max': `${512 * MIB}\n`,
        'sys/fs/cgroup/inner/memory.max': `${64 * MIB}\n`,
      },
      64 * MIB,
    ],
    [
      'v2, mounted elsewhere',
      {
        'proc/self/cgroup': '0::/a\n',
        'proc/self/mountinfo': mount('/', '/mnt/c\\040g', 'cgroup2', 'nsdelegate'),
        'mnt/c g/a/memory.max': `${96 * MIB}\n`,
      },
      96 * MIB,
    ],
    [
      'v1, its own group below others',
      {
        'proc/self/cgroup': '9:name=systemd:/\n4:memory:/ecs/task/sensor\n0::/\n',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
        'sys/fs/cgroup/memory/ecs/task/memory.limit_in_bytes': `${512 * MIB}\n`,
        'sys/fs/cgroup/memory/ecs/task/sensor/memory.limit_in_bytes': `${200 * MIB}\n`,
      },
      200 * MIB,
    ],
    [
      'v1, with the path of the host',
      {
        'proc/self/cgroup': '4:memory:/ecs/abc\n',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': `${200 * MIB}\n`,
      },
      200 * MIB,
    ],
    ['nonsense', { 'proc/self/cgroup': 'x\n0::/\n', 'sys/fs/cgroup/memory.max': 'much\n' }, null],
  ])('%s', (_, files, limit) => {
    const root = machine(files);
    const read = (path: string): string | null => {
      try {
        return readFileSync(join(root, path), 'utf8');
      } catch {
        return null;
      }
    };
    expect(memoryLimit(read)).toBe(limit);
  });
});
