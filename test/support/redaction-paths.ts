/**
 * Every way through the redactor, each with ordinary text of its kind in any length; and pieces that, repeated, are hostile
 * to one of them or another.
 */
import { createRedactor, type RedactionSettings } from '../../src/redact/redactor.js';
import type { Trace } from '../../src/trace/trace.js';
import { makeTrace } from '../redact/make-trace.js';

export interface RedactionPath {
  readonly name: string;
  /** Text of about `bytes` as it is seen there every day. */
  ordinary(bytes: number): Buffer;
  /** The trace in which `text` goes this way. */
  trace(text: Buffer): Trace;
  readonly redact: (trace: Trace) => void;
}

const BASE: RedactionSettings = { defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true };
const byDefault = createRedactor(BASE);
const withPii = createRedactor({ ...BASE, pii: true });
const withPatterns = createRedactor({ ...BASE, patterns: ['[0-9]{5}-[a-z]+', 'acct_([A-Za-z0-9]{8,32})'] });
const withNames = createRedactor({
  ...BASE,
  fields: ['color', 'note'],
  queries: ['q'],
  headers: ['x-mine'],
  allow: ['theme', '/^hunter2$/'],
});

function repeated(row: (i: number) => string, bytes: number, open = '', close = ''): Buffer {
  const rows: string[] = [open];
  let length = open.length;
  for (let i = 0; length < bytes; i++) {
    const text = row(i);
    rows.push(text);
    length += text.length;
  }
  return Buffer.from(`${rows.join('').slice(0, bytes)}${close}`);
}

const item = (i: number): string =>
  `{"id":${4000 + i},"name":"item number ${i}","price":${i * 1.5},"url":"https://shop.example/items/${i}","at":"2026-11-26T21:21:${10 + (i % 50)}Z"}`;
const login = '{"user":"ann","password":"hunter2","profile":{"token":"a1b2c3d4e5f6"}}';
const json = (bytes: number): Buffer => repeated((i) => `${item(i)},`, bytes, `{"login":${login},"items":[`, ']}');
const prose = (bytes: number): Buffer =>
  repeated(
    (i) => `Please enter your password to start session ${i}; the token is in the mail of 21:21:${10 + (i % 50)}. `,
    bytes,
  );

type Body = readonly [name: string, contentType: string, ordinary: (bytes: number) => Buffer];

const BODIES: readonly Body[] = [
  ['JSON', 'application/json', json],
  [
    'JSON in a string',
    'application/json',
    (bytes) => Buffer.from(JSON.stringify({ body: json(bytes / 1.25).toString() })),
  ],
  ['NDJSON', 'application/x-ndjson', (bytes) => repeated((i) => `${item(i)}\n`, bytes, `${login}\n`)],
  ['server-sent events', 'text/event-stream', (bytes) => repeated((i) => `event: tick\ndata: ${item(i)}\n\n`, bytes)],
  [
    'form',
    'application/x-www-form-urlencoded',
    (bytes) => repeated((i) => `name${i}=value+${i}%20of&note=a+few+words&`, bytes, 'user=ann&password=hunter2&'),
  ],
  [
    'multipart',
    'multipart/form-data; boundary=XX',
    (bytes) =>
      repeated(
        (i) =>
          `--XX\r\nContent-Disposition: form-data; name="${i % 9 === 0 ? 'password' : `field${i}`}"\r\n\r\nvalue ${i}\r\n`,
        bytes,
        '',
        '--XX--\r\n',
      ),
  ],
  [
    'XML',
    'application/xml',
    (bytes) =>
      repeated(
        (i) => `<item id="${i}" kind="a"><name>item ${i}</name><price>1.5</price></item>\n`,
        bytes,
        '<a><password>hunter2</password>',
        '</a>',
      ),
  ],
  [
    'HTML',
    'text/html',
    (bytes) =>
      repeated(
        (i) => `<p class="x">Item ${i} <a href="/items/${i}?page=2">more</a> &amp; more</p>\n`,
        bytes,
        '<html><input name="password" value="hunter2">',
      ),
  ],
  [
    'YAML',
    'application/yaml',
    (bytes) =>
      repeated(
        (i) => `- name: item ${i}\n  image: registry.example/app:${i}\n  replicas: 2\n`,
        bytes,
        'db:\n  password: hunter2\nitems:\n',
      ),
  ],
  [
    'INI',
    'text/plain',
    (bytes) =>
      repeated((i) => `[section${i}]\nhost = db${i}.example\nport = 5432\n`, bytes, '[db]\npassword = hunter2\n'),
  ],
  [
    'CSV',
    'text/csv',
    (bytes) =>
      repeated((i) => `${i},ann${i}@example.com,hunter${i},2026-11-26\n`, bytes, 'id,email,password,created\n'),
  ],
  ['prose', 'text/plain', prose],
  [
    'log lines',
    'text/plain',
    (bytes) =>
      repeated(
        (i) => `2026-11-26T21:21:11.${100 + (i % 900)}Z INFO request_id=${i} user=ann path=/v1/items/${i} took=12ms\n`,
        bytes,
      ),
  ],
  [
    'JavaScript',
    'application/javascript',
    (bytes) => repeated((i) => `const item${i} = load("/items/${i}", { page: ${i} }); // next\n`, bytes),
  ],
  [
    'base64',
    'application/json',
    (bytes) =>
      repeated((i) => Buffer.from(`line ${i} of {"a":"nothing"} `).toString('base64url'), bytes, '{"data":"', '"}'),
  ],
  [
    'random base64',
    'text/plain',
    (bytes) =>
      Buffer.from(
        Buffer.from(Array.from({ length: bytes }, (_, i) => Math.imul(i + 7, 2654435761) >>> 24))
          .toString('base64')
          .slice(0, bytes),
      ),
  ],
  [
    'bytes',
    'application/octet-stream',
    (bytes) => Buffer.from(Array.from({ length: bytes }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24)),
  ],
  [
    'image',
    'image/png',
    (bytes) => Buffer.from(Array.from({ length: bytes }, (_, i) => Math.imul(i + 1, 40503) >>> 8)),
  ],
];

