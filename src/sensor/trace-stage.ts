/**
 * The last stages for one exchange: kept exchange → trace → redacted → outputs.
 *
 * Most traces are built at once. A large body is decoded beside the capture, and its trace comes late.
 */
import { type Counters, countDropped, DropReason } from '../counters.js';
import type { Logger } from '../log.js';
import type { TraceOutput } from '../output/output.js';
import type { Exchange } from '../pair/exchange.js';
import type { Trace } from '../trace/trace.js';
import type { TraceBuilder } from '../trace/trace-builder.js';
import type { Watch } from './watch.js';

export interface TraceStageContext {
  readonly build: TraceBuilder;
  /** Edits the trace. */
  readonly redact: (trace: Trace) => void;
  readonly output: TraceOutput;
  readonly watch: Pick<Watch, 'share'>;
  readonly counters: Counters;
  readonly log: Logger;
}

/** A capture file is read on while no more traces than this are late. */
const BUILDS_MAX = 64;

export class TraceStage {
  readonly #context: TraceStageContext;
  readonly #building = new Set<Promise<void>>();

  constructor(context: TraceStageContext) {
    this.#context = context;
  }

  accept(exchange: Exchange): void {
    const trace = this.#context.build(exchange);
    if (!(trace instanceof Promise)) {
      this.#send(trace);
      return;
    }
    const { counters, log } = this.#context;
    const late = trace
      .then(
        (built) => this.#send(built),
        (error: unknown) => {
          countDropped(counters, DropReason.undeliverable);
          log.error({ err: error }, 'a trace could not be built');
        },
      )
      .finally(() => this.#building.delete(late));
    this.#building.add(late);
  }

  /** What a capture file waits for before it is read on: outputs, and large bodies being decoded. */
  room(): Promise<void> | undefined {
    if (this.#building.size > BUILDS_MAX) return Promise.race(this.#building);
    return this.#context.output.drained?.();
  }

  /** Resolves when no trace is being built any more. */
  async finish(): Promise<void> {
    await Promise.all(this.#building);
  }

  #send(trace: Trace): void {
    const { watch, redact, output } = this.#context;
    if (watch.share !== null) trace.watchedShare = watch.share;
    redact(trace);
    output.accept(trace);
  }
}
