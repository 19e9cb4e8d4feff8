/** WebSockets over HTTP/1.1: the messages of the exchange whose 101 began them. */
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DropReason } from '../../src/counters.js';
import { Opcode } from '../../src/http/websocket/frame.js';
import { type Exchange, markNames } from '../../src/pair/exchange.js';
import {
  type ConversationOptions,
  client,
  converse,
  fin,
  lost,
  pause,
  rst,
  type Step,
  server,
  split,
} from '../support/conversation.js';
import { line } from '../support/run-packets.js';
import { frame } from '../support/websocket-frames.js';

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const asks = client('GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
const agreed = (extensions = '') =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n${extensions}\r\n`;
const DEFLATE = 'Sec-WebSocket-Extensions: permessage-deflate\r\n';
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const says = (text: string | Buffer, opcode: number = Opcode.text) => client(frame(text, { opcode, mask: MASK }));
const tells = (text: string | Buffer, opcode: number = Opcode.text) => server(frame(text, { opcode }));
const ends = [fin('client'), fin('server')];

function messages({ messages: log }: Exchange): string[] {
  return (log?.kept ?? []).map(({ isRequest, kind, content, truncated, bytes, codingError, closeCode }) =>
    [
      isRequest ? '↑' : '↓',
      kind,
      `"${Buffer.from(content)}"${truncated ? `… of ${bytes}` : ''}`,
      ...(closeCode === undefined ? [] : [closeCode]),
      ...(codingError === null ? [] : [`(${codingError})`]),
    ].join(' '),
  );
}

function talk(steps: readonly (Step | Step[])[], extensions = '', options: ConversationOptions = {}) {
  const run = converse([asks, server(agreed(extensions)), ...steps], options);
  return { ...run, one: run.exchanges[0] as Exchange };
}

describe('a WebSocket', () => {
  it('is the exchange that began it, with the messages of both sides as RFC 6455 §5.7 writes them', () => {
    const { exchanges, counters, one } = talk([
      server(hex('81 05 48 65 6c 6c 6f')),
      client(hex('81 85 37 fa 21 3d 7f 9f 4d 51 58')),
      server(hex('01 03 48 65 6c')),
      server(hex('89 05 48 65 6c 6c 6f')),
      client(hex('8a 85 37 fa 21 3d 7f 9f 4d 51 58')),
      server(hex('80 02 6c 6f')),
      server(Buffer.concat([hex('82 7E 0100'), Buffer.alloc(256, 'a')])),
      split(server(Buffer.concat([hex('82 7F 0000000000010000'), Buffer.alloc(65_536, 'b')])), 40_000),
      server(hex('88 06 03 e8 64 6f 6e 65')),
      client(hex('88 80 37 fa 21 3d')),
      ...ends,
    ]);
    expect(exchanges.map(line)).toEqual(['GET /chat → 101 {upgraded}']);
    expect(messages(one)).toEqual([
      '↓ text "Hello"',
      '↑ text "Hello"',
      '↓ ping "Hello"',
      '↑ pong "Hello"',
      '↓ text "Hello"',
      `↓ binary "${'a'.repeat(256)}"`,
      `↓ binary "${'b'.repeat(65_536)}"`,
      '↓ close "done" 1000',
      '↑ close ""',
    ]);
    expect(one.messages?.request).toEqual({ count: 1, bytes: 5, control: 2, lostBytes: 0 });
    expect(one.messages?.response).toEqual({ count: 4, bytes: 5 + 5 + 256 + 65_536, control: 2, lostBytes: 0 });
    expect(one.endTime - one.startTime).toBeGreaterThan(10e6);
    expect(counters).toMatchObject({ flows_websocket: 1, flows_upgraded: 0, exchanges_seen: 1 });
  });

  it.each([1, 2, 3, 5, 11])('is read in segments of %i bytes, the first of them behind the 101', (size) => {
    const first = server(Buffer.concat([Buffer.from(agreed()), frame('behind the head')]));
    const steps = [split(says('a message of some length'), size), split(tells(Buffer.alloc(300, 'x')), 17), ...ends];
    const { exchanges } = converse([asks, first, ...steps]);
    expect(messages(exchanges[0] as Exchange)).toEqual([
      '↓ text "behind the head"',
      '↑ text "a message of some length"',
      `↓ text "${'x'.repeat(300)}"`,
    ]);
  });

  it('that was reset or never closed says so', () => {
    expect(markNames(talk([tells('a'), rst('server')]).one.marks)).toEqual(['aborted', 'upgraded']);
    expect(markNames(talk([tells('a')]).one.marks)).toEqual(['upgraded', 'unfinished']);
  });

  it('leaves in windows, whose heartbeats begin none', () => {
    const beat = [tells('', Opcode.ping), says('', Opcode.pong)];
    const { exchanges } = talk([
      tells('1'),
      Array.from({ length: 20 }, () => [pause(10, beat[0] as Step), beat[1] as Step]).flat(),
      tells('2'),
      pause(10, tells('3')),
      pause(100, fin('client')),
      fin('server'),
    ]);
    expect(exchanges.map((one) => messages(one).filter((text) => text.includes('text')))).toEqual([
      ['↓ text "1"'],
      ['↓ text "2"', '↓ text "3"'],
      [],
    ]);
    expect(exchanges.map(({ marks }) => markNames(marks))).toEqual([
      ['upgraded', 'continues'],
      ['upgraded', 'continues'],
      ['upgraded'],
    ]);
  });

  it('that policy drops is not read', () => {
    const { exchanges, counters } = talk([tells('1')], '', { admit: () => DropReason.pathRule });
    expect(exchanges).toEqual([]);
    expect(counters).toMatchObject({ flows_websocket: 0, flows_upgraded: 1 });
  });

  it('that nobody asked for is an upgrade like others', () => {
    const { exchanges, counters } = converse([
      client('GET /chat HTTP/1.1\r\nHost: a\r\n\r\n'),
      server(agreed()),
      tells('1'),
      ...ends,
    ]);
    expect(exchanges.map(line)).toEqual(['GET /chat → 101 {upgraded}']);
    expect(counters).toMatchObject({ flows_websocket: 0, flows_upgraded: 1 });
  });
});

describe('compressed messages', () => {
  it('are as RFC 7692 §7.2.3 writes them, with and without the context of those before', () => {
    const hello = hex('c1 07 f2 48 cd c9 c9 07 00');
    const { one } = talk(
      [
        server(hello),
        server(hex('c1 05 f2 00 11 00 00')),
        // In fragments, with a block of no compression, with BFINAL, with two blocks.
        server(hex('41 03 f2 48 cd')),
        server(hex('80 04 c9 c9 07 00')),
        server(hex('c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00')),
        server(hex('c1 08 f3 48 cd c9 c9 07 00 00')),
        server(hex('c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00')),
        server(hex('c1 01 00')),
        tells('plain'),
      ],
      DEFLATE,
    );
    expect(messages(one)).toEqual([
      ...Array.from({ length: 6 }, () => '↓ text "Hello"'),
      '↓ text ""',
      '↓ text "plain"',
    ]);
    expect(one.messages?.response).toMatchObject({ count: 8, bytes: 35 });
  });

  it('that refer to lost ones say so, and those that do not are read again', () => {
    const { one } = talk(
      [
        lost(server(hex('c1 07 f2 48 cd c9 c9 07 00'))),
        server(hex('c1 05 f2 00 11 00 00')),
        server(hex('c1 05 f2 00 11 00 00')),
        server(hex('c1 05 f2 00 11 00 00')),
        server(hex('c1 07 f2 48 cd c9 c9 07 00')),
        server(hex('c1 05 f2 00 11 00 00')),
      ],
      DEFLATE,
    );
    // The place was lost with the first, and is found again by the second and third, of which the first is passed over.
    expect(messages(one)).toEqual([
      '↓ text ""… of 5 (permessage-deflate: it refers to earlier messages that are not known)',
      '↓ text ""… of 5 (permessage-deflate: it refers to earlier messages that are not known)',
      '↓ text "Hello"',
      '↓ text "Hello"',
    ]);
    expect(one.messages?.response.lostBytes).toBe(16);
  });

  it('without agreement, or by another extension, are counted', () => {
    const { one } = talk([server(hex('c1 07 f2 48 cd c9 c9 07 00')), tells('a')]);
    expect(messages(one)).toEqual(['↓ text ""… of 7 (compressed by an extension that is not known)', '↓ text "a"']);
  });

  it('that give a thousand times as much are cut, and cost no more than that', () => {
    const bomb = deflateRawSync(Buffer.alloc(64 << 20));
    const { one } = talk([split(server(frame(bomb, { isCompressed: true })), 1400), tells('a')], DEFLATE);
    expect(one.messages?.kept.map(({ content, truncated }) => [content.length, truncated])).toEqual([
      [65_536, true],
      [1, false],
    ]);
  });
});

describe('lost bytes', () => {
  it('inside a frame cost what they held of its message', () => {
    const long = tells(Buffer.concat([Buffer.alloc(1000, 'a'), Buffer.alloc(1000, 'b'), Buffer.alloc(1000, 'c')]));
    const [a, b, ...rest] = split(long, 500) as [Step, Step, ...Step[]];
    const { one } = talk([a, lost(b), rest, tells('next'), ...ends]);
    expect(messages(one)).toEqual([`↓ text "${'a'.repeat(496)}"… of 3000`, '↓ text "next"']);
    expect(markNames(one.marks)).toEqual(['gap', 'upgraded']);
    expect(one.messages?.response).toMatchObject({ count: 2, lostBytes: 500 });
  });

  it('that held frames are found the end of by two segments that are frames from start to end', () => {
    const { one } = talk([lost(tells('lost')), tells('first'), tells('second'), tells('third'), ...ends]);
    expect(messages(one)).toEqual(['↓ text "second"', '↓ text "third"']);
    expect(one.messages?.response).toMatchObject({ count: 2, lostBytes: 6 + 7 });
  });

  it('followed by what only looks like a frame are followed by nothing', () => {
    const noise = Array.from({ length: 40 }, (_, i) => server(Buffer.concat([hex('81 04'), Buffer.alloc(i % 4, 'x')])));
    const { one } = talk([lost(tells('lost')), noise, ...ends]);
    expect(messages(one)).toEqual([]);
  });
});

describe('what is no WebSocket', () => {
  it.each([
    ['a reserved opcode', '83 01 61'],
    ['a reserved bit', 'a1 01 61'],
    ['a control frame in fragments', '09 01 61'],
    ['a control frame that is too long', '89 7e 00 7e'],
    ['a length of 2^63', '82 7f 80 00 00 00 00 00 00 00'],
  ])('is counted and passed over: %s', (_, bytes) => {
    const { one, counters } = talk([tells('before'), server(hex(bytes)), tells('a'), tells('b'), ...ends]);
    expect(messages(one)).toEqual(['↓ text "before"', '↓ text "b"']);
    expect(markNames(one.marks)).toContain('malformed');
    expect(counters.exchanges_seen).toBe(1);
  });

  it('takes no memory for a frame that says it is as long as frames can be', () => {
    const { one, budgetPeak } = talk([
      server(hex('82 7f 7f ff ff ff ff ff ff ff')),
      Array.from({ length: 200 }, () => server(Buffer.alloc(1400, 'x'))),
      ...ends,
    ]);
    expect(messages(one)).toEqual([]);
    expect(budgetPeak).toBeLessThan(200_000);
  });

  it('takes no memory for a million frames that say nothing', () => {
    const empty = Buffer.concat(Array.from({ length: 50_000 }, () => hex('89 00')));
    const fragments = Buffer.concat([hex('01 00'), ...Array.from({ length: 50_000 }, () => hex('00 00'))]);
    const { one, budgetPeak } = talk([
      Array.from({ length: 10 }, () => split(server(empty), 60_000)).flat(),
      Array.from({ length: 10 }, () => split(server(fragments), 60_000)).flat(),
      ...ends,
    ]);
    expect(one.messages?.response.control).toBe(500_000);
    expect(one.messages?.kept).toHaveLength(32);
    expect(budgetPeak).toBeLessThan(200_000);
  });
});
