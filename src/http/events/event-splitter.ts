/**
 * Server-sent events (HTML Standard §9.2) → messages.
 *
 * in:  a body's bytes, its gaps · out: each event that a browser would dispatch, to a `MessageTaker`
 *
 *     event: delta          the type
 *     data: {"a":           lines of data, joined by a line feed
 *     data: 1}
 *     id: 7                 what the client says when it comes again
 *     retry: 5000           milliseconds until it may
 *                           an empty line ends the event
 *     : heartbeat           a comment
 */
import type { MemoryBudget } from '../../memory-budget.js';
import { KeptBytes } from '../kept-bytes.js';
import type { EventFields, MessageSplitter, MessageTaker } from '../stream-message.js';
import { type LineHandler, Lines } from './lines.js';

/** A field's name, its colon and a space. */
const NAME_BYTES_MAX = 7;
/** Of a field beside the data. */
const FIELD_BYTES_MAX = 256;
const COLON = 0x3a;
const SPACE = 0x20;
const LINE_FEED = Buffer.from('\n');
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

function beginsWithMark(bytes: Buffer, start: number, end: number): boolean {
  return BYTE_ORDER_MARK.equals(bytes.subarray(start, Math.min(end, start + BYTE_ORDER_MARK.length)));
}

export class EventSplitter implements MessageSplitter, LineHandler {
  readonly #taker: MessageTaker;
  readonly #isRequest: boolean;
  readonly #lines: Lines;
  readonly #data: KeptBytes;
  /** Bytes of the data that are kept, asked for when the event began; -1: no event has. */
  #room = -1;
  #hasData = false;
  /** Whether some of the data was left out. */
  #isCut = false;
  /** Bytes of the event's lines. */
  #wireBytes = 0;
  #fields: { event?: string; id?: string; retry?: number } = {};
  /** Behind a gap, what comes before an empty line is the rest of an event. */
  #isLost = false;
  #isFirst = true;

  constructor(taker: MessageTaker, isRequest: boolean, budget: MemoryBudget) {
    this.#taker = taker;
    this.#isRequest = isRequest;
    this.#lines = new Lines(this, budget, true);
    this.#data = new KeptBytes(budget);
  }

  data(bytes: Buffer, start: number, end: number, time: number): void {
    this.#lines.data(bytes, start, end, time);
  }

  gap(length: number): void {
    this.#taker.lose(this.#isRequest, length + this.#lines.gap() + this.#wireBytes);
    this.#begin();
    this.#isLost = true;
    this.#isFirst = false;
  }

  /** An event without its empty line is none (§9.2.6). */
  finish(): void {
    this.close();
  }

  close(): void {
    this.#lines.release();
    this.#data.release();
    this.#begin();
  }

  // --- LineHandler

  wanted(time: number): number {
    if (this.#isLost) return 0;
    if (this.#room < 0) this.#room = this.#taker.room(this.#isRequest, time);
    return Math.max(this.#room + NAME_BYTES_MAX, FIELD_BYTES_MAX);
  }

  onLine(bytes: Buffer, start: number, end: number, length: number, time: number): void {
    if (this.#isLost) {
      this.#taker.lose(this.#isRequest, length + 1);
      if (length > 0) return;
      this.#isLost = false;
      return;
    }
    this.#wireBytes += length + 1;
    const isMarked = this.#isFirst && beginsWithMark(bytes, start, end);
    this.#isFirst = false;
    const at = isMarked ? start + BYTE_ORDER_MARK.length : start;
    const missing = length - (end - start);
    if (at === end && missing === 0) this.#dispatch(time);
    else this.#readField(bytes, at, end, missing);
  }

  onRest(length: number): void {
    this.#taker.lose(this.#isRequest, length);
  }

  // ---

  /** `missing`: bytes of the line behind `end` that are not here. */
  #readField(bytes: Buffer, start: number, end: number, missing: number): void {
    const found = bytes.subarray(start, Math.min(end, start + NAME_BYTES_MAX)).indexOf(COLON);
    // A line without a colon is a field without a value.
    const colon = found < 0 ? end : start + found;
    if (found < 0 && end - start > NAME_BYTES_MAX) return;
    const from = colon < end && bytes[colon + 1] === SPACE && colon + 1 < end ? colon + 2 : Math.min(end, colon + 1);
    switch (bytes.latin1Slice(start, colon)) {
      case 'data':
        if (this.#hasData) this.#append(LINE_FEED, 0, 1, 0);
        this.#hasData = true;
        this.#append(bytes, from, end, missing);
        break;
      case 'event':
        this.#fields.event = bytes.toString('utf8', from, Math.min(end, from + FIELD_BYTES_MAX));
        break;
      case 'id':
        // One with a NUL is not taken.
        if (!bytes.subarray(from, end).includes(0))
          this.#fields.id = bytes.toString('utf8', from, Math.min(end, from + FIELD_BYTES_MAX));
        break;
      case 'retry': {
        const digits = bytes.latin1Slice(from, Math.min(end, from + FIELD_BYTES_MAX));
        if (/^[0-9]{1,15}$/.test(digits)) this.#fields.retry = Number(digits);
        break;
      }
      default:
        break;
    }
  }

  #append(bytes: Buffer, start: number, end: number, missing: number): void {
    this.#data.append(bytes, start, end, this.#isCut ? 0 : this.#room);
    this.#data.total += missing;
    if (this.#data.length < this.#data.total) this.#isCut = true;
  }

  #dispatch(time: number): void {
    // Without data there is nothing to dispatch, whatever else it has.
    if (this.#hasData) {
      const { total: bytes } = this.#data;
      const event: EventFields = this.#fields;
      this.#taker.take({
        isRequest: this.#isRequest,
        kind: 'event',
        time,
        wireBytes: this.#wireBytes,
        bytes,
        content: this.#data.take(),
        truncated: this.#isCut,
        codingError: null,
        ...(Object.keys(event).length === 0 ? {} : { event }),
      });
    }
    this.#begin();
  }

  /** The next event. */
  #begin(): void {
    this.#data.clear();
    this.#room = -1;
    this.#hasData = false;
    this.#isCut = false;
    this.#wireBytes = 0;
    this.#fields = {};
  }
}
