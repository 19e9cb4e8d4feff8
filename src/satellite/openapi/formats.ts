/**
 * What a text is by its looks: the formats of JSON Schema, and numbers and truth values where a parameter is all text.
 *
 * in: a text · out: bits, one for each thing that it could be; of several texts, the bits that all have
 */
export const FORMAT_BITS = {
  uuid: 1,
  'date-time': 2,
  date: 4,
  email: 8,
  uri: 16,
  ipv4: 32,
  ipv6: 64,
  time: 128,
  /** Not formats: the text of a number, of an integer, of a truth value. */
  integer: 256,
  number: 512,
  boolean: 1024,
} as const;

export type TextKind = keyof typeof FORMAT_BITS;

export const ALL_FORMATS = 2047;

/** Names that are formats of JSON Schema, the most telling first. */
export const FORMATS = ['uuid', 'date-time', 'date', 'time', 'email', 'ipv4', 'ipv6', 'uri'] as const;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** RFC 3339 §5.6. */
const DATE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;
const DATE_TIME =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt ](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,12})?(?:[Zz]|[+-]\d\d:\d\d)$/;
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,12})?(?:[Zz]|[+-]\d\d:\d\d)?$/;
const EMAIL = /^[^\s@<>()",:;]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+$/;
const URI = /^[A-Za-z][A-Za-z0-9+.-]{1,30}:\/\/[^\s"<>\\^`{|}]+$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)$/;
const IPV6 = /^(?=[^:]*:[^:]*:)[0-9A-Fa-f:.]{3,45}$/;
const INTEGER = /^-?(?:0|[1-9]\d{0,17})$/;
const NUMBER = /^-?(?:0|[1-9]\d{0,17})(?:\.\d{1,20})?(?:[eE][+-]?\d{1,3})?$/;

const LENGTH_MAX = 2048;

export function formatBits(text: string): number {
  const { length } = text;
  if (length === 0 || length > LENGTH_MAX) return 0;
  const first = text.charCodeAt(0);
  let bits = 0;
  if ((first >= 0x30 && first <= 0x39) || first === 0x2d) {
    if (INTEGER.test(text)) bits |= FORMAT_BITS.integer;
    if (NUMBER.test(text)) bits |= FORMAT_BITS.number;
    if (DATE.test(text)) bits |= FORMAT_BITS.date;
    else if (DATE_TIME.test(text)) bits |= FORMAT_BITS['date-time'];
    else if (TIME.test(text)) bits |= FORMAT_BITS.time;
    if (IPV4.test(text)) bits |= FORMAT_BITS.ipv4;
  }
  if (length === 36 && UUID.test(text)) bits |= FORMAT_BITS.uuid;
  if (text === 'true' || text === 'false') bits |= FORMAT_BITS.boolean;
  if (text.includes('@') && EMAIL.test(text)) bits |= FORMAT_BITS.email;
  if (text.includes(':')) {
    if (URI.test(text)) bits |= FORMAT_BITS.uri;
    else if (IPV6.test(text)) bits |= FORMAT_BITS.ipv6;
  }
  return bits;
}

export const hasBit = (bits: number, kind: TextKind): boolean => (bits & FORMAT_BITS[kind]) !== 0;
