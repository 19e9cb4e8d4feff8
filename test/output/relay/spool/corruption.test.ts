/**
 * Spools that something has written over: what comes out went in, at most once, and what does not come out is counted exactly.
 *
 * `SEED=n` runs one again, `SPOOL_CORRUPTIONS=n` so many of them.
 */
import { expect, it } from 'vitest';
import { createCounters } from '../../../../src/counters.js';
import { foldWarnings } from '../../../../src/output/fold.js';
import type { Batch } from '../../../../src/output/relay/batch.js';
import { CURSOR_NAMES } from '../../../../src/output/relay/spool/cursor.js';
import { RECORD_HEADER_BYTES } from '../../../../src/output/relay/spool/record.js';
import { openSpool, type Spool } from '../../../../src/output/relay/spool/spool.js';
import { MemoryDisk } from '../../../support/memory-disk.js';
import { Random, runSeed } from '../../../support/random.js';
import { instantClock, recordingLog } from '../../../support/relay.js';

const RUNS = process.env.SEED === undefined ? Number(process.env.SPOOL_CORRUPTIONS ?? 2000) : 1;
const RECORDS = 24;

async function open(disk: MemoryDisk) {
  const counters = createCounters();
  const lost = { traces: 0 };
  const spool = await openSpool({
    directory: '/spool',
    bytesMax: 1e9,
    spool_segment_bytes_max: 3000,
    counters,
    warnings: foldWarnings(recordingLog().log, instantClock()),
    onLost: (traces) => {
      lost.traces += traces;
    },
    files: disk.directory(),
  });
  return { spool, counters, lost };
}

/** A spool with some batches, the first of which have been taken; the traces in those that wait, by their payloads. */
async function written(disk: MemoryDisk, random: Random): Promise<Map<string, number>> {
  const waiting = new Map<string, number>();
  const { spool } = await open(disk);
  for (let i = 0; i < RECORDS; i++) {
    const payload = JSON.stringify({ i, body: 'x'.repeat(random.between(0, 900)) });
    const count = random.between(1, 9);
    waiting.set(payload, count);
    const batch: Batch = {
      protocol: 'otlp',
      coding: 'identity',
      count,
      payload: Buffer.from(payload),
      recovered: false,
    };
    expect(await spool.append(batch)).toBe(true);
  }
  for (let i = random.between(0, 9); i > 0; i--) {
    const oldest = await spool.peek();
    waiting.delete(oldest?.batch.payload.toString() ?? '');
    await oldest?.remove();
  }
  await spool.close();
  return waiting;
}

const totalOf = (waiting: ReadonlyMap<string, number>): number => [...waiting.values()].reduce((sum, n) => sum + n, 0);

/** Takes everything, and says of how many traces; each must be one of those written, and come once. */
async function drain(spool: Spool, waiting: Map<string, number>): Promise<number> {
  let traces = 0;
  for (let next = await spool.peek(); next !== null; next = await spool.peek()) {
    const { batch } = next;
    expect(waiting.get(batch.payload.toString()), 'what comes out went in, and comes once').toBe(batch.count);
    waiting.delete(batch.payload.toString());
    traces += batch.count;
    await next.remove();
  }
  return traces;
}

it(`counts exactly what ${RUNS} corruptions took`, { timeout: 600_000 }, async () => {
  const first = runSeed();
  let sound = 0;
  let lost = 0;
  for (let seed = first; seed < first + RUNS; seed++) {
    const random = new Random(seed);
    const disk = new MemoryDisk();
    const waiting = await written(disk, random);
    const total = totalOf(waiting);
    const script: string[] = [];
    // One copy of the cursor is left as it is: without both it is not known how much had been taken before the first record.
    const spared = random.pick([...CURSOR_NAMES]);
    for (let i = random.between(1, 4); i > 0; i--) script.push(corrupt(disk, random, spared));
    try {
      const after = await open(disk);
      const got = await drain(after.spool, waiting);
      const { recovered_traces, spool_traces, spool_bytes } = after.counters;
      expect({ recovered_traces, spool_traces, spool_bytes, accounted: got + after.lost.traces }).toEqual({
        recovered_traces: total,
        spool_traces: 0,
        spool_bytes: 0,
        accounted: total,
      });
      if (after.lost.traces === 0) sound++;
      lost += after.lost.traces;
      await after.spool.close();
      // It is a spool as any other from here on.
      const { spool } = await open(disk);
      expect(await spool.append(batchOf('more'))).toBe(true);
      expect(await drain(spool, new Map([['more', 1]]))).toBe(1);
    } catch (error) {
      process.stderr.write(`SEED=${seed}\n${script.join('\n')}\n`);
      throw error;
    }
  }
  // Else nothing has been tried.
  expect(lost).toBeGreaterThan(RUNS);
  if (RUNS > 1) expect(sound).toBeGreaterThan(0);
});

