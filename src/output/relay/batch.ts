/**
 * A batch: what one export sends. It is encoded when it is made, and those bytes are what is queued, sent, sent again
 * or written to disk.
 */
import type { Trace } from '../../trace/trace.js';
import type { EncodingRoom } from '../large-body.js';

/** What batches are encoded as. Their order is that of the numbers in the spool's records: a new one goes last. */
export const BATCH_PROTOCOLS = ['otlp', 'levo', 'otlp-protobuf'] as const;
export type BatchProtocol = (typeof BATCH_PROTOCOLS)[number];

/** Encodes traces for one protocol. */
export interface BatchEncoder {
  readonly protocol: BatchProtocol;
  /** What a batch takes beside its traces, at most: around them, and between two of them. */
  readonly frameBytes: number;
  readonly separatorBytes: number;
  /** A batch of encoded traces. */
  join(encoded: readonly Buffer[]): Buffer;
  encode(trace: Trace): Buffer;
  /** Bytes of bodies from which on a trace takes too long to be encoded in one go. */
  readonly sliced_bytes_min: number;
  /** The same as `encode`, in slices between which other work has its turn; a body that there is no room for is cut to what fits. */
  encodeSliced(trace: Trace, room: EncodingRoom): Promise<Buffer>;
}

/** A batch in JSON is `head`, the encoded traces with commas between, `tail`. */
export interface JsonBatchEncoder extends BatchEncoder {
  readonly head: Buffer;
  readonly tail: Buffer;
}

const COMMA = Buffer.from(',');

/** What encoders of JSON have in common. */
export function jsonFrame(
  frame: () => { head: Buffer; tail: Buffer },
): Omit<JsonBatchEncoder, 'protocol' | 'encode' | 'sliced_bytes_min' | 'encodeSliced'> {
  return {
    get head() {
      return frame().head;
    },
    get tail() {
      return frame().tail;
    },
    get frameBytes() {
      const { head, tail } = frame();
      return head.length + tail.length;
    },
    separatorBytes: COMMA.length,
    join(encoded) {
      const { head, tail } = frame();
      return Buffer.concat([head, ...encoded.flatMap((one, i) => (i === 0 ? [one] : [COMMA, one])), tail]);
    },
  };
}

export interface Batch {
  readonly protocol: BatchProtocol;
  /** Traces in it. */
  readonly count: number;
  /** The request body; compressed where `coding` says so. */
  readonly payload: Buffer;
  readonly coding: 'identity' | 'gzip';
  /** Whether a run of the sensor before this one left it in the spool; its traces are in that run's books. */
  readonly recovered: boolean;
}

/** A batch on its way, wherever it came from. */
export interface BatchInHand {
  readonly batch: Batch;
  /** Whether it outlives this process. */
  readonly isOnDisk: boolean;
  /** Delivered, refused or given up: it is nobody's any more, from the call on. */
  done(): Promise<void>;
  /** To be tried again later. */
  release(): void;
}
