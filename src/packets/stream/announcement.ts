/**
 * What a sensor of ours says of itself at the beginning of a connection: JSON of one line.
 *
 *     {"sensor":"web-1","run":"…","linkTypes":[1,101],"next":0,"acknowledges":true}
 *
 * `run` is new with each start of the sensor, and `next` the number of the data frame that comes next in that run: with both,
 * a receiver finds out which frames it has got already over an earlier connection.
 *
 * in: bytes from the network · out: an announcement, or null · pure
 */
import { LINK_TYPES_MAX } from './wire.js';

export interface Announcement {
  readonly sensor: string;
  /** 32 hexadecimal digits. */
  readonly run: string;
  readonly linkTypes: readonly number[];
  readonly next: number;
  /** Whether the sensor reads acknowledgements, and sends again what none came for. */
  readonly acknowledges: boolean;
}

export const SENSOR_NAME_CHARACTERS_MAX = 64;
const ANNOUNCEMENT_BYTES_MAX = 4096;

export function encodeAnnouncement(announcement: Announcement): Buffer {
  return Buffer.from(JSON.stringify(announcement));
}

export function parseAnnouncement(bytes: Buffer): Announcement | null {
  if (bytes.length > ANNOUNCEMENT_BYTES_MAX) return null;
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { sensor, run, linkTypes, next, acknowledges } = value as Record<string, unknown>;
  if (typeof sensor !== 'string' || typeof run !== 'string' || !/^[0-9a-f]{32}$/.test(run)) return null;
  if (!Array.isArray(linkTypes) || linkTypes.length < 1 || linkTypes.length > LINK_TYPES_MAX) return null;
  if (!linkTypes.every(isLinkType) || !Number.isSafeInteger(next) || (next as number) < 0) return null;
  const name = sensorName(sensor);
  return name === ''
    ? null
    : { sensor: name, run, linkTypes, next: next as number, acknowledges: acknowledges === true };
}

function isLinkType(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff;
}

/** A sensor's name as it may stand in the names of files: letters, digits, `.`, `_`, `-`, and not a dot first. */
export function sensorName(text: string): string {
  return text
    .normalize('NFC')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, SENSOR_NAME_CHARACTERS_MAX);
}
