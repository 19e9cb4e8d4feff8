/**
 * Frames on disk, first in first out, in files of a few mebibytes each, which are deleted when they have been read. What is
 * there when the sensor starts is sent first.
 *
 *     file    NUMBER.frames
 *     entry   description length u32 · frame length u32 · description (JSON) · frame      little-endian
 *
 * Written synchronously: a block is some 64 KiB, and the page cache takes it. An entry that is torn ends its file.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SensorError } from '../../errors.js';
import type { FrameStore, OutgoingFrame } from './frame-queue.js';
import type { PacketCounts } from './sensor-books.js';

export interface FrameSpoolContext {
  readonly directory: string;
  readonly bytesMax: number;
  readonly segmentBytes?: number;
  readonly onError: (error: Error) => void;
}

export interface FrameSpool extends FrameStore {
  readonly bytes: number;
  /** What an earlier run left behind. */
  readonly found: { readonly files: number; readonly bytes: number };
  /** The packets of the frames that an earlier run left behind. */
  leftBehind(): PacketCounts[];
  close(): void;
}

interface Segment {
  readonly path: string;
  bytes: number;
}

const HEAD_BYTES = 8;
const SEGMENT_BYTES = 4 << 20;
const OWNER_ONLY = 0o600;

/** @throws SensorError where the directory cannot be used */
export function openFrameSpool(context: FrameSpoolContext): FrameSpool {
  const { directory, bytesMax, segmentBytes = SEGMENT_BYTES, onError } = context;
  const segments = findSegments(directory);
  const found = { files: segments.length, bytes: sum(segments) };
  let number = segments.length === 0 ? 0 : Number(/(\d+)\.frames$/.exec(segments.at(-1)?.path ?? '')?.[1]) + 1;
  /** The one that is written, which is the last. */
  let writing: { readonly segment: Segment; readonly file: number } | null = null;
  /** The one that is read, which is the first. */
  let reading: { readonly bytes: Buffer; at: number } | null = null;

  function endWriting(): void {
    if (writing !== null) closeSync(writing.file);
    writing = null;
  }

  function begin(): { readonly segment: Segment; readonly file: number } {
    const path = join(directory, `${String(number++).padStart(12, '0')}.frames`);
    const segment = { path, bytes: 0 };
    const file = openSync(path, 'wx', OWNER_ONLY);
    segments.push(segment);
    return { segment, file };
  }

  /** Begins to read the first segment; false where there is none. */
  function openFirst(): boolean {
    const [first] = segments;
    if (first === undefined) return false;
    if (writing?.segment === first) endWriting();
    reading = { bytes: readFileSync(first.path), at: 0 };
    return true;
  }

  function dropFirst(): void {
    const first = segments.shift();
    reading = null;
    if (first !== undefined) rmSync(first.path, { force: true });
  }

  return {
    found,
    get isEmpty() {
      return segments.length === 0;
    },
    get bytes() {
      return sum(segments);
    },
    push(frame) {
      const entry = encodeEntry(frame);
      if (sum(segments) + entry.length > bytesMax) return 'full';
      try {
        if (writing !== null && writing.segment.bytes + entry.length > segmentBytes) endWriting();
        writing ??= begin();
        for (let at = 0; at < entry.length; ) at += writeSync(writing.file, entry, at);
        writing.segment.bytes += entry.length;
        return 'kept';
      } catch (error) {
        onError(error as Error);
        // What was torn ends the file.
        endWriting();
        return 'failed';
      }
    },
    shift() {
      try {
        for (;;) {
          if (reading === null && !openFirst()) return null;
          const { bytes, at } = reading as unknown as { bytes: Buffer; at: number };
          const entry = decodeEntry(bytes, at);
          if (entry === null) {
            dropFirst();
            continue;
          }
          (reading as unknown as { at: number }).at = entry.end;
          if (entry.end === bytes.length) dropFirst();
          return entry.frame;
        }
      } catch (error) {
        onError(error as Error);
        dropFirst();
        return null;
      }
    },
    leftBehind() {
      const counts: PacketCounts[] = [];
      for (const { path } of segments) {
        const bytes = readSegment(path, onError);
        for (let at = 0; ; ) {
          const entry = decodeEntry(bytes, at);
          if (entry === null) break;
          counts.push(entry.frame.counts);
          at = entry.end;
        }
      }
      return counts;
    },
    close: endWriting,
  };
}

function sum(segments: readonly Segment[]): number {
  return segments.reduce((total, { bytes }) => total + bytes, 0);
}

function findSegments(directory: string): Segment[] {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return readdirSync(directory)
      .filter((name) => /^\d{12}\.frames$/.test(name))
      .sort()
      .map((name) => ({ path: join(directory, name), bytes: statSync(join(directory, name)).size }));
  } catch (error) {
    throw new SensorError(`spoolDir ${directory}: ${(error as Error).message}; name a directory that can be written`);
  }
}

function encodeEntry({ bytes, linkType, packets, counts }: OutgoingFrame): Buffer {
  const description = Buffer.from(JSON.stringify({ linkType, packets, counts }));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(description.length, 0);
  head.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([head, description, bytes]);
}

function decodeEntry(bytes: Buffer, at: number): { frame: OutgoingFrame; end: number } | null {
  if (bytes.length - at < HEAD_BYTES) return null;
  const from = at + HEAD_BYTES + bytes.readUInt32LE(at);
  const end = from + bytes.readUInt32LE(at + 4);
  if (end > bytes.length) return null;
  const description = parseDescription(bytes.toString('utf8', at + HEAD_BYTES, from));
  return description === null
    ? null
    : { frame: { ...description, bytes: Buffer.from(bytes.subarray(from, end)) }, end };
}

function readSegment(path: string, onError: (error: Error) => void): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    onError(error as Error);
    return Buffer.alloc(0);
  }
}

/** Null where it makes no sense: a file that was being written when the power went may hold zeros, or anything. */
function parseDescription(text: string): Omit<OutgoingFrame, 'bytes'> | null {
  try {
    const { linkType, packets, counts } = JSON.parse(text) as Partial<OutgoingFrame>;
    const isSound =
      Number.isSafeInteger(linkType) &&
      Number.isSafeInteger(packets) &&
      Array.isArray(counts) &&
      counts.every((one) => Array.isArray(one) && typeof one[0] === 'string' && Number.isSafeInteger(one[1]));
    return isSound ? ({ linkType, packets, counts } as Omit<OutgoingFrame, 'bytes'>) : null;
  } catch {
    return null;
  }
}
