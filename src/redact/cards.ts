/**
 * Numbers of payment cards: by network, length and check digit (ISO/IEC 7812), in the groups cards are printed in. A
 * bare run of digits is one only where nothing says that it is something else: ids, article and phone numbers, and times
 * pass the check one time in ten.
 */

/** What stands around a number; asked only once it has the form of a card's. */
export interface CardContext {
  /** The value's name says card (`pan`, `card`), or says something that numbers (`order_id`, `ean`); else neither. */
  readonly name: 'card' | 'number' | 'other';
  /** The number is in the midst of words. */
  readonly isInProse: boolean;
}

/** Whether the name of a field says what its number is. */
export function cardContext(name: string): CardContext['name'] {
  const plain = name.toLowerCase();
  if (
    /(?:card(?!inal|io|board)|\bpan\b|_pan$|^ccn?$|cc_?(?:num|no)|payment|visa|amex|maestro|mastercard|track(?!ing))/.test(
      plain,
    )
  )
    return 'card';
  return /(?:id|ids|uuid|ean|gtin|upc|isbn|issn|imei|imsi|iccid|meid|barcode|sku|asin|npi|sin|ts|time|timestamp|date|at|on|phone|mobile|tel|fax|msisdn|whatsapp|order|invoice|tracking|parcel|shipment|serial|article|product|number|no|nr|num|ref|reference|version|build|hash|digest|checksum|etag|nonce|seq|sequence|offset|cursor|count|size|bytes|amount|price|total|fb|facebook|video|tweet|post|status|media|message|msg|thread|channel|guild|snowflake|lat|lon|lng|latitude|longitude|vat|tax|iban|account|acct|bic|loyalty|member|membership|gift|customer|user|trace|span|session|device|epoch|expires|created|updated|modified|v|h|index|position|score|weight|duration|width|height|key|code|zip|rev|revision|commit|block|tx|nanos|micros|millis|ms|us|ns)$/.test(
    plain.replace(/[^a-z]+$/, ''),
  ) && !/(?:^|[_.-])(?:text|note|comment|message|msg|description|title|body|subject)$/.test(plain)
    ? 'number'
    : 'other';
}

/** Where a card number that begins at the digit at `start` ends, or -1. */
export function cardEnd(bytes: Uint8Array, start: number, end: number, context: CardContext): number {
  // No network has numbers that begin so.
  if ((bytes[start] as number) < 0x32 || bytes[start] === 0x37) return -1;
  let digits = 0;
  let groups = 1;
  let grouping = 0;
  let group = 0;
  let i = start;
  const separator = separatorAt(bytes, start, end);
  for (; i < end; ) {
    const byte = bytes[i] as number;
    if (byte >= 0x30 && byte <= 0x39) {
      if (++digits > 19) return -1;
      group++;
      i++;
      continue;
    }
    if (separator.length === 0 || groups === 5 || !isSeparatorAt(bytes, i, end, separator)) break;
    grouping = grouping * 10 + group;
    group = 0;
    groups++;
    i += separator.length;
  }
  if (digits < 13) return -1;
  if (groups > 1 && !isGrouping(grouping * 10 + group, separator)) return -1;
  if (!passesLuhn(bytes, start, i) || !isIssued(bytes, start, i, digits) || !isByItself(bytes, start, i, end))
    return -1;
  return isMeant({ bytes, start, stop: i, digits, isBare: groups === 1 }, context) ? i : -1;
}

interface Candidate {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly stop: number;
  readonly digits: number;
  /** Without groups. */
  readonly isBare: boolean;
}

/** Whether what stands around a number leaves it a card's. */
function isMeant({ bytes, start, stop, digits, isBare }: Candidate, { name, isInProse }: CardContext): boolean {
  if (name !== 'other') return name === 'card';
  // As long as ids that grow with time, and articles, are.
  if (isBare && digits === 19) return isInProse && saysCard(bytes, start, stop);
  if (digits === 13 && isEan(bytes, start)) return saysCard(bytes, start, stop);
  return !isInProse || saysCard(bytes, start, stop);
}

