import { expect, it } from 'vitest';
import { DROP_REASONS, DropReason } from '../../src/counters.js';
import { warnOfFirstDrops } from '../../src/sensor/first-drops.js';

function setUp() {
  const lines: string[] = [];
  const time = { now: 1000 };
  const log = { warn: (line: string) => void lines.push(line) } as Parameters<typeof warnOfFirstDrops>[0];
  return { lines, time, note: warnOfFirstDrops(log, () => time.now) };
}

it('says at the first drop of each reason what dropped it, and the option that changes it', () => {
  const { lines, note } = setUp();
  for (let i = 0; i < 3; i++) for (const { code } of DROP_REASONS) note(code as DropReason);
  const chosen = DROP_REASONS.filter(({ excludedBy }) => excludedBy !== null);
  expect(lines).toHaveLength(chosen.length);
  for (const [index, { excludedBy, options }] of chosen.entries()) {
    expect(lines[index]).toContain(`dropped by ${excludedBy};`);
    for (const option of options) expect(lines[index]).toContain(`--${option}`);
  }
});

it('names no option that would not be the one', () => {
  const { lines, note } = setUp();
  note(DropReason.undeliverable);
  note(DropReason.unwatched);
  note(DropReason.afterCount);
  expect(lines).toEqual([]);
});

it('says nothing of what begins later than in the first minute', () => {
  const { lines, time, note } = setUp();
  note(DropReason.pathRule);
  time.now += 60_001;
  note(DropReason.rateLimited);
  note(DropReason.pathRule);
  expect(lines).toHaveLength(1);
});
