/** The wire between sensor and receiver, by the letter. */
import { describe, expect, it } from 'vitest';
import { encodeAnnouncement, parseAnnouncement, sensorName } from '../../../src/packets/stream/announcement.js';
import { createFrameReader } from '../../../src/packets/stream/frame-reader.js';
import { checkRecords } from '../../../src/packets/stream/records.js';
import { createS2Encoder } from '../../../src/packets/stream/s2-encode.js';
import {
  AUTH_ACCEPTED,
  acknowledgement,
  authRecord,
  beginsAuthentication,
  carriesKey,
  carryingFrame,
  frameOf,
  KEEP_ALIVE,
  linkTypeFrame,
  readAcknowledgement,
  readEmptyBlock,
} from '../../../src/packets/stream/wire.js';
import { Random, runSeed } from '../../support/random.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const RECORD = hex('00 f1 53 65 40 e2 01 00 0e 00 00 00 0e 00 00 00 ff ff ff ff ff ff 02 00 00 00 00 01 88 b5');
const FRAME = Buffer.concat([hex('de ef ec e0 20 00 00 00 1e 74'), RECORD]);

function read(pieces: readonly Buffer[]) {
  const blocks: string[] = [];
  const reader = createFrameReader(66_567, (block) => {
    blocks.push(block.toString('hex'));
    return undefined;
  });
  let error: string | null = null;
  for (const piece of pieces) error ??= reader.push(piece);
  return { blocks, error, held: reader.held, refused: reader.refused };
}

describe('a frame', () => {
  it('of one small packet is its record as a literal', () => {
    const block = Buffer.alloc(64);
    const end = createS2Encoder().encode(RECORD, RECORD.length, block, 0);
    expect(frameOf(block.subarray(0, end))).toEqual(FRAME);
    expect(checkRecords(RECORD)).toEqual({ packets: 1, end: 30 });
  });

  it('of an ARP request, whose padding may be compressed, takes 87 bytes at most', () => {
    const head = hex('00 f1 53 65 40 e2 01 00 3c 00 00 00 3c 00 00 00');
    const arp = hex('ffffffffffff020000000001 0806 0001080006040001 020000000001 0a000001 000000000000 0a000002');
    const record = Buffer.concat([head, arp, Buffer.alloc(60 - arp.length)]);
    const block = Buffer.alloc(100);
    const end = createS2Encoder().encode(record, record.length, block, 0);
    expect(frameOf(block.subarray(0, end)).length).toBeLessThanOrEqual(87);
    const literal = frameOf(Buffer.concat([hex('4c f0 4b'), record]));
    expect(read([literal]).blocks).toEqual([`4cf04b${record.toString('hex')}`]);
  });

  it('that keeps a connection alive is an empty block', () => {
    expect(KEEP_ALIVE).toEqual(hex('de ef ec e0 01 00 00 00 00'));
    expect(readEmptyBlock(hex('00'))).toEqual({ text: null, linkTypeIndex: null });
  });

  it('says a link type by a longer zero', () => {
    expect(linkTypeFrame(0)).toEqual(hex('de ef ec e0 02 00 00 00 80 00'));
    for (const index of [0, 1, 8])
      expect(readEmptyBlock(linkTypeFrame(index).subarray(8))).toEqual({ text: null, linkTypeIndex: index });
  });

  it('carries text in a block that decodes to nothing', () => {
    for (const text of ['x', 'x'.repeat(300)])
      expect(readEmptyBlock(carryingFrame(Buffer.from(text)).subarray(8))?.text?.toString()).toBe(text);
    expect(readEmptyBlock(hex(`00 5c ${'41'.repeat(24)}`))?.text?.toString()).toBe('A'.repeat(24));
    expect(readEmptyBlock(hex('00 5c 41'))).toBeNull();
    expect(readEmptyBlock(hex('00 01 04'))).toBeNull();
    expect(readEmptyBlock(hex('00 f4 00'))).toBeNull();
  });
});

describe('the reader of frames', () => {
  it('finds them wherever the pieces end', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const frames = Array.from({ length: 200 }, () => frameOf(Buffer.alloc(random.pick([0, 1, 7, 500, 20_000]), 7)));
    const all = Buffer.concat(frames);
    for (const most of [1, 9, 1000, 100_000]) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < all.length; ) {
        const length = random.between(1, most);
        pieces.push(all.subarray(at, at + length));
        at += length;
      }
      const { blocks, error, held } = read(pieces);
      expect({ error, held }, `seed ${seed}`).toEqual({ error: null, held: 0 });
      expect(blocks, `seed ${seed}`).toEqual(frames.map((frame) => frame.subarray(8).toString('hex')));
    }
  });

  it('stops when it is asked to, and goes on from there', () => {
    const blocks: string[] = [];
    const reader = createFrameReader(66_567, (block) => {
      blocks.push(block.toString());
      return block.toString() === 'go' ? undefined : 'stop';
    });
    const stream = Buffer.concat(['a', 'b', 'go', 'c'].map((text) => frameOf(Buffer.from(text))));
    reader.push(stream.subarray(0, 5));
    reader.push(stream.subarray(5));
    expect(blocks).toEqual(['a']);
    reader.push(frameOf(Buffer.from('d')));
    reader.resume();
    expect(blocks).toEqual(['a', 'b']);
    reader.resume();
    expect(blocks).toEqual(['a', 'b', 'go', 'c']);
    reader.resume();
    expect(reader.resume()).toBeNull();
    expect(blocks).toEqual(['a', 'b', 'go', 'c', 'd']);
  });

  it('refuses another magic, and keeps what came before', () => {
    expect(read([Buffer.concat([FRAME, hex('de ef ec e1 00 00 00 00')])])).toMatchObject({
      blocks: [FRAME.subarray(8).toString('hex')],
      error: 'no-magic',
    });
    expect(read([FRAME.subarray(0, 3), hex('ff 00 00 00 00')])).toMatchObject({ error: 'no-magic' });
  });

  it('takes the largest block that a stock sensor sends by default, and refuses a byte more', () => {
    expect(read([hex('de ef ec e0 07 04 01 00')]).error).toBeNull();
    expect(read([hex('de ef ec e0 08 04 01 00')])).toMatchObject({ error: 'block-too-large', refused: 66_568 });
  });
});

