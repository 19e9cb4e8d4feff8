/** TCP packets of one connection as a batch of Ethernet frames. */
import { createPacketBatch, type PacketBatch } from '../../src/capture/packet-batch.js';

export interface TcpPacket {
  fromClient: boolean;
  flags: number;
  sequence: number;
  acknowledgement: number;
  payload: Buffer;
  /** Nanoseconds; else a microsecond behind the packet before it. */
  time?: number;
}

const HEADER_BYTES = 54;

/** The client is 10.0.0.1:`port`, the server 10.0.0.2:80. `startTime` in nanoseconds. */
export function tcpBatch(packets: readonly TcpPacket[], port: number, startTime: number): PacketBatch {
  const batch = createPacketBatch(packets.length);
  batch.bytes = Buffer.alloc(packets.reduce((sum, packet) => sum + HEADER_BYTES + packet.payload.length, 0));
  let at = 0;
  for (const packet of packets) {
    const length = HEADER_BYTES + packet.payload.length;
    const i = batch.count++;
    batch.offset[i] = at;
    batch.capturedLength[i] = length;
    batch.wireLength[i] = length;
    batch.time[i] = packet.time ?? startTime + i * 1000;
    writeFrame(batch.bytes, at, packet, port);
    at += length;
  }
  return batch;
}

function writeFrame(bytes: Buffer, at: number, packet: TcpPacket, port: number): void {
  const { fromClient, payload } = packet;
  bytes.write('0200000000020200000000010800', at, 'hex');
  bytes.writeUInt8(0x45, at + 14);
  bytes.writeUInt16BE(40 + payload.length, at + 16);
  bytes.writeUInt8(6, at + 23);
  bytes.writeUInt32BE(fromClient ? 0x0a000001 : 0x0a000002, at + 26);
  bytes.writeUInt32BE(fromClient ? 0x0a000002 : 0x0a000001, at + 30);
  bytes.writeUInt16BE(fromClient ? port : 80, at + 34);
  bytes.writeUInt16BE(fromClient ? 80 : port, at + 36);
  bytes.writeInt32BE(packet.sequence, at + 38);
  bytes.writeInt32BE(packet.acknowledgement, at + 42);
  bytes.writeUInt8(0x50, at + 46);
  bytes.writeUInt8(packet.flags, at + 47);
  payload.copy(bytes, at + HEADER_BYTES);
}
