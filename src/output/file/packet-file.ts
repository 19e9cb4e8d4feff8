/**
 * Captured packets as a pcap file, with nanoseconds, as they came: nothing in it is redacted or left out.
 *
 * in: batches of packets · out: the file; packets that it could not take are counted
 *
 * A pcap file has one link type, that of the first packet; an interface with another one cannot be in it.
 */
import { LINKTYPE_ETHERNET } from '../../capture/link-types.js';
import type { CaptureInterface, PacketBatch } from '../../capture/packet-batch.js';
import { createPacketEncoder } from '../../capture/packet-encoder.js';
import { createPacketView, viewPacket } from '../../capture/packet-view.js';
import type { Counters } from '../../counters.js';
import type { Clock } from '../clock.js';
import { foldWarnings } from '../fold.js';
import type { Log } from '../log.js';
import { AppendFile } from './append-file.js';
import { openTarget } from './open-target.js';

export interface PacketFileContext {
  readonly path: string;
  /** Whether what the file holds already may go. */
  readonly replace: boolean;
  /** The capture file that is being read; null while packets come by themselves. */
  readonly read: string | null;
  readonly interfaces: readonly CaptureInterface[];
  readonly queue_bytes_max: number;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
}

export interface PacketFile {
  /** Copies the packets; never waits. */
  write(batch: PacketBatch): void;
  /** As `TraceOutput.drained`. */
  drained(): Promise<void> | undefined;
  close(deadlineMillis: number): Promise<void>;
}

const ENCODER = createPacketEncoder('pcap-nano', 262_144);

/** @throws UsageError, SensorError where the file cannot be opened, or would lose what it holds */
export async function openPacketFile(context: PacketFileContext): Promise<PacketFile> {
  const { path, replace, read, interfaces, counters, log, clock } = context;
  const target = await openTarget({ option: `--write ${path}`, path, appends: false, replace, read });
  const warnings = foldWarnings(log, clock);
  const otherLinkTypes = new Set<number>();
  let linkType: number | null = null;
  let file: AppendFile | null = null;

  const lose = (packets: number, reason: string) => {
    counters.packets_unwritten += packets;
    warnings.warn(reason, { file: path, packets, reason }, 'packets were not written');
  };
  const begin = (type: number) => {
    linkType = type;
    file = new AppendFile(target, {
      head: ENCODER.head(type),
      separator: '',
      tail: '',
      piecesAreLines: false,
      queue_bytes_max: context.queue_bytes_max,
      onWritten: () => {},
      onLost: lose,
      onBroken: () => {},
    });
    return file;
  };
  const isForeign = (id: number): boolean => {
    const one = interfaces[id];
    if (one === undefined || one.linkType === linkType) return false;
    counters.packets_unwritten++;
    if (!otherLinkTypes.has(id)) {
      otherLinkTypes.add(id);
      const fields = { file: path, interface: one.name };
      log.warn(fields, `packets of link type ${one.linkType} are not written: the file has link type ${linkType}`);
    }
    return true;
  };

  return {
    write(batch) {
      const into = file ?? begin(interfaces[batch.interfaceId[0] as number]?.linkType ?? LINKTYPE_ETHERNET);
      const { bytes, packets } = recordsOf(batch, isForeign);
      if (packets > 0) into.append(bytes, packets);
    },
    drained: () => file?.drained(),
    close: (deadlineMillis) => (file ?? begin(LINKTYPE_ETHERNET)).close(deadlineMillis),
  };
}

/** The batch's packets as records, in memory of their own: those of the batch are valid until the consumer returns. */
function recordsOf(batch: PacketBatch, isForeign: (id: number) => boolean): { bytes: Buffer; packets: number } {
  let room = 0;
  for (let i = 0; i < batch.count; i++) room += ENCODER.room(batch.capturedLength[i] as number);
  const bytes = Buffer.allocUnsafeSlow(room);
  const view = createPacketView();
  let at = 0;
  let packets = 0;
  for (let i = 0; i < batch.count; i++) {
    if (isForeign(batch.interfaceId[i] as number)) continue;
    viewPacket(view, batch, i);
    at = ENCODER.write(view, 0, bytes, at);
    packets++;
  }
  return { bytes: bytes.subarray(0, at), packets };
}
