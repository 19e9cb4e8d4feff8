/**
 * A stream of JSON texts, a line each (application/x-ndjson, JSON Lines, RFC 7464), → messages.
 *
 * in:  a body's bytes, its gaps · out: each line that is not empty, to a `MessageTaker`
 */
import type { MemoryBudget } from '../../memory-budget.js';
import type { MessageSplitter, MessageTaker } from '../stream-message.js';
import { type LineHandler, Lines } from './lines.js';

const CR = 0x0d;
/** Before each text of RFC 7464 §2.2. */
const RECORD_SEPARATOR = 0x1e;

export class LineSplitter implements MessageSplitter, LineHandler {
  readonly #taker: MessageTaker;
  readonly #isRequest: boolean;
  readonly #lines: Lines;

  constructor(taker: MessageTaker, isRequest: boolean, budget: MemoryBudget) {
    this.#taker = taker;
    this.#isRequest = isRequest;
    this.#lines = new Lines(this, budget, false);
  }

  data(bytes: Buffer, start: number, end: number, time: number): void {
    this.#lines.data(bytes, start, end, time);
  }

  gap(length: number): void {
    this.#taker.lose(this.#isRequest, length + this.#lines.gap());
  }

  finish(time: number): void {
    this.#lines.finish(time);
  }

  close(): void {
    this.#lines.release();
  }

  // --- LineHandler

  wanted(time: number): number {
    return this.#taker.room(this.#isRequest, time);
  }

  onLine(bytes: Buffer, start: number, end: number, length: number, time: number): void {
    const isWhole = end - start === length;
    const from = bytes[start] === RECORD_SEPARATOR && end > start ? start + 1 : start;
    const to = isWhole && end > from && bytes[end - 1] === CR ? end - 1 : end;
    const size = isWhole ? to - from : length;
    if (size === 0) return;
    this.#taker.take({
      isRequest: this.#isRequest,
      kind: 'line',
      time,
      wireBytes: length,
      bytes: size,
      content: Buffer.from(bytes.subarray(from, to)),
      truncated: !isWhole,
      codingError: null,
    });
  }

  onRest(length: number): void {
    this.#taker.lose(this.#isRequest, length);
  }
}