/** As UnionPay prints numbers of nineteen digits: 6 and 13. */
const SIX_THIRTEEN = 6 * 10 + 13;
const GROUPINGS = new Set([4444, 465, 464, 44443, 4333, SIX_THIRTEEN]);

/** With dots only four times four digits are a card: versions and object identifiers have fewer digits between theirs. */
function isGrouping(grouping: number, { byte }: Separator): boolean {
  return GROUPINGS.has(grouping) && (byte !== DOT || grouping === 4444);
}

const DOT = 0x2e;

interface Separator {
  readonly byte: number;
  readonly length: number;
  /** Where it stands first. */
  readonly at: number;
}

const NONE: Separator = { byte: 0, length: 0, at: 0 };

/** What stands after the first four or six digits: one or two of a space, a dash, a plus or a dot; a space or dash that does not break. */
function separatorAt(bytes: Uint8Array, start: number, end: number): Separator {
  let at = start + 4;
  if (at + 1 >= end) return NONE;
  if (isDigitByte(bytes[at]) && isDigitByte(bytes[at + 1])) at += 2;
  if (at + 1 >= end) return NONE;
  const byte = bytes[at] as number;
  if (byte >= 0x80) {
    const length = wideGapLength(bytes, at);
    return length === 0 ? NONE : { byte, length, at };
  }
  if (byte !== 0x20 && byte !== 0x2d && byte !== 0x2b && byte !== DOT) return NONE;
  return { byte, length: bytes[at + 1] === byte ? 2 : 1, at };
}

/** The length of a space or dash beyond ASCII that begins at `at`: U+00A0, U+2007 to U+2014, U+202F; 0 of another character. */
export function wideGapLength(bytes: Uint8Array, at: number): number {
  if (bytes[at] === 0xc2) return bytes[at + 1] === 0xa0 ? 2 : 0;
  if (bytes[at] !== 0xe2 || bytes[at + 1] !== 0x80) return 0;
  const last = bytes[at + 2] as number;
  return (last >= 0x87 && last <= 0x94) || last === 0xaf ? 3 : 0;
}

function isDigitByte(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isSeparatorAt(bytes: Uint8Array, at: number, end: number, separator: Separator): boolean {
  const { length } = separator;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== bytes[separator.at + i]) return false;
  return at + length < end && isDigitByte(bytes[at + length]);
}

/** Not part of a longer word or number; `card` may be written right before it. */
function isByItself(bytes: Uint8Array, start: number, stop: number, end: number): boolean {
  const before = start > 0 ? (bytes[start - 1] as number) : 0;
  if (before === 0x2e || before === 0x2b || before === 0x5f || before === 0x2d) return false;
  const isAfterGap = before >= 0x80 && (wideGapLength(bytes, start - 2) === 2 || wideGapLength(bytes, start - 3) === 3);
  if (isAlnum(before) && !isAfterGap && !/(?:^|[^a-z])(?:card|pan|cc|visa)$|%B$/i.test(textBefore(bytes, start, 5)))
    return false;
  const after = stop < end ? (bytes[stop] as number) : 0;
  if ((isAlnum(after) && wideGapLength(bytes, stop) === 0) || after === 0x5f) return false;
  const next = stop + 1 < end ? (bytes[stop + 1] as number) : 0;
  if (after === 0x2e && next >= 0x30 && next <= 0x39)
    return next === 0x30 && !isAlnum(stop + 2 < end ? (bytes[stop + 2] as number) : 0);
  return !(after === 0x2d && next >= 0x30 && next <= 0x39);
}

function isAlnum(byte: number): boolean {
  const letter = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x7a) || byte >= 0x80;
}

function textBefore(bytes: Uint8Array, at: number, count: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1', Math.max(0, at - count), at);
}

