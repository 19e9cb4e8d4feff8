import type { EndpointRecord } from './endpoint-ledger.js';

/** Says when there is leave to keep an exchange. Times are in milliseconds. */
export interface Pace {
  /** Null where there is none. `activeEndpoints` share what there is. */
  take(record: EndpointRecord, activeEndpoints: number, now: number): PaceGrant | null;
  close(): Promise<void>;
}

export interface PaceGrant {
  /** The leave was not used. At most once. */
  giveBack(): void;
}
