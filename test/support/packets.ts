/** Packets and capture files by the byte, for tests. */
import { writeFileSync } from 'node:fs';

/** An Ethernet frame with an IPv4 TCP segment 10.9.0.1:`port` → 10.9.0.2:80; checksums are left unset. */
export function tcpFrame(port: number, sequence: number, payload: Buffer): Buffer {
  const frame = Buffer.alloc(54 + payload.length);
  Buffer.from('02000000000102000000000208004500', 'hex').copy(frame);
  frame.writeUInt16BE(40 + payload.length, 16);
  Buffer.from('40004006', 'hex').copy(frame, 20);
  Buffer.from('0a0900010a090002', 'hex').copy(frame, 26);
  frame.writeUInt16BE(port, 34);
  frame.writeUInt16BE(80, 36);
  frame.writeUInt32BE(sequence, 38);
  Buffer.from('5018ffff', 'hex').copy(frame, 46);
  payload.copy(frame, 54);
  return frame;
}

/** Writes a pcap file of Ethernet frames, a microsecond apart. */
export function writePcap(path: string, frames: readonly Buffer[]): void {
  const parts: Buffer[] = [Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex')];
  frames.forEach((frame, i) => {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(1 + Math.floor(i / 1e6), 0);
    header.writeUInt32LE(i % 1e6, 4);
    header.writeUInt32LE(frame.length, 8);
    header.writeUInt32LE(frame.length, 12);
    parts.push(header, frame);
  });
  writeFileSync(path, Buffer.concat(parts));
}
