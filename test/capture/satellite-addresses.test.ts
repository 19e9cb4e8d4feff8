import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ExcludedEndpoint } from '../../src/capture/exclusions.js';
import { followSatellite } from '../../src/capture/satellite-addresses.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const addresses = (endpoints: readonly ExcludedEndpoint[] | undefined) => endpoints?.map(({ address }) => address);

function follow(answers: (string[] | Error)[], rememberMillis = 60_000) {
  const changes: (readonly ExcludedEndpoint[])[] = [];
  const asked: string[] = [];
  const following = followSatellite({
    host: 'satellite.example',
    port: 4318,
    intervalMillis: 10_000,
    rememberMillis,
    onChange: (endpoints) => changes.push(endpoints),
    resolve: async (host) => {
      asked.push(host);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error || answer === undefined) throw answer;
      return answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
  });
  return { following, changes, asked };
}

describe('the satellite’s addresses', () => {
  it('are all that its name has, with its port', async () => {
    const { following, changes } = follow([['10.0.0.2', '2001:db8::1', '10.0.0.1']]);
    const satellite = await following;
    expect(satellite.endpoints).toEqual([
      { address: '10.0.0.1', port: 4318 },
      { address: '10.0.0.2', port: 4318 },
      { address: '2001:db8::1', port: 4318 },
    ]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(changes).toEqual([]); // the same answer is no change
    satellite.stop();
  });

  it('gain a new one, and lose an old one only when it has been gone for a while', async () => {
    const { following, changes } = follow([['10.0.0.1'], ['10.0.0.2']], 25_000);
    const satellite = await following;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(changes.map(addresses)).toEqual([['10.0.0.1', '10.0.0.2']]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(changes.map(addresses)).toEqual([['10.0.0.1', '10.0.0.2'], ['10.0.0.2']]);
    satellite.stop();
  });

  it('stay while the name does not resolve', async () => {
    const { following, changes } = follow([['10.0.0.1'], new Error('SERVFAIL')], 25_000);
    const satellite = await following;
    await vi.advanceTimersByTimeAsync(100_000);
    expect(addresses(satellite.endpoints)).toEqual(['10.0.0.1']);
    expect(changes).toEqual([]);
    satellite.stop();
  });

  it('are none until the name resolves', async () => {
    const { following, changes } = follow([new Error('ENOTFOUND'), ['10.0.0.1']]);
    const satellite = await following;
    expect(satellite.endpoints).toEqual([]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(changes.map(addresses)).toEqual([['10.0.0.1']]);
    satellite.stop();
  });

  it('include the one the relay has connected to', async () => {
    const { following, changes } = follow([['10.0.0.1']]);
    const satellite = await following;
    satellite.observe('10.0.0.7');
    satellite.observe('10.0.0.7');
    expect(changes.map(addresses)).toEqual([['10.0.0.1', '10.0.0.7']]);
    satellite.stop();
  });

  it('are never more than 64', async () => {
    const { following } = follow([['10.0.0.1']]);
    const satellite = await following;
    for (let i = 0; i < 100; i++) satellite.observe(`10.0.1.${i}`);
    expect(satellite.endpoints).toHaveLength(64);
    expect(addresses(satellite.endpoints)).toContain('10.0.1.99');
    satellite.stop();
  });

  it('are the literal where the host is one, and nothing is resolved', async () => {
    const satellite = await followSatellite({
      host: '::1',
      port: 4318,
      onChange: () => expect.unreachable(),
      resolve: () => expect.unreachable(),
    });
    satellite.observe('::1');
    expect(satellite.endpoints).toEqual([{ address: '::1', port: 4318 }]);
    await vi.advanceTimersByTimeAsync(10_000_000);
    expect(satellite.endpoints).toHaveLength(1);
  });

  it('asks no more once stopped', async () => {
    const { following, asked } = follow([['10.0.0.1']]);
    (await following).stop();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(asked).toEqual(['satellite.example']);
  });
});
