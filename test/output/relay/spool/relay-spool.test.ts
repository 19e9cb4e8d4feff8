import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../../src/output/clock.js';
import {
  pathsOf,
  type RelayUnderTest,
  type ScriptedSatellite,
  startRelay,
  startScriptedSatellite,
} from '../../../support/relay.js';

let directory: string;
let satellite: ScriptedSatellite | undefined;
let away = true;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'relay-spool-'));
  away = true;
  satellite = await startScriptedSatellite(() => (away ? { status: 503 } : undefined));
});
afterEach(async () => {
  await satellite?.close();
  await rm(directory, { recursive: true, force: true });
});

const TIMING = { attemptTimeoutMillis: 1000, backoffInitialMillis: 5, backoffMaxMillis: 10, retryAfterMaxMillis: 10 };

function start(protocol: 'otlp' | 'levo' = 'otlp'): Promise<RelayUnderTest> {
  const settings = { protocol, spool: { directory, bytesMax: 1 << 24 }, timing: TIMING, exportIntervalMillis: 5 };
  return startRelay(satellite!.url, settings, { batch_traces_max: 2 }, { clock: systemClock });
}

const until = async (reached: () => boolean): Promise<void> => {
  while (!reached()) await new Promise((resolve) => setTimeout(resolve, 2));
};

const paths = (count: number): string[] => Array.from({ length: count }, (_, i) => `/${i}`);

it('puts on disk what waits, and sends it oldest first when the satellite is back', async () => {
  const under = await start();
  for (const path of paths(20)) under.accept(path);
  await until(() => under.counters.spool_traces === 20);
  expect(under.counters).toMatchObject({ queue_traces: 0, queue_bytes: 0 });
  expect(under.books()).toEqual([20, 0, 0, 20]);
  away = false;
  under.accept('/20');
  await under.relay.flush();
  expect(satellite?.paths).toEqual(paths(21));
  expect(under.books()).toEqual([21, 21, 0, 0]);
  await under.relay.close(1000);
});

it.each(['otlp', 'levo'] as const)('keeps for the next run what this one could not send (%s)', async (protocol) => {
  const first = await start(protocol);
  for (const path of paths(9)) first.accept(path);
  await first.relay.close(5000);
  // In flight for ever, as far as this run's books go: the next one delivers them.
  expect(first.books()).toEqual([9, 0, 0, 9]);
  expect(first.counters.spool_traces).toBe(9);

  away = false;
  const second = await start(protocol);
  second.accept('/9');
  await second.relay.flush();
  await second.relay.close(1000);
  expect(satellite?.paths).toEqual(paths(10));
  expect(second.books()).toEqual([1, 1, 0, 0]);
  expect(second.counters).toMatchObject({ recovered_traces: 9, recovered_traces_exported: 9, spool_traces: 0 });
});

it('falls back to memory, counted, when the disk fails, and loses nothing that fits there', async () => {
  const under = await start();
  await rm(directory, { recursive: true });
  for (const path of paths(8)) under.accept(path);
  await until(() => under.counters.spool_errors > 0 && under.counters.queue_traces === 8);
  away = false;
  await under.relay.flush();
  expect([...satellite!.paths].sort()).toEqual(paths(8));
  expect(under.books()).toEqual([8, 8, 0, 0]);
  await under.relay.close(1000);
});

it('leaves on disk what is too large until its halves have arrived', async () => {
  const first = await start();
  for (const path of paths(2)) first.accept(path);
  await first.relay.close(5000);
  await satellite!.close();
  // One half is taken; then the sensor dies with the other in its hands.
  let taken = 0;
  satellite = await startScriptedSatellite((request) => {
    if (pathsOf(request).length > 1) return { status: 413 };
    return taken++ === 0 ? undefined : () => {};
  });
  const killed = await start();
  await until(() => satellite!.requests.length === 3);
  expect(satellite.paths).toEqual(['/0']);
  expect(killed.counters).toMatchObject({ batches_split: 1, recovered_traces_exported: 1, spool_traces: 2 });
  const copy = await mkdtemp(join(tmpdir(), 'relay-spool-'));
  await cp(directory, copy, { recursive: true });
  await killed.relay.close(0);
  await satellite.close();
  satellite = await startScriptedSatellite();
  await rm(directory, { recursive: true });
  directory = copy;
  const last = await start();
  await last.relay.flush();
  expect(satellite.paths).toEqual(['/0', '/1']);
  await last.relay.close(1000);
});
