/** What is printed as NDJSON is held to docs/trace.schema.json, and the schema to refusing what is not a trace. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { encodeNdjson } from '../../src/output/ndjson.js';
import { MARK_ROWS } from '../../src/pair/exchange.js';
import { captureFile, conversation } from '../support/capture-file.js';
import { runCommand } from '../support/command.js';
import { sampleTrace, traceBody } from '../support/trace.js';

const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../../docs/trace.schema.json'), 'utf8'));
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);
const wrongWith = (trace: unknown) =>
  validate(trace) ? [] : (validate.errors ?? []).map(({ instancePath }) => instancePath);

describe('a trace', () => {
  const { network } = sampleTrace();
  it.each([
    ['as usual', sampleTrace()],
    ['without a response', sampleTrace({ response: null, timing: { requestEndNano: 1, responseStartNano: null } })],
    ['with a parent', sampleTrace({ parentSpanId: 'b7ad6b7169203331' })],
    ['with every mark', sampleTrace({ marks: Object.values(MARK_ROWS).map(({ name }) => name) })],
    ['of a binary body', sampleTrace({ request: { body: traceBody(Buffer.of(0xff, 0)) } })],
    ['of a body that cannot be decoded', sampleTrace({ response: { body: traceBody('x', { codingError: 'gzip' }) } })],
    ['with trailers', sampleTrace({ response: { trailers: [['a', 'b']] } })],
    ['that stands for others', { ...sampleTrace(), adjustedCount: 2.5 }],
    ['under a CPU budget', { ...sampleTrace(), watchedShare: 0.24 }],
    ['over IPv6', sampleTrace({ network: { ...network, client: { address: '2001:db8::1', port: 65_535 } } })],
    ['of HTTP/2', sampleTrace({ network: { ...network, protocol: '2', streamId: 7, streamError: 'CANCEL' } })],
    [
      'of a call',
      sampleTrace({ request: { path: '/a.B/C', headers: [['content-type', 'application/grpc']] }, statusMessage: 'x' }),
    ],
    [
      'of GraphQL',
      sampleTrace({
        graphql: [
          { type: 'query', name: 'A', persisted: null },
          { type: null, name: null, persisted: 'x' },
        ],
      }),
    ],
    ['joined in midstream', sampleTrace({ request: { method: '', target: '', path: '', authority: '' } })],
  ])('%s', (_what, trace) => expect(wrongWith(JSON.parse(encodeNdjson(trace)))).toEqual([]));
});

it('holds for what the command prints', async () => {
  const turns: Parameters<typeof conversation>[0] = [
    ['client', 'POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: u\r\n\r\n'],
    ['server', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc'],
    ['client', 'CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n'],
    ['server', 'HTTP/1.1 200 Connection established\r\n\r\n'],
  ];
  const { stdout } = await runCommand(['apidump', '--read', '-', '--output', 'ndjson'], {
    stdin: captureFile(conversation(turns)),
  });
  const traces = stdout.trimEnd().split('\n');
  expect(traces).toHaveLength(2);
  for (const trace of traces) expect(wrongWith(JSON.parse(trace))).toEqual([]);
});

describe('what is none', () => {
  const trace = () => JSON.parse(encodeNdjson(sampleTrace()));
  it.each<[string, (trace: ReturnType<typeof JSON.parse>) => void, string]>([
    [
      'an id in capitals',
      (one) => {
        one.traceId = one.traceId.toUpperCase();
      },
      '/traceId',
    ],
    [
      'a time that is a number',
      (one) => {
        one.startTimeUnixNano = 1;
      },
      '/startTimeUnixNano',
    ],
    ['a mark that there is not', (one) => one.marks.push('odd'), '/marks/0'],
    ['a header without a value', (one) => one.request.headers.push(['a']), '/request/headers/4'],
    [
      'no response at all',
      (one) => {
        delete one.response;
      },
      '',
    ],
    [
      'another encoding',
      (one) => {
        one.request.body.encoding = 'hex';
      },
      '/request/body/encoding',
    ],
    [
      'a port beyond the last',
      (one) => {
        one.network.client.port = 65_536;
      },
      '/network/client/port',
    ],
  ])('%s', (_what, change, where) => {
    const changed = trace();
    change(changed);
    expect(wrongWith(changed)).toContain(where);
  });

  it('but a field that was added since', () => expect(wrongWith({ ...trace(), later: 1 })).toEqual([]));
});
