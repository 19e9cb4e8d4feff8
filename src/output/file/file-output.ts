/**
 * Traces to stdout or a file, in a shape such as NDJSON or HAR.
 *
 * in: `Trace`s · out: the file; what became of each trace, to the books
 */
import type { Limits } from '../../limits.js';
import type { Trace } from '../../trace/trace.js';
import type { Books } from '../books.js';
import type { Clock } from '../clock.js';
import { type FoldedWarnings, foldWarnings } from '../fold.js';
import { bodyBytes, ENCODED_FACTOR, encodeLarge, LARGE_BODY_BYTES } from '../large-body.js';
import type { Log } from '../log.js';
import { encodeNdjson } from '../ndjson.js';
import { openNdjsonBytes } from '../ndjson-bytes.js';
import type { EncodedLines, TraceOutput } from '../output.js';
import { withoutBodies } from '../without-bodies.js';
import { type AppendFile, openAppendFile } from './append-file.js';
import { encodeHarEntry, HAR_TAIL, harHead } from './har.js';
import { openTarget } from './open-target.js';

export interface FileOutputContext {
  shape: Shape;
  /** As `--output` names it. */
  name: string;
  /** The option and its value, for errors; `--output`, if absent. */
  option?: string;
  /** A path; null is stdout. */
  path: string | null;
  /** Whether what the file holds already may go. */
  replace: boolean;
  /** The capture file that is being read; null while packets come by themselves. */
  read: string | null;
  /** Whether packets come while traces are encoded, so that a large body must not hold them up. */
  isLive: boolean;
  books: Books;
  limits: Limits;
  log: Log;
  clock: Clock;
}

/** Another process may write to what standard output is, so nothing of it is cut. */
const STDOUT = { handle: null, isFile: false, isTorn: false };

/** How a format writes traces one after the other. */
export interface Shape {
  readonly head: string;
  readonly separator: string;
  readonly tail: string;
  readonly encode: (trace: Trace) => string;
  /** A quicker way to the same bytes; absent where there is none. */
  readonly openBytes?: () => PieceEncoder | null;
  /** By what name another thread knows how to encode it; absent where only this one does. */
  readonly format?: EncodedLines['format'];
  /** Whether each trace is a line, so that a file can be gone on with. */
  readonly piecesAreLines: boolean;
  /** Whether it has bodies as JSON strings, which a large one takes long to become. */
  readonly bodiesAreJson: boolean;
}

/** Encodes a trace, and then copies what it has encoded. */
export interface PieceEncoder {
  /** How many bytes it becomes; -1 where it must be encoded otherwise. */
  encode(trace: Trace): number;
  copy(target: Buffer, at: number, bytes: number): void;
}

export const NDJSON_SHAPE: Shape = {
  head: '',
  separator: '',
  tail: '',
  encode: (trace) => `${encodeNdjson(trace)}\n`,
  openBytes: openNdjsonBytes,
  format: 'ndjson',
  piecesAreLines: true,
  bodiesAreJson: true,
};

export function harShape(sensorVersion: string): Shape {
  return {
    head: harHead(sensorVersion),
    separator: ',\n',
    tail: HAR_TAIL,
    encode: encodeHarEntry,
    piecesAreLines: false,
    bodiesAreJson: true,
  };
}

/** @throws UsageError, SensorError where the file cannot be opened, or would lose what it holds */
export async function openFileOutput(context: FileOutputContext): Promise<FileOutput> {
  const { shape, name, path, replace, read, books, limits, log, clock } = context;
  const { option = `--output ${name}:${path}` } = context;
  const warnings = foldWarnings(log, clock);
  const onLost = (count: number, reason: string): void => lose(context, warnings, count, reason);
  let onBroken: () => void = () => {};
  const broken = new Promise<void>((resolve) => {
    onBroken = resolve;
  });
  const target =
    path === null ? STDOUT : await openTarget({ option, path, appends: shape.piecesAreLines, replace, read });
  if (target.isTorn)
    log.warn({ file: path }, 'the file ends in the middle of a line; the next trace begins on a new one');
  const file = await openAppendFile(target, {
    ...shape,
    queue_bytes_max: limits.queue_bytes_max,
    onWritten: (count) => books.accountExported(count),
    onLost,
    onBroken: () => onBroken(),
  });
  return new FileOutput({ context, file, onLost, broken });
}

interface FileOutputParts {
  context: FileOutputContext;
  file: AppendFile;
  onLost: (count: number, reason: string) => void;
  broken: Promise<void>;
}

