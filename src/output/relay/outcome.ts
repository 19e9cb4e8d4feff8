/** What became of an attempt to send a batch. */
export type Outcome =
  | { kind: 'delivered'; rejected: number; reason: string }
  /** Worth another attempt, and safe: either delivery may repeat, or the satellite certainly did not receive it. */
  | { kind: 'retryable'; retryAfterMillis: number | null; reason: string }
  /** Certainly not taken, for its size alone: its halves may be. */
  | { kind: 'too large'; reason: string; body: string }
  /** Not to be sent again. */
  | { kind: 'refused'; reason: string; body: string };
