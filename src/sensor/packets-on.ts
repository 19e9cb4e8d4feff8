/**
 * Keeps the packets of an exchange's connection where a rule asks for them: what `--packets-on` is. Here the river of traces
 * meets that of packets, and nowhere else.
 *
 * in: packets as they come, traces as they leave · out: a capture file for each trace, as captured, with all secrets in it:
 * DIRECTORY/TRACEID.pcap, and to the satellite
 *
 * The last packets of all interfaces are kept in memory of a fixed size; when an exchange has ended, those of its connection
 * are taken from them. What is older than what that holds is not in the file.
 *
 * Looking through all of them takes milliseconds. So exchanges wait for each other and are looked for together, and live that
 * happens no more often than leaves it a tenth of the time.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LINKTYPE_ETHERNET } from '../capture/link-types.js';
import { type CaptureInterface, createPacketBatch, type PacketBatch } from '../capture/packet-batch.js';
import { createPacketEncoder } from '../capture/packet-encoder.js';
import type { PacketView } from '../capture/packet-view.js';
import { type Counters, createCounters } from '../counters.js';
import { type AddressWords, parseAddress } from '../decode/address.js';
import { PacketDecoder } from '../decode/packet-decoder.js';
import type { Segment } from '../decode/segment.js';
import type { Limits } from '../limits.js';
import { systemClock } from '../output/clock.js';
import { type FoldedWarnings, foldWarnings } from '../output/fold.js';
import type { Log } from '../output/log.js';
import type { TraceOutput } from '../output/output.js';
import type { PacketsPost } from '../output/satellite/packets-post.js';
import { PacketHistory } from '../packets/packet-history.js';
import { createRuleMatcher, type PacketRule } from '../policy/packet-rule.js';
import type { Trace } from '../trace/trace.js';

export interface PacketsOnContext {
  readonly rules: readonly PacketRule[];
  /** Where files are written; null for nowhere. */
  readonly directory: string | null;
  /** Sends them to the satellite; null where that was not asked for. */
  readonly post: PacketsPost | null;
  /** Bytes of all files of the run. */
  readonly bytesMax: number;
  /** Whether packets come faster than they were captured, so that what is asked for is taken at once. */
  readonly isFile: boolean;
  readonly interfaces: readonly CaptureInterface[];
  readonly limits: Limits;
  readonly counters: Counters;
  readonly log: Log;
}

const ENCODER = createPacketEncoder('pcap-nano', 262_144);
/** Raw packets are for nobody else to read. */
const OWNER_ONLY = 0o600;
/** Exchanges that wait to be looked for; of one more the packets are lost. */
const WAITING_MAX = 4096;
/** How many times as long as looking took is left to everything else. */
const PAUSE_FACTOR = 9;

/** What is looked for: the packets between two ends, which several exchanges may have in common. */
interface Wanted {
  readonly interfaceName: string;
  readonly linkType: number;
  readonly client: End;
  readonly server: End;
  readonly traces: Pick<Trace, 'traceId' | 'spanId'>[];
  readonly parts: Buffer[];
}

interface End {
  readonly words: AddressWords | null;
  readonly port: number;
}