export class FileOutput implements TraceOutput {
  readonly #context: FileOutputContext;
  readonly #file: AppendFile;
  readonly #onLost: (count: number, reason: string) => void;
  /** Bytes of bodies from which on they are encoded a slice at a time: of a capture file, where they may not fit. */
  readonly #largeBytes: number;
  readonly #encoder: PieceEncoder | null;
  readonly #copy: PieceEncoder['copy'] = (target, at, bytes) => this.#encoder?.copy(target, at, bytes);
  /** Traces with large bodies, one being encoded a slice at a time, and those that wait for it. */
  #line: Promise<void> = Promise.resolve();
  #encodingTraces = 0;
  #encodingBytes = 0;
  readonly broken: Promise<void>;
  readonly lines?: EncodedLines;

  constructor({ context, file, onLost, broken }: FileOutputParts) {
    this.#context = context;
    this.#file = file;
    const { isLive, limits } = context;
    this.#largeBytes = isLive
      ? LARGE_BODY_BYTES
      : Math.max(LARGE_BODY_BYTES, limits.queue_bytes_max / (2 * ENCODED_FACTOR));
    this.#onLost = onLost;
    this.#encoder = context.shape.openBytes?.() ?? null;
    this.broken = broken;
    const { format } = context.shape;
    if (format !== undefined)
      this.lines = {
        format,
        bodyBytesMax: this.#largeBytes,
        accept: (lines, traces) => file.appendCopied(lines.length, (target, at) => void lines.copy(target, at), traces),
      };
  }

  accept(trace: Trace): void {
    const { limits, shape } = this.#context;
    const bytes = shape.bodiesAreJson ? bodyBytes(trace) : 0;
    const held = this.#file.held + this.#encodingBytes;
    if (bytes < this.#largeBytes) this.#encodeNow(trace);
    else if (this.#encodingTraces === 0 || held + bytes <= limits.queue_bytes_max)
      this.#standInLine(trace, Math.min(bytes, limits.queue_bytes_max));
    else this.#encodeNow(withoutBodies(trace));
  }

  drained(): Promise<void> | undefined {
    // One large body at a time: its text may take most of the queue.
    return this.#encodingTraces > 0 ? this.#line : this.#file.drained();
  }

  async close(deadlineMillis: number): Promise<void> {
    await this.#line;
    await this.#file.close(deadlineMillis);
  }

  /** What is too large for the queue by itself would be given up at once: it goes without its bodies. */
  #append(trace: Trace, piece: string | Buffer): void {
    const { limits, shape } = this.#context;
    this.#file.append(piece.length > limits.queue_bytes_max ? shape.encode(withoutBodies(trace)) : piece);
  }

  /** A trace that cannot be encoded costs that trace. */
  #encodeNow(trace: Trace): void {
    const { limits, shape } = this.#context;
    try {
      const bytes = this.#encoder?.encode(trace) ?? -1;
      if (bytes < 0 || bytes > limits.queue_bytes_max) this.#append(trace, shape.encode(trace));
      else this.#file.appendCopied(bytes, this.#copy);
    } catch (error) {
      this.#onLost(1, String(error));
    }
  }

  /** One large body is encoded at a time: those that wait are in memory as they are, and not as text too. */
  #standInLine(trace: Trace, bytes: number): void {
    this.#encodingTraces++;
    this.#encodingBytes += bytes;
    this.#line = this.#line.then(() => this.#encodeSliced(trace, bytes));
  }

  async #encodeSliced(trace: Trace, bytes: number): Promise<void> {
    const { limits, shape } = this.#context;
    let charged = bytes;
    const charge = (newBytes: number): void => {
      this.#encodingBytes += newBytes - charged;
      charged = newBytes;
    };
    try {
      const piece = await encodeLarge(trace, (outline) => Buffer.from(shape.encode(outline)), {
        queueBytes: limits.queue_bytes_max,
        freeBytes: limits.queue_bytes_max - this.#file.held - (this.#encodingBytes - charged),
        onMeasured: charge,
      });
      this.#append(trace, piece);
    } catch (error) {
      this.#onLost(1, String(error));
    }
    charge(0);
    this.#encodingTraces--;
  }
}

function lose({ books, name, path }: FileOutputContext, warnings: FoldedWarnings, count: number, reason: string): void {
  books.accountLost(count);
  warnings.warn(reason, { output: name, path: path ?? 'stdout', traces: count, reason }, 'an output lost traces');
}
