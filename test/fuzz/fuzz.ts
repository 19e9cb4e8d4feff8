/**
 * Hostile input made at random: packets and captures, mutated, into the whole engine, the readers and the decoders.
 *
 * Each round is made from one seed, so that `FUZZ_SEED=n` runs just that one again. What must hold: nothing throws, the
 * books add up, the budget is kept to within a segment and ends at zero.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as zlib from 'node:zlib';
import { CaptureFormatError } from '../../src/capture/capture-file-format.js';
import { createPacketBatch } from '../../src/capture/packet-batch.js';
import { PcapFormat } from '../../src/capture/pcap-format.js';
import { PcapngFormat } from '../../src/capture/pcapng-format.js';
import { createCounters, DropReason, exchangesInFlight } from '../../src/counters.js';
import { decodeContent } from '../../src/http/content-coding.js';
import { readGraphql } from '../../src/http/graphql/graphql-request.js';
import { grpcBody } from '../../src/http/grpc/grpc-body.js';
import { GrpcSplitter } from '../../src/http/grpc/grpc-splitter.js';
import { grpcType, PLAIN_GRPC } from '../../src/http/grpc/grpc-type.js';
import { ChunkedDecoder, trailerPairs } from '../../src/http/h1/chunked-decoder.js';
import { createHeadParser } from '../../src/http/h1/head-parser.js';
import { HeadResult, MessageKind } from '../../src/http/h1/parsed-head.js';
import { salvageHead } from '../../src/http/h1/salvage-head.js';
import { DEFAULT_LIMITS, type Limits } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import { ExchangeAssembler } from '../../src/pair/exchange-assembler.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import { openDescriptors } from '../../src/trace/grpc-descriptors.js';
import { createTraceBuilder } from '../../src/trace/trace-builder.js';
import { ack, client, fin, lost, packetsOf, rst, server, split, syn } from '../support/conversation.js';
import { callFrame, greeterDescriptors, note } from '../support/greeter.js';
import { ethernet, geneve, gre, ipv4, ipv6, ipv6Fragment, linuxSll2, vlan, vxlan } from '../support/packets.js';
import type { Random } from '../support/random.js';
import { fuzzCoded, storedZstd } from './coded-bodies.js';

const LINK_TYPES = [0, 1, 9, 12, 14, 50, 51, 101, 104, 108, 113, 228, 229, 276, 147];
const interfaces = LINK_TYPES.map((linkType, id) => ({ id, name: `if${id}`, linkType }));
const ETHERNET = LINK_TYPES.indexOf(1);
const RAW = LINK_TYPES.indexOf(101);

const parser = createHeadParser();

/** A segment is at most this long; shedding comes after one was taken in, which may have to be copied twice. */
const SLACK_BYTES = 2 * 65_536 + 4096;

const MESSAGES = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789',
  'POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: v\r\n\r\n',
  'HEAD / HTTP/1.1\r\nX: a\r\n folded\r\n\r\n',
  'CONNECT b:443 HTTP/1.1\r\n\r\n',
  'PUT /caf\xc3\xa9 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n',
  'PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n',
  '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x01\0\x02',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  // SETTINGS; a request and its response with insertions and references, in pieces and padded; DATA; a reset; GOAWAY.
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x01\0\0\x10\0\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a',
  '\0\0\x06\x04\0\0\0\0\0\0\x05\0\0\x40\0\0\0\x05\x01\x04\0\0\0\x01\x88\x40\x01b\x01c',
  '\0\0\x03\x01\x01\0\0\0\x03\x83\x86\x84\0\0\x02\x09\x04\0\0\0\x03\xbe\xbf',
  '\0\0\x05\x01\x0c\0\0\0\x01\x02\x88\xbe\0\0\0\0\x08\0\x09\0\0\0\x01\x02hello\0\0',
  '\0\0\x05\0\x01\0\0\0\x01hello\0\0\x04\x03\0\0\0\0\x03\0\0\0\x08',
  '\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\x0b\0\0\x07\x05\x04\0\0\0\x01\0\0\0\x02\x82\x86\x84',
  '\x16\x03\x01\x00\x05hello',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nshort',
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: x\n\n',
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: deflate\r\n\r\n\x01\x09\0\xf6\xffdata: x\n\n',
  'HTTP/1.1 204 No\r\n\r\n',
  // Of a WebSocket, joined behind its handshake.
  '\x81\x81aaaa\0\xc1\x83bbbb\x28\x06\x62\x89\x80cccc',
  '\x81\x81dddd\0\x8a\x80eeee',
  '\x81\x01a\xc1\x03J\x04\0\x8a\0',
  // Calls, and questions of GraphQL.
  'POST /a.B/C HTTP/1.1\r\nContent-Type: application/grpc-web\r\nContent-Length: 15\r\n\r\n\0\0\0\0\x02\x08\x01\0\0\0\0\x03\x0a\x01a',
  'HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web\r\nContent-Length: 26\r\n\r\n\0\0\0\0\0\x80\0\0\0\x10grpc-status: 0\r\n',
  'HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web-text\r\nContent-Length: 16\r\n\r\nAAAAAAIIAQ==gA==',
  'POST /g HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n{"query":"query A($b:C=1){d(e:"")}"}',
  'GET /g?query=%7Ba%7D&extensions=%7B%7D HTTP/1.1\r\n\r\n',
  'HTTP/1.0 200 OK\n\nto the end',
];

