/** What a satellite says of itself to Prometheus. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { keyOf } from '../../src/enrolment/keys.js';
import type { FleetBudgetStatus } from '../../src/satellite/fleet/fleet-budget.js';
import { satelliteMetrics } from '../../src/satellite/metrics.js';
import { startSatellite } from '../../src/satellite/satellite.js';

const FLEET = {
  agents: { running: 3, unwell: 2, refusing: 1, evicted: 0 },
  budgets: [],
  division: { groups: [{ sensors: ['a', 'b'], ways: 2 }], missed: 4, refused: 5 },
  orders: 6,
};
const BUDGET: FleetBudgetStatus = {
  scope: 'service',
  ...{ name: 'sh"op', perMinute: 600, sensors: 2, asked: 900.5, leased: 600, kept: 590, refused: 1 },
};

describe('the metrics', () => {
  it('have refusals by reason, and budgets by whom they are for', () => {
    const text = satelliteMetrics({
      ...{
        received: 7,
        kafka: null,
        refused: { unsigned: 1, 'unknown key': 0, forged: 2, clock: 0, replayed: 3, foreign: 0 },
      },
      fleet: { ...FLEET, budgets: [BUDGET] },
    });
    for (const line of [
      'pcap_sensor_satellite_traces_received_total 7',
      'pcap_sensor_satellite_requests_refused_total{reason="replayed"} 3',
      'pcap_sensor_satellite_fleet_agents 3',
      'pcap_sensor_satellite_fleet_sharing_groups 1',
      'pcap_sensor_satellite_fleet_budget_traces_per_minute{scope="service",name="sh\\"op"} 600',
      'pcap_sensor_satellite_fleet_budget_asked_traces_per_minute{scope="service",name="sh\\"op"} 900.5',
      'pcap_sensor_satellite_fleet_budget_reports_refused_total{scope="service",name="sh\\"op"} 1',
    ])
      expect(text.split('\n')).toContain(line);
  });

  it('tell an organisation nothing of the others, and leave out what there is not', () => {
    const text = satelliteMetrics({ received: null, kafka: null, refused: null, fleet: FLEET });
    for (const name of ['received', 'requests_refused', 'fleet_budget', 'kafka']) expect(text).not.toContain(name);
  });

  it('count what a satellite refused', async () => {
    const satellite = await startSatellite({
      ...{ host: '127.0.0.1', port: 0, traces_max: 10, readKeys: () => [keyOf('a-key-of-the-whole-fleet')] },
      fleetRates: [{ scope: 'all', name: '', perMinute: 60 }],
    });
    onTestFinished(() => satellite.close());
    expect((await fetch(`${satellite.url}/v1/traces`, { method: 'POST', body: '{}' })).status).toBe(401);
    const text = await (await fetch(`${satellite.url}/metrics`)).text();
    expect(text).toContain('requests_refused_total{reason="unsigned"} 1\n');
    expect(text).toContain('pcap_sensor_satellite_fleet_agents 0\n');
  });
});
