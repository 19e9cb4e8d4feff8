/**
 * The live matrix: every server with every client, the sensor beside them.
 *
 *     bench/live/install
 *     node --import ./test/support/run-typescript.js bench/live/matrix.ts [--sensor dist/cli/cli.js] [--servers nginx,go]
 *       [--clients curl,wrk] [--keep DIRECTORY]
 *
 * Prints a table of Markdown, a server a line, `wrong of compared` for each client, and below it what was wrong; 1 if anything
 * was. A row whose two ends contradict each other says so: the row is in doubt then, not the sensor. `--keep` keeps the packets of a pair that
 * went wrong. Needs root, iproute2, tcpdump and what `install` brings; what is missing is left out, and named.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CLIENTS } from './clients.js';
import { exitOnSignals } from './namespace.js';
import { type PairResult, runPair } from './pair.js';
import { isThere, SENSOR } from './places.js';
import { SERVERS } from './servers.js';
import { wrongLines } from './wrong-table.js';

const { values } = parseArgs({
  options: {
    sensor: { type: 'string', default: SENSOR },
    servers: { type: 'string', default: '' },
    clients: { type: 'string', default: '' },
    keep: { type: 'string', default: '' },
  },
});
exitOnSignals();
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const settings = { sensor: resolve(values.sensor), keep: values.keep === '' ? null : resolve(values.keep) };
const servers = chosen('--servers', SERVERS, values.servers);
const clients = chosen('--clients', CLIENTS, values.clients);
const results: PairResult[] = [];
print(`| server | ${clients.map(({ name }) => name).join(' | ')} |`);
print(`| --- |${' ---: |'.repeat(clients.length)}`);
for (const server of servers) {
  const cells: string[] = [];
  for (const client of clients) {
    try {
      const result = await runPair(server, client, settings);
      results.push(result);
      cells.push(`${result.wrong.length} of ${result.compared}`);
    } catch (error) {
      cells.push('failed');
      process.stderr.write(`${server.name}, ${client.name}: ${String(error)}\n`);
      process.exitCode = 1;
    }
  }
  print(`| ${server.name} | ${cells.join(' | ')} |`);
}
const sum = (count: (result: PairResult) => number) => results.reduce((total, result) => total + count(result), 0);
print(`\n${sum(({ wrong }) => wrong.length)} wrong of ${sum(({ compared }) => compared)} compared`);
for (const { server, client, wrong, doubts } of results) {
  for (const line of wrongLines(`${server}, ${client}`, wrong)) print(line);
  for (const doubt of doubts) print(`doubt: ${server}, ${client}: ${doubt}`);
}
if (sum(({ wrong }) => wrong.length) > 0) process.exitCode = 1;

function chosen<T extends { name: string; needs: readonly string[] }>(
  option: string,
  all: readonly T[],
  names: string,
): T[] {
  const asked = names.split(',').filter((name) => name !== '');
  const unknown = asked.filter((name) => !all.some((entry) => entry.name === name));
  if (unknown.length > 0) {
    throw new Error(`${option}: ${unknown.join(', ')} is none of ${all.map(({ name }) => name).join(', ')}`);
  }
  return all.filter(({ name, needs }) => {
    if (asked.length > 0 && !asked.includes(name)) return false;
    const missing = needs.filter((need) => !isThere(need));
    if (missing.length > 0) process.stderr.write(`left out: ${name}, which needs ${missing.join(', ')}\n`);
    return missing.length === 0;
  });
}
