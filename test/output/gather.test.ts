/** Pieces of text put together, against `JSON.stringify`. */
import { describe, expect, it } from 'vitest';
import { Gatherer, LONG_TEXT_MAX, Piece, TEXT_BYTES } from '../../src/output/gather.js';
import { Random, runSeed } from '../support/random.js';

interface Given {
  readonly bytes: Buffer;
  readonly kind: number;
}

const gatherer = new Gatherer();

function gathered(pieces: readonly Given[]): string | null {
  gatherer.begin();
  let at = 0;
  for (const { bytes, kind } of pieces) {
    gatherer.text.set(bytes, at);
    gatherer.add(at, bytes.length, kind);
    at += bytes.length;
  }
  const length = gatherer.gather();
  if (length < 0) return null;
  const result = Buffer.alloc(length + 1, 'x');
  gatherer.copy(result, 0, length);
  expect(result.toString('latin1', length)).toBe('x');
  return result.toString('utf8', 0, length);
}

const expected = (pieces: readonly Given[]): string =>
  pieces
    .map(({ bytes, kind }) => (kind === Piece.raw ? bytes.toString() : JSON.stringify(bytes.toString()).slice(1, -1)))
    .join('');

describe('pieces', () => {
  it('become what JSON.stringify makes of them, whatever their lengths and bytes', () => {
    const random = new Random(runSeed());
    const characters = ['a', 'b', '"', '\\', '\n', '\u0000', '\u001f', '\u007f', 'é', '😀', '\u2028'];
    for (let i = 0; i < 2000; i++) {
      const kinds = random.chance(0.5) ? characters.slice(0, 2) : characters;
      const pieces = Array.from({ length: random.between(1, 6) }, () => ({
        bytes: Buffer.from(Array.from({ length: random.between(0, 80) }, () => random.pick(kinds)).join('')),
        kind: random.pick([Piece.raw, Piece.text]),
      }));
      expect(gathered(pieces)).toBe(expected(pieces));
    }
  });

  it('are as long as is measured', () => {
    const random = new Random(runSeed());
    const characters = ['a', 'b', '"', '\\', '\n', '\u0000', '\u001f', '\u007f', 'é', '\u2028'];
    for (let i = 0; i < 1000; i++) {
      const text = Array.from({ length: random.between(1, 60) }, () => random.pick(characters)).join('');
      const length = gatherer.text.write(`${text}"`) - 1;
      gatherer.begin();
      expect(gatherer.measure(0, length)).toBe(Buffer.byteLength(JSON.stringify(text)) - 2);
    }
    const controls = Buffer.alloc(LONG_TEXT_MAX, 1);
    gatherer.text.set(controls);
    const result = Buffer.alloc(6 * LONG_TEXT_MAX);
    expect(gatherer.measure(0, LONG_TEXT_MAX)).toBe(result.length);
    expect(gatherer.writeText(result, 0, 0, LONG_TEXT_MAX)).toBe(result.length);
    expect(result.equals(Buffer.from('\\u0001'.repeat(LONG_TEXT_MAX)))).toBe(true);
  });

  it('are none where a value of a head has anything but printable ASCII', () => {
    const value = (text: string) => gathered([{ bytes: Buffer.from(text), kind: Piece.value }]);
    expect(value(`a "quoted" \\ value${'.'.repeat(40)}`)).toBe(`a \\"quoted\\" \\\\ value${'.'.repeat(40)}`);
    expect(value('two\r\n lines')).toBeNull();
    expect(value('a\tb')).toBeNull();
    expect(value('café')).toBeNull();
    expect(value('plain')).toBe('plain');
  });

  it('are none where they are too many, or could become too long', () => {
    const one = { bytes: Buffer.from('a'), kind: Piece.raw };
    expect(gathered(Array.from({ length: 1024 }, () => one))).toBe('a'.repeat(1024));
    expect(gathered(Array.from({ length: 1025 }, () => one))).toBeNull();
    expect(gathered([{ bytes: Buffer.alloc(TEXT_BYTES), kind: Piece.text }])).toBeNull();
    expect(gathered([])).toBeNull();
  });
});
