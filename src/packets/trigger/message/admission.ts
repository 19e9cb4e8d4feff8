/**
 * What a message comes to on this node: captures, a refusal, or nothing, as it is meant for another one.
 *
 * in: a `CaptureMessage`, the node's name, its interfaces, the caps of the configuration · out: a `Verdict` · pure
 *
 * A cap refuses what exceeds it and does not shorten it, as in pcapdaemon. What that let pass by mistake is refused here:
 * negative numbers, a pattern that is none, a bucket, an endpoint or an ACL that the configuration does not allow.
 */
import { compileRe2 } from '../../../re2.js';
import type { CaptureMessage } from './capture-message.js';
import { filterFault } from './filter-text.js';

/** What a message may ask for, and what it gets where it does not ask. */
export interface CaptureCaps {
  readonly packetsMax: number;
  readonly bytesMax: number;
  readonly timeoutSecondsMax: number;
  readonly durationSecondsMax: number;
  readonly timeoutSeconds: number;
  /** 0 is whole packets. */
  readonly snapLength: number;
  /** The longest `before`; 0 where nothing is kept. */
  readonly beforeSecondsMax: number;
}

/** Names that a message may give for where its capture and its results go. */
export interface AllowedNames {
  readonly buckets: readonly string[];
  readonly endpoints: readonly string[];
  readonly acls: readonly string[];
  readonly replyTo: readonly string[];
}

export interface NodeContext {
  readonly node: string;
  /** Names of the interfaces that are there now. */
  readonly interfaces: readonly string[];
  /** The interfaces of an alias; empty where there is no such alias. */
  interfacesOf(alias: string): readonly string[];
  readonly caps: CaptureCaps;
  readonly allowed: AllowedNames;
}

/** One capture, of one interface. */
export interface CapturePlan {
  readonly interfaceName: string;
  /** The aliases by which the message named the interface. */
  readonly aliases: readonly string[];
  readonly filter: string;
  readonly snapLength: number;
  readonly packetsMax: number;
  readonly bytesMax: number;
  readonly timeoutSeconds: number;
  readonly durationSeconds: number;
  readonly beforeSeconds: number;
}

export type Verdict =
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      readonly kind: 'captures';
      readonly plans: readonly CapturePlan[];
      /** Names in the message that are none here; the others are captured. */
      readonly skipped: readonly string[];
    };

/** More make no longer packet: as much is kept of each at most. */
export const SNAP_LENGTH_MAX = 262_144;
/** Of 240,000, all of them classes, a pattern takes 10 s and 2.4 GiB to be compiled. */
export const NODERE_CHARACTERS_MAX = 2048;
/** libpcap's name for all interfaces at once. */
export const ANY_INTERFACE = 'any';

export function admitMessage(message: CaptureMessage, context: NodeContext): Verdict {
  const reason = namingFault(message);
  const isNamed = (message.node === '') !== (message.nodere === '');
  // A message for another node is that node's to refuse.
  if (isNamed) {
    const match = matchNode(message, context.node);
    if (match === 'elsewhere') return { kind: 'elsewhere' };
    if (match !== 'here') return { kind: 'refused', reason: match };
  }
  if (reason !== null) return { kind: 'refused', reason };
  const fault = numberFault(message, context.caps) ?? nameFault(message, context.allowed) ?? filterFault(message.bpf);
  if (fault !== null) return { kind: 'refused', reason: fault };
  const { found, skipped } = findInterfaces(message, context);
  if (found.size === 0)
    return {
      kind: 'refused',
      reason: `${skipped.join(', ')}; there are ${[...context.interfaces, ANY_INTERFACE].join(', ')}`,
    };
  const plans = [...found].map(([interfaceName, aliases]) => planOf(message, context.caps, interfaceName, aliases));
  return { kind: 'captures', plans, skipped };
}

function namingFault(message: CaptureMessage): string | null {
  const hasInterface = message.interface.length > 0;
  if (hasInterface && message.alias.length > 0) return 'interface and alias together; give one of them';
  if (!hasInterface && message.alias.length === 0) return 'neither interface nor alias; give one of them';
  if (message.node !== '' && message.nodere !== '') return 'node and nodere together; give one of them';
  if (message.node === '' && message.nodere === '') return 'neither node nor nodere; give one of them';
  return null;
}

