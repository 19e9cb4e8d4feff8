/**
 * One survey of many encoded values of a form: nearly all of them hold nothing, and are short, so that decoding and surveying each
 * by itself would take ten times as long.
 *
 * in: the places of values, ascending · out: whether a survey of a value by itself, decoded, finds nothing; true is certain
 *
 * Each value is decoded onto a line of its own, behind so many zeros that it has around it what it has by itself: nothing.
 */
import { AMPERSAND, EQUALS, hexValue, LINE_FEED, PERCENT, PLUS } from './byte-text.js';
import type { Survey } from './survey.js';

const ROOM_BYTES = 4096;
const VALUES_MAX = 256;
/** As many as are looked at before a byte, but for runs, which none of these goes on with. */
const APART_BYTES = 16;
/** A longer one is not worth it. */
const VALUE_BYTES_MAX = 511;

export class FormValues {
  readonly #survey: Survey;
  readonly #plain = Buffer.alloc(ROOM_BYTES);
  readonly #starts = new Int32Array(VALUES_MAX);
  readonly #ends = new Int32Array(VALUES_MAX);
  readonly #isClean = new Uint8Array(VALUES_MAX);
  readonly #places = new Int32Array(2 * VALUES_MAX);
  #count = 0;
  #next = 0;
  /** Up to where values were read. */
  #done = 0;

  constructor(survey: Survey) {
    this.#survey = survey;
  }

  /** Another form comes. */
  begin(): void {
    this.#count = this.#next = this.#done = 0;
  }

  /** Whether the value from `start` to `end`, behind those that were asked for before, holds nothing when it is decoded once. */
  isClean(form: Buffer, start: number, end: number): boolean {
    if (end - start > VALUE_BYTES_MAX) return false;
    if (start >= this.#done) this.#read(form, start);
    const starts = this.#starts;
    while (this.#next < this.#count && (starts[this.#next] as number) < start) this.#next++;
    const at = this.#next;
    return at < this.#count && starts[at] === start && this.#ends[at] === end && this.#isClean[at] === 1;
  }

  /** Decodes and surveys values from `from` on, as many as there is room for. */
  #read(form: Buffer, from: number): void {
    this.#count = this.#next = 0;
    let end = 0;
    let at = from;
    while (at < form.length && this.#count < VALUES_MAX && end + APART_BYTES + VALUE_BYTES_MAX < ROOM_BYTES) {
      const stop = valueEnd(form, at);
      if (stop - at <= VALUE_BYTES_MAX && stop - at >= 4) end = this.#add(form, at, stop, end);
      at = behindName(form, stop + 1);
    }
    this.#done = Math.max(at, from + 1);
    this.#judge(end);
  }

  #add(form: Buffer, start: number, end: number, from: number): number {
    const plain = this.#plain;
    let to = from;
    if (from > 0) {
      plain.fill(0, from, from + APART_BYTES);
      to = from + APART_BYTES;
      plain[to++] = LINE_FEED;
    }
    const at = this.#count++;
    this.#starts[at] = start;
    this.#ends[at] = end;
    this.#places[2 * at] = to;
    for (let i = start; i < end; i++) {
      const byte = form[i] as number;
      const high = byte === PERCENT && i + 2 < end ? hexValue(form[i + 1]) : -1;
      const low = high < 0 ? -1 : hexValue(form[i + 2]);
      if (low >= 0) i += 2;
      plain[to++] = low >= 0 ? high * 16 + low : byte === PLUS ? 0x20 : byte;
    }
    this.#places[2 * at + 1] = to;
    return to;
  }

  #judge(length: number): void {
    const survey = this.#survey;
    const mayHold = length > 0 && survey.read(this.#plain.subarray(0, length));
    for (let i = 0; i < this.#count; i++)
      this.#isClean[i] =
        mayHold && survey.mayHoldAny(this.#places[2 * i] as number, this.#places[2 * i + 1] as number) ? 0 : 1;
    survey.forget();
  }
}

function valueEnd(form: Buffer, at: number): number {
  let end = at;
  while (end < form.length && form[end] !== AMPERSAND) end++;
  return end;
}

/** Where the value begins of the pair at `at`, or where the pair begins if it has no name. */
function behindName(form: Buffer, at: number): number {
  for (let i = at; i < form.length && form[i] !== AMPERSAND; i++) if (form[i] === EQUALS) return i + 1;
  return at;
}
