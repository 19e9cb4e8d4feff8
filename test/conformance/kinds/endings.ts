/** How connections end, and how the next one on the same ports begins. */
import { ack, client, fin, late, lost, packetsOf, rst, type Step, server, split } from '../../support/conversation.js';
import {
  answer,
  ask,
  type CapturedPacket,
  CLOSE,
  capture,
  get,
  type Kind,
  later,
  ok,
  post,
  request,
  said,
  variation,
} from './variation.js';

const RESET =
  'RFC 9293 §3.5.2, §3.10.7.4: a reset has a sequence number, and what comes before it in the stream was sent before it';

/** Only packets with data, as `tcp[tcpflags] & tcp-push != 0` keeps them; numbers begin where they are told. */
function dataOnly(steps: readonly Step[], clientIsn: number, serverIsn: number, seconds: number): CapturedPacket[] {
  const packets = packetsOf(steps, { handshake: false, clientIsn, serverIsn });
  return later(packets, seconds);
}
const A: readonly Step[] = [get('/a'), ok('A')];
const BC: readonly Step[] = [get('/b'), ok('B'), get('/c'), ok('C')];
const ABC = [said('/a', 'A'), said('/b', 'B'), said('/c', 'C')];
const REUSED =
  'RFC 9293 §3.4.1: numbers of a new connection need not follow the old; acknowledgements agree with the new ones only';

const EARLY =
  'RFC 9110 §7.5: a server may answer before the request has ended; the contract: durationNano ends with the response’s last byte';
const BIG = 'POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n';

