import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineDiff } from '../../../src/deploy/ecs/line-diff.js';

test('equal texts have no diff', () => {
  expect(lineDiff('a\nb', 'a\nb')).toStrictEqual([]);
});

test('an insertion and a removal far apart make two hunks with three lines of context', () => {
  const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'];
  const after = ['1', '2', '3', '4', 'new', '5', '6', '7', '8', '9', '10', '12'];
  expect(lineDiff(before.join('\n'), after.join('\n'))).toStrictEqual([
    '@@ -2,6 +2,7 @@',
    ' 2',
    ' 3',
    ' 4',
    '+new',
    ' 5',
    ' 6',
    ' 7',
    '@@ -8,5 +9,4 @@',
    ' 8',
    ' 9',
    ' 10',
    '-11',
    ' 12',
  ]);
});

test('applied to the one text, it gives the other', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', '}', '  "x": 1,'), { maxLength: 40 });
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      expect(apply(before, lineDiff(before.join('\n'), after.join('\n')))).toStrictEqual(
        after.length === 0 ? [''] : after,
      );
    }),
    { numRuns: 500 },
  );
});

/** What patch(1) does, with every line number and context line checked. */
function apply(before: string[], diff: string[]): string[] {
  const source = before.length === 0 ? [''] : before;
  const result: string[] = [];
  let at = 0;
  for (const line of diff) {
    const hunk = /^@@ -(\d+),\d+ \+(\d+),\d+ @@$/.exec(line);
    if (hunk !== null) {
      const start = Number(hunk[1]) - 1;
      result.push(...source.slice(at, start));
      at = start;
      expect(Number(hunk[2])).toBe(result.length + 1);
    } else if (line.startsWith('+')) {
      result.push(line.slice(1));
    } else {
      expect(source[at]).toBe(line.slice(1));
      if (line.startsWith(' ')) {
        result.push(line.slice(1));
      }
      at += 1;
    }
  }
  return [...result, ...source.slice(at)];
}
