/** What the table of endpoints says, and the parts that it merges: bounded maps and sketches. */
import { expect, it } from 'vitest';
import { countUp, mergeCounts } from '../../../src/satellite/endpoints/bounded-map.js';
import { endpointTable } from '../../../src/satellite/endpoints/endpoint-table.js';
import { Inventory } from '../../../src/satellite/endpoints/inventory.js';
import {
  mergeSketch,
  noteDuration,
  type QuantileSketch,
  quantile,
} from '../../../src/satellite/endpoints/quantile-sketch.js';
import { apiTrace } from '../../support/api-trace.js';
import { Random, runSeed } from '../../support/random.js';

it('says how often, how fast, by whom, with which credentials and which data', () => {
  const inventory = new Inventory();
  for (let i = 1; i <= 100; i++)
    inventory.add(
      {
        ...apiTrace({
          target: `/people/${i}`,
          status: i === 7 ? 404 : 200,
          headers: i % 2 === 0 ? { Authorization: 'Bearer x' } : {},
          answer: {
            mail: 'a@example.com',
            contacts: [{ phone: '+49 30 901820' }],
            iban: 'DE89 3704 0044 0532 0130 00',
            n: 1,
          },
        }),
        durationNano: i * 1e6,
        redactions: [{ where: 'response.body.ssn', rule: 'name:ssn' }],
      },
      { service: 'people' },
    );
  const [row, ...others] = endpointTable(inventory, { service: 'people' });
  expect(others).toEqual([]);
  expect(row).toMatchObject({
    service: 'people',
    host: 'api.example.com',
    method: 'GET',
    template: '/people/{personId}',
    count: 100,
    statuses: { 200: 99, 404: 1 },
    credentials: { 'http bearer': 50 },
    anonymous: 50,
    callers: { '10.0.0.1': 100 },
    sensitive: [
      { field: 'response.body.contacts[].phone', kind: 'phone', count: 100 },
      { field: 'response.body.iban', kind: 'iban', count: 100 },
      { field: 'response.body.mail', kind: 'e-mail', count: 100 },
      { field: 'response.body.ssn', kind: 'name:ssn', count: 100 },
    ],
  });
  expect(Math.abs((row?.latency?.p50 ?? 0) / 50e6 - 1)).toBeLessThan(0.02);
  expect(Math.abs((row?.latency?.p99 ?? 0) / 99e6 - 1)).toBeLessThan(0.02);
});

it('has an endpoint for each operation of GraphQL', () => {
  const inventory = new Inventory();
  for (const query of ['query Hero { hero { name } }', 'mutation Add { add }'])
    inventory.add(apiTrace({ method: 'POST', target: '/graphql', sent: { query }, answer: { data: {} } }));
  expect(endpointTable(inventory).map(({ graphql }) => graphql)).toEqual(['mutation Add', 'query Hero']);
});

it('keeps the same keys of a bounded map, with exact counts, for any order and division', () => {
  const seed = runSeed();
  const random = new Random(seed);
  const events = Array.from({ length: 2000 }, () => `key${random.between(0, 200)}`);
  const whole = new Map<string, number>();
  for (const event of events) countUp(whole, event, 20);
  const parts = [new Map<string, number>(), new Map<string, number>()];
  for (const event of events.reverse()) countUp(random.pick(parts), event, 20);
  const merged = new Map<string, number>();
  for (const part of parts) mergeCounts(merged, part, 20);
  expect([...merged].sort(), `SEED=${seed}`).toEqual([...whole].sort());
  for (const [key, count] of whole) expect(count).toBe(events.filter((event) => event === key).length);
});

it('has quantiles within one per cent, of merged sketches as of one', () => {
  const random = new Random(runSeed());
  const values = Array.from({ length: 5000 }, () => Math.exp(random.next() * 15) * 1e3);
  const sketches: QuantileSketch[] = [new Map(), new Map()];
  for (const value of values) noteDuration(random.pick(sketches), value);
  const merged: QuantileSketch = new Map();
  for (const sketch of sketches) mergeSketch(merged, sketch);
  values.sort((a, b) => a - b);
  for (const share of [0, 0.5, 0.9, 0.99, 1]) {
    const exact = values[Math.floor(share * (values.length - 1))] as number;
    expect(Math.abs((quantile(merged, share) ?? 0) / exact - 1)).toBeLessThan(0.0101);
  }
  expect(quantile(new Map(), 0.5)).toBeNull();
});
