/**
 * Packets → exchanges: the pure core of the sensor, from a batch of captured bytes to an HTTP exchange.
 *
 * in:  `PacketBatch`es, and the time while no packets come · out: `hooks.admit`, then `hooks.complete`
 *
 * No I/O, no clock, no log: the same packets give the same exchanges, live or from a file.
 */
import type { CaptureInterface, PacketBatch } from '../capture/packet-batch.js';
import { type Counters, countDropped, DropReason } from '../counters.js';
import { PacketDecoder } from '../decode/packet-decoder.js';
import type { Segment } from '../decode/segment.js';
import type { UnreadKind } from '../decode/unread-packets.js';
import type { Flow } from '../flow/flow.js';
import { QuicFlows, quicServerPort } from '../flow/quic-flows.js';
import { TcpReassembler } from '../flow/tcp-reassembler.js';
import { BodyMemory } from '../http/body-buffer.js';
import { Detector } from '../http/detector.js';
import { InflateWindows } from '../http/inflate-windows.js';
import { createProtocols } from '../http/protocols.js';
import { TlsNames } from '../http/tls-names.js';
import { type UnreadFlowKind, UnreadFlows } from '../http/unread-flows.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';
import { Clocks, OWN_CLOCK } from './clocks.js';
import { type ConversationContext, type ExchangeHooks, openConversation } from './conversation.js';
import { type Exchange, Mark, UNDECIDED } from './exchange.js';
import { BodyPart, openDeferred } from './exchange-parts.js';
import { Hops } from './hops.js';
import { PendingExchanges } from './pending-exchanges.js';
import { FlowRoute } from './route.js';
import { openExchanges } from './streamed-exchange.js';

/** Told of each connection whose bytes are read; never of a packet. */
export interface FlowObserver {
  onOpened(flow: Flow): void;
  /** Each time that it is given to a protocol. */
  onProtocol(flow: Flow, protocol: string): void;
  /** `isForgotten`: nobody waits for its end any more. */
  onClosed(flow: Flow, isForgotten: boolean): void;
}

export interface AssemblerContext {
  limits: Limits;
  counters: Counters;
  budget: MemoryBudget;
  /** The source's interfaces, by id; may grow. */
  interfaces: readonly CaptureInterface[];
  hooks: ExchangeHooks;
  /** Any 32-bit number, random in production: nobody outside may choose where flows land in the table. */
  hashSeed: number;
  /** Whether a connection that is seen in several places is told of once for each; once if absent. */
  keepDuplicates?: boolean;
  observer?: FlowObserver;
}

/** How often exchanges that wait are looked at, in nanoseconds of capture time. */
const LOOK_NANOS = 100e6;

export class ExchangeAssembler {
  readonly #interfaces: readonly CaptureInterface[];
  readonly #decoder: PacketDecoder;
  readonly #reassembler: TcpReassembler;
  readonly #context: ConversationContext;
  readonly #tlsNames: TlsNames;
  readonly #unreadFlows: UnreadFlows;
  readonly #hops: Hops;
  /** Whether there are several interfaces. */
  #isApart = false;
  readonly #clocks = new Clocks();
  /** When it was last looked for exchanges that have waited too long. */
  #lastLook = Number.NEGATIVE_INFINITY;
  /** When something is to be looked at next: no packet before that asks for more than this. */
  #passAt = Number.NEGATIVE_INFINITY;

