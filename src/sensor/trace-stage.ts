/**
 * The last stages for one exchange: kept exchange → trace → redacted → outputs.
 *
 * Most traces are made at once, or in the next turn where this one has made enough. A large one is made beside the capture, and
 * comes late: out of order while packets come by themselves; in order where a capture file can wait, which is read some way ahead
 * meanwhile.
 */
import { type Counters, countDropped, DropReason } from '../counters.js';
import type { Limits } from '../limits.js';
import type { Logger } from '../log.js';
import type { MemoryBudget } from '../memory-budget.js';
import { asBuffer } from '../output/ndjson.js';
import type { TraceOutput } from '../output/output.js';
import type { Exchange } from '../pair/exchange.js';
import type { AddressRange } from '../trace/address-range.js';
import { clientHeaders, clientOf } from '../trace/client.js';
import type { MessageDescriber } from '../trace/grpc-descriptors.js';
import type { Routes } from '../trace/route.js';
import type { Trace } from '../trace/trace.js';
import { outputOf } from '../trace/trace-batch.js';
import { type Draft, finishSmall } from '../trace/trace-builder.js';
import { headBytes } from './draft-memory.js';
import { LargeTraces } from './large-traces.js';
import { Slices } from './slices.js';
import { TraceTail } from './trace-tail.js';
import type { EncodingThread, EndsSettings, TraceThread } from './trace-thread.js';
import type { Watch } from './watch.js';

export interface TraceStageContext {
  readonly draft: (exchange: Exchange) => Draft;
  /** Edits the trace. */
  readonly redact: (trace: Trace) => void;
  readonly openThread: (memoryBytes: number) => TraceThread;
  /** Absent where there is to be no second thread for small traces. */
  readonly openEncoder?: (ends: EndsSettings, memoryBytes: number) => EncodingThread;
  /** Bytes of the heads and bodies of a trace that is made between packets. */
  readonly smallBytesMax: number;
  /** Says what messages of calls hold; null where nobody knows. */
  readonly describer: MessageDescriber | null;
  /** Whose word about a client counts. */
  readonly trustedProxies: readonly AddressRange[];
  readonly output: TraceOutput;
  /** Null where traces are not to have routes. */
  readonly routes: Routes | null;
  readonly watch: Pick<Watch, 'share'>;
  readonly limits: Limits;
  readonly budget: MemoryBudget;
  readonly counters: Counters;
  readonly log: Logger;
  /** Whether the source waits while there is no `room`. */
  readonly isFile: boolean;
  /** As `TraceTailContext` has it. */
  readonly tracesBefore?: number;
  /** Milliseconds; the machine's, if absent. */
  readonly now?: () => number;
}

const NO_REDACTIONS: NonNullable<Trace['redactions']> = [];
/** Kinds of failures that are logged. */
const KINDS_MAX = 32;
/** What a file is read ahead of the large trace that is being made: a few others like it, and no more than the outputs can hold at once. */
const AHEAD_BYTES_MAX = 4 << 20;
const AHEAD_OF_QUEUE = 1 / 8;
const AHEAD_EXCHANGES_MAX = 1024;
/** What all that is read, but not made yet, may take of the memory: as much is left as making the next trace may want. */
const AHEAD_OF_MEMORY = 1 / 4;
/** What an exchange takes while it waits, beside its texts and bodies. */
const EXCHANGE_BYTES = 1024;

/** What a trace is made by that may change while there are others. */
export type TraceRules = Pick<
  TraceStageContext,
  'redact' | 'openThread' | 'openEncoder' | 'smallBytesMax' | 'describer' | 'trustedProxies'
>;

export class TraceStage {
  #context: TraceStageContext;
  readonly #large: LargeTraces;
  /** Null where all is done in this thread, and in that of large traces. */
  readonly #tail: TraceTail | null;
  /** Exchanges, and traces without bodies that are still to be redacted. */
  readonly #slices: Slices<Exchange | Trace>;
  /** Kinds of failures that the log has. */
  readonly #told = new Set<string>();
  /** Exchanges of a file that come behind a large one. */
  #behind: Exchange[] = [];
  #behindBytes = 0;
  #whenIdle: (() => void)[] = [];
  /** By rule, in how many places of traces it replaced something. The rules are those of the tables and the user's own. */
  readonly redactions = new Map<string, number>();

