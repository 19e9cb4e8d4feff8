/**
 * Two tables of texts, `secrets.txt` and `look-alikes.txt`, each line put where it belongs in a trace: what is marked
 * must go, and every other byte must stay.
 */
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import type { HeaderPair } from '../../src/pair/exchange.js';
import { createRedactor, type RedactionSettings } from '../../src/redact/redactor.js';
import { corpus } from './corpus.js';
import { makeTrace, type TraceParts } from './make-trace.js';
import { redactedIn } from './place.js';

const DEFAULTS: RedactionSettings = {
  defaults: true,
  headers: [],
  queries: [],
  fields: [],
  patterns: [],
  bodies: true,
};
const redact = createRedactor(DEFAULTS);

const redacted = (place: string, text: string, using = redact): string => redactedIn(place, text, using);

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

describe('a URL in a header', () => {
  it.each([
    ['https://shop.example/reset/{k3XpQ7vL9mZ2wR5t}'],
    ['https://shop.example/invite/{0b6ad7f2-6c1e-4f57-9d3a-2f1d8e0c7b55}'],
    ['https://shop.example/hooks/a1/b2/{k3XpQ7vL9mZ2wR5t}'],
    ['https://shop.example/activate/?h={08ed8c4bbea2a5d79daeae7ff3b388a3d441657e}'],
    ['/verify/team/{k3XpQ7vL9mZ2wR5tYb1}'],
  ])('loses the token that its path speaks of: %s', (marked) => {
    const trace = makeTrace({ responseHeaders: [['Location', marked.replace(/[{}]/g, '')]] });
    redact(trace);
    expect(trace.response?.headers).toEqual([['Location', marked.replace(/\{.*\}/, 'REDACTED')]]);
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
    [
      'a name allowed',
      { allow: ['access_token'] },
      'json',
      '{"accessToken":"a1b2","pw":"x"}',
      '{"accessToken":"a1b2","pw":"REDACTED"}',
    ],
    ['a name allowed and named', { allow: ['pin'], fields: ['pin'] }, 'json', '{"pin":"1234"}', '{"pin":"REDACTED"}'],
    [
      'a value allowed',
      { allow: ['/^test-/'] },
      'json',
      '{"password":"test-1","pw":"x1"}',
      '{"password":"test-1","pw":"REDACTED"}',
    ],
    [
      'PII asked for',
      { pii: true },
      'json',
      '{"a":"DE89 3704 0044 0532 0130 00","b":"078-05-1120"}',
      '{"a":"REDACTED","b":"REDACTED"}',
    ],
    [
      'PII not asked for',
      {},
      'json',
      '{"a":"DE89 3704 0044 0532 0130 00","b":"078-05-1120"}',
      '{"a":"DE89 3704 0044 0532 0130 00","b":"078-05-1120"}',
    ],
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

  it.each<['searched' | 'drop' | 'keep', string | null, string | null]>([
    ['searched', 'not decoded: unexpected end', null],
    ['drop', 'not decoded: unexpected end', 'no text'],
    ['keep', null, null],
  ])('with opaque bodies %s leaves out what nobody can look into', (opaqueBodies, undecoded, binary) => {
    const bytes = Buffer.from([0x1b, 0xff, 0, 0x80, 0xfe, 1, 2, 3, 0x9a]);
    const broken = makeTrace({ body: bytes });
    broken.request.body.codingError = 'unexpected end';
    const image = makeTrace({ body: bytes });
    using({ opaqueBodies })(broken);
    using({ opaqueBodies })(image);
    expect(broken.request.body.omitted ?? null).toBe(undecoded);
    expect(broken.request.body.content.length).toBe(undecoded === null ? bytes.length : 0);
    expect(image.request.body.omitted ?? null).toBe(binary);
  });

  it('says which rules replaced something and where, without the value', () => {
    const trace = makeTrace({
      target: '/a?api_key=s3cr3t',
      requestHeaders: [['X-Api-Key', 's3cr3t']],
      body: Buffer.from('{"user":{"password":"s3cr3t"},"note":"use AKIAIOSFODNN7EXAMPLE"}'),
    });
    redact(trace);
    expect(trace.redactions).toEqual([
      { where: 'request.query.api_key', rule: 'name:api-key' },
      { where: 'request.header.x-api-key', rule: 'name:api-key' },
      { where: 'request.body.password', rule: 'name:password' },
      { where: 'request.body.note', rule: 'looks:aws-key-id' },
    ]);
    expect(JSON.stringify(trace.redactions)).not.toContain('s3cr3t');
  });

  it.each([
    ['utf16le', Buffer.from('\ufeff{"password":"hunter2","n":1}', 'utf16le')],
    ['utf16le', Buffer.from('{"password":"hunter2","n":1}', 'utf16le')],
  ] as const)('reads UTF-16', (encoding, body) => {
    const trace = makeTrace({ body });
    redact(trace);
    expect(Buffer.from(trace.request.body.content).toString(encoding).replace('\ufeff', '')).toBe(
      '{"password":"REDACTED","n":1}',
    );
  });

  it.each([
    ['application/json; charset=utf-7', Buffer.from('{"p+AGE-ssword":"hunter2!"}')],
    ['text/plain; charset="IBM037"', Buffer.from('c1c2c3c4', 'hex')],
    ['application/json', Buffer.from([...'{"token":"x"}'].flatMap((c) => [c.charCodeAt(0), 0, 0, 0]))],
    ['application/json', Buffer.from([...'{"token":"x"}'].flatMap((c) => [0, 0, 0, c.charCodeAt(0)]))],
  ])('leaves out text in an encoding that is not read: %s', (type, body) => {
    const trace = makeTrace({ body, requestHeaders: [['Content-Type', type]] });
    redact(trace);
    expect(trace.request.body).toMatchObject({ omitted: 'a character encoding that is not read' });
    expect(trace.request.body.content).toHaveLength(0);
  });

  it('searches the frames of gRPC-Web in base64, and keeps their lengths', () => {
    const frame = (text: string) => {
      const message = Buffer.concat([Buffer.from([0x0a, text.length]), Buffer.from(text)]);
      return Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]).toString('base64');
    };
    const secret = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';
    const body = Buffer.from(frame('hello!') + frame(secret) + frame('bye'));
    const trace = makeTrace({ body, requestHeaders: [['Content-Type', 'application/grpc-web-text+proto']] });
    redact(trace);
    const expected = frame('hello!') + frame('*'.repeat(secret.length)) + frame('bye');
    expect(Buffer.from(trace.request.body.content).toString()).toBe(expected);
    expect(trace.redactions).toEqual([{ where: 'request.body', rule: 'looks:github' }]);
  });

  it('searches what a client calls its GraphQL operations', () => {
    const secret = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';
    const digest = 'ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38';
    const trace = makeTrace({});
    trace.graphql = [
      { type: 'query', name: 'GetPassword', persisted: digest },
      { type: 'query', name: secret, persisted: secret },
    ];
    redact(trace);
    expect(trace.graphql).toEqual([
      { type: 'query', name: 'GetPassword', persisted: digest },
      { type: 'query', name: 'REDACTED', persisted: 'REDACTED' },
    ]);
    expect(trace.redactions).toEqual([{ where: 'request.graphql', rule: 'looks:github' }]);
  });

  it('leaves nothing of a secret where a body was cut', () => {
    const secrets = [
      'eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJzdWIiOiJib2IiLCJhZG1pbiI6dHJ1ZX0.c2lnbmF0dXJlLXBhcnQ',
      'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
      'xoxb-123456789012-abcdefGHIJklmnop',
      'sk_live_4eC39HqLyjWDarjtT1zdp7dc',
      'AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY',
      '4539031753790580',
      'AKIA4539QWERTZUIOPAS',
      'glpat-abcdefghij0123456789',
    ];
    for (const secret of secrets) {
      const whole = `{"t":"${secret}"`;
      for (let cut = 13; cut < whole.length; cut++) {
        const trace = makeTrace({ body: Buffer.from(whole.slice(0, cut)) });
        trace.request.body.truncated = true;
        redact(trace);
        expect(Buffer.from(trace.request.body.content).toString()).toBe('{"t":"REDACTED');
      }
    }
  });

  it('counts what it forgets of texts and names to make room for others', () => {
    let evicted = 0;
    const counting = createRedactor(DEFAULTS, { onEvicted: (count) => (evicted += count) });
    for (let i = 0; i <= DEFAULT_LIMITS.redaction_texts_max; i++)
      counting(makeTrace({ requestHeaders: [['Accept-Charset', `charset number ${i}`]] }));
    expect(evicted).toBe(DEFAULT_LIMITS.redaction_texts_max);
    for (let i = 0; i <= DEFAULT_LIMITS.redaction_names_max; i++)
      counting(makeTrace({ requestHeaders: [[`X-Header-${i}`, '1']] }));
    expect(evicted).toBe(DEFAULT_LIMITS.redaction_texts_max + DEFAULT_LIMITS.redaction_names_max);
  });

  it('numbers the patterns that replaced something', () => {
    const trace = makeTrace({ body: Buffer.from('{"a":"ACME-17","b":4711}') });
    using({ patterns: ['ACME-\\d+', '4711'] })(trace);
    expect(trace.redactions).toEqual([
      { where: 'request.body', rule: 'pattern:1' },
      { where: 'request.body', rule: 'pattern:2' },
    ]);
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

  it.each([true, false])('finds a pattern in every place of a trace, with defaults %s', (defaults) => {
    const header = (name: string, before = '', after = ''): HeaderPair => [name, `${before}ACME-17${after}`];
    const sent: HeaderPair[] = [
      header('Host', '', '.example'),
      header('User-Agent', 'agent/'),
      header('Sec-WebSocket-Protocol', 'chat, '),
      header('ETag', '"', '"'),
      header('Cookie', '', '='),
      header('Content-Type', 'text/'),
      header('Accept'),
      header('Referer', 'https://x.example/'),
    ];
    const trace = makeTrace({
      target: '/ACME-17',
      requestHeaders: sent.map(([name, value]): HeaderPair => [name, value]),
      requestTrailers: [header('X-A')],
      body: Buffer.from('\ufeff"ACME-17"', 'utf16le'),
    });
    trace.request.authority = 'ACME-17.example';
    if (trace.response !== null) trace.response.reason = 'ACME-17';
    using({ patterns: ['ACME-\\d+'], defaults })(trace);
    const { request, response } = trace;
    expect(request.headers).toEqual(sent.map(([name, value]) => [name, value.replace('ACME-17', 'REDACTED')]));
    expect(request).toMatchObject({ target: '/REDACTED', path: '/REDACTED', authority: 'REDACTED.example' });
    expect(request.trailers).toEqual([['X-A', 'REDACTED']]);
    expect(response?.reason).toBe('REDACTED');
    expect(Buffer.from(request.body.content).toString('utf16le')).toBe('\ufeff"REDACTED"');
  });

  it('lets a pattern change nothing else about headers that hold no secret', () => {
    const etag: HeaderPair = ['ETag', '"ghp_16C7e42F292c6912E7710c838347Ae178B4a"'];
    const trace = makeTrace({ requestHeaders: [etag] });
    using({ patterns: ['ACME-\\d+'] })(trace);
    expect(trace.request.headers).toEqual([['ETag', '"ghp_16C7e42F292c6912E7710c838347Ae178B4a"']]);
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
