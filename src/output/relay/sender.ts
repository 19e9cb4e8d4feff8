/**
 * What a relay delivers through: one kind of receiver, and what became of an attempt to send it a batch.
 *
 * A sender knows the receiver's protocol and its answers. When to try again, and where batches wait meanwhile, is the
 * relay's business, and the same for all of them.
 */
import type { Batch, BatchEncoder, BatchProtocol } from './batch.js';

export interface Sender {
  readonly receiver: Receiver;
  /** The protocol in use; null while the receiver has not shown which one it takes. */
  readonly protocol: BatchProtocol | null;
  /** Encodes the traces that come next. May change when the receiver has shown what it takes. */
  readonly encoder: BatchEncoder;
  /** Never rejects for anything the receiver or the network does. */
  send(batch: Batch, signal: AbortSignal): Promise<Outcome>;
  /** A batch as it is best kept: compressed, where the receiver takes it so. */
  pack(batch: Batch): Promise<Batch>;
  /**
   * The halves of a batch that is too large, packed, or of a single trace the same without bodies; and its bytes unpacked. Null
   * where there is nothing to take away.
   */
  halve(batch: Batch): Promise<{ halves: Batch[]; bytes: number } | null>;
  /**
   * Whether the receiver may be sent this batch twice: it recognises what it has. If not, the batch leaves the disk
   * before it is sent, so that a sensor that is killed in between loses it rather than sending it again.
   */
  mayRepeat(batch: Batch): boolean;
  close(): void;
}

/** What the log calls the receiver. */
export interface Receiver {
  /** A noun, such as `satellite`. */
  readonly kind: string;
  /** The option that says where it is. */
  readonly option: string;
  /** Without credentials. */
  readonly address: string;
}

/** What became of an attempt to send a batch. */
export type Outcome =
  | { kind: 'delivered'; rejected: number; reason: string }
  /** Worth another attempt, and safe: either delivery may repeat, or the receiver certainly does not have it. */
  | {
      kind: 'retryable';
      retryAfterMillis: number | null;
      reason: string;
      advice?: string;
      /** Nobody answered. */
      isUnanswered?: true;
    }
  /** Certainly not taken, for its size alone: its halves may be. */
  | { kind: 'too large'; reason: string; body: string }
  /** Not to be sent again. */
  | { kind: 'refused'; reason: string; advice?: string; body: string };

/** What is wrong with a receiver that takes nothing, in words. */
export interface Trouble {
  readonly reason: string;
  /** What to do about it; empty where nothing is known. */
  readonly advice?: string;
}
