/**
 * Capture files made by hand: a TCP conversation as packets, packets as a pcap file.
 *
 *     captureFile(conversation([['client', 'GET / HTTP/1.1\r\n\r\n'], ['server', 'HTTP/1.1 204 No Content\r\n\r\n']]))
 */

const LINKTYPE_ETHERNET = 1;
const [SYN, FIN, PSH, ACK] = [0x02, 0x01, 0x08, 0x10];

export type Turn = readonly [speaker: 'client' | 'server', text: string];

/** Ethernet packets of one connection from handshake to close, a packet a turn. */
export function conversation(turns: readonly Turn[], ports = { client: 40_000, server: 8080 }): Buffer[] {
  const sent = { client: 1000, server: 5000 };
  const packets: Buffer[] = [];
  const send = (from: 'client' | 'server', flags: number, text = ''): void => {
    const to = from === 'client' ? 'server' : 'client';
    packets.push(packet(from, ports, sent[from], flags & ACK ? sent[to] : 0, flags, Buffer.from(text, 'latin1')));
    sent[from] += text.length + (flags & (SYN | FIN) ? 1 : 0);
  };
  send('client', SYN);
  send('server', SYN | ACK);
  send('client', ACK);
  for (const [speaker, text] of turns) send(speaker, PSH | ACK, text);
  send('client', FIN | ACK);
  send('server', FIN | ACK);
  send('client', ACK);
  return packets;
}

/** A pcap file (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html), a millisecond between packets. */
export function captureFile(packets: readonly Buffer[], startSeconds = 1_700_000_000): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(LINKTYPE_ETHERNET, 20);
  const records = packets.flatMap((bytes, index) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(startSeconds + Math.floor(index / 1000), 0);
    record.writeUInt32LE((index % 1000) * 1000, 4);
    record.writeUInt32LE(bytes.length, 8);
    record.writeUInt32LE(bytes.length, 12);
    return [record, bytes];
  });
  return Buffer.concat([header, ...records]);
}

function packet(
  from: 'client' | 'server',
  ports: { client: number; server: number },
  sequence: number,
  acknowledgement: number,
  flags: number,
  payload: Buffer,
): Buffer {
  const bytes = Buffer.alloc(14 + 20 + 20 + payload.length);
  bytes.writeUInt16BE(0x0800, 12); // EtherType IPv4
  bytes[14] = 0x45; // version 4, 5 words of header
  bytes.writeUInt16BE(40 + payload.length, 16);
  bytes[22] = 64; // time to live
  bytes[23] = 6; // TCP
  bytes.set(from === 'client' ? [10, 0, 0, 1] : [10, 0, 0, 2], 26);
  bytes.set(from === 'client' ? [10, 0, 0, 2] : [10, 0, 0, 1], 30);
  bytes.writeUInt16BE(from === 'client' ? ports.client : ports.server, 34);
  bytes.writeUInt16BE(from === 'client' ? ports.server : ports.client, 36);
  bytes.writeUInt32BE(sequence, 38);
  bytes.writeUInt32BE(acknowledgement, 42);
  bytes[46] = 0x50; // 5 words of header
  bytes[47] = flags;
  bytes.writeUInt16BE(65_535, 48);
  payload.copy(bytes, 54);
  return bytes;
}
