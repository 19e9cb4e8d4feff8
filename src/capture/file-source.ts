/**
 * A capture file as a packet source: pcap and pcapng, microseconds and nanoseconds, either byte order, from a path or
 * from stdin (`-`).
 *
 * in:  a byte stream · out: `PacketBatch`es that lie in the read buffer, so memory stays flat however large the file
 */
import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { SensorError, UsageError } from '../errors.js';
import { type CaptureFileFormat, CaptureFormatError, RECORD_BYTES_MAX } from './capture-file-format.js';
import type { FileFilter } from './exclusions.js';
import type { PacketFilter } from './filter-program.js';
import {
  type CaptureInterface,
  createPacketBatch,
  type InterfaceStatistics,
  type PacketBatch,
} from './packet-batch.js';
import type { BatchConsumer, PacketSource } from './packet-source.js';
import { PcapFormat } from './pcap-format.js';
import { PcapngFormat } from './pcapng-format.js';

const BUFFER_BYTES = 2 << 20;
const READ_BYTES = 1 << 20;
const BATCH_PACKETS = 4096;
/** As many as `PacketBatch.interfaceId` can distinguish. */
const INTERFACES_MAX = 65_536;

export class FileSource implements PacketSource {
  readonly backend = 'file';
  readonly interfaces: CaptureInterface[] = [];
  readonly #path: string;
  readonly #input: ByteInput;
  readonly #filter: FileFilter | null;
  /** By interface id; null takes every packet. */
  readonly #filters: (PacketFilter | null)[] = [];
  readonly #packets: number[] = [];
  #packetsFiltered = 0;
  #stopped = false;
  /** What was wrong with the file's end, if anything; everything before it was delivered. */
  warning: string | null = null;

  private constructor(path: string, input: ByteInput, filter: FileFilter | null) {
    this.#path = path;
    this.#input = input;
    this.#filter = filter;
  }

  /** Opens `path`; rejects with a `UsageError` if it cannot be read. */
  static async open(path: string, filter: FileFilter | null = null): Promise<FileSource> {
    if (path === '-') return new FileSource('stdin', streamInput(process.stdin), filter);
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
      const stat = await handle.stat();
      if (stat.isDirectory()) {
        await handle.close();
        throw Object.assign(new Error(), { code: 'EISDIR' });
      }
      // A pipe has no positions to read at, and opening it anew would break it for its writer.
      if (!stat.isFile()) {
        return new FileSource(path, streamInput(handle.createReadStream({ highWaterMark: 1 << 20 })), filter);
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new UsageError(`--read "${path}" cannot be read (${code}): name a pcap or pcapng file, or - for stdin`);
    }
    return new FileSource(path, fileInput(handle), filter);
  }

