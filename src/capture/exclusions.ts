/**
 * What the kernel's filter lets through: what the user's expression takes, and never the sensor's own traffic.
 *
 * in: the user's `--filter`, the satellite's endpoints, a link type · out: a pcap-filter(7) expression
 *
 * - TCP, and of QUIC the long headers by which a connection begins, so that HTTP/3 is counted and costs next to nothing. On IPv4 `tcp` looks at the protocol alone and so takes every fragment. On IPv6 it sees through a fragment
 *   header but no other: packets with hop-by-hop, routing, destination options or authentication headers are taken as
 *   well, and the decoder finds out.
 * - Never 169.254.0.0/16 nor fd00:ec2::/32: the metadata and credential endpoints of AWS, in clear text.
 * - Never the satellite: each of its addresses together with its port, in both directions. The address alone may be
 *   that of the task itself (loopback).
 * - On Ethernet, the same once more behind a VLAN tag. Linux takes the outermost tag off before a packet socket sees the
 *   packet, so this is the second tag (QinQ), or the first where a driver leaves it in.
 *
 * A `port` in the user's expression matches only the first fragment of a datagram, as it does in tcpdump; adding
 * `or ip[6:2] & 0x1fff != 0` takes the others too. `vlan` sees only tags left in the packet, which are hardly any.
 */

import { isIPv4, isIPv6 } from 'node:net';
import { SensorError, UsageError } from '../errors.js';
import { createPacketFilter, type PacketFilter } from './filter-program.js';
import { dltOf, LINKTYPE_ETHERNET, LINKTYPE_RAW } from './link-types.js';
import { type FilterProgram, loadRingAddon, ringAddonPresent } from './ring-addon.js';

/** One address of the satellite, and its port. */
export interface ExcludedEndpoint {
  /** IPv4 or IPv6 literal; a zone (`%eth0`) is ignored. */
  readonly address: string;
  readonly port: number;
}

export interface FilterParts {
  /** The user's expression; empty takes everything. */
  readonly user: string;
  readonly satellite: readonly ExcludedEndpoint[];
  /** Whether the packets by which connections over QUIC begin are taken too, to be counted. */
  readonly countsQuic?: boolean;
  /** Whether packets of every protocol are taken, and not those of TCP alone. */
  readonly everyProtocol?: boolean;
  /** With `everyProtocol`: whether the metadata and credential endpoints are not left out. */
  readonly takesMetadata?: boolean;
  /** The user's expression on an interface of its own, in place of `user`. */
  readonly userOn?: (interfaceName: string) => string;
}

/** The filter on one interface. */
export function filterOn(parts: FilterParts, interfaceName: string): FilterParts {
  return parts.userOn === undefined ? parts : { ...parts, user: parts.userOn(interfaceName) };
}

const TCP = '(tcp or (ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 51 or ip6[6] = 60)))';
/** RFC 9000 §17.2: both leading bits, and on another port than that of HTTP/3 version 1 or 2. */
const quicAt = (packet: string, at: number): string =>
  `${packet}[${at}] & 0xc0 = 0xc0 and (udp port 443 or ${packet}[${at + 1}:4] = 1 or ${packet}[${at + 1}:4] = 0x6b3343cf)`;
/** `udp[…]` is of IPv4 alone. */
const QUIC = `((udp and ${quicAt('udp', 8)}) or (ip6 and udp and ${quicAt('ip6', 48)}))`;
const NO_METADATA = 'not net 169.254.0.0/16 and not net fd00:ec2::/32';
/** BPF_MAXINSNS, include/uapi/linux/bpf_common.h. */
const INSTRUCTIONS_MAX = 4096;
/** The time of libpcap's optimizer grows with the cube of the expression: 0.5 s for 200 hosts, 25 s for 800. */
const EXPRESSION_CHARACTERS_MAX = 4096;
/** Keywords that shift where libpcap looks for everything that follows them. */
const SHIFTING = /\b(vlan|mpls|pppoes|geneve|vxlan)\b/;

/** The expression for interfaces of `linkType`. */
export function kernelFilter(parts: FilterParts, linkType: number): string {
  const endpoints = parts.satellite.map(notEndpoint);
  const exclusions = [NO_METADATA, ...endpoints].join(' and ');
  const user = parts.user.trim();
  if (parts.everyProtocol)
    return everythingBut(parts.takesMetadata ? endpoints.join(' and ') : exclusions, user, linkType);
  const wanted = parts.countsQuic ? `(${TCP} or ${QUIC})` : TCP;
  // The exclusions come before the user's expression and, if that may have shifted the offsets, behind it as well.
  if (SHIFTING.test(user)) return `${exclusions} and (${user}) and ${wanted} and ${exclusions}`;
  const all = user === '' ? `${wanted} and ${exclusions}` : `${wanted} and ${exclusions} and (${user})`;
  return linkType === LINKTYPE_ETHERNET ? `(${all}) or (vlan and (${all}))` : all;
}

/** Packets of every protocol. The exclusions come once more behind the user's expression, if that shifts the offsets. */
function everythingBut(exclusions: string, user: string, linkType: number): string {
  if (exclusions === '') return user;
  const taken = user === '' ? exclusions : `${exclusions} and (${user})`;
  if (SHIFTING.test(user)) return `${taken} and ${exclusions}`;
  // Behind a tag that the kernel has left in, too.
  return linkType === LINKTYPE_ETHERNET ? `${taken} and (not vlan or (${exclusions}))` : taken;
}

