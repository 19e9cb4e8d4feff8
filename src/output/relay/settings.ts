/** What a person chose of how a relay delivers, whatever it delivers to. */

export interface RelaySettings {
  readonly exportIntervalMillis: number;
  readonly spool: SpoolSettings | null;
  readonly timing: DeliveryTiming;
  /** Bytes that may be sent in a minute; no limit, if absent or null. */
  readonly bytesPerMinute?: number | null;
}

export interface SpoolSettings {
  readonly directory: string;
  readonly bytesMax: number;
}

export interface DeliveryTiming {
  /** From the first byte of a connection to the last of the answer. */
  readonly attemptTimeoutMillis: number;
  /** The first retry waits a random part of this; each later one of twice as much. */
  readonly backoffInitialMillis: number;
  readonly backoffMaxMillis: number;
  /** A receiver cannot ask for a longer silence. */
  readonly retryAfterMaxMillis: number;
}

export const DEFAULT_TIMING: DeliveryTiming = {
  attemptTimeoutMillis: 10_000,
  backoffInitialMillis: 1_000,
  backoffMaxMillis: 30_000,
  retryAfterMaxMillis: 600_000,
};
