/** Where a spool lies: whose the directory is, who has it, and what else is in it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCounters } from '../../../../src/counters.js';
import { foldWarnings } from '../../../../src/output/fold.js';
import { openSpool, type Spool } from '../../../../src/output/relay/spool/spool.js';
import { needs } from '../../../support/needs.js';
import { instantClock, recordingLog } from '../../../support/relay.js';

let base: string;
let directory: string;
let opened: Spool[] = [];
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'spool-directory-'));
  directory = join(base, 'spool');
});
afterEach(async () => {
  for (const spool of opened) await spool.close();
  opened = [];
  await rm(base, { recursive: true });
});

async function start(path = directory) {
  const counters = createCounters();
  const { log, lines } = recordingLog();
  const spool = await openSpool({
    directory: path,
    bytesMax: 1 << 20,
    spool_segment_bytes_max: 1 << 16,
    counters,
    warnings: foldWarnings(log, instantClock()),
    onLost: () => {},
  });
  opened.push(spool);
  return { spool, counters, lines };
}

async function appendOne(spool: Spool): Promise<void> {
  const payload = Buffer.from('payload');
  expect(await spool.append({ protocol: 'otlp', coding: 'identity', count: 1, payload, recovered: false })).toBe(true);
}

const own = `pcap-sensor-${process.geteuid?.()}`;
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o7777).toString(8);

describe('the directory', () => {
  it('is made with all above it, for nobody else', async () => {
    directory = join(base, 'a', 'b', 'spool');
    const { spool } = await start();
    await appendOne(spool);
    expect(await modeOf(directory)).toBe('700');
    expect(await readdir(directory)).toEqual(['000000000001.segment', 'cursor', 'cursor.2', 'lock']);
  });

  it.each([0o777, 0o1777, 0o775, 0o2770])('gets one of its own inside where others may write: %o', async (mode) => {
    await mkdir(directory);
    await chmod(directory, mode);
    const { spool } = await start();
    await appendOne(spool);
    expect(await readdir(directory)).toEqual([own]);
    expect((await modeOf(join(directory, own))).slice(-3)).toBe('700');
    await spool.close();
    expect((await start()).counters.recovered_traces).toBe(1);
  });

  it('gets one of its own inside where it belongs to somebody else', needs('root'), async () => {
    await mkdir(directory);
    await chown(directory, 12345, 12345);
    await start();
    expect(await readdir(directory)).toEqual([own]);
  });

  it('does not take a directory that somebody else has put there', needs('root'), async () => {
    await mkdir(join(directory, own), { recursive: true });
    await chmod(directory, 0o777);
    await chown(join(directory, own), 12345, 12345);
    await expect(start()).rejects.toThrow(`others may write to it, and ${own} in it belongs to user 12345`);
  });

  it('does not follow a link that somebody has put there', async () => {
    const elsewhere = join(base, 'elsewhere');
    await mkdir(elsewhere);
    await mkdir(directory);
    await chmod(directory, 0o777);
    await symlink(elsewhere, join(directory, own));
    await expect(start()).rejects.toMatchObject({ exitCode: 2 });
    expect(await readdir(elsewhere)).toEqual([]);
  });

  it.each([
    ['a file', 'not a directory (ENOTDIR)', () => writeFile(directory, '')],
    ['a link to nowhere', 'no such file or directory (ENOENT)', () => symlink('/nonexistent/target', directory)],
    ['a link to itself', 'too many symbolic links encountered (ELOOP)', () => symlink('spool', directory)],
  ])('is refused in one line where it is %s', async (_what, reason, make) => {
    await make();
    for (const path of [directory, join(directory, 'below')]) {
      const error = await start(path).catch((error: unknown) => error);
      expect(error).toMatchObject({ exitCode: 2 });
      expect((error as Error).message).toMatch(/^--spool-dir .*; name a directory of this sensor's own[^\n]*$/);
      if (path === directory) expect((error as Error).message).toContain(reason);
    }
  });

  it.each(['/proc', '/proc/nope', '/proc/self/nope', '/dev/null', '/dev/null/x'])(
    'is refused in one line where nothing can be made: %s',
    needs({ Linux: process.platform === 'linux' }),
    async (path) => {
      await expect(start(path)).rejects.toMatchObject({ exitCode: 2 });
    },
  );
});

describe('what lies in it', () => {
  it.each(['cursor', 'cursor.2', '000000000001.segment', 'x.segment'])(
    'is not followed where it is a link: %s',
    async (name) => {
      const victim = join(base, 'victim');
      await writeFile(victim, 'precious');
      await mkdir(directory, { mode: 0o700 });
      await symlink(victim, join(directory, name));
      const { spool } = await start();
      await appendOne(spool);
      await (await spool.peek())?.remove();
      expect(await readFile(victim, 'utf8')).toBe('precious');
    },
  );

  it('is refused where the lock is a link', async () => {
    await mkdir(directory, { mode: 0o700 });
    await symlink(join(base, 'victim'), join(directory, 'lock'));
    await expect(start()).rejects.toThrow(/too many symbolic links/);
    await expect(stat(join(base, 'victim'))).rejects.toThrow(/ENOENT/);
  });

  it('is not waited for where it is a pipe', async () => {
    await mkdir(directory, { mode: 0o700 });
    for (const name of ['000000000003.segment', 'cursor']) execFileSync('mkfifo', [join(directory, name)]);
    const { spool } = await start();
    await appendOne(spool);
    expect(await readdir(directory)).toContain('000000000004.segment');
  });
});

describe('the lock', needs('flock'), () => {
  it('lets one sensor in at a time', async () => {
    const { spool } = await start();
    await expect(start()).rejects.toThrow(
      `--spool-dir ${directory}: another sensor uses it; give each sensor a directory of its own`,
    );
    await spool.close();
    await start();
  });

  it('is released by death, however it comes', async () => {
    const code = `
      import { openSpoolDirectory } from '${join(import.meta.dirname, '../../../../dist/output/relay/spool/spool-directory.js')}';
      const files = await openSpoolDirectory(process.argv[1]);
      process.stdout.write(await files.lock());
      setInterval(() => files, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [text] = await once(child.stdout, 'data');
    expect(String(text)).toBe('locked');
    await expect(start()).rejects.toThrow(/another sensor uses it/);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await start();
  });

  it('is said to be missing where there is no flock(1)', async () => {
    const { PATH } = process.env;
    process.env.PATH = base;
    try {
      const { lines } = await start();
      expect(lines[0]?.message).toMatch(/^the spool cannot be locked/);
    } finally {
      process.env.PATH = PATH;
    }
  });
});

describe('a spool of the first format', () => {
  function oldRecord(text: string, traces: number): Buffer {
    const record = Buffer.concat([Buffer.from('PSB1'), Buffer.alloc(16), Buffer.from(text)]);
    record.writeUInt32LE(text.length, 4);
    record.writeUInt8(1, 12);
    record.writeUInt8(1, 13);
    record.writeUInt32LE(traces, 16);
    record.writeUInt32LE(crc32(record.subarray(4, 8), crc32(record.subarray(12))), 8);
    return record;
  }

  it('is read from where it was, up to what is torn', async () => {
    await mkdir(directory, { mode: 0o700 });
    const segment = (number: number, records: Buffer[]) =>
      writeFile(join(directory, `00000000000${number}.segment`), Buffer.concat(records));
    await segment(3, [oldRecord('sent long ago', 9)]);
    await segment(4, [oldRecord('sent', 2), oldRecord('first', 3)]);
    await segment(5, [oldRecord('second', 4), oldRecord('torn', 1).subarray(0, 21)]);
    await writeFile(join(directory, 'cursor'), '4 24\n');
    const { spool, counters } = await start();
    expect(counters).toMatchObject({ recovered_traces: 7, spool_records_torn: 1, spool_errors: 0 });
    await appendOne(spool);
    const texts: unknown[] = [];
    for (let next = await spool.peek(); next !== null; next = await spool.peek()) {
      const { payload, ...batch } = next.batch;
      texts.push([payload.toString(), batch.count, batch.protocol, batch.coding, batch.recovered]);
      await next.remove();
    }
    expect(texts).toEqual([
      ['first', 3, 'levo', 'gzip', true],
      ['second', 4, 'levo', 'gzip', true],
      ['payload', 1, 'otlp', 'identity', false],
    ]);
    expect(await readdir(directory)).toEqual(['cursor', 'cursor.2', 'lock']);
  });
});
