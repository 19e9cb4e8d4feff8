/**
 * Finds tokens and card numbers by their form (`looks-table.ts`, `cards.ts`). A secret is a run of at least 13 letters,
 * digits and marks, so that only every twelfth byte is looked at until one is met.
 */
import { type CardContext, cardEnd } from './cards.js';
import { matchLookPattern } from './look-pattern.js';
import {
  ALNUM,
  type Compiled,
  type Dispatch,
  dispatch,
  isDigit,
  isDigitOrSpace,
  isWideGapByte,
  RUN,
  STRIDE,
} from './look-runs.js';
import { createMix, hasDigitOrBoth, isMixed, type Mix, mayBeMixed, readMix } from './token-mix.js';

export type ReportLook = (start: number, end: number, rule: string) => void;

/** A piece of text being searched. */
interface Search {
  readonly rows: Dispatch;
  readonly bytes: Buffer;
  readonly end: number;
  /** Cards are looked for too, as the name of the value allows; null where digits are noise. */
  readonly card: CardContext | null;
  readonly report: ReportLook;
  /** Another one for each search. */
  readonly number: number;
  readonly mix: Mix;
}

const WORD: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[\w-]/.test(String.fromCharCode(byte)) && byte < 0x80 ? 1 : 0,
);
const HEX: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[0-9a-f]/.test(String.fromCharCode(byte)) ? 1 : 0,
);
const BASE64: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9+/]/.test(String.fromCharCode(byte)) && byte < 0x80 ? 1 : 0,
);

/** What may follow a backslash: b, f, n, r, t. */
const ESCAPES: readonly number[] = [0x62, 0x66, 0x6e, 0x72, 0x74];

/** Reports each secret in a span of the text, ascending; none overlaps another. `card`: null where digits are noise. */
export function findLooks(
  bytes: Buffer,
  { start, end }: { start: number; end: number },
  card: CardContext | null,
  report: ReportLook,
): void {
  const rows = dispatch();
  const search: Search = {
    rows,
    bytes,
    end,
    card,
    report,
    number: ++rows.searches,
    mix: createMix(),
  };
  let done = start;
  for (let probe = start + STRIDE; probe < end; probe += STRIDE) {
    const byte = bytes[probe] as number;
    if ((RUN[byte] as number) === 0) {
      if (card !== null && (byte === 0x20 || isWideGapByte(byte)))
        probe = Math.max(probe, spacedCard(search, probe, done));
      continue;
    }
    let from = probe;
    while (from > done && (RUN[bytes[from - 1] as number] as number) === 1) from--;
    let to = probe + 1;
    while (to < end && (RUN[bytes[to] as number] as number) === 1) to++;
    if (to - from > STRIDE) {
      findInRun(search, from, to);
      // `621234 5678901234567`: the second group is as long as a token.
      if (card !== null && to - from === 13 && isDigit(bytes[from] as number))
        to = Math.max(to, spacedCard(search, from, done));
    } else if (card !== null && isDigit(byte)) to = Math.max(to, spacedCard(search, probe, done));
    done = to;
    probe = Math.max(probe, to);
  }
}

/** A card in groups set apart by spaces, around `at`; returns where it ends, or `at`. */
function spacedCard({ bytes, end, card, report }: Search, at: number, done: number): number {
  let from = at;
  while (from > done && at - from < 32 && isGroupByte(bytes[from - 1] as number)) from--;
  while (from < at && !isDigit(bytes[from] as number)) from++;
  for (let tries = 0; tries < 3 && from < end && isDigit(bytes[from] as number); tries++) {
    const stop = cardEnd(bytes, from, end, card as CardContext);
    if (stop > 0) {
      // One more group, before or behind, makes it something else.
      const isPreceded = from - 2 >= 0 && bytes[from - 1] === 0x20 && isDigit(bytes[from - 2] as number);
      if (isPreceded || /^ \d{4}/.test(bytes.toString('latin1', stop, stop + 5))) return at;
      report(from, stop, 'looks:card');
      return stop;
    }
    while (from < at && isDigit(bytes[from] as number)) from++;
    while (from < at && !isDigit(bytes[from] as number)) from++;
  }
  return at;
}

