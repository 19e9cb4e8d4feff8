/**
 * Blocks of records as frames that a receiver with the same block size takes.
 *
 * in: gathered blocks · out: frames in memory that is used again when the queue releases it
 *
 * A stock receiver closes the connection at a block that is longer than MaxEncodedLen − 8. Only a single packet that is larger
 * than the block size and cannot be compressed is; of that, what fits is sent.
 *
 * Most of what is sent today is encrypted, and searching it for repetitions costs more than all the rest of a packet's way, for
 * nothing. So behind blocks that hardly got shorter some are stored as they are, more of them each time, until one that is searched
 * does.
 */
import { RECORD_BYTES } from '../../capture/packet-encoder.js';
import { createFrameMemory } from './frame-memory.js';
import type { OutgoingFrame } from './frame-queue.js';
import type { GatheredBlock } from './gather.js';
import { createS2Encoder, s2EncodedMax } from './s2-encode.js';
import { FRAME_HEAD_BYTES, putFrameHead } from './wire.js';

export interface FrameEncoder {
  encode(block: GatheredBlock): OutgoingFrame;
  /** Packets whose end was cut off. */
  readonly cut: number;
}

/** By how much the check of stock receivers is too strict. */
const STRICT_BYTES = 8;

/** A block that is longer than this part of its records was not worth the search. */
const WORTH_SHARE = 0.95;
/** Blocks that are stored between two that are searched, at most: some 2 MiB. */
const STORED_MAX = 31;

export function createFrameEncoder(blockBytes: number): FrameEncoder {
  const s2 = createS2Encoder();
  const memory = createFrameMemory();
  const limit = s2EncodedMax(blockBytes) - STRICT_BYTES;
  let into: Buffer = Buffer.alloc(0);
  let cut = 0;
  /** Blocks that are stored next, and how many there were to be after the last search. */
  let toStore = 0;
  let storing = 0;

  function encode(records: Buffer, length: number): number {
    into = memory.begin(FRAME_HEAD_BYTES + s2EncodedMax(length));
    // What is longer than a block takes a search to fit.
    if (toStore > 0 && length <= blockBytes) {
      toStore--;
      return s2.store(records, length, into, FRAME_HEAD_BYTES);
    }
    const end = s2.encode(records, length, into, FRAME_HEAD_BYTES);
    storing = end - FRAME_HEAD_BYTES > WORTH_SHARE * length ? Math.min(2 * storing + 1, STORED_MAX) : 0;
    toStore = storing;
    return end;
  }

  return {
    get cut() {
      return cut;
    },
    encode({ records, packets, counts, linkType }) {
      let end = encode(records, records.length);
      if (end - FRAME_HEAD_BYTES > limit) {
        // The whole packet may be on its way to another output as well.
        const fitting = Buffer.from(records.subarray(0, blockBytes - RECORD_BYTES));
        fitting.writeUInt32LE(fitting.length - RECORD_BYTES, 8);
        end = encode(fitting, fitting.length);
        cut++;
      }
      putFrameHead(into, 0, end - FRAME_HEAD_BYTES);
      return { ...memory.end(end), linkType, packets, counts };
    },
  };
}
