/**
 * What the kernel and the container grant this process.
 *
 * in: /proc and the cgroup file system · out: the capability, and the limits of memory and CPU
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { coresAvailable } from './cgroup.js';

export interface Surroundings {
  /** Whether CAP_NET_RAW is in effect; null off Linux. */
  readonly canCapture: boolean | null;
  readonly memoryLimitBytes: number;
  /** May be a fraction. */
  readonly cpus: number;
}

/** linux/capability.h */
const CAP_NET_RAW = 13n;

export type ReadText = (path: string) => string | null;

export function readSurroundings(read: ReadText = readText): Surroundings {
  return { canCapture: canCapture(read), memoryLimitBytes: memoryLimit(read), cpus: coresAvailable() };
}

function canCapture(read: ReadText): boolean | null {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1];
  return effective === undefined ? null : ((BigInt(`0x${effective}`) >> CAP_NET_RAW) & 1n) === 1n;
}

/** By cgroup v2, then v1. A v1 group without a limit shows a number near 2^63. */
function memoryLimit(read: ReadText): number {
  const text = read('/sys/fs/cgroup/memory.max') ?? read('/sys/fs/cgroup/memory/memory.limit_in_bytes');
  const limit = Number(text?.trim());
  const machine = totalmem();
  return text !== null && limit > 0 && limit < machine ? limit : machine;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