function bodyPath(
  name: string,
  contentType: string,
  ordinary: RedactionPath['ordinary'],
  redact = byDefault,
): RedactionPath {
  return {
    name,
    ordinary,
    redact,
    trace: (text) => makeTrace({ body: text, requestHeaders: [['Content-Type', contentType]] }),
  };
}

function headPath(
  name: string,
  ordinary: RedactionPath['ordinary'],
  parts: (text: string) => Parameters<typeof makeTrace>[0],
): RedactionPath {
  return { name, ordinary, redact: byDefault, trace: (text) => makeTrace(parts(text.toString('latin1'))) };
}

const asUtf16 = (text: Buffer): Buffer => Buffer.from(`\ufeff${text.toString('latin1')}`, 'utf16le');

export const REDACTION_PATHS: readonly RedactionPath[] = [
  ...BODIES.map(([name, type, ordinary]) => bodyPath(name, type, ordinary)),
  bodyPath('JSON with PII', 'application/json', json, withPii),
  bodyPath('prose with PII', 'text/plain', prose, withPii),
  bodyPath("JSON with the user's patterns", 'application/json', json, withPatterns),
  bodyPath("prose with the user's patterns", 'text/plain', prose, withPatterns),
  bodyPath("JSON with the user's names", 'application/json', json, withNames),
  {
    ...bodyPath('JSON cut off', 'application/json', json),
    trace: (text) => {
      const trace = makeTrace({ body: text, requestHeaders: [['Content-Type', 'application/json']] });
      trace.request.body.truncated = true;
      return trace;
    },
  },
  {
    ...bodyPath('JSON in UTF-16', 'application/json', (bytes) => json(bytes / 2)),
    trace: (text) => makeTrace({ body: asUtf16(text), requestHeaders: [['Content-Type', 'application/json']] }),
  },
  headPath('header', prose, (text) => ({ requestHeaders: [['X-Note', text]] })),
  headPath(
    'header with a URL',
    (bytes) => repeated((i) => `/items/${i}`, bytes, 'https://shop.example'),
    (text) => ({
      responseHeaders: [['Location', text]],
    }),
  ),
  headPath('many headers', prose, (text) => ({
    requestHeaders: Array.from({ length: Math.ceil(text.length / 64) }, (_, i) => [
      `X-Note-${i}`,
      text.slice(i * 64, i * 64 + 64),
    ]),
  })),
  headPath('trailer', prose, (text) => ({ requestTrailers: [['X-Note', text]] })),
  headPath(
    'path',
    (bytes) => repeated((i) => `/items/${i}`, bytes),
    (text) => ({ target: `/${text}` }),
  ),
  headPath(
    'query',
    (bytes) => repeated((i) => `page${i}=2&sort=name&`, bytes),
    (text) => ({ target: `/items?${text}` }),
  ),
  headPath(
    'fragment',
    (bytes) => repeated((i) => `page${i}=2&sort=name&`, bytes),
    (text) => ({ target: `/items?a=1#${text}` }),
  ),
  headPath(
    'Cookie',
    (bytes) => repeated((i) => `name${i}=value; `, bytes),
    (text) => ({ requestHeaders: [['Cookie', text]] }),
  ),
  headPath(
    'Set-Cookie',
    (bytes) => repeated((i) => `name${i}=value; Path=/; `, bytes),
    (text) => ({ responseHeaders: [['Set-Cookie', text]] }),
  ),
  headPath(
    'Authorization',
    (bytes) => repeated((i) => `a${i}`, bytes, 'Bearer '),
    (text) => ({ requestHeaders: [['Authorization', text]] }),
  ),
  headPath(
    'WWW-Authenticate',
    (bytes) => repeated((i) => `Digest realm="a${i}", nonce="b${i}", `, bytes),
    (text) => ({
      responseHeaders: [['WWW-Authenticate', text]],
    }),
  ),
  headPath(
    'Sec-WebSocket-Protocol',
    (bytes) => repeated((i) => `graphql-ws-${i}, `, bytes),
    (text) => ({
      requestHeaders: [['Sec-WebSocket-Protocol', text]],
    }),
  ),
];

