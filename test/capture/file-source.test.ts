/** Capture files by the byte: every variant of pcap and pcapng, whole, cut off and corrupt. */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FileSource } from '../../src/capture/file-source.js';
import { hex } from '../support/packets.js';

const folder = mkdtempSync(join(tmpdir(), 'file-source-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

interface Seen {
  /** Nanoseconds since the epoch. */
  time: bigint;
  data: string;
  wire: number;
  interface: string;
  linkType: number;
}

async function readAll(path: string, stopAfter = Number.POSITIVE_INFINITY) {
  const source = await FileSource.open(path);
  const packets: Seen[] = [];
  await source.run((batch) => {
    for (let i = 0; i < batch.count; i++) {
      const offset = batch.offset[i] as number;
      const from = source.interfaces[batch.interfaceId[i] as number];
      packets.push({
        time: BigInt(batch.timeBaseSeconds) * 1_000_000_000n + BigInt(batch.time[i] as number),
        data: batch.bytes.toString('latin1', offset, offset + (batch.capturedLength[i] as number)),
        wire: batch.wireLength[i] as number,
        interface: from?.name ?? '',
        linkType: from?.linkType ?? -1,
      });
    }
    if (packets.length >= stopAfter) source.stop();
  });
  return { packets, warning: source.warning, source };
}

async function read(...parts: Buffer[]) {
  const path = join(folder, `${files++}.pcap`);
  writeFileSync(path, Buffer.concat(parts));
  return { path, ...(await readAll(path)) };
}

/** 32-bit words in either byte order. */
const words = (little: boolean, ...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) {
    if (little) bytes.writeUInt32LE(value >>> 0, i * 4);
    else bytes.writeUInt32BE(value >>> 0, i * 4);
  }
  return bytes;
};
const halves = (little: boolean, ...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [i, value] of values.entries()) {
    if (little) bytes.writeUInt16LE(value, i * 2);
    else bytes.writeUInt16BE(value, i * 2);
  }
  return bytes;
};

