import { cp, mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCounters } from '../../../../src/counters.js';
import { foldWarnings } from '../../../../src/output/fold.js';
import type { Batch } from '../../../../src/output/relay/batch.js';
import { readRecord, readRecordHeader, writeRecord } from '../../../../src/output/relay/spool/record.js';
import { openSpool, type Spool } from '../../../../src/output/relay/spool/spool.js';
import { instantClock, recordingLog } from '../../../support/relay.js';

let directory: string;
let opened: Spool[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spool-'));
});
afterEach(async () => {
  for (const spool of opened) await spool.close();
  opened = [];
  await rm(directory, { recursive: true });
});

const batchOf = (text: string, count = 1): Batch => ({
  protocol: 'otlp',
  coding: 'identity',
  count,
  payload: Buffer.from(text),
  recovered: false,
});

async function start(override: { bytesMax?: number; spool_segment_bytes_max?: number; directory?: string } = {}) {
  const counters = createCounters();
  const lost: [number, boolean][] = [];
  const { log, lines } = recordingLog();
  const spool = await openSpool({
    directory,
    bytesMax: 1 << 20,
    spool_segment_bytes_max: 1 << 16,
    counters,
    warnings: foldWarnings(log, instantClock()),
    onLost: (traces, recovered) => lost.push([traces, recovered]),
    ...override,
  });
  opened.push(spool);
  return { spool, counters, lost, lines };
}

/** Takes everything out, as text. */
async function drain(spool: Spool): Promise<string[]> {
  const texts: string[] = [];
  for (let next = await spool.peek(); next !== null; next = await spool.peek()) {
    texts.push(next.batch.payload.toString());
    await next.remove();
  }
  return texts;
}

/** The directory as a killed sensor leaves it. */
async function copied(): Promise<string> {
  const copy = join(directory, 'copy');
  await mkdir(copy, { mode: 0o700 });
  for (const name of await readdir(directory)) if (name !== 'copy') await cp(join(directory, name), join(copy, name));
  return copy;
}

const segments = async (): Promise<string[]> =>
  (await readdir(directory)).filter((name) => name.endsWith('.segment')).sort();

describe('a record', () => {
  const record = writeRecord({ ...batchOf('payload', 3), coding: 'gzip', protocol: 'levo' }, 258);

  it('is what the format says', () => {
    // Checksums by Python's zlib.crc32, over the payload and over the head without its own.
    expect(record.toString('hex')).toBe(
      'ff505332' +
        '07000000' +
        '769b59b8' +
        '156a2c42' +
        '03000000' +
        '01010000' +
        '0201000000000000' +
        '7061796c6f6164',
    );
    expect(readRecordHeader(record)).toEqual({ payloadBytes: 7, traces: 3, first: 258 });
    expect(readRecord(record, true)).toEqual({
      protocol: 'levo',
      coding: 'gzip',
      count: 3,
      payload: Buffer.from('payload'),
      recovered: true,
    });
  });

  it('is refused with any bit of it wrong, and cut anywhere', () => {
    for (let bit = 0; bit < record.length * 8; bit++) {
      const damaged = Buffer.from(record);
      damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(readRecord(damaged, false), `bit ${bit}`).toBeNull();
    }
    for (let length = 0; length < record.length; length++)
      expect(readRecord(record.subarray(0, length), false)).toBeNull();
  });
});

