/**
 * A capture file as an output: queues runs, writes many of them at once, begins another file when it is time.
 *
 * in: runs of packets · out: the file; what could not be written is counted by its reason
 */
import { LINKTYPE_ETHERNET } from '../../capture/link-types.js';
import type { Clock } from '../../output/clock.js';
import { foldWarnings } from '../../output/fold.js';
import type { Log } from '../../output/log.js';
import { type CaptureTarget, openCaptureTarget } from './capture-target.js';
import { type OutputBook, type OutputDrop, type PacketOutput, type PacketRun, runBytes } from './packet-output.js';
import { createRunEncoder, type RunEncoder } from './run-encoder.js';

export interface FileOutputSettings {
  readonly path: string;
  readonly format: 'pcap' | 'pcapng';
  readonly snapLength: number;
  /** Bytes and milliseconds after which another file begins; 0 for never. */
  readonly rotateBytes: number;
  readonly rotateMillis: number;
  readonly keep: number;
  readonly queueBytesMax: number;
}

export interface FileOutputContext {
  readonly settings: FileOutputSettings;
  /** The link type of a pcap file; that of its first packets where it is null. */
  readonly linkType: number | null;
  readonly book: OutputBook;
  readonly log: Log;
  readonly clock: Clock;
  /** The reader of standard output has gone. */
  readonly onGone: () => void;
}

export interface FileOutput extends PacketOutput {
  /** The next frame of a run that the file does not hold; null where that is not known. */
  next(run: string): number | null;
}

interface Queued {
  readonly run: PacketRun;
  readonly settled: (() => void) | undefined;
}

/** Bytes of one write. */
const WRITE_BYTES_MAX = 4 << 20;
const RETRY_MILLIS = 1000;
/** Writes are so far apart, unless so much waits: each costs as much as hundreds of packets do. */
const GATHER_MILLIS = 10;
const GATHERED_BYTES = 1 << 20;
/** A file with less in it has no packet. */
const ROTATED_BYTES_MIN = 200;

/** @throws UsageError, SensorError */
export async function openFileOutput(context: FileOutputContext): Promise<FileOutput> {
  const { settings, log, clock, onGone } = context;
  const encoder = createRunEncoder(settings.format, settings.snapLength);
  const target = await openCaptureTarget({
    path: settings.path,
    format: settings.format,
    head: encoder.begin(context.linkType ?? LINKTYPE_ETHERNET),
    keep: settings.keep,
    clock,
    warn: (message) => log.warn({}, message),
    onGone,
  });
  return new QueuedFile(context, encoder, target);
}

class QueuedFile implements FileOutput {
  readonly name: string;
  readonly book: OutputBook;
  readonly #context: FileOutputContext;
  readonly #encoder: RunEncoder;
  readonly #target: CaptureTarget;
  readonly #warn: (kind: string, message: string) => void;
  readonly #stopping = new AbortController();
  #linkType: number | null;
  #queue: Queued[] = [];
  #queuedBytes = 0;
  #writing: Promise<void> | null = null;
  #waiting: (() => void)[] = [];
  #isClosed = false;
  #owesBeginning = false;
  #wroteAt = 0;

  constructor(context: FileOutputContext, encoder: RunEncoder, target: CaptureTarget) {
    const { settings, book, log, clock, linkType } = context;
    this.name = `file ${settings.path}`;
    this.book = book;
    this.#context = context;
    this.#encoder = encoder;
    this.#target = target;
    this.#linkType = linkType;
    const warnings = foldWarnings(log, clock);
    this.#warn = (kind, message) => warnings.warn(kind, { file: settings.path }, message);
    // Readers find the head before any packet has come.
    if (linkType !== null) this.#start();
  }

  take(run: PacketRun, settled?: () => void): void {
    this.book.taken += run.packets;
    if (this.#isClosed || this.#queuedBytes >= this.#context.settings.queueBytesMax) {
      this.#drop({ run, settled }, 'queue-full');
      return;
    }
    this.#queue.push({ run, settled });
    this.#queuedBytes += runBytes(run);
    this.#start();
  }

  drained(): Promise<void> | undefined {
    if (this.#hasRoom) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  next(run: string): number | null {
    return this.#target.next(run);
  }

  async close(deadlineMillis: number): Promise<void> {
    this.#isClosed = true;
    if (this.#writing !== null) {
      const cancel = this.#context.clock.after(deadlineMillis, () => {
        this.#stopping.abort();
        void this.#target.close();
      });
      await this.#writing;
      cancel();
    }
    for (const queued of this.#takeQueue()) this.#drop(queued, 'failed');
    await this.#target.close().catch(() => {});
  }

