/**
 * Packets → exchanges: the pure core of the sensor, from a batch of captured bytes to an HTTP exchange.
 *
 * in:  `PacketBatch`es, and the time while no packets come · out: `hooks.admit`, then `hooks.complete`
 *
 * No I/O, no clock, no log: the same packets give the same exchanges, live or from a file.
 */
import type { CaptureInterface, PacketBatch } from '../capture/packet-batch.js';
import type { Counters } from '../counters.js';
import { PacketDecoder } from '../decode/packet-decoder.js';
import type { Flow } from '../flow/flow.js';
import { TcpReassembler } from '../flow/tcp-reassembler.js';
import { BodyMemory } from '../http/body-buffer.js';
import { Detector } from '../http/detector.js';
import type { MessageSink } from '../http/message-sink.js';
import { createProtocols } from '../http/protocols.js';
import { TlsNames } from '../http/tls-names.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';
import { addressText } from './address.js';
import { type ConversationContext, type ExchangeHooks, openConversation } from './conversation.js';
import { Mark } from './exchange.js';
import { PendingExchanges } from './pending-exchanges.js';

export interface AssemblerContext {
  limits: Limits;
  counters: Counters;
  budget: MemoryBudget;
  /** The source's interfaces, by id; may grow. */
  interfaces: readonly CaptureInterface[];
  hooks: ExchangeHooks;
  /** Any 32-bit number, random in production: nobody outside may choose where flows land in the table. */
  hashSeed: number;
}

export class ExchangeAssembler {
  readonly #interfaces: readonly CaptureInterface[];
  readonly #decoder: PacketDecoder;
  readonly #reassembler: TcpReassembler;
  readonly #context: ConversationContext;
  readonly #tlsNames: TlsNames;
  /** The latest time seen. */
  #now = Number.NEGATIVE_INFINITY;

  constructor(context: AssemblerContext) {
    const { limits, counters, budget, hooks, hashSeed } = context;
    this.#interfaces = context.interfaces;
    const pending = new PendingExchanges(budget, (exchange) => hooks.complete(exchange));
    const bodies = new BodyMemory(limits.body_bytes_max, budget);
    this.#context = { limits, counters, budget, bodies, hooks, pending, timeBaseSeconds: 0 };
    this.#tlsNames = new TlsNames(limits, counters);
    const protocolContext = {
      limits,
      counters,
      budget,
      tlsNames: this.#tlsNames,
      openConversation: (flow: Flow, isMidstream: boolean) => this.#openConversation(flow, isMidstream),
    };
    const protocols = createProtocols(protocolContext);
    const openConsumer = (flow: Flow) => new Detector(flow, protocols, protocolContext);
    this.#decoder = new PacketDecoder(limits, counters);
    this.#reassembler = new TcpReassembler(limits, counters, budget, hashSeed, openConsumer);
  }

  /** Exchanges begun and neither dropped nor emitted. */
  get pendingCount(): number {
    return this.#context.pending.size;
  }

  get flowCount(): number {
    return this.#reassembler.flows.size;
  }

  /** Server names that TLS clients asked for, the latest first. */
  get tlsNames(): readonly string[] {
    return this.#tlsNames.latest();
  }

  push(batch: PacketBatch): void {
    const { counters, budget } = this.#context;
    const interfaces = this.#interfaces;
    const { wireLength, time, interfaceId } = batch;
    this.#context.timeBaseSeconds = batch.timeBaseSeconds;
    for (let i = 0; i < batch.count; i++) {
      const packetTime = time[i] as number;
      const id = interfaceId[i] as number;
      counters.packets_seen++;
      counters.packet_bytes_seen += wireLength[i] as number;
      if (this.#decoder.decode(batch, i, interfaces[id]?.linkType ?? -1)) {
        this.#reassembler.push(this.#decoder.segment, id, packetTime);
        if (budget.exceeded) this.#shed(packetTime);
      }
      if (packetTime > this.#now) this.advance(packetTime);
    }
  }

  /** Time is `now`, in nanoseconds since the time base; to be called while no packets come. */
  advance(now: number): void {
    this.#now = now;
    this.#reassembler.advance(now);
    const { pending, limits } = this.#context;
    const limit = now - limits.stream_timeout_nanos;
    for (let oldest = pending.oldest; oldest !== null && oldest.lastActive < limit; oldest = pending.oldest) {
      const hasResponse = oldest.exchange !== null && oldest.exchange.response !== null;
      pending.emit(oldest, hasResponse ? Mark.unfinished : 0);
    }
  }

  /** The kernel dropped packets before `time`: every exchange under way may have lost some. */
  noteDrops(time: number): void {
    this.#reassembler.noteDrops(time);
    for (let pending = this.#context.pending.oldest; pending !== null; pending = pending.newer) {
      if (pending.exchange !== null) pending.exchange.marks |= Mark.drops;
    }
  }

  /** The capture is over: every exchange ends as it is. */
  finish(): void {
    this.#reassembler.finish(this.#now);
    const { pending } = this.#context;
    for (let oldest = pending.oldest; oldest !== null; oldest = pending.oldest) {
      pending.emit(oldest, Mark.unfinished);
    }
  }

  /** Over the budget: sheds bodies, the least recently active exchange's first; then segments that wait; then flows. */
  #shed(time: number): void {
    const { budget, counters, pending } = this.#context;
    for (let oldest = pending.oldest; oldest !== null && !budget.relieved; oldest = oldest.newer) {
      for (const body of [oldest.requestBody, oldest.responseBody]) {
        if (body === null || body.reserved === 0) continue;
        counters.body_bytes_shed += body.shed();
        if (oldest.exchange !== null) oldest.exchange.marks |= Mark.shed;
      }
    }
    this.#reassembler.shed(time);
  }

  #openConversation(flow: Flow, isMidstream: boolean): readonly [MessageSink, MessageSink] {
    const name = this.#interfaces[flow.interfaceId]?.name ?? '';
    const first = { address: addressText(flow.word00, flow.word01, flow.word02, flow.word03), port: flow.port0 };
    const second = { address: addressText(flow.word10, flow.word11, flow.word12, flow.word13), port: flow.port1 };
    return openConversation(this.#context, name, [first, second], isMidstream);
  }
}
