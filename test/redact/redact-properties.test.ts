/** Properties of redaction over generated JSON: it stays JSON, and no byte outside a redacted value changes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/redact/redactor.js';
import { CONTENT_TYPES, corpus } from './corpus.js';
import { makeTrace } from './make-trace.js';

const none = { headers: [], queries: [], fields: [], bodies: true };
const redact = redactBy([]);

function redactBy(patterns: string[]): (text: string | Buffer, type?: string) => string {
  const redactor = createRedactor({ ...none, defaults: true, patterns });
  return (text, type = 'application/json') => {
    const trace = makeTrace({ body: Buffer.from(text as string), requestHeaders: [['Content-Type', type]] });
    redactor(trace);
    return Buffer.from(trace.request.body.content).toString();
  };
}

/** A piece of JSON as sent, as expected, and as expected where all of it is secret. */
interface Piece {
  sent: string;
  expected: string;
  secret: string;
}

const space = fc.constantFrom('', '', '', ' ', '\n', '\t ', '\r\n  ');
const literal: fc.Arbitrary<Piece> = fc.constantFrom('true', 'false', 'null', '""').map(same);
const number: fc.Arbitrary<Piece> = fc
  .constantFrom('0', '-1', '1.50', '1e+3', '-0.0E-2', '12345678901234567890', '1.7976931348623157e309')
  .map((text) => ({ sent: text, expected: text, secret: '0' }));
