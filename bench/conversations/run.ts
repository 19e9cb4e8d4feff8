/**
 * Random conversations with losses, half of whose bodies hold HTTP as text: what was really said against what the engine
 * shows, in one table.
 *
 *     npm run bench:conversations -- [--exchanges N] [--seed N] [--processes N] [--failures FILE] [--unanswered]
 *
 * `--unanswered` prints instead what gave up the exchanges that stay unanswered though all of their bytes were captured, and
 * who could have known. `--failures` writes the smallest conversation found for each kind of fault, as a transcript, and the seeds of the
 * others. Prints nothing else but the table; `SEED=n npx vitest run test/pair/spoken` runs one seed again.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FAULTS, randomTrial } from '../../test/pair/spoken/oracle.js';
import { shrink } from '../../test/pair/spoken/shrink.js';
import { count, merge, type Tally, table } from '../../test/pair/spoken/tally.js';
import { transcript } from '../../test/pair/spoken/transcript.js';
import { type Classes, classTable, countUnanswered } from './unanswered.js';

/** What a process has found in its share of the seeds. */
interface Share {
  tally: Tally;
  /** By kind of fault, the seeds in which it came up. */
  seeds: Record<string, number[]>;
}

const SEEDS_KEPT = 200;
/** Conversations of one kind that are made small, for the smallest of them. */
const SHRUNK = 8;

if (process.send !== undefined) {
  const [exchanges, seed, step] = process.argv.slice(2).map(Number) as [number, number, number];
  process.send(runShare(exchanges, seed, step), () => process.disconnect());
} else {
  await runAll();
}

async function runAll(): Promise<void> {
  const { values } = parseArgs({
    options: {
      exchanges: { type: 'string', default: '20000' },
      seed: { type: 'string', default: String(Date.now() >>> 0) },
      processes: { type: 'string', default: '2' },
      failures: { type: 'string' },
      unanswered: { type: 'boolean', default: false },
    },
  });
  const [exchanges, seed, processes] = [values.exchanges, values.seed, values.processes].map(Number) as [
    number,
    number,
    number,
  ];
  if (values.unanswered) {
    process.stdout.write(`SEED=${seed}\n\n${unanswered(exchanges, seed)}\n`);
    return;
  }
  const all: Share = { tally: {}, seeds: {} };
  const shares = Array.from({ length: processes }, async (_, i) => {
    const args = [exchanges / processes, seed + i, processes].map(String);
    const child = fork(process.argv[1] as string, args, { execArgv: process.execArgv });
    const [share] = (await once(child, 'message')) as [Share];
    merge(all.tally, share.tally);
    for (const [kind, seeds] of Object.entries(share.seeds)) all.seeds[kind] = [...(all.seeds[kind] ?? []), ...seeds];
  });
  await Promise.all(shares);
  process.stdout.write(`SEED=${seed}\n\n${table(all.tally)}\n`);
  if (values.failures !== undefined) writeFileSync(values.failures, failuresOf(all));
}

function unanswered(exchanges: number, first: number): string {
  const classes: Classes = {};
  let said = 0;
  for (let seed = first; said < exchanges; seed = (seed + 1) >>> 0) said += countUnanswered(classes, seed);
  return classTable(classes);
}

/** Every `step`th seed from `first` on, until so many exchanges have been said. */
function runShare(exchanges: number, first: number, step: number): Share {
  const share: Share = { tally: {}, seeds: {} };
  let said = 0;
  for (let seed = first; said < exchanges; seed = (seed + step) >>> 0) {
    const result = randomTrial(seed);
    count(share.tally, result);
    said += result.verdict.said;
    for (const kind of new Set(result.verdict.faults.map((fault) => fault.kind))) {
      share.seeds[kind] ??= [];
      if (share.seeds[kind].length < SEEDS_KEPT) share.seeds[kind].push(seed);
    }
  }
  return share;
}

function failuresOf({ seeds }: Share): string {
  const texts = FAULTS.filter((kind) => seeds[kind] !== undefined).map((kind) => {
    const found = seeds[kind] as number[];
    const small = found.slice(0, SHRUNK).map((seed) => transcript(shrink(randomTrial(seed), kind)));
    small.sort((a, b) => a.split('\n').length - b.split('\n').length);
    return `# ${kind}\n\nseeds: ${found.join(' ')}\n\n${small.join('\n')}`;
  });
  return `${texts.join('\n')}\n`;
}
