/**
 * A request that is seen on both sides of a proxy beside the application is told of once.
 *
 * in:  exchanges as they are admitted and as they end · out: each once to the next stage, an inner hop with its drop reason
 *
 * The hops are two messages on two connections. They are one request where both have the same method and path and carry the
 * same `x-request-id` or `traceparent`, or the inner connection began with a PROXY header that names the outer one's client;
 * and one began and ended within the other. The outer hop is told of, as it has the whole time; the inner one is dropped when
 * the outer has ended with its response. Where there are several interfaces the outer hop may come later than the inner one,
 * and the addresses of a translated connection after its first exchange: then what has ended waits a little.
 */
import { type Counters, DropReason } from '../counters.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';
import { type Endpoint, type Exchange, Mark } from './exchange.js';
import { HopIndex } from './hop-index.js';
import { requestPath } from './request-target.js';

/** How far the interfaces of a machine may be behind one another: a block of the ring is open for 60 ms. */
const APART_NANOS = 200e6;
/** How long the outer hop waits for an inner one that is over and not believed yet: see `Lane`. */
const UNPROVEN_NANOS = 1.2e9;
/** What an exchange that waits takes from the budget beyond its heads and bodies. */
const WAITING_BYTES = 640;
/** Hops that have a key in common: more than proxies pass a request on through. */
const ALIKE_MAX = 16;
/** A longer id is no id. */
const ID_LENGTH_MAX = 256;

export interface HopsContext {
  readonly limits: Pick<Limits, 'hops_max'>;
  readonly counters: Counters;
  readonly budget: MemoryBudget;
  /** Whether both hops are told of, each by its name. */
  readonly keepsDuplicates: boolean;
  /** Whether packets may come from several interfaces. */
  isApart(): boolean;
  /** The exchanges that were admitted and have not ended. */
  underway(): Iterable<Exchange>;
  complete(exchange: Exchange): void;
}

export interface Hop {
  readonly exchange: Exchange;
  /** Digests of what another hop of the same request has in common with it. */
  keys: readonly number[];
  hasEnded: boolean;
  /** Hops within this one that have ended and wait for its end; null where none has. */
  inner: Hop[] | null;
  /** Taken from the budget while it waits. */
  reserved: number;
  /** Its neighbours among those that were not handed on yet. */
  newer: Hop | null;
  older: Hop | null;
}

function createHop(exchange: Exchange, keys: readonly number[], hasEnded: boolean): Hop {
  return { exchange, keys, hasEnded, inner: null, reserved: 0, newer: null, older: null };
}

export class Hops {
  readonly #context: HopsContext;
  /** Those with an id that were not handed on yet: a list through them, and how many there are. */
  #oldest: Hop | null = null;
  #newest: Hop | null = null;
  #known = 0;
  /** By what they may have in common. */
  readonly #index = new HopIndex(ALIKE_MAX);
  /** Those that have ended and wait for what other interfaces have, each with the time until which it waits. */
  readonly #waiting = new Map<Hop, number>();
  #inner = 0;
  /** Whether a PROXY header was seen: from then on hops are known by their clients too. */
  #isProxied = false;

  constructor(context: HopsContext) {
    this.#context = context;
  }

  /** Exchanges that have ended and were not handed on. */
  get size(): number {
    return this.#waiting.size + this.#inner;
  }

