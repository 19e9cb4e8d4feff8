/**
 * Two tables of texts, `secrets.txt` and `look-alikes.txt`, each line put where it belongs in a trace: what is marked
 * must go, and every other byte must stay.
 */
import { describe, expect, it } from 'vitest';
import type { HeaderPair } from '../../src/pair/exchange.js';
import { createRedactor, type RedactionSettings } from '../../src/redact/redactor.js';
import { CONTENT_TYPES, corpus } from './corpus.js';
import { makeTrace, type TraceParts } from './make-trace.js';

const DEFAULTS: RedactionSettings = {
  defaults: true,
  headers: [],
  queries: [],
  fields: [],
  patterns: [],
  bodies: true,
};
const redact = createRedactor(DEFAULTS);

/** Puts `text` in its place. */
function partsFor(place: string, text: string): TraceParts {
  const colon = text.indexOf(': ');
  const header: HeaderPair = [text.slice(0, colon), text.slice(colon + 2)];
  if (place === 'header') return { requestHeaders: [header] };
  if (place === 'trailer') return { requestTrailers: [header] };
  if (place === 'response') return { responseHeaders: [header] };
  if (place === 'target') return { target: text };
  const type = CONTENT_TYPES[place];
  if (type === undefined) throw new Error(`no such place: ${place}`);
  return { body: Buffer.from(text), requestHeaders: [['Content-Type', type]] };
}

function redacted(place: string, text: string, using = redact): string {
  const trace = makeTrace(partsFor(place, text));
  using(trace);
  const { request, response } = trace;
  const header = request.headers[0] ?? request.trailers[0] ?? response?.headers[0];
  if (place === 'target') {
    // All the ways the URL is told must agree.
    if (!request.target.startsWith('http')) {
      const query = request.query === '' && !text.includes('?') ? '' : `?${request.query}`;
      expect(request.path + query).toBe(request.target);
    }
    return request.target;
  }
  return place in CONTENT_TYPES ? Buffer.from(request.body.content).toString() : (header as HeaderPair).join(': ');
}

describe('secrets', () => {
  const table = corpus('secrets.txt');

  it.each(table)('$line', ({ place, sent, expected }) => {
    expect(expected).not.toBe(sent);
    expect(redacted(place, sent)).toBe(expected);
    // What was redacted once is left alone.
    expect(redacted(place, expected)).toBe(expected);
  });

  it('are at least two hundred', () => {
    expect(table.length).toBeGreaterThanOrEqual(200);
  });
});

describe('look-alikes', () => {
  const table = corpus('look-alikes.txt');

  it.each(table)('$line', ({ place, sent }) => {
    expect(redacted(place, sent)).toBe(sent);
  });

  it('are at least two hundred', () => {
    expect(table.length).toBeGreaterThanOrEqual(200);
  });
});

