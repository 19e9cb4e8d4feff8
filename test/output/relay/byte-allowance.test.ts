/** No minute has more bytes than it may, whatever comes and however often it is tried, and what may be sent is used. */
import { describe, expect, it } from 'vitest';
import { ByteAllowance } from '../../../src/output/relay/byte-allowance.js';
import { Random, runSeed } from '../../support/random.js';
import { startRelay, startScriptedSatellite } from '../../support/relay.js';

const PER_MINUTE = 1_000_000;

describe('an allowance', () => {
  it('is kept to in every minute, and used', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let round = 0; round < 5; round++) {
      let now = 1e12;
      const allowance = new ByteAllowance(PER_MINUTE, () => now);
      // What compression makes of it.
      const ratio = 0.1 + random.next() * 0.9;
      const sent: { time: number; bytes: number }[] = [];
      const queue: { bytes: number; traces: number }[] = [];
      let open = { encoded: 0, traces: 0 };
      let refused = 0;
      const end = now + 600_000;
      while (now < end) {
        now += random.between(1, 100);
        const encoded = random.between(500, 6000);
        if (allowance.admit(encoded)) open = { encoded: open.encoded + encoded, traces: open.traces + 1 };
        else refused++;
        if (open.encoded > 30_000) {
          queue.push({ bytes: Math.round(open.encoded * ratio), traces: open.traces });
          open = { encoded: 0, traces: 0 };
        }
        const [batch] = queue;
        if (batch === undefined || allowance.waitMillis(batch.bytes) > 0) continue;
        queue.shift();
        for (let tries = random.chance(0.05) ? 3 : 1, first = true; tries > 0; tries--, first = false) {
          now += allowance.waitMillis(batch.bytes);
          allowance.noteSent(batch.bytes, batch.traces, first);
          sent.push({ time: now, bytes: batch.bytes + 512 });
        }
      }
      let total = 0;
      for (let first = 0, last = 0, sum = 0; last < sent.length; last++) {
        sum += sent[last]!.bytes;
        total += sent[last]!.bytes;
        while (sent[first]!.time <= sent[last]!.time - 60_000) sum -= sent[first++]!.bytes;
        expect(sum, `seed ${seed}`).toBeLessThanOrEqual(PER_MINUTE);
      }
      if (refused > 100) expect(total / 10, `seed ${seed}`).toBeGreaterThan(0.75 * PER_MINUTE);
    }
  });

  it('goes on where the clock is set back, and gives nothing away where it is set ahead', () => {
    let now = 1e12;
    const allowance = new ByteAllowance(600_000, () => now);
    allowance.noteSent(60_000, 1, true);
    now -= 3_600_000;
    expect(allowance.waitMillis(1000)).toBeLessThan(1000);
    now += 7_200_000;
    expect(allowance.waitMillis(60_000)).toBe(0);
    allowance.noteSent(60_000, 1, true);
    expect(allowance.waitMillis(60_000)).toBeGreaterThan(5000);
  });
});

it('a relay drops what is beyond it, and counts that by itself', async () => {
  const satellite = await startScriptedSatellite();
  const { relay, counters, accept } = await startRelay(satellite.url, {
    ...{ bytesPerMinute: 100_000, compression: 'none', protocol: 'otlp' },
  });
  for (let i = 0; i < 100; i++) accept(`/${i}`, 1000);
  await relay.close(5000);
  await satellite.close();
  const bytes = satellite.requests.reduce((sum, { body }) => sum + body.length, 0);
  expect(bytes).toBeLessThanOrEqual(100_000);
  expect(counters.exchanges_dropped_byte_limited).toBeGreaterThan(80);
  expect(counters.exchanges_dropped_undeliverable).toBe(0);
  expect(counters.exchanges_exported + counters.exchanges_dropped_byte_limited).toBe(100);
  expect(satellite.paths).toHaveLength(counters.exchanges_exported);
});
