import { expect, it } from 'vitest';
import { createCounters } from '../../../src/counters.js';
import { DEFAULT_LIMITS } from '../../../src/limits.js';
import { openSatelliteRelay } from '../../../src/output/satellite/satellite-relay.js';
import {
  type Answer,
  instantClock,
  recordingLog,
  satelliteSettings,
  startScriptedSatellite,
} from '../../support/relay.js';

/** What is logged of a satellite that answers thus, before there is a trace; of one that is not there, without an answer. */
async function said(answer: Answer | null): Promise<string[]> {
  const satellite = await startScriptedSatellite(() => answer ?? undefined);
  if (answer === null) await satellite.close();
  const { log, lines } = recordingLog();
  const counters = createCounters();
  const relay = await openSatelliteRelay(satelliteSettings(satellite.url, { protocol: 'otlp' }), {
    ...{ counters, log, limits: DEFAULT_LIMITS, clock: instantClock() },
    probesAtStart: true,
  });
  const isSaid = (): boolean => (answer === undefined ? satellite.requests.length > 0 : lines.length > 0);
  while (!isSaid()) await new Promise((resolve) => setTimeout(resolve, 5));
  await relay.close(0);
  if (answer !== null) await satellite.close();
  expect(satellite.paths).toEqual([]);
  expect(counters.export_retries).toBe(0);
  return lines.map(({ level, message }) => `${level} ${message.replaceAll(satellite.url, 'URL')}`);
}

it('a satellite that is not there is named at once, with what is wrong and what to do', async () => {
  expect(await said(null)).toEqual([
    expect.stringMatching(
      /^warn the satellite is away: --satellite-url URL: connection refused: nothing listens on 127\.0\.0\.1:\d+; start the satellite, or check its host and port; pcap-sensor doctor examines it$/,
    ),
  ]);
});

it('one that does not take the credentials', async () => {
  expect(await said({ status: 401 })).toEqual([
    'warn the satellite would take no traces: --satellite-url URL: it answers 401; it does not take these credentials: ' +
      'check --satellite-header authorization=VALUE and --levoai-org-id; pcap-sensor doctor examines it',
  ]);
});

it('nothing is said of one that is there', async () => {
  expect(await said(undefined)).toEqual([]);
});
