/** What a word is found to end depends on the bytes that are said to have been read, and on no others. */
import { describe, expect, it } from 'vitest';
import { WORD_BYTES } from '../../src/redact/byte-scan.js';
import { QUALIFIERS, QUERY_ROWS } from '../../src/redact/name-table.js';
import { PHRASES } from '../../src/redact/phrase-table.js';
import { wordEnds } from '../../src/redact/phrases.js';
import { Random, runSeed } from '../support/random.js';

const PIECES = [
  ...QUALIFIERS,
  ...QUERY_ROWS.flatMap(({ whole = [], words = [], ends = [] }) => [...whole, ...words, ...ends]),
  ...PHRASES.flatMap(({ words }) => words),
  ...['pass', 'key', 'tok', 'word', 'e', 'a', 'n', 'B', 'T', '7', '"', '","', '=', ':', ' ', '\\', '-', '_', 'é', 'ſ'],
];

const text = (random: Random, count: number): string =>
  Array.from({ length: count }, () => random.pick(PIECES)).join('');

describe('WordEnds', () => {
  it('says how many bytes made a word end nothing: behind these it never does, whatever is around them', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const words = wordEnds();
    let judged = 0;
    for (let i = 0; i < 30_000; i++) {
      const bytes = Buffer.from(`${text(random, 12)}${random.pick(['', 'x', 'new', 'at'])}`);
      const before = Buffer.from(text(random, 12)).subarray(random.between(0, 2));
      if (words.at(bytes, bytes.length - 1) !== 0 || words.bytesRead > WORD_BYTES) continue;
      judged++;
      const read = bytes.subarray(bytes.length - words.bytesRead);
      const other = Buffer.concat([before, read, Buffer.from(random.pick(['', '=', ': ', '%3D', '"', ' ']))]);
      const found = words.at(other, before.length + read.length - 1);
      expect(found, `SEED=${seed}: ${JSON.stringify(read.toString())} in ${JSON.stringify(other.toString())}`).toBe(0);
    }
    expect(judged).toBeGreaterThan(1000);
  });
});
