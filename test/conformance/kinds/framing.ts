/** Where a body ends, and what is kept of it, when its headers are unusual. */
import { deflateSync, gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { HEADERS_MAX } from '../../../src/http/h1/head-recorder.js';
import { DEFAULT_LIMITS } from '../../../src/limits.js';
import { client, fin, lost, type Step, server, split } from '../../support/conversation.js';
import type { NdjsonTrace } from '../../support/read-with-sensor.js';
import { answer, ask, CLOSE, get, type Kind, ok, post, request, said, variation } from './variation.js';

const CHUNKED_A = '1\r\nA\r\n0\r\n\r\n';
const te = (value: string, body: string): Step =>
  server(`HTTP/1.1 200 OK\r\nTransfer-Encoding: ${value}\r\n\r\n${body}`);
const EMPTY_ELEMENTS = 'RFC 9110 §5.6.1.2: empty elements of a list are ignored; RFC 9112 §6.1';
const AFTER: readonly Step[] = [get('/b'), ok('B'), ...CLOSE];
const AFTER_RIGHT = said('/b', 'B', { marks: [] });
const PLAIN = '{"plain":"not chunked"}';

const PROGRESS = 'X-ClickHouse-Progress: {"rows":"1"}..\r\n';

const joinedBytes = (head: string, body: Buffer): Buffer => Buffer.concat([Buffer.from(head, 'latin1'), body]);
const chunked = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')]);

/** The text is undone, or it is said that it is not. */
const undone = (text: string): NonNullable<Parameters<typeof variation>[4]> => ({
  also: ({ traces }) => {
    const trace = traces.find(({ request: { target } }) => target === '/z');
    const bodies = [trace?.response?.body, trace?.request.body];
    const isUndone = bodies.some((body) => body?.content === text);
    const isSaid = bodies.some((body) => body?.codingError !== undefined) || trace?.marks.includes('malformed');
    if (!isUndone && !isSaid) throw new Error(`neither decoded nor said to be coded: ${JSON.stringify(trace)}`);
  },
});

/** The bytes are kept raw, or counted and said to be cut; in either case the exchange is marked. */
const keptOrCounted = (raw: string): NonNullable<Parameters<typeof variation>[4]> => ({
  also: ({ traces }) => {
    const trace = traces.find(({ request: { target } }) => target === '/z');
    const body = [trace?.response?.body, trace?.request.body].find((one) => one !== undefined && one.wireBytes > 0);
    const isKept = body?.content.includes(raw.slice(2)) ?? false;
    const isCounted = body?.truncated === true && body.wireBytes >= raw.length - 1;
    if (!isKept && !isCounted) throw new Error(`neither kept nor counted: ${JSON.stringify(trace)}`);
  },
});

/** A head is here whole as long as it is no longer than one may be; of a longer one the beginning is, and a mark says so. */
function expectLines(traces: readonly NdjsonTrace[], lines: number): void {
  const trace = traces.find(({ request: { target } }) => target === '/long');
  const fit = Math.min(HEADERS_MAX, Math.floor(DEFAULT_LIMITS.head_bytes_max / PROGRESS.length));
  const headers = trace?.response?.headers ?? [];
  if (lines < fit) {
    expect(trace?.marks).toEqual([]);
    expect(headers.length).toBe(lines + 1);
  } else {
    expect(trace?.marks).toEqual(['head-too-large']);
    expect(headers.length).toBeGreaterThan(1000);
    expect(headers.length).toBeLessThan(lines);
  }
}

const GZIPPED = gzipSync('hello, world');
const head = (value: string) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${value}\r\n\r\n`;

export const FRAMING: readonly Kind[] = [
  {
    kind: 'Transfer-Encoding as a list with empty elements, in any case',
    variations: [
      ...['chunked,', ', chunked', ',,chunked , ,', 'Chunked ,', '\tCHUNKED\t,'].map((value) =>
        variation(
          `a response with ${JSON.stringify(value)}`,
          EMPTY_ELEMENTS,
          [get('/a'), te(value, CHUNKED_A), ...AFTER],
          [said('/a', 'A', { marks: [] }), AFTER_RIGHT],
        ),
      ),
      variation(
        'a request with "chunked,", the second',
        EMPTY_ELEMENTS,
        [
          get('/0'),
          ok('0'),
          client(`POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n${CHUNKED_A}`),
          ok('A'),
          ...AFTER,
        ],
        [said('/0', '0'), said('/a', 'A', { reqBody: 'A', marks: [] }), AFTER_RIGHT],
      ),
      variation(
        'an empty line of it in front of the real one',
        `${EMPTY_ELEMENTS}; RFC 9110 §5.3`,
        [
          get('/a'),
          server(`HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED_A}`),
          ...AFTER,
        ],
        [said('/a', 'A'), said('/b', 'B')],
      ),
      variation(
        'two of three pipelined responses',
        EMPTY_ELEMENTS,
        [
          client(request('GET', '/a') + request('GET', '/b') + request('GET', '/c')),
          te('chunked ,', CHUNKED_A),
          te(',chunked', '1\r\nB\r\n0\r\n\r\n'),
          ok('C'),
          ...CLOSE,
        ],
        [said('/a', 'A'), said('/b', 'B'), said('/c', 'C')],
      ),
    ],
  },
  {
    kind: 'a body that is not chunked though its head says so',
    variations: [
      variation(
        'JSON, then a FIN',
        'RFC 9112 §7.1; §8: it cannot be complete',
        [get('/z'), te('chunked', PLAIN), fin('server'), fin('client')],
        [{ target: '/z', status: 200, 'marks+': ['malformed'] }],
        keptOrCounted(PLAIN),
      ),
      variation(
        'HTML in two segments',
        'RFC 9112 §7.1',
        [get('/z'), te('chunked', '<html>'), server('text</html>'), fin('server'), fin('client')],
        [{ target: '/z', status: 200, 'marks+': ['malformed'] }],
        keptOrCounted('<html>text</html>'),
      ),
      variation(
        'of the second exchange',
        'RFC 9112 §7.1',
        [get('/0'), ok('0'), get('/z'), te('chunked', PLAIN), fin('server'), fin('client')],
        [said('/0', '0'), { target: '/z', status: 200, 'marks+': ['malformed'] }],
        keptOrCounted(PLAIN),
      ),
      variation(
        'one good chunk, then text',
        'RFC 9112 §7.1',
        [get('/z'), te('chunked', `3\r\nabc\r\n${PLAIN}`), fin('server'), fin('client')],
        [{ target: '/z', status: 200, 'marks+': ['malformed'] }],
      ),
      variation(
        'of a request, answered 400',
        'RFC 9112 §7.1',
        [
          client(`POST /z HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${PLAIN}`),
          answer('400 Bad Request', ['Content-Length: 3'], 'bad'),
          fin('server'),
          fin('client'),
        ],
        [{ target: '/z', status: 400, body: 'bad', 'marks+': ['malformed'] }],
      ),
      variation(
        'a length that says nothing of it either',
        'RFC 9112 §6.3 rule 3: Transfer-Encoding overrides Content-Length',
        [
          get('/z'),
          server(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: ${PLAIN.length}\r\n\r\n${PLAIN}`),
          fin('server'),
          fin('client'),
        ],
        [{ target: '/z', status: 200, 'marks+': ['malformed'] }],
        keptOrCounted(PLAIN),
      ),
    ],
  },
  {
    kind: 'a transfer coding other than chunked is undone or told',
    variations: [
      variation(
        'gzip, chunked',
        'RFC 9112 §6.1, §7.2',
        [get('/z'), server(joinedBytes(head('gzip, chunked'), chunked(GZIPPED))), ...AFTER],
        [{ target: '/z', status: 200 }, AFTER_RIGHT],
        undone('hello, world'),
      ),
      variation(
        'x-gzip, chunked',
        'RFC 9112 §7.2: x-gzip is equivalent',
        [get('/z'), server(joinedBytes(head('x-gzip, chunked'), chunked(GZIPPED))), ...AFTER],
        [{ target: '/z', status: 200 }, AFTER_RIGHT],
        undone('hello, world'),
      ),
      variation(
        'deflate, chunked',
        'RFC 9112 §7.2',
        [get('/z'), server(joinedBytes(head('deflate, chunked'), chunked(deflateSync('hello, world')))), ...AFTER],
        [{ target: '/z', status: 200 }, AFTER_RIGHT],
        undone('hello, world'),
      ),
      variation(
        'gzip alone, to the end of the connection',
        'RFC 9112 §6.3 rule 4.2: read until the connection is closed',
        [get('/z'), server(joinedBytes(head('gzip'), GZIPPED)), fin('server'), fin('client')],
        [{ target: '/z', status: 200 }],
        undone('hello, world'),
      ),
      variation(
        'gzip, chunked, of a request',
        'RFC 9112 §6.1',
        [
          client(
            joinedBytes('POST /z HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', chunked(GZIPPED)),
          ),
          ok('thanks'),
          ...AFTER,
        ],
        [said('/z', 'thanks'), AFTER_RIGHT],
        undone('hello, world'),
      ),
      variation(
        'gzip in one line, chunked in the next',
        'RFC 9110 §5.3',
        [
          get('/z'),
          server(
            joinedBytes(
              'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n',
              chunked(GZIPPED),
            ),
          ),
          ...AFTER,
        ],
        [{ target: '/z', status: 200 }, AFTER_RIGHT],
        undone('hello, world'),
      ),
    ],
  },
  {
    kind: 'trailers are read like headers',
    variations: [
      ...(
        [
          ['UTF-8', Buffer.from('X-Name: Zoë\r\n'), [['X-Name', 'Zoë']]],
          [
            'a folded line',
            Buffer.from('X-Long: one\r\n two\r\nX-B: c\r\n'),
            [
              ['X-Long', 'one two'],
              ['X-B', 'c'],
            ],
          ],
          [
            'the same name twice, white space around',
            Buffer.from('X-A: 1\r\nx-a: \t 2 \t\r\n'),
            [
              ['X-A', '1'],
              ['x-a', '2'],
            ],
          ],
          [
            'no value',
            Buffer.from('X-A:\r\nX-B: b\r\n'),
            [
              ['X-A', ''],
              ['X-B', 'b'],
            ],
          ],
          [
            'lone LFs',
            Buffer.from('X-A: 1\nX-B: 2\n'),
            [
              ['X-A', '1'],
              ['X-B', '2'],
            ],
          ],
        ] as const
      ).map(([name, lines, rt]) =>
        variation(
          `of a response: ${name}`,
          'RFC 9112 §7.1.2: trailer fields have the syntax of header fields, §5',
          [
            get('/a'),
            server(
              joinedBytes(
                'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n',
                Buffer.concat([lines, Buffer.from('\r\n')]),
              ),
            ),
            ...AFTER,
          ],
          [{ ...said('/a', 'A'), rt: rt.map(([field, value]) => [field, value] as const) }, AFTER_RIGHT],
        ),
      ),
      variation(
        'of a request: UTF-8',
        'RFC 9112 §7.1.2',
        [
          client(
            joinedBytes(
              'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n',
              Buffer.from('X-Sum: ñ\r\n\r\n'),
            ),
          ),
          ok('A'),
          ...AFTER,
        ],
        [{ ...said('/a', 'A', { reqBody: 'A' }), qt: [['X-Sum', 'ñ']] }, AFTER_RIGHT],
      ),
    ],
  },
  {
    kind: 'a head longer than is kept',
    variations: [
      ...([5000, 12_000, 40_000] as const).map((lines) =>
        variation(
          `a response of ${lines} lines`,
          'RFC 9112 §5.4: what is not kept of a head does not unmake the message',
          [
            get('/0'),
            ok('0'),
            get('/long'),
            split(server(`HTTP/1.1 200 OK\r\n${PROGRESS.repeat(lines)}Content-Length: 2\r\n\r\nhi`), 32_000),
            get('/b'),
            ok('B'),
            ...CLOSE,
          ],
          [said('/0', '0'), said('/long', 'hi'), said('/b', 'B', { marks: [] })],
          { also: ({ traces }) => expectLines(traces, lines) },
        ),
      ),
      variation(
        'the first response of a connection',
        'RFC 9112 §5.4',
        [
          get('/long'),
          split(server(`HTTP/1.1 204 No Content\r\n${`X-Pad: ${'p'.repeat(1000)}\r\n`.repeat(200)}\r\n`), 1448),
          get('/b'),
          ok('B'),
          ...CLOSE,
        ],
        [{ target: '/long', status: 204 }, said('/b', 'B')],
      ),
      variation(
        'one line of 200,000 bytes',
        'RFC 9112 §5.4',
        [
          get('/long'),
          split(
            server(`HTTP/1.1 200 OK\r\nX-A: b\r\nSet-Cookie: ${'c'.repeat(200_000)}\r\nContent-Length: 2\r\n\r\nhi`),
            32_000,
          ),
          get('/b'),
          ok('B'),
          ...CLOSE,
        ],
        [{ target: '/long', status: 200 }, said('/b', 'B')],
      ),
      variation(
        'a request, answered 431',
        'RFC 6585 §5',
        [
          split(ask('GET', '/long', [`Cookie: ${'c'.repeat(200_000)}`]), 32_000),
          answer('431 Too Large', ['Content-Length: 3'], 'big'),
          fin('server'),
          fin('client'),
        ],
        [{ target: '/long', status: 431, body: 'big' }],
      ),
    ],
  },
  {
    kind: 'a header line without a colon does not hide an unmistakable head',
    variations: [
      variation(
        'the only line of the first request',
        'RFC 9112 §5: a server answers 400; the request was made all the same',
        [
          client('GET /1 HTTP/1.1\r\njunk without colon\r\n\r\n'),
          answer('400 Bad Request', ['Content-Length: 3'], 'bad'),
          get('/2'),
          ok('two'),
          ...CLOSE,
        ],
        [{ target: '/1', status: 400, body: 'bad' }, said('/2', 'two')],
      ),
      variation(
        'CONNECT with one odd line',
        'as SMTP through a proxy: RFC 9110 §9.3.6',
        [
          client('CONNECT mx.example:25 HTTP/1.0\r\nfoo\r\n\r\n'),
          answer('200 Connection established'),
          server('220 mx ESMTP\r\n'),
          client('EHLO a\r\n'),
          ...CLOSE,
        ],
        [{ method: 'CONNECT', status: 200 }],
      ),
      variation(
        'two such lines and one good, of a second request',
        'RFC 9112 §5',
        [
          get('/0'),
          ok('0'),
          client('POST /1 HTTP/1.1\r\none\r\nContent-Length: 2\r\ntwo\r\n\r\nhi'),
          answer('400 Bad Request', ['Content-Length: 0']),
          get('/2'),
          ok('two'),
          ...CLOSE,
        ],
        [said('/0', '0'), { target: '/1', status: 400 }, said('/2', 'two')],
      ),
      variation(
        'the only line of a response',
        'RFC 9112 §5',
        [get('/1'), server('HTTP/1.1 204 No Content\r\nno colon here\r\n\r\n'), get('/2'), ok('two'), ...CLOSE],
        [{ target: '/1', status: 204 }, said('/2', 'two')],
      ),
      variation(
        'three such lines of the first response, then FIN',
        'RFC 9112 §5',
        [get('/1'), server('HTTP/1.1 200 OK\r\na\r\nb\r\nc\r\n\r\nbody'), fin('server'), fin('client')],
        [{ target: '/1', status: 200, body: 'body' }],
      ),
    ],
  },
  {
    kind: 'any token is a method',
    variations: [
      ...(['patch', 'Get', 'x', 'M-SEARCH', "!#$%&'*+-.^_`|~0"] as const).map((method) =>
        variation(
          `${method}, the first of its connection`,
          'RFC 9110 §9.1, §5.6.2: method = token, case-sensitive',
          [
            ask(method, '/1', ['Content-Length: 2'], '{}'),
            answer('405 No', ['Content-Length: 2'], 'no'),
            get('/2'),
            ok('two'),
            ...CLOSE,
          ],
          [{ method, target: '/1', reqBody: '{}', status: 405, body: 'no' }, said('/2', 'two')],
        ),
      ),
      ...(['patch', 'version-control', '_x'] as const).map((method) =>
        variation(
          `${method}, between others, pipelined`,
          'RFC 9110 §9.1',
          [
            client(request('GET', '/1') + request(method, '/2') + request('GET', '/3')),
            ok('one'),
            ok('two'),
            ok('three'),
            ...CLOSE,
          ],
          [said('/1', 'one'), said('/2', 'two', { method }), said('/3', 'three')],
        ),
      ),
      variation(
        'lower case, joined in front of it',
        'RFC 9110 §9.1',
        [ask('delete', '/1'), ok('one'), get('/2'), ok('two'), ...CLOSE],
        [said('/1', 'one', { method: 'delete' }), said('/2', 'two')],
        { options: { handshake: false } },
      ),
      variation(
        'lower case, behind a gap',
        'RFC 9110 §9.1',
        [
          get('/0'),
          ok('0'),
          lost(get('/1')),
          lost(ok('1')),
          ask('patch', '/2', ['Content-Length: 1'], 'x'),
          ok('two'),
          post('/3', 'y'),
          ok('three'),
          ...CLOSE,
        ],
        [said('/0', '0'), said('/2', 'two', { method: 'patch' }), said('/3', 'three')],
      ),
    ],
  },
];