describe('the spool', () => {
  it('gives back what it took, oldest first, and leaves nothing behind', async () => {
    const { spool, counters } = await start({ spool_segment_bytes_max: 60 });
    for (let i = 0; i < 7; i++) expect(await spool.append(batchOf(`batch ${i}`))).toBe(true);
    expect((await segments()).length).toBeGreaterThan(1);
    expect(counters).toMatchObject({ spool_traces: 7, spool_batches_written: 7 });
    expect(await drain(spool)).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `batch ${i}`));
    expect(counters).toMatchObject({ spool_traces: 0, spool_bytes: 0, spool_batches_read: 7 });
    await spool.close();
    expect(await segments()).toEqual([]);
  });

  it('is for nobody else to read', async () => {
    const { spool } = await start();
    await spool.append(batchOf('a'));
    await spool.append(batchOf('b'));
    await (await spool.peek())?.remove();
    for (const name of await readdir(directory)) expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
    await spool.close();
  });

  it('is found again, without what had been taken', async () => {
    const first = await start();
    for (const text of ['a', 'b', 'c']) await first.spool.append(batchOf(text, 2));
    await (await first.spool.peek())?.remove();
    // No close: the sensor was killed, and left this.
    const second = await start({ directory: await copied() });
    expect(second.counters).toMatchObject({ recovered_traces: 4, spool_traces: 4 });
    await second.spool.append(batchOf('d'));
    const oldest = await second.spool.peek();
    expect(oldest?.batch).toMatchObject({ recovered: true, count: 2 });
    expect(await drain(second.spool)).toEqual(['b', 'c', 'd']);
    await second.spool.close();
    expect((await readdir(join(directory, 'copy'))).sort()).toEqual(['cursor', 'cursor.2', 'lock']);
  });

  it.each([1, 10, 31, 32, 35])('skips a tail of which %i bytes are left, and knows what was in it', async (left) => {
    const first = await start();
    await first.spool.append(batchOf('whole'));
    await first.spool.append(batchOf('torn', 7));
    await first.spool.close();
    const [name] = await segments();
    await truncate(join(directory, name!), 37 + left);
    const second = await start();
    // The disk had taken it, so its traces are among those that the run before left.
    expect(second.counters).toMatchObject({ recovered_traces: 8, spool_records_torn: 1 });
    await second.spool.append(batchOf('after'));
    expect(await drain(second.spool)).toEqual(['whole', 'after']);
    expect(second.lost).toEqual([[7, true]]);
    await second.spool.close();
  });

  it('skips a damaged record, and counts what was in it', async () => {
    const { spool, counters, lost } = await start();
    for (const text of ['a', 'b', 'c']) await spool.append(batchOf(text, 5));
    const [name] = await segments();
    const file = await open(join(directory, name!), 'r+');
    await file.write(Buffer.from('X'), 0, 1, 33 + 32);
    await file.close();
    expect(await drain(spool)).toEqual(['a', 'c']);
    expect(lost).toEqual([[5, false]]);
    expect(counters).toMatchObject({ spool_records_torn: 1, spool_traces: 0 });
    await spool.close();
  });

  it('believes the copy of the cursor that is whole, and without any sends rather twice than never', async () => {
    const first = await start();
    for (const text of ['a', 'b']) await first.spool.append(batchOf(text));
    await (await first.spool.peek())?.remove();
    await first.spool.close();
    await writeFile(join(directory, 'cursor'), '1 2');
    const second = await start();
    expect(second.counters).toMatchObject({ recovered_traces: 1, spool_records_torn: 1 });
    await second.spool.close();
    for (const name of ['cursor', 'cursor.2']) await writeFile(join(directory, name), '1 2');
    const third = await start();
    expect(third.counters).toMatchObject({ recovered_traces: 2, spool_records_torn: 2 });
    expect(await drain(third.spool)).toEqual(['a', 'b']);
    await third.spool.close();
  });

  it('keeps what it takes after everything an earlier run wrote was taken', async () => {
    const first = await start();
    for (const text of ['a', 'b']) await first.spool.append(batchOf(text));
    expect(await drain(first.spool)).toEqual(['a', 'b']);
    await first.spool.close();
    const cursor = 'spool 2 taken 0000000000000002 appended 0000000000000002 crc 2804e8b2\n';
    for (const name of ['cursor', 'cursor.2']) expect(await readFile(join(directory, name), 'utf8')).toBe(cursor);
    const second = await start();
    for (const text of ['c', 'd']) await second.spool.append(batchOf(text));
    await second.spool.close();
    const third = await start();
    expect(await drain(third.spool)).toEqual(['c', 'd']);
    await third.spool.close();
  });

  it('gives up its oldest segment when it is full', async () => {
    const { spool, counters, lost } = await start({ bytesMax: 300, spool_segment_bytes_max: 100 });
    for (let i = 0; i < 10; i++) await spool.append(batchOf(`batch ${i}`.padEnd(30)));
    expect(counters.spool_bytes).toBeLessThanOrEqual(300);
    const left = await drain(spool);
    expect(left.at(-1)?.trim()).toBe('batch 9');
    expect(left.length + lost.length).toBe(10);
    await spool.close();
  });

  it('counts a batch once whose segment was given up while it was being sent', async () => {
    const { spool, counters, lost } = await start({ bytesMax: 90, spool_segment_bytes_max: 10 });
    await spool.append(batchOf('a'));
    const delivered = await spool.peek();
    await spool.append(batchOf('b'));
    await spool.append(batchOf('c'));
    await delivered?.remove();
    expect(lost).toEqual([]);
    const late = await spool.peek();
    expect(late?.batch.payload.toString()).toBe('b');
    await spool.append(batchOf('d'));
    late?.release();
    expect(lost).toEqual([[1, false]]);
    expect(await drain(spool)).toEqual(['c', 'd']);
    expect(counters.spool_traces).toBe(0);
    await spool.close();
  });

  it('says no when the disk does, and counts', async () => {
    const { spool, counters, lines } = await start();
    await rm(directory, { recursive: true });
    expect(await spool.append(batchOf('a'))).toBe(false);
    expect(counters).toMatchObject({ spool_errors: 1, spool_traces: 0, spool_bytes: 0 });
    expect(lines[0]?.message).toBe('the spool cannot open a segment: ENOENT');
    await writeFile(directory, '');
  });

  it('names a directory that cannot be used', async () => {
    const path = join(directory, 'file');
    await writeFile(path, '');
    await expect(start({ directory: path })).rejects.toThrow(/^--spool-dir .*file: /);
  });

  it('keeps the bytes exactly', async () => {
    const { spool } = await start();
    const payload = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 31) & 0xff));
    await spool.append({ ...batchOf(''), payload, coding: 'gzip', count: 9 });
    expect((await spool.peek())?.batch).toEqual({
      protocol: 'otlp',
      coding: 'gzip',
      count: 9,
      payload,
      recovered: false,
    });
    await spool.close();
    expect((await readFile(join(directory, (await segments())[0]!))).length).toBe(100_032);
  });
});
