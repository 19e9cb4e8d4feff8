import { expect, it } from 'vitest';
import { cutToBytes, printable, printableJson, printableLine, printableLines } from '../src/printable.js';
import { Random, runSeed } from './support/random.js';

/** What moves a cursor, hides, turns the reading direction or ends a line, by block: none of it may be shown. */
const UNSEEN = [
  ...range(0x00, 0x1f),
  ...range(0x7f, 0x9f),
  0xad,
  0x34f,
  0x61c,
  ...range(0x115f, 0x1160),
  ...range(0x180b, 0x180f),
  ...range(0x200b, 0x200f),
  ...range(0x2028, 0x202e),
  ...range(0x2060, 0x206f),
  0x3164,
  ...range(0xd800, 0xdfff),
  ...range(0xfe00, 0xfe0f),
  0xfeff,
  0xffa0,
  ...range(0xfff9, 0xfffb),
  ...range(0x1d173, 0x1d17a),
  ...range(0xe0000, 0xe0fff),
];

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

it('escapes every unseen character, and nothing that is seen', () => {
  for (const code of UNSEEN) {
    const escaped = `a\\u{${code.toString(16)}}b`;
    expect(printable(`a${String.fromCodePoint(code)}b`)).toBe(escaped);
  }
  const seen = 'plain ~ "quotes" \\ é ß Ω ж 漢字 かな 한글 ❤ 😀 عربي עברית नमस्ते';
  expect(printable(seen)).toBe(seen);
  expect(printableJson(JSON.stringify(seen))).toBe(JSON.stringify(seen));
});

it('leaves JSON the same value, with nothing unseen in it', () => {
  for (const code of UNSEEN) {
    const value = { [`k${String.fromCodePoint(code)}`]: `a${String.fromCodePoint(code)}b` };
    const text = printableJson(JSON.stringify(value));
    expect(JSON.parse(text)).toEqual(value);
    expect(text).toMatch(/^[ -~]+$/);
  }
});

it('cuts to bytes between characters', () => {
  expect(cutToBytes('abcdef', 6)).toBe('abcdef');
  expect(cutToBytes('abcdefg', 6)).toBe('abc…');
  expect(cutToBytes('äöüß', 8)).toBe('äöüß');
  expect(cutToBytes('äöüßx', 8)).toBe('äö…');
  expect(cutToBytes('😀😀😀', 11)).toBe('😀😀…');
  const seed = runSeed();
  const random = new Random(seed);
  const characters = ['a', 'ä', '漢', '😀', '\u001b', '\ud800', '\u202e', '\n'];
  for (let round = 0; round < 2000; round++) {
    const length = random.between(0, 60);
    const text = Array.from({ length }, () => random.pick(characters)).join('');
    const max = random.between(8, 40);
    for (const shown of [printableLine(text, max), printableLines(text, max)]) {
      expect(Buffer.byteLength(shown), `seed ${seed}`).toBeLessThanOrEqual(max);
      expect(shown.replaceAll('\n', ''), `seed ${seed}`).not.toMatch(/[\p{C}]/u);
    }
    expect(printableLine(text, max), `seed ${seed}`).not.toContain('\n');
  }
});

it('lets no line of a text of several pass for one of its own', () => {
  expect(printableLines('Error: \u001b[2J\n12:00:00.000 INFO  all is well\n    at f (x.js:1)')).toBe(
    'Error: \\u{1b}[2J\n    12:00:00.000 INFO  all is well\n    at f (x.js:1)',
  );
});
