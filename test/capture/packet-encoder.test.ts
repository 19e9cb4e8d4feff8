/** Packets as bytes of capture files, by the letter, and as tcpdump and this project's own reader read them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FileSource } from '../../src/capture/file-source.js';
import { type CaptureFormat, createPacketEncoder } from '../../src/capture/packet-encoder.js';
import { createPacketView, viewPacket } from '../../src/capture/packet-view.js';
import { run } from '../support/namespace.js';
import { needs } from '../support/needs.js';
import { packetBatch } from '../support/packet-batch.js';

const folder = mkdtempSync(join(tmpdir(), 'packet-encoder-'));
afterAll(() => rmSync(folder, { recursive: true }));

const FRAME = Buffer.from('ffffffffffff02000000000188b5', 'hex');

function encoded(format: CaptureFormat, frame = FRAME, vlanTag = 0, snapLength = 65_535): Buffer {
  const encoder = createPacketEncoder(format, snapLength);
  const batch = packetBatch(frame, { time: 123_456_789 });
  batch.timeBaseSeconds = 1_700_000_000;
  batch.vlanTag[0] = vlanTag;
  const view = createPacketView();
  viewPacket(view, batch, 0);
  const record = Buffer.alloc(encoder.room(frame.length));
  const end = encoder.write(view, 0, record, 0);
  return Buffer.concat([encoder.head(1), encoder.describe({ name: 'eth0', linkType: 1 }), record.subarray(0, end)]);
}

it('writes pcap with microseconds', () => {
  expect(encoded('pcap').toString('hex')).toBe(
    'd4c3b2a1020004000000000000000000ffff00000100000000f1536540e201000e0000000e000000ffffffffffff02000000000188b5',
  );
});

it('writes pcap with nanoseconds', () => {
  expect(encoded('pcap-nano').toString('hex')).toBe(
    '4d3cb2a1020004000000000000000000ffff00000100000000f1536515cd5b070e0000000e000000ffffffffffff02000000000188b5',
  );
});

it('puts back the VLAN tag that the kernel took off, and cuts to the snap length behind that', () => {
  const tagged = encoded('pcap', FRAME, 0x8100_0064);
  expect(tagged.subarray(24 + 8).toString('hex')).toBe('1200000012000000ffffffffffff0200000000018100006488b5');
  const cut = encoded('pcap', FRAME, 0x8100_0064, 15);
  expect(cut.subarray(24 + 8).toString('hex')).toBe('0f00000012000000ffffffffffff020000000001810000');
});

it.each(['pcap', 'pcap-nano', 'pcapng'] as const)('writes %s that this project reads', async (format) => {
  const path = join(folder, `own.${format}`);
  writeFileSync(path, encoded(format));
  const source = await FileSource.open(path, null);
  const seen: unknown[] = [];
  await source.run((batch) => {
    const at = batch.offset[0] as number;
    const bytes = batch.bytes.subarray(at, at + (batch.capturedLength[0] as number)).toString('hex');
    seen.push([bytes, batch.timeBaseSeconds, batch.time[0], source.interfaces[0]?.linkType]);
  });
  expect(seen).toEqual([[FRAME.toString('hex'), 1_700_000_000, format === 'pcap' ? 123_456_000 : 123_456_789, 1]]);
});

describe('read by others', needs('tcpdump'), () => {
  it.each(['pcap', 'pcap-nano', 'pcapng'] as const)('%s', (format) => {
    const path = join(folder, `other.${format}`);
    writeFileSync(path, encoded(format, FRAME, 0x8100_0064));
    expect(run('tcpdump', '-tt', '-n', '-e', '-r', path)).toMatch(
      /^1700000000\.123456 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype 802\.1Q \(0x8100\), length 18: vlan 100/,
    );
  });
});
