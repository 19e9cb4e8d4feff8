/** Bodies and values that hold HTTP as text, where a part of them or what is in front of them was not captured. */
import { client, fin, lost, type Step, server } from '../../support/conversation.js';
import { ask, CLOSE, get, type Kind, ok, post, request, response, said, variation } from './variation.js';

const unanswered = (target: string) => ({ target, status: null, 'marks+': ['no-response'] }) as const;

const DOCS = `<h1>API</h1>${'<p>text</p>'.repeat(10)}`;
const SHOWN = 'HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi';
const LOGGED = 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n';
const BODY = 'RFC 9112 §6.3: what lies within a body is body, whatever it looks like';
const RESP = 'Redis serialization protocol, bulk strings: as many bytes as the length says are the value';
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const REST: readonly Step[] = [get('/n1'), ok('n1'), get('/n2'), ok('n2')];
const REST_RIGHT = [said('/n1', 'n1'), said('/n2', 'n2')];

/** As joined: without its handshake. */
const joined = { options: { handshake: false } } as const;

/** A batch of one message. */
const partOf = (message: string) => `--b\r\nContent-Type: application/http\r\n\r\n${message}\r\n--b--\r\n`;
const BATCH_REQUEST = partOf(request('GET', '/text/1'));
const BATCH_RESPONSE = partOf(response('200 OK', ['Content-Length: 2'], 'hi'));

