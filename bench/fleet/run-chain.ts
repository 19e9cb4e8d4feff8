/**
 * The satellite, a Collector, a broker of Kafka and the engine of ClickHouse, each killed ten times under load: `npm run bench:chain`, or
 * with another number behind it.
 *
 * Prints what was acknowledged and what is listed in the end. Exits with 1 where a trace is missing or there twice, or the message that
 * nobody can read is not set aside.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitOnSignals } from '../live/namespace.js';
import { runChain } from './chain.js';

exitOnSignals();
const directory = mkdtempSync(join(tmpdir(), 'chain-'));
const result = await runChain({
  ...{ kills: Number(process.argv[2] ?? 10), seed: Number(process.env.SEED ?? 20_261_127), directory },
  onKill: (part, round, stored) => process.stderr.write(`round ${round + 1}: ${part} killed; ${stored} stored\n`),
});
rmSync(directory, { recursive: true });
process.stdout.write(`${JSON.stringify(result)}\n`);
if (result.missing > 0 || result.twice > 0 || result.setAside !== 1) process.exitCode = 1;
