/**
 * Why exchanges stay unanswered though all of their bytes were captured: which rule of the engine gave them up, and whether
 * a reader that makes no mistake could have known (`fair-reader.ts`).
 *
 * in:  trials · out: a table in Markdown, the largest class first
 */
import { type PendingExchange, PendingExchanges } from '../../src/pair/pending-exchanges.js';
import { isCaptured, randomTrial, type Trial } from '../../test/pair/spoken/oracle.js';
import type { SpokenPlace } from '../../test/pair/spoken/wire.js';
import { certainPairs } from './fair-reader.js';

/** By what their class is named, and which of the readers could have known. */
export type Classes = Record<string, Record<string, number>>;

/** What readers take for granted, the strictest first. */
const READERS = {
  'by numbers alone': { depth: false, end: false },
  'and by the end': { depth: false, end: true },
  'and by the depth': { depth: true, end: true },
} as const;
const NOBODY = 'not to be known';

/** Functions of the engine that are on the way from everywhere. */
const COMMON = new Set(['emit', '#emitUnproven', 'push', '#receive', '#take', '#progress', 'finish', 'data', '#read']);

/** Frames of the stack that are looked at. */
const FRAMES = 40;

/** Runs the trial of a seed, and notes for each target what gave its exchange up. */
function watched(seed: number): { trial: Trial; givenUp: Map<string, string> } {
  const givenUp = new Map<string, string>();
  const { emit } = PendingExchanges.prototype;
  Error.stackTraceLimit = FRAMES;
  PendingExchanges.prototype.emit = function (pending: PendingExchange, mark, withheld) {
    const { exchange } = pending;
    if (exchange !== null && exchange.response === null) givenUp.set(exchange.request.target, ruleOf(pending));
    emit.call(this, pending, mark, withheld);
  };
  try {
    return { trial: randomTrial(seed), givenUp };
  } finally {
    PendingExchanges.prototype.emit = emit;
  }
}

/** The functions of the lane and of what is around it that led here, the nearest first. */
function ruleOf({ isRefuted }: PendingExchange): string {
  const frames = (new Error().stack ?? '').split('\n').slice(3);
  const names: string[] = [];
  for (const frame of frames) {
    const found = /at (?:\w+\.)?([#\w]+) \(.*\/src\/(pair|http\/h1)\/([\w-]+)\.ts/.exec(frame);
    if (found?.[1] !== undefined && !COMMON.has(found[1])) names.push(`${found[3]} ${found[1]}`);
    if (names.length === 4) break;
  }
  return `${isRefuted ? 'refuted: ' : ''}${names.join(' < ')}`;
}

/** Counts what the trial of a seed leaves unanswered. Returns how many exchanges it has. */
export function countUnanswered(classes: Classes, seed: number): number {
  const { trial, givenUp } = watched(seed);
  const shown = new Map(trial.exchanges.map((exchange) => [exchange.request.target, exchange]));
  const missing = trial.spoken.places.filter(
    (place) => isCaptured(trial, place) && shown.get(place.exchange.target)?.response == null,
  );
  if (missing.length === 0) return trial.spoken.places.length;
  const known = Object.entries(READERS).map(([name, reader]) => [name, certainPairs(trial, reader)] as const);
  for (const place of missing) {
    const name = classOf(trial, place, givenUp.get(place.exchange.target) ?? 'never read');
    const knower = known.find(([, pairs]) => pairs.has(place))?.[0] ?? NOBODY;
    classes[name] ??= {};
    const row = classes[name];
    row[knower] = (row[knower] ?? 0) + 1;
  }
  return trial.spoken.places.length;
}

function classOf({ script }: Trial, { connection }: SpokenPlace, rule: string): string {
  const isPipelined = (script.connections[connection]?.depth ?? 1) > 1;
  const start = script.start === 'middle' ? 'joined' : 'from SYN';
  return `${start}, ${isPipelined ? 'pipelined' : 'one at a time'}${script.loss.rate === 0 ? ', no loss' : ''} | ${rule}`;
}

export function classTable(classes: Classes): string {
  const knowers = [...Object.keys(READERS), NOBODY];
  const sum = (row: Record<string, number>) => Object.values(row).reduce((all, one) => all + one, 0);
  const rows = Object.entries(classes).sort(([, a], [, b]) => sum(b) - sum(a));
  const all = rows.reduce((count, [, row]) => count + sum(row), 0);
  const total: Record<string, number> = {};
  for (const [, row] of rows) for (const [name, count] of Object.entries(row)) total[name] = (total[name] ?? 0) + count;
  const line = (name: string, row: Record<string, number>) =>
    `| ${name} | ${sum(row)} | ${((sum(row) / all) * 100).toFixed(1)} | ${knowers.map((one) => row[one] ?? 0).join(' | ')} |`;
  return [
    `| start, requests | given up by | unanswered | % | ${knowers.join(' | ')} |`,
    `| --- | --- | ${'--: | '.repeat(knowers.length + 2)}`,
    line('all | ', total),
    ...rows.map(([name, row]) => line(name, row)),
  ].join('\n');
}