/** As cramjam 2.11 encodes it: a literal, a copy and another literal. */
const SNAPPY = Buffer.from(
  '456461206d657373616765206f6620736f6d65206c656e6774682c206a1a003c6e642074686520656e64206f66206974',
  'hex',
);

const captures = ['suricata-verify', 'http2'].flatMap((folder) => {
  const conformance = fileURLToPath(new URL(`../../../shared/conformance/${folder}`, import.meta.url));
  if (!existsSync(conformance)) return [];
  return readdirSync(conformance)
    .filter((name) => /\.pcap(ng)?$/.test(name))
    .map((name) => `${conformance}/${name}`);
});

interface FuzzPacket {
  frame: Buffer;
  interfaceId: number;
  time: number;
  wire: number;
}

/** One round. Rejects if anything that must hold does not. */
export async function fuzzRound(random: Random): Promise<void> {
  const round = random.pick([
    fuzzConversations,
    fuzzConversations,
    fuzzPackets,
    fuzzFile,
    fuzzParts,
    fuzzCodings,
    fuzzCalls,
    (source: Random) => fuzzCoded(source, mutate),
  ]);
  await round(random);
}

export function mutate(random: Random, bytes: Buffer): Buffer {
  let out = Buffer.from(bytes);
  for (let i = random.between(1, 4); i > 0 && out.length > 0; i--) {
    const at = random.between(0, out.length - 1);
    switch (random.between(0, 5)) {
      case 0:
        out[at] = random.between(0, 255);
        break;
      case 1:
        out[at] = (out[at] as number) ^ (1 << random.between(0, 7));
        break;
      case 2:
        out = out.subarray(0, at);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at), out.subarray(random.between(0, at)), out.subarray(at)]);
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + random.between(1, 20))]);
        break;
      default:
        out.fill(random.pick([0, 0xff, 0x20, 0x0a, 0x41]), at, Math.min(out.length, at + random.between(1, 50)));
    }
  }
  return out;
}

function randomBytes(random: Random, lengthMax: number): Buffer {
  return Buffer.from(Array.from({ length: random.between(0, lengthMax) }, () => random.between(0, 255)));
}

