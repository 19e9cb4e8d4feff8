/**
 * One look at all short texts of a message at once, of which most hold nothing: a survey of each would take several times as long.
 *
 * in: texts, one behind the other · out: whether a survey of any of them by itself might find something; false is certain
 *
 * Each text stands on a line of its own, and behind so many zeros that it has around it what it has by itself: nothing.
 */
import type { SearchSteps } from './search-steps.js';
import type { Survey } from './survey.js';

const ROOM_BYTES = 4096;
/** What is looked at before a byte is fewer bytes, but for runs, which none of these goes on with. */
const APART_BYTES = 16;
/** What may hold something is looked at again, and counted then. */
const UNCOUNTED_BYTES_MAX = 512;
const LINE_FEED = 0x0a;
/** A call out of JavaScript takes longer than copying so many bytes. */
const COPIED_HERE_MAX = 96;
/** After so many messages in a row that may hold something, only some of those that follow are glanced at. */
const FAILURES_MAX = 4;
const SKIPPED_MAX = 7;

export class Glance {
  readonly #survey: Survey;
  readonly #steps: SearchSteps;
  readonly #bytes = Buffer.alloc(ROOM_BYTES);
  /** Where the last text ends, and how far zeros are written. */
  #end = 0;
  #hasFailed = false;
  #failures = 0;
  #skipped = 0;

  constructor(survey: Survey, steps: SearchSteps) {
    this.#survey = survey;
    this.#steps = steps;
  }

  begin(): void {
    this.#end = 0;
    this.#hasFailed = false;
  }

  /** Whether it is likely enough to find nothing: where all messages hold secrets, it would be one more look at each of them. */
  get isWorthIt(): boolean {
    if (this.#failures < FAILURES_MAX || this.#skipped === SKIPPED_MAX) {
      this.#skipped = 0;
      return true;
    }
    this.#skipped++;
    return false;
  }

  addText(text: string): void {
    const start = this.#apart(text.length);
    if (start < 0) return;
    const bytes = this.#bytes;
    let all = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      all |= code;
      bytes[start + i] = code;
    }
    if (all >= 0x80) this.#hasFailed = true;
    this.#end = start + text.length;
  }

  addBytes(content: Uint8Array): void {
    const { length } = content;
    const start = this.#apart(length);
    if (start < 0) return;
    const bytes = this.#bytes;
    if (length > COPIED_HERE_MAX) bytes.set(content, start);
    else for (let i = 0; i < length; i++) bytes[start + i] = content[i] as number;
    this.#end = start + length;
  }

  /** Whether there may be anything in any of the texts, or there was no room for them. */
  mayHold(): boolean {
    if (this.#hasFailed) return true;
    if (this.#end === 0) return false;
    const mayHold = this.#end > UNCOUNTED_BYTES_MAX ? this.#read() : this.#steps.uncounted(() => this.#read());
    this.#survey.forget();
    this.#failures = mayHold ? this.#failures + 1 : 0;
    return mayHold;
  }

  #read(): boolean {
    return this.#survey.read(this.#bytes.subarray(0, this.#end));
  }

  /** Where a text of so many bytes goes; -1 where there is no room for it. */
  #apart(length: number): number {
    const end = this.#end;
    const start = end === 0 ? 0 : end + APART_BYTES + 1;
    if (start + length > ROOM_BYTES) {
      this.#hasFailed = true;
      return -1;
    }
    if (start > 0) {
      const bytes = this.#bytes;
      for (let i = end; i < start - 1; i++) bytes[i] = 0;
      bytes[start - 1] = LINE_FEED;
    }
    return start;
  }
}