function isGroupByte(byte: number): boolean {
  return isDigitOrSpace(byte) || isWideGapByte(byte);
}

/** What a run of token bytes holds. A token begins at its beginning or after a mark. */
function findInRun(search: Search, from: number, to: number): void {
  const { bytes, report } = search;
  // The first letter after a backslash is the rest of an escape.
  let at = from > 0 && bytes[from - 1] === 0x5c && ESCAPES.includes(bytes[from] as number) ? from + 1 : from;
  if (bytes[to - 1] === 0x3d) {
    const start = azureKeyStart(bytes, from, to);
    if (start >= 0) {
      report(start, to, 'looks:azure-key');
      return;
    }
  }
  let wordEnd = at;
  while (at < to) {
    while (at < to && (ALNUM[bytes[at] as number] as number) === 0) at++;
    if (at >= to) return;
    if (wordEnd <= at) {
      wordEnd = at;
      while (wordEnd < to && (WORD[bytes[wordEnd] as number] as number) === 1) wordEnd++;
    }
    const stop = patternEnd(search, at, to) || specialEnd(search, at, to, wordEnd) || cardInRun(search, at);
    if (stop > at) {
      at = stop;
      continue;
    }
    while (at < to && (ALNUM[bytes[at] as number] as number) === 1) at++;
  }
}

/** `card4111…` as well. */
function cardInRun({ bytes, end, card, report }: Search, at: number): number {
  if (card === null) return 0;
  let digit = at;
  while (digit - at < 5 && digit < end && !isDigit(bytes[digit] as number)) digit++;
  if (!isDigit(bytes[digit] as number) || (digit > at && (ALNUM[bytes[digit - 1] as number] as number) === 0)) return 0;
  const stop = cardEnd(bytes, digit, end, card);
  if (stop < 0) return 0;
  report(digit, stop, 'looks:card');
  return stop;
}

/** Reports the token of a row that begins at `at`; returns where it ends, or 0. */
function patternEnd({ bytes, rows, report, number, mix }: Search, at: number, to: number): number {
  const place = rows.index[((bytes[at] as number) << 8) | (at + 1 < to ? (bytes[at + 1] as number) : 0)] as number;
  if (place === 0) return 0;
  if (mix.start !== at) readMix(mix, bytes, at, to);
  if (!mayBeMixed(mix, to)) return 0;
  for (const { rule, pattern, isStrict } of rows.lists[place - 1] as Compiled[]) {
    if (to - at < pattern.length) continue;
    const stop = matchLookPattern(pattern, bytes, at, to, number);
    if (stop < 0) continue;
    if (!isMixed(mix, stop, isStrict)) continue;
    // What is joined to it is part of it, however the row has it.
    const end = wordEndAt(bytes, stop, to);
    report(at, end, rule);
    return end;
  }
  return 0;
}

function wordEndAt(bytes: Buffer, at: number, to: number): number {
  let end = at;
  while (end < to && (WORD[bytes[end] as number] as number) === 1) end++;
  return end;
}

