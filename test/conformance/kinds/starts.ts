/** How connections begin: joined in the middle, cut by the snap length, behind another protocol's header, not HTTP at all. */
import { expect } from 'vitest';
import { ack, client, fin, lost, type Step, server, syn } from '../../support/conversation.js';
import { hex } from '../../support/packets.js';
import { answer, ask, CLOSE, get, type Kind, ok, post, request, said, variation } from './variation.js';

const joined = { options: { handshake: false } } as const;
const AB: readonly Step[] = [get('/a'), ok('A'), get('/b'), ok('B'), ...CLOSE];
const AB_RIGHT = [said('/a', 'A', { marks: [] }), said('/b', 'B', { marks: [] })];

const V2 = hex('0d0a0d0a000d0a515549540a 21 11 000c 0a000001 0a000002 9c40 0050');
const V2_IPV6 = Buffer.concat([
  hex('0d0a0d0a000d0a515549540a 21 21 0024'),
  hex('20010db8000000000000000000000001 20010db8000000000000000000000002 9c40 0050'),
]);
/** With a TLV of type 0xEA, as AWS sends the id of an endpoint. */
const V2_TLV = Buffer.concat([
  hex('0d0a0d0a000d0a515549540a 21 11 0017 0a000001 0a000002 9c40 0050 ea 0008 01'),
  Buffer.from('vpce-12'),
]);
const V2_LOCAL = hex('0d0a0d0a000d0a515549540a 20 00 0000');
const V1 = Buffer.from('PROXY TCP4 10.0.0.1 10.0.0.2 40000 80\r\n');
const PROXY = 'PROXY protocol §2.2 (HAProxy, proxy-protocol.txt): the receiver waits for the whole header';

const cutAt = (header: Buffer, at: number): Step[] => [
  client(header.subarray(0, at)),
  client(Buffer.concat([header.subarray(at), Buffer.from(request('GET', '/a'))])),
  ok('A'),
  get('/b'),
  ok('B'),
  ...CLOSE,
];

/** The packet's payload cut by the snap length after `kept` bytes. */
const cut = (step: Step, kept: number): Step => ({ ...step, kept });
const SNAP_LENGTH = 'draft-ietf-opsawg-pcap §5: a packet may be captured in part, and its whole length is known';
const LONG = `Cookie: ${'k'.repeat(300)}`;
const notHttp = {
  also: ({ counters }: { counters: { flows_not_http: number } }) => expect(counters.flows_not_http).toBe(1),
};