describe('authentication', () => {
  const record = authRecord('abc');

  it('is 64 bytes with the key as it is', () => {
    expect(record).toEqual(Buffer.concat([hex('de ef ec e0 03 00 61 62 63'), Buffer.alloc(55)]));
    expect(AUTH_ACCEPTED).toEqual(hex('de ef ec e0 00'));
  });

  it('takes the key, whatever stands behind it, and no other', () => {
    expect(carriesKey(record, 'abc')).toBe(true);
    const noisy = Buffer.from(record);
    noisy.fill(0xff, 9);
    expect(carriesKey(noisy, 'abc')).toBe(true);
    for (const key of ['', 'ab', 'abd', 'abcd', 'a'.repeat(58)]) expect(carriesKey(record, key), key).toBe(false);
    expect(carriesKey(authRecord('é'.repeat(29)), 'é'.repeat(29))).toBe(true);
  });

  it.each([59, 65_535])('survives a key length of %i, which ends a stock receiver', (length) => {
    const wrong = Buffer.from(record);
    wrong.writeUInt16LE(length, 4);
    expect(carriesKey(wrong, 'abc')).toBe(false);
  });

  it('is distinguished from a frame by its first eight bytes', () => {
    expect(beginsAuthentication(record.subarray(0, 8), 66_567)).toBe(true);
    expect(beginsAuthentication(FRAME.subarray(0, 8), 66_567)).toBe(false);
    expect(beginsAuthentication(hex('de ef ec e0 07 04 01 00'), 66_567)).toBe(false);
  });
});

it('acknowledges by a count', () => {
  expect(acknowledgement(258)).toEqual(hex('de ef ec ac 02 01 00 00 00 00 00 00'));
  expect(readAcknowledgement(acknowledgement(2 ** 40))).toBe(2 ** 40);
  expect(readAcknowledgement(hex('de ef ec e0 00 00 00 00 00 00 00 00'))).toBeNull();
  expect(readAcknowledgement(hex('de ef ec ac ff ff ff ff ff ff ff ff'))).toBeNull();
});

describe('an announcement', () => {
  const good = { sensor: 'web-1', run: 'ab'.repeat(16), linkTypes: [1, 101], next: 7, acknowledges: true };

  it('is read as it was written', () => {
    expect(parseAnnouncement(encodeAnnouncement(good))).toEqual(good);
  });

  it.each([
    ['no JSON', 'AAAA'],
    ['no object', 'null'],
    ['no name', JSON.stringify({ ...good, sensor: '..' })],
    ['a number for a name', JSON.stringify({ ...good, sensor: 7 })],
    ['no run', JSON.stringify({ ...good, run: '../../etc' })],
    ['no link types', JSON.stringify({ ...good, linkTypes: [] })],
    ['too many link types', JSON.stringify({ ...good, linkTypes: Array(10).fill(1) })],
    ['a link type out of range', JSON.stringify({ ...good, linkTypes: [65_536] })],
    ['a frame number out of range', JSON.stringify({ ...good, next: -1 })],
    ['more than any has', JSON.stringify({ ...good, more: 'x'.repeat(5000) })],
  ])('with %s is none', (_what, text) => {
    expect(parseAnnouncement(Buffer.from(text))).toBeNull();
  });

  it('has a name that may stand in that of a file', () => {
    expect(sensorName('../../etc/passwd\n')).toBe('etc-passwd-');
    expect(sensorName('a'.repeat(100))).toHaveLength(64);
  });
});

describe('records', () => {
  it.each([
    ['a captured length beyond the end', 8, 15],
    ['a packet longer than any', 8, 0x7fff_ffff],
    ['a million microseconds', 4, 1_000_000],
    ['less on the wire than was captured', 12, 13],
  ])('end before one with %s', (_what, at, value) => {
    const wrong = Buffer.from(RECORD);
    wrong.writeUInt32LE(value, at);
    expect(checkRecords(Buffer.concat([RECORD, wrong]))).toEqual({ packets: 1, end: 30 });
  });

  it('end before one that is cut off', () => {
    expect(checkRecords(Buffer.concat([RECORD, RECORD.subarray(0, 20)]))).toEqual({ packets: 1, end: 30 });
    expect(checkRecords(Buffer.alloc(0))).toEqual({ packets: 0, end: 0 });
  });
});
