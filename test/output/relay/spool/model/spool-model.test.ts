/**
 * The spool beside its model, driven by random actions and faults: both do the same, and after each step the disk, the
 * counters and what waits are the same. Beyond the model, what a user relies on: bytes come back as they went in, oldest
 * first, each once where nothing took the cursor away, and nothing is lost uncounted.
 *
 * `SEED=n` runs one sequence again, `SPOOL_SEEDS=n` so many of them.
 */
import { expect, it } from 'vitest';
import { type Counters, createCounters } from '../../../../../src/counters.js';
import { foldWarnings } from '../../../../../src/output/fold.js';
import type { Batch } from '../../../../../src/output/relay/batch.js';
import { CURSOR_NAMES } from '../../../../../src/output/relay/spool/cursor.js';
import { RECORD_HEADER_BYTES } from '../../../../../src/output/relay/spool/record.js';
import {
  openSpool,
  type Spool,
  type SpoolContext,
  type SpooledBatch,
} from '../../../../../src/output/relay/spool/spool.js';
import { type DiskFault, type DiskOperation, MemoryDisk } from '../../../../support/memory-disk.js';
import { Random, runSeed } from '../../../../support/random.js';
import { instantClock, recordingLog } from '../../../../support/relay.js';
import { type ModelCursor, type ModelRecord, nameOf, SpoolModel, sizeOf } from './spool-model.js';

const SEEDS = Number(process.env.SPOOL_SEEDS ?? 400);
const ACTIONS = 80;
const OPERATIONS: readonly DiskOperation[] = ['open', 'create', 'read', 'append', 'truncate', 'overwrite', 'remove'];

it(`does as its model does, through ${SEEDS} sequences of actions and faults`, { timeout: 3_600_000 }, async () => {
  const first = runSeed();
  const seeds = process.env.SEED === undefined ? SEEDS : 1;
  for (let seed = first; seed < first + seeds; seed++) {
    const run = new SpoolRun(seed);
    try {
      await run.drive();
    } catch (error) {
      process.stderr.write(`SEED=${seed}\n${run.script.join('\n')}\n`);
      throw error;
    }
  }
});