/** Whether the words beside a number speak of a card or of paying. */
function saysCard(bytes: Uint8Array, start: number, stop: number): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const around = `${text.toString('latin1', Math.max(0, start - 48), start)} ${text.toString('latin1', stop, stop + 32)}`;
  return /card|\bpan\b|\bpay|visa|master|amex|american express|discover|maestro|diners|jcb|credit|debit|\bcc\b|charge|karte|carte|tarjeta|kreditk|cvv|cvc|\bexp/i.test(
    around,
  );
}

/** EAN-13 (GS1 General Specifications §7.9). */
function isEan(bytes: Uint8Array, start: number): boolean {
  let sum = 0;
  for (let i = 0; i < 13; i++) sum += ((bytes[start + i] as number) - 0x30) * (i % 2 === 0 ? 1 : 3);
  return sum % 10 === 0;
}

/** Whether an issuer has numbers of this beginning and length. Without it, every tenth long number would be a card. */
function isIssued(bytes: Uint8Array, start: number, stop: number, length: number): boolean {
  let six = 0;
  for (let i = start, count = 0; i < stop && count < 6; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) continue;
    six = six * 10 + digit;
    count++;
  }
  for (const [from, to, lengths] of ISSUED) if (six >= from && six <= to) return lengths.includes(length);
  return false;
}

/** First six digits from, to, and how many digits: the networks' own rules, the narrower range first. */
const ISSUED: readonly (readonly [number, number, readonly number[]])[] = [
  [401178, 401179, [16]], // Elo
  [506699, 506778, [16]], // Elo
  [509000, 509999, [16]], // Elo
  [627780, 627780, [16]], // Elo
  [636297, 636368, [16]], // Elo
  [650031, 651679, [16]], // Elo
  [655000, 655058, [16]], // Elo
  [606282, 606282, [13, 16, 19]], // Hipercard
  [220000, 220499, [16, 17, 18, 19]], // Mir
  [400000, 499999, [13, 16, 19]], // Visa
  [510000, 559999, [16]], // Mastercard
  [222100, 272099, [16]], // Mastercard
  [340000, 349999, [15]], // American Express
  [370000, 379999, [15]], // American Express
  [601100, 601199, [16, 17, 18, 19]], // Discover
  [644000, 649999, [16, 17, 18, 19]], // Discover
  [650000, 659999, [16, 17, 18, 19]], // Discover, RuPay
  [508500, 508999, [16]], // RuPay
  [607000, 608999, [16]], // RuPay
  [817200, 820199, [16]], // RuPay
  [300000, 305999, [14, 16]], // Diners Club
  [309500, 309599, [14, 16]], // Diners Club
  [360000, 369999, [14, 16]], // Diners Club
  [380000, 399999, [14, 16]], // Diners Club
  [352800, 358999, [16, 17, 18, 19]], // JCB
  [620000, 629999, [16, 17, 18, 19]], // UnionPay
  [501800, 501899, [13, 14, 15, 16, 17, 18, 19]], // Maestro
  [502000, 502099, [13, 14, 15, 16, 17, 18, 19]], // Maestro
  [503800, 503899, [13, 14, 15, 16, 17, 18, 19]], // Maestro
  [589300, 589399, [13, 14, 15, 16, 17, 18, 19]], // Maestro
  [630400, 630499, [13, 14, 15, 16, 17, 18, 19]], // Maestro
  [675900, 676399, [13, 14, 15, 16, 17, 18, 19]], // Maestro
  [979200, 979289, [16]], // Troy
];

function passesLuhn(bytes: Uint8Array, start: number, stop: number): boolean {
  let sum = 0;
  let isDoubled = false;
  for (let i = stop - 1; i >= start; i--) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) continue;
    sum += isDoubled ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
    isDoubled = !isDoubled;
  }
  return sum % 10 === 0;
}
