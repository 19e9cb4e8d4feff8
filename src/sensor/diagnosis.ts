/**
 * Why nothing is seen: the first obstacle on a packet's way to becoming a trace.
 *
 * in: what was counted in some time, and what was asked for · out: the obstacle and what to do about it, or null if traces
 * come · pure
 */
import { type Counters, DROP_REASONS } from '../counters.js';
import type { UnreadKind } from '../decode/unread-packets.js';

export interface Observation {
  /** What was counted in the time that is judged: differences, not totals. */
  readonly counters: Readonly<Counters>;
  readonly interfaces: readonly string[];
  /** The user's own filter expression; empty if none. */
  readonly filter: string;
  /** Server names that clients asked for in TLS handshakes. */
  readonly tlsNames: readonly string[];
  /** What packets carried that is not read, most first. */
  readonly unread?: readonly UnreadKind[];
  /** Whether traces go to a satellite. */
  readonly exporting: boolean;
}

export interface Diagnosis {
  readonly code:
    | 'no-interfaces'
    | 'no-packets'
    | 'filter-excludes-all'
    | 'no-tcp'
    | 'tls-only'
    | 'http3-only'
    | 'not-http'
    | 'one-direction'
    | 'no-requests'
    | 'all-excluded'
    | 'not-delivered';
  readonly message: string;
  readonly advice: string;
}

const TLS_NAMES_SHOWN = 5;
const UNREAD_SHOWN = 5;

export function diagnose(observed: Observation): Diagnosis | null {
  const { counters: count, interfaces, filter } = observed;
  if (interfaces.length === 0)
    return {
      code: 'no-interfaces',
      message: 'no interface is captured',
      advice: 'check that the interfaces named by --interfaces are up (ip link)',
    };
  const where = interfaces.join(', ');
  if (count.packets_seen === 0)
    return filter === ''
      ? {
          code: 'no-packets',
          message: `no packet on ${where}`,
          advice:
            'send the application a request; in a task, check that the sensor is in the same task definition (awsvpc)',
        }
      : {
          code: 'filter-excludes-all',
          message: `no packet on ${where} passed --filter ${JSON.stringify(filter)}`,
          advice: 'widen or drop the filter; in ECS the port is the container’s, not the load balancer’s',
        };
  if (count.segments_seen === 0 && count.packets_quic > 0) return http3Only(count);
  if (count.segments_seen === 0)
    return {
      code: 'no-tcp',
      message: `${count.packets_seen} packets on ${where}, none of them TCP${unreadText(observed.unread ?? [])}`,
      advice: 'what goes over UDP and other protocols is not followed',
    };
  // Streams may go on without any request.
  if (count.requests_seen === 0 && count.exchanges_seen === 0) return diagnoseNoRequests(observed);
  if (count.requests_seen > 0 && count.responses_seen === 0)
    return {
      code: 'one-direction',
      message: `${count.requests_seen} requests and no response: only one direction is seen`,
      advice:
        'check that --filter lets both directions pass (port N, not dst port N), and that replies leave by a captured interface',
    };
  const excluded = excludedBy(count);
  const reached = count.exchanges_exported + count.exchanges_dropped_undeliverable;
  if (reached === 0 && excluded.total > 0 && excluded.total === count.exchanges_seen)
    return {
      code: 'all-excluded',
      message: `all ${excluded.total} exchanges were excluded: ${excluded.text}`,
      advice: `check ${excluded.options}`,
    };
  if (
    observed.exporting &&
    count.exchanges_exported === 0 &&
    count.exchanges_dropped_undeliverable + count.export_retries > 0
  )
    return {
      code: 'not-delivered',
      message: 'exchanges are seen, but the satellite takes none',
      advice: 'see the warnings about the satellite above, and pcap-sensor doctor',
    };
  return null;
}

function http3Only(count: Readonly<Counters>): Diagnosis {
  return {
    code: 'http3-only',
    message: `${count.packets_quic} packets carry QUIC (HTTP/3), and none a request of HTTP/1`,
    advice:
      'HTTP/3 is not followed; capture behind the load balancer or proxy that ends it, or take HTTP/3 out of its Alt-Svc header',
  };
}

function diagnoseNoRequests({ counters: count, tlsNames }: Observation): Diagnosis {
  if (count.responses_seen > 0)
    return {
      code: 'one-direction',
      message: `${count.responses_seen} responses and no request: only one direction is seen`,
      advice:
        'check that --filter lets both directions pass (port N, not src port N), and that requests come by a captured interface',
    };
  if (count.flows_tls > 0 && count.flows_tls >= count.flows_h2 + count.flows_not_http) {
    const names = tlsNames.slice(0, TLS_NAMES_SHOWN).join(', ');
    const more = tlsNames.length > TLS_NAMES_SHOWN ? `, and ${tlsNames.length - TLS_NAMES_SHOWN} more` : '';
    return {
      code: 'tls-only',
      message: `${count.flows_tls} connections are TLS${names === '' ? '' : ` (to ${names}${more})`}, none is clear text`,
      advice:
        'capture where TLS has ended: behind the load balancer, or between the proxy of the task and the application',
    };
  }
  if (count.flows_quic > Math.max(count.flows_not_http, count.flows_h2)) return http3Only(count);
  if (count.flows_not_http > 0 && count.flows_not_http > count.flows_h2)
    return {
      code: 'not-http',
      message: `${count.flows_not_http} connections carry a protocol that is not HTTP`,
      advice: 'name the application’s port in --filter (tcp port N) to capture that alone',
    };
  return {
    code: 'no-requests',
    message: `${count.segments_seen} TCP segments, no request among them`,
    advice: 'connections that were open before the sensor started are followed from their next request on; send one',
  };
}

/** ": IP protocol 17 (UDP), EtherType 0x0806 (ARP)" */
function unreadText(unread: readonly UnreadKind[]): string {
  const names = unread.slice(0, UNREAD_SHOWN).map(({ what }) => what);
  return names.length === 0 ? '' : `: ${names.join(', ')}`;
}

/** The exchanges that settings excluded: how many, by what, and the options that change it. */
function excludedBy(count: Readonly<Counters>): { total: number; text: string; options: string } {
  const present = DROP_REASONS.filter(({ counter, excludedBy }) => excludedBy !== null && count[counter] > 0);
  return {
    total: present.reduce((sum, { counter }) => sum + count[counter], 0),
    text: present.map(({ counter, excludedBy }) => `${count[counter]} by ${excludedBy}`).join(', '),
    options: present.flatMap(({ options }) => options.map((option) => `--${option}`)).join(', '),
  };
}

/** What was counted between two moments. */
export function countersBetween(before: Readonly<Counters>, after: Readonly<Counters>): Counters {
  const difference = { ...after };
  for (const name of Object.keys(after) as (keyof Counters)[]) difference[name] = after[name] - before[name];
  return difference;
}
