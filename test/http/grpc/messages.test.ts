/**
 * Messages of calls out of the bytes that carry them: however they are cut, coded and lost, each one that is told of is right, or
 * the beginning of what was sent, and says so.
 */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { grpcBody, grpcBodyNow } from '../../../src/http/grpc/grpc-body.js';
import { GrpcSplitter } from '../../../src/http/grpc/grpc-splitter.js';
import { grpcType } from '../../../src/http/grpc/grpc-type.js';
import type { StreamMessage } from '../../../src/http/stream-message.js';
import { MemoryBudget } from '../../../src/memory-budget.js';
import { callFrame as frame } from '../../support/greeter.js';
import { Random, runSeed } from '../../support/random.js';

interface Split {
  messages: string[];
  lost: number;
  trailers: [string, string][];
  taken: StreamMessage[];
}

type Piece = Buffer | number;

function split(
  pieces: readonly Piece[],
  options: { type?: string; coding?: string; room?: number; isOpen?: boolean } = {},
) {
  const { type = 'application/grpc', coding = '', room = 1 << 16, isOpen = false } = options;
  const budget = new MemoryBudget(1 << 30);
  const found: Split = { messages: [], lost: 0, trailers: [], taken: [] };
  const taker = {
    room: () => room,
    take: (message: StreamMessage) => void found.taken.push(message),
    lose: (_isRequest: boolean, bytes: number) => (found.lost += bytes),
  };
  const splitter = new GrpcSplitter(taker, true, {
    type: grpcType(type) as NonNullable<ReturnType<typeof grpcType>>,
    coding,
    budget,
    trailerBytesMax: 100,
    onTrailers: (pairs) => found.trailers.push(...pairs),
  });
  for (const piece of pieces) {
    if (typeof piece === 'number') splitter.gap(piece);
    // Nobody may look at bytes once the call is over.
    else {
      const lent = Buffer.concat([Buffer.alloc(3), piece, Buffer.alloc(3)]);
      splitter.data(lent, 3, 3 + piece.length, 7);
      lent.fill(0xee);
    }
  }
  if (!isOpen) splitter.finish(9);
  splitter.close();
  expect(budget.used).toBe(0);
  found.messages = found.taken.map(
    ({ content, truncated, codingError }) =>
      `${Buffer.from(content)}${truncated ? '…' : ''}${codingError === null ? '' : ` (${codingError})`}`,
  );
  return found;
}

const SENTENCE = 'a message of some length, a message of some length, and the end of it';