/** Bodies of calls and GraphQL, mutated: as a whole, in pieces with gaps, and by descriptors. */
async function fuzzCalls(random: Random): Promise<void> {
  const compress = random.pick([zlib.gzipSync, zlib.deflateSync, storedZstd, () => SNAPPY]);
  const message = note({ text: 'a', notes: [{ text: 'b', big: '7' }] });
  const frames = [callFrame(0, message), callFrame(1, compress(message)), callFrame(0x80, 'grpc-status: 0\r\n')];
  const binary = Buffer.concat(Array.from({ length: random.between(1, 5) }, () => random.pick(frames)));
  const contentType = random.pick(['application/grpc', 'application/grpc-web', 'application/grpc-web-text']);
  const type = grpcType(contentType) ?? PLAIN_GRPC;
  const body = mutate(random, type.isText ? Buffer.from(binary.toString('base64')) : binary);
  const coding = random.pick(['', 'gzip', 'deflate', 'identity', 'snappy', 'zstd']);
  const context = { type, coding, bytesMax: random.pick([0, 10, 100_000]), isCut: random.chance(0.5) };
  const made = (await grpcBody(body, context)) ?? null;
  for (const { start, end } of made?.messages ?? []) {
    if (made !== null) describer.describe('/demo.Greeter/Say', true, made.content.subarray(start, end));
  }
  const budget = new MemoryBudget(1 << 30);
  let length = 0;
  const taker = {
    room: () => random.pick([0, 3, 65_536]),
    take: ({ wireBytes, content }: { wireBytes: number; content: Uint8Array }) => {
      length += wireBytes;
      if (content.length > 65_536) throw new Error('a message is larger than there was room for');
    },
    lose: () => {},
  };
  const splitter = new GrpcSplitter(taker, true, { type, coding, budget, trailerBytesMax: 64, onTrailers: () => {} });
  for (let at = 0; at < body.length; ) {
    const end = Math.min(body.length, at + random.between(1, 40));
    if (random.chance(0.1)) splitter.gap(random.pick([0, end - at]));
    else splitter.data(body, at, end, at);
    at = end;
  }
  if (random.chance(0.5)) splitter.finish(0);
  splitter.close();
  if (budget.used !== 0) throw new Error(`a splitter left ${budget.used} bytes of the budget, after ${length}`);
  const asked = mutate(
    random,
    Buffer.from('[{"query":"query A($b:[C]={d:\\"}\\"}){e(f:\\"\\"\\"g\\"\\"\\")}","operationName":"A"}]'),
  );
  const parts = { method: 'POST', query: asked.toString('latin1'), contentType: 'application/json' };
  const limits = { bytesMax: 1000, operationsMax: 4 };
  readGraphql({ ...parts, body: asked, isCut: random.chance(0.5) }, limits);
  const boundary = 'multipart/form-data; boundary=b';
  const form = mutate(
    random,
    Buffer.from('--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{"query":"{a}"}\r\n--b--'),
  );
  readGraphql({ ...parts, contentType: boundary, body: form, isCut: true }, limits);
}

const describer = openDescriptors(greeterDescriptors(), 'greeter', () => {});

/** Messages in a wrong order, in segments of any size, lost, repeated, out of place; some packets mutated. */
async function fuzzConversations(random: Random): Promise<void> {
  const packets: FuzzPacket[] = [];
  for (let flow = random.between(1, 6); flow > 0; flow--) {
    const steps = [];
    for (let i = random.between(1, 20); i > 0; i--) {
      const side = random.chance(0.5) ? client : server;
      const text = Buffer.from(random.pick(MESSAGES).repeat(random.chance(0.05) ? 200 : 1), 'latin1');
      const payload = random.chance(0.3) ? mutate(random, text) : text;
      const options = {
        ...(random.chance(0.1) ? { at: random.between(-100, 5000) } : {}),
        ...(random.chance(0.1) ? { acknowledges: random.pick([0, 10, 5000, 1 << 20, 2 ** 30, 2 ** 31]) } : {}),
        ...(random.chance(0.05) ? { kept: Math.min(payload.length, random.between(0, 10)) } : {}),
      };
      const step = side(payload, options);
      const pieces = random.chance(0.3) ? split(step, random.between(1, 30)) : [step];
      for (const piece of pieces) steps.push(random.chance(0.1) ? lost(piece) : piece);
      if (random.chance(0.1)) {
        const from = random.pick(['client', 'server'] as const);
        const place = random.chance(0.3) ? { at: random.between(-50, 5000) } : {};
        steps.push(random.pick([fin(from, '', place), rst(from, place), syn(from), ack(from, place)]));
      }
    }
    const made = packetsOf(steps, {
      clientPort: random.between(1, 4),
      handshake: random.chance(0.5),
      clientIsn: random.pick([1000, 0xffff_ff00]),
      interval: random.pick([1000, 1e6, 1e9]),
    });
    for (const { frame, time, captured } of made) {
      packets.push({
        frame: frame.subarray(0, captured ?? frame.length),
        interfaceId: ETHERNET,
        time,
        wire: frame.length,
      });
    }
  }
  if (random.chance(0.5)) packets.sort((a, b) => a.time - b.time);
  for (const packet of packets) {
    if (random.chance(0.05)) packet.frame = mutate(random, packet.frame);
    if (random.chance(0.02)) packet.time += random.pick([-1e12, 1e9, 1e12, 1e18]);
  }
  await runEngine(random, packets);
}