export class PacketsOn {
  readonly #context: PacketsOnContext;
  readonly #history: PacketHistory;
  readonly #fits: ReturnType<typeof createRuleMatcher>;
  /** Of what the satellite asks for. */
  #isPushed = createRuleMatcher([]);
  /** Its counts are of packets that have been counted before. */
  readonly #decoder: PacketDecoder;
  readonly #single = createPacketBatch(1);
  readonly #warnings: FoldedWarnings;
  readonly #writing = new Set<Promise<void>>();
  /** By interface and ends. */
  #wanted = new Map<string, Wanted>();
  #waiting = 0;
  #notBefore = 0;
  #cancelLook: (() => void) | null = null;
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
    this.#fits = createRuleMatcher(rules, (facts) => this.#isPushed(facts));
    this.#decoder = new PacketDecoder(limits, createCounters());
    this.#warnings = foldWarnings(context.log, systemClock);
  }

  note(batch: PacketBatch): void {
    // Before these take the place of what is wanted.
    if (this.#waiting > 0 && (this.#context.isFile || performance.now() >= this.#notBefore)) this.#look();
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

  /** Has `pushed` stand for these, as long as they are in force. */
  usePushed(rules: readonly PacketRule[]): void {
    this.#isPushed = createRuleMatcher(rules);
  }

  async close(deadlineMillis: number): Promise<void> {
    this.#look();
    await this.#context.post?.close(deadlineMillis);
    await Promise.all(this.#writing);
  }

  #consider(trace: Trace): void {
    const { response, durationNano, marks, request, network, traceId, spanId } = trace;
    if (!this.#fits({ status: response?.status ?? 0, durationNano, marks, path: request.path })) return;
    const { interfaces, counters, isFile } = this.#context;
    if (this.#waiting >= WAITING_MAX) {
      counters.packet_files_lost++;
      return;
    }
    this.#waiting++;
    const { client, server } = network;
    const key = `${network.interface} ${client.address} ${client.port} ${server.address} ${server.port}`;
    const known = this.#wanted.get(key);
    if (known !== undefined) known.traces.push({ traceId, spanId });
    else {
      const linkType = interfaces.find(({ name }) => name === network.interface)?.linkType ?? LINKTYPE_ETHERNET;
      this.#wanted.set(key, {
        ...{ interfaceName: network.interface, linkType, client: endOf(client), server: endOf(server) },
        ...{ traces: [{ traceId, spanId }], parts: [ENCODER.head(linkType)] },
      });
    }
    if (!isFile && this.#cancelLook === null) {
      // Where no packets come, nothing else does it.
      const millis = Math.max(0, this.#notBefore - performance.now());
      this.#cancelLook = systemClock.after(millis, () => this.#look());
    }
  }

  /** Takes from the history what is wanted, and lets it be written. */
  #look(): void {
    this.#cancelLook?.();
    this.#cancelLook = null;
    if (this.#waiting === 0) return;
    const began = performance.now();
    const wanted = [...this.#wanted.values()];
    this.#wanted = new Map();
    this.#waiting = 0;
    this.#collect(wanted);
    for (const { traces, parts } of wanted) {
      const file = Buffer.concat(parts);
      for (const trace of traces) this.#keep(trace, file);
    }
    const ended = performance.now();
    this.#notBefore = ended + PAUSE_FACTOR * (ended - began);
  }

  #collect(wanted: readonly Wanted[]): void {
    const { interfaces } = this.#context;
    /** By both ports, in either direction. */
    const byPorts = new Map<number, Wanted[]>();
    for (const one of wanted) {
      const ports = portsKey(one.client.port, one.server.port);
      byPorts.set(ports, [...(byPorts.get(ports) ?? []), one]);
    }
    this.#history.visit(Number.NEGATIVE_INFINITY, (view, time, interfaceId) => {
      const origin = interfaces[interfaceId];
      const segment = origin === undefined ? null : this.#segmentOf(view, time, origin.linkType);
      if (segment === null) return true;
      const some = byPorts.get(portsKey(segment.sourcePort, segment.destinationPort));
      for (const { interfaceName, linkType, client, server, parts } of some ?? []) {
        if (origin?.name !== interfaceName || origin.linkType !== linkType) continue;
        if (!isBetween(segment, client, server) && !isBetween(segment, server, client)) continue;
        const record = Buffer.allocUnsafeSlow(ENCODER.room(view.captured));
        parts.push(record.subarray(0, ENCODER.write(view, 0, record, 0)));
      }
      return true;
    });
  }

  #segmentOf(view: PacketView, time: number, linkType: number): Segment | null {
    const single = this.#single;
    single.count = 1;
    single.bytes = view.bytes;
    single.offset[0] = view.offset;
    single.capturedLength[0] = view.captured;
    single.wireLength[0] = view.wire;
    single.time[0] = time;
    return this.#decoder.decode(single, 0, linkType) ? this.#decoder.segment : null;
  }

  #keep(trace: Pick<Trace, 'traceId' | 'spanId'>, file: Buffer): void {
    const { limits, bytesMax, counters, log, directory, post } = this.#context;
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
    const both = [this.#write(trace, file, directory), this.#send(trace, file, post)];
    const written = Promise.all(both).then(() => {
      this.#waitingBytes -= file.length;
      this.#writing.delete(written);
    });
    this.#writing.add(written);
  }

  async #write(
    { traceId, spanId }: Pick<Trace, 'traceId' | 'spanId'>,
    file: Buffer,
    directory: string | null,
  ): Promise<void> {
    if (directory === null) return;
    const { counters } = this.#context;
    try {
      await writeNew(join(directory, `${traceId}.pcap`), file).catch((error: NodeJS.ErrnoException) => {
        // Several exchanges of one trace that passes here.
        if (error.code !== 'EEXIST') throw error;
        return writeNew(join(directory, `${traceId}-${spanId}.pcap`), file);
      });
      counters.packet_files_written++;
    } catch (error) {
      counters.packet_files_lost++;
      const { message: reason } = error as Error;
      this.#warnings.warn('write', { directory, reason }, '--packets-dir: a file of packets was not written');
    }
  }

  async #send(
    { traceId, spanId }: Pick<Trace, 'traceId' | 'spanId'>,
    file: Buffer,
    post: PacketsPost | null,
  ): Promise<void> {
    if (post === null) return;
    const { counters } = this.#context;
    try {
      await post.send(traceId, spanId, file);
      counters.packet_files_sent++;
    } catch (error) {
      counters.packet_files_lost++;
      const { message: reason } = error as Error;
      this.#warnings.warn('send', { reason }, '--packets-to-satellite: a file of packets was not taken');
    }
  }
}

function writeNew(path: string, file: Buffer): Promise<void> {
  return writeFile(path, file, { flag: 'wx', mode: OWNER_ONLY });
}

function endOf({ address, port }: { address: string; port: number }): End {
  return { words: parseAddress(address), port };
}

function portsKey(one: number, other: number): number {
  return one < other ? one * 65_536 + other : other * 65_536 + one;
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
