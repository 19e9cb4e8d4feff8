/** Random exchanges of HTTP/1, of what services send and of what hides secrets in it. */
import type { Random } from './random.js';

const SECRETS = [
  'hunter2!x',
  'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c',
  '4111 1111 1111 1111',
  '4111111111111111',
  'cGFzc3dvcmQ9aHVudGVyMiZ1c2VyPWFubg==',
  'AKIAIOSFODNN7EXAMPLE',
  'a8f3k29dQq',
];
const WORDS = [
  'a',
  'widget',
  'of some kind',
  '42',
  '19.99',
  'true',
  'node-0',
  'x=1',
  'é',
  '',
  'in "quotes"',
  'C:\\temp',
];
const NAMES = [
  ...['Host', 'User-Agent', 'Accept', 'Accept-Encoding', 'X-Request-Id', 'Connection', 'X-Served-By', 'ETag'],
  ...['Authorization', 'Cookie', 'X-Api-Key', 'X-Auth-Token', 'X-Forwarded-For', 'Referer', 'traceparent', 'Via'],
  ...[
    'Cache-Control',
    'X-Trace-Bin',
    'Origin',
    'x-token-type',
    'Set-Cookie',
    'Location',
    'Forwarded',
    'X-Note',
    'Warning',
  ],
];
const VALUES = [
  ...[
    'shop.example.com',
    '*/*',
    'gzip, deflate',
    'keep-alive',
    'W/"5e-1"',
    'max-age=0',
    'node-7',
    '203.0.113.7, 10.0.0.1',
  ],
  ...[
    'Bearer tok',
    'sid=1f3a; theme=dark',
    'sid=1f3a; Path=/; HttpOnly',
    'https://ann:pw@example.com/p',
    '/reset/8fK2hQ9dLw03ZxQ1',
  ],
  ...['for=192.0.2.60;proto=http', 'password=hunter2', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ...['caf\u00e9', '\u00ff\u00fe', 'trailing  ', '\tboth\t', 'a\tb', '', 'two\r\n folded', '{"token":"abc123def"}'],
];
const SEGMENTS = [
  ...[
    'api',
    'v1',
    'items',
    '123',
    'users',
    'reset',
    '8fK2hQ9dLw03ZxQ1mN',
    'cards',
    '4111111111111111',
    'a%20b',
    'x.json',
  ],
  ...[
    'services',
    'T0123ABCD',
    'B0123ABCD',
    'xoxbAbCdEf0123456789Zz',
    'undefined',
    'null',
    'REDACTED',
    '(S(abcdefghij0123450123abcd))',
  ],
  ...[
    '7f9c24e8-3b1a-4a3d-9c1e-0123456789ab',
    'p;jsessionid=AB12CD34',
    'caf\u00e9',
    'deadbeefdeadbeefdeadbeef',
    'order-4711',
    '2024-01-02',
    '',
  ],
];
const PARAMETERS = [
  'page',
  'verbose',
  'code',
  'state',
  'token',
  'q',
  'api_key',
  'name',
  'value',
  'sort-by',
  'k',
  'sig',
  'p%61ssword',
  'next_page_token',
];
const TYPES = [
  ...['application/json', 'application/json; charset=utf-8', 'text/plain', 'application/x-www-form-urlencoded'],
  ...[
    'text/html',
    'application/octet-stream',
    'application/xml',
    'text/event-stream',
    'application/x-ndjson',
    'image/png',
  ],
  ...[
    'text/csv',
    'text/plain; charset=utf-16',
    'application/grpc-web-text',
    'text/plain; charset=utf-7',
    'multipart/form-data; boundary=b',
  ],
];

export interface RandomMessages {
  readonly request: Buffer;
  readonly response: Buffer;
}

export function randomMessages(random: Random): RandomMessages {
  const requestBody = random.chance(0.5) ? randomBody(random) : null;
  const method = random.pick(requestBody === null ? ['GET', 'GET', 'DELETE'] : ['POST', 'PUT']);
  const status = random.pick([
    '200 OK',
    '200 OK',
    '404 Not Found',
    '201 Created',
    '422 Unprocessable Content token=abcd1234efgh',
  ]);
  return {
    request: messageOf(`${method} ${target(random)} HTTP/1.1`, random, requestBody ?? Buffer.alloc(0)),
    response: messageOf(`HTTP/1.1 ${status}`, random, randomBody(random)),
  };
}

function messageOf(start: string, random: Random, body: Buffer): Buffer {
  const lines = [start];
  const count = random.between(0, 9);
  const isOdd = random.chance(0.4);
  const first = random.between(0, NAMES.length - 1);
  for (let i = 0; i < count; i++) {
    const value = random.chance(0.15) ? random.pick(SECRETS) : random.pick(VALUES);
    const name = isOdd ? random.pick(NAMES) : NAMES[(first + i) % NAMES.length];
    lines.push(`${name}: ${isOdd || /^[ -~]*$/.test(value) ? value : ''}`);
  }
  if (random.chance(0.8)) lines.push(`Content-Type: ${random.pick(TYPES)}`);
  if (random.chance(0.05)) lines.push(`content-type: ${random.pick(TYPES)}`);
  lines.push(`Content-Length: ${body.length}`, '', '');
  return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), body]);
}

function target(random: Random): string {
  const path = Array.from({ length: random.between(0, 5) }, () => `/${random.pick(SEGMENTS)}`).join('') || '/';
  const front = random.chance(0.05) ? random.pick(['http://ann:pw@h.example', '//user:secret1@h', 'http://h:80']) : '';
  if (random.chance(0.4)) return front + path;
  const pairs = Array.from({ length: random.between(1, 4) }, () => {
    const value = random.chance(0.2) ? random.pick(SECRETS) : random.pick([...WORDS, ...SEGMENTS]);
    const written = random.chance(0.6) ? encodeURIComponent(value) : value.replace(/[\s"\\]/g, '+');
    return random.chance(0.1) ? written : `${random.pick(PARAMETERS)}=${written}`;
  });
  return `${front}${path}?${pairs.join('&')}${random.chance(0.05) ? '#access_token=abc123def456' : ''}`;
}

function randomBody(random: Random): Buffer {
  const word = (): string => (random.chance(0.15) ? random.pick(SECRETS) : random.pick(WORDS));
  const name = (): string => random.pick([...PARAMETERS, 'id', 'title', 'password', 'items', 'note']);
  const pairs = Array.from({ length: random.between(0, 8) }, () => [name(), word()] as const);
  switch (random.between(0, 6)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
    case 2:
      return Buffer.from(JSON.stringify(Object.fromEntries(pairs)));
    case 3:
      return Buffer.from(new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, value])).toString());
    case 4:
      return Buffer.from(pairs.map(([key, value]) => `${key}${random.pick([': ', '=', ' '])}${value}`).join('\n'));
    case 5:
      return Buffer.from(Array.from({ length: random.between(1, 600) }, () => random.between(0, 255)));
    default:
      return Buffer.from(`<a>${pairs.map(([key, value]) => `<n k="${key}">${value}</n>`).join('')}</a>`);
  }
}
