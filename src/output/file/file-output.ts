/**
 * Traces to stdout or a file: NDJSON or HAR.
 *
 * in: `Trace`s · out: the file; what became of each trace, to the books
 */
import type { Limits } from '../../limits.js';
import type { Trace } from '../../trace/trace.js';
import type { Books } from '../books.js';
import type { Clock } from '../clock.js';
import { type FoldedWarnings, foldWarnings } from '../fold.js';
import { bodyBytes, encodeLarge, LARGE_BODY_BYTES } from '../large-body.js';
import type { Log } from '../log.js';
import { encodeNdjson } from '../ndjson.js';
import type { TraceOutput } from '../output.js';
import { type AppendFile, openAppendFile } from './append-file.js';
import { encodeHarEntry, HAR_TAIL, harHead } from './har.js';

export interface FileOutputContext {
  format: 'ndjson' | 'har';
  /** A path; null is stdout. */
  path: string | null;
  /** Whether packets come while traces are encoded, so that a large body must not hold them up. */
  isLive: boolean;
  sensorVersion: string;
  books: Books;
  limits: Limits;
  log: Log;
  clock: Clock;
}

/** How a format writes traces one after the other. */
interface Shape {
  readonly head: string;
  readonly separator: string;
  readonly tail: string;
  readonly encode: (trace: Trace) => string;
}

/** @throws SensorError if the file cannot be opened */
export async function openFileOutput(context: FileOutputContext): Promise<FileOutput> {
  const { format, path, sensorVersion, books, limits, log, clock } = context;
  const shape: Shape =
    format === 'ndjson'
      ? { head: '', separator: '', tail: '', encode: (trace) => `${encodeNdjson(trace)}\n` }
      : { head: harHead(sensorVersion), separator: ',\n', tail: HAR_TAIL, encode: encodeHarEntry };
  const warnings = foldWarnings(log, clock);
  const onLost = (count: number, reason: string): void => lose(context, warnings, count, reason);
  const file = await openAppendFile({
    ...shape,
    target: path ?? 1,
    queue_bytes_max: limits.queue_bytes_max,
    onWritten: (count) => books.accountExported(count),
    onLost,
  });
  return new FileOutput(context, file, shape.encode, onLost);
}

export class FileOutput implements TraceOutput {
  readonly #context: FileOutputContext;
  readonly #file: AppendFile;
  readonly #encode: (trace: Trace) => string;
  readonly #onLost: (count: number, reason: string) => void;
  /** Large bodies, being encoded a slice at a time. */
  readonly #encoding = new Set<Promise<void>>();
  #encodingBytes = 0;

  constructor(
    context: FileOutputContext,
    file: AppendFile,
    encode: (trace: Trace) => string,
    onLost: (count: number, reason: string) => void,
  ) {
    this.#context = context;
    this.#file = file;
    this.#encode = encode;
    this.#onLost = onLost;
  }

  accept(trace: Trace): void {
    const { isLive, limits } = this.#context;
    const bytes = isLive ? bodyBytes(trace) : 0;
    if (bytes < LARGE_BODY_BYTES) this.#encodeNow(trace);
    else if (this.#file.held + this.#encodingBytes + bytes <= limits.queue_bytes_max) this.#encodeSliced(trace, bytes);
    else this.#onLost(1, 'too many large bodies at once');
  }

  drained(): Promise<void> | undefined {
    return this.#file.drained();
  }

  async close(deadlineMillis: number): Promise<void> {
    await Promise.all(this.#encoding);
    await this.#file.close(deadlineMillis);
  }

  /** A trace that cannot be encoded costs that trace. */
  #encodeNow(trace: Trace): void {
    let piece: string;
    try {
      piece = this.#encode(trace);
    } catch (error) {
      this.#onLost(1, String(error));
      return;
    }
    this.#file.append(piece);
  }

  #encodeSliced(trace: Trace, bytes: number): void {
    this.#encodingBytes += bytes;
    const encoded = encodeLarge(trace, (outline) => Buffer.from(this.#encode(outline)))
      .then(
        (piece) => this.#file.append(piece),
        (error: unknown) => this.#onLost(1, String(error)),
      )
      .finally(() => {
        this.#encodingBytes -= bytes;
        this.#encoding.delete(encoded);
      });
    this.#encoding.add(encoded);
  }
}

function lose(
  { books, format, path }: FileOutputContext,
  warnings: FoldedWarnings,
  count: number,
  reason: string,
): void {
  books.accountLost(count);
  warnings.warn(reason, { output: format, path: path ?? 'stdout', traces: count, reason }, 'an output lost traces');
}
