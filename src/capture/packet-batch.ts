/**
 * A run of captured packets, as every backend hands them to the decoder.
 *
 * The packets lie in one piece of memory (a block of the kernel's ring, a chunk of a file); parallel arrays say
 * where each begins, so that a million packets a second cost no object each. Everything a batch refers to is
 * valid only until the consumer returns. Code that needs bytes longer copies them, in one commented line.
 */
export interface PacketBatch {
  /** Number of packets; only the first `count` entries of each array mean anything. */
  count: number;
  /** The memory the packets lie in. */
  bytes: Buffer;
  /** Byte offset in `bytes` of each packet's link-layer header. */
  offset: Int32Array;
  /** Bytes captured of each packet. */
  capturedLength: Int32Array;
  /** Bytes each packet had on the wire; larger than `capturedLength` where the snap length cut it. */
  wireLength: Int32Array;
  /**
   * Time of each packet in nanoseconds since `timeBaseSeconds`. A float64 holds it to the nanosecond for 104 days
   * on either side of the base, and to the microsecond for ever after.
   */
  time: Float64Array;
  /** `CaptureInterface.id` of each packet. */
  interfaceId: Uint16Array;
  /** The VLAN tag that the kernel took off each packet, as its four bytes in network order; 0 where it took none. */
  vlanTag: Uint32Array;
  /** Seconds since the Unix epoch that `time` counts from; constant over one source. */
  timeBaseSeconds: number;
  /** Whether later packets wait already, so that what can be done afterwards should be. */
  isBehind: boolean;
}

/** An interface that packets come from: one of the machine, or one that the capture file describes. */
export interface CaptureInterface {
  readonly id: number;
  readonly name: string;
  /** A LINKTYPE_/DLT_ value, https://www.tcpdump.org/linktypes.html; see `LinkType` in `../decode/link-type.ts`. */
  readonly linkType: number;
}

/** A backend's counts for one interface. `null` means that it cannot know, which is not zero. */
export interface InterfaceStatistics {
  readonly name: string;
  readonly packets: number;
  /** Packets the kernel dropped because the sensor was too slow. */
  readonly dropped: number | null;
  /** Times the ring was full and frozen. */
  readonly freezes: number | null;
}

/** Creates an empty batch with room for `capacity` packets. */
export function createPacketBatch(capacity: number): PacketBatch {
  return {
    count: 0,
    bytes: Buffer.alloc(0),
    offset: new Int32Array(capacity),
    capturedLength: new Int32Array(capacity),
    wireLength: new Int32Array(capacity),
    time: new Float64Array(capacity),
    interfaceId: new Uint16Array(capacity),
    vlanTag: new Uint32Array(capacity),
    timeBaseSeconds: 0,
    isBehind: false,
  };
}
