import { expect, it } from 'vitest';
import { areFrames, recognisePreface, recogniseSettings } from '../../../src/http/h2/frame.js';
import { Recognition } from '../../../src/http/protocol.js';
import { frame } from '../../support/h2-frames.js';
import { Random, runSeed } from '../../support/random.js';

const begins = (bytes: Buffer) =>
  bytes[0] === 0x50 ? recognisePreface(bytes, 0, bytes.length) : recogniseSettings(bytes, 0, bytes.length);
const isMiddle = (bytes: Buffer) => areFrames(bytes, 0, bytes.length);

it('is recognised by the preface, and by the SETTINGS of a server that speaks first, as soon as they are there', () => {
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const settings = frame(4, 0, 0, Buffer.from([0, 3, 0, 0, 0, 100]));
  for (const [bytes, needed] of [
    [preface, 16],
    [settings, 9],
    [frame(4, 0, 0), 9],
  ] as const) {
    for (let length = 1; length <= bytes.length; length++) {
      const expected = length < needed ? Recognition.maybe : Recognition.yes;
      expect(begins(bytes.subarray(0, length)), `${length}`).toBe(expected);
    }
  }
});

it.each([
  ['an acknowledgement', frame(4, 1, 0)],
  ['settings of a stream', frame(4, 0, 1)],
  ['settings that are cut', frame(4, 0, 0, 'abc')],
  ['a ping', frame(6, 0, 0, '12345678')],
  ['a request', Buffer.from('GET / HTTP/1.1\r\n')],
  ['PUT', Buffer.from('PUT / HTTP/1.1\r\n')],
  ['a greeting of MySQL', Buffer.from('4a0000000a382e302e333200', 'hex')],
  ['a request of Kafka', Buffer.from('0000002a0012000400000001', 'hex')],
])('does not begin with %s', (_what, bytes) => {
  expect(begins(bytes)).toBe(Recognition.no);
});

it.each([
  ['a request', frame(1, 5, 7, 'headers')],
  ['a response', Buffer.concat([frame(1, 4, 7, 'headers'), frame(0, 1, 7, 'body')])],
  ['a ping', frame(6, 0, 0, '12345678')],
  ['an empty DATA that ends a stream', frame(0, 1, 7)],
  ['window updates', Buffer.concat([frame(8, 0, 0, '1234'), frame(8, 0, 9, '1234')])],
  [
    'two frames and the beginning of a third',
    Buffer.concat([frame(8, 0, 0, '1234'), frame(1, 4, 7, 'headers'), frame(0, 0, 7, 'long body').subarray(0, 12)]),
  ],
])('is known in its middle by %s', (_what, bytes) => {
  expect(isMiddle(bytes)).toBe(true);
});

it.each([
  ['part of a frame', frame(0, 0, 7, 'long body').subarray(0, 12)],
  ['one frame and part of another', Buffer.concat([frame(8, 0, 0, '1234'), frame(0, 0, 7, 'body').subarray(0, 10)])],
  ['a frame of an unknown type', frame(12, 0, 7, 'x')],
  ['unknown flags', frame(1, 0x80, 7, 'x')],
  ['headers of no stream', frame(1, 4, 0, 'x')],
  ['a ping of the wrong length', frame(6, 0, 0, '1234')],
  ['zeros', Buffer.alloc(64)],
  ['text', Buffer.from('HTTP/1.1 200 OK\r\n\r\n')],
  ['nothing', Buffer.alloc(0)],
])('is not known by %s', (_what, bytes) => {
  expect(isMiddle(bytes)).toBe(false);
});

it('is not known by bytes that mean nothing', () => {
  const seed = runSeed();
  const random = new Random(seed);
  for (let round = 0; round < 100_000; round++) {
    const bytes = Buffer.from(Array.from({ length: random.between(0, 40) }, () => random.between(0, 255)));
    expect(isMiddle(bytes), `${bytes.toString('hex')}, seed ${seed}`).toBe(false);
  }
});
