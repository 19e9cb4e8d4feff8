/** A trace comes out of the intake whatever the size of its bodies. */
import { expect, it } from 'vitest';
import { createCounters } from '../../../src/counters.js';
import { DEFAULT_LIMITS } from '../../../src/limits.js';
import { createBooks } from '../../../src/output/books.js';
import { foldWarnings } from '../../../src/output/fold.js';
import type { Batch } from '../../../src/output/relay/batch.js';
import { Intake } from '../../../src/output/relay/intake.js';
import { createOtlpEncoder } from '../../../src/output/satellite/otlp/encoder.js';
import { instantClock, recordingLog } from '../../support/relay.js';
import { sampleTrace, traceBody } from '../../support/trace.js';

function open(queueBytesMax: number, onEncoding = () => {}) {
  const counters = createCounters();
  const batches: Batch[] = [];
  const { log } = recordingLog();
  const intake = new Intake({
    sender: { encoder: createOtlpEncoder({}, { name: 'pcap-sensor', version: '0.1.0' }) },
    limits: { ...DEFAULT_LIMITS, queue_bytes_max: queueBytesMax },
    books: createBooks(counters),
    warnings: foldWarnings(log, instantClock()),
    onBatch: (batch) => batches.push(batch),
    onEncoding,
  });
  return { intake, batches, counters };
}

const encoded = async (intake: Intake): Promise<void> => {
  while (intake.isEncoding) await new Promise((resolve) => setImmediate(resolve));
  intake.flush();
};

it.each([
  ['larger than the queue', 150_000, 0xff],
  ['larger than it when encoded', 90_000, 0xff],
  ['larger than it when escaped', 90_000, 1],
])('with as much as fits of a body that is %s', async (_, length, byte) => {
  const { intake, batches, counters } = open(100_000);
  intake.accept(sampleTrace({ response: { body: traceBody(Buffer.alloc(length, byte)) } }));
  await encoded(intake);
  expect(batches.map(({ count }) => count)).toEqual([1]);
  const payload = batches[0]?.payload.toString() ?? '';
  expect(payload.length).toBeLessThanOrEqual(100_000);
  expect(payload.length).toBeGreaterThan(98_000);
  expect(payload).toContain('"shed"');
  expect(() => JSON.parse(payload)).not.toThrow();
  expect(counters.exchanges_dropped_undeliverable).toBe(0);
});

it('whole where there is room, without its body while that is taken', async () => {
  const { intake, batches } = open(200_000);
  const trace = () => sampleTrace({ response: { body: traceBody(Buffer.alloc(120_000, 'x')) } });
  intake.accept(trace());
  intake.accept(trace());
  await encoded(intake);
  intake.accept(trace());
  await encoded(intake);
  const bytes = batches.reduce((sum, { payload }) => sum + payload.length, 0);
  expect(batches.reduce((sum, { count }) => sum + count, 0)).toBe(3);
  expect(bytes).toBeGreaterThan(240_000);
  expect(bytes).toBeLessThan(270_000);
});

it('charges each trace once, and what it is as text before it is that', async () => {
  const charges: number[] = [];
  const { intake, batches } = open(1_000_000, () => charges.push(intake.bytes));
  for (let i = 0; i < 2; i++) intake.accept(sampleTrace({ response: { body: traceBody(Buffer.alloc(90_000, 0xff)) } }));
  expect(intake.bytes).toBe(180_000);
  await encoded(intake);
  const text = Math.max(...batches.map(({ payload }) => payload.length)) / 2;
  const head = batches.length * 1000;
  // The first measured beside the second as it is, then as text in the open batch, and so the second.
  [text + 90_000, text + 90_000, 2 * text, 2 * text].forEach((expected, i) => {
    expect(Math.abs((charges[i] as number) - expected)).toBeLessThan(head);
  });
  expect(intake.bytes).toBe(0);
});