describe('pcap', () => {
  const header = (little: boolean, magic: number, linkType = 1) =>
    Buffer.concat([words(little, magic), halves(little, 2, 4), words(little, 0, 0, 65_535, linkType)]);
  const packet = (little: boolean, seconds: number, fraction: number, data: string, wire = data.length, extra = 0) =>
    Buffer.concat([words(little, seconds, fraction, data.length, wire), Buffer.alloc(extra), Buffer.from(data)]);

  describe.each([
    ['little-endian', true],
    ['big-endian', false],
  ])('%s', (_, little) => {
    it.each([
      ['microseconds', 0xa1b2c3d4, 999_999_000n, 0],
      ['nanoseconds', 0xa1b23c4d, 999_999n, 0],
      ['modified', 0xa1b2cd34, 999_999_000n, 8],
    ])('%s', async (_, magic, nanos, extra) => {
      const { packets, warning, source } = await read(
        header(little, magic, 113),
        packet(little, 1_752_000_000, 999_999, 'one', 3, extra),
        packet(little, 1_752_000_001, 1, 'cut', 1500, extra),
      );
      const fraction = magic === 0xa1b23c4d ? 1n : 1000n;
      expect(packets).toEqual([
        {
          time: 1_752_000_000_000_000_000n + nanos,
          data: 'one',
          wire: 3,
          interface: source.interfaces[0]?.name,
          linkType: 113,
        },
        {
          time: 1_752_000_001_000_000_000n + fraction,
          data: 'cut',
          wire: 1500,
          interface: source.interfaces[0]?.name,
          linkType: 113,
        },
      ]);
      expect(warning).toBeNull();
      expect(source.statistics()).toMatchObject([{ packets: 2, dropped: 0 }]);
    });
  });

  const whole = [header(true, 0xa1b2c3d4), packet(true, 1, 0, 'one'), packet(true, 2, 0, 'two')];

  it('takes the link type from the low bits, where frame check sequences stand above', async () => {
    const { packets } = await read(header(true, 0xa1b2c3d4, 0x5400_0001), packet(true, 1, 0, 'x'));
    expect(packets[0]?.linkType).toBe(1);
  });

  it('gives times that go back, before the first', async () => {
    const { packets } = await read(
      header(true, 0xa1b23c4d),
      packet(true, 5, 3, 'a'),
      packet(true, 4, 999_999_999, 'b'),
    );
    expect(packets.map(({ time }) => time)).toEqual([5_000_000_003n, 4_999_999_999n]);
  });

  it('gives everything before a cut, wherever it is, and says so', async () => {
    const file = Buffer.concat(whole);
    for (let length = 24; length < file.length; length++) {
      const { packets, warning } = await read(file.subarray(0, length));
      expect(packets.length).toBe(length < 24 + 19 ? 0 : 1);
      if (length === 24 || length === 24 + 19) expect(warning).toBeNull();
      else expect(warning).toMatch(/ends in the middle of a record/);
    }
  });

  it('gives everything before a corrupt length, and says so', async () => {
    const { packets, warning } = await read(...whole, words(true, 3, 0, 0x7fff_ffff, 1), Buffer.alloc(100));
    expect(packets.map(({ data }) => data)).toEqual(['one', 'two']);
    expect(warning).toMatch(/claims 2147483647 bytes: the file is corrupt/);
  });

  it('does not believe a length on the wire that no packet has', async () => {
    const { packets } = await read(header(true, 0xa1b2c3d4), packet(true, 1, 0, 'x', 0xffff_ffff));
    expect(packets[0]?.wire).toBeGreaterThan(0);
  });

  it('reads a record longer than its buffer, and many batches', async () => {
    const large = 'x'.repeat(5 << 20);
    const many = Array.from({ length: 10_000 }, (_, i) => packet(true, 2, i, `${i}`));
    const { packets } = await read(header(true, 0xa1b2c3d4), packet(true, 1, 0, large), ...many);
    expect(packets).toHaveLength(10_001);
    expect(packets[0]?.data).toBe(large);
    expect(packets.slice(1).every(({ data }, i) => data === `${i}`)).toBe(true);
  });

  it('stops on `stop`', async () => {
    const path = join(folder, 'stop.pcap');
    writeFileSync(
      path,
      Buffer.concat([header(true, 0xa1b2c3d4), ...Array.from({ length: 9000 }, () => packet(true, 1, 0, 'x'))]),
    );
    const { packets, warning } = await readAll(path, 1);
    expect(packets.length).toBeLessThan(9000);
    expect(warning).toBeNull();
  });
});

