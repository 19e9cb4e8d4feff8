/** The journal beside a capture file: what it says after writes that failed, and after a start. */
import { appendFileSync, closeSync, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openWriteJournal } from '../../../src/packets/outputs/write-journal.js';
import { temporaryDirectory } from '../../support/stream-ends.js';

const directory = temporaryDirectory();
const A = 'aa'.repeat(16);
const B = 'bb'.repeat(16);
const path = () => join(directory(), 'dump.pcap.progress');

/** Has the next write of this process to that file fail. */
function breakWriter(file: string): void {
  const held = readdirSync('/proc/self/fd').find((number) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`) === file;
    } catch {
      return false;
    }
  });
  closeSync(Number(held));
}

it('says up to which frame the file has each run, after a start as well', () => {
  const { journal } = openWriteJournal(path(), 0);
  journal.note(24, 100, new Map([[A, 3]]));
  journal.note(100, 200, new Map([[B, 7]]));
  journal.close();
  const { journal: again, cut } = openWriteJournal(path(), 200);
  expect([again.next(A), again.next(B), cut]).toEqual([3, 7, null]);
  expect([openWriteJournal(path(), 150).journal.next(B), openWriteJournal(path(), 150).cut]).toEqual([null, 100]);
});

it('can be read behind a line that was torn when a write failed', () => {
  const { journal } = openWriteJournal(path(), 0);
  journal.note(24, 100, new Map([[A, 3]]));
  breakWriter(path());
  expect(() => journal.note(100, 200, new Map([[A, 4]]))).toThrow('EBADF');
  appendFileSync(path(), '{"from":100,"to":20');
  journal.note(100, 180, new Map([[A, 5]]));
  journal.close();
  expect(openWriteJournal(path(), 180).journal.next(A)).toBe(5);
});

it('is written anew when it has grown, and goes on with the next file', () => {
  const { journal } = openWriteJournal(path(), 0);
  for (let i = 0; i < 6000; i++) journal.note(i, i + 1, new Map([[A, i + 1]]));
  expect(readFileSync(path()).length).toBeLessThan(400_000);
  journal.moveOn();
  journal.note(24, 90, new Map([[B, 1]]));
  journal.close();
  const { journal: again } = openWriteJournal(path(), 90);
  expect([again.next(A), again.next(B)]).toEqual([6000, 1]);
  expect(existsSync(`${path()}.new`)).toBe(false);
});
