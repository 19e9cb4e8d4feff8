/**
 * Runs packets made by a test through the engine, and checks what must hold of every run: the books add up, nothing
 * stays in flight, the memory budget ends at exactly zero.
 */
import { expect } from 'vitest';
import { type CaptureInterface, createPacketBatch } from '../../src/capture/packet-batch.js';
import { type Counters, createCounters, DropReason, exchangesInFlight } from '../../src/counters.js';
import { bodyBytes, type MessageBody } from '../../src/http/message-body.js';
import { DEFAULT_LIMITS, type Limits } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import { type Exchange, markNames, type UNDECIDED } from '../../src/pair/exchange.js';
import { ExchangeAssembler } from '../../src/pair/exchange-assembler.js';

export interface Packet {
  frame: Buffer;
  /** Nanoseconds. */
  time: number;
  linkType?: number;
  /** Bytes of the frame that the capture kept. */
  captured?: number;
}

export interface RunOptions {
  limits?: Partial<Limits>;
  admit?(exchange: Exchange): DropReason | typeof UNDECIDED;
  /** Asked again where `admit` did not say. */
  decide?(exchange: Exchange): DropReason;
  keepDuplicates?: boolean;
  /** Packets a batch. */
  batch?: number;
  /** When the kernel says that it dropped packets, in nanoseconds; before the first packet. */
  drops?: number;
  /** The interfaces there are before the first packet, by link type; each other comes with its first packet. */
  linkTypes?: readonly number[];
}

export interface RunResult {
  exchanges: Exchange[];
  counters: Counters;
  /** For each exchange, the time of the packet at which it was emitted; infinite at the capture's end. */
  emittedAt: number[];
  /** The most the budget was ever used. */
  budgetPeak: number;
}

const ETHERNET = 1;

/** One run, fed packet by packet; `end` closes it and checks the books. */
export class EngineRun {
  readonly counters = createCounters();
  readonly exchanges: Exchange[] = [];
  readonly emittedAt: number[] = [];
  readonly budget: MemoryBudget;
  readonly assembler: ExchangeAssembler;
  budgetPeak = 0;
  /** Link types are interface ids here, so that a test may mix them. */
  readonly #interfaces: CaptureInterface[] = [];
  #now = 0;
  readonly #batch;
  #used = 0;

  constructor(options: RunOptions = {}, keep: (exchange: Exchange) => boolean = () => true) {
    const { limits, admit, decide, batch = 64, keepDuplicates = false, linkTypes = [] } = options;
    const all = { ...DEFAULT_LIMITS, ...limits };
    this.budget = new MemoryBudget(all.memory_bytes_max);
    this.#batch = createPacketBatch(batch);
    this.#batch.bytes = Buffer.alloc(1 << 20);
    this.#batch.timeBaseSeconds = 1_700_000_000;
    for (const linkType of linkTypes) this.#add(linkType);
    this.assembler = new ExchangeAssembler({
      limits: all,
      counters: this.counters,
      budget: this.budget,
      interfaces: this.#interfaces,
      hashSeed: 1,
      keepDuplicates,
      hooks: {
        admit: admit ?? (() => DropReason.none),
        ...(decide === undefined ? {} : { decide }),
        complete: (exchange) => {
          this.counters.exchanges_exported++;
          if (!keep(exchange)) return;
          this.exchanges.push(exchange);
          this.emittedAt.push(this.#now);
        },
      },
    });
  }

  push({ frame, time, linkType = ETHERNET, captured = frame.length }: Packet): void {
    const batch = this.#batch;
    if (batch.count === batch.offset.length || this.#used + captured > batch.bytes.length) this.flush();
    this.#add(linkType);
    const i = batch.count++;
    frame.copy(batch.bytes, this.#used, 0, captured);
    batch.offset[i] = this.#used;
    batch.capturedLength[i] = captured;
    batch.wireLength[i] = frame.length;
    batch.time[i] = time;
    batch.interfaceId[i] = linkType;
    this.#used += captured;
    if (batch.offset.length === 1) this.flush();
  }

  #add(linkType: number): void {
    this.#interfaces[linkType] ??= { id: linkType, name: `if${linkType}`, linkType };
  }

  flush(): void {
    const batch = this.#batch;
    this.#now = batch.time[Math.max(0, batch.count - 1)] ?? 0;
    this.assembler.push(batch);
    this.budgetPeak = Math.max(this.budgetPeak, this.budget.used);
    // Nobody may look at a batch once it was taken.
    batch.bytes.fill(0xee, 0, this.#used);
    batch.count = 0;
    this.#used = 0;
  }

  end(): RunResult {
    this.flush();
    expect(exchangesInFlight(this.counters)).toBe(this.assembler.pendingCount);
    this.#now = Number.POSITIVE_INFINITY;
    this.assembler.finish();
    expect(this.assembler.pendingCount).toBe(0);
    expect(this.assembler.flowCount).toBe(0);
    expect(exchangesInFlight(this.counters)).toBe(0);
    expect(this.budget.used).toBe(0);
    const { exchanges, counters, emittedAt, budgetPeak } = this;
    return { exchanges, counters, emittedAt, budgetPeak };
  }
}

export function runPackets(packets: readonly Packet[], options: RunOptions = {}): RunResult {
  const run = new EngineRun({ batch: 1, ...options });
  if (options.drops !== undefined) run.assembler.noteDrops(options.drops);
  for (const packet of packets) run.push(packet);
  return run.end();
}

/** An exchange on a line: `POST /a "body" → 200 "answer" {marks}`. */
export function line(exchange: Exchange): string {
  const { request, response } = exchange;
  const parts = [request.method, request.target, content(request.body), '→'];
  if (response === null) parts.push('nothing');
  else parts.push(String(response.status), content(response.body));
  const marks = markNames(exchange.marks);
  if (marks.length > 0) parts.push(`{${marks.join(', ')}}`);
  return parts.filter((part) => part !== '').join(' ');
}

function content(body: MessageBody): string {
  if (body.wireBytes === 0 && !body.truncated) return '';
  const text = `"${Buffer.from(bodyBytes(body)).toString('latin1')}"`;
  return body.truncated ? `${text}… of ${body.wireBytes}` : text;
}
