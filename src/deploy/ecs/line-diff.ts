/**
 * A unified diff of two texts by lines: the longest common subsequence between their common head and tail, with three
 * lines of context. The texts are task definitions, which ECS caps at 64 KiB.
 */
const CONTEXT_LINES = 3;

interface DiffLine {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/** Lines as `diff -U3` prints them below its file names; empty when the texts are equal. */
export function lineDiff(before: string, after: string): string[] {
  const lines = compare(before.split('\n'), after.split('\n'));
  const shown: string[] = [];
  let beforeLine = 1;
  let afterLine = 1;
  let index = 0;
  while (index < lines.length) {
    const change = lines.findIndex((line, at) => at >= index && line.sign !== ' ');
    if (change < 0) {
      break;
    }
    const start = Math.max(index, change - CONTEXT_LINES);
    beforeLine += start - index;
    afterLine += start - index;
    const end = hunkEnd(lines, change);
    const hunk = lines.slice(start, end);
    const removed = hunk.filter((line) => line.sign !== '+').length;
    const added = hunk.filter((line) => line.sign !== '-').length;
    shown.push(`@@ -${beforeLine},${removed} +${afterLine},${added} @@`);
    shown.push(...hunk.map((line) => line.sign + line.text));
    beforeLine += removed;
    afterLine += added;
    index = end;
  }
  return shown;
}

/** One past the hunk: changes closer than two contexts share it. */
function hunkEnd(lines: readonly DiffLine[], firstChange: number): number {
  let lastChange = firstChange;
  for (let at = firstChange; at < lines.length && at - lastChange <= 2 * CONTEXT_LINES; at += 1) {
    if (lines[at]?.sign !== ' ') {
      lastChange = at;
    }
  }
  return Math.min(lines.length, lastChange + CONTEXT_LINES + 1);
}

function compare(before: readonly string[], after: readonly string[]): DiffLine[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) {
    head += 1;
  }
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) {
    tail += 1;
  }
  const same = (text: string): DiffLine => ({ sign: ' ', text });
  return [
    ...before.slice(0, head).map(same),
    ...compareMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ];
}

function compareMiddle(before: readonly string[], after: readonly string[]): DiffLine[] {
  const width = after.length + 1;
  /** Cell (i, j): length of the longest common subsequence of before[i…] and after[j…]. */
  const common = new Uint32Array((before.length + 1) * width);
  const cell = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        before[i] === after[j] ? cell(i + 1, j + 1) + 1 : Math.max(cell(i + 1, j), cell(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    const old = before[i];
    const young = after[j];
    if (old !== undefined && old === young) {
      lines.push({ sign: ' ', text: old });
      i += 1;
      j += 1;
    } else if (old !== undefined && (young === undefined || cell(i + 1, j) >= cell(i, j + 1))) {
      lines.push({ sign: '-', text: old });
      i += 1;
    } else if (young !== undefined) {
      lines.push({ sign: '+', text: young });
      j += 1;
    }
  }
  return lines;
}
