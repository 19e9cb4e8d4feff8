/**
 * The chunked transfer coding, RFC 9112 §7.1, undone in place: slices of the stream in, slices of the content out.
 *
 * Not left to the head's parser, because a gap inside a chunk of known size must cost that chunk's bytes and nothing else.
 * Lenient where receivers are: lone LF, white space around the size. Where no line ends behind the data the size was wrong, and
 * nobody knows where the next chunk begins.
 *
 *   chunk = size [;ext] CRLF data CRLF … 0 [;ext] CRLF *(trailer CRLF) CRLF
 */
import { HeaderList } from '../header-list.js';

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;

const State = { size: 0, sizeSpace: 1, extension: 2, data: 3, dataEnd: 4, trailer: 5, done: 6, invalid: 7 } as const;
type State = (typeof State)[keyof typeof State];

/** Sixteen hexadecimal digits overflow any length; a chunk larger than this is hostile. */
const CHUNK_BYTES_MAX = 2 ** 40;

/** Bytes of chunk extensions and white space on one size line before it is taken for hostile. */
const SIZE_LINE_BYTES_MAX = 16_384;

/** Bytes of the first size line that are kept: text that was taken for one shows itself sooner. */
const FIRST_LINE_BYTES_MAX = 64;
const NO_BYTES = Buffer.alloc(0);

export class ChunkedDecoder {
  #state: State = State.size;
  #isFirstLine = true;
  /** What came of the first size line in the segments before this one; null once it is past, or too long to be kept. */
  #firstLine: Buffer | null = NO_BYTES;
  #size = 0;
  #digits = 0;
  #lineBytes = 0;
  /** Bytes left of the current chunk. */
  #left = 0;
  #trailer = '';
  #trailerLineStart = 0;
  readonly #trailerBytesMax: number;
  /** Range of the content found by the last `next`. */
  contentStart = 0;
  contentEnd = 0;

  constructor(trailerBytesMax: number) {
    this.#trailerBytesMax = trailerBytesMax;
  }

  get isDone(): boolean {
    return this.#state === State.done;
  }

  get isInvalid(): boolean {
    return this.#state === State.invalid;
  }

  /**
   * The bytes of earlier segments that came before the first chunk; null where there is a chunk. What is invalid then, or
   * ends, was never chunked.
   */
  get unchunked(): Buffer | null {
    return this.#isFirstLine ? this.#firstLine : null;
  }

  /** The trailer section's lines, without the empty one that ends it. */
  get trailer(): string {
    return this.#trailer;
  }

  /**
   * Reads on from `bytes[at, end)` until content, the end or the bytes' end is reached; returns where it stopped.
   * Content found is in `[contentStart, contentEnd)`, which is empty if none was.
   */
  next(bytes: Buffer, at: number, end: number): number {
    const stopped = this.#read(bytes, at, end);
    if (this.#isFirstLine && this.#state !== State.invalid) this.#keepFirstLine(bytes, at, stopped);
    return stopped;
  }

  #keepFirstLine(bytes: Buffer, at: number, end: number): void {
    const kept = this.#firstLine;
    if (kept === null) return;
    const fits = kept.length + end - at <= FIRST_LINE_BYTES_MAX;
    this.#firstLine = fits ? Buffer.concat([kept, bytes.subarray(at, end)]) : null;
  }

