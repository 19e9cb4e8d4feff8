import { expect, it } from 'vitest';
import { limitDebug } from '../src/debug-log.js';

function recording(isEnabled = true) {
  let now = 0;
  const lines: unknown[] = [];
  const log = { debug: (fields: object) => void lines.push(fields), isLevelEnabled: () => isEnabled };
  const debug = limitDebug(log, () => now);
  return { debug, lines, pass: (millis: number) => (now += millis) };
}

it('writes so many of a kind in a period, and says with the next how many it left out', () => {
  const { debug, lines, pass } = recording();
  for (let n = 0; n < 50; n++) debug.say('often', () => ({ n }), '');
  debug.say('rare', () => ({ rare: true }), '');
  expect(lines).toEqual([...Array.from({ length: 20 }, (_, n) => ({ n })), { rare: true }]);
  pass(9_999);
  debug.say('often', () => ({ n: 50 }), '');
  expect(lines).toHaveLength(21);
  pass(1);
  for (const n of [51, 52]) debug.say('often', () => ({ n }), '');
  expect(lines.slice(21)).toEqual([{ n: 51, leftOut: 31 }, { n: 52 }]);
});

it('asks for nothing where nothing is written', () => {
  const { debug, lines } = recording(false);
  debug.say('often', () => expect.unreachable(), '');
  expect(lines).toEqual([]);
});
