/** Frames on their way: in order, each until it is confirmed, dropped by the rule, spooled. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FrameQueue, type FrameStore, type OutgoingFrame } from '../../../src/packets/stream/frame-queue.js';
import { openFrameSpool } from '../../../src/packets/stream/frame-spool.js';
import { createSensorBooks } from '../../../src/packets/stream/sensor-books.js';
import { temporaryDirectory } from '../../support/stream-ends.js';

const frame = (text: string): OutgoingFrame => ({
  bytes: Buffer.from(text.padEnd(10, '.')),
  linkType: 1,
  packets: 1,
  counts: [['eth0', 1]],
});

function queueOf(bytesMax: number, drops: 'oldest' | 'newest' = 'oldest', spool: FrameStore | null = null) {
  const seen: string[] = [];
  const name = ({ bytes }: OutgoingFrame) => bytes.toString().replace(/\.+$/, '');
  const queue = new FrameQueue({
    ...{ bytesMax, drops, spool },
    onConfirmed: (one) => seen.push(`sent ${name(one)}`),
    onDropped: (one, reason) => seen.push(`${reason} ${name(one)}`),
  });
  const shift = () => {
    const one = queue.shift();
    return one === null ? null : name(one);
  };
  return { queue, seen, shift };
}

describe('a queue', () => {
  it('keeps frames until they are confirmed, and gives them again after a rewind', () => {
    const { queue, seen, shift } = queueOf(1000);
    for (const text of ['a', 'b', 'c']) queue.push(frame(text));
    expect([shift(), shift()]).toEqual(['a', 'b']);
    queue.confirmBefore(1);
    queue.rewind();
    expect([queue.firstNumber, shift(), shift(), shift()]).toEqual([1, 'b', 'c', null]);
    queue.confirmBefore(100);
    expect(seen).toEqual(['sent a', 'sent b', 'sent c']);
    expect([queue.isEmpty, queue.bytes, queue.unconfirmedBytes, queue.firstNumber]).toEqual([true, 0, 0, 3]);
  });

  it('drops the oldest that waits, and never one that has been sent, which has its number', () => {
    const { queue, seen, shift } = queueOf(30);
    for (const text of ['a', 'b', 'c']) queue.push(frame(text));
    shift();
    queue.rewind();
    queue.push(frame('d'));
    expect(seen).toEqual(['queue-full b']);
    expect([shift(), shift(), shift(), shift()]).toEqual(['a', 'c', 'd', null]);
    queue.push(frame('e'));
    expect(seen).toEqual(['queue-full b', 'queue-full e']);
  });

  it('releases the memory of each frame once, however it leaves', () => {
    const released: string[] = [];
    const counted = (text: string): OutgoingFrame => ({ ...frame(text), release: () => released.push(text) });
    const { queue, shift } = queueOf(30);
    for (const text of ['a', 'b', 'c', 'd']) queue.push(counted(text));
    expect(released).toEqual(['a']);
    shift();
    queue.confirmBefore(1);
    expect(released).toEqual(['a', 'b']);
    queue.close('not-acknowledged');
    expect(released).toEqual(['a', 'b', 'c', 'd']);
    const { queue: newest } = queueOf(10, 'newest');
    for (const text of ['e', 'f']) newest.push(counted(text));
    expect(released.slice(4)).toEqual(['f']);
    const kept: FrameStore = { isEmpty: true, push: () => 'kept', shift: () => null };
    const { queue: spooling } = queueOf(10, 'oldest', kept);
    for (const text of ['g', 'h']) spooling.push(counted(text));
    expect(released.slice(5)).toEqual(['h']);
  });

  it('drops the newest where that is the rule', () => {
    const { queue, seen, shift } = queueOf(20, 'newest');
    for (const text of ['a', 'b', 'c']) queue.push(frame(text));
    expect(seen).toEqual(['queue-full c']);
    queue.close('not-acknowledged');
    expect(seen).toEqual(['queue-full c', 'not-acknowledged a', 'not-acknowledged b']);
    expect(shift()).toBeNull();
  });
});

describe('a spool', () => {
  const directory = temporaryDirectory();
  const spoolOf = (bytesMax = 1 << 20) =>
    openFrameSpool({
      directory: directory(),
      bytesMax,
      segmentBytes: 200,
      onError: (error) => {
        throw error;
      },
    });

  it('takes what memory has no room for, and gives it back in order', () => {
    const { queue, seen, shift } = queueOf(30, 'oldest', spoolOf());
    const texts = Array.from({ length: 20 }, (_, i) => `f${i}`);
    for (const text of texts) queue.push(frame(text));
    expect(readdirSync(directory()).length).toBeGreaterThan(2);
    const given: (string | null)[] = [];
    for (let number = 1; given.length < 20; number++) {
      given.push(shift());
      queue.confirmBefore(number);
    }
    expect(given).toEqual(texts);
    expect([shift(), queue.isEmpty, seen.length, readdirSync(directory())]).toEqual([null, true, 20, []]);
  });

  it('drops the newest when it is full', () => {
    const { queue, seen } = queueOf(10, 'oldest', spoolOf(200));
    for (const text of ['a', 'b', 'c', 'd', 'e', 'f']) queue.push(frame(text));
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every((one) => one.startsWith('spool-full'))).toBe(true);
  });

  it('survives the end of the sensor, and an entry that is torn', () => {
    const { queue } = queueOf(30, 'oldest', spoolOf());
    for (const text of ['a', 'b', 'c', 'd', 'e']) queue.push(frame(text));
    queue.close('not-acknowledged');
    writeFileSync(join(directory(), '000000009999.frames'), Buffer.from('0500000005000000', 'hex'));
    const again = spoolOf();
    expect(again.leftBehind().flat()).toHaveLength(5);
    const next = queueOf(1000, 'oldest', again);
    const given = new Set([next.shift(), next.shift(), next.shift(), next.shift(), next.shift(), next.shift()]);
    expect(given).toEqual(new Set(['a', 'b', 'c', 'd', 'e', null]));
  });

  it.each([
    ['zeros', '00'.repeat(4096)],
    ['a description that is none', `0500000005000000${'58'.repeat(10)}`],
    ['a description of something else', `0200000001000000${Buffer.from('{}').toString('hex')}00`],
    [
      'counts that are none',
      ((text) => `${text.length.toString(16).padStart(2, '0')}00000001000000${Buffer.from(text).toString('hex')}00`)(
        '{"linkType":1,"packets":1,"counts":[1]}',
      ),
    ],
  ])('survives a file with %s', (_what, hex) => {
    const { queue } = queueOf(10, 'oldest', spoolOf());
    for (const text of ['a', 'b', 'c']) queue.push(frame(text));
    queue.close('not-acknowledged');
    writeFileSync(join(directory(), '000000009999.frames'), Buffer.from(hex, 'hex'));
    const again = spoolOf();
    expect(again.leftBehind().flat()).toHaveLength(3);
    const next = queueOf(1000, 'oldest', again);
    expect([next.shift(), next.shift(), next.shift(), next.shift()].sort()).toEqual(['a', 'b', 'c', null]);
  });
});

it('the books add up at any moment', () => {
  const books = createSensorBooks();
  books.capture([['eth0', 10]]);
  books.send([['eth0', 4]]);
  books.drop([['eth0', 3]], 'queue-full');
  expect(books.inFlight('eth0')).toBe(3);
});
