/**
 * The sensor, the satellite and the network under one virtual clock: hours of faults in seconds, and a seed that replays each.
 *
 * `SEED=n` runs one again and prints what happened; `SIMULATION_SEEDS=n` runs so many.
 */
import { expect, it } from 'vitest';
import { runSeed } from '../support/random.js';
import { FAULTS } from './simulated-satellite.js';
import { Simulation, type SimulationReport } from './simulation.js';

const SEEDS = process.env.SEED === undefined ? Number(process.env.SIMULATION_SEEDS ?? 200) : 1;

it(`keeps its books through ${SEEDS} runs of faults, deaths and full disks`, {
  timeout: 60_000 + SEEDS * 1000,
}, async () => {
  const first = runSeed();
  const faults = new Set<string>();
  const sum = { seen: 0, exported: 0, undeliverable: 0, lostToKills: 0, stored: 0, kills: 0 };
  for (let seed = first; seed < first + SEEDS; seed++) {
    const report = await replay(seed);
    for (const fault of report.faults) faults.add(fault);
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += report[key];
  }
  process.stderr.write(`${SEEDS} runs from SEED=${first}: ${JSON.stringify(sum)}\n`);
  expect(sum.exported).toBeGreaterThan(0);
  if (SEEDS >= 200) expect([...faults].sort()).toEqual([...FAULTS].sort());
});

it('is the same run again under the same seed', async () => {
  const seed = runSeed();
  for (let i = 0; i < 5; i++) expect(await replay(seed + i)).toEqual(await replay(seed + i));
});

async function replay(seed: number): Promise<SimulationReport> {
  const simulation = new Simulation(seed);
  try {
    return await simulation.run();
  } catch (error) {
    process.stderr.write(`SEED=${seed}\n${simulation.script.join('\n')}\n`);
    throw error;
  } finally {
    if (process.env.SEED !== undefined) process.stderr.write(`${simulation.script.join('\n')}\n`);
  }
}
