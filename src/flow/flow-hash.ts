/** Seeded hashes of addresses and ports, so that nobody outside can choose some that all land in one place. */
import type { Segment } from '../decode/segment.js';

/** Of both endpoints and the virtual network: the same for both directions. */
export function addressesHash(seed: number, s: Segment): number {
  return finalize((finalize(sourceHash(seed, s)) + finalize(destinationHash(seed, s))) ^ s.tunnelId);
}

/** Of the endpoint that sent the segment. */
export function sourceHash(seed: number, s: Segment): number {
  return round(mixAddress(seed, s.sourceWord0, s.sourceWord1, s.sourceWord2, s.sourceWord3), s.sourcePort);
}

/** Of the endpoint that receives it. */
export function destinationHash(seed: number, s: Segment): number {
  const address = mixAddress(seed, s.destinationWord0, s.destinationWord1, s.destinationWord2, s.destinationWord3);
  return round(address, s.destinationPort);
}

// The rounds and the finalizer of MurmurHash3 (x86, 32 bit).
function mixAddress(seed: number, w0: number, w1: number, w2: number, w3: number): number {
  return round(round(round(round(seed, w0), w1), w2), w3);
}

function round(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  k = Math.imul(k, 0x1b873593);
  let h = hash ^ k;
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

function finalize(hash: number): number {
  let h = hash;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
