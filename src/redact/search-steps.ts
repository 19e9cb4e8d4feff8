/**
 * What the search of a trace may cost. Texts that begin something again and again, which must be looked at each time, take several
 * hundred times as long as those that people send: a step stands for about a nanosecond of such work, and where there were more
 * of them than the bytes of a message allow, it leaves without the text. They are counted, not measured, so that what becomes of a
 * message depends on nothing else.
 */
import { DEFAULT_LIMITS } from '../limits.js';

/** What is counted, and how many steps it is. */
export const Step = {
  /** A text, or a header's value. */
  text: 500,
  /** What is decoded, or a document inside another. */
  document: 700,
  /** A string or a value that is searched by itself. */
  piece: 300,
  /** A mark between a name and a value. */
  mark: 60,
  /** The value of a secret's name. */
  value: 250,
  /** The same of a member of JSON. */
  member: 90,
  /** The end of a word with which phrases go on, or a mark with which they begin. */
  anchor: 150,
  /** An expression that is asked. */
  phrase: 210,
  /** A secret that is judged by what it looks like. */
  judgement: 890,
  /** What is replaced. */
  edit: 300,
  /** A name that a survey meets. */
  name: 200,
  /** A word that a survey meets, which ends no name. */
  word: 45,
  /** A list of columns, and of their values. */
  insert: 1200,
  /** Bytes beyond ASCII, behind which a word may end. */
  foreignRun: 100,
  /** What a text that was cut may end in. */
  cut: 15_000,
  /** A name that is not of letters as ASCII has them. */
  foreign: 3000,
  /** A word that a phrase has. */
  ahead: 90,
  /** A byte that is decoded. */
  byte: 9,
  /** A byte of a piece in which numbers of persons are looked for. */
  pii: 13,
  /** A byte of a value that is judged. */
  judged: 12,
  /** A byte of a piece in which tokens are looked for. */
  look: 6,
} as const;

/** As long as no trace has come, and of what is bounded otherwise. */
const UNLIMITED = 2 ** 30;
/** A shorter message costs as much as one of so many bytes may. */
const BYTES_MIN = 1024;

export class SearchSteps {
  #left = UNLIMITED;
  #bytes = 0;

  /** Of the next trace. */
  begin(): void {
    this.#bytes = 0;
    this.#left = BYTES_MIN * DEFAULT_LIMITS.redaction_steps_per_byte_max;
  }

  /** A text of so many bytes will be searched, for the first time. */
  add(bytes: number): void {
    const before = Math.max(BYTES_MIN, this.#bytes);
    this.#bytes += bytes;
    this.#left += (Math.max(BYTES_MIN, this.#bytes) - before) * DEFAULT_LIMITS.redaction_steps_per_byte_max;
  }

  /** Takes the steps of one thing, or of several; returns whether there were as many left. */
  take(step: number, times = 1): boolean {
    this.#left -= step * times;
    return this.#left >= 0;
  }

  /** Does what is bounded by other means. */
  uncounted<T>(run: () => T): T {
    const left = this.#left;
    this.#left = UNLIMITED;
    const result = run();
    this.#left = left;
    return result;
  }

  get areSpent(): boolean {
    return this.#left < 0;
  }
}
