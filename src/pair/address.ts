/**
 * Addresses as text: dotted quad, or IPv6 in the canonical form of RFC 5952.
 */

import { IPV4_WORD } from '../decode/segment.js';

/** The text of the address that four 32-bit words are, as in `Segment`. */
export function addressText(word0: number, word1: number, word2: number, word3: number): string {
  if (word0 === IPV4_WORD) return dottedQuad(word3);
  // §5: an IPv4-mapped address keeps the dotted quad.
  if (word0 === 0 && word1 === 0 && word2 === 0xffff) return `::ffff:${dottedQuad(word3)}`;
  const groups: number[] = [];
  for (const word of [word0, word1, word2, word3]) groups.push(word >>> 16, word & 0xffff);
  // §4.2: the longest run of zero groups, the first of equals, never a single one, becomes "::".
  let longestAt = -1;
  let longest = 1;
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > longest) {
      longest = length;
      longestAt = i;
    }
    if (length > 0) i += length - 1;
  }
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return longestAt < 0 ? hex(0, 8) : `${hex(0, longestAt)}::${hex(longestAt + longest, 8)}`;
}

function dottedQuad(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}