describe('pcapng', () => {
  describe.each([
    ['little-endian', true],
    ['big-endian', false],
  ])('%s', (_, little) => {
    const block = (type: number, body: Buffer) => {
      const padding = -body.length & 3;
      const length = 12 + body.length + padding;
      return Buffer.concat([words(little, type, length), body, Buffer.alloc(padding), words(little, length)]);
    };
    const section = block(
      0x0a0d0d0a,
      Buffer.concat([words(little, 0x1a2b3c4d), halves(little, 1, 0), hex('ffffffffffffffff')]),
    );
    const option = (code: number, value: Buffer) =>
      Buffer.concat([halves(little, code, value.length), value, Buffer.alloc(-value.length & 3)]);
    const describeInterface = (linkType: number, snap = 0, ...options: Buffer[]) =>
      block(1, Buffer.concat([halves(little, linkType, 0), words(little, snap), ...options]));
    const packet = (id: number, ticks: bigint, data: string, wire = data.length) =>
      block(
        6,
        Buffer.concat([
          words(little, id, Number(ticks >> 32n), Number(ticks & 0xffff_ffffn), data.length, wire),
          Buffer.from(data),
        ]),
      );
    const offset = (seconds: bigint) => {
      const bytes = Buffer.alloc(8);
      if (little) bytes.writeBigInt64LE(seconds);
      else bytes.writeBigInt64BE(seconds);
      return option(14, bytes);
    };

    it('has interfaces with names, link types and resolutions of their own', async () => {
      const { packets, warning } = await read(
        section,
        describeInterface(1, 0, option(2, Buffer.from('eth0')), option(9, hex('09')), option(0, Buffer.alloc(0))),
        describeInterface(276, 0, option(2, Buffer.from('any')), option(9, hex('03'))),
        describeInterface(113, 0, option(9, hex('8a'))),
        describeInterface(101),
        packet(0, 1_752_000_000_123_456_789n, 'nano', 99),
        packet(1, 1_752_000_001_500n, 'milli'),
        packet(2, (1_752_000_002n << 10n) | 512n, 'binary'),
        packet(3, 1_752_000_003_000_001n, 'micro'),
      );
      expect(packets.map(({ time, data, wire, linkType }) => [time, data, wire, linkType])).toEqual([
        [1_752_000_000_123_456_789n, 'nano', 99, 1],
        [1_752_000_001_500_000_000n, 'milli', 5, 276],
        [1_752_000_002_500_000_000n, 'binary', 6, 113],
        [1_752_000_003_000_001_000n, 'micro', 5, 101],
      ]);
      expect(packets.map((seen) => seen.interface).slice(0, 2)).toEqual(['eth0', 'any']);
      expect(warning).toBeNull();
    });

    it('adds if_tsoffset', async () => {
      const { packets } = await read(
        section,
        describeInterface(1, 0, offset(1_700_000_000n)),
        describeInterface(1, 0, offset(-5n)),
        packet(0, 7n, 'a'),
        packet(1, 1_700_000_009_000_000n, 'b'),
      );
      expect(packets.map(({ time }) => time)).toEqual([1_700_000_000_000_007_000n, 1_700_000_004_000_000_000n]);
    });

    it('believes no time before 1970 or behind 2262', async () => {
      const { packets } = await read(
        section,
        describeInterface(1, 0, offset(-(2n ** 62n))),
        describeInterface(1, 0, offset(2n ** 62n), option(9, hex('00'))),
        describeInterface(1, 0, option(9, hex('80'))),
        describeInterface(1, 0, option(9, hex('ff'))),
        packet(0, 7n, 'before'),
        packet(1, 2n ** 64n - 1n, 'behind'),
        packet(2, 2n ** 64n - 1n, 'one tick a second'),
        packet(3, 2n ** 64n - 1n, '2^127 ticks a second'),
      );
      expect(packets.map(({ time }) => time)).toEqual([
        7_000n,
        // A double holds the whole span to half a microsecond.
        9_223_372_035_000_000_512n,
        // A double holds the whole span to half a microsecond.
        9_223_372_035_000_000_512n,
        0n,
      ]);
    });

    it('reads simple packets, cut at the snap length, at the time of the one before', async () => {
      const simple = (wire: number, data: string) => block(3, Buffer.concat([words(little, wire), Buffer.from(data)]));
      const { packets } = await read(
        section,
        describeInterface(1, 4),
        packet(0, 9n, 'full'),
        simple(3, 'abc'),
        simple(900, 'snap'),
      );
      expect(packets.map(({ time, data, wire }) => [time, data, wire])).toEqual([
        [9000n, 'full', 4],
        [9000n, 'abc', 3],
        [9000n, 'snap', 900],
      ]);
    });

    it('reads the obsolete packet block', async () => {
      const body = Buffer.concat([halves(little, 0, 7), words(little, 0, 5, 3, 60), Buffer.from('old')]);
      const { packets } = await read(section, describeInterface(1), block(2, body));
      expect(packets.map(({ time, data, wire }) => [time, data, wire])).toEqual([[5000n, 'old', 60]]);
    });

    it('begins a new list of interfaces with each section, in whichever byte order', async () => {
      const other = !little;
      const foreign = Buffer.concat([
        words(other, 0x0a0d0d0a, 28, 0x1a2b3c4d),
        halves(other, 1, 0),
        hex('ffffffffffffffff'),
        words(other, 28),
        words(other, 1, 20),
        halves(other, 113, 0),
        words(other, 0, 20),
        words(other, 6, 36, 0, 0, 8, 2, 2),
        Buffer.from('f!\0\0'),
        words(other, 36),
      ]);
      const { packets } = await read(
        section,
        describeInterface(1),
        packet(0, 1n, 'first'),
        foreign,
        section,
        describeInterface(101),
        packet(0, 2n, 'third'),
      );
      expect(packets.map(({ data, linkType, time }) => [data, linkType, time])).toEqual([
        ['first', 1, 1000n],
        ['f!', 113, 8000n],
        ['third', 101, 2000n],
      ]);
    });

    it('skips blocks it does not know, and packets of interfaces nobody described', async () => {
      const { packets } = await read(
        section,
        block(0x0bad, Buffer.alloc(400)),
        describeInterface(1),
        packet(7, 1n, 'whose?'),
        packet(0, 1n, 'mine'),
      );
      expect(packets.map(({ data }) => data)).toEqual(['mine']);
    });

    it('gives everything before a cut or a corrupt length, and says so', async () => {
      const good = Buffer.concat([section, describeInterface(1), packet(0, 1n, 'good')]);
      const cut = await read(good, packet(0, 2n, 'lost').subarray(0, 20));
      expect(cut).toMatchObject({ packets: [{ data: 'good' }], warning: expect.stringMatching(/middle of a record/) });
      for (const length of [8, 13, 0xffff_fff0]) {
        const corrupt = await read(good, words(little, 6, length, 0, 0));
        expect(corrupt).toMatchObject({ packets: [{ data: 'good' }], warning: expect.stringMatching(/corrupt/) });
      }
    });

    it('does not let a file describe interfaces without end', async () => {
      const { warning, source } = await read(section, ...Array.from({ length: 65_540 }, () => describeInterface(1)));
      expect(source.interfaces).toHaveLength(65_536);
      expect(warning).toMatch(/more than 65536 interfaces/);
    });
  });
});

