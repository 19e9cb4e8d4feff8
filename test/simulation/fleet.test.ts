/**
 * One budget over a fleet: kept to while the satellite answers, shared by what each sees, and so again after joins, leaves, and a
 * satellite that was away.
 *
 * `FLEET_SENSORS=1000 FLEET_SERVICES=40` runs it in full; `SEED=n` runs one again.
 */
import { expect, it } from 'vitest';
import { Random, runSeed } from '../support/random.js';
import { Fleet, type FleetSensor, type FleetSettings, INTERVAL_MILLIS } from './fleet.js';

const SENSORS = Number(process.env.FLEET_SENSORS ?? 40);
const SERVICES = Number(process.env.FLEET_SERVICES ?? 5);
const TENTH = Math.ceil(SENSORS / 10);
const SETTINGS: FleetSettings = {
  sensors: SENSORS,
  services: SERVICES,
  perMinute: SENSORS * 40,
  seenPerMinute: 160,
  ownPerMinute: 400,
};
const TWO_INTERVALS = (2 * INTERVAL_MILLIS) / 1000;

it(`keeps ${SENSORS} sensors of ${SERVICES} services to their budget, and shares it`, {
  timeout: 1_800_000,
}, async () => {
  const seed = runSeed();
  const fleet = new Fleet(SETTINGS, new Random(seed));
  process.stderr.write(`SEED=${seed} FLEET_SENSORS=${SENSORS} FLEET_SERVICES=${SERVICES}\n`);

  await fleet.join(SENSORS, 30_000);
  await fleet.run(150);
  expectBudget(fleet, 0);
  await expectShares(fleet);

  const joined = await fleet.join(TENTH, 3000);
  await fleet.run(3 + TWO_INTERVALS);
  expectLeases(fleet, joined);
  fleet.leave(TENTH);
  await fleet.run(TWO_INTERVALS);
  expect(fleet.status?.leased).toBeGreaterThan(0.9 * SETTINGS.perMinute);
  await fleet.run(90);
  expectBudget(fleet, 0);
  await expectShares(fleet);

  // For less time than a last share is kept to, and it starts anew.
  fleet.isAway = true;
  await fleet.run(240);
  expect(fleet.sensors.every(({ budget }) => budget.state === 'last share')).toBe(true);
  fleet.restartSatellite();
  fleet.isAway = false;
  const back = fleet.seconds;
  await fleet.run(TWO_INTERVALS);
  expect(fleet.sensors.every(({ budget }) => budget.state === 'quota')).toBe(true);
  await fleet.run(90);
  // What was sent on last shares kept to the budget too.
  expectBudget(fleet, 0);
  await expectShares(fleet);

  // For longer: each sensor goes by its own limit, and says so.
  fleet.isAway = true;
  await fleet.run(700);
  expect(fleet.sensors.every(({ budget }) => budget.state === 'own limit')).toBe(true);
  const lines = fleet.sensors[0]?.lines.lines ?? [];
  expect(lines.filter(({ message }) => message.includes('--rate-limit alone counts'))).toHaveLength(1);
  expect(keptIn(fleet, fleet.seconds - 60)).toBeGreaterThan(1.05 * SETTINGS.perMinute);
  fleet.restartSatellite();
  fleet.isAway = false;
  const again = fleet.seconds + TWO_INTERVALS;
  await fleet.run(TWO_INTERVALS + 180);
  expectBudget(fleet, again);
  await expectShares(fleet);
  void back;

  const asked = fleet.sensors.reduce((sum, sensor) => sum + sensor.asked, 0);
  process.stderr.write(
    `${asked} exchanges, ${fleet.arrived.traces} traces arrived, which stand for ${Math.round(fleet.arrived.standsFor)}\n`,
  );
});

it('counts can be scaled back: what arrives stands for all that was asked for', { timeout: 600_000 }, async () => {
  const seed = runSeed();
  const fleet = new Fleet({ ...SETTINGS, sensors: 20, perMinute: 800 }, new Random(seed));
  await fleet.join(20, 1000);
  await fleet.run(900);
  const asked = fleet.sensors.reduce((sum, sensor) => sum + sensor.asked, 0);
  const kept = fleet.sensors.reduce((sum, sensor) => sum + sensor.kept, 0);
  // What was refused last of each endpoint is still to be told, and the last batches are on their way.
  expect(kept, `seed ${seed}`).toBeLessThan(asked / 2);
  expect(fleet.arrived.standsFor / asked, `seed ${seed}`).toBeGreaterThan(0.92);
  expect(fleet.arrived.standsFor, `seed ${seed}`).toBeLessThanOrEqual(asked);
});

