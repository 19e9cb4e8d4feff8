/**
 * IP addresses from text, as the four 32-bit words that they are in a `Segment`.
 *
 * in: dotted quad (RFC 6943 §3.1.1, strict) or IPv6 (RFC 4291 §2.2, without a zone) · out: words, or null
 */
import { IPV4_WORD } from './segment.js';

export type AddressWords = readonly [word0: number, word1: number, word2: number, word3: number];

const QUAD = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
/** The longest there is: eight groups whose last two are a dotted quad. */
const TEXT_MAX = 45;

export function parseAddress(text: string): AddressWords | null {
  if (text.length > TEXT_MAX) return null;
  if (text.includes(':')) return parseV6(text);
  const word = parseQuad(text);
  return word === null ? null : [IPV4_WORD, IPV4_WORD, IPV4_WORD, word];
}

/** An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) as the IPv4 address that it means. */
export function unmapped(words: AddressWords): AddressWords {
  const [word0, word1, word2, word3] = words;
  return word0 === 0 && word1 === 0 && word2 === 0xffff ? [IPV4_WORD, IPV4_WORD, IPV4_WORD, word3] : words;
}

function parseQuad(text: string): number | null {
  const match = QUAD.exec(text);
  if (match === null) return null;
  let word = 0;
  for (let i = 1; i <= 4; i++) {
    const byte = Number(match[i]);
    if (byte > 255) return null;
    word = (word << 8) | byte;
  }
  return word;
}

function parseV6(text: string): AddressWords | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const front = groupsOf(halves[0] ?? '', halves.length === 1);
  const back = halves.length === 1 ? [] : groupsOf(halves[1] ?? '', true);
  if (front === null || back === null) return null;
  const missing = 8 - front.length - back.length;
  // "::" stands for one group of zeros at least.
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...front, ...Array<number>(missing).fill(0), ...back];
  const word = (i: number) => ((groups[i] as number) << 16) | (groups[i + 1] as number);
  // That is how an IPv4 address begins here; as IPv6 it would be multicast, which nobody connects from.
  if (word(0) === IPV4_WORD) return null;
  return [word(0), word(2), word(4), word(6)];
}

/** The 16-bit groups of one side of `::`; a dotted quad may stand at the end of all. */
function groupsOf(text: string, isLast: boolean): number[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (isLast && i === parts.length - 1 && part.includes('.')) {
      const word = parseQuad(part);
      if (word === null) return null;
      groups.push(word >>> 16, word & 0xffff);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return null;
    }
  }
  return groups;
}
