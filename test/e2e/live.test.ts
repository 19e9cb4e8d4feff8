/**
 * The live sensor beside real programs: every server of `bench/live` with one client each, so that every client has a turn,
 * and the scenarios whose networks show a connection twice, translate its addresses or lose its packets. The whole matrix is
 * `bench/live/matrix.ts`. What a machine does not have is skipped by name; `bench/live/install` brings it.
 */
import { describe, expect, it } from 'vitest';
import { CLIENTS } from '../../bench/live/clients.js';
import { runPair } from '../../bench/live/pair.js';
import { isThere, SENSOR } from '../../bench/live/places.js';
import { runScenario } from '../../bench/live/scenario.js';
import { SCENARIOS } from '../../bench/live/scenario-list.js';
import { SERVERS } from '../../bench/live/servers.js';
import { canMakeNamespaces } from '../support/namespace.js';
import { mayCapture } from '../support/permission.js';

const TIMEOUT = 120_000;
const settings = { sensor: SENSOR, keep: null };

/** What the sensor is known not to do yet: the test says when it does. */
const PENDING = ['NAT: ', 'PROXY protocol', 'X-Forwarded-For', 'Envoy behind REDIRECT'];

/** A title that names what is missing, and whether anything is. */
function needing(title: string, needs: readonly string[]): { title: string; skip: boolean } {
  const missing = needs.filter((need) => !isThere(need));
  return {
    title: missing.length === 0 ? title : `${title} (bench/live/install brings ${missing.join(', ')})`,
    skip: missing.length > 0,
  };
}

describe.skipIf(!mayCapture || !canMakeNamespaces)('beside real programs (needs CAP_NET_RAW, CAP_NET_ADMIN)', () => {
  const pairs = SERVERS.map((server, i) => ({ server, client: CLIENTS[i % CLIENTS.length]! }));
  for (const { server, client } of pairs) {
    const { title, skip } = needing(`${server.name} and ${client.name}`, [...server.needs, ...client.needs]);
    it(title, { skip, timeout: TIMEOUT }, async () => {
      const { wrong, compared } = await runPair(server, client, settings);
      expect(wrong).toEqual([]);
      expect(compared).toBeGreaterThan(20);
    });
  }
});

describe.skipIf(!mayCapture || !canMakeNamespaces)('on networks (needs CAP_NET_RAW, CAP_NET_ADMIN)', () => {
  for (const scenario of SCENARIOS.filter(({ isHeavy = false }) => !isHeavy)) {
    const { title, skip } = needing(scenario.name, scenario.needs);
    const fails = PENDING.some((name) => scenario.name.startsWith(name));
    it(title, { skip, fails, timeout: TIMEOUT }, async () => {
      const { wrong, compared, lostByKernel } = await runScenario(scenario, settings);
      expect(wrong).toEqual([]);
      expect(lostByKernel).toBe(0);
      expect(compared).toBeGreaterThan(0);
    });
  }
});
