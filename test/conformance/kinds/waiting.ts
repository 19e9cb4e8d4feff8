/** Time that passes, and clocks that disagree. */
import { expect } from 'vitest';
import { ack, client, packetsOf, type Step, server } from '../../support/conversation.js';
import {
  ask,
  type CapturedPacket,
  CLOSE,
  capture,
  get,
  type Kind,
  later,
  merged,
  ok,
  post,
  readdressed,
  said,
  type Variation,
} from './variation.js';

const LIVES = 'an exchange waits as long as its connection lives; 10 seconds are for missing segments';
const wait = (seconds: number, step: Step): Step => ({ ...step, pause: seconds * 1e9 });

/** Another connection that goes on meanwhile, so that time passes. */
const other = (seconds: number): CapturedPacket[] =>
  later(
    readdressed(packetsOf([get('/other'), wait(1, ok('o')), ...CLOSE]), {
      client: '10.9.0.7',
      server: '10.9.0.2',
      clientPort: 41_000,
    }),
    seconds,
  );

const amid = (name: string, steps: readonly (Step | Step[])[], right: Variation['right'], seconds: number): Variation =>
  capture(name, LIVES, merged(packetsOf(steps), other(seconds)), [...right, said('/other', 'o')]);

/** A connection of another client whose packets are told by a clock of their own. */
function withClock(target: string, host: string, offset: number, interfaceId = 0): CapturedPacket[] {
  const steps = [get(`${target}1`), ok(`${target}1`), get(`${target}2`), ok(`${target}2`), ...CLOSE];
  const packets = readdressed(packetsOf(steps, { interval: 1e6 }), { client: host, server: '10.9.0.2' });
  return packets.map((packet) => ({ ...packet, time: packet.time + offset, interfaceId }));
}
/** Packets of both in turn, whatever their clocks say. */
const inTurn = (a: readonly CapturedPacket[], b: readonly CapturedPacket[]): CapturedPacket[] =>
  a.flatMap((packet, i) => [packet, b[i] as CapturedPacket]);
const TWO = [
  said('/a1', '/a1', { marks: [] }),
  said('/b1', '/b1', { marks: [] }),
  said('/a2', '/a2', { marks: [] }),
  said('/b2', '/b2', { marks: [] }),
];
const CLOCKS = 'pcapng §4.3: each interface has its own clock; tcpdump issue 146: time stamps out of sequence';
const YEAR = 365 * 24 * 3600e9;

export const WAITING: readonly Kind[] = [
  {
    kind: 'a pause longer than ten seconds',
    variations: [
      amid(
        'in a chunked download',
        [
          get('/1'),
          server('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'),
          wait(25, server('3\r\ndef\r\n0\r\n\r\n')),
          ...CLOSE,
        ],
        [said('/1', 'abcdef', { marks: [] })],
        12,
      ),
      amid(
        'in a download of known length, twice',
        [
          get('/1'),
          server('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'),
          wait(20, server('def')),
          wait(20, server('ghi')),
          ...CLOSE,
        ],
        [said('/1', 'abcdefghi', { marks: [] })],
        15,
      ),
      amid(
        'in an upload',
        [
          client('PUT /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345'),
          wait(40, client('67890')),
          ok('done'),
          ...CLOSE,
        ],
        [said('/1', 'done', { reqBody: '1234567890', reqWire: 10, marks: [] })],
        20,
      ),
      amid(
        'in a request’s head',
        [client('GET /1 HTTP/1.1\r\nHo'), wait(30, client('st: a\r\n\r\n')), ok('one'), ...CLOSE],
        [said('/1', 'one', { marks: [] })],
        15,
      ),
      amid(
        'in front of a response, a minute',
        [get('/1'), wait(60, ok('one')), get('/2'), ok('two'), ...CLOSE],
        [said('/1', 'one', { marks: [] }), said('/2', 'two')],
        30,
      ),
      amid(
        'in front of a response, four minutes, with probes',
        [
          post('/1', 'x'),
          ...Array.from({ length: 4 }, () => [wait(60, ack('client')), ack('server')]).flat(),
          ok('one'),
          ...CLOSE,
        ],
        [said('/1', 'one', { marks: [] })],
        100,
      ),
      amid(
        'between events',
        [
          get('/events'),
          server('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n'),
          ...[1, 2, 3, 4].map((i) => wait(12, server(`: beat\n\ndata: ${i}\n\n`))),
          ...CLOSE,
        ],
        [
          {
            target: '/events',
            status: 200,
            body: ': beat\n\ndata: 1\n\n: beat\n\ndata: 2\n\n: beat\n\ndata: 3\n\n: beat\n\ndata: 4\n\n',
          },
        ],
        20,
      ),
      amid(
        'of a HEAD and the GET behind it',
        [
          ask('HEAD', '/1'),
          wait(15, server('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')),
          get('/1'),
          wait(15, ok('hello')),
          ...CLOSE,
        ],
        [{ method: 'HEAD', status: 200, marks: [] }, said('/1', 'hello', { marks: [] })],
        12,
      ),
    ],
  },
  {
    kind: 'clocks that disagree',
    variations: [
      capture(
        '15 s behind, in turn',
        CLOCKS,
        inTurn(withClock('/a', '10.9.0.5', 0), withClock('/b', '10.9.0.6', -15e9)),
        TWO,
      ),
      capture(
        '15 s ahead, in turn',
        CLOCKS,
        inTurn(withClock('/a', '10.9.0.5', 0), withClock('/b', '10.9.0.6', 15e9)),
        TWO,
      ),
      capture(
        'an hour, two interfaces',
        CLOCKS,
        inTurn(withClock('/a', '10.9.0.5', 0, 0), withClock('/b', '10.9.0.6', 3600e9, 1)),
        TWO,
      ),
      capture(
        'five minutes behind, two interfaces',
        CLOCKS,
        inTurn(withClock('/a', '10.9.0.5', 300e9, 0), withClock('/b', '10.9.0.6', 0, 1)),
        TWO,
      ),
      capture(
        'one packet a year ahead',
        CLOCKS,
        inTurn(
          withClock('/a', '10.9.0.5', 0),
          withClock('/b', '10.9.0.6', 0).map((packet, i) =>
            i === 3 ? { ...packet, time: packet.time + YEAR } : packet,
          ),
        ),
        TWO,
        {
          also: ({ traces }) =>
            expect(
              traces.filter(({ durationNano }) => Number(durationNano) > 10e9 && !durationNano.startsWith('-')).length,
            ).toBeLessThanOrEqual(1),
        },
      ),
      capture(
        'an acknowledgement a year ahead, between two others',
        CLOCKS,
        [
          ...withClock('/a', '10.9.0.5', 0).slice(0, 4),
          ...readdressed(packetsOf([ack('client')], { handshake: false }), {
            client: '10.9.0.9',
            server: '10.9.0.2',
          }).map((packet) => ({ ...packet, time: YEAR })),
          ...withClock('/a', '10.9.0.5', 0).slice(4),
        ],
        [said('/a1', '/a1', { marks: [] }), said('/a2', '/a2', { marks: [] })],
      ),
      capture(
        'set back by 20 s amid a connection',
        'clock_settime(2): a wall clock steps',
        withClock('/a', '10.9.0.5', 30e9).map((packet, i) =>
          i >= 5 ? { ...packet, time: packet.time - 20e9 } : packet,
        ),
        [said('/a1', '/a1', { marks: [] }), said('/a2', '/a2', { marks: [] })],
      ),
    ],
  },
];
