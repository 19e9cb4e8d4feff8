/** Transfer codings that say where a body ends in a way of their own, or do not say it at all. */
import { client, type Step, server, split } from '../../support/conversation.js';
import { ask, CLOSE, get, type Kind, ok, said, variation } from './variation.js';

const NEXT: readonly Step[] = [get('/b'), ok('B'), get('/c'), ok('C'), ...CLOSE];
const NEXT_RIGHT = [said('/b', 'B', { marks: [] }), said('/c', 'C', { marks: [] })];
const chunksOf = (...chunks: readonly string[]): Step =>
  server(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks.join('')}`);
const WRONG_SIZE = 'RFC 9112 §7.1: a line ends behind the data; where none does, the size was wrong';
const OF_REQUEST = 'RFC 9112 §6.3 item 4: the end of such a request cannot be known; the next one shows it';

export const CODINGS: readonly Kind[] = [
  {
    kind: 'a request whose last transfer coding is not chunked ends where the next one begins',
    variations: [
      variation(
        'gzip, answered 501',
        OF_REQUEST,
        [
          ask('POST', '/a', ['Transfer-Encoding: gzip'], 'zzzz'),
          server('HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n'),
          ...NEXT,
        ],
        [{ target: '/a', status: 501, reqBody: 'zzzz', 'marks+': ['malformed'] }, ...NEXT_RIGHT],
      ),
      variation(
        'an unknown one, and a length',
        OF_REQUEST,
        [ask('POST', '/a', ['Transfer-Encoding: foo', 'Content-Length: 4'], 'zzzz'), ok('A'), ...NEXT],
        [said('/a', 'A', { reqBody: 'zzzz', 'marks+': ['malformed'] }), ...NEXT_RIGHT],
      ),
      variation(
        'chunked, then gzip',
        OF_REQUEST,
        [ask('PUT', '/a', ['Transfer-Encoding: chunked, gzip'], 'zzzz'), ok('A'), ...NEXT],
        [said('/a', 'A', { reqBody: 'zzzz', 'marks+': ['malformed'] }), ...NEXT_RIGHT],
      ),
      variation(
        'of the second request, in segments',
        OF_REQUEST,
        [
          get('/0'),
          ok('0'),
          ...split(ask('POST', '/a', ['Transfer-Encoding: xchunked'], '4\r\nzzzz\r\n0\r\n\r\n'), 30),
          ok('A'),
          ...NEXT,
        ],
        [
          said('/0', '0'),
          said('/a', 'A', { reqBody: '4\r\nzzzz\r\n0\r\n\r\n', 'marks+': ['malformed'] }),
          ...NEXT_RIGHT,
        ],
      ),
      variation(
        'a response with a length too',
        'RFC 9112 §6.3 item 3: such a message ought to be handled as an error; the next response shows its end',
        [get('/a'), server('HTTP/1.1 200 OK\r\nTransfer-Encoding: foo\r\nContent-Length: 2\r\n\r\nzz'), ...NEXT],
        [said('/a', 'zz', { 'marks+': ['malformed'] }), ...NEXT_RIGHT],
      ),
    ],
  },
  {
    kind: 'chunked as it ought not to be said is chunked, marked',
    variations: [
      variation(
        'with a parameter, of a response',
        'RFC 9112 §7.1: it has no parameters, and theirs is an error',
        [get('/a'), server('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked;q=1\r\n\r\n1\r\nA\r\n0\r\n\r\n'), ...NEXT],
        [said('/a', 'A', { marks: ['malformed'] }), ...NEXT_RIGHT],
      ),
      variation(
        'with a parameter, of a request',
        'RFC 9112 §7.1: it has no parameters, and theirs is an error',
        [
          client('POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked ; q=1\r\n\r\n1\r\nQ\r\n0\r\n\r\n'),
          ok('A'),
          ...NEXT,
        ],
        [said('/a', 'A', { reqBody: 'Q', marks: ['malformed'] }), ...NEXT_RIGHT],
      ),
      variation(
        'in HTTP/1.0, kept alive',
        'RFC 9112 §6.1: the framing of such a message is faulty',
        [
          get('/a'),
          server('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n'),
          ...NEXT,
        ],
        [said('/a', 'A', { marks: ['malformed'] }), ...NEXT_RIGHT],
      ),
      variation(
        'with a length too',
        'RFC 9112 §6.3 item 3',
        [
          get('/a'),
          server('HTTP/1.1 200 OK\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n'),
          ...NEXT,
        ],
        [said('/a', 'A', { marks: ['malformed'] }), ...NEXT_RIGHT],
      ),
      variation(
        'twice',
        'RFC 9112 §6.1: it must not be applied twice, and was not',
        [
          get('/a'),
          server(
            'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n',
          ),
          ...NEXT,
        ],
        [said('/a', 'A'), ...NEXT_RIGHT],
      ),
    ],
  },
  {
    kind: 'a chunk that is not as long as its size costs what follows it, and no other message',
    variations: [
      variation(
        'one byte longer, and that a digit',
        WRONG_SIZE,
        [get('/a'), chunksOf('2\r\nabc\r\n', '0\r\n\r\n'), ...NEXT],
        [{ target: '/a', status: 200, trunc: true, body: 'ab', marks: ['malformed'] }, ...NEXT_RIGHT],
      ),
      variation(
        'one byte longer, and that no digit',
        WRONG_SIZE,
        [get('/a'), chunksOf('2\r\nabz\r\n', '0\r\n\r\n'), ...NEXT],
        [{ target: '/a', status: 200, trunc: true, body: 'ab', marks: ['malformed'] }, ...NEXT_RIGHT],
      ),
      variation(
        'two bytes shorter: its size counts the line’s end',
        WRONG_SIZE,
        [get('/a'), chunksOf('5\r\nabc\r\n', '0\r\n\r\n'), ...NEXT],
        [{ target: '/a', status: 200, trunc: true, marks: ['malformed'] }, ...NEXT_RIGHT],
      ),
      variation(
        'the second of a request',
        WRONG_SIZE,
        [
          client('POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nQ\r\n1\r\nRAD\r\n0\r\n\r\n'),
          ok('A'),
          ...NEXT,
        ],
        [said('/a', 'A', { reqBody: 'QR', 'marks+': ['malformed'] }), ...NEXT_RIGHT],
      ),
      variation(
        'in a segment of its own',
        WRONG_SIZE,
        [get('/a'), chunksOf('2\r\nab'), server('c\r\n'), server('0\r\n\r\n'), ...NEXT],
        [{ target: '/a', status: 200, trunc: true, body: 'ab', marks: ['malformed'] }, ...NEXT_RIGHT],
      ),
    ],
  },
];
