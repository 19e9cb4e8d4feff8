/**
 * Finds the longest known ending of a name, read backwards and byte by byte, without making a string of it: case and
 * punctuation are skipped, and so is a number at the end.
 */

const ROOT = 0;
/** Letters and digits. */
const SYMBOLS = 36;

/** Of a byte, 1 more than its symbol: 1–26 for letters of either case, 27–36 for digits; 0 for any other. */
export const SYMBOL_OF: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const letter = byte | 0x20;
  if (letter >= 0x61 && letter <= 0x7a && byte < 0x80) return letter - 0x60;
  return byte >= 0x30 && byte <= 0x39 ? byte - 0x30 + 27 : 0;
});

export const EndingKind = { anywhere: 0, word: 1, whole: 2 } as const;
export type EndingKind = (typeof EndingKind)[keyof typeof EndingKind];

export interface Ending<T> {
  readonly letters: string;
  readonly kind: EndingKind;
  readonly value: T;
  /** A bit for each place where it is known; in all of them where it is left out. */
  readonly places?: number;
}

const EVERYWHERE = 0xff;

export class NameTrie<T> {
  readonly #next: Uint16Array;
  readonly #endings: (Ending<T>[] | undefined)[] = [];
  /** Where in the name the ending begins that was found last. */
  foundStart = 0;

  constructor(endings: readonly Ending<T>[]) {
    const nodes = endings.reduce((sum, { letters }) => sum + letters.length, 1);
    this.#next = new Uint16Array(nodes * (SYMBOLS + 1));
    let used = 1;
    for (const ending of endings) {
      let node = ROOT;
      for (let i = ending.letters.length - 1; i >= 0; i--) {
        const slot = node * (SYMBOLS + 1) + (SYMBOL_OF[ending.letters.charCodeAt(i)] as number);
        if (this.#next[slot] === 0) this.#next[slot] = used++;
        node = this.#next[slot] as number;
      }
      // The first row of several for one ending and place decides.
      const list = this.#endings[node];
      if (list === undefined) this.#endings[node] = [ending];
      else list.push(ending);
    }
  }

  /** The longest ending of the name from `start` to `end`, ASCII, that is known in a place. */
  longest(bytes: Uint8Array, start: number, end: number, place = EVERYWHERE): T | null {
    const next = this.#next;
    let node = ROOT;
    let found: Ending<T> | null = null;
    for (let i = end - 1; i >= start; i--) {
      const symbol = SYMBOL_OF[bytes[i] as number] as number;
      if (symbol === 0) continue;
      node = next[node * (SYMBOLS + 1) + symbol] as number;
      if (node === ROOT) break;
      const endings = this.#endings[node];
      if (endings === undefined) continue;
      for (const ending of endings) {
        if (((ending.places ?? EVERYWHERE) & place) === 0) continue;
        if (ending.kind !== EndingKind.anywhere && !isBoundary(bytes, start, i, ending.kind)) continue;
        found = ending;
        this.foundStart = i;
        break;
      }
    }
    return found === null ? null : found.value;
  }
}

/** Where a name without the number at its end ends: `password2`, `cvv2`. Punctuation goes with it. */
export function withoutNumber(bytes: Uint8Array, start: number, end: number): number {
  let stop = end;
  while (stop > start && (SYMBOL_OF[bytes[stop - 1] as number] as number) === 0) stop--;
  let letters = stop;
  while (letters > start && isDigitOrMark(bytes[letters - 1] as number)) letters--;
  return letters > start ? letters : stop;
}

function isDigitOrMark(byte: number): boolean {
  const symbol = SYMBOL_OF[byte] as number;
  return symbol === 0 || symbol >= 27;
}

/** Whether a word, or the whole name, begins at `at`: `DB_PIN`, `cardPin`, `PGPin`, not `spin`. */
function isBoundary(bytes: Uint8Array, start: number, at: number, kind: EndingKind): boolean {
  for (let i = at - 1; i >= start; i--) {
    const before = bytes[i] as number;
    if (kind === EndingKind.whole) {
      if ((SYMBOL_OF[before] as number) !== 0) return false;
      continue;
    }
    const symbol = SYMBOL_OF[before] as number;
    if (symbol === 0 || symbol >= 27) return true;
    const first = bytes[at] as number;
    // A capital begins a word after a small letter, or where a small one follows it.
    if (first >= 0x61) return false;
    return before >= 0x61 || (at + 1 < bytes.length && (bytes[at + 1] as number) >= 0x61);
  }
  return true;
}
