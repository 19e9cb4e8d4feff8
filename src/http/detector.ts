/**
 * Finds out which protocol a flow speaks, from the first bytes of either direction, and gives the flow to it.
 *
 * in:  a flow's bytes, gaps and ends, until there is a verdict · out: the flow's next consumer, and to it all that came
 *
 * Nearly always the first segment decides and is passed on where it lies. Bytes that decide nothing yet are held, a copy
 * within the budget, and replayed in the order they came. When bytes are lost before a verdict, or more would have to be
 * held than a head may have, the flow goes to the protocol that finds its place in the middle. A PROXY header in front of
 * the first message belongs to no protocol and goes no further.
 *
 * A consumer asks again where its protocol ends: `identify` for bytes it cannot read, `handOver` to leave the flow.
 */
import type { Flow } from '../flow/flow.js';
import type { Direction, EndCause, FlowConsumer } from '../flow/flow-consumer.js';
import { behindEmptyLines } from './h1/message-start.js';
import {
  type DetectedFlow,
  emptyOpening,
  type Opening,
  type Protocol,
  type ProtocolContext,
  type Protocols,
  Recognition,
  type Verdict,
} from './protocol.js';
import { ProxyHeader, proxyHeaderEnd, proxySourceOf } from './proxy-header.js';

/** The first bytes of one direction, or its end. */
interface Held {
  readonly direction: Direction;
  /** The first `length` of these are held. */
  bytes: Buffer;
  length: number;
  /** Where its stream stood behind them, and what their segment acknowledged. */
  position: number;
  readonly acknowledges: number;
  /** Null for bytes. */
  readonly end: EndCause | null;
  /** The time of the first byte, or of the end. */
  readonly time: number;
}

const NO_BYTES = Buffer.alloc(0);
/** Balancers in a row whose word is kept. */
const PROXY_SOURCES_MAX = 8;
const HELD_BYTES_MIN = 64;
const NOTHING: readonly Held[] = [];

export class Detector implements FlowConsumer, DetectedFlow {
  readonly flow: Flow;
  readonly protocols: Protocols;
  readonly #context: ProtocolContext;
  /** In the order it came: at most one run of bytes and one end for each direction. */
  #held: readonly Held[] = NOTHING;

  constructor(flow: Flow, protocols: Protocols, context: ProtocolContext) {
    this.flow = flow;
    this.protocols = protocols;
    this.#context = context;
  }

  get isMidstream(): boolean {
    return this.flow.midstream;
  }

