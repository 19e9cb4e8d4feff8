/** S2 blocks there and back between this codec and klauspost/compress/s2, which stock PacketStreamer uses. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeS2, S2_CORRUPT, s2DecodedLength } from '../../../src/packets/stream/s2-decode.js';
import { createS2Encoder, s2EncodedMax } from '../../../src/packets/stream/s2-encode.js';
import { needs } from '../../support/needs.js';
import { Random, runSeed } from '../../support/random.js';

const ROOT = join(import.meta.dirname, '../../..');
const peerBuilt = spawnSync(join(ROOT, 'test/support/s2-peer/build'), { stdio: 'ignore' }).status === 0;

/** What the peer makes of each input; null where it cannot be decoded. */
function peer(operation: 'encode' | 'decode', inputs: readonly Buffer[]): (Buffer | null)[] {
  const asked = inputs.map((input) => {
    const head = Buffer.alloc(5);
    head.write(operation[0]!);
    head.writeUInt32LE(input.length, 1);
    return Buffer.concat([head, input]);
  });
  const { stdout } = spawnSync(join(ROOT, 'build/s2-peer'), { input: Buffer.concat(asked), maxBuffer: 1 << 30 });
  let at = 0;
  return inputs.map(() => {
    const length = stdout.readUInt32LE(at);
    at += 4;
    if (length === 0xffff_ffff) return null;
    at += length;
    return stdout.subarray(at - length, at);
  });
}

function decode(block: Buffer): Buffer | null {
  const length = s2DecodedLength(block, 0, block.length);
  if (length < 0 || length > 1 << 20) return null;
  const into = Buffer.alloc(length);
  return decodeS2(block, 0, block.length, into) === S2_CORRUPT ? null : into;
}

function encode(bytes: Buffer): Buffer {
  const into = Buffer.alloc(s2EncodedMax(bytes.length));
  return into.subarray(0, createS2Encoder().encode(bytes, bytes.length, into, 0));
}

/** Bytes as packets have them: headers that resemble those before, zeros, noise. */
function packets(random: Random, most = 262_144): Buffer {
  const parts: Buffer[] = [];
  const header = Buffer.from(Array.from({ length: 54 }, () => random.between(0, 255)));
  let left = Math.min(most, random.pick([10, 100, 3000, 66_560, 131_072, 262_144]));
  while (left > 0) {
    header[random.between(0, 53)] = random.between(0, 255);
    const noise = Buffer.from(Array.from({ length: random.pick([0, 12, 700]) }, () => random.between(0, 255)));
    const part = Buffer.concat([header, random.chance(0.3) ? Buffer.alloc(random.between(0, 3000)) : noise]);
    parts.push(part);
    left -= part.length;
  }
  return Buffer.concat(parts).subarray(0, most);
}

describe('an independent codec', needs({ Go: peerBuilt }), () => {
  const seed = runSeed();
  const random = new Random(seed);
  const inputs = Array.from({ length: 60 }, () => packets(random));

  it('decodes what is encoded here', () => {
    const answers = peer('decode', inputs.map(encode));
    for (const [i, answer] of answers.entries())
      expect(answer?.equals(inputs[i]!), `seed ${seed}, input ${i}`).toBe(true);
  });

  it('encodes what is decoded here', () => {
    const answers = peer('encode', inputs);
    for (const [i, answer] of answers.entries())
      expect(decode(answer!)?.equals(inputs[i]!), `seed ${seed}, input ${i}`).toBe(true);
  });

  it('takes and refuses the same damaged blocks, and makes the same of them', () => {
    const damaged = Array.from({ length: 4000 }, () => {
      const block = Buffer.from(encode(packets(random, random.between(1, 400))));
      for (let i = random.between(0, 3); i >= 0; i--)
        block[random.between(0, block.length - 1)] = random.between(0, 255);
      return block.subarray(0, random.chance(0.2) ? random.between(0, block.length) : block.length);
    });
    // What claims more than a mebibyte is not asked for here.
    const asked = damaged.filter((block) => s2DecodedLength(block, 0, block.length) <= 1 << 20);
    const answers = peer('decode', asked);
    asked.forEach((block, i) => {
      const mine = decode(block);
      expect(mine?.toString('hex') ?? null, `seed ${seed}: ${block.toString('hex')}`).toBe(
        answers[i]?.toString('hex') ?? null,
      );
    });
  });
});
