/** Policy and redaction through the command line: capture files in, NDJSON and satellite requests out. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONTENT_TYPES, type CorpusRow, corpus } from '../redact/corpus.js';
import { type CommandResult, runCommand } from '../support/command.js';
import { startScriptedSatellite } from '../support/relay.js';
import { type HttpConversation, writeConversations } from './conversations.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'policy-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface PrintedTrace {
  request: {
    method: string;
    target: string;
    path: string;
    query: string;
    headers: [string, string][];
    trailers: [string, string][];
    body: PrintedBody;
  };
  response: { status: number; headers: [string, string][] } | null;
  graphql?: { operations: { type: string | null; name: string | null }[] };
}
interface PrintedBody {
  encoding: 'utf8' | 'base64';
  content: string;
}

async function apidump(path: string, ...flags: string[]): Promise<{ traces: PrintedTrace[]; result: CommandResult }> {
  const result = await runCommand(['apidump', '--read', path, '--output', 'ndjson', '--log-level', 'debug', ...flags]);
  expect(result).toMatchObject({ code: 0 });
  const lines = result.stdout.split('\n').filter((line) => line !== '');
  return { traces: lines.map((line) => JSON.parse(line) as PrintedTrace), result };
}

function get(target: string, head = '', method = 'GET', status = 200): HttpConversation {
  return {
    request: `${method} ${target} HTTP/1.1\r\nHost: api.example.com:8080\r\n${head}\r\n`,
    response: `HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`,
  };
}

describe('GraphQL', () => {
  const post = (body: string): HttpConversation => ({
    request: `POST /graphql HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    response: 'HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n',
  });
  const named = (name: string) => post(JSON.stringify({ query: `query ${name} { a }` }));

  it('is told of each request', async () => {
    const path = join(folder, 'graphql.pcap');
    writeConversations(path, [named('A'), post('{"query":"red shoes"}'), get('/graphql?query=%7Ba%7D')]);
    const { traces, result } = await apidump(path, '--log-format', 'json');
    expect(result.stderr).toContain('"graphql_requests":2');
    expect(traces.map(({ graphql }) => graphql)).toEqual([
      { operations: [{ type: 'query', name: 'A' }] },
      undefined,
      { operations: [{ type: 'query', name: null }] },
    ]);
  });

  it('is kept in all its operations under a rate limit that one of them would use up', async () => {
    const path = join(folder, 'graphql-limit.pcap');
    const busy = Array.from({ length: 200 }, () => named('Busy'));
    writeConversations(path, [...busy, named('Rare'), get('/graphql?query=query+Url%7Ba%7D')]);
    const { traces, result } = await apidump(path, '--rate-limit', '20', '--log-format', 'json');
    const names = traces.map(({ graphql }) => graphql?.operations[0]?.name);
    expect(names).toContain('Busy');
    expect(names.slice(-2)).toEqual(['Rare', 'Url']);
    expect(names.length).toBeLessThanOrEqual(20);
    expect(result.stderr).toContain(`"exchanges_dropped_rate_limited":${202 - names.length}`);
  });
});

describe('rules', () => {
  const long = 'a'.repeat(65_536);
  const conversations = [
    get('/v1/users?q=secret'),
    get('/v2/users'),
    get('/files/%2e%2e/%2e%2e/etc/passwd'),
    get('/bad/%ff%fe/%61dmin'),
    get('/', 'User-Agent: ELB-HealthChecker/2.0\r\n'),
    get('/v1/users', '', 'DELETE', 404),
    get('/v1/users', '', 'POST', 503),
    get('http://Other.Example/absolute'),
  ];
  const targets = [0, 1, 2, 3, 5, 6, 7].map((i) => String(conversations[i]?.request).split(' ')[1]);
  const but = (...dropped: number[]) => targets.filter((_, i) => !dropped.includes(i));

  it.each<[string, string[], (string | undefined)[]]>([
    ['none but health checks', [], targets],
    ['--host-allow', ['--host-allow', '^API\\.example\\.com$'], but(6)],
    ['--host-exclusions with a port', ['--host-exclusions', ':8080$'], []],
    ['--host-exclusions', ['--host-exclusions', '^other\\.example$'], but(6)],
    ['--path-allow', ['--path-allow', '^/v1/', '--path-allow', '^/v2/'], but(2, 3, 6)],
    ['--path-exclusions, encoded traversal', ['--path-exclusions', '/\\.\\./'], but(2)],
    ['--path-exclusions, next to invalid UTF-8', ['--path-exclusions', '/admin$'], but(3)],
    ['--path-exclusions do not see the query', ['--path-exclusions', 'secret'], targets],
    ['--path-exclusions, exponential elsewhere', ['--path-exclusions', '^/(a+)+$'], targets],
    ['--method-allow', ['--method-allow', '^(POST|DELETE)$'], ['/v1/users', '/v1/users']],
    ['--status-allow', ['--status-allow', '^5', '--status-allow', '404'], ['/v1/users', '/v1/users']],
    ['--sample-rate 0', ['--sample-rate', '0'], []],
  ])('%s', async (_, flags, expected) => {
    const path = join(folder, 'rules.pcap');
    writeConversations(path, conversations);
    const { traces } = await apidump(path, ...flags);
    expect(traces.map(({ request }) => request.target)).toEqual(expected);
  });

  it('decides paths of 64 KiB by patterns that are exponential elsewhere', async () => {
    const path = join(folder, 'long.pcap');
    writeConversations(path, [get(`/${long}`), get(`/${long}b`)]);
    const { traces } = await apidump(path, '--path-exclusions', '^/(a+)+$', '--path-exclusions', '^/(a|aa)+$');
    expect(traces.map(({ request }) => request.target.length)).toEqual([65_538]);
  });

  it('keeps health checks with the option, and counts them without', async () => {
    const path = join(folder, 'health.pcap');
    writeConversations(path, conversations);
    expect((await apidump(path, '--keep-health-checks')).traces.length).toBe(8);
    expect((await apidump(path, '--log-format', 'json')).result.stderr).toContain('"exchanges_dropped_health_check":1');
  });

  it('holds the rate limit in capture time', async () => {
    const path = join(folder, 'rate.pcap');
    writeConversations(
      path,
      Array.from({ length: 100 }, () => get('/v1/users')),
    );
    const { traces, result } = await apidump(path, '--rate-limit', '8', '--log-format', 'json');
    expect(traces.length).toBeLessThanOrEqual(8);
    expect(traces.length).toBeGreaterThanOrEqual(6);
    expect(result.stderr).toContain(`"exchanges_dropped_rate_limited":${100 - traces.length}`);
  });
});

describe('redaction', () => {
  /** A row of the corpus as it would be on the wire. */
  function conversation({ place, sent }: CorpusRow): HttpConversation {
    const ok = 'HTTP/1.1 200 OK\r\n';
    if (place === 'target') return get(sent);
    if (place === 'header') return get('/', `${sent}\r\n`);
    if (place === 'trailer')
      return {
        request: `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${sent}\r\n\r\n`,
        response: `${ok}Content-Length: 0\r\n\r\n`,
      };
    if (place === 'response') return { ...get('/'), response: `${ok}${sent}\r\nContent-Length: 0\r\n\r\n` };
    const head = `Content-Type: ${CONTENT_TYPES[place]}\r\nContent-Length: ${Buffer.byteLength(sent)}\r\n\r\n`;
    return { request: `POST / HTTP/1.1\r\nHost: a\r\n${head}${sent}`, response: `${ok}${head}${sent}` };
  }

  function redactedPart(row: CorpusRow, { request, response }: PrintedTrace): string {
    const header = (headers: [string, string][] | undefined) => {
      const name = row.sent.slice(0, row.sent.indexOf(':'));
      return headers?.find(([one]) => one === name)?.join(': ') ?? '';
    };
    if (row.place === 'target') return request.target;
    if (row.place === 'header') return header(request.headers);
    if (row.place === 'trailer') return header(request.trailers);
    if (row.place === 'response') return header(response?.headers);
    const { encoding, content } = request.body;
    return Buffer.from(content, encoding).toString();
  }

  // A host of its own would be another's; control characters are no header's.
  const fits = (row: CorpusRow) => !/^Host:/i.test(row.sent) && row.sent !== '*';
  const secrets = corpus('secrets.txt').filter(fits);
  const lookAlikes = corpus('look-alikes.txt').filter(fits);
  /** Pieces long and particular enough not to occur elsewhere by chance. */
  const pieces = secrets.flatMap((row) => row.secrets).filter((piece) => piece.length >= 10 && !/^[a-z]+$/.test(piece));

  function expectNone(text: string): void {
    expect(pieces.filter((piece) => text.includes(piece))).toEqual([]);
  }

  it('lets none of the secrets out as NDJSON or in the log, and every look-alike', async () => {
    const path = join(folder, 'corpus.pcap');
    const rows = [...secrets, ...lookAlikes];
    writeConversations(path, rows.map(conversation));
    const { traces, result } = await apidump(path);
    expect(traces.length).toBe(rows.length);
    rows.forEach((row, i) => {
      expect(redactedPart(row, traces[i] as PrintedTrace), row.line).toBe(row.expected);
    });
    expect(pieces.length).toBeGreaterThan(150);
    expectNone(result.stderr);
    const secretsPath = join(folder, 'secrets.pcap');
    writeConversations(secretsPath, secrets.map(conversation));
    expectNone((await apidump(secretsPath)).result.stdout);
  });

  it.each(['otlp', 'levo'])('lets none of the secrets out over %s', async (protocol) => {
    const path = join(folder, `${protocol}.pcap`);
    writeConversations(path, secrets.map(conversation));
    const satellite = await startScriptedSatellite((request) =>
      protocol === 'levo' && request.url.endsWith('/v1/traces') ? { status: 404 } : { status: 200 },
    );
    try {
      const result = await runCommand([
        'apidump',
        '--read',
        path,
        '--satellite-url',
        satellite.url,
        '--log-level',
        'debug',
      ]);
      expect(result).toMatchObject({ code: 0 });
      expectNone(result.stderr + result.stdout);
      const received = satellite.requests.filter(({ url }) => (protocol === 'otlp') === url.endsWith('/v1/traces'));
      const texts = received.map(({ body }) => body);
      expect(texts.length).toBeGreaterThan(0);
      for (const text of texts) {
        expectNone(text);
        // Bodies travel in base64 with levo.
        for (const [, encoded = ''] of text.matchAll(/"body":"([^"]*)"/g))
          expectNone(Buffer.from(encoded, 'base64').toString());
      }
      expect(texts.join().match(/REDACTED|UkVEQUNURU/g)?.length).toBeGreaterThan(100);
    } finally {
      await satellite.close();
    }
  });

  it('sends everything that was on the wire with --no-default-redaction, and says so once', async () => {
    const path = join(folder, 'plain.pcap');
    const rows = [...secrets, ...lookAlikes];
    writeConversations(path, rows.map(conversation));
    const { traces, result } = await apidump(
      path,
      '--no-default-redaction',
      '--keep-health-checks',
      '--rate-limit',
      '0',
    );
    rows.forEach((row, i) => {
      expect(redactedPart(row, traces[i] as PrintedTrace), row.line).toBe(row.sent);
    });
    expect(result.stderr.match(/no-default-redaction/g)?.length).toBe(1);
  });
});