export const STARTS: readonly Kind[] = [
  {
    kind: 'joined in the middle, nothing is made up and nothing falsely marked',
    variations: [
      variation(
        'at a keep-alive probe',
        'RFC 9293 §3.8.4: a probe repeats the byte before the next; nothing is lost',
        [client('\0'), ack('server'), get('/1'), ok('one'), ...CLOSE],
        [said('/1', 'one', { 'marks-': ['gap'] })],
        joined,
      ),
      variation(
        'at a probe of the server',
        'RFC 9293 §3.8.4',
        [server('}'), ack('client'), get('/1'), ok('one'), get('/2'), ok('two'), ...CLOSE],
        [said('/1', 'one', { 'marks-': ['gap'] }), said('/2', 'two', { marks: [] })],
        joined,
      ),
      variation(
        'inside a method: the second half of POST',
        'a rest of a word begins no request',
        [client('ST /1 HTTP/1.1\r\nHost: a\r\n\r\n'), ok('one'), get('/2'), ok('two'), ...CLOSE],
        [said('/2', 'two')],
        joined,
      ),
      variation(
        'inside a method: the T of GET',
        'a rest of a word begins no request',
        [client('T /1 HTTP/1.1\r\nHost: a\r\n\r\n'), ok('one'), post('/2', 'x'), ok('two'), ...CLOSE],
        [said('/2', 'two')],
        joined,
      ),
      variation(
        'inside a header',
        'the rest of a head is no request',
        [
          client('gent: curl/8\r\nAccept: */*\r\n\r\n'),
          ok('one'),
          get('/2'),
          ok('two'),
          get('/3'),
          ok('three'),
          ...CLOSE,
        ],
        [said('/2', 'two'), said('/3', 'three', { marks: [] })],
        joined,
      ),
      variation(
        'inside a frame of a WebSocket',
        'RFC 6455 §5.2: a masked frame',
        [
          client(hex('818c 37fa213d 70bf 751d 18 da 6949 63aa 0e0c')),
          server(hex('8104 47455420')),
          client('\x82\x05GET /'),
          server('\x82\x05HTTP/'),
          ...CLOSE,
        ],
        [],
        joined,
      ),
      variation(
        'ten minutes of silence on a flow seen from its SYN',
        'nothing was missed: neither midstream nor gap',
        [get('/1'), ok('one'), { ...get('/2'), pause: 600e9 }, ok('two'), ...CLOSE],
        [said('/1', 'one', { marks: [] }), said('/2', 'two', { marks: [] })],
      ),
      variation(
        'ten minutes of silence with probes',
        'RFC 9293 §3.8.4',
        [
          get('/1'),
          ok('one'),
          ...Array.from({ length: 8 }, () => [
            { ...ack('client', { at: request('GET', '/1').length - 1 }), pause: 75e9 },
            ack('server'),
          ]).flat(),
          get('/2'),
          ok('two'),
          ...CLOSE,
        ],
        [said('/1', 'one', { marks: [] }), said('/2', 'two', { marks: [] })],
      ),
    ],
  },
  {
    kind: 'a PROXY header cut into segments',
    variations: [
      ...[1, 2, 3, 11, 12, 15, 20].map((at) => variation(`v2 after ${at} bytes`, PROXY, cutAt(V2, at), AB_RIGHT)),
      variation('v2 of IPv6 after 6 bytes', PROXY, cutAt(V2_IPV6, 6), AB_RIGHT),
      variation('v2 with a TLV after 30 bytes', PROXY, cutAt(V2_TLV, 30), AB_RIGHT),
      variation('v2 LOCAL after 5 bytes', PROXY, cutAt(V2_LOCAL, 5), AB_RIGHT),
      variation('v2 byte by byte', PROXY, [...[...V2].map((byte) => client(Buffer.from([byte]))), ...AB], AB_RIGHT),
      ...[1, 5, 20].map((at) => variation(`v1 after ${at} bytes`, PROXY, cutAt(V1, at), AB_RIGHT)),
    ],
  },
  {
    kind: 'a head cut by the snap length is told with what is there',
    variations: [
      variation(
        'the first request',
        'pcap: a packet may be captured in part',
        [cut(ask('GET', '/1', [LONG]), 80), ok('one'), get('/2'), ok('two'), ...CLOSE],
        [said('/1', 'one', { method: 'GET', 'marks+': ['gap'] }), said('/2', 'two')],
      ),
      variation(
        'the second request, a DELETE',
        SNAP_LENGTH,
        [get('/0'), ok('0'), cut(ask('DELETE', '/1', ['X-A: b', LONG]), 80), ok('one'), get('/2'), ok('two'), ...CLOSE],
        [
          said('/0', '0'),
          said('/1', 'one', {
            method: 'DELETE',
            'marks+': ['gap'],
            qh: [
              ['Host', 'a'],
              ['X-A', 'b'],
            ],
          }),
          said('/2', 'two'),
        ],
      ),
      variation(
        'the response’s head',
        SNAP_LENGTH,
        [get('/1'), cut(ok('one', [`Set-${LONG}`]), 80), get('/2'), ok('two'), ...CLOSE],
        [{ target: '/1', status: 200, 'marks+': ['gap'] }, said('/2', 'two')],
      ),
      variation(
        'request and response',
        SNAP_LENGTH,
        [
          cut(ask('GET', '/1', [LONG]), 60),
          cut(answer('404 Not Found', [`Set-${LONG}`, 'Content-Length: 0']), 60),
          cut(ask('GET', '/2', [LONG]), 60),
          cut(answer('200 OK', [`Set-${LONG}`, 'Content-Length: 0']), 60),
          ...CLOSE,
        ],
        [
          { target: '/1', status: 404, 'marks+': ['gap'] },
          { target: '/2', status: 200, 'marks+': ['gap'] },
        ],
      ),
      variation(
        'a POST whose body goes on in the next segment',
        SNAP_LENGTH,
        [
          cut(ask('POST', '/1', ['Content-Length: 3', LONG]), 90),
          client('abc'),
          ok('one'),
          get('/2'),
          ok('two'),
          ...CLOSE,
        ],
        [said('/1', 'one', { method: 'POST', 'marks+': ['gap'] }), said('/2', 'two')],
      ),
      variation(
        'every request of a keep-alive connection',
        SNAP_LENGTH,
        [...[1, 2, 3, 4].flatMap((i) => [cut(ask('GET', `/${i}`, [LONG]), 70), ok(`r${i}`)]), ...CLOSE],
        [1, 2, 3, 4].map((i) => said(`/${i}`, `r${i}`, { 'marks+': ['gap'] })),
      ),
    ],
  },
  {
    kind: 'HTTP/0.9',
    variations: [
      ...(
        [
          ['\r\n', 'CRLF'],
          ['\n', 'LF'],
          ['\r\n\r\n', 'an empty line'],
        ] as const
      ).map(([end, name]) =>
        variation(
          `a request line and ${name}`,
          'RFC 1945 §4.1: Simple-Request, Simple-Response; RFC 9112 §2.3',
          [client(`GET /e${end}`), server('<html>hello</html>'), fin('server'), fin('client')],
          [{ method: 'GET', target: '/e', protocol: '0.9', wire: 18, 'marks-': ['no-response'] }],
        ),
      ),
      variation(
        'an answer in three segments',
        'RFC 1945 §6: the response ends with the connection',
        [client('GET /e\r\n'), server('<html>'), server('hello'), server('</html>'), fin('server'), fin('client')],
        [{ target: '/e', protocol: '0.9', wire: 18, body: '<html>hello</html>' }],
      ),
      variation(
        'answered in HTTP/1.1',
        'as nginx refuses it',
        [
          client('GET /e\r\n'),
          answer('400 Bad Request', ['Content-Length: 3', 'Connection: close'], 'bad'),
          fin('server'),
          fin('client'),
        ],
        [{ method: 'GET', target: '/e', protocol: '0.9', 'marks-': ['no-response'] }],
      ),
      variation(
        'cut after the method',
        'RFC 1945 §4.1',
        [client('GET '), client('/e\r\n'), server('hello\n'), fin('server'), fin('client')],
        [{ method: 'GET', target: '/e', protocol: '0.9', wire: 6 }],
      ),
      variation(
        'never answered',
        'RFC 1945 §4.1: the request was made',
        [client('GET /e\r\n'), fin('server'), fin('client')],
        [{ method: 'GET', target: '/e', protocol: '0.9', status: null }],
      ),
    ],
  },
  {
    kind: 'what only looks like HTTP is not',
    variations: [
      variation(
        'RTSP/1.0 in turns',
        'RFC 7826: another protocol',
        [
          client('DESCRIBE rtsp://a/s RTSP/1.0\r\nCSeq: 1\r\n\r\n'),
          server('RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nv=0'),
          client('PLAY rtsp://a/s RTSP/1.0\r\nCSeq: 2\r\n\r\n'),
          server('RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n'),
          ...CLOSE,
        ],
        [],
        notHttp,
      ),
      variation(
        'RTSP/2.0, the server asks',
        'RFC 7826 §13.3',
        [
          client('OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n'),
          server('RTSP/2.0 200 OK\r\nCSeq: 1\r\n\r\n'),
          server('OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n'),
          client('RTSP/2.0 200 OK\r\nCSeq: 1\r\n\r\n'),
          ...CLOSE,
        ],
        [],
      ),
      variation(
        'RTSP joined in the middle',
        'RFC 7826',
        [
          client('GET_PARAMETER rtsp://a/s RTSP/1.0\r\nCSeq: 7\r\n\r\n'),
          server('RTSP/1.0 200 OK\r\nCSeq: 7\r\n\r\n'),
          ...CLOSE,
        ],
        [],
        joined,
      ),
      variation(
        'SIP over TCP',
        'RFC 3261 §18',
        [
          client('REGISTER sip:a SIP/2.0\r\nVia: SIP/2.0/TCP b\r\nContent-Length: 0\r\n\r\n'),
          server('SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'),
          ...CLOSE,
        ],
        [],
      ),
      variation(
        'ICY in answer to a GET',
        'SHOUTcast: the stream is no HTTP response, and nothing else answers',
        [
          client('GET /stream HTTP/1.0\r\nIcy-MetaData: 1\r\n\r\n'),
          server('ICY 200 OK\r\nicy-name: x\r\n\r\n'),
          server('\xff\xfbHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx'),
          ...CLOSE,
        ],
        [],
        {
          may: [
            { target: '/stream', status: null },
            { target: '/stream', status: 200, 'marks+': ['malformed'] },
          ],
        },
      ),
      variation(
        'SOURCE with ICE/1.0',
        'Icecast: another protocol',
        [
          client('SOURCE /live ICE/1.0\r\ncontent-type: audio/mpeg\r\n\r\n'),
          server('HTTP/1.0 200 OK\r\n\r\n'),
          client('\xff\xfb'),
          ...CLOSE,
        ],
        [],
      ),
      variation(
        'RTSP tunnelled in HTTP is HTTP',
        'a guard: QuickTime tunnels with real requests',
        [
          ask('GET', '/tunnel', ['x-sessioncookie: 1']),
          server('HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\nRTSP/1.0 200 OK\r\n\r\n'),
          ...CLOSE,
        ],
        [{ target: '/tunnel', status: 200, body: 'RTSP/1.0 200 OK\r\n\r\n' }],
      ),
    ],
  },
  {
    kind: 'the first packet seen is a server’s',
    variations: [
      variation(
        'the SYN was lost',
        'RFC 9293 §3.5',
        [lost(syn('client')), syn('server'), ...AB],
        [said('/a', 'A'), said('/b', 'B')],
      ),
      variation(
        'the SYN comes late',
        'RFC 9293 §3.5',
        [{ ...syn('client'), late: 1 }, syn('server'), ack('client'), ...AB],
        AB_RIGHT,
      ),
      variation(
        'the response is captured before its request',
        'RFC 9293 §3.4: it acknowledges the request',
        [{ ...get('/a'), late: 1 }, ok('A'), get('/b'), ok('B'), ...CLOSE],
        AB_RIGHT,
      ),
      variation(
        'a server’s acknowledgement',
        'RFC 9293 §3.4',
        [ack('server'), ...AB],
        [said('/a', 'A'), said('/b', 'B')],
        joined,
      ),
      variation(
        'all of the server’s direction first',
        'RFC 9293 §3.4',
        [
          syn('client'),
          { ...syn('server'), late: 0 },
          { ...ack('client'), late: 4 },
          { ...get('/a'), late: 3 },
          ok('A'),
          { ...get('/b'), late: 2 },
          ok('B'),
        ],
        AB_RIGHT,
      ),
    ],
  },
];