describe('settings', () => {
  const using = (settings: Partial<RedactionSettings>) => createRedactor({ ...DEFAULTS, ...settings });

  it.each<[string, Partial<RedactionSettings>, string, string, string]>([
    ['a header added', { headers: ['X-Tenant'] }, 'header', 'x-tenant: acme', 'x-tenant: REDACTED'],
    ['a query name added', { queries: ['email'] }, 'target', '/x?email=a&b=c', '/x?email=REDACTED&b=c'],
    [
      'a query name added holds in URLs in bodies',
      { queries: ['email'] },
      'json',
      '{"u":"https://x.example/?email=a&b=c"}',
      '{"u":"https://x.example/?email=REDACTED&b=c"}',
    ],
    ['a field added', { fields: ['e_mail'] }, 'json', '{"eMail":"a","n":1}', '{"eMail":"REDACTED","n":1}'],
    ['a field added holds for numbers', { fields: ['salary'] }, 'json', '{"salary":1}', '{"salary":0}'],
    ['a field added holds in forms', { fields: ['email'] }, 'form', 'email=a&b=c', 'email=REDACTED&b=c'],
    ['a field added with digits', { fields: ['2fa'] }, 'json', '{"2fa":"a","fa":"b"}', '{"2fa":"REDACTED","fa":"b"}'],
    ['a pattern in a body', { patterns: ['ACME-\\d+'] }, 'json', '{"a":"x ACME-17"}', '{"a":"x REDACTED"}'],
    ['a pattern in a header', { patterns: ['ACME-\\d+'] }, 'header', 'X-A: ACME-17', 'X-A: REDACTED'],
    ['a pattern in a target', { patterns: ['ACME-\\d+'] }, 'target', '/a/ACME-17?x=ACME-1', '/a/REDACTED?x=REDACTED'],
    ['a pattern over a JSON number', { patterns: ['4711'] }, 'json', '{"a":14711}', '{"a":0}'],
    [
      'a pattern over the structure',
      { patterns: ['"a":.*'] },
      'json',
      '{"a":"x","b":[true,1]}',
      '{"REDACTED":"REDACTED","REDACTED":[true,0]}',
    ],
    ['a pattern over an escape', { patterns: ['u00'] }, 'json', '{"a":"x\\u00e9"}', '{"a":"REDACTED"}'],
    ['a pattern that matches nothing', { patterns: ['x*'] }, 'json', '{"a":"b"}', '{"a":"b"}'],
    ['the group of a pattern', { patterns: ['id=(\\d+)'] }, 'text', 'id=17', 'id=REDACTED'],
    ['no defaults', { defaults: false }, 'json', '{"password":"x"}', '{"password":"x"}'],
    ['no defaults in a header', { defaults: false }, 'header', 'Authorization: Bearer x', 'Authorization: Bearer x'],
    [
      'no defaults but a field',
      { defaults: false, fields: ['a'] },
      'json',
      '{"password":"x","a":"y"}',
      '{"password":"x","a":"REDACTED"}',
    ],
    ['no defaults but a header', { defaults: false, headers: ['cookie'] }, 'header', 'Cookie: a=b', 'Cookie: REDACTED'],
    [
      'no defaults but a pattern',
      { defaults: false, patterns: ['4\\d+'] },
      'json',
      '{"a":"4111111111111111"}',
      '{"a":"REDACTED"}',
    ],
  ])('%s', (_, settings, place, text, expected) => {
    expect(redacted(place, text, using(settings))).toBe(expected);
  });

  it.each([true, false])('sends heads only without bodies, with defaults %s', (defaults) => {
    const trace = makeTrace({ body: Buffer.from('{"a":1}') });
    using({ bodies: false, defaults })(trace);
    expect(trace.request.body).toMatchObject({ wireBytes: 7, bytes: 7, truncated: true });
    expect(trace.request.body.content.length).toBe(0);
    expect(trace.response?.body.truncated).toBe(false);
  });

  it('names the pattern RE2 cannot read', () => {
    expect(() => using({ patterns: ['(a'] })).toThrow(/^"\(a" is not an RE2 pattern: /);
  });

  it('leaves sizes, ids and a body without secrets as they are', () => {
    const body = Buffer.from('{"a":1}');
    const parts = (): TraceParts => ({ body, requestHeaders: [['traceparent', '00-x-y-01']], target: '/a?b=c' });
    const trace = makeTrace(parts());
    redact(trace);
    expect(trace).toEqual(makeTrace(parts()));
    expect(trace.request.body.content).toBe(body);
  });

  it('redacts what is there of a body that was cut or could not be decoded', () => {
    const trace = makeTrace({ body: Buffer.from('{"a":1,"password":"hunt') });
    trace.request.body.truncated = true;
    trace.request.body.codingError = 'unexpected end';
    redact(trace);
    expect(Buffer.from(trace.request.body.content).toString()).toBe('{"a":1,"password":"REDACTED');
    expect(trace.request.body.bytes).toBe(23);
  });

  it('reads a body by its type even where the header that tells it is secret', () => {
    const part = (value: string) =>
      `--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n${value}\r\n--b--\r\n`;
    const type = 'multipart/form-data; boundary=b';
    const trace = makeTrace({ requestHeaders: [['Content-Type', type]], body: Buffer.from(part('hunter2')) });
    using({ headers: ['content-type'] })(trace);
    expect(trace.request.headers).toEqual([['Content-Type', 'REDACTED']]);
    expect(Buffer.from(trace.request.body.content).toString()).toBe(part('REDACTED'));
  });

  it.each(['^\\d{9}$', '^\\d{9}', '\\d{9}$'])('finds the pattern %s in whatever header holds all of it', (pattern) => {
    const headers = (value: string): HeaderPair[] => [
      ['X-A', 'a'],
      ['X-B', value],
      ['X-C', 'c'],
    ];
    const trace = makeTrace({
      requestHeaders: headers('123456789'),
      requestTrailers: headers('123456789'),
      responseHeaders: headers('123456789'),
    });
    using({ patterns: [pattern] })(trace);
    expect(trace.request.headers).toEqual(headers('REDACTED'));
    expect(trace.request.trailers).toEqual(headers('REDACTED'));
    expect(trace.response?.headers).toEqual(headers('REDACTED'));
  });

  it('keeps a user and a password out of the target of a CONNECT', () => {
    const trace = makeTrace();
    Object.assign(trace.request, { method: 'CONNECT', target: 'ann:pass@db.example:443', path: '', query: '' });
    redact(trace);
    expect(trace.request).toMatchObject({ target: 'REDACTED@db.example:443', path: '', query: '' });
  });

  it('does not write into memory it was lent', () => {
    const body = Buffer.from('{"password":"x"}\0\0AKIAIOSFODNN7EXAMPLE');
    const copy = Buffer.from(body);
    redact(makeTrace({ body }));
    expect(body.equals(copy)).toBe(true);
  });
});
