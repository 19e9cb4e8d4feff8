/** What the formats of capture files have in common. */
import { SensorError } from '../errors.js';
import type { PacketBatch } from './packet-batch.js';

/** Parses as many whole packets as there are, in place. */
export interface CaptureFileFormat {
  /**
   * Reads packets from `bytes[start, end)` into `batch`, at most its capacity, and returns where it stopped: before the
   * first packet that is not there whole. Throws a `SensorError` where the file makes no sense.
   */
  read(bytes: Buffer, start: number, end: number, batch: PacketBatch): number;
  /** How many bytes `read` needs from where it stopped to go on, or 0 if it does not know. */
  readonly needed: number;
}

/** The longest record of a file: a packet of 256 KiB is libpcap's maximum, and pcapng blocks carry options. */
export const RECORD_BYTES_MAX = 16 << 20;

/** The file makes no sense from here on. */
export class CaptureFormatError extends SensorError {}
