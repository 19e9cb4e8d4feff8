/** Packets and capture files by the byte, for tests: each function puts its header in front of what it is given. */
import { writeFileSync } from 'node:fs';

export const Flag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

/** Bytes written as hexadecimal digits; anything else is there for the eye. */
export function hex(digits: string): Buffer {
  return Buffer.from(digits.replace(/[^0-9a-fA-F]/g, ''), 'hex');
}

function u16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value & 0xffff, i * 2);
  return bytes;
}

function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, i * 4);
  return bytes;
}

// --- link layers

export function ethernet(etherType: number, payload: Buffer): Buffer {
  return Buffer.concat([hex('020000000001 020000000002'), u16(etherType), payload]);
}

/** A tag; its own type stands in the header before it. */
export function vlan(tag: number, etherType: number, payload: Buffer): Buffer {
  return Buffer.concat([u16(tag, etherType), payload]);
}

export function pppoe(payload: Buffer): Buffer {
  return Buffer.concat([hex('11 00 0001'), u16(payload.length), payload]);
}

export function linuxSll(protocol: number, payload: Buffer): Buffer {
  return Buffer.concat([hex('0000 0001 0006 0200000000010000'), u16(protocol), payload]);
}

export function linuxSll2(protocol: number, payload: Buffer): Buffer {
  return Buffer.concat([u16(protocol), hex('0000 00000002 0001 00 06 0200000000010000'), payload]);
}

// --- IP

export interface IpOptions {
  protocol: number;
  source?: string;
  destination?: string;
  id?: number;
  /** Fragment offset in bytes, and whether more follow. */
  offset?: number;
  more?: boolean;
  /** Of the header's length fields, where not the true ones. */
  totalLength?: number;
  options?: Buffer;
}

export function ipv4(o: IpOptions, payload: Buffer): Buffer {
  const options = o.options ?? Buffer.alloc(0);
  const headerLength = 20 + options.length;
  return Buffer.concat([
    Buffer.from([0x40 | (headerLength >> 2), 0]),
    u16(o.totalLength ?? headerLength + payload.length, o.id ?? 0, (o.more ? 0x2000 : 0) | ((o.offset ?? 0) >> 3)),
    Buffer.from([64, o.protocol, 0, 0]),
    address4(o.source ?? '10.9.0.1'),
    address4(o.destination ?? '10.9.0.2'),
    options,
    payload,
  ]);
}

export function ipv6(o: IpOptions, payload: Buffer): Buffer {
  return Buffer.concat([
    hex('60000000'),
    u16(o.totalLength ?? payload.length),
    Buffer.from([o.protocol, 64]),
    address6(o.source ?? '2001:db8::1'),
    address6(o.destination ?? '2001:db8::2'),
    payload,
  ]);
}

/** A hop-by-hop, routing or destination options header of `words` × 8 further bytes. */
export function ipv6Extension(next: number, payload: Buffer, words = 0): Buffer {
  return Buffer.concat([Buffer.from([next, words, 1, 4, 0, 0, 0, 0]), Buffer.alloc(words * 8), payload]);
}

export function ipv6Fragment(next: number, id: number, offset: number, more: boolean, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([next, 0]), u16(offset | (more ? 1 : 0)), u32(id), payload]);
}

export function address4(text: string): Buffer {
  return Buffer.from(text.split('.').map(Number));
}

export function address6(text: string): Buffer {
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  return u16(...before, ...new Array(8 - before.length - after.length).fill(0), ...after);
}

// --- transport and tunnels

export interface TcpOptions {
  from?: number;
  to?: number;
  sequence?: number;
  acknowledgement?: number;
  flags?: number;
  options?: Buffer;
}

export function tcp(o: TcpOptions, payload: Buffer = Buffer.alloc(0)): Buffer {
  const options = o.options ?? Buffer.alloc(0);
  return Buffer.concat([
    u16(o.from ?? 40_000, o.to ?? 80),
    u32(o.sequence ?? 0, o.acknowledgement ?? 0),
    Buffer.from([((20 + options.length) >> 2) << 4, o.flags ?? Flag.ack]),
    hex('ffff 0000 0000'),
    options,
    payload,
  ]);
}

export function udp(port: number, payload: Buffer): Buffer {
  return Buffer.concat([u16(50_000, port, 8 + payload.length, 0), payload]);
}

/** RFC 7348 §5. */
export function vxlan(vni: number, payload: Buffer): Buffer {
  return udp(4789, Buffer.concat([hex('08 000000'), u32(vni << 8), payload]));
}

/** RFC 8926 §3.4. */
export function geneve(vni: number, protocol: number, payload: Buffer, options: Buffer = Buffer.alloc(0)): Buffer {
  return udp(
    6081,
    Buffer.concat([Buffer.from([options.length >> 2, 0]), u16(protocol), u32(vni << 8), options, payload]),
  );
}

/** RFC 2784, RFC 2890. */
export function gre(protocol: number, payload: Buffer, key?: number): Buffer {
  return Buffer.concat([
    u16(key === undefined ? 0 : 0x2000, protocol),
    key === undefined ? hex('') : u32(key),
    payload,
  ]);
}

/** An Ethernet frame with an IPv4 TCP segment 10.9.0.1:`port` → 10.9.0.2:80; checksums are left unset. */
export function tcpFrame(port: number, sequence: number, payload: Buffer): Buffer {
  return ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ from: port, sequence, flags: Flag.ack | Flag.psh }, payload)));
}

// --- files

/** Writes a pcap file of Ethernet frames, a microsecond apart. */
export function writePcap(path: string, frames: readonly Buffer[]): void {
  const parts: Buffer[] = [hex('d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000')];
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
