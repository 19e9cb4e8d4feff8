/**
 * Every stream that a stock sensor was recorded to send, decoded to the packets that tcpdump saw beside it; and the same
 * packets encoded here, decoded again.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFrameReader } from '../../../src/packets/stream/frame-reader.js';
import { checkRecords } from '../../../src/packets/stream/records.js';
import { decodeS2, s2DecodedLength } from '../../../src/packets/stream/s2-decode.js';
import { createS2Encoder, s2EncodedMax } from '../../../src/packets/stream/s2-encode.js';
import { AUTH_BYTES, beginsAuthentication } from '../../../src/packets/stream/wire.js';
import { needs } from '../../support/needs.js';
import { sharedPackets } from '../../support/shared-packets.js';

const folder = sharedPackets('packetstreamer') ?? '';
const streams = folder === '' ? [] : readdirSync(folder).filter((name) => name.endsWith('.stream'));

/** The blocks of a stream, decoded. */
function decoded(stream: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  const reader = createFrameReader(1 << 20, (block) => {
    const into = Buffer.alloc(s2DecodedLength(block, 0, block.length));
    expect(decodeS2(block, 0, block.length, into)).toBe(into.length);
    expect(checkRecords(into).end).toBe(into.length);
    blocks.push(into);
  });
  const from = stream.length >= 8 && beginsAuthentication(stream.subarray(0, 8), 1 << 20) ? AUTH_BYTES : 0;
  expect(reader.push(stream.subarray(from))).toBeNull();
  expect(reader.held).toBe(0);
  return blocks;
}

/** `seconds microseconds captured wire hash` of each record, as in `NAME.packets.tsv`. */
function rows(records: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < records.length; ) {
    const captured = records.readUInt32LE(at + 8);
    const bytes = records.subarray(at + 16, at + 16 + captured);
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    const numbers = [0, 4, 8, 12].map((field) => records.readUInt32LE(at + field));
    found.push([...numbers, hash].join('\t'));
    at += 16 + captured;
  }
  return found;
}

const hasPackets = (name: string) =>
  ['pcap', 'packets.tsv'].some((kind) => existsSync(join(folder, `${name}.${kind}`)));

function seenByTcpdump(name: string): string[] {
  const table = join(folder, `${name}.packets.tsv`);
  if (existsSync(table)) return readFileSync(table, 'utf8').trim().split('\n').slice(1);
  return rows(readFileSync(join(folder, `${name}.pcap`)).subarray(24));
}

describe('stock streams', needs({ 'shared/packets': streams.length > 0 }), () => {
  it('are all there', () => {
    expect(streams.length).toBeGreaterThan(35);
  });

  it.each(streams)('%s decodes to whole records, as many frames as were counted', (name) => {
    const blocks = decoded(readFileSync(join(folder, name)));
    const whole = name.replace(/\.stream$/, '');
    const isWhole = existsSync(join(folder, `${whole}.frames.tsv`));
    const [base, connection] = isWhole ? [whole, '1'] : [whole.slice(0, -2), whole.slice(-1)];
    const frames = readFileSync(join(folder, `${base}.frames.tsv`), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(`${connection}\t`))
      .map((line) => line.split('\t'));
    const counts = blocks.map((block) => [String(block.length), String(checkRecords(block).packets)]);
    // Of what follows authentication the table has nothing.
    if (!name.includes('auth')) expect(counts).toEqual(frames.map((columns) => columns.slice(4, 6)));
  });

  const equal = (folder === '' ? '' : readFileSync(join(folder, 'index.tsv'), 'utf8'))
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([name = '', , , isEqual]) => isEqual === 'yes' && streams.includes(`${name}.stream`) && hasPackets(name))
    .map(([name = '']) => name);
  it.each(equal)('%s has the packets that tcpdump saw', (name) => {
    const blocks = decoded(readFileSync(join(folder, `${name}.stream`)));
    expect(rows(Buffer.concat(blocks))).toEqual(seenByTcpdump(name));
  });

  // A stock receiver closes the connection at these.
  it.each(['block-66553', 'block-66560', 'blocksize-128-to-65'])('%s is taken', (name) => {
    expect(decoded(readFileSync(join(folder, `${name}.stream`)))).not.toHaveLength(0);
  });

  it('encode to about as many bytes here, and decode to the same', () => {
    const encoder = createS2Encoder();
    let ours = 0;
    let theirs = 0;
    for (const name of streams) {
      const stream = readFileSync(join(folder, name));
      theirs += stream.length;
      for (const block of decoded(stream)) {
        const encoded = Buffer.alloc(s2EncodedMax(block.length));
        const end = encoder.encode(block, block.length, encoded, 0);
        const into = Buffer.alloc(block.length);
        expect(decodeS2(encoded, 0, end, into)).toBe(block.length);
        expect(into.equals(block)).toBe(true);
        ours += 8 + end;
      }
    }
    expect(ours).toBeLessThan(1.05 * theirs);
  });
});