export const ENDINGS: readonly Kind[] = [
  {
    kind: 'a reset captured before the bytes in front of it',
    variations: [
      variation(
        'of the server, before its response',
        RESET,
        [get('/1'), late(ok('one'), 1), rst('server')],
        [said('/1', 'one')],
      ),
      variation(
        'of the server, before a response in four segments',
        RESET,
        [get('/1'), split(ok('x'.repeat(90)), 40).map((step) => late(step, 6)), rst('server')],
        [said('/1', 'x'.repeat(90))],
      ),
      variation(
        'of the client, before its last request',
        RESET,
        [get('/1'), ok('one'), late(get('/2'), 1), rst('client')],
        [said('/1', 'one'), { target: '/2', status: null }],
      ),
      variation(
        'of the client, before the response was captured',
        'RFC 9293 §3.4: the reset acknowledges the response, so it was received',
        [get('/1'), late(ok('one'), 1), rst('client')],
        [said('/1', 'one')],
      ),
      variation(
        'of the server, before the second half of the second response',
        RESET,
        [
          get('/1'),
          ok('one'),
          get('/2'),
          server('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc'),
          late(server('def'), 1),
          rst('server'),
        ],
        [said('/1', 'one'), said('/2', 'abcdef')],
      ),
      variation(
        'of the server, and the bytes in front of it never come',
        RESET,
        [get('/1'), server('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc'), lost(server('def')), rst('server')],
        [{ target: '/1', status: 200, body: 'abc', 'marks+': ['aborted'] }],
      ),
      variation(
        'before two pipelined responses',
        RESET,
        [client(request('GET', '/1') + request('GET', '/2')), late(ok('one'), 2), late(ok('two'), 1), rst('server')],
        [said('/1', 'one'), said('/2', 'two')],
      ),
    ],
  },
  {
    kind: 'ports used again where no SYN was captured',
    variations: [
      capture(
        'behind the old numbers',
        REUSED,
        [...dataOnly(A, 500_000, 900_000, 0), ...dataOnly(BC, 1000, 2000, 5)],
        ABC,
      ),
      capture(
        'far ahead of the old numbers',
        REUSED,
        [...dataOnly(A, 1000, 2000, 0), ...dataOnly(BC, 1_200_000_000, 1_500_000_000, 5)],
        ABC,
      ),
      capture(
        'the client’s ahead, the server’s behind',
        REUSED,
        [...dataOnly(A, 1000, 900_000, 0), ...dataOnly(BC, 800_000, 2000, 5)],
        ABC,
      ),
      capture(
        'a little ahead, within a window',
        REUSED,
        [...dataOnly(A, 1000, 2000, 0), ...dataOnly(BC, 1000 + 30_000, 2000 + 40_000, 5)],
        ABC,
      ),
      capture(
        'after both FINs',
        REUSED,
        [...dataOnly([...A, ...CLOSE], 1000, 2000, 0), ...dataOnly(BC, 700, 800, 5)],
        ABC,
      ),
      capture(
        'after an RST, with larger bodies',
        REUSED,
        [...dataOnly([get('/a'), ok('A'.repeat(5000)), rst('client')], 1000, 2000, 0), ...dataOnly(BC, 3000, 4000, 5)],
        [said('/a', 'A'.repeat(5000)), said('/b', 'B'), said('/c', 'C')],
      ),
      capture(
        'three connections',
        REUSED,
        [
          ...dataOnly(A, 500_000, 900_000, 0),
          ...dataOnly([get('/b'), ok('B')], 1000, 2000, 5),
          ...dataOnly([get('/c'), ok('C')], 90_000, 100, 10),
        ],
        ABC,
      ),
      capture(
        'a guard: a retransmission of everything is not a new connection',
        'RFC 9293 §3.8.1: the same numbers, the same bytes',
        [...dataOnly([...A, ...BC], 1000, 2000, 0), ...dataOnly([...A, ...BC], 1000, 2000, 0.4)],
        ABC,
      ),
    ],
  },
  {
    kind: 'a response that comes before its request has ended',
    variations: [
      variation(
        '413, the upload goes on, keep-alive',
        EARLY,
        [
          client(`${BIG}0123456789`),
          answer('413 Too Large', ['Content-Length: 3'], 'big'),
          { ...client('01234567890123456789'), pause: 3e9 },
          ack('server'),
          get('/2'),
          ok('two'),
          ...CLOSE,
        ],
        [
          { target: '/big', status: 413, body: 'big', reqWire: 30, dur: '1000000', requestEnd: '3002000000' },
          said('/2', 'two'),
        ],
      ),
      variation(
        '401, chunked upload',
        EARLY,
        [
          client('PUT /big HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
          answer('401 Unauthorized', ['Content-Length: 2'], 'no'),
          { ...client('5\r\nworld\r\n0\r\n\r\n'), pause: 2e9 },
          get('/2'),
          ok('two'),
          ...CLOSE,
        ],
        [
          {
            method: 'PUT',
            target: '/big',
            status: 401,
            reqBody: 'helloworld',
            dur: '1000000',
            requestEnd: '2002000000',
          },
          said('/2', 'two'),
        ],
      ),
      variation(
        '200, the upload is cut by an RST',
        EARLY,
        [client(`${BIG}0123456789`), ok('enough'), { ...rst('client'), pause: 1e9 }],
        [{ target: '/big', status: 200, body: 'enough', 'marks+': ['aborted'], dur: '1000000' }],
      ),
      variation(
        'the response ends after the request',
        'the contract: durationNano ends with the response’s last byte',
        [
          client(`${BIG}0123456789`),
          server('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc'),
          client('01234567890123456789'),
          { ...server('def'), pause: 1e9 },
          ...CLOSE,
        ],
        [said('/big', 'abcdef', { reqWire: 30, dur: '1003000000', requestEnd: '2000000' })],
      ),
      variation(
        'of the second exchange, the upload in three parts',
        EARLY,
        [
          get('/0'),
          ok('0'),
          client(BIG),
          answer('403 Forbidden', ['Content-Length: 2'], 'no'),
          { ...client('0123456789'), pause: 1e9 },
          { ...client('01234567890123456789'), pause: 1e9 },
          post('/2', 'x'),
          ok('two'),
          ...CLOSE,
        ],
        [
          said('/0', '0'),
          { target: '/big', status: 403, reqWire: 30, dur: '1000000', requestEnd: '2003000000' },
          said('/2', 'two'),
        ],
      ),
    ],
  },
  {
    kind: 'a FIN before the last word',
    variations: [
      variation(
        'the client closes its half, then is answered',
        'RFC 9293 §3.6: half-close',
        [get('/1'), fin('client'), ok('one'), fin('server')],
        [said('/1', 'one', { marks: [] })],
      ),
      variation(
        'on the request itself',
        'RFC 9293 §3.6',
        [fin('client', request('GET', '/1')), ok('one'), fin('server')],
        [said('/1', 'one', { marks: [] })],
      ),
      variation(
        'on the last segment of a response to the end',
        'RFC 9112 §6.3 rule 8',
        [get('/1'), server('HTTP/1.0 200 OK\r\n\r\nab'), fin('server', 'cd'), fin('client')],
        [said('/1', 'abcd', { marks: [] })],
      ),
      variation(
        'captured before the last segment',
        'RFC 9293 §3.4: the FIN has its place',
        [get('/1'), server('HTTP/1.0 200 OK\r\n\r\nab'), late(server('cd'), 1), fin('server'), fin('client')],
        [said('/1', 'abcd', { marks: [] })],
      ),
      variation(
        'both at once, behind pipelined responses',
        'RFC 9293 §3.6',
        [
          client(request('GET', '/1') + request('HEAD', '/2')),
          ok('one'),
          answer('200 OK', ['Content-Length: 7']),
          fin('server'),
          fin('client'),
        ],
        [said('/1', 'one', { marks: [] }), { method: 'HEAD', target: '/2', status: 200, marks: [] }],
      ),
      variation(
        'in front of the second response',
        'RFC 9112 §9.5: it never came',
        [get('/1'), ok('one'), ask('GET', '/2'), fin('server'), fin('client')],
        [said('/1', 'one', { marks: [] }), { target: '/2', status: null, 'marks+': ['no-response'] }],
      ),
    ],
  },
];
