import { expect, it } from 'vitest';
import { countJsonValues, jsonText } from '../../src/satellite/receive/json-text.js';
import { Random, runSeed } from '../support/random.js';

it('writes what JSON.stringify writes', () => {
  const seed = runSeed();
  const random = new Random(seed);
  const scalars = [null, true, false, 0, -1.5, 1e300, '', 'a"\\\n\u0000\u2028\ud800', '{"a":[1]}'];
  const make = (depth: number): unknown => {
    if (depth === 0 || random.chance(0.3)) return random.pick(scalars);
    const members = Array.from({ length: random.between(0, 4) }, () => make(depth - 1));
    return random.chance(0.5) ? members : Object.fromEntries(members.map((one, i) => [`k"${i}`, one]));
  };
  for (let round = 0; round < 500; round++) {
    const value = make(6);
    expect(jsonText(value), `seed ${seed}`).toBe(JSON.stringify(value));
  }
});

it('writes any nesting', () => {
  const text = `${'[{"a":'.repeat(300_000)}null${'}]'.repeat(300_000)}`;
  expect(jsonText(JSON.parse(text)) === text).toBe(true);
});

it.each([
  ['7', 1],
  ['[]', 2],
  ['{"a":[1,2,{"b":3}],"c":"[[[,"}', 7],
  ['"\\"[[,\\\\"', 1],
  ['["\\\\",[[]]]', 5],
  ['"never ends [[\\', 1],
])('counts the values of %s', (text, values) => {
  expect(countJsonValues(Buffer.from(text))).toBe(values);
});
