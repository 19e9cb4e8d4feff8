/** `--filter` on capture files: which packets it takes, by link type, beside tcpdump reading the same file. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openFileFilter } from '../../src/capture/exclusions.js';
import { FileSource } from '../../src/capture/file-source.js';
import { createPacketFilter } from '../../src/capture/filter-program.js';
import { UsageError } from '../../src/errors.js';
import { runCommand } from '../support/command.js';
import { needs } from '../support/needs.js';
import { ethernet, hex, ipv4, ipv6, linuxSll, linuxSll2, tcp, udp, vlan } from '../support/packets.js';

const folder = mkdtempSync(join(tmpdir(), 'file-filter-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

/** A pcap file of `linkType`; each packet says by its only payload byte which one it is. */
function pcap(linkType: number, packets: readonly Buffer[], wire = (length: number) => length): string {
  const path = join(folder, `${files++}.pcap`);
  const head = Buffer.alloc(24);
  head.set(hex('d4c3b2a1 0200 0400 00000000 00000000 ffff0000'));
  head.writeUInt32LE(linkType, 20);
  const records = packets.flatMap((packet, index) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(index, 4);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(wire(packet.length), 12);
    return [record, packet];
  });
  writeFileSync(path, Buffer.concat([head, ...records]));
  return path;
}

/** The last byte of each packet that passes. */
async function passing(path: string, expression: string): Promise<{ taken: number[]; warning: string | null }> {
  const source = await FileSource.open(path, openFileFilter(expression));
  const taken: number[] = [];
  await source.run((batch) => {
    for (let i = 0; i < batch.count; i++) {
      taken.push(batch.bytes[(batch.offset[i] as number) + (batch.capturedLength[i] as number) - 1] as number);
    }
  });
  const counted = source.statistics().reduce((sum, { packets }) => sum + packets, 0);
  expect(counted).toBe(taken.length);
  return { taken, warning: source.warning };
}

const ip = [
  ipv4({ protocol: 6 }, tcp({ from: 40_000, to: 80 }, Buffer.of(1))),
  ipv4({ protocol: 6, source: '10.9.0.2', destination: '10.9.0.1' }, tcp({ from: 80, to: 40_000 }, Buffer.of(2))),
  ipv4({ protocol: 6 }, tcp({ from: 40_001, to: 8080 }, Buffer.of(3))),
  ipv4({ protocol: 17 }, udp(80, Buffer.of(4))),
  ipv6({ protocol: 6 }, tcp({ from: 40_000, to: 80 }, Buffer.of(5))),
  ipv6({ protocol: 6 }, tcp({ from: 40_000, to: 8080 }, Buffer.of(6))),
];
const etherTypeOf = (packet: Buffer) => ((packet[0] as number) >> 4 === 4 ? 0x0800 : 0x86dd);

const FRAMES: readonly (readonly [what: string, linkType: number, frame: (packet: Buffer) => Buffer])[] = [
  ['Ethernet', 1, (packet) => ethernet(etherTypeOf(packet), packet)],
  ['raw IP', 101, (packet) => packet],
  ['raw IP, as OpenBSD numbers it', 14, (packet) => packet],
  ['Linux cooked', 113, (packet) => linuxSll(etherTypeOf(packet), packet)],
  ['Linux cooked v2', 276, (packet) => linuxSll2(etherTypeOf(packet), packet)],
];

const EXPRESSIONS: readonly (readonly [expression: string, taken: readonly number[]])[] = [
  ['port 80', [1, 2, 4, 5]],
  ['tcp port 80', [1, 2, 5]],
  ['not port 80', [3, 6]],
  ['dst port 8080 or udp', [3, 4, 6]],
  ['ip6', [5, 6]],
  ['src host 10.9.0.2', [2]],
  ['tcp[13] & 16 != 0 and ip', [1, 2, 3]],
  ['portrange 8000-9000', [3, 6]],
  ['', [1, 2, 3, 4, 5, 6]],
];

describe.each(FRAMES)('%s', (_what, linkType, frame) => {
  const path = pcap(linkType, ip.map(frame));

  it.each(EXPRESSIONS)('%s', async (expression, taken) => {
    expect(await passing(path, expression)).toEqual({ taken, warning: null });
  });
});

it('looks behind the VLAN tag of a file, as live capture sees packets without theirs', async () => {
  const frames = ip.map((packet, index) =>
    index % 2 === 0 ? ethernet(0x8100, vlan(7, etherTypeOf(packet), packet)) : ethernet(etherTypeOf(packet), packet),
  );
  const path = pcap(1, frames);
  expect((await passing(path, 'port 80')).taken).toEqual([1, 2, 4, 5]);
  expect((await passing(path, 'not port 80')).taken).toEqual([3, 6]);
  // An expression that speaks of tags is taken at its word.
  expect((await passing(path, 'vlan 7 and port 80')).taken).toEqual([1, 5]);
});

it('takes `len` for the length on the wire, and nothing beyond what was captured', async () => {
  const path = pcap(101, ip, () => 9000);
  expect((await passing(path, 'len > 8999')).taken).toEqual([1, 2, 3, 4, 5, 6]);
  expect((await passing(path, 'ip[500] = 0')).taken).toEqual([]);
});