export const BODIES: readonly Kind[] = [
  {
    kind: 'a body that holds HTTP as text, with a loss in it',
    variations: [
      variation(
        'a docs page of known length, its middle lost',
        BODY,
        [
          get('/docs'),
          server(`HTTP/1.1 200 OK\r\nContent-Length: ${2 * DOCS.length + SHOWN.length}\r\n\r\n`),
          lost(server(DOCS)),
          server(SHOWN),
          server(DOCS),
          ...REST,
          ...CLOSE,
        ],
        [{ target: '/docs', status: 200, trunc: true, 'marks+': ['gap'] }, ...REST_RIGHT],
      ),
      variation(
        'a chunked page, two chunks with a shown response',
        BODY,
        [
          get('/docs'),
          server(CHUNKED + chunk(DOCS)),
          lost(server(chunk(DOCS))),
          server(chunk(SHOWN)),
          server(`${chunk(DOCS)}0\r\n\r\n`),
          ...REST,
          ...CLOSE,
        ],
        [{ target: '/docs', status: 200, 'marks+': ['gap'] }, ...REST_RIGHT],
      ),
      variation(
        'a page to the end of the connection',
        BODY,
        [
          get('/docs'),
          server(`HTTP/1.0 200 OK\r\n\r\n${DOCS}`),
          lost(server(DOCS)),
          server(SHOWN),
          server(LOGGED),
          fin('server'),
          fin('client'),
        ],
        [{ target: '/docs', status: 200, 'marks+': ['gap'] }],
      ),
      variation(
        'an uploaded batch, its middle lost',
        BODY,
        [
          ask('POST', '/$batch', [`Content-Length: ${3 * BATCH_REQUEST.length}`]),
          client(BATCH_REQUEST),
          lost(client(BATCH_REQUEST)),
          client(BATCH_REQUEST),
          ok('done'),
          ...REST,
          ...CLOSE,
        ],
        [said('/$batch', 'done', { reqWire: 3 * BATCH_REQUEST.length, 'marks+': ['gap'] }), ...REST_RIGHT],
      ),
      variation(
        'a chunked upload of a log, its middle lost',
        BODY,
        [
          client(`POST /log HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk('line\n')}`),
          lost(client(chunk(DOCS))),
          client(chunk(LOGGED)),
          client(chunk(LOGGED)),
          client('0\r\n\r\n'),
          ok('done'),
          ...REST,
          ...CLOSE,
        ],
        [said('/log', 'done', { 'marks+': ['gap'] }), ...REST_RIGHT],
      ),
      variation(
        'the batch and its answer, each with a loss',
        BODY,
        [
          post('/$batch', BATCH_REQUEST),
          server(
            `HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Length: ${3 * BATCH_RESPONSE.length}\r\n\r\n`,
          ),
          server(BATCH_RESPONSE),
          lost(server(BATCH_RESPONSE)),
          server(BATCH_RESPONSE),
          ...REST,
          ...CLOSE,
        ],
        [{ target: '/$batch', status: 200, reqBody: BATCH_REQUEST, 'marks+': ['gap'] }, ...REST_RIGHT],
      ),
      variation(
        'message/http of a TRACE',
        'RFC 9110 §9.3.8',
        [
          ask('TRACE', '/t'),
          server(CHUNKED.replace('\r\n\r\n', '\r\nContent-Type: message/http\r\n\r\n')),
          lost(server(chunk(DOCS))),
          server(chunk(request('TRACE', '/t'))),
          server('0\r\n\r\n'),
          ...REST,
          ...CLOSE,
        ],
        [{ method: 'TRACE', target: '/t', status: 200, 'marks+': ['gap'] }, ...REST_RIGHT],
      ),
    ],
  },
  {
    kind: 'a lost head in front of a body that holds HTTP as text',
    variations: [
      variation(
        'the response’s head, a shown response at a segment’s start',
        BODY,
        [
          get('/first'),
          ok('F'),
          get('/docs'),
          lost(server(`HTTP/1.1 200 OK\r\nContent-Length: ${2 * DOCS.length + SHOWN.length}\r\n\r\n${DOCS}`)),
          server(SHOWN),
          server(DOCS),
          ...REST,
          ...CLOSE,
        ],
        [said('/first', 'F'), unanswered('/docs'), ...REST_RIGHT],
      ),
      variation(
        'the head of the very first response',
        BODY,
        [
          get('/docs'),
          lost(server(`HTTP/1.1 200 OK\r\nContent-Length: ${DOCS.length + SHOWN.length}\r\n\r\n${DOCS}`)),
          server(SHOWN),
          ...REST,
          ...CLOSE,
        ],
        [unanswered('/docs'), ...REST_RIGHT],
      ),
      variation(
        'the head of the last response, of a HEAD shown in it',
        BODY,
        [
          get('/first'),
          ok('F'),
          get('/docs'),
          lost(server(`HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n${DOCS}`)),
          server(response('304 Not Modified', [])),
          server(DOCS),
          ...CLOSE,
        ],
        [said('/first', 'F'), unanswered('/docs')],
      ),
      variation(
        'the request’s head, a logged request at a segment’s start',
        BODY,
        [
          get('/first'),
          ok('F'),
          lost(client(`POST /log HTTP/1.1\r\nContent-Length: ${LOGGED.length * 2}\r\n\r\n`)),
          client(LOGGED),
          client(LOGGED),
          ok('done'),
          ...REST,
          ...CLOSE,
        ],
        [said('/first', 'F'), ...REST_RIGHT],
      ),
      variation(
        'the request’s head, a batch in one segment',
        BODY,
        [
          get('/first'),
          ok('F'),
          lost(client(`POST /$batch HTTP/1.1\r\nContent-Length: ${BATCH_REQUEST.length * 3}\r\n\r\n`)),
          client(BATCH_REQUEST.repeat(3)),
          ok('done'),
          ...REST,
          ...CLOSE,
        ],
        [said('/first', 'F'), ...REST_RIGHT],
      ),
      variation(
        'both heads',
        BODY,
        [
          get('/first'),
          ok('F'),
          lost(client(`POST /$batch HTTP/1.1\r\nContent-Length: ${BATCH_REQUEST.length}\r\n\r\n`)),
          client(BATCH_REQUEST),
          lost(server(`HTTP/1.1 200 OK\r\nContent-Length: ${BATCH_RESPONSE.length}\r\n\r\n`)),
          server(BATCH_RESPONSE),
          ...REST,
          ...CLOSE,
        ],
        [said('/first', 'F'), ...REST_RIGHT],
      ),
      variation(
        'of a response that is a multipart of responses',
        BODY,
        [
          post('/$batch', BATCH_REQUEST),
          lost(server(`HTTP/1.1 200 OK\r\nContent-Length: ${BATCH_RESPONSE.length * 2}\r\n\r\n`)),
          server(BATCH_RESPONSE),
          server(BATCH_RESPONSE),
          ...REST,
          ...CLOSE,
        ],
        [unanswered('/$batch'), ...REST_RIGHT],
      ),
    ],
  },
  {
    kind: 'a connection that is no HTTP, joined where a value is a message',
    variations: [
      variation(
        'Redis, a stored request',
        RESP,
        [
          client('*3\r\n$3\r\nSET\r\n$3\r\nreq\r\n$33\r\nGET /r HTTP/1.1\r\nHost: r.test\r\n\r\n\r\n'),
          server('+OK\r\n'),
          ...CLOSE,
        ],
        [],
        joined,
      ),
      variation(
        'Redis, a request whose segment begins with it',
        RESP,
        [
          client('*3\r\n$3\r\nSET\r\n$3\r\nreq\r\n$33\r\n'),
          client('GET /r HTTP/1.1\r\nHost: r.test\r\n\r\n'),
          client('\r\n'),
          server('+OK\r\n'),
          client('*1\r\n$4\r\nPING\r\n'),
          server('+PONG\r\n'),
          ...CLOSE,
        ],
        [],
        joined,
      ),
      variation(
        'Redis, a request and a response got in turn',
        RESP,
        [
          client('*2\r\n$3\r\nGET\r\n$1\r\na\r\n'),
          server('$33\r\nGET /r HTTP/1.1\r\nHost: r.test\r\n\r\n\r\n'),
          client('*2\r\n$3\r\nGET\r\n$1\r\nb\r\n'),
          server(`$47\r\n${response('200 OK', ['Content-Length: 2'], 'hi')}\r\n`),
          ...CLOSE,
        ],
        [],
        joined,
      ),
      variation(
        'MySQL, a request in a statement',
        'MySQL protocol: packets of a length, a number, a command',
        [
          client("\x50\0\0\0\x03INSERT INTO q VALUES ('POST /r HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi')"),
          server('\x07\0\0\x01\0\x01\0\x02\0\0\0'),
          ...CLOSE,
        ],
        [],
        joined,
      ),
      variation(
        'Kafka, requests as records',
        'Kafka protocol: a length, a key, then records',
        [
          client('\0\0\0\x50\0\0\0\x09\0\0\0\x01\0\x02me'),
          client(request('PUT', '/r', ['Content-Length: 0'])),
          server('\0\0\0\x08\0\0\0\x01\0\0\0\0'),
          client('\0\0\0\x50\0\0\0\x09\0\0\0\x02\0\x02me'),
          client(request('GET', '/s')),
          server('\0\0\0\x08\0\0\0\x02\0\0\0\0'),
          ...CLOSE,
        ],
        [],
        joined,
      ),
      variation(
        'SMTP, a mail that quotes an exchange',
        'RFC 5321 §4.1.1.4: lines up to a lone dot',
        [
          client('Look what I sent:\r\n\r\n'),
          client(`${request('GET', '/r')}and got\r\n`),
          client(`${response('200 OK', ['Content-Length: 2'], 'hi')}\r\n.\r\n`),
          server('250 Ok: queued\r\n'),
          client('QUIT\r\n'),
          server('221 Bye\r\n'),
          ...CLOSE,
        ],
        [],
        joined,
      ),
    ],
  },
];
