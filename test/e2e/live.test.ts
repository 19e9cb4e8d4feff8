/**
 * The live sensor beside real programs: every server of `bench/live` with one client each, so that every client has a turn,
 * and the scenarios whose networks show a connection twice, translate its addresses or lose its packets. The whole matrix is
 * `bench/live/matrix.ts`. What a machine does not have is skipped by name; `bench/live/install` brings it.
 */
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLIENTS } from '../../bench/live/clients.js';
import { runPair } from '../../bench/live/pair.js';
import { isThere, SENSOR } from '../../bench/live/places.js';
import { runScenario } from '../../bench/live/scenario.js';
import { SCENARIOS } from '../../bench/live/scenario-list.js';
import { SERVERS } from '../../bench/live/servers.js';
import { needs } from '../support/needs.js';

const TIMEOUT = 120_000;
const settings = { sensor: SENSOR, keep: null };

/** Programs of `bench/live/install`, by the last part of their path. */
function brought(wanted: readonly string[]): Readonly<Record<string, boolean>> {
  return Object.fromEntries(wanted.map((name) => [`${basename(name)} (bench/live/install)`, isThere(name)]));
}

describe('beside real programs', () => {
  const pairs = SERVERS.map((server, i) => ({ server, client: CLIENTS[i % CLIENTS.length]! }));
  for (const { server, client } of pairs) {
    const needed = needs('capture', 'namespaces', brought([...server.needs, ...client.needs]));
    it(`${server.name} and ${client.name}`, { ...needed, timeout: TIMEOUT }, async () => {
      const { wrong, compared } = await runPair(server, client, settings);
      expect(wrong).toEqual([]);
      expect(compared).toBeGreaterThan(20);
    });
  }
});

describe('on networks', () => {
  for (const scenario of SCENARIOS.filter(({ isHeavy = false }) => !isHeavy)) {
    const needed = needs('capture', 'namespaces', brought(scenario.needs));
    // Beside other work a segment may come later than it is waited for, and be marked as a gap: what is wrong twice is wrong.
    it(scenario.name, { ...needed, timeout: TIMEOUT, retry: 1 }, async () => {
      const { wrong, compared, lostByKernel } = await runScenario(scenario, settings);
      expect(wrong).toEqual([]);
      expect(lostByKernel).toBe(0);
      expect(compared).toBeGreaterThan(0);
    });
  }
});