function corrupt(disk: MemoryDisk, random: Random, spared: string): string {
  const names = [...disk.files.keys()].filter((name) => name !== spared);
  const name = random.pick(names);
  const content = disk.files.get(name) as Buffer;
  const at = random.between(0, content.length);
  const noise = Buffer.from(Array.from({ length: random.between(1, 200) }, () => random.between(0, 255)));
  const put = (bytes: Buffer): void => void disk.files.set(name, bytes);
  const ways: Record<string, () => void> = {
    'bits flip': () => {
      const flipped = Buffer.from(content);
      for (let i = random.between(1, 6); i > 0 && flipped.length > 0; i--) {
        const place = random.between(0, flipped.length - 1);
        flipped[place] = (flipped[place] as number) ^ (1 << random.between(0, 7));
      }
      put(flipped);
    },
    'its end is cut off': () => put(content.subarray(0, at)),
    'its beginning is cut off': () => put(content.subarray(at)),
    'bytes are cut out of it': () => put(Buffer.concat([content.subarray(0, at), content.subarray(at + noise.length)])),
    'bytes are put into it': () => put(Buffer.concat([content.subarray(0, at), noise, content.subarray(at)])),
    'noise is appended': () => put(Buffer.concat([content, noise])),
    'a block of it is zero': () => put(Buffer.from(content).fill(0, at, Math.min(content.length, at + 512))),
    'it is overwritten with another file': () => put(Buffer.from(disk.files.get(random.pick(names)) as Buffer)),
    'it has another name': () => {
      disk.files.delete(name);
      disk.files.set(random.pick([`x${name}`, '900000000000.segment', '000000000000.segment', 'lost+found']), content);
    },
    'it is gone': () => void disk.files.delete(name),
  };
  const way = random.pick(Object.keys(ways));
  ways[way]?.();
  return `${name}: ${way}`;
}

it('loses one record to one bit, wherever it is', async () => {
  const random = new Random(1);
  const whole = new MemoryDisk();
  const waiting = await written(whole, random);
  const most = Math.max(...waiting.values());
  for (const [name, content] of whole.files) {
    // Every bit of a cursor and of each record's header, and a bit of every byte in between.
    const isCursor = (CURSOR_NAMES as readonly string[]).includes(name);
    for (let bit = 0; bit < content.length * 8; bit += isCursor || bit % 4096 < RECORD_HEADER_BYTES * 8 ? 1 : 499) {
      const disk = new MemoryDisk();
      for (const [other, bytes] of whole.files) disk.files.set(other, Buffer.from(bytes));
      const damaged = disk.files.get(name) as Buffer;
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const { spool, counters, lost } = await open(disk);
      const left = new Map(waiting);
      const got = await drain(spool, left);
      const { spool_records_torn: torn } = counters;
      // A bit of what had been taken already costs nothing, and may not even be looked at.
      expect([
        got + lost.traces,
        left.size <= 1,
        lost.traces <= most,
        torn <= 1,
        lost.traces === 0 || torn === 1,
      ]).toEqual([totalOf(waiting), true, true, true, true]);
      if (isCursor) expect(torn).toBe(1);
      expect(isCursor ? lost.traces : totalOf(left)).toBe(lost.traces);
    }
  }
}, 120_000);

function batchOf(text: string): Batch {
  return { protocol: 'otlp', coding: 'identity', count: 1, payload: Buffer.from(text), recovered: false };
}
