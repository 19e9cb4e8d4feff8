/** `WordCopier` against a plain loop: every length and place that its unrolled steps distinguish. */
import { describe, expect, it } from 'vitest';
import { WordCopier } from '../../src/http/word-copier.js';
import { Random, runSeed } from '../support/random.js';

const LENGTH_MAX = 70;
const PLACE_MAX = 19;
const UNTOUCHED = 0xa5;
const TARGET_BYTES = 128;

const words = new Int32Array(TARGET_BYTES / 4);
const bytes = new Uint8Array(words.buffer);
const target = { words, bytes };
const copier = new WordCopier();

/** Copies, and checks all of the target: the bytes meant, and those on either side. */
function check(from: Buffer, start: number, length: number, word: number, seed: number): void {
  bytes.fill(UNTOUCHED);
  const expected = new Uint8Array(TARGET_BYTES).fill(UNTOUCHED);
  let isAscii = true;
  for (let i = 0; i < length; i++) {
    const byte = from[start + i] as number;
    expected[4 * word + i] = byte;
    if (byte > 0x7f) isAscii = false;
  }
  const what = `SEED=${seed} start=${start} length=${length} word=${word}`;
  expect(copier.copy(from, start, length, target, word), what).toBe(isAscii);
  expect(Buffer.compare(bytes, expected), what).toBe(0);
}

describe('WordCopier', () => {
  it('copies as a plain loop does, and knows ASCII, at every alignment and length', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const memory = Buffer.alloc(256);
    for (let place = 0; place <= PLACE_MAX; place++) {
      for (let length = 0; length <= LENGTH_MAX; length++) {
        // A view that begins anywhere in its memory and ends with the last byte meant, so that to read on would throw.
        const begin = random.between(0, 64);
        for (let i = 0; i < memory.length; i++) memory[i] = random.between(0, 0x7f);
        // What is not ASCII lies outside, or is one byte anywhere inside.
        if (begin + place > 0) memory[begin + place - 1] = 0xff;
        memory[begin + place + length] = 0xff;
        if (length > 0 && random.chance(0.5)) memory[begin + place + random.between(0, length - 1)] = 0x80;
        check(memory.subarray(begin, begin + place + length), place, length, random.between(0, 8), seed);
      }
    }
  });

  it.each(Array.from({ length: 40 }, (_, at) => at))('sees a byte that is not ASCII at %i', (at) => {
    const from = Buffer.alloc(40, 'a');
    from[at] = 0x80;
    expect(copier.copy(from, 0, 40, target, 0)).toBe(false);
    expect(copier.copy(from, 0, at, target, 0)).toBe(true);
    expect(copier.copy(from, at + 1, 39 - at, target, 0)).toBe(true);
  });

  it('reads what a buffer holds now, whoever was copied from before', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const buffers = [Buffer.alloc(80), Buffer.alloc(80), Buffer.from(new ArrayBuffer(96), 13, 80)];
    for (let round = 0; round < 500; round++) {
      const from = random.pick(buffers);
      for (let i = 0; i < 3; i++) from[random.between(0, 79)] = random.between(0, 255);
      const start = random.between(0, 80);
      check(from, start, random.between(0, Math.min(LENGTH_MAX, 80 - start)), 0, seed);
    }
  });
});
