/**
 * Two sensors on one veth pair, one of them killed half way: `npm run bench:once`, or with a number of connections behind it.
 *
 * Prints, for each of two places where the sensors may stand, how many connections were told of how often. Exits with 1 where one was
 * told of twice, or lost and not counted.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitOnSignals } from '../live/namespace.js';
import { runOnce } from './once.js';

const connections = Number(process.argv[2] ?? 10_000);
exitOnSignals();
for (const at of [
  ['client', 'server'],
  ['server', 'server'],
] as const) {
  const directory = mkdtempSync(join(tmpdir(), 'once-'));
  const program = join(import.meta.dirname, '../../bin/pcap-sensor');
  const result = await runOnce({ connections, perSecond: 250, at, directory, program });
  rmSync(directory, { recursive: true });
  process.stdout.write(`${JSON.stringify({ at, ...result })}\n`);
  const { 0: lost = 0, 1: once = 0 } = result.toldOf;
  if (lost + once !== connections || lost > result.counted || result.lostAfter > 0) process.exitCode = 1;
}