/** Packets of every kind of encapsulation, mutated, and random bytes as packets of every link type. */
async function fuzzPackets(random: Random): Promise<void> {
  const [inner] = packetsOf([client(random.pick(MESSAGES))], { handshake: false });
  const ip = (inner as { frame: Buffer }).frame.subarray(14);
  const packets: FuzzPacket[] = [];
  for (let i = 0; i < 60; i++) {
    const [frame, interfaceId] = random.pick<[Buffer, number]>([
      [ethernet(0x8100, vlan(1, 0x0800, ip)), ETHERNET],
      [ipv4({ protocol: 17 }, vxlan(1, ethernet(0x0800, ip))), RAW],
      [ipv4({ protocol: 17 }, geneve(1, 0x0800, ip)), RAW],
      [ipv4({ protocol: 47 }, gre(0x0800, ip, 4)), RAW],
      [ipv6({ protocol: 4 }, ip), RAW],
      [
        ipv6(
          { protocol: 44 },
          ipv6Fragment(random.between(0, 60), random.between(0, 2), random.between(0, 40) * 8, random.chance(0.7), ip),
        ),
        RAW,
      ],
      [
        ipv4(
          { protocol: 6, id: random.between(0, 2), offset: random.between(0, 40) * 8, more: random.chance(0.7) },
          ip,
        ),
        RAW,
      ],
      [linuxSll2(0x0800, ip), LINK_TYPES.indexOf(276)],
      [randomBytes(random, 200), random.between(0, LINK_TYPES.length - 1)],
    ]);
    const bytes = random.chance(0.7) ? mutate(random, frame) : frame;
    packets.push({
      frame: bytes,
      interfaceId,
      time: i * 1e6,
      wire: bytes.length + (random.chance(0.2) ? random.between(0, 2000) : 0),
    });
  }
  await runEngine(random, packets);
}

async function runEngine(random: Random, packets: readonly FuzzPacket[]): Promise<void> {
  const limits: Limits = {
    ...DEFAULT_LIMITS,
    flows_max: random.pick([2, 100]),
    memory_bytes_max: random.pick([4096, 50_000, 1 << 26]),
    reorder_bytes_max: random.pick([1000, 1 << 20]),
    reorder_segments_max: random.pick([2, 1024]),
    head_bytes_max: random.pick([200, 1 << 17]),
    body_bytes_max: random.pick([0, 5, 10_000_000]),
    pipeline_requests_max: random.pick([1, 3, 1024]),
    fragmented_datagrams_max: random.pick([1, 256]),
  };
  const counters = createCounters();
  const budget = new MemoryBudget(limits.memory_bytes_max);
  const ids = createTraceIds((bytes) => bytes.fill(7));
  const build = createTraceBuilder({ ids, bodyBytesMax: 10_000, isLocal: () => true });
  const traces: unknown[] = [];
  const assembler = new ExchangeAssembler({
    limits,
    counters,
    budget,
    interfaces,
    hashSeed: 1,
    hooks: {
      admit: () => (random.chance(0.2) ? DropReason.sampledOut : DropReason.none),
      complete: (exchange) => {
        counters.exchanges_exported++;
        traces.push(build(exchange));
      },
    },
  });
  const batch = createPacketBatch(1);
  for (const { frame, interfaceId, time, wire } of packets) {
    batch.bytes = Buffer.from(frame);
    batch.count = 1;
    batch.offset[0] = 0;
    batch.capturedLength[0] = frame.length;
    batch.wireLength[0] = Math.max(wire, frame.length);
    batch.time[0] = time;
    batch.interfaceId[0] = interfaceId;
    assembler.push(batch);
    batch.bytes.fill(0xee);
    check(
      budget.used <= limits.memory_bytes_max + SLACK_BYTES,
      `the budget of ${limits.memory_bytes_max} is at ${budget.used}`,
    );
    check(budget.used >= 0, 'the budget is negative');
    check(assembler.flowCount <= limits.flows_max, `${assembler.flowCount} flows`);
    check(exchangesInFlight(counters) === assembler.pendingCount, 'the books do not add up');
  }
  if (random.chance(0.5)) assembler.advance(1e15);
  assembler.finish();
  check(budget.used === 0, `${budget.used} bytes of the budget are left at the end`);
  check(exchangesInFlight(counters) === 0 && assembler.flowCount === 0, 'something is left at the end');
  await Promise.all(traces);
}

