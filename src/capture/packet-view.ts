/**
 * One packet where it lies, as encoders take it. A view is filled again for each packet, so that none costs an object.
 */
import type { PacketBatch } from './packet-batch.js';

export interface PacketView {
  /** The memory that the packet lies in. */
  bytes: Buffer;
  /** Where it begins. */
  offset: number;
  /** Bytes captured, without a tag that was taken off. */
  captured: number;
  /** Bytes on the wire, without a tag that was taken off. */
  wire: number;
  /** Seconds since the Unix epoch, and nanoseconds. */
  seconds: number;
  nanos: number;
  /** The VLAN tag that the kernel took off, as its four bytes in network order; 0 where there is none. */
  vlanTag: number;
}

/** Bytes of a VLAN tag (IEEE 802.1Q), and where it stands: behind both addresses. */
const TAG_BYTES = 4;
const TAG_AT = 12;

export function createPacketView(): PacketView {
  return { bytes: Buffer.alloc(0), offset: 0, captured: 0, wire: 0, seconds: 0, nanos: 0, vlanTag: 0 };
}

/** Has `view` show a packet of `batch`. */
export function viewPacket(view: PacketView, batch: PacketBatch, index: number): void {
  const time = batch.time[index] as number;
  const seconds = Math.floor(time / 1e9);
  view.bytes = batch.bytes;
  view.offset = batch.offset[index] as number;
  view.captured = batch.capturedLength[index] as number;
  view.wire = batch.wireLength[index] as number;
  view.seconds = (batch.timeBaseSeconds + seconds) >>> 0;
  view.nanos = Math.min(Math.floor(time - seconds * 1e9), 999_999_999);
  view.vlanTag = batch.vlanTag[index] as number;
}

/** Bytes that `copyView` writes: the packet with its tag put back, cut to the snap length. */
export function viewLength({ captured, vlanTag }: PacketView, snapLength: number): number {
  return Math.min(isTagged(captured, vlanTag) ? captured + TAG_BYTES : captured, snapLength);
}

/** Bytes on the wire, the tag included. */
export function viewWireLength({ captured, wire, vlanTag }: PacketView): number {
  return isTagged(captured, vlanTag) ? wire + TAG_BYTES : wire;
}

/** Copies `length` bytes of the packet, as `viewLength` gives it, and returns where they end. */
export function copyView(view: PacketView, length: number, into: Buffer, at: number): number {
  const { bytes, offset, captured, vlanTag } = view;
  if (!isTagged(captured, vlanTag)) {
    bytes.copy(into, at, offset, offset + length);
    return at + length;
  }
  const head = Math.min(length, TAG_AT);
  bytes.copy(into, at, offset, offset + head);
  for (let i = head; i < Math.min(length, TAG_AT + TAG_BYTES); i++)
    into[at + i] = vlanTag >>> (8 * (TAG_AT + TAG_BYTES - 1 - i));
  if (length > TAG_AT + TAG_BYTES)
    bytes.copy(into, at + TAG_AT + TAG_BYTES, offset + TAG_AT, offset + length - TAG_BYTES);
  return at + length;
}

function isTagged(captured: number, vlanTag: number): boolean {
  return vlanTag !== 0 && captured >= TAG_AT;
}
