/** Floods in what follows HTTP/1: frames of HTTP/2 and of WebSockets, events, lines and calls. */
import { deflateRawSync } from 'node:zlib';
import * as h2 from '../../test/support/h2-frames.js';
import { frame as webSocketFrame } from '../../test/support/websocket-frames.js';
import { type Attack, holdDialogues } from './speak.js';

const NOTHING = Buffer.alloc(0);
const TIMES = 3;

const HTTP2: readonly Attack[] = [
  framing('300,000 PINGs', () => repeated(h2.frame(h2.Type.ping, 0, 0, Buffer.alloc(8)), 300_000)),
  framing('300,000 PRIORITYs', () => repeated(h2.frame(h2.Type.priority, 0, 1, Buffer.alloc(5)), 300_000)),
  framing('300,000 WINDOW_UPDATEs', () => repeated(h2.frame(h2.Type.windowUpdate, 0, 0, Buffer.alloc(4)), 300_000)),
  framing('300,000 empty SETTINGS', () => repeated(h2.settings, 300_000)),
  framing('300,000 frames of an unknown type', () => repeated(h2.frame(0xbe, 0, 0), 300_000)),
  framing('50,000 SETTINGS of the table', () =>
    repeated(h2.frame(h2.Type.settings, 0, 0, Buffer.from('000100000000000100001000', 'hex')), 50_000),
  ),
  framing('300,000 empty DATA', () =>
    Buffer.concat([h2.headers(1, h2.POST('/attack')), repeated(h2.data(1, NOTHING), 300_000)]),
  ),
  framing('200,000 DATA of a byte', () =>
    Buffer.concat([h2.headers(1, h2.POST('/attack')), repeated(h2.data(1, 'a'), 200_000)]),
  ),
  framing('200,000 padded DATA without content', () =>
    Buffer.concat([
      h2.headers(1, h2.POST('/attack')),
      repeated(h2.frame(h2.Type.data, 8, 1, Buffer.from([1, 0])), 200_000),
    ]),
  ),
  framing('300,000 CONTINUATIONs', () =>
    Buffer.concat([
      h2.frame(h2.Type.headers, 0, 1, h2.GET('/attack')),
      repeated(h2.frame(h2.Type.continuation, 0, 1), 300_000),
    ]),
  ),
  framing('50,000 streams reset at once', () =>
    streams(50_000, (stream) => [h2.headers(stream, h2.GET('/attack'), h2.END_STREAM), h2.reset(stream, 8)]),
  ),
  framing('50,000 streams that do not end', () =>
    streams(50_000, (stream) => [h2.headers(stream, h2.POST('/attack')), h2.data(stream, 'a')]),
  ),
  framing('200 heads of 16,000 references to 4 KB', () => {
    const first = Buffer.concat([h2.literal(['x', 'x'.repeat(4000)], true), h2.GET('/attack')]);
    const bomb = Buffer.concat([h2.GET('/attack'), repeated(h2.indexed(62), 16_000)]);
    return streams(200, (stream) => [h2.headers(stream, stream === 1 ? first : bomb, h2.END_STREAM)]);
  }),
  framing('5,000 heads that change the size of the table', () => {
    const head = Buffer.concat([
      repeated(Buffer.from('203fe11f', 'hex'), 100),
      h2.literal(['x', 'x'.repeat(1000)], true),
      h2.GET('/attack'),
    ]);
    return streams(5000, (stream) => [h2.headers(stream, head, h2.END_STREAM)]);
  }),
];

const UPGRADE = Buffer.from(
  'GET /attack HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n',
);
const UPGRADED = Buffer.from(
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n\r\n',
);
const MASK = Buffer.from([1, 2, 3, 4]);
const byWebSocket = (payload: Buffer, options: { opcode?: number; isFinal?: boolean; isCompressed?: boolean } = {}) =>
  webSocketFrame(payload, { mask: MASK, ...options });
