/** What the capture lost, and what may be said about the rest. */
import { client, lost, packetsOf, rst, type Step, server, split, syn } from '../../support/conversation.js';
import { answer, ask, CLOSE, capture, get, type Kind, later, ok, post, said, variation } from './variation.js';

const unanswered = (target: string) => ({ target, status: null, 'marks+': ['no-response'] }) as const;

/** /1 asked; its response, and the whole exchange of /2, lost; then /3 and /4. */
const BOTH_WAYS: readonly Step[] = [
  get('/1'),
  lost(ok('r1')),
  lost(get('/2')),
  lost(ok('r2')),
  get('/3'),
  ok('r3'),
  get('/4'),
  ok('r4'),
];
const BOTH_WAYS_RIGHT = [{ target: '/1', status: null }, said('/3', 'r3'), said('/4', 'r4')] as const;
const IN_ORDER = 'RFC 9112 §9.3.2, RFC 9293 §3.4: sequence numbers and acknowledgements say what answers what';

/** As joined: without its handshake. */
const joined = { options: { handshake: false } } as const;

export const LOSS: readonly Kind[] = [
  {
    kind: 'both directions lost bytes and the connection ends',
    variations: [
      variation('by an RST of the server', IN_ORDER, [...BOTH_WAYS, rst('server')], BOTH_WAYS_RIGHT),
      variation(
        'by an RST of the client, first seen from the server',
        IN_ORDER,
        [lost(syn('client')), syn('server'), ...BOTH_WAYS, rst('client')],
        BOTH_WAYS_RIGHT,
      ),
      variation('by the end of the capture', IN_ORDER, BOTH_WAYS, BOTH_WAYS_RIGHT),
      variation(
        'by the end of the capture, joined at a response',
        IN_ORDER,
        [ok('r0'), ...BOTH_WAYS],
        BOTH_WAYS_RIGHT,
        joined,
      ),
      variation('by both FINs', IN_ORDER, [...BOTH_WAYS, ...CLOSE], BOTH_WAYS_RIGHT),
      capture(
        'by the same ports used again',
        IN_ORDER,
        [
          ...packetsOf([...BOTH_WAYS]),
          ...later(packetsOf([get('/5'), ok('r5'), ...CLOSE], { clientIsn: 700_000, serverIsn: 90_000 }), 1),
        ],
        [...BOTH_WAYS_RIGHT, said('/5', 'r5')],
      ),
      variation(
        'twice over, by an RST',
        IN_ORDER,
        [
          ...BOTH_WAYS,
          lost(get('/5')),
          lost(ok('r5')),
          lost(get('/6')),
          lost(ok('r6')),
          get('/7'),
          ok('r7'),
          rst('client'),
        ],
        [...BOTH_WAYS_RIGHT, said('/7', 'r7')],
      ),
      variation(
        'a response and the next request lost, by an RST',
        IN_ORDER,
        [get('/1'), lost(ok('r1')), lost(get('/2')), ok('r2'), get('/3'), ok('r3'), rst('server')],
        [{ target: '/1', status: null }, said('/3', 'r3')],
      ),
    ],
  },
  {
    kind: 'an exchange lost on a flow first seen from its server',
    variations: [
      variation(
        'from the SYN-ACK',
        IN_ORDER,
        [
          lost(syn('client')),
          syn('server'),
          get('/1'),
          ok('r1'),
          lost(get('/2')),
          lost(ok('r2')),
          get('/3'),
          ok('r3'),
          get('/4'),
          ok('r4'),
          ...CLOSE,
        ],
        [said('/1', 'r1'), said('/3', 'r3', { marks: ['gap'] }), said('/4', 'r4', { 'marks-': ['gap'] })],
      ),
      variation(
        'joined at the end of a response',
        IN_ORDER,
        [
          server('rest of it'),
          get('/1'),
          ok('r1'),
          lost(post('/2', 'x')),
          lost(ok('r2')),
          get('/3'),
          ok('r3'),
          get('/4'),
          ok('r4'),
          ...CLOSE,
        ],
        [said('/1', 'r1'), said('/3', 'r3'), said('/4', 'r4')],
        joined,
      ),
      variation(
        'two lost in a row',
        IN_ORDER,
        [
          lost(syn('client')),
          syn('server'),
          get('/1'),
          ok('r1'),
          lost(get('/2')),
          lost(ok('r2')),
          lost(get('/3')),
          lost(ok('r3')),
          get('/4'),
          ok('r4'),
          get('/5'),
          ok('r5'),
          ...CLOSE,
        ],
        [said('/1', 'r1'), said('/4', 'r4'), said('/5', 'r5')],
      ),
      variation(
        'the first exchange lost',
        IN_ORDER,
        [
          lost(syn('client')),
          syn('server'),
          lost(get('/1')),
          lost(ok('r1')),
          get('/2'),
          ok('r2'),
          get('/3'),
          ok('r3'),
          ...CLOSE,
        ],
        [said('/2', 'r2'), said('/3', 'r3')],
      ),
      variation(
        'only the response lost',
        IN_ORDER,
        [
          lost(syn('client')),
          syn('server'),
          get('/1'),
          lost(ok('r1')),
          get('/2'),
          ok('r2'),
          get('/3'),
          ok('r3'),
          ...CLOSE,
        ],
        [unanswered('/1'), said('/2', 'r2'), said('/3', 'r3')],
      ),
      variation(
        'only the request lost',
        IN_ORDER,
        [
          lost(syn('client')),
          syn('server'),
          get('/1'),
          ok('r1'),
          lost(get('/2')),
          ok('r2'),
          get('/3'),
          ok('r3'),
          get('/4'),
          ok('r4'),
          ...CLOSE,
        ],
        [said('/1', 'r1'), said('/3', 'r3'), said('/4', 'r4')],
      ),
      variation(
        'again and again, on a long connection',
        IN_ORDER,
        [
          lost(syn('client')),
          syn('server'),
          ...Array.from({ length: 40 }, (_, i) =>
            i % 10 === 5 ? [lost(get(`/${i}`)), lost(ok(`r${i}`))] : [get(`/${i}`), ok(`r${i}`)],
          ).flat(),
          ...CLOSE,
        ],
        Array.from({ length: 40 }, (_, i) => i)
          .filter((i) => i % 10 !== 5)
          .map((i) => said(`/${i}`, `r${i}`)),
      ),
    ],
  },
  {
    kind: 'a request longer than a segment, behind a gap',
    variations: [
      ...(
        [
          ['GET', 1500, 2],
          ['HEAD', 3000, 3],
          ['DELETE', 2900, 2],
        ] as const
      ).map(([method, length, parts]) =>
        variation(
          `${method} with a target of ${length} bytes in ${parts} segments`,
          'RFC 9112 §3: 8000 octets at least',
          [
            get('/1'),
            ok('one'),
            lost(get('/2')),
            lost(ok('two')),
            split(ask(method, `/s?q=${'a'.repeat(length)}`), Math.ceil((length + 60) / parts)),
            method === 'HEAD' ? answer('200 OK', ['Content-Length: 9']) : ok('found'),
            get('/4'),
            ok('four'),
            ...CLOSE,
          ],
          [said('/1', 'one'), { method, target: `/s?q=${'a'.repeat(length)}`, status: 200 }, said('/4', 'four')],
        ),
      ),
      variation(
        'joined in front of it',
        'RFC 9112 §3',
        [split(get(`/s?q=${'b'.repeat(2000)}`), 1448), ok('found'), get('/2'), ok('two'), ...CLOSE],
        [said(`/s?q=${'b'.repeat(2000)}`, 'found'), said('/2', 'two')],
        joined,
      ),
      variation(
        'its target ends with its segment',
        'RFC 9112 §3',
        [
          get('/1'),
          ok('one'),
          lost(get('/2')),
          lost(ok('two')),
          client(`GET /${'c'.repeat(1400)}`),
          client(' HTTP/1.1\r\nHost: a\r\n\r\n'),
          ok('found'),
          ...CLOSE,
        ],
        [said('/1', 'one'), said(`/${'c'.repeat(1400)}`, 'found')],
      ),
      variation(
        'cut inside its method',
        'RFC 9112 §3',
        [
          get('/1'),
          ok('one'),
          lost(get('/2')),
          lost(ok('two')),
          client('GE'),
          client('T /3 HTTP/1.1\r\nHost: a\r\n\r\n'),
          ok('three'),
          get('/4'),
          ok('four'),
          ...CLOSE,
        ],
        [said('/1', 'one'), said('/3', 'three'), said('/4', 'four')],
      ),
    ],
  },
];
