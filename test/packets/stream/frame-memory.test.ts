/** Memory that frames share: no two that are in use overlap, and what is released is used again. */
import { describe, expect, it } from 'vitest';
import { createFrameMemory, type FramePiece } from '../../../src/packets/stream/frame-memory.js';
import { Random, runSeed } from '../../support/random.js';

const SLAB = 1000;

function put(memory: ReturnType<typeof createFrameMemory>, length: number, mark: number): FramePiece {
  memory.begin(length + 16).fill(mark, 0, length);
  return memory.end(length);
}

describe('frame memory', () => {
  const seed = runSeed();

  it('keeps each piece as it was written until it is released, in whatever order that is', () => {
    const random = new Random(seed);
    const memory = createFrameMemory(SLAB);
    const held: { piece: FramePiece; length: number; mark: number }[] = [];
    for (let i = 0; i < 5000; i++) {
      const length = random.between(0, 20 - 1) === 0 ? SLAB + random.between(0, SLAB - 1) : random.between(0, 400 - 1);
      const mark = i & 0xff;
      held.push({ piece: put(memory, length, mark), length, mark });
      while (held.length > random.between(0, 30 - 1)) {
        const [one] = held.splice(random.between(0, held.length - 1), 1);
        expect(one?.piece.bytes.equals(Buffer.alloc(one.length, one.mark)), `seed ${seed}, piece ${i}`).toBe(true);
        one?.piece.release();
      }
    }
    for (const { piece } of held) piece.release();
    expect(memory.bytes).toBeLessThanOrEqual(33 * SLAB + 2 * SLAB + 16);
  });

  it('takes no more for a million frames than for those that are there at once', () => {
    const memory = createFrameMemory(SLAB);
    const held: FramePiece[] = [];
    let most = 0;
    for (let i = 0; i < 1_000_000; i++) {
      held.push(put(memory, 90, i));
      if (held.length === 10) for (const piece of held.splice(0, 5)) piece.release();
      most = Math.max(most, memory.bytes);
    }
    expect(most).toBeLessThanOrEqual(4 * SLAB);
  });

  it('writes over nothing where a frame is begun and not ended', () => {
    const memory = createFrameMemory(SLAB);
    const first = put(memory, 100, 1);
    memory.begin(300).fill(9, 0, 300);
    const second = put(memory, 100, 2);
    expect([first.bytes, second.bytes].map((bytes) => bytes.toString('hex'))).toEqual([
      '01'.repeat(100),
      '02'.repeat(100),
    ]);
  });
});
