/**
 * What redaction costs: microseconds of CPU and nanoseconds a byte for bodies that hold no secret and for bodies that do.
 *
 *     npx tsc -p tsconfig.bench.json && node build/bench/bench/redaction.js
 *
 * JSON.parse and JSON.stringify of the same text are measured too: redaction by way of values would cost at least that.
 */

import { createRedactor } from '../src/redact/redactor.js';
import type { Trace } from '../src/trace/trace.js';
import { printTable } from './table.js';

const redact = createRedactor({ defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true });

const HEADERS: [string, string][] = [
  ['Host', 'api.example.com'],
  ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0'],
  ['Accept', 'application/json'],
  ['Accept-Encoding', 'gzip, deflate, br'],
  ['Authorization', `Bearer ${'a1'.repeat(60)}`],
  ['Cookie', 'sid=31d4d96e407aad42; theme=dark; _ga=GA1.2.3'],
  ['X-Request-Id', 'f058ebd6-02f7-4d3f-942e-904344e8cde5'],
  ['X-Forwarded-For', '203.0.113.7, 10.0.0.1'],
  ['Content-Type', 'application/json'],
];

function trace(content: Buffer, contentType: string, headers: [string, string][] = []): Trace {
  const body = { wireBytes: 0, bytes: content.length, truncated: false, content, codingError: null };
  const empty = { ...body, content: new Uint8Array(0) };
  return {
    traceId: '',
    spanId: '',
    parentSpanId: null,
    kind: 'server',
    startTimeUnixNano: 0n,
    durationNano: 0,
    timing: { requestEndNano: 0, responseStartNano: 0 },
    network: { interface: 'lo', protocol: '1.1', client: { address: '', port: 1 }, server: { address: '', port: 1 } },
    request: {
      method: 'POST',
      scheme: 'http',
      authority: 'api.example.com',
      target: '/v1/orders?page=2&sort=name',
      path: '/v1/orders',
      query: 'page=2&sort=name',
      headers: [['Content-Type', contentType], ...headers.map(([name, value]): [string, string] => [name, value])],
      trailers: [],
      body,
    },
    response: { status: 200, reason: 'OK', headers: [], trailers: [], body: empty },
    marks: [],
  };
}

const item = (i: number) => ({
  id: 4000 + i,
  name: `item number ${i}`,
  price: i * 1.5,
  url: `https://shop.example/items/${i}`,
  created: 1_700_000_000_000 + i,
});
const items = (count: number) => Array.from({ length: count }, (_, i) => item(i));
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const login = { user: 'ann', password: 'hunter2', profile: { token: 'abc', age: 7 } };
const prose = 'Please enter your password to start a session; the token is in the mail. ';

const CASES: [name: string, body: Buffer, type: string, headers?: [string, string][]][] = [
  ['heads only, 9 request headers', Buffer.alloc(0), '', HEADERS],
  ['JSON 130 B, no secret', json({ items: items(1) }), 'application/json'],
  ['JSON 130 B, secrets', json({ ...login, pad: 'x'.repeat(60) }), 'application/json'],
  ['JSON 6 KiB, no secret', json({ items: items(55) }), 'application/json'],
  ['JSON 6 KiB, secrets', json({ login, items: items(55) }), 'application/json'],
  ['JSON 1 MiB, no secret', json({ items: items(9400) }), 'application/json'],
  ['JSON 1 MiB, secrets', json({ login, items: items(9400) }), 'application/json'],
  ['JSON 1 MiB, secret in each item', json(items(7000).map((one) => ({ ...one, token: 'abc' }))), 'application/json'],
  ['JSON 1 MiB in a JSON string', json({ body: json({ login, items: items(6500) }).toString() }), 'application/json'],
  ['form 300 B', Buffer.from(`user=ann&password=x&note=${'a+b%20'.repeat(45)}`), 'application/x-www-form-urlencoded'],
  [
    'XML 100 KiB, secret',
    Buffer.from(`<a><password>x</password>${'<item id="1">name</item>'.repeat(4200)}</a>`),
    'text/xml',
  ],
  ['text 100 KiB, names but no secret', Buffer.from(prose.repeat(1400)), 'text/plain'],
  [
    'bytes 1 MiB',
    Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 2654435761) >>> 24)),
    'application/octet-stream',
  ],
];

/** CPU time of a run; not wall time, as the machine may be busy with other things. */
function microseconds(run: () => void): number {
  // What V8 compiles at first, on threads of its own, takes as long as ten thousand runs.
  averageOver(600_000, run);
  return averageOver(300_000, run);
}

function averageOver(micros: number, run: () => void): number {
  const start = process.cpuUsage();
  for (let runs = 1; ; runs++) {
    run();
    if (runs % 5 !== 0) continue;
    const { user } = process.cpuUsage(start);
    if (user > micros) return user / runs;
  }
}

const rows = CASES.map(([name, body, type, headers]) => {
  const idle = microseconds(() => void trace(body, type, headers));
  const cost = microseconds(() => redact(trace(body, type, headers))) - idle;
  const parse = type.includes('json') ? microseconds(() => JSON.stringify(JSON.parse(body.toString()))) : null;
  const perByte = body.length === 0 ? null : ((cost * 1000) / body.length).toFixed(2);
  return [name, body.length, cost.toFixed(2), perByte, parse?.toFixed(2)];
});
printTable(['body', 'bytes', 'µs', 'ns a byte', 'parse and stringify, µs'], rows);