describe('messages', () => {
  const three = Buffer.concat([frame(0, 'one'), frame(0, ''), frame(0, 'three')]);

  it('are split wherever they are cut', () => {
    for (let size = 1; size <= three.length; size++) {
      const pieces = [];
      for (let at = 0; at < three.length; at += size) pieces.push(three.subarray(at, at + size));
      expect(split(pieces)).toMatchObject({ messages: ['one', '', 'three'], lost: 0 });
    }
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const)('are decoded each for itself: %s', (coding, compress) => {
    const body = Buffer.concat([frame(1, compress('hello')), frame(0, 'plain'), frame(1, compress(''))]);
    const { messages, taken } = split([body], { coding });
    expect(messages).toEqual(['hello', 'plain', '']);
    expect(taken.map(({ bytes }) => bytes)).toEqual([5, 5, 0]);
    expect(taken[0]?.wireBytes).toBe(compress('hello').length);
  });

  // As cramjam 2.11 encodes them.
  it.each([
    [
      'snappy',
      'ff060000734e6150705900340000c97ae611456461206d657373616765206f6620736f6d65206c656e6774682c206a1a003c6e642074686520656e64206f66206974',
    ],
    ['snappy', '456461206d657373616765206f6620736f6d65206c656e6774682c206a1a003c6e642074686520656e64206f66206974'],
    [
      'zstd',
      '28b52ffd20458d0100a40261206d657373616765206f6620736f6d65206c656e6774682c206e642074686520656e64206f6620697401007638c7',
    ],
    ['br', brotliCompressSync(SENTENCE).toString('hex')],
  ])('are decoded each for itself: %s, %s', async (coding, wire) => {
    const compressed = frame(1, Buffer.from(wire, 'hex'));
    const { taken } = split([compressed, compressed], { coding });
    expect(taken.map(({ content, codingError }) => [Buffer.from(content).toString(), codingError])).toEqual([
      [SENTENCE, null],
      [SENTENCE, null],
    ]);
    const context = { type: { isWeb: false, isText: false }, coding, bytesMax: 1e6, isCut: false } as const;
    const body = await grpcBody(compressed, context as Parameters<typeof grpcBody>[1]);
    expect(body?.content).toEqual(frame(0, SENTENCE));
  });

  it('that cannot be decoded are as they were sent, and say why', () => {
    expect(split([frame(1, 'abc')], { coding: 'gzip' }).messages[0]).toMatch(/^abc \(gzip: /);
    expect(split([frame(1, 'abc')], { coding: 'lz4' }).messages).toEqual(['abc (coding "lz4" is not known)']);
    expect(split([frame(1, 'abc')], { coding: 'snappy' }).messages[0]).toMatch(/^abc \(snappy: /);
    expect(split([frame(1, 'abc')], { coding: 'zstd' }).messages[0]).toMatch(/^abc \(zstd: /);
    expect(split([frame(1, 'abc')]).messages).toEqual(['abc (compressed, and no grpc-encoding says how)']);
    expect(split([frame(1, 'abc')], { coding: 'identity' }).messages[0]).toContain('no grpc-encoding');
  });

  it('that are bombs are not decoded', () => {
    const bomb = gzipSync(Buffer.alloc(1 << 24));
    expect(split([frame(1, bomb)], { coding: 'gzip' }).taken[0]).toMatchObject({
      codingError: expect.stringContaining('too long'),
    });
  });

  it('that are longer than there is room for are cut', () => {
    expect(split([frame(0, 'hello'), frame(0, 'x')], { room: 2 }).messages).toEqual(['he…', 'x']);
    expect(split([frame(0, 'hello')], { room: 0 }).taken).toMatchObject([{ wireBytes: 5, bytes: 5, truncated: true }]);
    const { taken } = split([frame(1, gzipSync('hello'))], { coding: 'gzip', room: 24 });
    expect(taken[0]).toMatchObject({ wireBytes: gzipSync('hello').length, truncated: true });
  });

  it('of four gigabytes are counted as they come', () => {
    const { taken, lost } = split([frame(0, 'abc', 0xffff_ffff)], { isOpen: true });
    expect([taken.length, lost]).toEqual([0, 0]);
    expect(split([frame(0, 'abc', 0xffff_ffff)])).toMatchObject({ messages: ['abc…'], lost: 0xffff_ffff - 3 });
  });

  it('are not made of what is none', () => {
    expect(split([Buffer.from('<html>')])).toMatchObject({ messages: [], lost: 6 });
    expect(split([frame(0, 'a'), Buffer.from('<html>')])).toMatchObject({ messages: ['a'], lost: 6 });
    expect(split([frame(0x80, 'a: b')])).toMatchObject({ messages: [], lost: 9 });
  });

  it('that a gap is inside of cost what it held', () => {
    const body = frame(0, 'abcdefgh');
    expect(split([body.subarray(0, 7), 3, body.subarray(10), frame(0, 'x')])).toMatchObject({
      messages: ['ab…', 'x'],
      lost: 3,
    });
    expect(split([body.subarray(0, 5), 8, frame(0, 'x')])).toMatchObject({ messages: ['…', 'x'], lost: 8 });
  });

  it('behind any other gap are told of once it is certain where they begin', () => {
    const body = frame(0, 'abc');
    // The first shows that one begins there, the second that this was no chance.
    expect(split([body, 6, frame(0, 'x'), frame(1, 'y'), frame(0, 'z')])).toMatchObject({
      messages: ['abc', 'y (compressed, and no grpc-encoding says how)', 'z'],
      lost: 12,
    });
    // One that goes on in later pieces.
    const long = frame(0, 'l'.repeat(50));
    expect(split([body, 6, long.subarray(0, 20), long.subarray(20), frame(0, 'x'), frame(0, 'y')])).toMatchObject({
      messages: ['abc', 'x', 'y'],
      lost: 61,
    });
    // The rest of one that a gap cut begins none.
    expect(split([body.subarray(0, 4), 3, Buffer.from('c'), frame(0, 'x'), frame(0, 'y')])).toMatchObject({
      messages: ['y'],
      lost: 14,
    });
    // Zeros would be messages without content, any number of them.
    expect(split([body, 6, Buffer.alloc(50), Buffer.alloc(50), Buffer.alloc(50)])).toMatchObject({
      messages: ['abc'],
      lost: 156,
    });
    // Neither are prefixes of which something is missing.
    expect(split([body, 6, frame(0, 'x').subarray(0, 5), 1, frame(0, 'y')])).toMatchObject({
      messages: ['abc'],
      lost: 18,
    });
  });

  it('behind any other gap are told of no more where that does not show', () => {
    const body = frame(0, 'abc');
    expect(split([body.subarray(0, 4), 4, frame(0, 'x')])).toMatchObject({ messages: [], lost: 14 });
    expect(split([body.subarray(0, 7), 2, frame(0, 'x')])).toMatchObject({ messages: ['ab…'], lost: 9 });
    expect(split([body, 6, frame(0, 'x')])).toMatchObject({ messages: ['abc'], lost: 12 });
    expect(split([body, 0, frame(0, 'x')])).toMatchObject({ messages: ['abc'], lost: 6 });
  });
});

describe('gRPC-Web', () => {
  const trailers = 'grpc-status: 5\r\ngrpc-message:not%20found \r\n';
  const body = Buffer.concat([frame(0, 'hello'), frame(0x80, trailers)]);
  const expected = {
    messages: ['hello'],
    trailers: [
      ['grpc-status', '5'],
      ['grpc-message', 'not%20found'],
    ],
    lost: 0,
  };

  it('has its trailers in the body', () => {
    expect(split([body], { type: 'application/grpc-web+proto' })).toMatchObject(expected);
    const packed = Buffer.concat([frame(0, 'hello'), frame(0x81, gzipSync(trailers))]);
    expect(split([packed], { type: 'application/grpc-web', coding: 'gzip' })).toMatchObject(expected);
  });

  it('may be in base64, in pieces that are padded each', () => {
    const type = 'application/grpc-web-text';
    const text = Buffer.from([frame(0, 'hello'), frame(0x80, trailers)].map((one) => one.toString('base64')).join(''));
    for (const size of [1, 2, 3, 5, 7, 100]) {
      const pieces = [];
      for (let at = 0; at < text.length; at += size) pieces.push(text.subarray(at, at + size));
      expect(split(pieces, { type })).toMatchObject(expected);
    }
    expect(split([Buffer.from(body.toString('base64'))], { type })).toMatchObject(expected);
    expect(split([text.subarray(0, 16), 4, text.subarray(20)], { type }).messages).toEqual(['hello']);
    expect(split([Buffer.from('no base64!')], { type })).toMatchObject({ messages: [], lost: 10 });
  });

  it('in base64 is split again behind a gap, where what is written at once is encoded for itself', () => {
    const type = 'application/grpc-web-text';
    const sent = ['zero', 'one', 'two!', 'three', 'four', 'five', 'a sixth'];
    const pieces: Piece[] = sent.map((text) => Buffer.from(frame(0, text).toString('base64')));
    const known = ['zero', 'three', 'four', 'five', 'a sixth'];
    const inside = [pieces[0], (pieces[1] as Buffer).subarray(0, 7), 5, ...pieces.slice(2)] as Piece[];
    expect(split(inside, { type }).messages).toEqual(known);
    expect(split([pieces[0], 12, ...pieces.slice(2)] as Piece[], { type }).messages).toEqual(known);
    // The end of what a gap cut is at no place of its group.
    const cut = [pieces[0], 7, (pieces[1] as Buffer).subarray(7), ...pieces.slice(2)] as Piece[];
    expect(split(cut, { type }).messages).toEqual(known);
    // Written as one, nothing shows where a group begins.
    const whole = Buffer.from(Buffer.concat(sent.map((text) => frame(0, text))).toString('base64'));
    const cutWhole = [whole.subarray(0, 13), 9, whole.subarray(22, 41), whole.subarray(41)];
    expect(split(cutWhole, { type }).messages).toEqual(['zero']);
  });

  it('has no trailers that are longer than they may be', () => {
    const long = frame(0x80, `a: ${'x'.repeat(100)}\r\n`);
    expect(split([long, frame(0, 'x')], { type: 'application/grpc-web' })).toMatchObject({
      trailers: [],
      messages: ['x'],
    });
  });
});

describe('random messages', () => {
  it('are right, or the beginning of what was sent, whatever is cut and lost', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let i = 0; i < 3000; i++) {
      const say = `SEED=${seed}, stream ${i}`;
      const coding = random.pick(['', 'gzip', 'deflate']);
      const type = random.pick(['application/grpc', 'application/grpc-web', 'application/grpc-web-text']);
      const sent = Array.from(
        { length: random.between(0, 6) },
        (_, n) => `${n}:${'x'.repeat(random.pick([0, 1, 5, 300]))}`,
      );
      const frames = sent.map((text) => {
        if (coding === '' || random.chance(0.3)) return frame(0, text);
        return frame(1, coding === 'gzip' ? gzipSync(text) : deflateSync(text));
      });
      if (type !== 'application/grpc') frames.push(frame(0x80, 'grpc-status: 0\r\n'));
      const isText = type.endsWith('text');
      const bytes = Buffer.concat(isText ? frames.map((one) => Buffer.from(one.toString('base64'))) : frames);
      const losses = random.chance(0.5) ? random.between(1, 3) : 0;
      const pieces: Piece[] = [];
      for (let at = 0; at < bytes.length; ) {
        const end = Math.min(bytes.length, at + random.between(1, random.pick([3, 30, 400])));
        pieces.push(bytes.subarray(at, end));
        at = end;
      }
      let lost = 0;
      for (let n = 0; n < losses && pieces.length > 0; n++) {
        const at = random.between(0, pieces.length - 1);
        const piece = pieces[at] as Piece;
        if (typeof piece === 'number') continue;
        lost += piece.length;
        pieces[at] = random.chance(0.2) ? 0 : piece.length;
      }
      const { taken, trailers } = split(pieces, { type, coding });
      if (lost === 0) {
        expect(
          taken.map(({ content }) => Buffer.from(content).toString()),
          say,
        ).toEqual(sent);
        if (type !== 'application/grpc') expect(trailers, say).toEqual([['grpc-status', '0']]);
        continue;
      }
      expect(taken.length, say).toBeLessThanOrEqual(sent.length);
      // Each is one of those behind the last that was told of.
      let from = 0;
      for (const { content, truncated, codingError } of taken) {
        if (codingError !== null) continue;
        const text = Buffer.from(content).toString();
        const n = sent.findIndex((one, at) => at >= from && (truncated ? one.startsWith(text) : one === text));
        expect(n, `${say}: ${text}`).toBeGreaterThanOrEqual(from);
        from = n + 1;
      }
    }
  });

  it('are the same of the whole body', async () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let i = 0; i < 1000; i++) {
      const say = `SEED=${seed}, body ${i}`;
      const coding = random.pick(['', 'gzip', 'deflate']);
      const contentType = random.pick(['application/grpc', 'application/grpc-web', 'application/grpc-web-text']);
      const type = grpcType(contentType) as NonNullable<ReturnType<typeof grpcType>>;
      const sent = Array.from(
        { length: random.between(0, 6) },
        (_, n) => `${n}:${'x'.repeat(random.pick([0, 1, 5, 300]))}`,
      );
      const frames = sent.map((text) => {
        if (coding === '' || random.chance(0.3)) return frame(0, text);
        return frame(1, coding === 'gzip' ? gzipSync(text) : deflateSync(text));
      });
      if (type.isWeb) frames.push(frame(0x80, 'grpc-status: 0\r\n'));
      const whole = Buffer.concat(type.isText ? frames.map((one) => Buffer.from(one.toString('base64'))) : frames);
      const context = { type, coding, bytesMax: 1e7, isCut: false };
      const body = grpcBodyNow(whole, context);
      expect(await grpcBody(whole, context), say).toEqual(body);
      if (body === null || body === undefined) throw new Error(say);
      expect(Buffer.from(body.content).equals(Buffer.concat(sent.map((text) => frame(0, text)))), say).toBe(true);
      expect(body.trailers, say).toEqual(type.isWeb ? [['grpc-status', '0']] : []);
      expect(body.messages.map(({ start, end }) => Buffer.from(body.content.subarray(start, end)).toString())).toEqual(
        sent,
      );
      // What is cut off is told as such, and as what it is the beginning of.
      const cut = whole.subarray(0, random.between(0, whole.length));
      const part = grpcBodyNow(cut, { ...context, isCut: true });
      part?.messages.forEach(({ start, end, isWhole }, n) => {
        const text = Buffer.from(part.content.subarray(start, end)).toString();
        expect(isWhole ? text === sent[n] : (sent[n] as string).startsWith(text), say).toBe(true);
      });
    }
  });
});

