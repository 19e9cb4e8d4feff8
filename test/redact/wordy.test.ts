/** Text in ASCII is judged without an expression: the same as the expressions for text in any script say of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWordy, isWordyInUnicode } from '../../src/redact/wordy.js';

describe('words', () => {
  it.each([
    ['morning-1', true],
    ['Season Pass', true],
    ['2026-autumn-term', true],
    ['USDC', true],
    ['alt+s-key', true],
    ['camelCaseName', true],
    ["it's 12th", true],
    ['Frühstück-2', true],
    ['密码', true],
    ['пароль', false],
    ['hunter2', false],
    ['a1b2-c3d4', false],
    ['XKCD-7QPL-ZZ9P', false],
    ['abcd efgh ijkl mnop', false],
    ['bcdfg', false],
    ['new!word', false],
    ['', false],
  ])('%s: %s', (text, expected) => {
    expect(isWordy(text)).toBe(expected);
  });

  it('are the same by either way', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'hello',
        'World',
        'v12',
        'USDC',
        'x',
        "it's",
        'PascalCaseX',
        'ABCword',
        'wordABC',
        '12th',
        'ABCD',
        'EF12',
      ),
      fc.stringMatching(/^[a-cx-zA-CXYZ0-3'_ !-]{1,8}$/),
      fc.constantFrom('-', ' ', '_', '/', '.', '=', "'"),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const text = pieces.join('');
        expect(isWordy(text)).toBe(isWordyInUnicode(text));
      }),
      { numRuns: 4000 },
    );
  });
});