  #read(bytes: Buffer, at: number, end: number): number {
    this.contentStart = 0;
    this.contentEnd = 0;
    let i = at;
    while (i < end) {
      const byte = bytes[i] as number;
      switch (this.#state) {
        case State.size:
          if (!this.#readSize(byte)) return this.#fail(i);
          i++;
          break;
        case State.sizeSpace:
        case State.extension:
          if (!this.#readBehindSize(byte)) return this.#fail(i);
          i++;
          break;
        case State.data: {
          const take = Math.min(this.#left, end - i);
          this.contentStart = i;
          this.contentEnd = i + take;
          this.#left -= take;
          if (this.#left === 0) this.#state = State.dataEnd;
          return i + take;
        }
        case State.dataEnd:
          if (byte === LF) {
            this.#beginSize();
            i++;
          } else if (byte === CR) {
            i++;
          } else {
            return this.#fail(i);
          }
          break;
        case State.trailer:
          i = this.#readTrailerLine(bytes, i, end);
          break;
        default:
          return i;
      }
    }
    return i;
  }

  /** A byte of the size itself, or before it. Returns whether it may stand there. */
  #readSize(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#size = this.#size * 16 + digit;
      this.#digits++;
      return this.#size <= CHUNK_BYTES_MAX;
    }
    // Empty lines and white space before a size: what is left of a missing or doubled CRLF.
    if (this.#digits === 0) return isBlank(byte) && ++this.#lineBytes <= SIZE_LINE_BYTES_MAX;
    if (byte === LF) this.#beginData();
    else if (isBlank(byte)) this.#state = State.sizeSpace;
    else if (byte === SEMICOLON) this.#state = State.extension;
    else return false;
    return true;
  }

  /** A byte between the size and the end of its line. Returns whether it may stand there. */
  #readBehindSize(byte: number): boolean {
    if (byte === LF) this.#beginData();
    else if (this.#state === State.sizeSpace) {
      if (byte === SEMICOLON) this.#state = State.extension;
      else if (!isBlank(byte)) return false;
    }
    return ++this.#lineBytes <= SIZE_LINE_BYTES_MAX;
  }

  /** Reads to the end of a line of the trailer section, or of the bytes. Returns where it stopped. */
  #readTrailerLine(bytes: Uint8Array, at: number, end: number): number {
    const lineEnd = indexOfLf(bytes, at, end);
    const line = latin1(bytes, at, lineEnd < 0 ? end : lineEnd + 1);
    if (this.#trailer.length + line.length > this.#trailerBytesMax) return this.#fail(at);
    this.#trailer += line;
    if (lineEnd >= 0) {
      if (/^\r*\n$/.test(this.#trailer.slice(this.#trailerLineStart))) this.#state = State.done;
      this.#trailerLineStart = this.#trailer.length;
    }
    return at + line.length;
  }

  /** Skips `length` lost bytes. Returns whether they lay inside one chunk's data, so that the framing is still known. */
  skip(length: number): boolean {
    if (this.#state !== State.data || length > this.#left) return false;
    this.#left -= length;
    if (this.#left === 0) this.#state = State.dataEnd;
    return true;
  }

  #beginSize(): void {
    this.#state = State.size;
    this.#size = 0;
    this.#digits = 0;
    this.#lineBytes = 0;
  }

  #beginData(): void {
    this.#isFirstLine = false;
    if (this.#size === 0) {
      this.#state = State.trailer;
    } else {
      this.#left = this.#size;
      this.#state = State.data;
    }
  }

  #fail(at: number): number {
    this.#state = State.invalid;
    return at;
  }
}

function isBlank(byte: number): boolean {
  return byte === CR || byte === LF || byte === 0x20 || byte === 0x09;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function indexOfLf(bytes: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) if (bytes[i] === LF) return i;
  return -1;
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}

/** The fields of a trailer section (RFC 9112 §7.1.2), whose syntax is that of a header section (§5). */
export function trailerPairs(trailer: string): [string, string][] {
  const spans: number[] = [];
  for (let start = 0; start < trailer.length; ) {
    const lf = trailer.indexOf('\n', start);
    const next = lf < 0 ? trailer.length : lf + 1;
    let end = lf < 0 ? next : lf;
    while (end > start && trailer.charCodeAt(end - 1) === CR) end--;
    if (isSpace(trailer.charCodeAt(start))) {
      // A fold goes on with the value before it (§5.2).
      if (spans.length > 0) spans[spans.length - 1] = end;
    } else {
      const colon = trailer.indexOf(':', start);
      if (colon > start && colon < end) {
        let nameEnd = colon;
        while (nameEnd > start && isSpace(trailer.charCodeAt(nameEnd - 1))) nameEnd--;
        let valueStart = colon + 1;
        while (valueStart < end && isSpace(trailer.charCodeAt(valueStart))) valueStart++;
        spans.push(start, nameEnd, valueStart, end);
      }
    }
    start = next;
  }
  return new HeaderList(trailer, spans).pairs();
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
