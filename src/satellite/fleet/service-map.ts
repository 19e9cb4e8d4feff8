/**
 * Which service calls which, by the spans of both ends.
 *
 * in: groups of calls, the agents that the satellite knows · out: nodes and edges, the busiest, within bounds · pure
 *
 * A span of a server says who was asked, and by which address: that is a service where an enrolled sensor of it says that the address is
 * its own. A span of a client says who asked, and which host: that is the service that answers to this host, if one does, or whose
 * sensor has it as an address. Where both ends told of a call it is there twice, and once where they share connections; so of the two
 * counts of an edge the larger one is taken.
 */
import type { Calls } from '../store/store.js';

export interface MapNode {
  readonly id: string;
  /** `callers`: all that no sensor is known of, together; `host`: one that is asked, and no sensor is known of. */
  readonly kind: 'service' | 'host' | 'callers';
  readonly name: string;
  readonly environment: string;
}

export interface MapEdge {
  readonly from: string;
  readonly to: string;
  readonly traces: number;
  /** Of these, 5xx or without a response. */
  readonly failures: number;
  readonly perMinute: number;
  /** Nanoseconds, on average. */
  readonly duration: number;
  /** By which ends it was told of. */
  readonly seenBy: readonly ('client' | 'server')[];
}

export interface ServiceMap {
  /** Microseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly traces: number;
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
  /** Traces that are on none of these edges. */
  readonly left: number;
}

/** An agent, as far as it matters here. */
export interface AddressedAgent {
  readonly service: string;
  readonly environment: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const EDGES_MAX = 200;
const MINUTE_MICROS = 60e6;
/** A map of less is one of a moment: its rates would be too high. */
const SPAN_MICROS_MIN = 10e6;
const CALLERS: MapNode = { id: 'callers', kind: 'callers', name: 'others', environment: '' };

interface Counted {
  traces: number;
  failures: number;
  nanos: number;
}

interface Ends {
  readonly from: MapNode;
  readonly to: MapNode;
  readonly client: Counted;
  readonly server: Counted;
}

export function serviceMap(calls: Calls, agents: readonly AddressedAgent[]): ServiceMap {
  const byAddress = addressesOf(agents);
  const byHost = hostsOf(calls);
  const edges = new Map<string, Ends>();
  for (const { kind, service, environment, host, client, ...counts } of calls.groups) {
    const self = serviceNode(service, environment);
    const isServer = kind !== 'client';
    const from = isServer ? (byAddress.get(client) ?? CALLERS) : self;
    const to = isServer
      ? self
      : (byHost.get(`${environment} ${host}`) ?? byAddress.get(addressIn(host)) ?? hostNode(host));
    const key = `${from.id} ${to.id}`;
    const ends = edges.get(key) ?? { from, to, client: none(), server: none() };
    edges.set(key, ends);
    const of = isServer ? ends.server : ends.client;
    of.traces += counts.traces;
    of.failures += counts.failures;
    of.nanos += counts.nanos;
  }
  const minutes = Math.max(SPAN_MICROS_MIN, calls.to - calls.from) / MINUTE_MICROS;
  const all = [...edges.values()].sort((one, other) => most(other).traces - most(one).traces);
  const kept = all.slice(0, EDGES_MAX);
  const nodes = new Map(kept.flatMap(({ from, to }) => [from, to]).map((node) => [node.id, node]));
  return {
    ...{ from: calls.from, to: calls.to, traces: calls.traces },
    nodes: [...nodes.values()],
    edges: kept.map((ends) => edgeOf(ends, minutes)),
    left: all.slice(EDGES_MAX).reduce((sum, ends) => sum + most(ends).traces, calls.left),
  };
}

function edgeOf(ends: Ends, minutes: number): MapEdge {
  const { traces, failures, nanos } = most(ends);
  return {
    ...{ from: ends.from.id, to: ends.to.id, traces, failures },
    perMinute: traces / minutes,
    duration: Math.round(nanos / traces),
    seenBy: (['client', 'server'] as const).filter((end) => ends[end].traces > 0),
  };
}

const none = (): Counted => ({ traces: 0, failures: 0, nanos: 0 });

function most({ client, server }: Ends): Counted {
  return server.traces >= client.traces ? server : client;
}

function serviceNode(service: string, environment: string): MapNode {
  return { id: `service ${JSON.stringify([service, environment])}`, kind: 'service', name: service, environment };
}

function hostNode(host: string): MapNode {
  return { id: `host ${host}`, kind: 'host', name: host, environment: '' };
}

/** An address of two services, as those of two networks may be, is nobody's. */
function addressesOf(agents: readonly AddressedAgent[]): ReadonlyMap<string, MapNode> {
  const found = new Map<string, MapNode>();
  const ambiguous = new Set<string>();
  for (const { service, environment, attributes } of agents) {
    const node = serviceNode(service, environment);
    for (const address of (attributes['host.ip'] ?? '').split(', ').filter(Boolean)) {
      if ((found.get(address)?.id ?? node.id) !== node.id) ambiguous.add(address);
      found.set(address, node);
    }
  }
  for (const address of ambiguous) found.delete(address);
  return found;
}

/** The service that answered most to a host, in each environment. */
function hostsOf({ groups }: Calls): ReadonlyMap<string, MapNode> {
  const found = new Map<string, MapNode>();
  // The busiest come first.
  for (const { kind, service, environment, host } of groups) {
    const key = `${environment} ${host}`;
    if (kind !== 'client' && host !== '' && !found.has(key)) found.set(key, serviceNode(service, environment));
  }
  return found;
}

/** Without the port. */
function addressIn(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}