function keptIn(fleet: Fleet, from: number): number {
  let sum = 0;
  for (let second = Math.floor(from); second < from + 60; second++) sum += fleet.keptBySecond[second] ?? 0;
  return sum;
}

/** In every minute from `since` on. */
function expectBudget(fleet: Fleet, since: number): void {
  let most = 0;
  for (let from = Math.ceil(since); from + 60 <= fleet.seconds; from++) most = Math.max(most, keptIn(fleet, from));
  process.stderr.write(`after ${Math.round(fleet.seconds)} s: at most ${most} of ${SETTINGS.perMinute} in a minute\n`);
  expect(most).toBeLessThanOrEqual(1.05 * SETTINGS.perMinute);
}

/** What each sensor should have, from what it is asked for: computed at once and from outside. */
function idealShares(fleet: Fleet): Map<FleetSensor, number> {
  const demand = new Map<string, number>();
  const each: [FleetSensor, string, number][] = [];
  for (const sensor of fleet.sensors) {
    const perMinute = Math.min(sensor.load * 60, SETTINGS.ownPerMinute);
    for (const { path, weight } of sensor.service.endpoints) {
      const key = `${sensor.service.name}${path}`;
      const part = (perMinute * weight) / 0.99;
      demand.set(key, (demand.get(key) ?? 0) + part);
      each.push([sensor, key, part]);
    }
  }
  const floor = (SETTINGS.perMinute * 0.25) / demand.size;
  const values = [...demand.values()];
  const floors = values.reduce((sum, one) => sum + Math.min(one, floor), 0);
  const beyond = values.reduce((sum, one) => sum + Math.max(0, one - floor), 0);
  const part = Math.min(1, (SETTINGS.perMinute - floors) / beyond);
  const shares = new Map<FleetSensor, number>();
  for (const [sensor, key, perMinute] of each) {
    const all = demand.get(key) as number;
    const granted = (Math.min(all, floor) + Math.max(0, all - floor) * part) / all;
    shares.set(sensor, (shares.get(sensor) ?? 0) + perMinute * granted);
  }
  return shares;
}

/** Over three minutes: each service has its share, the budget is used, and rare endpoints are seen. */
async function expectShares(fleet: Fleet): Promise<void> {
  const before = new Map(fleet.sensors.map((sensor) => [sensor, { kept: sensor.kept, ...rareOf(sensor) }]));
  await fleet.run(180);
  const byService = new Map<string, { ideal: number; kept: number }>();
  let rareAsked = 0;
  let rareKept = 0;
  let kept = 0;
  for (const [sensor, ideal] of idealShares(fleet)) {
    const was = before.get(sensor);
    if (was === undefined) continue;
    const now = rareOf(sensor);
    rareAsked += now.asked - was.asked;
    rareKept += now.got - was.got;
    kept += sensor.kept - was.kept;
    const service = byService.get(sensor.service.name) ?? { ideal: 0, kept: 0 };
    service.ideal += ideal * 3;
    service.kept += sensor.kept - was.kept;
    byService.set(sensor.service.name, service);
  }
  const ratios = [...byService.values()].map(({ ideal, kept: got }) => got / ideal);
  process.stderr.write(
    `  used ${(kept / SETTINGS.perMinute / 3).toFixed(3)}, services had ${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)} of their shares, ${rareKept} of ${rareAsked} rare ones kept\n`,
  );
  expect(kept / SETTINGS.perMinute / 3).toBeGreaterThan(0.8);
  expect(Math.min(...ratios)).toBeGreaterThan(0.7);
  expect(Math.max(...ratios)).toBeLessThan(1.3);
  expect(rareKept / rareAsked).toBeGreaterThan(0.8);
}

function rareOf(sensor: FleetSensor): { asked: number; got: number } {
  const sum = (counts: Map<string, number>) => (counts.get('/rare-one') ?? 0) + (counts.get('/rare-two') ?? 0);
  return { asked: sum(sensor.askedByPath), got: sum(sensor.keptByPath) };
}

/** Those that joined have what they should have, two intervals later. */
function expectLeases(fleet: Fleet, joined: readonly FleetSensor[]): void {
  const shares = idealShares(fleet);
  const ideal = joined.reduce((sum, sensor) => sum + (shares.get(sensor) ?? 0), 0);
  const leased = joined.reduce((sum, sensor) => sum + sensor.counters.budget_traces_per_minute, 0);
  process.stderr.write(`  ${joined.length} joined: leased ${leased}, should be ${Math.round(ideal)}\n`);
  expect(leased / ideal).toBeGreaterThan(0.7);
  expect(leased / ideal).toBeLessThan(1.3);
}
