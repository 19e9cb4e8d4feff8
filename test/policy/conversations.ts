/** Capture files of HTTP conversations, each on a connection of its own, cut into small segments. */
import { writePcap } from '../support/packets.js';

export interface HttpConversation {
  request: string | Buffer;
  response: string | Buffer;
}

/** Bytes in a segment: small enough that most names and secrets are split. */
const SEGMENT_BYTES = 11;

const FIN = 0x01;
const SYN = 0x02;
const PUSH = 0x08;
const ACK = 0x10;

export function writeConversations(path: string, conversations: readonly HttpConversation[]): void {
  writePcap(
    path,
    conversations.flatMap((conversation, i) => framesOf(10_000 + i, conversation)),
  );
}

function framesOf(port: number, { request, response }: HttpConversation): Buffer[] {
  const frames: Buffer[] = [];
  const next = { client: 1000, server: 5000 };

  function send(from: 'client' | 'server', flags: number, payload = Buffer.alloc(0)): void {
    const other = from === 'client' ? 'server' : 'client';
    frames.push(frame(from, port, next[from], next[other], flags, payload));
    next[from] += payload.length + (flags & (SYN | FIN) ? 1 : 0);
  }

  function sendAll(from: 'client' | 'server', text: string | Buffer): void {
    const bytes = Buffer.from(text as string);
    for (let i = 0; i < bytes.length; i += SEGMENT_BYTES) send(from, PUSH | ACK, bytes.subarray(i, i + SEGMENT_BYTES));
  }

  send('client', SYN);
  send('server', SYN | ACK);
  send('client', ACK);
  sendAll('client', request);
  sendAll('server', response);
  send('server', FIN | ACK);
  send('client', FIN | ACK);
  return frames;
}

/** Ethernet, IPv4, TCP; checksums unset. */
function frame(
  from: 'client' | 'server',
  port: number,
  sequence: number,
  acknowledgement: number,
  flags: number,
  payload: Buffer,
): Buffer {
  const bytes = Buffer.alloc(54 + payload.length);
  Buffer.from('02000000000102000000000208004500', 'hex').copy(bytes);
  bytes.writeUInt16BE(40 + payload.length, 16);
  Buffer.from('40004006', 'hex').copy(bytes, 20);
  const addresses = ['0a090001', '0a090002'];
  const ports = [port, 8080];
  if (from === 'server') {
    addresses.reverse();
    ports.reverse();
  }
  Buffer.from(addresses.join(''), 'hex').copy(bytes, 26);
  bytes.writeUInt16BE(ports[0] as number, 34);
  bytes.writeUInt16BE(ports[1] as number, 36);
  bytes.writeUInt32BE(sequence, 38);
  bytes.writeUInt32BE(acknowledgement, 42);
  bytes.writeUInt16BE(0x5000 | flags, 46);
  bytes.writeUInt16BE(0xffff, 48);
  payload.copy(bytes, 54);
  return bytes;
}