  data(direction: Direction, bytes: Buffer, start: number, end: number, time: number): void {
    if (this.#hasEnded(direction)) return;
    const held = this.#held.find((one) => one.direction === direction);
    if (held === undefined) this.#begin({ direction, bytes, start, end, time });
    else this.#extend(held, { direction, bytes, start, end, time });
  }

  gap(direction: Direction, length: number, time: number): void {
    if (this.#hasEnded(direction)) return;
    this.#decide(this.protocols.midstream, emptyOpening(direction, time));
    this.flow.consumer?.gap(direction, length, time);
  }

  end(direction: Direction, cause: EndCause, time: number): void {
    const ended = { ...this.#placeOf(direction), direction, bytes: NO_BYTES, length: 0, end: cause, time };
    // Behind the second end nothing comes that could decide.
    if (this.#hasEnded(direction === 0 ? 1 : 0)) this.#held = this.#takeHeld().filter(isEnd);
    this.#held = [...this.#held, ended];
  }

  #hasEnded(direction: Direction): boolean {
    return this.#held.some((one) => isEnd(one) && one.direction === direction);
  }

  identify(bytes: Buffer, start: number, end: number, isStart: boolean): Verdict {
    for (const protocol of this.protocols.known) {
      if (!isStart && !protocol.isUnmistakable) continue;
      const recognition = protocol.recognise(bytes, start, end);
      if (recognition === Recognition.yes) return protocol;
      if (recognition === Recognition.maybe) return 'undecided';
    }
    return 'none';
  }

  joined(bytes: Buffer, start: number, end: number): Protocol | undefined {
    return this.protocols.known.find((protocol) => protocol.recogniseMidstream?.(bytes, start, end) === true);
  }

  handOver(protocol: Protocol, opening: Opening): void {
    this.#open(protocol, opening);
    this.#pass(opening);
  }

  detectAgain(): void {
    this.flow.consumer = new Detector(this.flow, this.protocols, this.#context);
  }

  /** The first bytes of a direction. */
  #begin(first: Opening): void {
    const { direction, bytes, end, time } = first;
    let { start } = first;
    // Each turn but the last passes a PROXY header: every balancer of a chain may have sent one.
    while (start < end) {
      let at = start;
      let headerEnd = proxyHeaderEnd(bytes, at, end);
      if (headerEnd === ProxyHeader.none) {
        // Empty lines begin nothing (RFC 9112 §2.2).
        at = behindEmptyLines(bytes, start, end);
        if (at === end) return;
        if (at > start) headerEnd = proxyHeaderEnd(bytes, at, end);
      }
      if (headerEnd > 0) {
        this.#noteProxy(direction, bytes, at, headerEnd);
        start = headerEnd;
        continue;
      }
      const opening = { direction, bytes, start: at, end, time };
      const verdict = headerEnd === ProxyHeader.incomplete ? 'undecided' : this.identify(bytes, at, end, true);
      if (verdict === 'undecided' && end - at <= this.#context.limits.head_bytes_max) {
        this.#hold(opening);
        return;
      }
      const joined = this.isMidstream && verdict === 'none' ? this.joined(bytes, at, end) : undefined;
      this.#decide(joined ?? this.#protocolOf(verdict, headerEnd), opening);
      this.#pass({ direction, bytes, start, end, time });
      return;
    }
  }

  /** A PROXY header that is whole belongs to no message, but names who is behind the balancer. */
  #noteProxy(direction: Direction, bytes: Buffer, at: number, end: number): void {
    const source = proxySourceOf(bytes, at, end);
    const { flow } = this;
    const before = flow.proxied?.direction === direction ? flow.proxied.sources : [];
    if (source !== null && before.length < PROXY_SOURCES_MAX)
      flow.proxied = { direction, sources: [...before, source] };
  }

  /** More bytes of a direction that has some held. */
  #extend(held: Held, next: Opening): void {
    const { direction, bytes, start, end, time } = next;
    const take = Math.min(end - start, this.#context.limits.head_bytes_max - held.length);
    const total = held.length + take;
    this.#grow(held, total);
    bytes.copy(held.bytes, held.length, start, start + take);
    const headerEnd = proxyHeaderEnd(held.bytes, 0, total);
    if (headerEnd > 0) {
      this.#noteProxy(direction, held.bytes, 0, headerEnd);
      const behind = start + headerEnd - held.length;
      this.#context.budget.remove(held.bytes.length);
      this.#held = this.#held.filter((one) => one !== held);
      this.#begin({ direction, bytes, start: behind, end, time });
      return;
    }
    // Empty lines begin nothing (RFC 9112 §2.2).
    const at = headerEnd === ProxyHeader.none ? behindEmptyLines(held.bytes, 0, total) : 0;
    const isUndecided = headerEnd === ProxyHeader.incomplete || at === total;
    const verdict = isUndecided ? 'undecided' : this.identify(held.bytes, at, total, true);
    // A run that grew behind what the other side sent since would be replayed out of order.
    const canWait = take === end - start && this.#held.at(-1) === held;
    if (verdict === 'undecided' && canWait) {
      held.length = total;
      held.position = this.flow.stream(direction).position;
      return;
    }
    this.#decide(this.#protocolOf(verdict, headerEnd), { direction, bytes: held.bytes, start: 0, end: total, time });
    this.#pass(next);
  }

  /** The protocol that gets the flow now. What is undecided still cannot be waited for; a PROXY header without end is none. */
  #protocolOf(verdict: Verdict, headerEnd: number): Protocol {
    if (verdict === 'undecided' && headerEnd === ProxyHeader.none) return this.protocols.midstream;
    if (verdict !== 'none' && verdict !== 'undecided') return verdict;
    return this.isMidstream ? this.protocols.midstream : this.protocols.unknown;
  }

  /** Gives the flow to `protocol`, and what was held to its consumer. */
  #decide(protocol: Protocol, opening: Opening): void {
    const held = this.#takeHeld();
    this.#open(protocol, opening);
    for (const { direction, bytes, length, position, acknowledges, end, time } of held) {
      // The consumer may change with every byte.
      if (end !== null) {
        this.flow.consumer?.end(direction, end, time);
        continue;
      }
      const stream = this.flow.stream(direction);
      const now = this.#placeOf(direction);
      Object.assign(stream, { position, acknowledges });
      this.flow.consumer?.data(direction, bytes, 0, length, time);
      Object.assign(stream, now);
    }
  }

  #placeOf(direction: Direction): { position: number; acknowledges: number } {
    const { position, acknowledges } = this.flow.stream(direction);
    return { position, acknowledges };
  }

  #open(protocol: Protocol, opening: Opening): void {
    const { counters, unreadFlows } = this.#context;
    if (protocol.counter !== null) counters[protocol.counter]++;
    unreadFlows.note(protocol.name, serverPort(this.flow));
    this.#context.onProtocol?.(this.flow, protocol.name);
    this.flow.consumer = protocol.open(this, opening);
  }

  #pass({ direction, bytes, start, end, time }: Opening): void {
    if (start < end) this.flow.consumer?.data(direction, bytes, start, end, time);
  }

  #hold({ direction, bytes, start, end, time }: Opening): void {
    const held: Held = { ...this.#placeOf(direction), direction, bytes: NO_BYTES, length: 0, end: null, time };
    this.#grow(held, end - start);
    bytes.copy(held.bytes, 0, start, end);
    held.length = end - start;
    this.#held = [...this.#held, held];
  }

  /** Makes room for `length` bytes. */
  #grow(held: Held, length: number): void {
    if (held.bytes.length >= length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(length, HELD_BYTES_MIN, held.bytes.length * 2));
    held.bytes.copy(grown, 0, 0, held.length);
    this.#context.budget.add(grown.length - held.bytes.length);
    held.bytes = grown;
  }

  #takeHeld(): readonly Held[] {
    const held = this.#held;
    this.#held = NOTHING;
    for (const one of held) this.#context.budget.remove(one.bytes.length);
    return held;
  }
}

/** The port connected to; of a flow joined in the middle the lower, since those of clients are high. */
function serverPort({ midstream, port0, port1 }: Flow): number {
  return midstream ? Math.min(port0, port1) : port1;
}

function isEnd(held: Held): boolean {
  return held.end !== null;
}
