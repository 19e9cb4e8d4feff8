/** Packets written and read again, byte for byte and nanosecond for nanosecond. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { FileSource } from '../../../src/capture/file-source.js';
import { createPacketBatch, type PacketBatch } from '../../../src/capture/packet-batch.js';
import { createCounters } from '../../../src/counters.js';
import { openPacketFile } from '../../../src/output/file/packet-file.js';
import { instantClock, recordingLog } from '../../support/relay.js';

const folder = mkdtempSync(join(tmpdir(), 'packet-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

const INTERFACES = [
  { id: 0, name: 'lo', linkType: 1 },
  { id: 1, name: 'eth0', linkType: 1 },
  { id: 2, name: 'tun0', linkType: 101 },
];

function batchOf(...packets: readonly (readonly [text: string, time: number, interfaceId: number])[]): PacketBatch {
  const batch = createPacketBatch(packets.length);
  batch.timeBaseSeconds = 1_700_000_000;
  batch.bytes = Buffer.from(packets.map(([text]) => text).join(''));
  let at = 0;
  for (const [text, time, interfaceId] of packets) {
    const i = batch.count++;
    batch.offset[i] = at;
    batch.capturedLength[i] = text.length;
    batch.wireLength[i] = text.length + 1000;
    batch.time[i] = time;
    batch.interfaceId[i] = interfaceId;
    at += text.length;
  }
  return batch;
}

async function open(name: string, queue_bytes_max = 1 << 20) {
  const { log, lines } = recordingLog();
  const counters = createCounters();
  const path = join(folder, name);
  const file = await openPacketFile({
    ...{ path, replace: false, read: null, interfaces: INTERFACES, queue_bytes_max, counters, log },
    clock: instantClock(),
  });
  return { path, file, counters, lines };
}

async function read(path: string) {
  const source = await FileSource.open(path);
  const packets: unknown[] = [];
  await source.run((batch) => {
    for (let i = 0; i < batch.count; i++) {
      const offset = batch.offset[i] as number;
      const text = batch.bytes.toString('latin1', offset, offset + (batch.capturedLength[i] as number));
      packets.push([
        text,
        (batch.timeBaseSeconds - 1_700_000_000) * 1e9 + (batch.time[i] as number),
        batch.wireLength[i],
      ]);
    }
  });
  return { packets, linkTypes: source.interfaces.map(({ linkType }) => linkType), warning: source.warning };
}

it('writes what is read again, for nobody else to read', async () => {
  const { path, file, counters } = await open('a.pcap');
  const batch = batchOf(['one', 1, 0], ['two', 999_999_999, 1], ['three', 1_000_000_000, 0], ['early', -1, 0]);
  file.write(batch);
  batch.bytes.fill(0); // the ring takes it back
  file.write(batchOf(['four', 5e15 + 7, 0]));
  await file.close(1000);
  expect(await read(path)).toEqual({
    packets: [
      ['one', 1, 1003],
      ['two', 999_999_999, 1003],
      ['three', 1_000_000_000, 1005],
      ['early', -1, 1005],
      ['four', 5e15 + 7, 1004],
    ],
    linkTypes: [1],
    warning: null,
  });
  expect(counters.packets_unwritten).toBe(0);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('is a capture file with nothing in it where nothing came', async () => {
  const { path, file } = await open('none.pcap');
  await file.close(1000);
  expect(readFileSync(path)).toHaveLength(24);
  expect((await read(path)).warning).toBeNull();
});

it('leaves out packets of another link type, counted, and says so once', async () => {
  const { path, file, counters, lines } = await open('mixed.pcap');
  file.write(batchOf(['ether', 0, 0], ['ip', 1, 2], ['ip', 2, 2], ['ether', 3, 1]));
  await file.close(1000);
  expect((await read(path)).packets).toHaveLength(2);
  expect(counters.packets_unwritten).toBe(2);
  expect(lines.map(({ message }) => message)).toEqual([
    'packets of link type 101 are not written: the file has link type 1',
  ]);
});

it('counts the packets that a disk which cannot keep up costs, and stays a capture file', async () => {
  const { path, file, counters, lines } = await open('slow.pcap', 4096);
  for (let i = 0; i < 100; i++) file.write(batchOf(['x'.repeat(500), i, 0], ['y'.repeat(500), i, 0]));
  await file.close(1000);
  const { packets, warning } = await read(path);
  expect(warning).toBeNull();
  expect(counters.packets_unwritten).toBeGreaterThan(0);
  expect(packets.length + counters.packets_unwritten).toBe(200);
  expect(lines[0]?.message).toContain('packets were not written');
});

it('names option, value and way out where it cannot be opened', async () => {
  await expect(open('no/such.pcap')).rejects.toThrow(
    /^--write .*no\/such\.pcap: no such file or directory \(ENOENT\); make the directory that it lies in, or name another/,
  );
});

it('does not take a file that holds something', async () => {
  writeFileSync(join(folder, 'taken.pcap'), 'precious');
  await expect(open('taken.pcap')).rejects.toThrow(
    /^--write .*taken\.pcap: holds 8 bytes already; .*--output-replace$/,
  );
  expect(readFileSync(join(folder, 'taken.pcap'), 'utf8')).toBe('precious');
});