class SpoolRun {
  /** What was done, for a reader of a failure. */
  readonly script: string[] = [];
  readonly #random: Random;
  readonly #disk = new MemoryDisk();
  readonly #model: SpoolModel;
  readonly #settings: { bytesMax: number; segmentBytesMax: number };
  /** Whether the disk refuses, or bytes change on it; else nothing may come twice or be lost uncounted. */
  readonly #isDiskFaulty: boolean;
  #spool!: Spool;
  #counters = createCounters();
  #lost: number[] = [];
  #lostEver: number[] = [];
  #taken: SpooledBatch | null = null;
  #records = new Map<number, ModelRecord>();
  #appended: number[] = [];
  #removed: number[] = [];
  #nextId = 1;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#isDiskFaulty = this.#random.chance(0.6);
    this.#settings = {
      bytesMax: this.#random.pick([200, 1000, 4000, 1e9]),
      segmentBytesMax: this.#random.pick([1, 100, 300, 1000]),
    };
    this.#model = new SpoolModel(this.#settings);
  }

  async drive(): Promise<void> {
    await this.#open('open');
    for (let i = 0; i < ACTIONS; i++) {
      await this.#act();
      this.#check();
    }
    await this.#drain();
    this.#check();
    this.#checkLedger();
  }

  async #act(): Promise<void> {
    const random = this.#random;
    const die = random.between(1, 100);
    if (die <= 40) return this.#append();
    if (die <= 58) return this.#take();
    if (die <= 76) return this.#taken === null ? this.#append() : this.#remove();
    if (die <= 80) return this.#release();
    if (die <= 84) return this.#reopen();
    if (die <= 87) return this.#open('killed');
    if (die <= 88) return this.#openAnother();
    if (die <= 91) return this.#tear();
    if (!this.#isDiskFaulty) return this.#append();
    if (die <= 93) return this.#fill();
    if (die <= 96) return this.#strike({ operation: random.pick(OPERATIONS), kept: random.between(0, 60) });
    if (die <= 98) return this.#flip();
    return this.#foreign();
  }

  async #append(): Promise<void> {
    const { record, batch } = this.#newRecord();
    this.script.push(`append ${record.id}, ${record.bytes} bytes`);
    const isTaken = this.#model.append(record);
    invariant(await this.#spool.append(batch), isTaken, 'the disk took what the model took');
    if (isTaken) this.#appended.push(record.id);
  }

  async #take(): Promise<void> {
    if (this.#taken !== null) return;
    this.script.push('peek');
    const expected = this.#model.peek();
    this.#taken = await this.#spool.peek();
    invariant(idOf(this.#taken), expected?.id ?? null, 'the oldest that can be read is handed out');
    if (expected === null) return;
    const { batch } = this.#taken as SpooledBatch;
    invariant(
      [batch.payload.equals(payloadOf(expected)), batch.count, batch.recovered, batch.coding],
      [true, expected.traces, !this.#wasAppendedInThisRun(expected.id), codingOf(expected.id)],
      'a batch comes back as it was appended',
    );
  }

  async #remove(): Promise<void> {
    const id = idOf(this.#taken);
    this.script.push(`remove ${id}`);
    this.#model.remove();
    await this.#taken?.remove();
    this.#taken = null;
    if (id !== null) this.#removed.push(id);
  }

  async #release(): Promise<void> {
    this.script.push('release');
    this.#model.release();
    this.#taken?.release();
    this.#taken = null;
  }

  async #reopen(): Promise<void> {
    await this.#release();
    this.#model.close();
    await this.#spool.close();
    await this.#open('closed');
  }

  /** Another sensor, while this one has the directory: it is refused, and changes nothing. */
  async #openAnother(): Promise<void> {
    if (!this.#disk.isLocked) return;
    this.script.push('another opens');
    await expect(openSpool(this.#spoolContext(createCounters(), []))).rejects.toThrow(/another sensor uses it/);
  }

  /** Another run, on what the last one left. */
  async #open(why: string): Promise<void> {
    this.script.push(`${why}; open`);
    this.#disk.kill();
    if (this.#random.chance(0.05)) {
      this.script.push('the disk knows no locks');
      void this.#disk.strike({ operation: 'lock' });
    }
    const counters = createCounters();
    const lost: number[] = [];
    this.#counters = counters;
    this.#lostEver.push(...this.#model.lost.map(({ id }) => id));
    if (this.#model.onlyInHand !== null) this.#lostEver.push(this.#model.onlyInHand);
    this.#lost = lost;
    this.#taken = null;
    this.#firstIdOfRun = this.#nextId;
    this.#model.open();
    this.#spool = await openSpool(this.#spoolContext(counters, lost));
  }

  #spoolContext(counters: Counters, lost: number[]): SpoolContext {
    return {
      directory: '/spool',
      bytesMax: this.#settings.bytesMax,
      spool_segment_bytes_max: this.#settings.segmentBytesMax,
      counters,
      warnings: foldWarnings(recordingLog().log, instantClock()),
      onLost: (traces) => lost.push(traces),
      files: this.#disk.directory(),
    };
  }

  /** Killed in the middle of a write. */
  async #tear(): Promise<void> {
    this.#heal();
    const { record, batch } = this.#newRecord();
    if (record.bytes > this.#settings.bytesMax) return;
    const fault: DiskFault = { operation: 'append', kept: this.#random.between(0, record.bytes), isFatal: true };
    this.script.push(`append ${record.id}, killed after ${fault.kept} of ${record.bytes} bytes`);
    const killed = this.#disk.strike(fault);
    this.#model.faults.push(fault);
    this.#model.append(record);
    void this.#spool.append(batch);
    await killed;
    if (fault.kept === record.bytes && this.#model.diskBytesMax === Number.POSITIVE_INFINITY)
      this.#appended.push(record.id);
    await this.#open('killed');
  }

  #fill(): void {
    const bytesMax = this.#random.chance(0.5)
      ? Number.POSITIVE_INFINITY
      : this.#model.diskBytes + this.#random.between(0, 200);
    this.script.push(`the disk holds ${bytesMax} bytes`);
    this.#disk.bytesMax = bytesMax;
    this.#model.diskBytesMax = bytesMax;
  }

  #strike(fault: DiskFault): void {
    this.script.push(`the next ${fault.operation} fails after ${fault.kept} bytes`);
    void this.#disk.strike(fault);
    this.#model.faults.push(fault);
  }

  #heal(): void {
    this.#disk.heal();
    this.#model.faults = [];
  }

  /** A bit changes on the disk: of a header, of a payload, of a copy of the cursor. */
  #flip(): void {
    const random = this.#random;
    if (random.chance(0.3)) {
      this.#flipCursor();
      return;
    }
    const file = random.pick(this.#model.files);
    if (file === undefined || file.records.length === 0) return;
    const index = random.between(0, file.records.length - 1);
    const record = file.records[index] as ModelRecord;
    if (record.damage !== 'none') return;
    record.damage = random.chance(0.5) ? 'header' : 'payload';
    const [from, to] = record.damage === 'header' ? [0, RECORD_HEADER_BYTES] : [RECORD_HEADER_BYTES, record.bytes];
    const start = sizeOf({ records: file.records.slice(0, index), tornBytes: 0 });
    this.script.push(`a bit of the ${record.damage} of ${record.id} changes`);
    this.#flipAt(nameOf(file.number), start + random.between(from, to - 1));
  }

  #flipCursor(): void {
    const index = this.#random.between(0, 1);
    const cursor = this.#model.cursors[index] as ModelCursor;
    if (cursor.bytes === 0 || cursor.isDamaged) return;
    cursor.isDamaged = true;
    this.script.push(`a bit of the cursor's copy ${index} changes`);
    this.#flipAt(CURSOR_NAMES[index] as string, this.#random.between(0, cursor.bytes - 1));
  }

  #flipAt(name: string, place: number): void {
    const content = this.#disk.files.get(name) as Buffer;
    content[place] = (content[place] as number) ^ (1 << this.#random.between(0, 7));
  }

  /** A file that is none of the spool's. */
  #foreign(): void {
    const name = this.#random.pick(['lost+found', '1.segment', 'cursor.new', '000000000001.segment.bak', '.hidden']);
    this.script.push(`a file ${name} appears`);
    const before = this.#disk.files.get(name)?.length ?? 0;
    this.#disk.files.set(name, Buffer.alloc(7));
    this.#model.foreign.add(name);
    this.#model.foreignBytes += 7 - before;
  }

  async #drain(): Promise<void> {
    this.#heal();
    await this.#release();
    for (;;) {
      await this.#take();
      if (this.#taken === null) return;
      await this.#remove();
    }
  }

  #check(): void {
    const { recovered_traces, spool_traces, spool_bytes, spool_records_torn, spool_errors } = this.#counters;
    const { spool_batches_written, spool_batches_read } = this.#counters;
    invariant(
      {
        ...{ recovered_traces, spool_traces, spool_bytes, spool_records_torn, spool_errors },
        ...{ spool_batches_written, spool_batches_read },
      },
      this.#model.counters,
      'the counters are those of the model',
    );
    invariant(this.#spool.batches, this.#model.waiting.length, 'as many batches wait');
    invariant(
      this.#lost,
      this.#model.lost.map(({ traces }) => traces),
      'what is lost is reported, once',
    );
    invariant(
      [...this.#disk.files]
        .filter(([name]) => /^\d{12}\.segment$/.test(name))
        .map(([name, { length }]) => [name, length]),
      this.#model.files.map((file) => [nameOf(file.number), sizeOf(file)]),
      'the files are those of the model',
    );
    if (spool_bytes > this.#settings.bytesMax && recovered_traces === 0)
      throw new Error(`invariant violation: the spool has ${spool_bytes} bytes, over ${this.#settings.bytesMax}`);
  }

  /** What holds whatever the model says. */
  #checkLedger(): void {
    invariant(this.#model.waiting, [], 'nothing waits behind a drained spool');
    if (this.#isDiskFaulty) return;
    invariant(
      [...this.#removed, ...this.#lostEver, ...this.#model.lost.map(({ id }) => id)].sort((a, b) => a - b),
      this.#appended,
      'on a sound disk each batch is taken or counted as lost, once',
    );
    invariant(
      this.#removed,
      [...this.#removed].sort((a, b) => a - b),
      'oldest first',
    );
  }

  #firstIdOfRun = 1;

  #wasAppendedInThisRun(id: number): boolean {
    return id >= this.#firstIdOfRun;
  }

  #newRecord(): { record: ModelRecord; batch: Batch } {
    const id = this.#nextId++;
    const traces = this.#random.between(1, 9);
    const record: ModelRecord = {
      id,
      bytes: RECORD_HEADER_BYTES + this.#random.between(8, this.#random.chance(0.05) ? 2000 : 120),
      traces,
      first: 0,
      damage: 'none',
    };
    this.#records.set(id, record);
    const batch: Batch = {
      protocol: 'otlp',
      coding: codingOf(id),
      count: traces,
      payload: payloadOf(record),
      recovered: false,
    };
    return { record, batch };
  }
}

function invariant(actual: unknown, expected: unknown, what: string): void {
  expect(actual, `invariant violation: ${what}`).toEqual(expected);
}

const codingOf = (id: number): Batch['coding'] => (id % 2 === 0 ? 'gzip' : 'identity');

/** The record's id, and bytes that are no other's. */
function payloadOf({ id, bytes }: ModelRecord): Buffer {
  const payload = Buffer.alloc(bytes - RECORD_HEADER_BYTES, id & 0xff);
  payload.writeUInt32LE(id, 0);
  return payload;
}

function idOf(spooled: SpooledBatch | null): number | null {
  return spooled?.batch.payload.readUInt32LE(0) ?? null;
}
