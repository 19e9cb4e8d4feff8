/** Which response answers which request, where one of them is not as it should be. */
import { client, fin, rst, server } from '../../support/conversation.js';
import { answer, ask, CLOSE, get, type Kind, ok, post, request, response, said, variation } from './variation.js';

/** An exchange of which nothing is claimed but that no other's response is shown at it. */
const either = (target: string, status: number, body: string) => [{ target, status, body }] as const;

const LENIENT = 'RFC 9112 §2.2, §4: a recipient that can read a status line with other white space in it does so';

export const PAIRING: readonly Kind[] = [
  {
    kind: 'a response that begins in an unusual way takes its own request',
    variations: [
      variation(
        'CRLF before the first status line',
        'RFC 9112 §2.2: an empty line in front of a message is ignored',
        [get('/1'), server(`\r\n${response('200 OK', ['Content-Length: 3'], 'one')}`), get('/2'), ok('two'), ...CLOSE],
        [said('/1', 'one'), said('/2', 'two')],
      ),
      variation(
        'two CRLFs before the second status line',
        'RFC 9112 §2.2, and the connection goes on',
        [
          get('/1'),
          ok('one'),
          get('/2'),
          server(`\r\n\r\n${response('201 Made', ['Content-Length: 3'], 'two')}`),
          get('/3'),
          ok('three'),
          ...CLOSE,
        ],
        [said('/1', 'one'), { target: '/2', status: 201, body: 'two' }, said('/3', 'three')],
      ),
      variation(
        'CRLF before the status line in a segment of its own',
        'RFC 9112 §2.2',
        [post('/1', 'x'), server('\r\n'), ok('one'), get('/2'), ok('two'), ...CLOSE],
        [said('/1', 'one', { method: 'POST', reqBody: 'x' }), said('/2', 'two')],
      ),
      variation(
        'a lone LF before the status line of a HEAD',
        'RFC 9112 §2.2: a lone LF is a line end',
        [ask('HEAD', '/1'), server('\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'), get('/2'), ok('two'), ...CLOSE],
        [{ method: 'HEAD', target: '/1', status: 200 }, said('/2', 'two')],
      ),
      variation(
        'http/1.1 in lower case, the second of three',
        `${LENIENT}; libhtp and browsers take it`,
        [
          get('/1'),
          ok('one'),
          get('/2'),
          server('http/1.1 404 nope\r\nContent-Length: 2\r\n\r\nno'),
          get('/3'),
          ok('three'),
          ...CLOSE,
        ],
        [said('/1', 'one'), { target: '/2', status: 404, body: 'no' }, said('/3', 'three')],
      ),
      variation(
        'Http/1.0 in mixed case, to the end of the connection',
        LENIENT,
        [get('/1'), server('Http/1.0 200 OK\r\n\r\nall of it'), fin('server'), fin('client')],
        [said('/1', 'all of it')],
      ),
      variation(
        'a bare CR behind the status, the first of a pipeline',
        LENIENT,
        [
          client(request('GET', '/1') + request('GET', '/2')),
          server('HTTP/1.1 404\rNo\r\nContent-Length: 1\r\n\r\nA'),
          ok('B'),
          get('/3'),
          ok('C'),
          ...CLOSE,
        ],
        [...either('/1', 404, 'A'), said('/2', 'B'), said('/3', 'C')],
      ),
      variation(
        'tabs and several blanks in the status line',
        LENIENT,
        [
          get('/1'),
          server('HTTP/1.1\t200 \t OK\r\nContent-Length: 3\r\n\r\none'),
          get('/2'),
          server('HTTP/1.1   204   Empty\r\n\r\n'),
          get('/3'),
          ok('three'),
          ...CLOSE,
        ],
        [{ target: '/1', status: 200, body: 'one' }, { target: '/2', status: 204 }, said('/3', 'three')],
      ),
      variation(
        'bytes before the first status line',
        'one response came for one request: the next is that of the next request',
        [
          get('/1'),
          server(`\0\0\0${response('200 OK', ['Content-Length: 3'], 'one')}`),
          get('/2'),
          ok('two'),
          get('/3'),
          ok('three'),
          ...CLOSE,
        ],
        [{ target: '/1', body: '<predicate>' }, said('/2', 'two'), said('/3', 'three')],
      ),
      variation(
        'a first response without a status',
        'it cannot be read, and is a response all the same',
        [get('/1'), server('HTTP/1.1 \r\nContent-Length: 3\r\n\r\none'), get('/2'), ok('two'), ...CLOSE],
        [{ target: '/1', body: '<predicate>' }, said('/2', 'two')],
      ),
      variation(
        'a first response that is no HTTP at all',
        'nothing of it is a response; the next one is the next',
        [get('/1'), server('500 oops, crashed\n'), get('/2'), ok('two'), get('/3'), ok('three'), ...CLOSE],
        [{ target: '/1', body: '<predicate>' }, said('/2', 'two'), said('/3', 'three')],
      ),
      variation(
        'a last response without a status, and a FIN',
        'no exchange gets another’s response',
        [get('/1'), ok('one'), get('/2'), server('HTTP/1.1 OK\r\nContent-Length: 3\r\n\r\ntwo'), ...CLOSE],
        [said('/1', 'one'), { target: '/2', body: '<predicate>' }],
      ),
    ],
  },
  {
    kind: 'bytes behind a response without a body cost nothing that follows',
    variations: [
      variation(
        '304 and a Z in a segment of its own',
        'RFC 9112 §6.3 rule 1: a 304 ends with its head',
        [get('/1'), answer('304 Not Modified'), server('Z'), get('/2'), ok('two'), ...CLOSE],
        [{ target: '/1', status: 304 }, said('/2', 'two')],
      ),
      variation(
        '204 and OK in the same segment',
        'RFC 9112 §6.3 rule 1',
        [
          ask('DELETE', '/1'),
          server('HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nOK'),
          get('/2'),
          ok('two'),
          ...CLOSE,
        ],
        [{ method: 'DELETE', status: 204 }, said('/2', 'two')],
      ),
      variation(
        'HEAD answered with its body',
        'RFC 9110 §9.3.2: what comes behind the head is no body',
        [
          ask('HEAD', '/1'),
          server('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHELLO'),
          get('/2'),
          ok('two'),
          get('/3'),
          ok('three'),
          ...CLOSE,
        ],
        [{ method: 'HEAD', status: 200 }, said('/2', 'two'), said('/3', 'three')],
      ),
      variation(
        '204 and GET, a whole method',
        'RFC 9112 §6.3 rule 1: whatever letters they are',
        [get('/0'), ok('zero'), ask('PUT', '/1'), server('HTTP/1.1 204 \r\n\r\nGET'), get('/2'), ok('two'), ...CLOSE],
        [said('/0', 'zero'), { method: 'PUT', status: 204 }, said('/2', 'two')],
      ),
      variation(
        '204 and HTTP, the start of a status line',
        'RFC 9112 §6.3 rule 1; the next status line begins with its segment',
        [
          ask('DELETE', '/1'),
          server('HTTP/1.1 204 No Content\r\n\r\n'),
          server('HTTP'),
          get('/2'),
          ok('two'),
          ...CLOSE,
        ],
        [{ method: 'DELETE', status: 204 }, said('/2', 'two')],
      ),
      variation(
        'a pipelined HEAD and a digit behind it',
        'RFC 9112 §6.3 rule 1, §9.3.2',
        [
          client(request('HEAD', '/1') + request('GET', '/2')),
          server('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1'),
          ok('two'),
          ...CLOSE,
        ],
        [{ method: 'HEAD', status: 200 }, said('/2', 'two')],
      ),
    ],
  },
  {
    kind: 'bytes behind a request that are no request cost what follows, never its response',
    variations: [
      variation(
        'a body without a length',
        'RFC 9112 §6.3 rule 7: the request has no body',
        [ask('POST', '/1', [], 'name=value'), ok('one'), ...CLOSE],
        [said('/1', 'one', { method: 'POST' })],
      ),
      variation(
        'a body without a length, in its own segment, answered 400',
        'RFC 9112 §6.3 rule 7; the server reads the rest as the next request',
        [
          get('/0'),
          ok('zero'),
          ask('PUT', '/1'),
          client('{"a":1}\r\n\r\n'),
          ok('one'),
          answer('400 Bad Request', ['Content-Length: 0', 'Connection: close']),
          fin('server'),
          fin('client'),
        ],
        [said('/0', 'zero'), said('/1', 'one', { method: 'PUT' })],
      ),
      variation(
        'a length short by two, then an RST',
        'RFC 9112 §6.3 rule 6: the length says where it ends',
        [
          ask('POST', '/1', ['Content-Length: 5'], 'abcdefg'),
          answer('201 Created', ['Content-Length: 2'], 'ok'),
          rst('server'),
        ],
        [{ target: '/1', reqBody: 'abcde', reqWire: 5, status: 201, body: 'ok' }],
      ),
      variation(
        'a length in characters, of the second request',
        'RFC 9110 §8.6: octets, not characters',
        [
          get('/0'),
          ok('zero'),
          client(Buffer.from(request('PATCH', '/1', ['Content-Length: 12'], '{"name":"ü"}'))),
          ok('one'),
          ...CLOSE,
        ],
        [said('/0', 'zero'), { method: 'PATCH', target: '/1', status: 200, body: 'one' }],
      ),
      variation(
        'leading zeros in the length',
        'RFC 9110 §8.6: Content-Length = 1*DIGIT',
        [ask('PUT', '/1', ['Content-Length: 0005'], 'abcde'), ok('one'), post('/2', 'two'), ok('2'), ...CLOSE],
        [{ target: '/1', reqBody: 'abcde', reqWire: 5, status: 200, marks: [] }, said('/2', '2', { reqBody: 'two' })],
      ),
      variation(
        'many leading zeros in the length of a response',
        'RFC 9110 §8.6',
        [
          get('/1'),
          server(`HTTP/1.1 200 OK\r\nContent-Length: ${'0'.repeat(40)}3\r\n\r\none`),
          get('/2'),
          ok('two'),
          ...CLOSE,
        ],
        [said('/1', 'one', { marks: [] }), said('/2', 'two')],
      ),
      variation(
        'a length beyond 2^64, refused',
        'RFC 9110 §8.6: a recipient must anticipate large numbers',
        [
          ask('POST', '/1', ['Content-Length: 99999999999999999999'], 'abc'),
          answer('413 Too Large', ['Content-Length: 3'], 'big'),
          rst('server'),
        ],
        [{ target: '/1', status: 413, body: 'big' }],
      ),
      variation(
        'two lengths that differ, refused',
        'RFC 9112 §6.3 rule 5: the message is invalid, the server answers 400 and closes',
        [
          ask('POST', '/1', ['Content-Length: 3', 'Content-Length: 4'], 'abcd'),
          answer('400 Bad Request', ['Content-Length: 3'], 'bad'),
          fin('server'),
          fin('client'),
        ],
        [{ method: 'POST', target: '/1', status: 400, body: 'bad', 'marks+': ['malformed'] }],
      ),
      variation(
        'a GET with a body that it does not announce, then the next',
        'RFC 9112 §6.3 rule 7',
        [ask('GET', '/1', [], '{"query":"x"}'), ok('one'), get('/2'), ok('two'), ...CLOSE],
        [said('/1', 'one', { method: 'GET' })],
        { may: [{ target: '/2', status: null }, said('/2', 'two')] },
      ),
      variation(
        'CRLF behind a body, as old clients send it',
        'RFC 9112 §2.2: ignored in front of a request line',
        [post('/1', 'abc'), client('\r\n'), ok('one'), post('/2', 'def'), client('\r\n'), ok('two'), ...CLOSE],
        [said('/1', 'one', { marks: [] }), said('/2', 'two', { reqBody: 'def', marks: [] })],
      ),
    ],
  },
];
