/**
 * How far the traces of a spool have been taken, and how far they go.
 *
 * in: the numbers of two traces · out: a line of text of constant length, with a CRC-32 over all before it
 *
 *     spool 2 taken 0000000000000920 appended 0000000000001440 crc 1a2b3c4d
 *
 * It is kept in two files of equal content, each overwritten in place: that takes no room on a disk that has filled up, and
 * whatever becomes of one of them, the other still has it.
 */
import { crc32 } from 'node:zlib';
import type { SpoolDirectory, SpoolFile } from './spool-directory.js';

export interface Cursor {
  /** Every trace with a smaller number has been delivered, refused or given up. */
  readonly taken: number;
  /** The number of the next trace to be appended. */
  readonly appended: number;
}

export const CURSOR_NAMES = ['cursor', 'cursor.2'] as const;

const DIGITS = 16;
const LINE = /^(spool 2 taken (\d{16}) appended (\d{16}) crc )([0-9a-f]{8})\n/;
const LINE_BYTES = encodeCursor({ taken: 0, appended: 0 }).length;

export function encodeCursor({ taken, appended }: Cursor): Buffer {
  const text = `spool 2 taken ${digits(taken)} appended ${digits(appended)} crc `;
  return Buffer.from(`${text}${checksum(text)}\n`);
}

/** Null where a single bit of it is wrong. */
export function decodeCursor(bytes: Buffer): Cursor | null {
  const [, text = '', taken, appended, crc] = LINE.exec(bytes.toString('latin1')) ?? [];
  if (crc !== checksum(text)) return null;
  return { taken: Number(taken), appended: Number(appended) };
}

export interface FoundCursor {
  /** Null where no copy of it can be believed. */
  readonly cursor: Cursor | null;
  /** Copies that are there and not to be believed. */
  readonly damaged: number;
  /** Copies that could not be read. */
  readonly errors: number;
}

/** Of the copies that can be believed the one that is further: a sensor may have been killed between them. Never rejects. */
export async function findCursor(directory: SpoolDirectory): Promise<FoundCursor> {
  let cursor: Cursor | null = null;
  let damaged = 0;
  let errors = 0;
  for (const name of CURSOR_NAMES) {
    try {
      const copy = decodeCursor(await readCopy(directory, name));
      if (copy === null) damaged++;
      else cursor = further(cursor, copy);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') errors++;
    }
  }
  return { cursor, damaged, errors };
}

async function readCopy(directory: SpoolDirectory, name: string): Promise<Buffer> {
  let file: SpoolFile | undefined;
  try {
    file = await directory.open(name);
    return await file.read(0, LINE_BYTES);
  } finally {
    await file?.close();
  }
}

function further(one: Cursor | null, other: Cursor): Cursor {
  if (one === null) return other;
  return { taken: Math.max(one.taken, other.taken), appended: Math.max(one.appended, other.appended) };
}

function digits(number: number): string {
  return String(number).padStart(DIGITS, '0');
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
