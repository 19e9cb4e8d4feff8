import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { coresAvailable, cpuQuota } from '../../src/task/cgroup.js';

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
