/** What a doctor says of the files and the spool that the options name; nothing is made, emptied or waited for. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { examineFile } from '../../src/output/file/examine-file.js';
import { foldWarnings } from '../../src/output/fold.js';
import { examineSpool } from '../../src/output/relay/spool/examine-spool.js';
import { openSpool } from '../../src/output/relay/spool/spool.js';
import { needs } from '../support/needs.js';
import { instantClock, recordingLog } from '../support/relay.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'examine-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const at = (name: string): string => join(directory, name);
const shown = ({ verdict, found, advice }: { verdict: string; found: string; advice: string }) =>
  `${verdict} ${found.replaceAll(directory, '').replace(/\d+ MiB free/, 'room')}${advice === '' ? '' : ` → ${advice}`}`;

describe('a file', () => {
  const examine = (name: string, change: { appends?: boolean; replace?: boolean } = {}) =>
    examineFile({ option: `-w ${at(name)}`, path: at(name), appends: false, replace: false, read: null, ...change });

  it('that is not there will be made, and is not made now', async () => {
    expect(shown(await examine('new.har'))).toBe('ok -w /new.har: will be made, room');
    expect(readdirSync(directory)).toEqual([]);
  });

  it('that holds something is gone on with, replaced or refused, and keeps what it holds', async () => {
    writeFileSync(at('old'), 'kept\n');
    expect(shown(await examine('old', { appends: true }))).toBe('ok -w /old: can be written, room');
    expect(shown(await examine('old', { replace: true }))).toBe('ok -w /old: 5 bytes in it will be replaced, room');
    expect(shown(await examine('old'))).toBe(
      'fail -w /old: holds 5 bytes already → name a new file, or let it be replaced with --output-replace',
    );
    expect(readFileSync(at('old'), 'utf8')).toBe('kept\n');
  });

  it('in a directory that is not there', async () => {
    expect(shown(await examine('missing/new.har'))).toBe(
      'fail -w /missing/new.har: no such file or directory (ENOENT) → make the directory that it lies in, or name another file',
    );
  });

  it('that is a link, also one to nowhere', async () => {
    writeFileSync(at('real'), '');
    symlinkSync(at('real'), at('link'));
    symlinkSync(at('nowhere'), at('lost'));
    for (const [name, to] of [
      ['link', 'real'],
      ['lost', 'nowhere'],
    ] as const)
      expect(shown(await examine(name, { replace: true }))).toBe(
        `fail -w /${name}: is a symbolic link to /${to}, and links are not followed → name the file itself`,
      );
    expect(readdirSync(directory).sort()).toEqual(['link', 'lost', 'real']);
  });

  it('that is a pipe nobody reads is not waited for', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    expect(shown(await examine('pipe'))).toBe('ok -w /pipe: a pipe that can be written to');
  });

  it('that is a directory', async () => {
    mkdirSync(at('sub'));
    expect(shown(await examine('sub'))).toBe(
      'fail -w /sub: illegal operation on a directory (EISDIR) → name a file that can be written',
    );
  });
});

describe('a spool', () => {
  const examine = (name: string, bytesMax = 1 << 20) => examineSpool(at(name), bytesMax);
  const open = (name: string) => {
    const { log } = recordingLog();
    return openSpool({
      directory: at(name),
      bytesMax: 1 << 20,
      spool_segment_bytes_max: 4096,
      counters: createCounters(),
      warnings: foldWarnings(log, instantClock()),
      onLost: () => {},
    });
  };

  it('that is not there will be made, and is not made now', async () => {
    expect(shown(await examine('a/b/spool'))).toBe('ok --spool-dir /a/b/spool: will be made, room');
    expect(readdirSync(directory)).toEqual([]);
  });

  it('says what waits in it, and whether a sensor uses it', needs('flock'), async () => {
    const spool = await open('spool');
    const payload = Buffer.alloc(3000, 0x20);
    const batch = { protocol: 'otlp', coding: 'identity', count: 7, payload, recovered: false } as const;
    for (let i = 0; i < 3; i++) await spool.append(batch);
    await (await spool.peek())?.remove();
    const files = readdirSync(at('spool'));
    const inUse =
      'warn --spool-dir /spool: 0 MiB of 1 MiB, 14 traces wait; a sensor uses it now → ' +
      'if that is another sensor than the one examined, give this one a directory of its own';
    expect(shown(await examine('spool'))).toBe(inUse);
    await spool.close();
    expect(shown(await examine('spool'))).toBe('ok --spool-dir /spool: 0 MiB of 1 MiB, 14 traces wait, room');
    expect(readdirSync(at('spool'))).toEqual(files);
    // The lock was let go.
    await (await open('spool')).close();
  });

  it('for which there is less room than it may take', async () => {
    expect(shown(await examine('spool', 2 ** 60))).toBe(
      'warn --spool-dir /spool: will be made, room → make room, or give a smaller --spool-max-bytes',
    );
  });

  it('that is a file', async () => {
    writeFileSync(at('spool'), '');
    expect(shown(await examine('spool'))).toMatch(
      /^fail --spool-dir \/spool: it is not a directory → name a directory/,
    );
  });

  it('that others may write to, with one of its own inside or to be made', needs('root'), async () => {
    mkdirSync(at('spool'));
    chmodSync(at('spool'), 0o777);
    expect(shown(await examine('spool'))).toBe(
      'ok --spool-dir /spool: others may write to it, so pcap-sensor-0 will be made in it, room',
    );
    mkdirSync(at('spool/pcap-sensor-0'), 0o700);
    expect(shown(await examine('spool'))).toBe('ok --spool-dir /spool: 0 MiB of 1 MiB, 0 traces wait, room');
    chownSync(at('spool/pcap-sensor-0'), 65_534, 65_534);
    expect(shown(await examine('spool'))).toMatch(
      /^fail --spool-dir \/spool: others may write to it, and pcap-sensor-0 in it belongs to user 65534 → name a directory/,
    );
  });
});