/** The same for tokens that take more than a pattern. */
function specialEnd({ bytes, report }: Search, at: number, to: number, wordEnd: number): number {
  const first = bytes[at] as number;
  const before = bytes[at - 1];
  if (first === 0x65 && bytes[at + 1] === 0x79 && bytes[at + 2] === 0x4a) return jwtEnd(bytes, at, to, wordEnd, report);
  if (before === 0x2d && first === 0x75 && bytes[at + 1] === 0x73) return mailchimpEnd(bytes, at, to, report);
  if (before === 0x3a && first === 0x41 && bytes[at + 1] === 0x41) return telegramEnd(bytes, at, wordEnd, report);
  if (first === 0x4d || first === 0x4e || first === 0x4f) return discordEnd(bytes, at, to, wordEnd, report);
  if (first === 0x61 && bytes[at + 1] === 0x74 && bytes.toString('latin1', at, at + 8) === 'atlasv1.')
    return terraformEnd(bytes, at, to, report);
  if (wordEnd - at === 84 && bytes.toString('latin1', at + 76, at + 80) === 'AZDO')
    return wholeWord(at, wordEnd, 'azure-ado', report);
  if (wordEnd - at >= 52 && isSignedAzureKey(bytes, at, wordEnd)) return wholeWord(at, wordEnd, 'azure-key', report);
  if (wordEnd - at === 40 && bytes.toString('latin1', wordEnd - 4, wordEnd) === 'NRAL')
    return wholeWord(at, wordEnd, 'newrelic', report);
  if (
    wordEnd - at === 50 &&
    bytes[at + 32] === 0x2d &&
    bytes[at + 41] === 0x2d &&
    /^[0-9a-f-]{50}$/.test(bytes.toString('latin1', at, wordEnd))
  )
    return wholeWord(at, wordEnd, 'mailgun', report);
  const tilde = tildeBefore(bytes, at);
  if (tilde > 2 && bytes[tilde - 1] === 0x51) return azureSecretEnd(bytes, tilde, to, report);
  return 0;
}

function wholeWord(at: number, wordEnd: number, id: string, report: ReportLook): number {
  report(at, wordEnd, `looks:${id}`);
  return wordEnd;
}

