/**
 * Writes the packets of an exchange's connection where a rule asks for them: what `--packets-on` is. Here the river of traces
 * meets that of packets, and nowhere else.
 *
 * in: packets as they come, traces as they leave · out: DIRECTORY/TRACEID.pcap, as captured, with all secrets in it
 *
 * The last packets of all interfaces are kept in memory of a fixed size; when an exchange has ended, those of its connection
 * are taken from them. What is older than what that holds is not in the file.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LINKTYPE_ETHERNET } from '../capture/link-types.js';
import { type CaptureInterface, createPacketBatch, type PacketBatch } from '../capture/packet-batch.js';
import { createPacketEncoder } from '../capture/packet-encoder.js';
import { type Counters, createCounters } from '../counters.js';
import { type AddressWords, parseAddress } from '../decode/address.js';
import { PacketDecoder } from '../decode/packet-decoder.js';
import type { Segment } from '../decode/segment.js';
import type { Limits } from '../limits.js';
import type { Log } from '../output/log.js';
import type { TraceOutput } from '../output/output.js';
import { PacketHistory } from '../packets/packet-history.js';
import { createRuleMatcher, type PacketRule } from '../packets/packet-rule.js';
import type { Trace } from '../trace/trace.js';

export interface PacketsOnContext {
  readonly rules: readonly PacketRule[];
  readonly directory: string;
  /** Bytes of all files of the run. */
  readonly bytesMax: number;
  readonly interfaces: readonly CaptureInterface[];
  readonly limits: Limits;
  readonly counters: Counters;
  readonly log: Log;
}

const ENCODER = createPacketEncoder('pcap-nano', 262_144);
/** Raw packets are for nobody else to read. */
const OWNER_ONLY = 0o600;

export class PacketsOn {
  readonly #context: PacketsOnContext;
  readonly #history: PacketHistory;
  readonly #fits: ReturnType<typeof createRuleMatcher>;
  /** Its counts are of packets that have been counted before. */
  readonly #decoder: PacketDecoder;
  readonly #single = createPacketBatch(1);
  readonly #writing = new Set<Promise<void>>();
  #waitingBytes = 0;
  #bytes = 0;
  #isFullSaid = false;

  constructor(context: PacketsOnContext) {
    this.#context = context;
    const { limits, rules } = context;
    this.#history = new PacketHistory({
      bytesMax: limits.packet_history_bytes_max,
      nanosMax: Number.POSITIVE_INFINITY,
    });
    this.#fits = createRuleMatcher(rules);
    this.#decoder = new PacketDecoder(limits, createCounters());
  }

  note(batch: PacketBatch): void {
    for (let i = 0; i < batch.count; i++) this.#history.push(batch, i);
  }

  /** The output, with each trace looked at before it is taken. */
  before(output: TraceOutput): TraceOutput {
    const { broken, latency } = output;
    return {
      accept: (trace) => {
        this.#consider(trace);
        output.accept(trace);
      },
      drained: () => output.drained?.(),
      hurry: () => output.hurry?.(),
      close: (deadlineMillis) => output.close(deadlineMillis),
      ...(broken === undefined ? {} : { broken }),
      ...(latency === undefined ? {} : { latency }),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#writing);
  }

  #consider(trace: Trace): void {
    const { response, durationNano, marks, request } = trace;
    if (!this.#fits({ status: response?.status ?? 0, durationNano, marks, path: request.path })) return;
    const file = this.#packetsOf(trace);
    const { limits, bytesMax, counters, log } = this.#context;
    const isFull = this.#bytes + file.length > bytesMax;
    if (isFull && !this.#isFullSaid) {
      this.#isFullSaid = true;
      log.warn({ bytes: this.#bytes }, '--packets-max-bytes: as many have been written, and no further file is');
    }
    if (isFull || this.#waitingBytes + file.length > limits.packet_files_bytes_max) {
      counters.packet_files_lost++;
      return;
    }
    this.#bytes += file.length;
    this.#waitingBytes += file.length;
    const written = this.#write(trace, file).finally(() => {
      this.#waitingBytes -= file.length;
      this.#writing.delete(written);
    });
    this.#writing.add(written);
  }

  /** A pcap file of the packets of the connection, in both directions. */
  #packetsOf({ network }: Trace): Buffer {
    const { interfaces } = this.#context;
    const ends = [network.client, network.server].map(({ address, port }) => ({ words: parseAddress(address), port }));
    const linkType = interfaces.find(({ name }) => name === network.interface)?.linkType ?? LINKTYPE_ETHERNET;
    const parts: Buffer[] = [ENCODER.head(linkType)];
    const [client, server] = ends;
    if (client === undefined || server === undefined) return parts[0] as Buffer;
    this.#history.visit(Number.NEGATIVE_INFINITY, (view, time, interfaceId) => {
      const origin = interfaces[interfaceId];
      if (origin?.name !== network.interface || origin.linkType !== linkType) return true;
      const single = this.#single;
      single.count = 1;
      single.bytes = view.bytes;
      single.offset[0] = view.offset;
      single.capturedLength[0] = view.captured;
      single.wireLength[0] = view.wire;
      single.time[0] = time;
      if (!this.#decoder.decode(single, 0, linkType)) return true;
      const { segment } = this.#decoder;
      if (!isBetween(segment, client, server) && !isBetween(segment, server, client)) return true;
      const record = Buffer.allocUnsafeSlow(ENCODER.room(view.captured));
      parts.push(record.subarray(0, ENCODER.write(view, 0, record, 0)));
      return true;
    });
    return Buffer.concat(parts);
  }

  async #write({ traceId, spanId }: Trace, file: Buffer): Promise<void> {
    const { directory, counters, log } = this.#context;
    try {
      await writeNew(join(directory, `${traceId}.pcap`), file).catch((error: NodeJS.ErrnoException) => {
        // Several exchanges of one trace that passes here.
        if (error.code !== 'EEXIST') throw error;
        return writeNew(join(directory, `${traceId}-${spanId}.pcap`), file);
      });
      counters.packet_files_written++;
    } catch (error) {
      counters.packet_files_lost++;
      log.warn({ directory, reason: (error as Error).message }, '--packets-dir: a file of packets was not written');
    }
  }
}

function writeNew(path: string, file: Buffer): Promise<void> {
  return writeFile(path, file, { flag: 'wx', mode: OWNER_ONLY });
}

interface End {
  readonly words: AddressWords | null;
  readonly port: number;
}

function isBetween(segment: Segment, source: End, destination: End): boolean {
  if (segment.sourcePort !== source.port || segment.destinationPort !== destination.port) return false;
  const { words: from } = source;
  const { words: to } = destination;
  if (from === null || to === null) return false;
  return (
    segment.sourceWord3 === from[3] &&
    segment.sourceWord2 === from[2] &&
    segment.sourceWord1 === from[1] &&
    segment.sourceWord0 === from[0] &&
    segment.destinationWord3 === to[3] &&
    segment.destinationWord2 === to[2] &&
    segment.destinationWord1 === to[1] &&
    segment.destinationWord0 === to[0]
  );
}
