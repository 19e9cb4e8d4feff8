/**
 * What the kernel and the container grant this process.
 *
 * in: /proc and the cgroup file system · out: the capability, and the limits of memory and CPU
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { coresAvailable, memoryLimit, type ReadText } from './cgroup.js';

export interface Surroundings {
  /** Whether CAP_NET_RAW is in effect; null off Linux. */
  readonly canCapture: boolean | null;
  readonly memoryLimitBytes: number;
  /** May be a fraction. */
  readonly cpus: number;
}

/** linux/capability.h */
const CAP_NET_RAW = 13n;

export function readSurroundings(read: ReadText = readText): Surroundings {
  return { canCapture: canCapture(read), memoryLimitBytes: memoryLimitBytes(read), cpus: coresAvailable() };
}

function canCapture(read: ReadText): boolean | null {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1];
  return effective === undefined ? null : ((BigInt(`0x${effective}`) >> CAP_NET_RAW) & 1n) === 1n;
}

/** What the task's control groups allow, or all that the machine has. */
function memoryLimitBytes(read: ReadText): number {
  return Math.min(memoryLimit(read) ?? Number.POSITIVE_INFINITY, totalmem());
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
