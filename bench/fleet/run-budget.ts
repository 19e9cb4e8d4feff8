/**
 * Twenty real sensors in namespaces of their own under `--fleet-rate`, and the simulation of the same: `npm run bench:budget`.
 *
 * Prints what each kept. Exits with 1 where a minute had more than the budget and a twentieth, or totals are apart by more than a tenth.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitOnSignals } from '../live/namespace.js';
import { type BudgetSettings, runReal, simulate } from './budget.js';

const SENSORS = Number(process.argv[2] ?? 20);
exitOnSignals();
const directory = mkdtempSync(join(tmpdir(), 'budget-'));
const settings: BudgetSettings = {
  ...{ sensors: SENSORS, services: 4, perMinute: SENSORS * 40, seenPerMinute: 160, ownPerMinute: 400 },
  ...{ seconds: Number(process.argv[3] ?? 180), seed: Number(process.env.SEED ?? 20_261_127), directory },
  program: join(import.meta.dirname, '../../bin/pcap-sensor'),
};
const { tally: simulated, sensors } = await simulate(settings);
const asked = Math.round(sensors.reduce((sum, { load }) => sum + load * 60, 0));
const say = (what: string, tally: object): void => void process.stdout.write(`${JSON.stringify({ what, ...tally })}\n`);
say('simulated', simulated);
const real = await runReal(settings, sensors);
say('real', { ...real, asked });
rmSync(directory, { recursive: true });
const isApart = Math.abs(real.keptPerMinute / simulated.keptPerMinute - 1) > 0.1;
const isOver = Math.max(real.worstMinute, simulated.worstMinute) > 1.05 * settings.perMinute;
if (isApart || isOver) process.exitCode = 1;