  async run(consume: BatchConsumer): Promise<void> {
    let buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    const batch = createPacketBatch(BATCH_PACKETS);
    let format: CaptureFileFormat | null = null;
    let start = 0;
    let end = 0;
    try {
      while (!this.#stopped) {
        const got = await this.#input.read(buffer, end);
        if (got === 0) break;
        end += got;
        if (format === null) {
          if (end < 4) continue;
          format = this.#recognise(buffer);
        }
        for (;;) {
          batch.count = 0;
          const before = start;
          let broken: unknown = null;
          try {
            start = format.read(buffer, start, end, batch);
          } catch (error) {
            broken = error;
          }
          if (this.#filter !== null) this.#keepMatching(batch, buffer);
          // The packets before the broken place are delivered too.
          if (batch.count > 0) await this.#deliver(batch, buffer, consume);
          if (broken !== null) throw broken;
          if (this.#stopped || start === before) break;
        }
        // What is left of the last record moves to the front.
        buffer.copyWithin(0, start, end);
        end -= start;
        start = 0;
        if (end === buffer.length || format.needed > buffer.length) {
          if (buffer.length >= RECORD_BYTES_MAX) {
            this.warning = `a record of ${format.needed} bytes is longer than any packet; reading stopped there`;
            break;
          }
          const grown = Buffer.allocUnsafeSlow(Math.min(RECORD_BYTES_MAX, Math.max(buffer.length * 2, format.needed)));
          buffer.copy(grown, 0, 0, end);
          buffer = grown;
        }
      }
      if (!this.#stopped && this.warning === null) {
        if (format === null) {
          if (end > 0) throw new SensorError(`--read "${this.#path}" is ${end} bytes long and no capture file`);
          this.warning = 'the file is empty';
        } else if (end > start) {
          this.warning = `the file ends in the middle of a record (${end - start} bytes left over)`;
        } else if (this.#packetsFiltered > 0 && this.#packets.length === 0) {
          this.warning = `none of its ${this.#packetsFiltered} packets passed --filter ${JSON.stringify(this.#filter?.user)}; widen it, or leave it out`;
        }
      }
    } catch (error) {
      // What came before the broken place was delivered; the rest cannot be found again.
      if (!(error instanceof CaptureFormatError) || format === null) throw error;
      this.warning = error.message;
    } finally {
      await this.#input.close();
    }
  }

  stop(): void {
    this.#stopped = true;
    // A pipe may stay silent for ever.
    this.#input.cancel();
  }

  statistics(): InterfaceStatistics[] {
    // A file may record drops from when it was written, but the sensor drops nothing that it reads.
    return this.interfaces.map(({ id, name }) => ({ name, packets: this.#packets[id] ?? 0, dropped: 0, freezes: 0 }));
  }

  /** Leaves in `batch` the packets that the filter takes. */
  #keepMatching(batch: PacketBatch, buffer: Buffer): void {
    const { offset, capturedLength, wireLength, time, interfaceId } = batch;
    let kept = 0;
    for (let i = 0; i < batch.count; i++) {
      const takes = this.#filters[interfaceId[i] as number] ?? null;
      const at = offset[i] as number;
      if (takes?.(buffer, at, capturedLength[i] as number, wireLength[i] as number) === false) continue;
      if (kept < i) {
        offset[kept] = at;
        capturedLength[kept] = capturedLength[i] as number;
        wireLength[kept] = wireLength[i] as number;
        time[kept] = time[i] as number;
        interfaceId[kept] = interfaceId[i] as number;
      }
      kept++;
    }
    this.#packetsFiltered += batch.count - kept;
    batch.count = kept;
  }

  async #deliver(batch: PacketBatch, buffer: Buffer, consume: BatchConsumer): Promise<void> {
    batch.bytes = buffer;
    const { interfaceId, count } = batch;
    // Packets of one interface come in runs.
    for (let i = 0; i < count; ) {
      const id = interfaceId[i] as number;
      const from = i;
      while (i < count && interfaceId[i] === id) i++;
      this.#packets[id] = (this.#packets[id] ?? 0) + i - from;
    }
    const done = consume(batch);
    if (done !== undefined) await done;
  }

  #recognise(buffer: Buffer): CaptureFileFormat {
    const add = (linkType: number, name?: string): number => {
      const id = this.interfaces.length;
      if (id >= INTERFACES_MAX) throw new CaptureFormatError(`more than ${INTERFACES_MAX} interfaces are described`);
      this.#filters.push(this.#filter?.compile(linkType) ?? null);
      this.interfaces.push({ id, name: name ?? this.#path, linkType });
      return id;
    };
    const magic = buffer.readUInt32BE(0);
    if (PcapFormat.isMagic(magic)) return new PcapFormat(magic, add);
    if (magic === PcapngFormat.magic) return new PcapngFormat(add);
    const wayOut =
      magic >>> 16 === 0x1f8b
        ? ' (it is gzip: pipe it through "gzip -dc" into --read -)'
        : '; give a file such as tcpdump -w writes';
    throw new UsageError(
      `--read "${this.#path}" begins with 0x${magic.toString(16).padStart(8, '0')}, which is no pcap or pcapng file${wayOut}`,
    );
  }
}

interface ByteInput {
  /** Reads into `buffer` from `at`; 0 at the end. */
  read(buffer: Buffer, at: number): Promise<number>;
  /** Ends a read that waits as if the input had ended. */
  cancel(): void;
  close(): Promise<void>;
}

/**
 * Reads on this thread: the page cache gives the next piece in less time than it takes to wake up from a thread pool's
 * work. Between pieces everything else gets its turn.
 */
function fileInput(handle: FileHandle): ByteInput {
  return {
    read: async (buffer, at) => {
      await yieldTurn();
      return readSync(handle.fd, buffer, at, Math.min(buffer.length - at, READ_BYTES), null);
    },
    cancel: () => {},
    close: () => handle.close(),
  };
}

const yieldTurn = promisify(setImmediate);

function streamInput(stream: Readable): ByteInput {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let left: Buffer | null = null;
  let cancelled = false;
  return {
    read: async (buffer, at) => {
      if (left === null) {
        // A stream destroyed while it is waited for rejects, or ends.
        const next = await chunks.next().catch((error: unknown) => {
          if (cancelled) return { done: true as const, value: undefined };
          throw error;
        });
        if (next.done || cancelled) return 0;
        left = next.value;
      }
      const taken = left.copy(buffer, at);
      left = taken < left.length ? left.subarray(taken) : null;
      return taken;
    },
    cancel: () => {
      cancelled = true;
      stream.destroy();
    },
    close: async () => {
      stream.destroy();
    },
  };
}
