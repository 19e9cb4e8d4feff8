/**
 * Blocks of records as frames that a receiver with the same block size takes.
 *
 * in: gathered blocks · out: frames in memory that is used again when the queue releases it
 *
 * A stock receiver closes the connection at a block that is longer than MaxEncodedLen − 8. Only a single packet that is larger
 * than the block size and cannot be compressed is; of that, what fits is sent.
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

export function createFrameEncoder(blockBytes: number): FrameEncoder {
  const s2 = createS2Encoder();
  const memory = createFrameMemory();
  const limit = s2EncodedMax(blockBytes) - STRICT_BYTES;
  let into: Buffer = Buffer.alloc(0);
  let cut = 0;

  function encode(records: Buffer, length: number): number {
    into = memory.begin(FRAME_HEAD_BYTES + s2EncodedMax(length));
    return s2.encode(records, length, into, FRAME_HEAD_BYTES);
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
