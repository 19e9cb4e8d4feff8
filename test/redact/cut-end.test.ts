/** Pairs of a name and a value that are cut, found in one pass, against one expression that tries every place. */
import { expect, it } from 'vitest';
import { unfinishedPairs } from '../../src/redact/cut-end.js';
import { Random, runSeed } from '../support/random.js';

const PAIR =
  '([A-Za-z_][\\w.[\\]-]{1,64})\\\\{0,4}["\']?\\]?(?:\\s|[*|:=,]|[-=]>|</?[a-z]{1,8}>){1,8}\\\\{0,4}(?:["\'`]([^"\'`\\r\\n]{1,400})|([^\\s"\'`<>|]{1,400}))$';
/** The first name that could be one, and the last. */
const PAIRS = [new RegExp(PAIR), new RegExp(`^[\\s\\S]*(?<![\\w.-])${PAIR}`)];
const PARTS = ['a', 'password', 'x1', '1', '-', '>', '=', ':', ' ', '"', "'", '[', ']', '.', ',', '\\'].concat([
  ...['<b>', '</b>', '|', '\n', '*', '_', 'é'],
]);

it('finds the pairs that the expressions find', () => {
  const random = new Random(runSeed());
  let found = 0;
  for (let i = 0; i < 30_000; i++) {
    const tail = Array.from({ length: random.between(1, 14) }, () => random.pick(PARTS)).join('');
    const expected = PAIRS.flatMap((pair) => {
      const [, name, quoted, bare] = pair.exec(tail) ?? [];
      return name === undefined ? [] : [{ name, valueLength: (quoted ?? bare ?? '').length }];
    });
    expect(unfinishedPairs(tail), JSON.stringify(tail)).toEqual(expected);
    found += expected.length;
  }
  expect(found).toBeGreaterThan(3000);
});
