/**
 * Bytes of a header string → its text. Most strings are ones that came a moment ago: a few short ones are remembered, each at
 * the place that its bytes lead to, and one that is remembered takes no memory again.
 */
import { decodeText } from '../header-list.js';

/** Places, a power of two. */
const PLACES = 512;
/** Longer texts are seldom the same. */
const REMEMBERED_BYTES_MAX = 32;

export class FieldTexts {
  readonly #known: string[] = new Array(PLACES).fill('');

  of(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > REMEMBERED_BYTES_MAX) return textOf(bytes, start, end);
    let hash = length;
    let all = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      hash = (Math.imul(hash, 31) + byte) | 0;
      all |= byte;
    }
    // A text that is not ASCII has other characters than bytes.
    if (all >= 0x80) return textOf(bytes, start, end);
    const place = (hash ^ (hash >>> 9)) & (PLACES - 1);
    const known = this.#known[place] as string;
    if (known.length === length && isSame(known, bytes, start)) return known;
    const text = bytes.latin1Slice(start, end);
    this.#known[place] = text;
    return text;
  }
}

function isSame(text: string, bytes: Uint8Array, start: number): boolean {
  // From the end, where most texts of one length differ.
  for (let i = text.length - 1; i >= 0; i--) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

function textOf(bytes: Buffer, start: number, end: number): string {
  return decodeText(bytes.latin1Slice(start, end));
}
