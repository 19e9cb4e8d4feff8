/** Whether this process may open packet sockets; tests that capture live are skipped where it may not. */
import { readFileSync } from 'node:fs';

/** Bit of CAP_NET_RAW in a capability set, linux/capability.h. */
const CAP_NET_RAW = 13n;

export const mayCapture = hasCapability(CAP_NET_RAW);

function hasCapability(bit: bigint): boolean {
  try {
    const effective = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return effective !== undefined && ((BigInt(`0x${effective}`) >> bit) & 1n) === 1n;
  } catch {
    return false;
  }
}
