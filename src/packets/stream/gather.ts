/**
 * Gathers packets into blocks of whole records, one for each link type, which go on when they are full or their oldest packet
 * has waited long enough.
 *
 * in: batches of packets · out: blocks, in memory of their own unless it is given back at once
 *
 * The records are classic pcap's, of microseconds (`records.ts`). A packet that no block of the usual size holds has one of
 * its own.
 */
import type { CaptureInterface, PacketBatch } from '../../capture/packet-batch.js';
import { RECORD_BYTES } from '../../capture/packet-encoder.js';
import {
  copyView,
  createPacketView,
  type PacketView,
  viewLength,
  viewPacket,
  viewWireLength,
} from '../../capture/packet-view.js';
import { createInterfaceTally, type InterfaceTally, type PacketCounts } from './sensor-books.js';

export interface GatheredBlock {
  readonly linkType: number;
  /** Whole records. */
  readonly records: Buffer;
  readonly packets: number;
  readonly counts: PacketCounts;
}

export interface GatherContext {
  readonly blockBytes: number;
  readonly snapLength: number;
  /** How long a packet waits for others. */
  readonly waitMillis: number;
  readonly interfacesMax: number;
  readonly interfaces: readonly CaptureInterface[];
  /** Returns whether it is done with the memory of the records, which is then used again. */
  readonly onBlock: (block: GatheredBlock) => boolean;
}

export interface Gather {
  add(batch: PacketBatch): void;
  /** Lets all that waits go on. */
  flush(): void;
  /** Packets waiting. */
  readonly held: number;
}

interface Open {
  readonly linkType: number;
  bytes: Buffer;
  end: number;
  packets: number;
  readonly tally: InterfaceTally;
  timer: NodeJS.Timeout | null;
}

/** Shorter packets are copied word by word: making the objects that a copy takes would cost more. */
const SHORT_COPY = 160;

export function createGather(context: GatherContext): Gather {
  const { blockBytes, snapLength, waitMillis, interfacesMax, interfaces, onBlock } = context;
  const view = createPacketView();
  const copier = createShortCopier();
  const opened: Open[] = [];

  function open(linkType: number): Open {
    for (const one of opened) if (one.linkType === linkType) return one;
    const tally = createInterfaceTally(interfacesMax);
    const one: Open = { linkType, bytes: Buffer.allocUnsafeSlow(blockBytes), end: 0, packets: 0, tally, timer: null };
    opened.push(one);
    return one;
  }

  function flush(one: Open): void {
    if (one.timer !== null) clearTimeout(one.timer);
    one.timer = null;
    if (one.packets === 0) return;
    const { linkType, packets, tally } = one;
    const { bytes } = one;
    const records = bytes.subarray(0, one.end);
    one.end = 0;
    one.packets = 0;
    const isDone = onBlock({ linkType, records, packets, counts: tally.take(interfaces) });
    if (!isDone || bytes.length !== blockBytes) one.bytes = Buffer.allocUnsafeSlow(blockBytes);
  }

  function add(one: Open, id: number): void {
    const length = viewLength(view, snapLength);
    const room = RECORD_BYTES + length;
    if (room > one.bytes.length - one.end) {
      flush(one);
      if (room > blockBytes) one.bytes = Buffer.allocUnsafeSlow(room);
    }
    one.end = putRecord(view, length, one.bytes, one.end, copier);
    one.packets++;
    one.tally.add(id);
    if (one.end === one.bytes.length) flush(one);
  }

  return {
    get held() {
      return opened.reduce((sum, { packets }) => sum + packets, 0);
    },
    add(batch) {
      let id = -1;
      let one: Open | null = null;
      for (let i = 0; i < batch.count; i++) {
        viewPacket(view, batch, i);
        const interfaceId = batch.interfaceId[i] as number;
        if (one === null || interfaceId !== id) {
          id = interfaceId;
          one = open(interfaces[id]?.linkType ?? 1);
        }
        add(one, id);
      }
      for (const one of opened) {
        if (one.packets === 0 || one.timer !== null) continue;
        if (waitMillis === 0) flush(one);
        else one.timer = setTimeout(() => flush(one), waitMillis);
      }
    },
    flush() {
      for (const one of opened) flush(one);
    },
  };
}

function putRecord(view: PacketView, length: number, into: Buffer, at: number, copier: ShortCopier): number {
  putWord(into, at, view.seconds);
  putWord(into, at + 4, Math.floor(view.nanos / 1000));
  putWord(into, at + 8, length);
  putWord(into, at + 12, viewWireLength(view));
  if (length > SHORT_COPY || view.vlanTag !== 0) return copyView(view, length, into, at + RECORD_BYTES);
  copier(view.bytes, view.offset, length, into, at + RECORD_BYTES);
  return at + RECORD_BYTES + length;
}

function putWord(into: Buffer, at: number, value: number): void {
  into[at] = value;
  into[at + 1] = value >>> 8;
  into[at + 2] = value >>> 16;
  into[at + 3] = value >>> 24;
}

type ShortCopier = (from: Buffer, start: number, length: number, into: Buffer, at: number) => void;

/** Copies word by word, through views that are kept for as long as the memory is the same. */
function createShortCopier(): ShortCopier {
  let source: Buffer | null = null;
  let target: Buffer | null = null;
  let read: DataView = new DataView(new ArrayBuffer(0));
  let write: DataView = read;
  return (from, start, length, into, at) => {
    if (from !== source) {
      source = from;
      read = new DataView(from.buffer, from.byteOffset, from.length);
    }
    if (into !== target) {
      target = into;
      write = new DataView(into.buffer, into.byteOffset, into.length);
    }
    let i = 0;
    for (; i + 4 <= length; i += 4) write.setInt32(at + i, read.getInt32(start + i, true), true);
    for (; i < length; i++) into[at + i] = from[start + i] as number;
  };
}