/** Each of them, repeated, begins something again and again that may not end. */
export const HOSTILE_PIECES: readonly string[] = [
  'Ð ',
  'ａ ',
  '"',
  '\\"',
  '\\\\',
  "'",
  '`',
  '{',
  '[',
  '{"a":"{',
  '{"a":',
  '"a":[',
  '},{',
  '{"password":',
  '"password":"\\\\',
  '"a":"=',
  '"token":"',
  '{\\"token\\":\\"',
  'password=',
  'password: ',
  'password ',
  'password:',
  '"password',
  'token ',
  'token:token=',
  'secret is ',
  'api key ',
  '&',
  '=',
  ':',
  '= x n',
  '= ',
  'a=',
  'a=&',
  '%7B',
  '%70%3d',
  '%',
  '%25',
  '+',
  'a%20b=',
  '&lt;',
  '&quot;',
  '<',
  '<a ',
  '<password ',
  '<password>',
  '</a>',
  '<a b="',
  "<a b='",
  '<!--',
  '<![CDATA[',
  '<?',
  '<key>password</key>',
  'eyJ',
  'eyJhbGciOi.',
  'eyJhbGciOi.a.',
  '4111111111111111,',
  '4111 1111 1111 1111 ',
  '4 ',
  '44 4',
  '1234-',
  'a://',
  'https://a:b@',
  'a://b:',
  '://',
  '@',
  'aws',
  'aws ',
  'bearer ',
  'Bearer\\n',
  'basic  ',
  'aws wJalrXUtnFEMI/K7MDENG/bPxRfiCY3XAMPL3KEY ',
  'AKIAIOSFODNN7EXAMPLE',
  'ghp_',
  'sk-proj-',
  'xoxb-1-',
  'SG.',
  '-----BEGIN PRIVATE KEY-----',
  'BEGIN PRIVATE KEY',
  'PRIVATE KEY',
  '--XX\r\n',
  '--XX\r\nContent-Disposition: form-data; name="',
  ' -u a',
  ' --user ',
  ' --password ',
  ' -',
  ' --token=',
  'identified by ',
  "password '",
  'identified\\nwith\\n',
  '$2a$10$',
  '$',
  '$1$$',
  ':1:',
  'h:5432:d:u:',
  '\nh:1:d:',
  'Private-Lines: 1\n',
  '/reset/',
  '/invite/a/',
  'hooks.slack.com/services/',
  '/',
  '/a',
  'one time code is ',
  'otp ',
  'data: {"token":"x"}\n',
  'a;',
  ';a=',
  'a, b=',
  ', ',
  '=?',
  '\\u0070',
  '\\u00',
  '\\',
  '\u00e9',
  '\u00ad',
  '\u200b',
  '\u043f\u0430\u0440\u043e\u043b\u044c ',
  'p-a-s-s-w-o-r-d-',
  'd-',
  'x_',
  'key',
  'key key ',
  'name: password\n',
  'name=password value=',
  '"name":"password","value":"',
  '|',
  'a|',
  'password: |\n',
  'tokens:\n- ',
  '- tokens:\n',
  'tokens:\n- a\n',
  "insert into t (a, password) values (1, '",
  'insert into ',
  "x('password', 'a",
  'password: string = ',
  'password -> ',
  'token%3D',
  '%25',
  '%253D',
  'password="""',
  'x["token"]',
  'password: Some(',
  'MDAxNWxvY2F0aW9u',
  'v4.local.',
  '00D5g000001vzq7!',
  'a:b@tcp(',
  '4111.',
  '  ',
  '\n',
  '\r\n',
  '\t',
  '# ',
  '// ',
  '/* ',
  '{{',
  '${',
  '0',
  '1.',
  'AAAA',
  'Zm9v',
  'eyJhIjoiYiJ9',
  'QUtJQUlPU0ZPRE5ON0VYQU1QTEU',
  '~',
  '8Q~',
  'Q~',
  'us',
  '-us1',
  ':AA',
  '==',
  'DE89370400440532013000 ',
  '078-05-1120 ',
  '0-',
  'A1',
  'a1!',
  '\u0000',
  '\u00ff',
];

/** A piece repeated up to `bytes`. */
export function hostile(piece: string, bytes: number): Buffer {
  return Buffer.alloc(Math.round(bytes), Buffer.from(piece));
}
