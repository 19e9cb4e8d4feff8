/**
 * Heads that a sender repeats: the header section of its last message, and of a response the status line too, byte for byte. What
 * stands there need neither be parsed nor copied again, and whatever is found out of its `HeaderList` holds for each message that
 * shares it.
 *
 * in: the bytes of a head, and the slot of whoever reads it · out: the `RepeatedHead` that is the same, or null
 *
 * There are so many slots, and no section is longer than its slot, so that this never takes more than a megabyte: readers that come
 * later share a slot with earlier ones. A sender that repeats nothing has few of its heads noted.
 */
import type { HeaderList } from '../header-list.js';

const SLOTS = 512;
const SECTION_WORDS = 256;
const SECTION_BYTES_MAX = 4 * SECTION_WORDS;
/** After so many heads in a row that were others, only one of so many is noted. */
const PATIENCE = 4;
const NOTED_OF = 8;

/** A section that was seen, and what the parser said of it. */
export class RepeatedHead {
  /** Bytes of the section. */
  length = 0;
  headerCount = 0;
  contentLength = 0;
  mayBeCoded = false;
  /** Of a response. */
  status = 0;
  reasonEnd = 0;
  versionMinor = 0;
  /** The target of the last request with it; empty for one that is long, and in responses. */
  target = '';
  /** Null until it has come a second time. */
  list: HeaderList | null = null;
  /** Heads in a row that were others. */
  misses = 0;
}

export class RepeatedHeads {
  /** Pages of it that nobody uses take no memory. */
  readonly #words = new Int32Array(SLOTS * SECTION_WORDS);
  readonly #bytes = new Uint8Array(this.#words.buffer);
  readonly #heads = new Array<RepeatedHead | undefined>(SLOTS).fill(undefined);
  #next = 0;

  /** A slot for who reads one stream. */
  take(): number {
    const slot = this.#next;
    this.#next = (slot + 1) % SLOTS;
    return slot;
  }

  /** What was noted in `slot`, if it stands at `view[at]` as well. */
  find(slot: number, view: DataView, at: number, end: number): RepeatedHead | null {
    const head = this.#heads[slot];
    if (head === undefined || head.length > end - at) return null;
    const { length } = head;
    const words = this.#words;
    let word = slot * SECTION_WORDS;
    let from = at;
    const stop = at + length;
    let differences = 0;
    for (; from + 16 <= stop && differences === 0; from += 16, word += 4)
      differences =
        (view.getInt32(from, true) ^ (words[word] as number)) |
        (view.getInt32(from + 4, true) ^ (words[word + 1] as number)) |
        (view.getInt32(from + 8, true) ^ (words[word + 2] as number)) |
        (view.getInt32(from + 12, true) ^ (words[word + 3] as number));
    for (let i = word << 2; from < stop && differences === 0; from++, i++)
      differences = view.getUint8(from) ^ (this.#bytes[i] as number);
    if (differences === 0) head.misses = 0;
    else head.misses++;
    return differences === 0 ? head : null;
  }

  /** Notes the section of `length` bytes at `view[at]` in `slot`; null where that is not worth while. */
  note(slot: number, view: DataView, at: number, length: number): RepeatedHead | null {
    if (length > SECTION_BYTES_MAX) return null;
    const before = this.#heads[slot];
    const misses = before?.misses ?? 0;
    if (misses > PATIENCE && misses % NOTED_OF !== 0) return null;
    const words = this.#words;
    let word = slot * SECTION_WORDS;
    let from = at;
    const stop = at + length;
    for (; from + 4 <= stop; from += 4, word++) words[word] = view.getInt32(from, true);
    for (let i = word << 2; from < stop; from++, i++) this.#bytes[i] = view.getUint8(from);
    const head = before ?? new RepeatedHead();
    this.#heads[slot] = head;
    head.length = length;
    head.list = null;
    return head;
  }
}
