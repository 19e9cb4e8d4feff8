/** The sensor is killed, again and again (`SPOOL_KILLS=n` times, and prints what it found), while it spools: what was on disk arrives, whole and once. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startRelay, startScriptedSatellite } from '../../../support/relay.js';

const CHILD = join(import.meta.dirname, '../../../support/spooling-child.mjs');
const ASKED = process.env.SPOOL_KILLS;
const RUNS = Number(ASKED ?? 5);
/** For a child to start, on a machine that is busy. */
const RUN_MILLIS_MAX = 20_000;
const TRACES_SPOOLED = 300;

it(`survives ${RUNS} times kill -9`, { timeout: (RUNS + 1) * RUN_MILLIS_MAX }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'killed-'));
  const nobody = await unusedPort();
  const spooled: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const child = spawn(process.execPath, [CHILD, `http://127.0.0.1:${nobody}`, directory, `run${run}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const gone = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
    let last = 0;
    child.stdout.on('data', (text) => {
      last = Number(String(text).trim().split('\n').at(-1));
      if (last >= TRACES_SPOOLED) child.kill('SIGKILL');
    });
    expect(await gone).toBe('SIGKILL');
    spooled.push(last);
  }

  const satellite = await startScriptedSatellite();
  const under = await startRelay(satellite.url, { spool: { directory, bytesMax: 1 << 28 } });
  const found = under.counters.recovered_traces;
  await under.relay.flush();
  await under.relay.close(1000);
  await satellite.close();
  await rm(directory, { recursive: true });

  if (ASKED !== undefined) {
    const { spool_records_torn: torn } = under.counters;
    process.stdout.write(`${RUNS} kills, ${found} traces found, ${satellite.paths.length} delivered, ${torn} torn\n`);
  }
  expect(found).toBeGreaterThanOrEqual(spooled.reduce((sum, count) => sum + count, 0));
  // At most the record that was being written when each run was killed.
  expect(under.counters.spool_records_torn).toBeLessThanOrEqual(RUNS);
  expect(satellite.paths.length).toBe(found);
  expect(new Set(satellite.paths).size).toBe(found);
  expect(under.counters).toMatchObject({
    recovered_traces_exported: found,
    recovered_traces_dropped: 0,
    spool_traces: 0,
    exchanges_exported: 0,
  });
  // Oldest first, and of each run everything from its beginning.
  const expected: string[] = [];
  for (let run = 0; run < RUNS; run++) {
    const ofRun = satellite.paths.filter((path) => path.startsWith(`/run${run}/`));
    expect(ofRun.length).toBeGreaterThanOrEqual(spooled[run]!);
    expected.push(...ofRun.map((_, i) => `/run${run}/${i}`));
  }
  expect(satellite.paths).toEqual(expected);
});

function unusedPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