  constructor(context: AssemblerContext) {
    const { limits, counters, budget, hooks, hashSeed, observer } = context;
    this.#interfaces = context.interfaces;
    this.#hops = new Hops({
      limits,
      counters,
      budget,
      keepsDuplicates: context.keepDuplicates ?? false,
      isApart: () => this.#isApart,
      underway: () => this.#context.pending.exchanges(),
      complete: (exchange) => hooks.complete(exchange),
    });
    const pending = new PendingExchanges(budget, {
      verdictBytesMax: limits.graphql_verdict_bytes_max,
      complete: (exchange) => this.#hops.end(exchange, this.#clocks.now),
      drop: (exchange, reason) => this.#drop(exchange, reason),
      withdraw: (exchange, reason) => this.#withdraw(exchange, reason),
      decide: (exchange) => hooks.decide?.(exchange) ?? DropReason.none,
    });
    const windows = new InflateWindows(limits.inflate_windows_bytes_max, budget, counters);
    const bodies = new BodyMemory(limits.body_bytes_max, budget);
    const admit = (exchange: Exchange) => this.#admit(exchange, hooks);
    this.#context = {
      limits,
      counters,
      budget,
      bodies,
      windows,
      hooks: { admit },
      pending,
      part: new BodyPart(),
      timeBaseSeconds: 0,
    };
    this.#tlsNames = new TlsNames(limits, counters);
    this.#unreadFlows = new UnreadFlows(limits.unread_flow_kinds_max);
    const protocolContext = {
      limits,
      counters,
      budget,
      windows,
      tlsNames: this.#tlsNames,
      unreadFlows: this.#unreadFlows,
      openConversation: (flow: Flow) => openConversation(this.#context, flow, this.#routeOf(flow)),
      ...(observer === undefined ? {} : { onProtocol: observer.onProtocol }),
      openExchanges: (flow: Flow, isMidstream: boolean) =>
        openExchanges(this.#context, this.#routeOf(flow), isMidstream),
    };
    const protocols = createProtocols(protocolContext);
    const openConsumer = (flow: Flow) => {
      if (observer !== undefined) flow.onClosed = (isForgotten) => observer.onClosed(flow, isForgotten);
      observer?.onOpened(flow);
      return new Detector(flow, protocols, protocolContext);
    };
    const quicFlows = new QuicFlows(limits, counters, hashSeed);
    const onQuic = (datagram: Segment) => {
      if (quicFlows.note(datagram)) this.#unreadFlows.note('quic', quicServerPort(datagram));
    };
    this.#decoder = new PacketDecoder(limits, counters, onQuic, budget);
    this.#reassembler = new TcpReassembler(limits, counters, budget, hashSeed, openConsumer);
    this.#reassembler.legs.keepsCopies = context.keepDuplicates ?? false;
  }

  /** Exchanges begun and neither dropped nor emitted. */
  get pendingCount(): number {
    return this.#context.pending.size + this.#context.pending.withheld + this.#hops.size;
  }

  get flowCount(): number {
    return this.#reassembler.flows.size;
  }

  /** Server names that TLS clients asked for, the latest first. */
  get tlsNames(): readonly string[] {
    return this.#tlsNames.latest();
  }

  /** Connections that are not read, by what they carry and their port, most first. */
  get unreadFlows(): readonly UnreadFlowKind[] {
    return this.#unreadFlows.list();
  }

  /** What packets carried that is not read, most first. */
  get unread(): readonly UnreadKind[] {
    return this.#decoder.unread.list();
  }

  push(batch: PacketBatch): void {
    const { counters, budget } = this.#context;
    const interfaces = this.#interfaces;
    const { wireLength, time, interfaceId } = batch;
    this.#context.timeBaseSeconds = batch.timeBaseSeconds;
    // Asked before any packet of another has come: a ring may have a whole connection in its first block.
    this.#isApart ||= areSeveral(interfaces);
    for (let i = 0; i < batch.count; i++) {
      const id = interfaceId[i] as number;
      const moment = this.#clocks.moment(id, time[i] as number);
      counters.packets_seen++;
      counters.packet_bytes_seen += wireLength[i] as number;
      if (this.#decoder.decode(batch, i, interfaces[id]?.linkType ?? -1, moment)) {
        this.#reassembler.push(this.#decoder.segment, id, moment);
        if (budget.exceeded) this.#shed(moment);
      }
      if (this.#clocks.now >= this.#passAt) this.#pass(this.#clocks.now);
    }
  }

  /** The sensor's own clock says `now`, in nanoseconds since the time base; to be called while no packets come. */
  advance(now: number): void {
    this.#clocks.moment(OWN_CLOCK, now);
    this.#pass(this.#clocks.now);
  }

  #pass(now: number): void {
    this.#reassembler.advance(now);
    // What waited for missing bytes goes on, and is kept elsewhere from here on.
    if (this.#context.budget.exceeded) this.#shed(now);
    if (now - this.#lastLook >= LOOK_NANOS) this.#look(now);
    this.#passAt = Math.min(this.#reassembler.sweepAt, this.#lastLook + LOOK_NANOS);
  }

  #look(now: number): void {
    this.#lastLook = now;
    this.#hops.advance(now);
    const { pending, limits } = this.#context;
    pending.giveUpWaiting(now - limits.response_timeout_nanos);
    pending.hurry(now, limits.stream_timeout_nanos);
    for (const lane of pending.unproven) lane.advance(now);
    for (const stream of pending.streams) {
      if (stream.until > now) break;
      stream.cut();
    }
    this.#cutQuiet(now - limits.stream_window_nanos);
  }

  /** Calls that have said nothing since `limit` last for longer than a window. */
  #cutQuiet(limit: number): void {
    const { pending } = this.#context;
    for (let one = pending.oldest; one !== null && one.lastActive < limit; ) {
      const { newer } = one;
      if (one.deferred !== 0) {
        openDeferred(this.#context, one, one.lastActive);
        one.stream?.cut();
      }
      one = newer;
    }
  }

  /** The kernel dropped packets before `time`: every exchange under way may have lost some. */
  noteDrops(time: number): void {
    this.#reassembler.noteDrops(this.#clocks.moment(OWN_CLOCK, time));
    for (let pending = this.#context.pending.oldest; pending !== null; pending = pending.newer) {
      if (pending.exchange !== null) pending.exchange.marks |= Mark.drops;
    }
  }

  /** The capture is over: every exchange ends as it is. */
  finish(): void {
    this.#decoder.finish();
    this.#reassembler.finish(this.#clocks.now);
    const { pending } = this.#context;
    for (let oldest = pending.oldest; oldest !== null; oldest = pending.oldest) {
      pending.emit(oldest, Mark.unfinished);
    }
    this.#hops.finish();
  }

  /**
   * Over the budget: gives up fragments, hands on exchanges that have ended and wait for the other hop; sheds flows that were never answered, and
   * those that have long been quiet; then bodies, the least recently active exchange's first; then segments that wait; then
   * flows.
   */
  #shed(time: number): void {
    const { budget, counters, pending } = this.#context;
    this.#decoder.shed();
    this.#hops.shed();
    this.#reassembler.shedQuiet(time);
    for (let oldest = pending.oldest; oldest !== null && !budget.relieved; oldest = oldest.newer) {
      if (oldest.deferred !== 0) openDeferred(this.#context, oldest, time);
      for (const body of [oldest.requestBody, oldest.responseBody]) {
        if (body === null || body.reserved === 0) continue;
        counters.body_bytes_shed += body.shed();
        if (oldest.exchange !== null) oldest.exchange.marks |= Mark.shed;
      }
      const messages = oldest.exchange?.messages;
      if (messages === undefined || messages.reserved === 0 || budget.relieved) continue;
      counters.body_bytes_shed += messages.shed();
      if (oldest.exchange !== null) oldest.exchange.marks |= Mark.shed;
    }
    this.#reassembler.shed(time);
    // What ended with its flow may wait now.
    this.#hops.shed();
  }

  #drop(exchange: Exchange, reason: DropReason): void {
    exchange.dropReason = reason;
    exchange.permit?.giveBack();
    exchange.permit = null;
    countDropped(this.#context.counters, reason);
    this.#hops.discard(exchange);
  }

  #withdraw(exchange: Exchange | null, reason: DropReason): void {
    const { counters } = this.#context;
    counters.requests_seen--;
    counters.exchanges_seen--;
    if (reason !== DropReason.none) countDropped(counters, reason, -1);
    if (exchange === null) return;
    exchange.permit?.giveBack();
    exchange.permit = null;
    this.#hops.discard(exchange);
  }

  #admit(exchange: Exchange, hooks: ExchangeHooks): DropReason | typeof UNDECIDED {
    const verdict = hooks.admit(exchange);
    if (verdict === DropReason.none || verdict === UNDECIDED) this.#hops.begin(exchange);
    return verdict;
  }

  #routeOf(flow: Flow): FlowRoute {
    return new FlowRoute(flow, this.#interfaces, this.#clocks);
  }
}

/** By id, which may be sparse. */
function areSeveral(interfaces: readonly CaptureInterface[]): boolean {
  let count = 0;
  for (const one of interfaces) if (one !== undefined) count++;
  return count > 1;
}
