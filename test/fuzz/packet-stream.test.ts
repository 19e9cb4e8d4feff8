/**
 * Bytes of anybody on the wire of PacketStreamer: frames, keys, S2 blocks, damaged and made up. Nothing throws, and nothing is
 * allocated beyond the cap. `FUZZ_SECONDS=300` goes on for so long.
 */
import { expect, it } from 'vitest';
import { encodeAnnouncement } from '../../src/packets/stream/announcement.js';
import { createBlockMemory } from '../../src/packets/stream/block-memory.js';
import { createReceiverConnection } from '../../src/packets/stream/receiver-connection.js';
import { authRecord, carryingFrame, frameOf, linkTypeFrame } from '../../src/packets/stream/wire.js';
import { Random, runSeed } from '../support/random.js';
import { frameWith, record } from '../support/stream-ends.js';

const DECODED_MAX = 1 << 17;
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 1);

it('takes any bytes, within its bounds', { timeout: (SECONDS + 60) * 1000 }, () => {
  const seed = runSeed();
  const random = new Random(seed);
  const noise = (length: number) => Buffer.from(Array.from({ length }, () => random.between(0, 255)));
  const announcement = { sensor: 'a', run: 'ab'.repeat(16), linkTypes: [1, 101], next: 0, acknowledges: true };
  const parts = [
    () => frameWith(record(1, 'x'.repeat(random.between(0, 3000)))),
    () => frameOf(noise(random.between(0, 200))),
    // Lengths that are near, small elements, repeats of up to 16 MiB.
    () =>
      frameOf(
        Buffer.concat([Buffer.from([0xff, 0xff, random.between(0, 7)]), noise(3), Buffer.from('1d00ffffff', 'hex')]),
      ),
    () => carryingFrame(encodeAnnouncement(announcement)),
    () => carryingFrame(noise(random.between(1, 300))),
    () => linkTypeFrame(random.between(0, 8)),
    () => noise(random.between(1, 100)),
  ];
  let packets = 0;
  const end = performance.now() + SECONDS * 1000;
  do {
    const authKey = random.pick([null, 'abc', 'a']);
    const connection = createReceiverConnection({
      memory: createBlockMemory(),
      ...{ blockBytesMax: 1 << 16, decodedBytesMax: DECODED_MAX, authKey },
      ...{ isBehind: () => random.chance(0.01), reply: () => {}, onAnnouncement: () => {} },
      ...{ onEmptyFrame: () => {}, onBadBlock: () => {}, onNote: () => {} },
      onBlock: (block) => {
        expect(block.records.length, `seed ${seed}`).toBeLessThanOrEqual(DECODED_MAX);
        packets += block.packets;
      },
    });
    const first = authKey === null || random.chance(0.2) ? [] : [authRecord(authKey)];
    const stream = Buffer.concat([
      ...first,
      ...Array.from({ length: random.between(1, 12) }, () => random.pick(parts)()),
    ]);
    for (let at = random.pick([0, 0, 1, 3]); at > 0; at--)
      stream[random.between(0, stream.length - 1)] = random.between(0, 255);
    const most = random.pick([1, 50, 5000]);
    for (let at = 0; at < stream.length; ) {
      const length = random.between(1, most);
      if (connection.push(Buffer.from(stream.subarray(at, at + length))) !== null) break;
      if (connection.resume() !== null) break;
      at += length;
    }
  } while (performance.now() < end);
  expect(packets, `seed ${seed}`).toBeGreaterThan(0);
});
