/** What is added to redaction, by options or by a server, takes nothing of what is redacted without it. */
import { expect, it } from 'vitest';
import type { HeaderPair } from '../../src/pair/exchange.js';
import { createRedactor, type RedactionSettings } from '../../src/redact/redactor.js';
import { CONTENT_TYPES, type CorpusRow, corpus } from './corpus.js';
import { makeTrace } from './make-trace.js';

const DEFAULTS = { defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true };
const NAMES = ['authorization', 'cookie', 'set-cookie', 'password', 'token', 'e', 'u', 'data', 'sid'];

function sentWith(settings: Partial<RedactionSettings>): (row: CorpusRow) => string {
  const redact = createRedactor({ ...DEFAULTS, ...settings });
  return ({ place, sent }) => {
    const colon = sent.indexOf(': ');
    const header: HeaderPair = [sent.slice(0, colon), sent.slice(colon + 2)];
    const type = CONTENT_TYPES[place];
    const trace = makeTrace({
      ...(place === 'header' ? { requestHeaders: [header] } : {}),
      ...(place === 'trailer' ? { requestTrailers: [header] } : {}),
      ...(place === 'response' ? { responseHeaders: [header] } : {}),
      ...(place === 'target' ? { target: sent } : {}),
      ...(type === undefined ? {} : { body: Buffer.from(sent), requestHeaders: [['Content-Type', type]] }),
    });
    redact(trace);
    const { request, response } = trace;
    const headers = [...request.headers, ...request.trailers, ...(response?.headers ?? [])];
    return [request.target, ...headers.map((one) => one.join(': ')), Buffer.from(request.body.content)].join('\n');
  };
}

/** Pieces of what has to go that cannot be anything else. */
function pieces({ secrets, expected }: CorpusRow): string[] {
  return secrets.flatMap((secret) =>
    Array.from({ length: Math.max(0, secret.length - 5) }, (_, i) => secret.slice(i, i + 6)).filter(
      (piece) => !expected.includes(piece),
    ),
  );
}

it.each<[string, Partial<RedactionSettings>]>([
  ...['[a-z]{2}', '"', 'e', '^.', '[:=]', '(?i)pass|token|auth', '.$', 'eyJ|AKIA|sk_', '[{}]', 'Bearer|Basic'].map(
    (pattern): [string, Partial<RedactionSettings>] => [`the pattern ${pattern}`, { patterns: [pattern] }],
  ),
  ['names', { headers: NAMES, queries: NAMES, fields: NAMES }],
  ['numbers of people', { pii: true }],
])('%s', (_, settings) => {
  const plain = sentWith({});
  const added = sentWith(settings);
  const rows = corpus('secrets.txt').filter((row) => pieces(row).length > 0);
  expect(rows.length).toBeGreaterThan(100);
  const worse = rows.filter((row) => {
    const before = plain(row);
    const after = added(row);
    return pieces(row).some((piece) => !before.includes(piece) && after.includes(piece));
  });
  expect(worse.map(({ line }) => line)).toEqual([]);
});
