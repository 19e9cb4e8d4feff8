/**
 * The keys by which a sensor and its satellite know each other, and what is derived of them.
 *
 * in: the text of a key file · out: its keys; for an instance, a key of its own
 *
 * A key of the file signs nothing itself. What signs is derived of it for one instance of a sensor (HMAC-SHA-256, RFC 2104, as the
 * one block that HKDF-Expand of RFC 5869 §2.3 would give), so that a satellite needs no list of sensors, and any number of satellites
 * that have the key know any number of sensors.
 */
import { createHash, createHmac } from 'node:crypto';
import { InvalidValue } from '../errors.js';

export interface EnrolmentKey {
  /** Names it in the open; it tells nothing of a key that cannot be guessed. */
  readonly id: string;
  readonly secret: Buffer;
  /** Whose sensors sign with it; null where that is not said. */
  readonly organisation: string | null;
}

/** So many count at once of each organisation, so that one can take the place of the other. */
export const KEYS_MAX = 2;
export const KEY_LENGTH_MIN = 16;
const KEY_LENGTH_MAX = 1024;
const ID_LENGTH = 12;

/**
 * One key a line, and behind it the organisation that it is of, where a satellite keeps several apart: `KEY ORGANISATION`. The first
 * signs, and what the second signed counts too. Empty lines and those that begin with `#` are passed over.
 *
 * @throws InvalidValue
 */
export function parseKeys(text: string): readonly EnrolmentKey[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const given = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(/\s+/));
  if (given.length === 0) throw new InvalidValue('holds no key; write one on a line of its own');
  const counts = new Map<string, number>();
  for (const [, organisation = '', more] of given) {
    if (more !== undefined)
      throw new InvalidValue('holds a key with spaces; write KEY, or KEY ORGANISATION, on a line of its own');
    const count = (counts.get(organisation) ?? 0) + 1;
    counts.set(organisation, count);
    if (count > KEYS_MAX)
      throw new InvalidValue(
        `holds ${count} keys${organisation === '' ? '' : ` of ${organisation}`}; ${KEYS_MAX} count at once, the new one and the one that it replaces`,
      );
  }
  const keys = given.map(([key = '']) => key);
  if (new Set(keys).size < keys.length) throw new InvalidValue('holds a key twice; leave one of them out');
  const short = keys.find((key) => key.length < KEY_LENGTH_MIN);
  if (short !== undefined)
    throw new InvalidValue(
      `holds a key of ${short.length} characters, which can be guessed; give ${KEY_LENGTH_MIN} or more, such as those of: openssl rand -hex 32`,
    );
  return given.map(([key = '', organisation = null]) => ({ ...keyOf(key), organisation }));
}

/** @throws InvalidValue where it is none */
export function keyOf(text: string): EnrolmentKey {
  if (!/^[\x21-\x7e]+$/.test(text))
    throw new InvalidValue('holds a key with spaces or other than ASCII; write letters, digits and signs alone');
  if (text.length > KEY_LENGTH_MAX)
    throw new InvalidValue(`holds a key of ${text.length} characters; give ${KEY_LENGTH_MAX} at most`);
  const id = createHash('sha256').update(`pcap-sensor key id 1\n${text}`).digest('base64url').slice(0, ID_LENGTH);
  return { id, secret: Buffer.from(text, 'latin1'), organisation: null };
}

/** What an instance signs with, and what answers to it are signed with. */
export function instanceKey({ secret }: EnrolmentKey, instance: string): Buffer {
  return createHmac('sha256', secret).update(`pcap-sensor instance 1\n${instance}`).digest();
}