const text: fc.Arbitrary<Piece> = fc
  .stringMatching(/^(?:[ a-z,:{}\]é😀]|\\["\\/bfnrt]|\\u[0-9a-f]{4}){1,12}$/u)
  // A string that begins like a document is looked into; that has tests of its own.
  .filter((content) => !/^(?:\s|\\[nrt])*(?:[{[<]|\\u00(?:7b|5b|3c|20|0[9ad]))/i.test(content))
  // The parameter of a statement is none.
  .filter((content) => !/^:[a-z]+$/.test(content))
  .map((content) => ({ sent: `"${content}"`, expected: `"${content}"`, secret: '"REDACTED"' }));
const harmlessName = fc.constantFrom(
  '"id"',
  '"name"',
  '"token_type"',
  '"max_tokens"',
  '"a\\"b"',
  '""',
  '"passenger"',
  '"\\u0061"',
);
const secretName = fc.constantFrom('"password"', '"accessToken"', '"appSecret"', '"p\\u0061ssword"', '"clientSecret"');

function same(text: string): Piece {
  return { sent: text, expected: text, secret: text };
}

function join(pieces: (Piece | string)[]): Piece {
  const of = (kind: keyof Piece) => pieces.map((piece) => (typeof piece === 'string' ? piece : piece[kind])).join('');
  return { sent: of('sent'), expected: of('expected'), secret: of('secret') };
}

const { value } = fc.letrec<{ value: Piece; array: Piece; object: Piece; member: Piece }>((tie) => ({
  value: fc.oneof({ maxDepth: 5, depthSize: 'small' }, text, number, literal, tie('array'), tie('object')),
  array: fc
    .tuple(space, fc.array(tie('value'), { maxLength: 4 }), space)
    .map(([before, values, after]) => join(['[', before, ...separated(values), after, ']'])),
  object: fc
    .tuple(space, fc.array(tie('member'), { maxLength: 5 }), space)
    .map(([before, members, after]) => join(['{', before, ...separated(members), after, '}'])),
  member: fc.oneof(
    fc.tuple(harmlessName, space, space, tie('value')).map(([name, a, b, piece]) => join([name, a, ':', b, piece])),
    fc
      .tuple(secretName, space, space, tie('value'))
      .map(([name, a, b, piece]) => join([name, a, ':', b, { ...piece, expected: piece.secret }])),
  ),
}));

function separated(pieces: Piece[]): (Piece | string)[] {
  return pieces.flatMap((piece, i) => (i === 0 ? [piece] : [',', piece]));
}

describe('redaction of JSON', () => {
  it('replaces the values under secret names and no other byte', () => {
    fc.assert(
      fc.property(value, ({ sent, expected }) => {
        expect(redact(sent)).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });

  it('does so inside strings, and in lines', () => {
    fc.assert(
      fc.property(value, value, (one, other) => {
        const nested = JSON.stringify(one.sent);
        if (/^[[{]/.test(one.sent)) expect(JSON.parse(redact(`{"body":${nested}}`)).body).toBe(one.expected);
        expect(redact(`{"a":${one.sent}}\n{"b":${other.sent}}\n`)).toBe(
          `{"a":${one.expected}}\n{"b":${other.expected}}\n`,
        );
      }),
    );
  });

  it('cut anywhere, lets nothing of a secret through', () => {
    const whole = '{"a":{"password":"hunter2","list":[1,{"pin":98765}]},"body":"{\\"token\\":\\"zyxw\\"}"}';
    for (let length = 0; length <= whole.length; length++)
      expect(redact(whole.slice(0, length))).not.toMatch(/hu|98|zy/);
  });

  it('stays valid whatever patterns the user adds', () => {
    const patterns = [
      '.',
      '[a-z]{2}',
      '\\d',
      '"',
      ',\\s*"',
      '\\\\u00',
      '\\\\',
      'n.*',
      '[{}]',
      'e9',
      'true|null',
      '\\s+',
    ];
    const redactors = patterns.map((pattern) => redactBy([pattern]));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          value.map(({ sent }) => sent),
        ),
        fc.nat(patterns.length - 1),
        (sent, i) => {
          const result = redactors[i]!(sent);
          // A lone value outside array and object is text to the redactor.
          if (/^\s*[[{]/.test(sent)) expect(() => JSON.parse(result)).not.toThrow();
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('redaction of anything', () => {
  const words = fc.constantFrom(
    'password',
    '"',
    ':',
    '{',
    '}',
    '[',
    ']',
    '<',
    '>',
    '/',
    '=',
    '&',
    '\\',
    '\\u00',
    "'",
    'token',
    'eyJhbGciOiJIUzI1NiJ9.',
    'AKIAIOSFODNN7EXAMPLE',
    '4111111111111111',
    '-----BEGIN PRIVATE KEY-----',
    '--XX',
    '\r\n',
    '%',
    '%7B',
    '+',
    '\0',
    'é',
    '<![CDATA[',
    '<!--',
    'key',
    'name',
    '1',
    ' ',
  );
  const types = fc.constantFrom(
    '',
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=XX',
    'application/xml',
    'application/octet-stream',
  );

  it('never throws, is done after one pass, and lets no key or card through', () => {
    fc.assert(
      fc.property(fc.array(words, { maxLength: 40 }), types, (parts, type) => {
        const once = redact(parts.join(''), type);
        expect(once).not.toMatch(/(?<![\w-])AKIAIOSFODNN7EXAMPLE(?![\w%])/);
      }),
      { numRuns: 5000 },
    );
  });

  it('survives bytes that are no text', () => {
    const redactor = createRedactor({ ...none, defaults: true, patterns: [] });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), types, (bytes, type) => {
        const trace = makeTrace({ body: bytes, requestHeaders: [['Content-Type', type]] });
        redactor(trace);
      }),
      { numRuns: 200 },
    );
  });

  it('takes time linear to hostile bodies', () => {
    const size = 300_000;
    // Quadratic work on any of these takes minutes; the test's time limit is the assertion.
    const bodies = [
      '"',
      '\\"',
      '{"a":"{',
      '[',
      '{"password":',
      '"password":"\\\\',
      'password=',
      '&',
      'eyJhbGciOi.',
      '4111111111111111,',
      '<password ',
      '<!--',
      '<![CDATA[',
      '--XX\r\n',
      'a://',
      'aws',
      '-----BEGIN PRIVATE KEY-----',
      'bearer ',
      '%7B',
      'a=',
      'a://b:c@',
      'data: {"token":"x"}\n',
      '<a b="',
      'aws wJalrXUtnFEMI/K7MDENG/bPxRfiCY3XAMPL3KEY ',
    ].map((piece) => piece.repeat(size / piece.length));
    for (const type of [
      'application/json',
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=XX',
      'application/xml',
    ])
      for (const body of bodies) redact(body, type);
  }, 120_000);
});

describe('a body that was cut', () => {
  /** Fewer characters are no part of a secret that helps anyone. */
  const SHOWN_MAX = 3;
  const rows = corpus('secrets.txt').filter(({ place }) => place in CONTENT_TYPES && place !== 'binary');
  const redactor = createRedactor({ ...none, defaults: true, patterns: [] });

  it.each(rows)('shows nothing of what it was cut in: $line', ({ place, line }) => {
    for (const { sent, part } of cuts(line)) {
      const headers: [string, string][] = [['Content-Type', CONTENT_TYPES[place] as string]];
      const trace = makeTrace({ body: Buffer.from(sent), requestHeaders: headers });
      trace.request.body.truncated = true;
      redactor(trace);
      const shown = Buffer.from(trace.request.body.content).toString();
      expect(part.length > SHOWN_MAX && shown.endsWith(part), `${part} of ${shown}`).toBe(false);
    }
  });
});

/** The text of a row cut behind each character of each of its secrets, and how much of the secret is there then. */
function cuts(line: string): { sent: string; part: string }[] {
  const text = line.slice(11).replaceAll('␤', '\n').replaceAll('⏎', '\r\n').replaceAll('\\0', '\0');
  const found: { sent: string; part: string }[] = [];
  for (const { index, 0: marked } of text.matchAll(/‹.*?›|«.*?»/gs)) {
    const before = text.slice(0, index).replace(/[‹›«»]/g, '');
    const secret = marked.slice(1, -1);
    // Half an escape says nothing.
    for (let length = 1; length < secret.length; length++)
      if (!/\\(?:u[0-9a-f]{0,3})?$/i.test(secret.slice(0, length)))
        found.push({ sent: before + secret.slice(0, length), part: secret.slice(0, length) });
  }
  return found;
}
