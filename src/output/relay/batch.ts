/**
 * A batch: what one export sends. It is encoded when it is made, and those bytes are what is queued, sent, sent again
 * or written to disk.
 */
import type { Trace } from '../../trace/trace.js';

export type SatelliteProtocol = 'otlp' | 'levo';

/** Spells traces for one protocol; a batch is `head`, the encoded traces with commas between, `tail`. */
export interface BatchEncoder {
  readonly protocol: SatelliteProtocol;
  readonly head: Buffer;
  readonly tail: Buffer;
  encode(trace: Trace): Buffer;
  /** Bytes of bodies from which on a trace takes too long to be encoded in one go. */
  readonly sliced_bytes_min: number;
  /** The same as `encode`, in slices between which others have their turn. */
  encodeSliced(trace: Trace): Promise<Buffer>;
}

export interface Batch {
  readonly protocol: SatelliteProtocol;
  /** Traces in it. */
  readonly count: number;
  /** The request body; compressed where `coding` says so. */
  readonly payload: Buffer;
  readonly coding: 'identity' | 'gzip';
  /** Whether a run of the sensor before this one left it in the spool; its traces are in that run's books. */
  readonly recovered: boolean;
}
