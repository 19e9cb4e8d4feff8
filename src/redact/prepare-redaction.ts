/**
 * What redaction is made of takes tens of milliseconds to make, which the first trace would hold up packets for: a piece of it at
 * each step, so that other things have their turns between them.
 */
import type { Trace } from '../trace/trace.js';
import { dispatch } from './look-runs.js';
import { wordEnds } from './phrases.js';
import { scanProgram } from './scan-program.js';
import { nameTables } from './sensitive-names.js';

/** `redact`: made by `createRedactor`. A step throws what the first trace would: the next one goes on. */
export function preparation(redact: (trace: Trace) => void): (() => void)[] {
  return [
    nameTables,
    dispatch,
    wordEnds,
    () => wordEnds().filter(),
    scanProgram,
    () => redact(sample('', '')),
    // By then the expressions for phrases and values are compiled.
    ...SAMPLES.map(
      ([type, body]) =>
        () =>
          redact(sample(type, body)),
    ),
  ];
}

const SAMPLES: readonly (readonly [type: string, body: string])[] = [
  ['application/json', '{"user":"ann","password":"hunter2","profile":{"token":"a1b2c3d4e5f6","age":7}}'],
  ['application/x-www-form-urlencoded', 'user=ann&password=hunter2&note=a+few%20words'],
  [
    'text/plain',
    'Please enter your password: hunter2; your code is 483920, and https://ann:pass@shop.example/ the place.',
  ],
];

function sample(type: string, body: string): Trace {
  const content = Buffer.from(body);
  return {
    traceId: '',
    spanId: '',
    parentSpanId: null,
    kind: 'server',
    startTimeUnixNano: 0n,
    durationNano: 0,
    timing: { requestEndNano: 0, responseStartNano: null },
    network: { interface: '', protocol: '1.1', client: NOBODY, server: NOBODY },
    request: {
      method: 'POST',
      scheme: 'http',
      authority: 'shop.example',
      target: '/login?page=2',
      path: '/login',
      query: 'page=2',
      headers: [
        ['Content-Type', type],
        ['Cookie', 'sid=31d4d96e407aad42'],
        ['Authorization', 'Bearer a1b2c3d4e5f6a7b8c9d0'],
      ],
      trailers: [],
      body: { wireBytes: content.length, bytes: content.length, truncated: false, content, codingError: null },
    },
    response: null,
    marks: [],
  };
}

const NOBODY = { address: '', port: 0 };
