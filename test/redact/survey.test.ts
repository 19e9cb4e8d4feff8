/**
 * What the survey spares is nothing: with it, the same is replaced as where every piece is looked at. A name of the user's
 * switches it off.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/redact/redactor.js';
import { CONTENT_TYPES, corpus } from './corpus.js';
import { makeTrace } from './make-trace.js';

const settings = { defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true };
const withSurvey = createRedactor(settings);
const withoutSurvey = createRedactor({ ...settings, fields: ['a name that nothing has'] });

function redacted(redact: typeof withSurvey, text: string, type: string): string {
  const trace = makeTrace({
    body: Buffer.from(text),
    target: `/a/${text.slice(0, 60)}?b=${text.slice(0, 60)}`,
    requestHeaders: [
      ['Content-Type', type],
      ['X-Note', text],
    ],
  });
  redact(trace);
  const { target, headers, body } = trace.request;
  return JSON.stringify([target, headers, Buffer.from(body.content).toString('latin1'), trace.redactions]);
}

const rows = [...corpus('secrets.txt'), ...corpus('look-alikes.txt')];
const types = ['', ...Object.values(CONTENT_TYPES)];

/** Where a word or a number goes over into a token no rule is about it. */
const alone = (text: string): string => ` ${text}`;

describe('the survey', () => {
  it('misses nothing of the corpora, in any kind of document', () => {
    for (const [i, { sent }] of rows.entries())
      for (const type of types.filter((_, kind) => (i + kind) % 3 === 0))
        expect(redacted(withSurvey, sent, type)).toBe(redacted(withoutSurvey, sent, type));
  });

  it('misses nothing of pieces of them', () => {
    const marks = [
      '"',
      "'",
      '\\"',
      ':',
      '=',
      '&',
      ',',
      ';',
      '<',
      '>',
      '{',
      '}',
      '[',
      ']',
      ' ',
      '\n',
      '%',
      '-',
      '_',
      '.',
      '/',
      '@',
      '$',
    ];
    const words = [
      'password',
      'token',
      'api',
      'key',
      'pin',
      'id',
      'name',
      'value',
      'secret',
      'new',
      '2',
      'é',
      'ñ',
      '\u200b',
      'пароль',
      'hunter2',
    ];
    const tokens = [
      '4111111111111111',
      '4111 1111 1111 1111',
      'AKIAIOSFODNN7EXAMPLE',
      'k3Jd8sLq2xP0',
      'eyJhIjoiYiJ9',
      '%70',
      '\\u0070',
      '21:21:11',
    ];
    const piece = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...marks) },
      { weight: 3, arbitrary: fc.constantFrom(...words) },
      { weight: 1, arbitrary: fc.constantFrom(...tokens).map(alone) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom(...rows), fc.nat(), fc.nat({ max: 40 }))
          .map(([{ sent }, at, length]) => alone(sent.slice(at % sent.length, (at % sent.length) + length))),
      },
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), fc.constantFrom(...types), (pieces, type) => {
        const text = pieces.join('');
        // A name that a line ends in the midst of is none.
        fc.pre(!/\\[bfnrt]/.test(text));
        expect(redacted(withSurvey, text, type)).toBe(redacted(withoutSurvey, text, type));
      }),
      { numRuns: 3000 },
    );
  });
});
