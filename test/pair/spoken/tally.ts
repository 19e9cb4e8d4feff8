/** Verdicts added up: by what the capture lost, how connections ended, and what their bodies held. */
import { FAULTS, type FaultKind, type Trial } from './oracle.js';
import type { Script } from './script.js';

export interface Sum {
  conversations: number;
  said: number;
  shown: number;
  answered: number;
  captured: number;
  capturedAnswered: number;
  capturedWhole: number;
  amidst: number;
  amidstAnswered: number;
  faults: Record<FaultKind, number>;
}

export type Tally = Record<string, Record<string, Sum>>;

export function emptySum(): Sum {
  const faults = Object.fromEntries(FAULTS.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  return {
    conversations: 0,
    said: 0,
    shown: 0,
    answered: 0,
    captured: 0,
    capturedAnswered: 0,
    capturedWhole: 0,
    amidst: 0,
    amidstAnswered: 0,
    faults,
  };
}

/** Adds a trial to the rows it belongs to. */
export function count(tally: Tally, { script, verdict }: Trial): void {
  for (const [group, row] of Object.entries(rowsOf(script))) {
    tally[group] ??= {};
    const rows = tally[group];
    rows[row] ??= emptySum();
    const sum = rows[row];
    sum.conversations++;
    for (const { kind } of verdict.faults) sum.faults[kind]++;
    for (const key of FIGURES) sum[key] += verdict[key];
  }
}

/** Adds the rows of `more` to `tally`. */
export function merge(tally: Tally, more: Tally): void {
  for (const [group, rows] of Object.entries(more)) {
    tally[group] ??= {};
    for (const [row, sum] of Object.entries(rows)) {
      tally[group][row] ??= emptySum();
      const into = tally[group][row];
      into.conversations += sum.conversations;
      for (const key of FIGURES) into[key] += sum[key];
      for (const kind of FAULTS) into.faults[kind] += sum.faults[kind];
    }
  }
}

const FIGURES = [
  'said',
  'shown',
  'answered',
  'captured',
  'capturedAnswered',
  'capturedWhole',
  'amidst',
  'amidstAnswered',
] as const;

const START_NAMES = { syn: 'from the SYN', 'syn-ack': 'from the SYN-ACK', middle: 'in the middle' };

function rowsOf(script: Script): Record<string, string> {
  const { loss, connections, start, flavour, isForeign } = script;
  const [first] = connections;
  const lossName =
    loss.rate === 0 ? 'none' : `${loss.rate * 100} %${loss.burst > 1 ? `, bursts of ${loss.burst}` : ''}`;
  // What was under way before a pipeline was joined cannot be known: whoever pairs there must have a reason.
  const isPipelined = (first?.depth ?? 1) > 1;
  return {
    all: 'all',
    loss: lossName,
    start: START_NAMES[start] + (start === 'middle' && isPipelined ? ' of a pipeline' : ''),
    end: connections.length > 1 ? 'ports used again' : (first?.end ?? ''),
    requests: isPipelined ? 'pipelined' : 'one at a time',
    bodies: isForeign ? `${flavour}, not HTTP` : flavour,
  };
}

const percent = (part: number, whole: number): string => (whole === 0 ? '' : ((part / whole) * 100).toFixed(2));

/** A table in Markdown. */
export function table(tally: Tally): string {
  const lines = [
    `| | exchanges | ${FAULTS.join(' | ')} | captured whole | of them answered % | without a flaw % | with neighbours, answered % |`,
    `| --- | ${'--: | '.repeat(FAULTS.length + 5)}`,
  ];
  for (const [group, rows] of Object.entries(tally)) {
    for (const [row, sum] of Object.entries(rows).sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))) {
      const faults = FAULTS.map((kind) => sum.faults[kind]).join(' | ');
      lines.push(
        `| ${group === 'all' ? 'all' : `${group}: ${row}`} | ${sum.said} | ${faults} | ${sum.captured} | ` +
          `${percent(sum.capturedAnswered, sum.captured)} | ${percent(sum.capturedWhole, sum.captured)} | ` +
          `${percent(sum.amidstAnswered, sum.amidst)} |`,
      );
    }
  }
  return lines.join('\n');
}