describe('what is no capture file', () => {
  it('says what it found, and how to read gzip', async () => {
    await expect(read(Buffer.from('PK\x03\x04 and more'))).rejects.toThrow(
      /begins with 0x504b0304, which is no pcap or pcapng file/,
    );
    await expect(read(hex('1f8b0800 00000000'))).rejects.toThrow(/gzip -dc/);
    await expect(read(Buffer.from('ab'))).rejects.toThrow(/2 bytes long/);
    expect((await read(Buffer.alloc(0))).warning).toBe('the file is empty');
  });

  it('says which file cannot be read, and why', async () => {
    await expect(FileSource.open(join(folder, 'none'))).rejects.toThrow(/--read ".*none" cannot be read \(ENOENT\)/);
    await expect(FileSource.open(folder)).rejects.toThrow(/EISDIR/);
  });
});

describe('pipes', () => {
  const PCAP = Buffer.concat([
    words(true, 0xa1b2c3d4),
    halves(true, 2, 4),
    words(true, 0, 0, 65_535, 1),
    words(true, 1, 0, 3, 3),
    Buffer.from('one'),
  ]);

  it('reads a named pipe to its end', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const writer = spawn('sh', ['-c', 'cat > "$0"', path], { stdio: ['pipe', 'ignore', 'inherit'] });
    writer.stdin.end(PCAP);
    const { packets, warning } = await readAll(path);
    expect(packets.map(({ data }) => data)).toEqual(['one']);
    expect(warning).toBeNull();
  });

  it('ends on `stop`, though the pipe is silent', async () => {
    const path = join(folder, 'silent');
    execFileSync('mkfifo', [path]);
    const held = openSync(path, 'r+');
    writeSync(held, PCAP);
    const { packets } = await readAll(path, 1);
    expect(packets).toHaveLength(1);
    // Wakes the read that the thread pool still has under way.
    writeSync(held, PCAP);
    closeSync(held);
  });
});