/** `here`, `elsewhere`, or what is wrong with the pattern. */
function matchNode({ node, nodere }: CaptureMessage, name: string): string {
  if (node !== '') return node === 'any' || node === name ? 'here' : 'elsewhere';
  if (nodere.length > NODERE_CHARACTERS_MAX)
    return `nodere has ${nodere.length} characters, and ${NODERE_CHARACTERS_MAX} is the most`;
  try {
    return compileRe2(nodere, 'u').test(name) ? 'here' : 'elsewhere';
  } catch (error) {
    return `nodere ${JSON.stringify(nodere)} is not RE2: ${(error as Error).message}`;
  }
}

/** The names of the numbers of a message, each with its cap; what is greater is refused, and so is less than nothing. */
function numberFault(message: CaptureMessage, caps: CaptureCaps): string | null {
  if (message.packets === 0) return 'packets is 0 or absent; say how many the capture ends with';
  const rows: readonly [name: string, value: number, cap: number, capName: string][] = [
    ['packets', message.packets, caps.packetsMax, 'maxpackets'],
    ['timeout', message.timeout, caps.timeoutSecondsMax, 'maxtimeout'],
    ['duration', message.duration, caps.durationSecondsMax, 'maxduration'],
    ['bytes', message.bytes, caps.bytesMax, 'maxbytes'],
    // One that is greater than any packet is long means whole packets, and is no reason to refuse anything.
    ['snap', message.snap, Number.POSITIVE_INFINITY, ''],
    ['before', message.before, caps.beforeSecondsMax, 'lookback'],
  ];
  for (const [name, value, cap, capName] of rows) {
    if (value < 0) return `${name} ${value} is negative`;
    if (value <= cap) continue;
    if (name === 'before' && cap === 0)
      return `before ${value}: no packets are kept from before a message; set lookback in [general]`;
    return `${name} ${value} is above ${capName}, which is ${cap}`;
  }
  return null;
}

function nameFault(message: CaptureMessage, allowed: AllowedNames): string | null {
  const rows: readonly [name: string, value: string, names: readonly string[], key: string][] = [
    ['bucket', message.bucket, allowed.buckets, 'buckets in [s3]'],
    ['endpoint', message.endpoint, allowed.endpoints, 'endpoints in [s3]'],
    ['acl', message.acl, allowed.acls, 'acls in [s3]'],
    ['replyto', message.replyto, allowed.replyTo, 'replyto in [general]'],
  ];
  for (const [name, value, names, key] of rows) {
    if (value !== '' && !names.includes(value))
      return `${name} ${JSON.stringify(value)} is not allowed; the list ${key} names what is`;
  }
  // It becomes part of a host name.
  if (message.region !== '' && !/^[a-z0-9-]{1,32}$/.test(message.region))
    return `region ${JSON.stringify(message.region)} is no name of a region`;
  return null;
}

interface FoundInterfaces {
  /** Interface → the aliases that led to it. */
  readonly found: ReadonlyMap<string, readonly string[]>;
  readonly skipped: readonly string[];
}

/** Each interface once, however often it is named: two captures of the same packets help nobody. */
function findInterfaces(message: CaptureMessage, context: NodeContext): FoundInterfaces {
  const found = new Map<string, string[]>();
  const skipped = new Set<string>();
  const take = (name: string, alias: string | null) => {
    if (name !== ANY_INTERFACE && !context.interfaces.includes(name)) skipped.add(`unknown interface ${quoted(name)}`);
    else if (!found.has(name)) found.set(name, alias === null ? [] : [alias]);
    else if (alias !== null && !found.get(name)?.includes(alias)) found.get(name)?.push(alias);
  };
  for (const name of message.interface) take(name, null);
  for (const alias of message.alias) {
    const names = context.interfacesOf(alias);
    if (names.length === 0) skipped.add(`unknown alias ${quoted(alias)}`);
    for (const name of names) take(name, alias);
  }
  return { found, skipped: [...skipped].slice(0, SKIPPED_MAX) };
}

/** A message can name thousands; its results name so many. */
const SKIPPED_MAX = 16;

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 40));
}

function planOf(
  message: CaptureMessage,
  caps: CaptureCaps,
  interfaceName: string,
  aliases: readonly string[],
): CapturePlan {
  return {
    interfaceName,
    aliases,
    filter: message.bpf,
    snapLength: Math.min(message.snap || caps.snapLength || SNAP_LENGTH_MAX, SNAP_LENGTH_MAX),
    packetsMax: message.packets,
    bytesMax: message.bytes || caps.bytesMax,
    timeoutSeconds: message.timeout || caps.timeoutSeconds,
    durationSeconds: message.duration || caps.durationSecondsMax,
    beforeSeconds: message.before,
  };
}
