/**
 * How contended the CPU is that the sensor runs on: how much of it is idle, and how long somebody waits for it.
 *
 * in: /proc/stat (proc_stat(5)), /proc/pressure/cpu and the group's `cpu.pressure` (Documentation/accounting/psi.rst), the
 * group's `cpu.stat` (Documentation/admin-guide/cgroup-v2.rst, and scheduler/sched-bwc.rst for v1), /proc/self/schedstat
 * (Documentation/scheduler/sched-stats.rst), /proc/self/status · out: shares of the time since the last call
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contention } from '../policy/stepping-back.js';
import { cpuGroups, type ReadText } from './cgroup.js';

/** Since boot, or since the group or process began. */
interface Totals {
  /** Ticks of the cores that the process may run on. */
  idle: number;
  all: number;
  /** In microseconds. */
  pressure: number;
  throttled: number;
  delay: number;
}

/** Returns what says how contended the CPU was between its last call and this; null where /proc/stat cannot be read. */
export function openContention(now: () => number, read: ReadText = readText): () => Contention | null {
  const allowed = allowedCores(read('/proc/self/status') ?? '');
  const groups = cpuGroups(read);
  let before: Totals | null = null;
  let readAt = now();

  function totals(): Totals | null {
    const stat = read('/proc/stat') ?? '';
    // LXCFS shows the container's cores under numbers of their own.
    const ticks = coreTicks(stat, allowed) ?? coreTicks(stat, () => true);
    if (ticks === null) return null;
    // The outermost group that is shown is the task's, where there is one.
    const pressure = groups.flatMap((folder) => read(join(folder, 'cpu.pressure')) ?? []).at(-1);
    return {
      ...ticks,
      pressure: someTotal(pressure ?? read('/proc/pressure/cpu') ?? ''),
      throttled: Math.max(0, ...groups.map((folder) => throttledMicros(read(join(folder, 'cpu.stat')) ?? ''))),
      delay: Number(/^\d+ (\d+)/.exec(read('/proc/self/schedstat') ?? '')?.[1] ?? 0) / 1e3,
    };
  }

  return () => {
    const since = before;
    const micros = Math.max(1, (now() - readAt) * 1e3);
    readAt = now();
    before = totals();
    if (before === null || since === null || before.all <= since.all) return null;
    const share = (name: 'pressure' | 'throttled' | 'delay') =>
      Math.min(1, Math.max(0, ((before as Totals)[name] - since[name]) / micros));
    return {
      idle: Math.min(1, Math.max(0, (before.idle - since.idle) / (before.all - since.all))),
      pressure: share('pressure'),
      throttled: share('throttled'),
      delay: share('delay'),
    };
  };
}

/** `cpuN user nice system idle iowait irq softirq steal guest guest_nice`; guest time is in user time already. */
function coreTicks(stat: string, allowed: (core: number) => boolean): Pick<Totals, 'idle' | 'all'> | null {
  let idle = 0;
  let all = 0;
  let found = false;
  for (const [, core, numbers = ''] of stat.matchAll(/^cpu(\d+) (.*)$/gm)) {
    if (!allowed(Number(core))) continue;
    const ticks = numbers.trim().split(/\s+/, 8).map(Number);
    found = true;
    // A core that waits for a disk has nothing to run.
    idle += (ticks[3] ?? 0) + (ticks[4] ?? 0);
    all += ticks.reduce((sum, one) => sum + one, 0);
  }
  return found ? { idle, all } : null;
}

/** `Cpus_allowed_list:	0-3,8`; every core where there is none. */
function allowedCores(status: string): (core: number) => boolean {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  if (list === undefined) return () => true;
  const ranges = list.split(',').map((range) => range.split('-').map(Number));
  return (core) => ranges.some(([first = 0, last = first]) => core >= first && core <= last);
}

/** `some avg10=… avg60=… avg300=… total=MICROSECONDS`. */
function someTotal(pressure: string): number {
  return Number(/^some .*total=(\d+)/m.exec(pressure)?.[1] ?? 0);
}

/** v2 writes `throttled_usec`, v1 `throttled_time` in nanoseconds. */
function throttledMicros(stat: string): number {
  const [, unit, value] = /^throttled_(usec|time) (\d+)$/m.exec(stat) ?? [];
  return unit === undefined ? 0 : Number(value) / (unit === 'usec' ? 1 : 1e3);
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
