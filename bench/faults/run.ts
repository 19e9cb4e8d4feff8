/**
 * The fault matrix on the whole sensor: everything that can be wrong with a satellite, under steady traffic, at full length.
 *
 *     npm run bench:faults -- [--only 'NAME;…'] [--without spool|memory] [--seconds 45] [--rate 300] [--list]
 *
 * Each row runs twice, with a spool and with memory alone, in network namespaces of its own. Prints a row of Markdown for
 * each, and what did not add up; exits with 1 if anything did not. Needs root, iproute2, nftables, openssl. All rows take an
 * hour.
 */
import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import { runName } from '../../test/support/left-behind.js';
import { FAULTS } from './faults.js';
import { makeNamespaces } from './namespaces.js';
import type { RowResult } from './row.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    without: { type: 'string', default: '' },
    seconds: { type: 'string', default: '45' },
    rate: { type: 'string', default: '300' },
    list: { type: 'boolean', default: false },
  },
});
const print = (text: string): void => void process.stdout.write(`${text}\n`);
if (values.list) {
  for (const { name } of FAULTS) print(name);
  process.exit();
}
const asked = values.only.split(';').filter((name) => name !== '');
const unknown = asked.filter((name) => !FAULTS.some((fault) => fault.name === name));
if (unknown.length > 0) throw new Error(`--only: no fault is called ${unknown.join(', ')}; --list has their names`);

print(
  '| satellite | holds in | seen | exported | lost, counted | received | again | p50, p99 before | during | peak RSS | loop p99 |',
);
print(`| --- | --- |${' ---: |'.repeat(9)}`);
let failed = 0;
let made = 0;
for (const fault of FAULTS) {
  if (asked.length > 0 && !asked.includes(fault.name)) continue;
  for (const holds of ['spool', 'memory']) {
    if (holds === values.without) continue;
    const result = await runRow(fault.name, holds);
    print(row(fault.name, holds, result));
    for (const wrong of result.wrong) print(`  ^ ${wrong}`);
    if (result.wrong.length > 0) {
      failed++;
      for (const warning of result.warnings) print(`    ${warning}`);
    }
  }
}
process.exitCode = failed === 0 ? 0 : 1;

async function runRow(name: string, holds: string): Promise<RowResult> {
  const namespaces = makeNamespaces(`${runName()}-${process.pid}-${made++}`);
  try {
    const script = `${import.meta.dirname}/row.ts`;
    const { stdout } = await promisify(execFile)('ip', [
      ...['netns', 'exec', namespaces.task, process.execPath, ...process.execArgv, script, name],
      ...[holds === 'spool' ? holds : '', namespaces.satellite, values.seconds, values.rate],
    ]);
    return JSON.parse(stdout) as RowResult;
  } finally {
    namespaces.remove();
  }
}

function row(name: string, holds: string, result: RowResult): string {
  const { load, counters } = result;
  const latency = (phase: string): string => {
    const { p50, p99 } = load.phases[phase] ?? { p50: Number.NaN, p99: Number.NaN };
    return `${p50.toFixed(1)}, ${p99.toFixed(1)} ms`;
  };
  const cells = [
    name,
    holds,
    counters.exchanges_seen,
    counters.exchanges_exported,
    counters.exchanges_dropped_undeliverable,
    result.received,
    result.receivedAgain,
    latency('before'),
    latency('during'),
    `${Math.round(result.peakResidentBytes / 2 ** 20)} MiB`,
    `${result.loopDelayP99Millis.toFixed(0)} ms`,
  ];
  return `| ${cells.join(' | ')} |`;
}
