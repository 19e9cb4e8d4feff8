/**
 * Packets → exchanges: the pure core of the sensor, from a batch of captured bytes to an HTTP exchange.
 *
 * in:  `PacketBatch`es, and the time where no packet tells it · out: `hooks.admit`, then `hooks.complete`
 *
 * No I/O, no clock, no log: the same packets give the same exchanges, live or from a file.
 */
import type { CaptureInterface, PacketBatch } from '../capture/packet-batch.js';
import type { Counters } from '../counters.js';
import { PacketDecoder } from '../decode/packet-decoder.js';
import type { Flow } from '../flow/flow.js';
import { TcpReassembler } from '../flow/tcp-reassembler.js';
import { TlsNames } from '../http/tls-names.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';
import { addressText } from './address.js';
import { Conversation, type ConversationContext, type ExchangeHooks, handOn } from './conversation.js';
import { Mark } from './exchange.js';
import { PendingExchanges } from './pending-exchanges.js';

export interface AssemblerOptions {
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
  readonly #options: AssemblerOptions;
  readonly #decoder: PacketDecoder;
  readonly #reassembler: TcpReassembler;
  readonly #context: ConversationContext;
  /** The latest time seen. */
  #now = Number.NEGATIVE_INFINITY;

  constructor(options: AssemblerOptions) {
    const { limits, counters, budget, hooks } = options;
    this.#options = options;
    const pending = new PendingExchanges();
    const tlsNames = new TlsNames(limits, counters);
    this.#context = { limits, counters, budget, hooks, pending, tlsNames, timeBaseSeconds: 0 };
    this.#decoder = new PacketDecoder(limits, counters);
    this.#reassembler = new TcpReassembler(limits, counters, budget, options.hashSeed, (flow) => this.#converse(flow));
  }

  /** Exchanges begun and neither dropped nor handed on. */
  get pendingCount(): number {
    return this.#context.pending.size;
  }

  get flowCount(): number {
    return this.#reassembler.flows.size;
  }

  /** Server names that TLS clients asked for, the latest first. */
  get tlsNames(): readonly string[] {
    return this.#context.tlsNames.latest();
  }

  push(batch: PacketBatch): void {
    const { interfaces, counters, budget } = this.#options;
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

  /** Time is `now`, in nanoseconds since the time base, whether packets come or not. */
  advance(now: number): void {
    this.#now = now;
    this.#reassembler.advance(now);
    const { pending, limits } = this.#context;
    const limit = now - limits.stream_timeout_nanos;
    for (let oldest = pending.oldest; oldest !== null && oldest.lastActive < limit; oldest = pending.oldest) {
      const hasResponse = oldest.exchange !== null && oldest.exchange.response !== null;
      handOn(this.#context, oldest, hasResponse ? Mark.unfinished : 0);
    }
  }

  /** The kernel dropped packets before `time`: whatever is under way may be the worse for it. */
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
      handOn(this.#context, oldest, Mark.unfinished);
    }
  }

  /** Over the budget: bodies before heads, the least recently active first; then what waits for missing segments; then flows. */
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

  #converse(flow: Flow): Conversation {
    const name = this.#options.interfaces[flow.interfaceId]?.name ?? '';
    const client = { address: addressText(flow.word00, flow.word01, flow.word02, flow.word03), port: flow.port0 };
    const server = { address: addressText(flow.word10, flow.word11, flow.word12, flow.word13), port: flow.port1 };
    return new Conversation(this.#context, name, client, server, flow.midstream);
  }
}