const BYTE = Buffer.from('a');

const WEBSOCKETS: readonly Attack[] = [
  upgraded('1,000,000 messages of a byte', () => repeated(byWebSocket(BYTE), 1_000_000)),
  upgraded('300,000 pings', () => repeated(byWebSocket(BYTE, { opcode: 9 }), 300_000)),
  upgraded('a message in 500,000 frames of a byte', () =>
    Buffer.concat([
      byWebSocket(BYTE, { isFinal: false }),
      repeated(byWebSocket(BYTE, { opcode: 0, isFinal: false }), 500_000),
    ]),
  ),
  upgraded('300 messages that inflate to 100 MB', () => {
    const bomb = deflateRawSync(Buffer.alloc(100_000_000)).subarray(0, -1);
    return repeated(byWebSocket(bomb, { opcode: 2, isCompressed: true }), 300);
  }),
  upgraded('100,000 messages that inflate to nothing', () =>
    repeated(byWebSocket(Buffer.from([0]), { isCompressed: true }), 100_000),
  ),
];

const GRPC_FIELDS: readonly h2.Field[] = [['content-type', 'application/grpc']];
const EVENTS = response('text/event-stream');
const LINES = response('application/x-ndjson');

const STREAMS: readonly Attack[] = [
  answering('1,000,000 events', () => Buffer.concat([EVENTS, repeated(Buffer.from('data:a\n\n'), 1_000_000)])),
  answering('an event of 1,000,000 lines', () => Buffer.concat([EVENTS, repeated(Buffer.from('data:a\n'), 1_000_000)])),
  answering('2,000,000 empty lines of events', () => Buffer.concat([EVENTS, Buffer.alloc(2_000_000, '\n')])),
  answering('1,000,000 lines of JSON', () => Buffer.concat([LINES, repeated(Buffer.from('{"a":1}\n'), 1_000_000)])),
  answering('a line of 10 MB', () => Buffer.concat([LINES, Buffer.alloc(10_000_000, '{"password":"')])),
  framing('a call of 1,000,000 messages without bytes', () =>
    Buffer.concat([h2.headers(1, h2.POST('/a.B/C', ...GRPC_FIELDS)), repeated(h2.data(1, Buffer.alloc(16_380)), 305)]),
  ),
  framing('50,000 calls with a message each', () =>
    streams(50_000, (stream) => [
      h2.headers(stream, h2.POST('/a.B/C', ...GRPC_FIELDS)),
      h2.data(stream, Buffer.from([0, 0, 0, 0, 1, 65]), h2.END_STREAM),
    ]),
  ),
];

export const PROTOCOLS: readonly Attack[] = [...HTTP2, ...WEBSOCKETS, ...STREAMS];

function framing(name: string, frames: () => Buffer): Attack {
  return {
    name: `HTTP/2: ${name}`,
    run: () =>
      holdDialogues(TIMES, { client: Buffer.concat([h2.PREFACE, h2.settings, frames()]), server: h2.settings }),
  };
}

function streams(count: number, frames: (stream: number) => readonly Buffer[]): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => frames(2 * i + 1)).flat());
}

function upgraded(name: string, frames: () => Buffer): Attack {
  return {
    name: `WebSocket: ${name}`,
    run: () => holdDialogues(TIMES, { greeting: UPGRADE, client: frames(), server: UPGRADED }),
  };
}

function answering(name: string, server: () => Buffer): Attack {
  return {
    name: `answered with ${name}`,
    run: () =>
      holdDialogues(TIMES, {
        greeting: Buffer.from('GET /attack HTTP/1.1\r\nHost: a\r\n\r\n'),
        client: NOTHING,
        server: server(),
      }),
  };
}

function response(type: string): Buffer {
  return Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n`);
}

function repeated(bytes: Buffer, times: number): Buffer {
  return Buffer.alloc(bytes.length * times, bytes);
}
