/** Capture files as outputs: rotated and kept by number, read through a FIFO, whole after a failure. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/output/clock.js';
import { type FileOutput, type FileOutputSettings, openFileOutput } from '../../../src/packets/outputs/file-output.js';
import { createOutputBook, type PacketRun } from '../../../src/packets/outputs/packet-output.js';
import { recordingLog } from '../../support/relay.js';
import { packetsOf, record, temporaryDirectory, until } from '../../support/stream-ends.js';

const directory = temporaryDirectory();

async function open(settings: Partial<FileOutputSettings> = {}) {
  const { log, lines } = recordingLog();
  const book = createOutputBook();
  const path = join(directory(), 'dump.pcap');
  const output = await openFileOutput({
    settings: {
      ...{ path, format: 'pcap', snapLength: 65_535, rotateBytes: 0, rotateMillis: 0, keep: 0, queueBytesMax: 1 << 20 },
      ...settings,
    },
    ...{ linkType: 1, book, log, clock: systemClock, onGone: () => {} },
  });
  return { output, book, path: settings.path ?? path, said: () => JSON.stringify(lines) };
}

const runOf = (text: string, linkType = 1): PacketRun => ({
  origin: { name: 'web-1', key: 'web-1' },
  ...{ linkType, records: record(1, text), packets: 1, frame: null },
});

const write = (output: FileOutput, text: string) => new Promise<void>((resolve) => output.take(runOf(text), resolve));

describe('a file', () => {
  it('is rotated by size, each a whole capture file, and old ones are removed', async () => {
    const { output, path } = await open({ rotateBytes: 500, keep: 2 });
    for (let i = 0; i < 12; i++) await write(output, `${i} `.padEnd(200, '.'));
    await output.close(1000);
    const files = readdirSync(directory()).filter((name) => name.endsWith('.pcap'));
    expect(files).toHaveLength(3);
    expect(files.filter((name) => /^dump-\d{8}T\d{9}Z\.pcap$/.test(name))).toHaveLength(2);
    const packets = files
      .sort()
      .flatMap((name) => packetsOf(join(directory(), name)).map((text) => text.split(' ')[1]));
    expect(new Set(packets)).toEqual(new Set(['6', '7', '8', '9', '10', '11']));
    expect(packetsOf(path).at(-1)).toContain(' 11 ');
  });

  it('is rotated by time, if there is a packet in it', async () => {
    const { output } = await open({ rotateMillis: 20 });
    await write(output, 'x'.repeat(200));
    await new Promise((resolve) => setTimeout(resolve, 30));
    await write(output, 'second');
    await output.close(1000);
    expect(readdirSync(directory()).filter((name) => name.endsWith('.pcap'))).toHaveLength(2);
  });

  it('that somebody has taken away is begun anew where it would be rotated, and no packet is missing', async () => {
    const { output, path } = await open({ rotateBytes: 500 });
    await write(output, '0 '.padEnd(300, '.'));
    renameSync(path, join(directory(), 'taken-away.pcap'));
    await write(output, '1 '.padEnd(300, '.'));
    await output.close(1000);
    expect(packetsOf(join(directory(), 'taken-away.pcap'))).toHaveLength(1);
    expect(packetsOf(path)[0]).toContain(' 1 ');
  });

  it('that cannot be put aside is gone on with', async () => {
    const path = join(directory(), 'gone', 'dump.pcap');
    mkdirSync(dirname(path));
    const { output, book, said } = await open({ rotateBytes: 500, path });
    await write(output, '0 '.padEnd(300, '.'));
    rmSync(dirname(path), { recursive: true });
    for (const text of ['1 ', '2 ', '3 ']) await write(output, text.padEnd(300, '.'));
    await output.close(1000);
    expect(book).toMatchObject({ written: 4, dropped: { failed: 0 } });
    expect(said().match(/cannot be put aside, and grows: /g)).toHaveLength(1);
  });

  it('takes no packets of another link type, but those of tunnels, and counts them', async () => {
    const { output, book, said } = await open();
    output.take(runOf('wireless', 105));
    await write(output, 'good');
    await output.close(1000);
    expect(book).toMatchObject({ taken: 2, written: 1, dropped: { 'link-type': 1 } });
    expect(said()).toContain('packets of link type 105 do not fit');
  });

  it('loses the newest when it is behind, counted', async () => {
    const { output, book } = await open({ queueBytesMax: 1000 });
    for (let i = 0; i < 20; i++) output.take(runOf('x'.repeat(200)));
    expect(output.drained()).toBeInstanceOf(Promise);
    await output.close(1000);
    expect(book.taken).toBe(20);
    expect(book.written + book.dropped['queue-full']).toBe(20);
    expect(book.dropped['queue-full']).toBeGreaterThan(0);
  });

  it('is no directory and no link', async () => {
    mkdirSync(join(directory(), 'a-directory'));
    symlinkSync('/etc/passwd', join(directory(), 'a-link'));
    for (const name of ['a-directory', 'a-link', 'missing/file'])
      await expect(open({ path: join(directory(), name) })).rejects.toThrow(
        `output.file.path ${join(directory(), name)}`,
      );
  });
});

describe('a FIFO', () => {
  it('gives each reader a capture file from its beginning, and waits for one', async () => {
    const path = join(directory(), 'packets');
    execFileSync('mkfifo', [path]);
    const { output, book } = await open({ path });
    const written = write(output, 'before anybody reads');
    const readOne = async (bytes: number) => {
      const reader = spawn('head', ['-c', String(bytes), path], { stdio: ['ignore', 'pipe', 'ignore'] });
      const pieces: Buffer[] = [];
      reader.stdout!.on('data', (piece: Buffer) => pieces.push(piece));
      return { done: once(reader, 'close').then(() => Buffer.concat(pieces)) };
    };
    const first = await readOne(60);
    await written;
    expect((await first.done).toString('latin1')).toMatch(/^\xd4\xc3\xb2\xa1[\s\S]*before anybody reads/);
    // The first reader has gone: what is written until that shows is lost, and counted.
    await until(() => {
      output.take(runOf('nobody reads'));
      return book.dropped.failed > 0;
    });
    const second = await readOne(24);
    expect((await second.done).subarray(0, 4).toString('hex')).toBe('d4c3b2a1');
    await output.close(500);
    expect(book.taken).toBe(book.written + book.dropped.failed + book.dropped['queue-full']);
  });
});

it('a FIFO that has become something else is not written to, and is said', async () => {
  const path = join(directory(), 'packets');
  execFileSync('mkfifo', [path]);
  const { output, book, said } = await open({ path });
  rmSync(path);
  writeFileSync(path, 'a file of somebody');
  output.take(runOf('for a reader'));
  await until(() => said().includes('it is no FIFO any more'));
  await output.close(100);
  expect(readFileSync(path, 'utf8')).toBe('a file of somebody');
  expect(book.dropped.failed).toBe(1);
});

it('leaves a pcapng file whole, with a section of its own for each start', async () => {
  for (const text of ['first', 'second']) {
    const { output } = await open({ format: 'pcapng' });
    await write(output, text);
    await output.close(1000);
  }
  const file = readFileSync(join(directory(), 'dump.pcap'));
  const types: number[] = [];
  for (let at = 0; at < file.length; at += file.readUInt32LE(at + 4)) types.push(file.readUInt32LE(at));
  expect(types).toEqual([0x0a0d0d0a, 1, 6, 0x0a0d0d0a, 1, 6]);
});