  get #hasRoom(): boolean {
    return this.#queuedBytes < this.#context.settings.queueBytesMax / 2;
  }

  #start(): void {
    this.#writing ??= new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#writeQueued())
      .finally(() => {
        this.#writing = null;
        if (this.#queue.length > 0 && !this.#stopping.signal.aborted) this.#start();
      });
  }

  async #writeQueued(): Promise<void> {
    const { clock } = this.#context;
    do {
      await this.#gather();
      try {
        await this.#writeSome();
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#warn('failed', `cannot be written: ${(error as Error).message}; the packets of that write are lost`);
        await clock.sleep(RETRY_MILLIS, this.#stopping.signal);
      }
      if (!this.#hasRoom) continue;
      for (const resolve of this.#waiting.splice(0)) resolve();
    } while (this.#queue.length > 0 && !this.#stopping.signal.aborted);
  }

  async #gather(): Promise<void> {
    const { clock } = this.#context;
    const wait = this.#wroteAt + GATHER_MILLIS - clock.now();
    if (wait <= 0 || this.#queuedBytes >= GATHERED_BYTES || this.#isClosed) return;
    await clock.sleep(Math.min(wait, GATHER_MILLIS), this.#stopping.signal);
  }

  /** Writes what is queued, up to a bound. What fails with it is dropped. */
  async #writeSome(): Promise<void> {
    const target = this.#target;
    this.#linkType ??= this.#queue[0]?.run.linkType ?? LINKTYPE_ETHERNET;
    const first = this.#queue[0]?.run.records.length ?? 0;
    if (this.#isTimeToRotate() || this.#wouldOverflow(0, first)) await target.rotate();
    // After a write that failed, nobody knows what the file has been told.
    const begins = (await target.ready()) || this.#owesBeginning;
    const pieces: Buffer[] = begins ? [this.#encoder.begin(this.#linkType)] : [];
    const taken: Queued[] = [];
    const runs = new Map<string, number>();
    let bytes = 0;
    while (bytes < WRITE_BYTES_MAX) {
      const [queued] = this.#queue;
      if (queued === undefined || (bytes > 0 && this.#wouldOverflow(bytes, queued.run.records.length))) break;
      this.#queue.shift();
      this.#queuedBytes -= runBytes(queued.run);
      const encoded = this.#encoder.encode(queued.run);
      if (encoded === null) {
        this.#drop(queued, 'link-type');
        continue;
      }
      taken.push(queued);
      pieces.push(encoded);
      bytes += encoded.length;
      if (queued.run.frame !== null) runs.set(queued.run.frame.run, queued.run.frame.number + 1);
    }
    if (pieces.length === 0) return;
    try {
      await target.write(pieces, runs);
      this.#owesBeginning = false;
    } catch (error) {
      this.#owesBeginning = begins || this.#context.settings.format === 'pcapng';
      for (const queued of taken) this.#drop(queued, 'failed');
      throw error;
    }
    this.#wroteAt = this.#context.clock.now();
    for (const { run, settled } of taken) {
      this.book.written += run.packets;
      settled?.();
    }
  }

  /** Whether the file is to be rotated before so many more bytes, behind those about to be written. */
  #wouldOverflow(bytes: number, more: number): boolean {
    const { rotateBytes } = this.#context.settings;
    const size = this.#target.size + bytes;
    return rotateBytes > 0 && size > ROTATED_BYTES_MIN && size + more > rotateBytes;
  }

  #isTimeToRotate(): boolean {
    const { rotateMillis } = this.#context.settings;
    const { size, since } = this.#target;
    return (
      rotateMillis > 0 && size > ROTATED_BYTES_MIN && since > 0 && this.#context.clock.now() - since >= rotateMillis
    );
  }

  #drop({ run, settled }: Queued, reason: OutputDrop): void {
    this.book.dropped[reason] += run.packets;
    if (reason === 'queue-full') this.#warn(reason, 'cannot keep up: packets are lost');
    if (reason === 'link-type')
      this.#warn(
        `${reason} ${run.linkType}`,
        `packets of link type ${run.linkType} do not fit; output.file.format pcapng takes all`,
      );
    settled?.();
  }

  #takeQueue(): Queued[] {
    this.#queuedBytes = 0;
    return this.#queue.splice(0);
  }
}