  /** An exchange was admitted. */
  begin(exchange: Exchange): void {
    if (!this.#isProxied && exchange.client.sources !== undefined) this.#beginProxied();
    const keys = keysOf(exchange, this.#isProxied);
    if (keys.length > 0) this.#enter(createHop(exchange, keys, false));
  }

  /** What is under way when the first PROXY header is seen may be what it passes on. */
  #beginProxied(): void {
    this.#isProxied = true;
    const ended = [...this.#waiting.keys()];
    const known: Hop[] = [];
    for (let hop = this.#oldest; hop !== null; hop = hop.newer) if (!hop.hasEnded) known.push(hop);
    for (const hop of [...ended, ...known]) {
      this.#leave(hop);
      hop.keys = keysOf(hop.exchange, true);
      this.#enter(hop);
    }
    for (const exchange of this.#context.underway()) if (exchange.hop === null) this.begin(exchange);
  }

  #enter(hop: Hop): void {
    if (this.#known >= this.#context.limits.hops_max) this.#evictOldest();
    hop.exchange.hop = hop;
    hop.older = this.#newest;
    if (this.#newest === null) this.#oldest = hop;
    else this.#newest.newer = hop;
    this.#newest = hop;
    this.#known++;
    // More requests than proxies make of one are not of one, or cannot be followed.
    for (const key of hop.keys) if (this.#index.add(hop, key)) this.#context.counters.hops_evicted++;
  }

  /** One that was admitted is none. */
  discard(exchange: Exchange): void {
    if (exchange.hop !== null) this.#release(exchange.hop);
  }

  /** An exchange has ended. */
  end(exchange: Exchange, now: number): void {
    const known = exchange.hop;
    // Nearly all have nothing in common with any other.
    const isAlone = known === null || (known.inner === null && this.#index.isAlone(known));
    if (isAlone && !this.#context.isApart() && this.#waiting.size === 0) {
      if (known !== null) this.#forget(known);
      this.#context.complete(exchange);
      return;
    }
    const isUnproven = known !== null && this.#hasUnderway(known);
    if (known !== null) known.hasEnded = true;
    const isApart = this.#context.isApart() && (known !== null || now - exchange.route.openedAt < APART_NANOS);
    // Exchanges that wait keep their order.
    if (isApart || isUnproven || this.#waiting.size > 0) {
      const hop = known ?? createHop(exchange, NO_KEYS, true);
      this.#reserve(hop);
      this.#waiting.set(hop, now + (isUnproven ? UNPROVEN_NANOS : APART_NANOS));
      if (this.#waiting.size > this.#context.limits.hops_max || this.#context.budget.exceeded) this.#settleFirst();
    } else if (known === null) {
      this.#context.complete(exchange);
    } else {
      this.#settle(known);
    }
  }

  /** Time is `now`. */
  advance(now: number): void {
    for (const until of this.#waiting.values()) {
      if (until > now) return;
      this.#settleFirst();
    }
  }

  /** Nothing more comes. */
  finish(): void {
    while (this.#waiting.size > 0) this.#settleFirst();
  }

  /** Over the budget: hands on what waits, oldest first; then what is held for an outer hop that has not ended. */
  shed(): void {
    const { budget } = this.#context;
    while (!budget.relieved && this.#waiting.size > 0) this.#settleFirst();
    while (!budget.relieved && this.#inner > 0 && this.#oldest !== null) this.#evictOldest();
  }

  #settleFirst(): void {
    const first = this.#waiting.keys().next().value;
    if (first !== undefined) this.#settle(first);
  }

  /** It has ended, and so has whatever could be captured later of its time. */
  #settle(hop: Hop): void {
    this.#waiting.delete(hop);
    const outer = this.#outerOf(hop);
    if (outer === undefined) {
      // One within it that was captured later waits longer, and finds it now or not at all.
      for (const inner of this.#waitingWithin(hop)) if (this.#waiting.has(inner)) this.#settle(inner);
      this.#handOn(hop);
    } else if (this.#context.keepsDuplicates) {
      hop.exchange.place = 'inner';
      outer.exchange.place ??= 'outer';
      this.#handOn(hop);
    } else {
      outer.exchange.place ??= 'outer';
      this.#reserve(hop);
      outer.inner ??= [];
      outer.inner.push(hop);
      this.#inner++;
    }
  }

  #outerOf(hop: Hop): Hop | undefined {
    if (this.#index.isAlone(hop)) return undefined;
    for (const key of hop.keys)
      for (const other of this.#index.alike(key)) if (encloses(other, hop) && this.#areAlike(other, hop)) return other;
    return undefined;
  }

  #waitingWithin(hop: Hop): readonly Hop[] {
    if (this.#waiting.size === 0 || this.#index.isAlone(hop)) return NO_HOPS;
    const alike = hop.keys.flatMap((key) => [...this.#index.alike(key)]);
    return alike.filter((other) => this.#waiting.has(other) && encloses(hop, other) && this.#areAlike(hop, other));
  }

  /** Whether they have in common what their digests say. */
  #areAlike({ exchange: one }: Hop, { exchange: other }: Hop): boolean {
    const names = namesOf(one, this.#isProxied);
    return namesOf(other, this.#isProxied).some((name) => names.includes(name));
  }

  /** Whether one that began within `hop` has not been told to have ended. */
  #hasUnderway(hop: Hop): boolean {
    if (this.#index.isAlone(hop)) return false;
    for (const key of hop.keys)
      for (const other of this.#index.alike(key))
        if (!other.hasEnded && encloses(hop, other) && this.#areAlike(hop, other)) return true;
    return false;
  }

  /** Hands the exchange on, and those within it: as its inner hops if it was answered, else for themselves. */
  #handOn(hop: Hop): void {
    const { exchange } = hop;
    const inner = this.#take(hop);
    this.#context.complete(exchange);
    for (const one of inner) {
      if (exchange.response === null) {
        this.#settle(one);
      } else {
        one.exchange.dropReason = DropReason.duplicate;
        one.exchange.place = 'inner';
        this.#handOn(one);
      }
    }
  }

  #forget(hop: Hop): void {
    this.#context.budget.remove(hop.reserved);
    hop.reserved = 0;
    this.#leave(hop);
  }

  #leave(hop: Hop): void {
    this.#unlink(hop);
    for (const key of hop.keys) this.#index.remove(hop, key);
  }

  #unlink(hop: Hop): void {
    const { exchange, older, newer } = hop;
    if (exchange.hop !== hop) return;
    exchange.hop = null;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    hop.older = null;
    hop.newer = null;
    this.#known--;
  }

  #evictOldest(): void {
    if (this.#oldest === null) return;
    this.#context.counters.hops_evicted++;
    this.#release(this.#oldest);
  }

  /** Forgets a hop, and hands on those within it. */
  #release(hop: Hop): void {
    for (const one of this.#take(hop)) this.#handOn(one);
  }

  /** Forgets a hop. Returns those within it. */
  #take(hop: Hop): readonly Hop[] {
    this.#forget(hop);
    const { inner } = hop;
    if (inner === null) return NO_HOPS;
    hop.inner = null;
    this.#inner -= inner.length;
    return inner;
  }

  #reserve(hop: Hop): void {
    if (hop.reserved > 0) return;
    const { request, response } = hop.exchange;
    hop.reserved = WAITING_BYTES + request.target.length + request.headers.textLength + request.body.keptBytes;
    if (response !== null) hop.reserved += response.headers.textLength + response.body.keptBytes;
    this.#context.budget.add(hop.reserved);
  }
}

function encloses({ exchange: outer, hasEnded }: Hop, { exchange: inner }: Hop): boolean {
  if (outer.route === inner.route || outer.startTime >= inner.startTime) return false;
  // Windows of a stream that goes on do not end together.
  return !hasEnded || outer.endTime >= inner.endTime || (outer.marks & Mark.continues) !== 0;
}

const NO_KEYS: readonly number[] = [];
const NO_HOPS: readonly Hop[] = [];

/** Digests of `namesOf`, without making those: nearly all are looked at by nobody. */
function keysOf({ request, client }: Exchange, isProxied: boolean): readonly number[] {
  const { method, target, headers } = request;
  const requestId = headers.digest('x-request-id');
  const traceparent = headers.digest('traceparent');
  if (requestId === -1 && traceparent === -1 && !isProxied) return NO_KEYS;
  const what = pathDigest(method, target);
  if (!isProxied && traceparent === -1) return [mixed(requestId, what)];
  const keys: number[] = [];
  if (requestId !== -1) keys.push(mixed(requestId, what));
  if (traceparent !== -1) keys.push(mixed(~traceparent, what));
  if (isProxied) {
    keys.push(mixed(clientDigest(client), what));
    for (const source of client.sources ?? NO_SOURCES) keys.push(mixed(clientDigest(source), what));
  }
  return keys;
}

/** The length and the last characters of the path alone: the query may be written anew. */
function pathDigest(method: string, target: string): number {
  const path = target.charCodeAt(0) === SLASH ? target : requestPath(method, target);
  const question = path.indexOf('?');
  const end = question < 0 ? path.length : question;
  let digest = end;
  for (let i = Math.max(0, end - PATH_CHARACTERS); i < end; i++)
    digest = Math.imul(digest ^ path.charCodeAt(i), 0x01000193);
  return digest;
}

const SLASH = 0x2f;
const PATH_CHARACTERS = 16;

function clientDigest({ address, port }: Endpoint): number {
  let digest = port;
  for (let i = 0; i < address.length; i++) digest = Math.imul(digest ^ address.charCodeAt(i), 0x01000193);
  return digest;
}

/** A number that V8 needs no memory for. */
const mixed = (id: number, what: number): number => Math.imul(id ^ (what >>> 7), 0x85ebca6b ^ (what << 1)) >>> 2;

/** What another hop of the same request has in common with this one. */
function namesOf({ request, client }: Exchange, isProxied: boolean): string[] {
  const { method, target, headers } = request;
  const what = `${method} ${requestPath(method, target)}`;
  const names: string[] = [];
  for (const header of ['x-request-id', 'traceparent']) {
    const id = headers.get(header);
    if (id !== undefined && id.length <= ID_LENGTH_MAX) names.push(`${header} ${id} ${what}`);
  }
  if (isProxied) names.push(...[client, ...(client.sources ?? NO_SOURCES)].map((one) => clientName(one, what)));
  return names;
}

const NO_SOURCES: readonly Endpoint[] = [];

function clientName({ address, port }: Endpoint, what: string): string {
  return `client ${address} ${port} ${what}`;
}