it('says so where nothing passed', async () => {
  const path = pcap(1, ip.map(FRAMES[0]?.[2] as (packet: Buffer) => Buffer));
  expect((await passing(path, 'port 81')).warning).toBe(
    'none of its 6 packets passed --filter "port 81"; widen it, or leave it out',
  );
});

it('lets packets through that neither libpcap nor the sensor can read, to be counted', async () => {
  expect((await passing(pcap(147, [Buffer.of(1), Buffer.of(2)]), 'port 80')).taken).toEqual([1, 2]);
});

describe('a wrong expression', () => {
  it('is refused before the file is opened, whatever its link type', () => {
    for (const wrong of ['port eighty', 'port 80 and', 'tcp and bogus', `port 80${' or port 80'.repeat(500)}`]) {
      expect(() => openFileFilter(wrong), wrong).toThrow(UsageError);
    }
    expect(() => openFileFilter('port eighty')).toThrow(
      `--filter "port eighty": unknown port 'eighty'; see man pcap-filter`,
    );
  });

  it('is refused where it has no meaning for the link type of the file', async () => {
    const { code, stderr, stdout } = await runCommand([
      'apidump',
      '--read',
      pcap(101, ip),
      '--output',
      'ndjson',
      '--filter',
      'ether host 02:00:00:00:00:01',
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^pcap-sensor: --filter "ether host 02:00:00:00:00:01": ethernet addresses supported only/m);
  });

  it('ends the command with 2', async () => {
    const { code, stderr, stdout } = await runCommand([
      'apidump',
      '--read',
      pcap(1, []),
      '--output',
      'ndjson',
      '--filter',
      'prot 80',
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('--filter "prot 80": ');
  });
});

describe('the interpreter', () => {
  const instruction = (code: number, k = 0, jt = 0, jf = 0) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt16LE(code, 0);
    bytes.set([jt, jf], 2);
    bytes.writeUInt32LE(k >>> 0, 4);
    return bytes;
  };
  const run = (packet: Buffer, ...program: Buffer[]) =>
    createPacketFilter(new Uint8Array(Buffer.concat(program)).buffer)(packet, 0, packet.length, packet.length);
  const RETURN_A = instruction(0x16);
  const loadImmediate = (k: number) => instruction(0x00, k);

  it.each([
    ['add, modulo 2³²', 0x04, 0xffffffff, 1, 0],
    ['sub, modulo 2³²', 0x14, 1, 2, 0xffffffff],
    ['mul', 0x24, 0x10001, 0x10000, 0x10000],
    ['div', 0x34, 7, 2, 3],
    ['or', 0x44, 1, 2, 3],
    ['and', 0x54, 0x80000001, 0x80000000, 0x80000000],
    ['lsh', 0x64, 1, 31, 0x80000000],
    ['lsh by more than the word has', 0x64, 1, 32, 0],
    ['rsh', 0x74, 0x80000000, 31, 1],
    ['rsh by more than the word has', 0x74, 0x80000000, 32, 0],
    ['neg', 0x84, 1, 0, 0xffffffff],
    ['mod', 0x94, 7, 4, 3],
    ['xor', 0xa4, 6, 3, 5],
  ])('%s', (_what, code, a, b, result) => {
    const isResult = instruction(0x15, result, 0, 1);
    const program = [loadImmediate(a), instruction(code, b), isResult, instruction(0x06, 1), instruction(0x06, 0)];
    expect(run(Buffer.alloc(0), ...program)).toBe(true);
    const isOther = instruction(0x15, result ^ 1, 0, 1);
    expect(run(Buffer.alloc(0), ...program.with(2, isOther))).toBe(false);
  });

  it('takes nothing by a wrong program: division by zero, no operation, no return, a load beyond the packet', () => {
    const packet = Buffer.of(9, 9);
    expect(run(packet, loadImmediate(1), instruction(0x34, 0), instruction(0x06, 1))).toBe(false);
    expect(run(packet, loadImmediate(1), instruction(0xf4, 0), instruction(0x06, 1))).toBe(false);
    expect(run(packet, loadImmediate(1))).toBe(false);
    expect(run(packet, instruction(0x28, 1), RETURN_A)).toBe(false);
    expect(run(packet, instruction(0x28, 0xffffffff), RETURN_A)).toBe(false);
    expect(run(packet, instruction(0x28, 0), RETURN_A)).toBe(true);
  });
});

describe('beside tcpdump', needs('tcpdump'), () => {
  it.each(FRAMES.filter(([, linkType]) => linkType !== 14))('%s', async (_what, linkType, frame) => {
    const path = pcap(linkType, ip.map(frame));
    for (const [expression, taken] of EXPRESSIONS) {
      const out = execFileSync('tcpdump', ['-n', '-r', path, '-w', '-', expression], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const theirs: number[] = [];
      for (let at = 24; at < out.length; ) {
        const length = out.readUInt32LE(at + 8);
        theirs.push(out[at + 16 + length - 1] as number);
        at += 16 + length;
      }
      expect(theirs, expression).toEqual(taken);
    }
  });
});
