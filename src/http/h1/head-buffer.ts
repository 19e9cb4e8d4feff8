/**
 * A head that comes in several segments, gathered until it can be parsed.
 *
 * in:  the stream's bytes · out: the head's bytes in one piece, and whether its empty line has come (RFC 9112 §2.1)
 *
 * The beginning of a head over the cap is kept, up to its last whole line. What follows is skimmed, a line at a time, for the
 * lines that say where the body ends, so that the message and those behind it keep their places.
 */
import type { Limits } from '../../limits.js';
import type { MemoryBudget } from '../../memory-budget.js';

const BYTES_MIN = 2048;
const NO_BYTES = Buffer.alloc(0);
const EMPTY_LINE = Buffer.from('\r\n');
const LF = 0x0a;
const CR = 0x0d;

/** Bytes that lines found by skimming may add. */
export const SKIMMED_BYTES_MAX = 4096;
/** The beginning of a line that is looked at: of the lines that frame a body none is longer. */
const LINE_BYTES_MAX = 256;
/** The end of a line that is remembered: the version in a request line. */
const LINE_END_BYTES = 16;
const FRAMING_LINE = /^(?:content-length|transfer-encoding)[ \t]*:/i;

export class HeadBuffer {
  /** The first `length` of these are the head's. */
  bytes: Buffer = NO_BYTES;
  length = 0;
  /** How often an empty line was found. */
  endsFound = 0;
  /** Whether the head is over the cap: then the rest of it is to be given to `skim`. */
  isCut = false;
  /** Bytes that a head which is cut has had so far, the empty line included. */
  wholeLength = 0;
  /** Bytes searched for an empty line. */
  #searched = 0;
  /** While skimming: the beginning and the end of the line at hand, as latin1, and its length. */
  #line = '';
  #lineEnd = '';
  #lineBytes = 0;
  /** Whether the line at hand is the start line, of which the beginning is kept. */
  #isStartLine = false;
  readonly #bytesMax: number;
  readonly #budget: MemoryBudget;

  constructor({ head_bytes_max }: Limits, budget: MemoryBudget) {
    this.#bytesMax = head_bytes_max;
    this.#budget = budget;
  }

  get isFull(): boolean {
    return this.length >= this.#bytesMax;
  }

  /** Takes as much of `from[at, end)` as there is room for. Returns how many bytes. */
  append(from: Buffer, at: number, end: number): number {
    const take = Math.min(end - at, this.#bytesMax - this.length);
    this.#reserve(this.length + take, this.#bytesMax);
    from.copy(this.bytes, this.length, at, at + take);
    this.length += take;
    return take;
  }

  /** Whether an empty line has come since the last look. */
  findEnd(): boolean {
    const { bytes, length } = this;
    for (let i = this.#searched; i < length; i++) {
      if (bytes[i] !== LF) continue;
      let previous = i - 1;
      while (previous >= 0 && bytes[previous] === CR) previous--;
      if (previous >= 0 && bytes[previous] !== LF) continue;
      this.#searched = i + 1;
      this.endsFound++;
      return true;
    }
    this.#searched = length;
    return false;
  }

  /** It is full, and its empty line has not come: keeps its whole lines, and the beginning of a start line that fills it. */
  cut(): void {
    this.isCut = true;
    const { length } = this;
    this.wholeLength = length;
    const wholeLines = this.bytes.lastIndexOf(LF, length - 1) + 1;
    this.#isStartLine = wholeLines === 0;
    if (!this.#isStartLine) {
      this.length = wholeLines;
      this.#noteLine(this.bytes, wholeLines, length);
    }
  }

  /**
   * Reads on in a head that is cut. Returns where its empty line ends, from when on `bytes` is a whole head of the lines that
   * were kept; -1 if that is not in `from[at, end)`.
   */
  skim(from: Buffer, at: number, end: number): number {
    // A view of its own: a search must not run on into the rest of the batch.
    const rest = from.subarray(at, end);
    const before = this.wholeLength;
    this.wholeLength = before + rest.length;
    for (let start = 0; start < rest.length; ) {
      const lineFeed = rest.indexOf(LF, start);
      if (lineFeed < 0) {
        this.#noteLine(rest, start, rest.length);
        return -1;
      }
      this.#noteLine(rest, start, lineFeed);
      start = lineFeed + 1;
      if (!this.#endLine()) continue;
      this.wholeLength = before + start;
      return at + start;
    }
    return -1;
  }

  /** The whole lines that are here, and an empty one; null where not even the start line is. */
  cutShort(): Buffer | null {
    const end = this.bytes.subarray(0, this.length).lastIndexOf(LF);
    return end < 0 ? null : Buffer.concat([this.bytes.subarray(0, end + 1), EMPTY_LINE]);
  }

  /** Gives the memory back. */
  release(): void {
    this.#budget.remove(this.bytes.length);
  }

  #noteLine(bytes: Buffer, start: number, end: number): void {
    const room = LINE_BYTES_MAX - this.#line.length;
    if (room > 0) this.#line += bytes.latin1Slice(start, Math.min(end, start + room));
    this.#lineEnd = (this.#lineEnd + bytes.latin1Slice(Math.max(start, end - LINE_END_BYTES), end)).slice(
      -LINE_END_BYTES,
    );
    this.#lineBytes += end - start;
  }

  /** The line at hand is over. Returns whether it was the empty one. */
  #endLine(): boolean {
    const isEmpty = !this.#isStartLine && /^\r*$/.test(this.#line) && this.#lineBytes <= LINE_BYTES_MAX;
    if (isEmpty) this.#add('\r\n');
    else if (this.#isStartLine) this.#add(`${/[ \t]HTTP\/\d\.\d\r*$/.exec(this.#lineEnd)?.[0].trimEnd() ?? ''}\r\n`);
    else if (this.#lineBytes <= LINE_BYTES_MAX && FRAMING_LINE.test(this.#line)) this.#add(`${this.#line}\n`);
    this.#line = '';
    this.#lineEnd = '';
    this.#lineBytes = 0;
    this.#isStartLine = false;
    return isEmpty;
  }

  #add(text: string): void {
    const { length } = this;
    const most = this.#bytesMax + SKIMMED_BYTES_MAX;
    // The empty line always has its place.
    if (length + text.length > most - (text === '\r\n' ? 0 : 2)) return;
    this.#reserve(length + text.length, most);
    this.length += this.bytes.write(text, length, 'latin1');
  }

  #reserve(length: number, most: number): void {
    if (this.bytes.length >= length) return;
    const size = Math.min(most, Math.max(BYTES_MIN, length, this.bytes.length * 2));
    const grown = Buffer.allocUnsafeSlow(size);
    this.bytes.copy(grown, 0, 0, this.length);
    this.#budget.add(size - this.bytes.length);
    this.bytes = grown;
  }
}