/** JSON Web Token: three parts (encrypted: five) joined by dots, the first an object that names an algorithm. */
function jwtEnd(bytes: Buffer, at: number, to: number, wordEnd: number, report: ReportLook): number {
  if (wordEnd - at < 10 || bytes[wordEnd] !== 0x2e) return 0;
  let stop = wordEnd;
  let parts = 1;
  while (stop < to && bytes[stop] === 0x2e && parts < 5) {
    stop++;
    while (stop < to && (WORD[bytes[stop] as number] as number) === 1) stop++;
    parts++;
  }
  const header = Buffer.from(bytes.toString('latin1', at, Math.min(wordEnd, at + 512)), 'base64url').toString('latin1');
  // `eyJhbGci…` is `{"alg`: known without its end. A cursor has dots and an object too, but no algorithm.
  const isToken =
    /"(?:alg|enc|typ|kid|jku)"/.test(header) ||
    (parts >= 3 &&
      stop - at >= 40 &&
      !/"(?:page|cursor|offset|limit)"/.test(header) &&
      /^\{"/.test(header) &&
      wordEnd + 1 < to &&
      bytes.toString('latin1', wordEnd + 1, wordEnd + 4) === 'eyJ');
  if (!isToken) return 0;
  report(at, stop, 'looks:jwt');
  return stop;
}

/** Whether the `count` bytes before `at` belong to `set`, and none before them. */
function isPreceded(bytes: Buffer, at: number, count: number, set: Uint8Array): boolean {
  if (at < count) return false;
  for (let i = at - count; i < at; i++) if ((set[bytes[i] as number] as number) === 0) return false;
  return at === count || (ALNUM[bytes[at - count - 1] as number] as number) === 0;
}

function mailchimpEnd(bytes: Buffer, at: number, to: number, report: ReportLook): number {
  if (!isPreceded(bytes, at - 1, 32, HEX)) return 0;
  let stop = at + 2;
  while (stop < to && isDigit(bytes[stop] as number)) stop++;
  if (stop === at + 2 || stop > at + 4 || (stop < to && (ALNUM[bytes[stop] as number] as number) === 1)) return 0;
  report(at - 33, stop, 'looks:mailchimp');
  return stop;
}

function telegramEnd(bytes: Buffer, at: number, wordEnd: number, report: ReportLook): number {
  if (wordEnd - at < 33 || wordEnd - at > 40) return 0;
  let digits = at - 1;
  while (digits > 0 && at - digits < 12 && isDigit(bytes[digits - 1] as number)) digits--;
  if (at - 1 - digits < 8 || !hasDigitOrBoth(bytes, at, wordEnd)) return 0;
  report(digits, wordEnd, 'looks:telegram');
  return wordEnd;
}

function discordEnd(bytes: Buffer, at: number, to: number, wordEnd: number, report: ReportLook): number {
  const id = wordEnd - at;
  if (id < 23 || id > 28 || bytes[wordEnd] !== 0x2e) return 0;
  let middle = wordEnd + 1;
  while (middle < to && (WORD[bytes[middle] as number] as number) === 1) middle++;
  if (middle - wordEnd - 1 !== 6 || bytes[middle] !== 0x2e) return 0;
  let stop = middle + 1;
  while (stop < to && (WORD[bytes[stop] as number] as number) === 1) stop++;
  if (stop - middle - 1 < 27 || stop - middle - 1 > 42) return 0;
  report(at, stop, 'looks:discord');
  return stop;
}

function terraformEnd(bytes: Buffer, at: number, to: number, report: ReportLook): number {
  if (!isPreceded(bytes, at - 1, 14, ALNUM)) return 0;
  let stop = at + 8;
  while (stop < to && (WORD[bytes[stop] as number] as number) === 1) stop++;
  if (stop - at < 48) return 0;
  report(at - 15, stop, 'looks:terraform');
  return stop;
}

/** Where the `~` is that stands before `at`, with no more than a few marks between; -1 where there is none. */
function tildeBefore(bytes: Buffer, at: number): number {
  let i = at - 1;
  while (i >= 0 && at - i < 8 && (bytes[i] === 0x2d || bytes[i] === 0x5f || bytes[i] === 0x2e)) i--;
  return bytes[i] === 0x7e ? i : -1;
}

/** `abC8Q~…`, 40 characters of which the fourth to the sixth are `8Q~` or their like. */
function azureSecretEnd(bytes: Buffer, tilde: number, to: number, report: ReportLook): number {
  const at = tilde + 1;
  if (!isDigit(bytes[at - 3] ?? 0)) return 0;
  let stop = at;
  const limit = Math.min(to, at + 37);
  while (
    stop < limit &&
    ((WORD[bytes[stop] as number] as number) === 1 || bytes[stop] === 0x7e || bytes[stop] === 0x2e)
  )
    stop++;
  if (stop - at < 31 || stop - at > 36) return 0;
  report(at - 6, stop, 'looks:azure-secret');
  return stop;
}

/** 84 characters of which the 53rd to the 58th are `JQQJ99`, 52 of which the 43rd to the 46th are `AzSe`. */
function isSignedAzureKey(bytes: Buffer, at: number, wordEnd: number): boolean {
  if (wordEnd - at === 52) return bytes.toString('latin1', at + 42, at + 46) === 'AzSe';
  return wordEnd - at === 84 && /^JQQJ9[9DH]$/.test(bytes.toString('latin1', at + 52, at + 58));
}

/** What keys of 32 bytes say they are for, in their 34th to 37th character. */
const AZURE_KINDS = new Set(['AIoT', 'AzCa', '+ASb', '+AEh', '+ARm']);

/** Where a key begins that ends in its padding at `to`: 64 bytes in base64, or one that says what it is for; -1 where there is none. */
function azureKeyStart(bytes: Buffer, from: number, to: number): number {
  if (bytes[to - 2] !== 0x3d) {
    const short = to - 44;
    const isKind = short >= from && AZURE_KINDS.has(bytes.toString('latin1', short + 33, short + 37));
    return isKind && (short === from || (BASE64[bytes[short - 1] as number] as number) === 0) ? short : -1;
  }
  if (to - from === 56 && bytes.toString('latin1', from + 44, from + 48) === 'AzFu') return from;
  const start = to - 88;
  if (start < from || bytes[to - 2] !== 0x3d) return -1;
  for (let i = start; i < to - 2; i++) if ((BASE64[bytes[i] as number] as number) === 0) return -1;
  if (start > from && (BASE64[bytes[start - 1] as number] as number) === 1) return -1;
  // A digest has as many bytes as a key (Subresource Integrity §3.5, RFC 9530).
  return /sha-?512[-=:]+$/i.test(bytes.toString('latin1', Math.max(0, start - 10), start)) ? -1 : start;
}
