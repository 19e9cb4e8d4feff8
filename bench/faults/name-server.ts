/**
 * A name server that knows one name, and forgets it on command.
 *
 * in: the address to listen on (argument), `{ answer }` messages: an IPv4 address, "gone" (NXDOMAIN) or "silent" · out: DNS over
 * UDP (RFC 1035 §4)
 */
import { createSocket } from 'node:dgram';

const TYPE_A = 1;
const NXDOMAIN = 3;
const HEADER_BYTES = 12;

let answer = process.argv[3] ?? 'gone';
process.on('message', (message: { answer: string }) => {
  answer = message.answer;
});
process.on('disconnect', () => process.exit());

const socket = createSocket('udp4');
socket.on('message', (query, from) => {
  if (answer === 'silent') return;
  let end = HEADER_BYTES;
  while (query[end] !== 0 && end < query.length) end += 1 + (query[end] as number);
  const question = query.subarray(HEADER_BYTES, end + 5);
  const isAddress = query.readUInt16BE(end + 1) === TYPE_A && answer !== 'gone';
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  // A response, authoritative, recursion desired and available.
  header.writeUInt16BE(0x8580 | (answer === 'gone' ? NXDOMAIN : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(isAddress ? 1 : 0, 6);
  // The name by reference, type A, class IN, a time to live of 0, four bytes.
  const record = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, ...answer.split('.').map(Number)]);
  socket.send(Buffer.concat(isAddress ? [header, question, record] : [header, question]), from.port, from.address);
});
socket.bind(53, process.argv[2], () => process.send?.({ listening: true }));
