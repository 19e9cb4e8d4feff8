/**
 * Remembers what names were found to be, by their bytes: the few that a text has come again and again. As many as there are
 * places for; where two belong to one, the later stays.
 */
const PLACES = 512;
const NAME_BYTES_MAX = 32;
const PRIME = 0x01000193;

export class NameMemo<T> {
  readonly #bytes = new Uint8Array(PLACES * NAME_BYTES_MAX);
  readonly #lengths = new Uint8Array(PLACES);
  readonly #values: (T | undefined)[] = Array<undefined>(PLACES).fill(undefined);
  /** Where what was asked for last belongs; -1 where it is too long. */
  #place = -1;

  /** What is known of the name from `start` to `end`; undefined where nothing is. */
  get(bytes: Uint8Array, start: number, end: number): T | undefined {
    const length = end - start;
    this.#place = -1;
    if (length > NAME_BYTES_MAX) return undefined;
    let hash = length;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), PRIME);
    const place = ((hash >>> 16) ^ hash) & (PLACES - 1);
    this.#place = place;
    if (this.#lengths[place] !== length) return undefined;
    for (let i = 0, at = place * NAME_BYTES_MAX; i < length; i++)
      if (this.#bytes[at + i] !== bytes[start + i]) return undefined;
    return this.#values[place];
  }

  /** Says what the name is that was asked for last, which is returned. */
  set(bytes: Uint8Array, start: number, end: number, value: T): T {
    const place = this.#place;
    if (place < 0) return value;
    for (let i = start, at = place * NAME_BYTES_MAX; i < end; i++) this.#bytes[at++] = bytes[i] as number;
    this.#lengths[place] = end - start;
    this.#values[place] = value;
    return value;
  }
}
