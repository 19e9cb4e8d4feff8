/** The records of a pcap file, little-endian, as a test compares them with another program's. */
export interface PcapRecord {
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly wire: number;
  readonly hex: string;
}

export interface PcapContent {
  readonly snapLength: number;
  readonly linkType: number;
  readonly records: PcapRecord[];
}

export function readPcap(file: Buffer): PcapContent {
  const magic = file.readUInt32LE(0);
  const unit = magic === 0xa1b23c4d ? 1n : magic === 0xa1b2c3d4 ? 1000n : null;
  if (unit === null) throw new Error(`no pcap file: magic 0x${magic.toString(16)}`);
  const records: PcapRecord[] = [];
  for (let at = 24; at < file.length; ) {
    const captured = file.readUInt32LE(at + 8);
    records.push({
      time: BigInt(file.readUInt32LE(at)) * 1_000_000_000n + BigInt(file.readUInt32LE(at + 4)) * unit,
      wire: file.readUInt32LE(at + 12),
      hex: file.toString('hex', at + 16, at + 16 + captured),
    });
    at += 16 + captured;
  }
  return { snapLength: file.readUInt32LE(16), linkType: file.readUInt32LE(20), records };
}

/** A pcap file of Ethernet frames, numbered, in turn 60 and 1400 bytes long. */
export function numberedFrames(count: number): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65_535, 16);
  head.writeUInt32LE(1, 20);
  const parts = [head];
  for (let i = 0; i < count; i++) {
    const length = i % 2 === 0 ? 60 : 1400;
    const record = Buffer.alloc(16 + length);
    record.writeUInt32LE(Math.floor(i / 1000), 0);
    record.writeUInt32LE((i % 1000) * 1000, 4);
    record.writeUInt32LE(length, 8);
    record.writeUInt32LE(length, 12);
    // To nobody, from nobody, of an ethertype for experiments.
    record.write('02000000000202000000000188b5', 16, 'hex');
    record.writeUInt32BE(i, 30);
    parts.push(record);
  }
  return Buffer.concat(parts);
}