function notEndpoint({ address, port }: ExcludedEndpoint): string {
  const literal = address.replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(literal)?.[1];
  const host = mapped ?? literal;
  if (!isIPv4(host) && !isIPv6(host)) throw new SensorError(`satellite address ${address}: not an IP address`);
  return `not ((src host ${host} and tcp src port ${port}) or (dst host ${host} and tcp dst port ${port}))`;
}

/**
 * Throws a `UsageError` with libpcap's message if it does not take the user's expression, before anything is captured.
 * The expression is compiled alone first, so that it cannot close the parenthesis it will be put in. Where there is no
 * addon to compile it, the cap backend finds out when it opens.
 */
export function checkFilter(expression: string, linkType: number = LINKTYPE_ETHERNET): void {
  refuseLongExpression(expression);
  if (expression.trim() === '' || !ringAddonPresent()) return;
  compile(expression, linkType, 65_535, expression);
  compile(kernelFilter({ user: expression, satellite: [] }, linkType), linkType, 65_535, expression);
}

function refuseLongExpression(expression: string): void {
  if (expression.length <= EXPRESSION_CHARACTERS_MAX) return;
  throw filterError(
    `${expression.slice(0, 40)}…`,
    `${expression.length} characters, and more than ${EXPRESSION_CHARACTERS_MAX} take libpcap minutes to compile; ` +
      'give ranges and networks instead of lists',
  );
}

/** What the packets of an interface in a capture file are asked; null where that file's interface has them all taken. */
export interface FileFilter {
  readonly user: string;
  /** The filter for packets of `linkType`. Throws a `UsageError` for an expression that has no meaning for them. */
  compile(linkType: number): PacketFilter | null;
}

/** Link types an expression may be meant for, where it is none for Ethernet: raw IP, cooked, 802.11. */
const OTHER_LINK_TYPES = [LINKTYPE_RAW, 113, 105];

/**
 * The user's expression for the packets of a capture file, which no kernel filters. Live capture sees packets whose VLAN
 * tag was taken off; here an expression is tried behind the tag that is still there.
 *
 * Throws a `UsageError` if libpcap takes the expression for no link type, before a packet is read.
 */
export function openFileFilter(user: string): FileFilter | null {
  if (user.trim() === '') return null;
  refuseLongExpression(user);
  if (!ringAddonPresent()) {
    throw new SensorError(
      `--filter ${JSON.stringify(user)}: with --read it takes the capture ring's addon, which is not built; run bin/setup, or leave it out`,
    );
  }
  const compileFor = (linkType: number) => compile(fileExpression(user, linkType), linkType, 262_144, user);
  try {
    compileFor(LINKTYPE_ETHERNET);
  } catch (error) {
    if (!(error instanceof UsageError) || !OTHER_LINK_TYPES.some((one) => canCompile(() => compileFor(one))))
      throw error;
  }
  return {
    user,
    compile(linkType) {
      // libpcap has no filter for it and neither can the packets be read, which is counted.
      if (!canCompile(() => compile('tcp', linkType, 262_144, user))) return null;
      return createPacketFilter(compileFor(linkType));
    },
  };
}

function fileExpression(user: string, linkType: number): string {
  if (linkType !== LINKTYPE_ETHERNET || SHIFTING.test(user)) return user;
  const isTagged = '(ether[12:2] = 0x8100 or ether[12:2] = 0x88a8 or ether[12:2] = 0x9100)';
  return `(not ${isTagged} and (${user})) or (vlan and (${user}))`;
}

function canCompile(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** The program for the kernel; bytes beyond `snapLength` of each packet are not captured. */
export function compileFilter(parts: FilterParts, linkType: number, snapLength: number): FilterProgram {
  return compile(kernelFilter(parts, linkType), linkType, snapLength, parts.user);
}

function compile(expression: string, linkType: number, snapLength: number, user: string): FilterProgram {
  const addon = loadRingAddon();
  let program: FilterProgram;
  try {
    program = addon.compile(expression, dltOf(linkType), snapLength);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_FILTER') throw filterError(user, message);
    if (code !== 'ERR_NO_LIBPCAP') throw error;
    throw new SensorError(
      `capture filter: ${message}; install libpcap (Debian and Ubuntu: apt-get install libpcap0.8, Alpine: apk add libpcap)`,
    );
  }
  const instructions = program.byteLength / 8;
  if (instructions > INSTRUCTIONS_MAX) {
    throw filterError(user, `it takes ${instructions} instructions and the kernel allows ${INSTRUCTIONS_MAX}`);
  }
  return program;
}

/** What is wrong with the user's expression, in libpcap's words. */
export function filterError(user: string, message: string): UsageError {
  return new UsageError(`--filter ${JSON.stringify(user)}: ${message}; see man pcap-filter`);
}

/**
 * The expression as a program that is run here, for packets that several expressions are asked about; null takes all.
 *
 * @throws UsageError with libpcap's message
 */
export function compilePacketFilter(expression: string, linkType: number): PacketFilter | null {
  if (expression.trim() === '') return null;
  refuseLongExpression(expression);
  return createPacketFilter(compile(expression, linkType, 262_144, expression));
}
