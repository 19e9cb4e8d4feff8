/**
 * The inventory of what services offer: each trace goes to its service, host, path and method, and is added to what is known of them.
 *
 * in: traces · out: trees of paths with what was seen at each; templates, documents and drift are made of them
 *
 * Bounded: by `InventoryLimits` as a whole, and by the caps of each part. What there was no room for is counted. Any order of the
 * same traces, and any division of them among inventories that are merged, gives the same inventory until a limit is met.
 */
import { rpcOf } from '../../trace/rpc.js';
import type { Trace } from '../../trace/trace.js';
import { graphqlOperation } from './graphql.js';
import { noteExchange } from './note-exchange.js';
import { mergeNode, newNode, nodeAt, operationAt, type PathNode, type TreeRoom } from './path-tree.js';

export interface InventoryLimits {
  /** Places of values: properties, items, parameters. */
  readonly shapes_max: number;
  /** Segments of paths. */
  readonly nodes_max: number;
  /** Hosts of services. */
  readonly hosts_max: number;
}

export const INVENTORY_LIMITS: InventoryLimits = { shapes_max: 1_000_000, nodes_max: 60_000, hosts_max: 500 };

/** What is said of a trace beside the trace. */
export interface TraceLabels {
  readonly service?: string;
}

export interface Selection {
  readonly service?: string;
  readonly host?: string;
}

export interface HostFacts {
  readonly service: string;
  readonly host: string;
  /** By scheme, how many. */
  schemes: Map<string, number>;
  readonly root: PathNode;
}

/** Of the text that an inventory is kept as. */
const VERSION = 2;

export class Inventory {
  readonly #hosts = new Map<string, HostFacts>();
  readonly #room: TreeRoom;
  readonly #hosts_max: number;
  #traces = 0;
  #refused = 0;

  constructor(limits: InventoryLimits = INVENTORY_LIMITS) {
    this.#room = { shapes: limits.shapes_max, nodes: limits.nodes_max, bodies: 0, refused: 0 };
    this.#hosts_max = limits.hosts_max;
  }

  get traces(): number {
    return this.#traces;
  }

  /** Traces, paths and properties that there was no room for. */
  get refused(): number {
    return this.#refused + this.#room.refused;
  }

  add(trace: Trace, labels: TraceLabels = {}): void {
    const { request } = trace;
    this.#traces++;
    const facts = this.#host(labels.service ?? '', hostOf(request.authority, request.scheme));
    if (facts === null || request.method === '') {
      this.#refused++;
      return;
    }
    facts.schemes.set(request.scheme, (facts.schemes.get(request.scheme) ?? 0) + 1);
    const isRpc = rpcOf(trace) !== null;
    const node = nodeAt(facts.root, pathOf(trace), isRpc, this.#room);
    if (node === null) return;
    const graphql = graphqlOperation(trace);
    const operation = operationAt(node, graphql === null ? request.method : `${request.method} ${graphql}`);
    if (operation === null) this.#refused++;
    else noteExchange(operation, trace, this.#room);
  }

  merge(other: Inventory): void {
    this.#traces += other.#traces;
    this.#refused += other.refused;
    for (const facts of other.#hosts.values()) {
      const into = this.#host(facts.service, facts.host);
      if (into === null) {
        this.#refused += facts.root.count;
        continue;
      }
      for (const [scheme, count] of facts.schemes) into.schemes.set(scheme, (into.schemes.get(scheme) ?? 0) + count);
      mergeNode(into.root, facts.root, this.#room);
    }
  }

  /** The hosts that are selected, in the order of their names. */
  hosts(selection: Selection = {}): HostFacts[] {
    return [...this.#hosts.values()]
      .filter(({ service, host }) => (selection.service ?? service) === service && (selection.host ?? host) === host)
      .sort((a, b) => compareTexts(a.service, b.service) || compareTexts(a.host, b.host));
  }

  /** As text, which `parse` reads. */
  serialise(): string {
    return serialise({
      version: VERSION,
      traces: this.#traces,
      refused: this.refused,
      hosts: [...this.#hosts.values()],
    });
  }

  static parse(text: string, limits: InventoryLimits = INVENTORY_LIMITS): Inventory {
    const { version, traces, refused, hosts } = parse(text) as {
      version: number;
      traces: number;
      refused: number;
      hosts: HostFacts[];
    };
    if (version !== VERSION && version !== 1)
      throw new Error(`an inventory of version ${version}; this program reads versions 1 and ${VERSION}`);
    const inventory = new Inventory(limits);
    for (const facts of hosts) {
      const into = inventory.#host(facts.service, facts.host);
      if (into === null) continue;
      into.schemes = facts.schemes;
      mergeNode(into.root, facts.root, inventory.#room);
    }
    inventory.#traces = traces;
    inventory.#refused = refused;
    return inventory;
  }

  #host(service: string, host: string): HostFacts | null {
    const key = `${service}\n${host}`;
    let facts = this.#hosts.get(key);
    if (facts === undefined) {
      if (this.#hosts.size >= this.#hosts_max) return null;
      facts = { service, host, schemes: new Map(), root: newNode() };
      this.#hosts.set(key, facts);
    }
    return facts;
  }
}

/** One tree of several hosts' paths. */
export function mergedTree(hosts: readonly HostFacts[]): PathNode {
  const [only] = hosts;
  // The tree of one host is large enough once: who reads it leaves it as it is.
  if (only !== undefined && hosts.length === 1) return only.root;
  const root = newNode();
  const room: TreeRoom = { shapes: Number.MAX_SAFE_INTEGER, nodes: Number.MAX_SAFE_INTEGER, bodies: 0, refused: 0 };
  for (const host of hosts) mergeNode(root, host.root, room);
  return root;
}

/** Without the port that the scheme has anyway; names of hosts have no case. */
function hostOf(authority: string, scheme: string): string {
  const host = authority.toLowerCase().replace(/^[^@]*@/, '');
  return scheme === 'https' ? host.replace(/:443$/, '') : host.replace(/:80$/, '');
}

function pathOf({ request }: Trace): string {
  const { path, target } = request;
  const found = path === '' ? target.replace(/[?#].*$/s, '') : path;
  return found.length > PATH_LENGTH_MAX ? found.slice(0, PATH_LENGTH_MAX) : found;
}

const PATH_LENGTH_MAX = 4096;

export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function serialise(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    member instanceof Map
      ? { $map: [...member] }
      : member === Number.POSITIVE_INFINITY
        ? { $infinity: 1 }
        : member === Number.NEGATIVE_INFINITY
          ? { $infinity: -1 }
          : member,
  );
}

function parse(text: string): unknown {
  return JSON.parse(text, (_, member: unknown) => {
    if (typeof member !== 'object' || member === null) return member;
    // Version 1 did not count bodies.
    if ('greatest' in member && !('bodies' in member))
      return { ...member, bodies: (member as { count?: unknown }).count };
    if ('$map' in member) return new Map(member.$map as [unknown, unknown][]);
    if ('$infinity' in member) return member.$infinity === 1 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    return member;
  });
}