  constructor(context: TraceStageContext) {
    const { limits, counters, budget, output, isFile, now = () => performance.now() } = context;
    this.#context = context;
    this.#tail = this.#openTail();
    this.#large = new LargeTraces({
      limits,
      counters,
      budget,
      output: { drained: () => this.#tail?.room() ?? output.drained?.() },
      isFile,
      openThread: (memoryBytes) => this.#context.openThread(memoryBytes),
      onTrace: (trace) => this.#send(trace),
      onBare: (trace) => this.#redactLater(trace),
      onLost: (step, error) => this.#lose(step, error),
      onPlace: () => this.#goOn(),
      now,
    });
    this.#slices = new Slices(budget, now, (work) => ('traceId' in work ? this.#redact(work) : this.#make(work)));
  }

  /** Makes traces by other rules from now on; one that is being made is finished by those that it began with. */
  use(rules: TraceRules): void {
    this.#context = { ...this.#context, ...rules };
    this.#large.renewThread();
    // It has the old ones. What comes meanwhile waits, so that it stays in order.
    void this.#tail?.close();
  }

  /** Never throws: an exchange that cannot be made a trace costs that exchange. */
  accept(exchange: Exchange): void {
    const { isFile, budget } = this.#context;
    if (!isFile) {
      const bytes = EXCHANGE_BYTES + exchangeBytes(exchange);
      if (this.#slices.accept(exchange, bytes)) return;
      // A large one waits for its thread, in room of its own.
      if (this.#isLarge(exchange)) this.#make(exchange);
      else if (contentBytes(exchange) === 0) this.#slices.hold(exchange, bytes);
      else this.#makeBare(exchange);
    } else if (this.#behind.length > 0 || !this.#mayMake(exchange)) {
      const bytes = exchangeBytes(exchange);
      budget.add(bytes);
      this.#behindBytes += bytes;
      this.#behind.push(exchange);
    } else this.#make(exchange);
  }

  /** Packets have been taken; `isBehind` says whether later ones wait, which then come first. */
  notePackets(isBehind: boolean): void {
    this.#slices.isBehind = isBehind;
  }

  /**
   * What is waited for before more packets are taken: what has no time left in its turn; where a capture file can wait, outputs
   * and large bodies being decoded.
   */
  room(): Promise<void> | undefined {
    if (!this.#context.isFile) return this.#slices.drained();
    if (!this.#isBusy) return this.#tail?.room() ?? this.#context.output.drained?.();
    return this.#mayReadAhead ? undefined : new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Whether exchanges of a file wait for those before them. */
  get #isBusy(): boolean {
    return this.#large.isBusy || this.#tail?.isClosing === true;
  }

  /** Whether an exchange of a file need not wait for those before it, but for being next in line. */
  #mayMake(exchange: Exchange): boolean {
    if (!this.#isBusy) return true;
    return this.#large.isBusy && this.#isLarge(exchange) && this.#large.mayFollow(exchangeBytes(exchange));
  }

  get #mayReadAhead(): boolean {
    const { budget, limits } = this.#context;
    return (
      this.#behind.length < AHEAD_EXCHANGES_MAX &&
      this.#behindBytes < Math.min(AHEAD_BYTES_MAX, limits.queue_bytes_max * AHEAD_OF_QUEUE) &&
      budget.used - this.#large.making < budget.max * AHEAD_OF_MEMORY
    );
  }

  /** Resolves when no trace is being made any more; `millis` is how long bodies may still take. */
  async finish(millis: number): Promise<void> {
    do {
      await this.#slices.finish();
      await this.#large.finish(millis);
      await this.#tail?.idle();
    } while (this.#isBusy || this.#slices.isWaiting);
    await this.#tail?.close();
  }

  #make(exchange: Exchange): void {
    let trace: Trace | null;
    try {
      const draft = this.#context.draft(exchange);
      trace = this.#isLarge(exchange) ? null : finishSmall(draft, this.#contentLimits);
      if (trace === null) {
        this.#large.accept(draft);
        return;
      }
    } catch (error) {
      this.#lose('built', error);
      return;
    }
    this.#redact(trace);
  }

  #isLarge(exchange: Exchange): boolean {
    return exchangeBytes(exchange) > this.#context.smallBytesMax;
  }

  get #contentLimits() {
    return { bodyBytesMax: this.#context.limits.body_bytes_max, describer: this.#context.describer };
  }

  /** There is no room for its bodies to wait in. */
  #makeBare(exchange: Exchange): void {
    try {
      this.#large.acceptBare(this.#context.draft(exchange));
    } catch (error) {
      this.#lose('built', error);
    }
  }

  /** A trace without bodies, which another one has left no room or time for. */
  #redactLater(trace: Trace): void {
    const bytes = EXCHANGE_BYTES + 2 * headBytes(trace);
    if (this.#context.isFile) this.#redact(trace);
    else if (!this.#slices.accept(trace, bytes)) this.#slices.hold(trace, bytes);
  }

  #redact(trace: Trace): void {
    if (this.#tail?.take(trace, false) === true) {
      this.#count(trace);
      return;
    }
    try {
      this.#context.redact(trace);
    } catch (error) {
      // What could not be searched for secrets does not leave.
      this.#lose('redacted', error);
      return;
    }
    this.#send(trace);
  }

  #count({ graphql }: Trace): void {
    if (graphql !== undefined) this.#context.counters.graphql_requests++;
  }

  #countRedactions(rule: string, places: number): void {
    this.redactions.set(rule, (this.redactions.get(rule) ?? 0) + places);
  }

  /** What it returns is waited for by those behind it. */
  #send(trace: Trace): Promise<void> | undefined {
    const { watch } = this.#context;
    this.#count(trace);
    if (watch.share !== null) trace.watchedShare = watch.share;
    for (const { rule } of trace.redactions ?? NO_REDACTIONS) this.#countRedactions(rule, 1);
    const tail = this.#tail;
    if (tail?.take(trace, true) === true) return undefined;
    if (tail?.isBusy === true) return tail.idle().then(() => this.#handOver(trace));
    this.#handOver(trace);
    return undefined;
  }

  #handOver(trace: Trace): void {
    const { output, trustedProxies } = this.#context;
    const route = this.#context.routes?.of(trace) ?? null;
    if (route !== null) trace.route = route;
    try {
      // From what may leave: a header that was replaced names nobody.
      trace.client = clientOf(trace.network.client, clientHeaders(trace.request), trustedProxies);
      output.accept(trace);
    } catch (error) {
      this.#lose('handed over', error);
    }
  }

  /** A large trace of a file is made: those behind it follow, up to the next large one. */
  #goOn(): void {
    const { budget } = this.#context;
    const behind = this.#behind;
    this.#behind = [];
    let next = 0;
    for (; next < behind.length && this.#mayMake(behind[next] as Exchange); next++) {
      const exchange = behind[next] as Exchange;
      const bytes = exchangeBytes(exchange);
      budget.remove(bytes);
      this.#behindBytes -= bytes;
      this.#make(exchange);
    }
    this.#behind = behind.slice(next);
    if (this.#isBusy && !this.#mayReadAhead) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #openTail(): TraceTail | null {
    const { isFile, openEncoder, output, budget, counters, routes, tracesBefore } = this.#context;
    const { lines } = output;
    if (!isFile || openEncoder === undefined || lines === undefined) return null;
    return new TraceTail({
      ...{ lines, budget },
      ...(tracesBefore === undefined ? {} : { tracesBefore }),
      open: (memoryBytes) => {
        const { trustedProxies } = this.#context;
        return openEncoder({ format: lines.format, trustedProxies }, memoryBytes);
      },
      routes: () => routes?.known,
      onEncoded: ({ pieces, beyond, memory, redactions, lost, textsEvicted }) => {
        counters.redaction_texts_evicted += textsEvicted;
        for (const [rule, places] of redactions) this.#countRedactions(rule, places);
        for (const { step, error } of lost) this.#lose(step, error);
        const output = outputOf({ memory });
        let at = 0;
        for (const { bytes, traces } of pieces) {
          lines.accept(output.subarray(at, at + bytes), traces);
          at += bytes;
        }
        for (const line of beyond) lines.accept(asBuffer(line), 1);
      },
      onLost: (traces, error) => {
        for (let i = 0; i < traces; i++) this.#lose('encoded', error);
      },
      onClosed: () => this.#goOn(),
    });
  }

  /** The log has each kind of failure once: what is on the wire may bring it about as often as it likes. */
  #lose(step: string, error: unknown): void {
    const { counters, log } = this.#context;
    countDropped(counters, DropReason.undeliverable);
    const kind = `${step} ${error instanceof Error ? error.name : typeof error}`;
    if (this.#told.has(kind) || this.#told.size >= KINDS_MAX) return;
    this.#told.add(kind);
    log.error({ err: error }, `a trace could not be ${step}; others of this kind are counted as undeliverable`);
  }
}

/** Bytes of its heads and of what was kept of its bodies. */
function exchangeBytes(exchange: Exchange): number {
  const { request, response } = exchange;
  const heads = request.target.length + request.headers.textLength + (response?.headers.textLength ?? 0);
  return heads + contentBytes(exchange);
}

/** Bytes kept of its bodies and messages. */
function contentBytes({ request, response, messages }: Exchange): number {
  return (messages?.keptBytes ?? 0) + request.body.keptBytes + (response?.body.keptBytes ?? 0);
}