describe('a body', () => {
  const type = { isWeb: false, isText: false };
  const context = { type, coding: 'gzip', bytesMax: 1e7, isCut: false };

  it('in which nothing is to be undone is not copied', () => {
    const body = Buffer.concat([frame(0, 'a'), frame(0, 'b')]);
    expect(grpcBodyNow(body, context)?.content).toBe(body);
  });

  it.each([
    ['text', Buffer.from('<html>')],
    ['one that is cut off', frame(0, 'abc').subarray(0, 7)],
    ['one with something behind it', Buffer.concat([frame(0, 'abc'), Buffer.from([0, 0])])],
    ['trailers, without gRPC-Web', frame(0x80, '')],
  ])('is not %s', (_what, body) => expect(grpcBodyNow(body, context)).toBeUndefined());

  it('of a bomb is cut', async () => {
    const bomb = frame(1, gzipSync(Buffer.alloc(1 << 26)));
    const body = Buffer.concat([bomb, bomb]);
    expect(grpcBodyNow(body, context)).toBeNull();
    const made = await grpcBody(body, { ...context, bytesMax: 1000 });
    expect(made).toMatchObject({ truncated: true, error: null });
    expect(made?.content.length).toBeLessThanOrEqual(1010);
  });

  it('of many compressed messages is left to whoever has time, however short they are', async () => {
    const body = Buffer.concat(Array.from({ length: 40 }, () => frame(1, gzipSync('a'))));
    expect(grpcBodyNow(body, context)).toBeNull();
    expect((await grpcBody(body, context))?.messages).toHaveLength(40);
  });

  it('with a message that cannot be decoded is as it was sent', () => {
    const body = Buffer.concat([frame(0, 'a'), frame(1, 'x')]);
    expect(grpcBodyNow(body, { ...context, coding: 'lz4' })).toMatchObject({
      content: body,
      error: 'coding "lz4" is not known',
    });
  });

  it('of millions of empty messages is cut', () => {
    const made = grpcBodyNow(Buffer.alloc(5e6), context);
    expect(made?.messages).toHaveLength(1 << 16);
    expect(made?.truncated).toBe(true);
  });
});
