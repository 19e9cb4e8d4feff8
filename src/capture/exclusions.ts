/**
 * What the kernel's filter lets through: what the user's expression takes, and never the sensor's own traffic.
 *
 * in: the user's `--filter`, the satellite's endpoints, a link type · out: a pcap-filter(7) expression
 *
 * - Only TCP. On IPv4 `tcp` looks at the protocol alone and so takes every fragment. On IPv6 it sees through a fragment
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
import { dltOf, LINKTYPE_ETHERNET } from './link-types.js';
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
}

const TCP = '(tcp or (ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 51 or ip6[6] = 60)))';
const NO_METADATA = 'not net 169.254.0.0/16 and not net fd00:ec2::/32';
/** BPF_MAXINSNS, include/uapi/linux/bpf_common.h. */
const INSTRUCTIONS_MAX = 4096;
/** The time of libpcap's optimizer grows with the cube of the expression: 0.5 s for 200 hosts, 25 s for 800. */
const EXPRESSION_CHARACTERS_MAX = 4096;
/** Keywords that shift where libpcap looks for everything that follows them. */
const SHIFTING = /\b(vlan|mpls|pppoes|geneve|vxlan)\b/;

/** The expression for interfaces of `linkType`. */
export function kernelFilter(parts: FilterParts, linkType: number): string {
  const exclusions = [NO_METADATA, ...parts.satellite.map(notEndpoint)].join(' and ');
  const user = parts.user.trim();
  // The exclusions come before the user's expression and, if that may have shifted the offsets, behind it as well.
  if (SHIFTING.test(user)) return `${exclusions} and (${user}) and ${TCP} and ${exclusions}`;
  const all = user === '' ? `${TCP} and ${exclusions}` : `${TCP} and ${exclusions} and (${user})`;
  return linkType === LINKTYPE_ETHERNET ? `(${all}) or (vlan and (${all}))` : all;
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
  if (expression.length > EXPRESSION_CHARACTERS_MAX) {
    throw filterError(
      `${expression.slice(0, 40)}…`,
      `${expression.length} characters, and more than ${EXPRESSION_CHARACTERS_MAX} take libpcap minutes to compile; ` +
        'give ranges and networks instead of lists',
    );
  }
  if (expression.trim() === '' || !ringAddonPresent()) return;
  compile(expression, linkType, 65_535, expression);
  compile(kernelFilter({ user: expression, satellite: [] }, linkType), linkType, 65_535, expression);
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
