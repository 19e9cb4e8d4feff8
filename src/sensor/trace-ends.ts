/**
 * The ends of small traces, in a thread: redacted, with their routes and clients, as lines.
 *
 * in: `BatchOrder`s · out: `EncodedTraces`
 */
import { NDJSON_SHAPE, type PieceEncoder, type Shape } from '../output/file/file-output.js';
import type { AddressRange } from '../trace/address-range.js';
import { clientHeaders, clientOf } from '../trace/client.js';
import { Routes } from '../trace/route.js';
import type { Trace } from '../trace/trace.js';
import { outputOf, TraceBatchReader } from '../trace/trace-batch.js';
import type { BatchOrder, EncodedTraces, EndsSettings } from './trace-thread.js';

const SHAPES: Readonly<Record<EndsSettings['format'], Shape>> = { ndjson: NDJSON_SHAPE };
/** What a file takes at once: several are written together. */
const PIECE_BYTES = 1 << 16;

export class TraceEnds {
  readonly #redact: (trace: Trace) => void;
  readonly #shape: Shape;
  readonly #encoder: PieceEncoder | null;
  readonly #reader = new TraceBatchReader();
  #output: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  /** Where the next line goes, where those begin that are no piece yet, and how many these are. */
  #at = 0;
  #pieceAt = 0;
  #traces = 0;
  #pieces: { bytes: number; traces: number }[] = [];
  #beyond: Buffer[] = [];
  #routes: Routes | null = null;
  readonly #trustedProxies: readonly AddressRange[];

  constructor({ format, trustedProxies }: EndsSettings, redact: (trace: Trace) => void) {
    this.#redact = redact;
    this.#shape = SHAPES[format];
    this.#encoder = this.#shape.openBytes?.() ?? null;
    this.#trustedProxies = trustedProxies;
  }

  /** A trace that fails costs that trace. */
  encode({ batch, routes }: BatchOrder): Omit<EncodedTraces, 'textsEvicted'> {
    if (routes !== undefined) this.#routes = new Routes(routes.max, routes);
    const redactions = new Map<string, number>();
    const lost: { step: string; error: Error }[] = [];
    this.#begin(outputOf(batch));
    this.#reader.begin(batch);
    for (let i = 0; i < batch.count; i++) {
      const { trace, isRedacted } = this.#reader.read(batch);
      let step = 'redacted';
      try {
        if (!isRedacted) {
          this.#redact(trace);
          if (trace.redactions !== undefined) countRules(trace.redactions, redactions);
        }
        step = 'handed over';
        this.#encode(trace);
      } catch (error) {
        lost.push({ step, error: error instanceof Error ? error : new Error(String(error)) });
      }
    }
    this.#endPiece();
    return { pieces: this.#pieces, beyond: this.#beyond, redactions, lost, memory: batch.memory };
  }

  #begin(output: Buffer<ArrayBufferLike>): void {
    this.#output = output;
    this.#at = this.#pieceAt = this.#traces = 0;
    this.#pieces = [];
    this.#beyond = [];
  }

  #endPiece(): void {
    if (this.#traces > 0) this.#pieces.push({ bytes: this.#at - this.#pieceAt, traces: this.#traces });
    this.#pieceAt = this.#at;
    this.#traces = 0;
  }

  #encode(trace: Trace): void {
    const route = this.#routes?.of(trace) ?? null;
    if (route !== null) trace.route = route;
    // From what may leave: a header that was replaced names nobody.
    trace.client = clientOf(trace.network.client, clientHeaders(trace.request), this.#trustedProxies);
    const encoder = this.#encoder;
    const bytes = encoder?.encode(trace) ?? -1;
    const at = this.#at;
    // Behind what had no room everything has none, as lines stay in their order.
    if (encoder !== null && bytes >= 0 && this.#beyond.length === 0 && at + bytes <= this.#output.length) {
      encoder.copy(this.#output, at, bytes);
      this.#at = at + bytes;
      this.#traces++;
      if (this.#at - this.#pieceAt >= PIECE_BYTES) this.#endPiece();
    } else this.#writeText(trace);
  }

  #writeText(trace: Trace): void {
    const text = Buffer.from(this.#shape.encode(trace));
    if (this.#beyond.length > 0 || this.#at + text.length > this.#output.length) {
      this.#beyond.push(text);
      return;
    }
    this.#at += text.copy(this.#output, this.#at);
    this.#traces++;
  }
}

function countRules(redactions: NonNullable<Trace['redactions']>, into: Map<string, number>): void {
  for (const { rule } of redactions) into.set(rule, (into.get(rule) ?? 0) + 1);
}
