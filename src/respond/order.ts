/**
 * An order of the satellite: what is to be reset, and for how long it holds.
 *
 *     {"id":"o-1","match":"client=10.0.0.7","seconds":300}     {"cancel":"o-1"}
 *
 * in: bytes, whatever they are · out: an order, or what is wrong with it
 */
import { InvalidValue } from '../errors.js';
import { type Match, parseMatch } from './match.js';

/** The capability of custom messages that orders and reports go by, and the types of its messages. */
export const RESPONSE_CAPABILITY = 'ai.levo.pcap_sensor.active_response';
export const ORDER = 'order';
export const ACTIONS = 'actions';

export interface Order {
  readonly id: string;
  readonly match: Match;
  readonly seconds: number;
}

export type OrderMessage = { readonly order: Order } | { readonly cancel: string } | { readonly wrong: string };

const ORDER_BYTES_MAX = 4096;
const ID = /^[A-Za-z0-9._:-]{1,64}$/;
export const ORDER_SECONDS_MAX = 3600;

export function decodeOrder(bytes: Uint8Array): OrderMessage {
  if (bytes.length > ORDER_BYTES_MAX) return { wrong: `it has more than ${ORDER_BYTES_MAX} bytes` };
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return { wrong: 'it is not JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { wrong: 'it is no object' };
  const { id, match, seconds, cancel } = value as Readonly<Record<string, unknown>>;
  if (typeof cancel === 'string' && ID.test(cancel)) return { cancel };
  if (typeof id !== 'string' || !ID.test(id)) return { wrong: 'its id is not 1 to 64 letters, digits and ._:-' };
  if (typeof seconds !== 'number' || !(seconds >= 1 && seconds <= ORDER_SECONDS_MAX))
    return { wrong: `its seconds are not 1 to ${ORDER_SECONDS_MAX}` };
  if (typeof match !== 'string') return { wrong: 'it has no match' };
  try {
    return { order: { id, match: parseMatch(match), seconds } };
  } catch (error) {
    if (error instanceof InvalidValue) return { wrong: `its match ${error.message}` };
    throw error;
  }
}
