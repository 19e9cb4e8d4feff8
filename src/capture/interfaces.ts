/**
 * The machine's network interfaces: those there are, and those the user wants.
 *
 * in: /proc/self/net/dev, which is that of this process's network namespace whatever /sys shows · out: `NetworkInterface`s
 */

import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type RE2 from 're2';
import { UsageError } from '../errors.js';
import { compileRe2, re2Reason } from '../re2.js';
import { type LinkReading, linkReading } from './link-types.js';

export interface NetworkInterface {
  readonly name: string;
  /** The kernel's index; an interface that comes back under the same name has another. */
  readonly index: number;
  readonly up: boolean;
  readonly loopback: boolean;
  /** ARPHRD_*. */
  readonly hardwareType: number;
  /** How its packets are read, or `null` if the sensor cannot read them. */
  readonly reading: LinkReading | null;
}

/** The kernel's index, IFF_* flags and ARPHRD_* type of an interface, or `undefined` if there is none of that name. */
export type DescribeInterface = (name: string) => [index: number, flags: number, hardwareType: number] | undefined;

const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;

/** The names of all interfaces, up or not. */
export function interfaceNames(procNetDev = readFileSync('/proc/self/net/dev', 'latin1')): string[] {
  const names: string[] = [];
  for (const line of procNetDev.split('\n').slice(2)) {
    const name = /^\s*(.+?):/.exec(line)?.[1];
    if (name !== undefined) names.push(name);
  }
  return names;
}

/** All interfaces, up or not. */
export function listInterfaces(describe: DescribeInterface, names = interfaceNames()): NetworkInterface[] {
  const found: NetworkInterface[] = [];
  for (const name of names) {
    const description = describe(name);
    if (description === undefined) continue; // gone since the name was read
    const [index, flags, hardwareType] = description;
    found.push({
      name,
      index,
      up: (flags & IFF_UP) !== 0,
      loopback: (flags & IFF_LOOPBACK) !== 0,
      hardwareType,
      reading: linkReading(hardwareType),
    });
  }
  return found;
}

/** The same from /sys/class/net, where there is no addon to ask the kernel. */
export const describeFromSys: DescribeInterface = (name) => {
  try {
    const read = (file: string) => Number(readFileSync(`/sys/class/net/${name}/${file}`, 'latin1'));
    return [read('ifindex'), read('flags'), read('type')];
  } catch {
    return undefined;
  }
};

export interface InterfaceSelection {
  /** Exactly these; empty means all that are up. */
  readonly names: readonly string[];
  /** RE2, unanchored; an interface must match one if there are any. */
  readonly include: readonly string[];
  /** RE2, unanchored; wins over `include` and over `names`. */
  readonly exclude: readonly string[];
  /** Whether loopback is left out, unless it is in `names`. */
  readonly skipsLoopback?: boolean;
  /** Whether `names` may be those of interfaces that are not there yet. */
  readonly awaitsNames?: boolean;
}

/** Whether the user wants an interface. Throws a `UsageError` for a pattern that is not RE2. */
export function interfaceSelector(
  selection: InterfaceSelection,
): (one: Pick<NetworkInterface, 'name' | 'loopback'>) => boolean {
  const include = compile('--interface-include', selection.include);
  const exclude = compile('--interface-exclude', selection.exclude);
  const names = new Set(selection.names);
  return ({ name, loopback }) =>
    !(loopback && selection.skipsLoopback && !names.has(name)) &&
    (names.size === 0 || names.has(name)) &&
    (include.length === 0 || include.some((pattern) => pattern.test(name))) &&
    !exclude.some((pattern) => pattern.test(name));
}

function compile(option: string, patterns: readonly string[]): RE2[] {
  return patterns.map((pattern) => {
    try {
      return compileRe2(pattern, 'u');
    } catch (error) {
      throw new UsageError(`${option} ${JSON.stringify(pattern)}: ${re2Reason(error)}; give an RE2 regular expression`);
    }
  });
}

/** Throws a `UsageError` for the first of `names` that is no interface of this machine. */
export function checkInterfaceNames(names: readonly string[], existing: readonly string[] = interfaceNames()): void {
  for (const name of names) {
    if (existing.includes(name)) continue;
    throw new UsageError(`--interfaces ${name}: no such interface; there are ${existing.join(', ')}`);
  }
}

/** The addresses of this machine's network namespace, in the canonical form Node gives them, without zones. */
export function localAddresses(): Set<string> {
  const addresses = new Set<string>();
  for (const list of Object.values(networkInterfaces())) {
    for (const { address } of list ?? []) addresses.add(address.replace(/%.*$/, ''));
  }
  return addresses;
}