/** A capture file, mutated, through its reader in pieces, and what comes out through the engine. */
async function fuzzFile(random: Random): Promise<void> {
  const file = mutate(
    random,
    captures.length > 0 && random.chance(0.8) ? readFileSync(random.pick(captures)) : madeFile(random),
  ).subarray(0, 300_000);
  if (file.length < 24) return;
  const found: { id: number; name: string; linkType: number }[] = [];
  const add = (linkType: number, name = '') => found.push({ id: found.length, name, linkType }) - 1;
  const magic = file.readUInt32BE(0);
  const format = PcapFormat.isMagic(magic) ? new PcapFormat(magic, add) : new PcapngFormat(add);
  const batch = createPacketBatch(random.pick([1, 64]));
  const packets: FuzzPacket[] = [];
  let at = 0;
  let end = Math.min(file.length, 24);
  try {
    for (let reads = 0; ; reads++) {
      check(reads < 1e6, 'a reader does not move');
      batch.count = 0;
      const next = format.read(file, at, end, batch);
      check(next >= at && next <= end, 'a reader moved out of its bytes');
      for (let i = 0; i < batch.count; i++) {
        const offset = batch.offset[i] as number;
        const length = batch.capturedLength[i] as number;
        check(offset >= at && length >= 0 && offset + length <= end, 'a packet lies outside of the file');
        check((batch.wireLength[i] as number) >= length, 'a packet is longer than it was');
        check(Number.isFinite(batch.time[i]), 'a time is no number');
        const linkType = found[batch.interfaceId[i] as number]?.linkType ?? -1;
        packets.push({
          frame: file.subarray(offset, offset + length),
          interfaceId: LINK_TYPES.indexOf(linkType),
          time: batch.time[i] as number,
          wire: batch.wireLength[i] as number,
        });
      }
      if (next === at) {
        if (end === file.length) break;
        end = Math.min(file.length, end + random.between(1, 100_000));
      }
      at = next;
    }
  } catch (error) {
    if (!(error instanceof CaptureFormatError)) throw error;
  }
  await runEngine(random, packets.slice(0, 3000));
}

function madeFile(random: Random): Buffer {
  const packets = packetsOf(
    random.pick([[client(MESSAGES[0] as string), server(MESSAGES[12] as string)], [client(MESSAGES[1] as string)]]),
  );
  const words = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, i * 4);
    return bytes;
  };
  if (random.chance(0.5)) {
    return Buffer.concat([
      words(0xa1b2c3d4, 0x0004_0002, 0, 0, 65_535, 1),
      ...packets.flatMap(({ frame }) => [words(1, 2, frame.length, frame.length), frame]),
    ]);
  }
  return Buffer.concat([
    words(0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28),
    words(1, 20, 1, 0, 20),
    ...packets.flatMap(({ frame }) => {
      const padding = -frame.length & 3;
      const length = 32 + frame.length + padding;
      return [words(6, length, 0, 1, 2, frame.length, frame.length), frame, Buffer.alloc(padding), words(length)];
    }),
  ]);
}

/** Random bytes into the parsers, one at a time. */
async function fuzzParts(random: Random): Promise<void> {
  const text = Buffer.from(random.pick(MESSAGES), 'latin1');
  const bytes = random.chance(0.8) ? mutate(random, text) : randomBytes(random, 300);
  for (const kind of [MessageKind.request, MessageKind.response]) {
    for (const result of [
      () => parser.parse(kind, bytes, 0, bytes.length),
      () => salvageHead(parser.head, kind, bytes, 0, bytes.length),
    ]) {
      if (result() !== HeadResult.complete) continue;
      const parsed = parser.head;
      check(parsed.length > 0 && parsed.length <= bytes.length, 'a head is longer than its bytes');
      for (let i = 0; i < parsed.headerCount * 4; i++) {
        const place = parsed.spans[i] as number;
        check(place >= 0 && place <= parsed.length, 'a header lies outside of its head');
      }
    }
  }
  const decoder = new ChunkedDecoder(200);
  for (let at = 0, steps = 0; at < bytes.length && !decoder.isDone && !decoder.isInvalid; steps++) {
    check(steps <= bytes.length, 'the chunked decoder does not move');
    at = decoder.next(bytes, at, bytes.length);
  }
  trailerPairs(decoder.trailer);
}

async function fuzzCodings(random: Random): Promise<void> {
  const content = Buffer.from('some content '.repeat(random.between(0, 300)));
  const zstd = Buffer.concat([
    Buffer.from('28b52ffd0050', 'hex'),
    Buffer.from([(5 << 3) | 1, 0, 0]),
    Buffer.from('hello'),
  ]);
  const input = random.pick([
    zlib.gzipSync(content),
    zlib.deflateSync(content),
    zlib.deflateRawSync(content),
    zlib.brotliCompressSync(content),
    zstd,
    content,
  ]);
  const codings = Array.from({ length: random.between(1, 3) }, () =>
    random.pick(['gzip', 'deflate', 'br', 'zstd', 'x-gzip']),
  );
  const cap = random.pick([0, 10, 100_000]);
  const result = await decodeContent(mutate(random, input), codings, cap, random.chance(0.5));
  check(result.error !== null || result.content.length <= cap, 'decoded content is over its cap');
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
