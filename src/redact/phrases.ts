/**
 * Finds the phrases of `phrase-table.ts`, and what marks give away: users and passwords in URLs and command lines, password
 * files, hashes, private keys. The survey has noted where one may be; only there is anything looked at.
 */

import { lazy } from '../lazy.js';
import { isExample, isNameByte, letterOption, option, userOption } from './command-options.js';
import type { Cause, View } from './edits.js';
import { isMixed, type PhraseRow, type SecretBytes } from './phrase-row.js';
import { JUDGED_BYTES_MAX, type Search } from './phrase-search.js';
import { PHRASES } from './phrase-table.js';
import { isPlaceholder } from './placeholders.js';
import type { RedactionContext } from './redaction-context.js';
import { Step } from './search-steps.js';
import { MARK_SHIFT, MarkPhrase, type Survey } from './survey.js';
import { fieldEnd, userinfoOf } from './survey-marks.js';
import { isMixedToken, isSecretValue } from './value-shapes.js';
import { WordEnds } from './word-ends.js';

if (PHRASES.length > MARK_SHIFT)
  throw new Error(`${PHRASES.length} phrases are more than ${MARK_SHIFT} bits tell apart`);

/** The words of phrases, each with a bit for each phrase that it may belong to. */
function phraseWords(): ReadonlyMap<string, number> {
  const words = new Map<string, number>();
  PHRASES.forEach((row, i) => {
    for (const word of row.words) words.set(word, (words.get(word) ?? 0) | (1 << i));
  });
  return words;
}

/** The ends of names and of those words, for all redactors. */
export const wordEnds = lazy(() => new WordEnds(phraseWords()));

interface CompiledPhrase {
  readonly row: PhraseRow;
  readonly head: RegExp;
  readonly cause: Cause;
  readonly runs: Runs | null;
}

/** So often is a run of bytes judged that has as many beginnings of phrases in it; then it is replaced. */
const JUDGEMENTS_MAX = 16;

/** Runs of the bytes of a secret: where one ends is looked for once, however often a phrase goes on inside it. */
class Runs {
  readonly min: number;
  readonly #set: Uint8Array;
  #start = 0;
  #end = -1;
  /** Judgements of the last run. */
  judgements = 0;

  constructor({ set, min }: SecretBytes) {
    this.#set = set;
    this.min = min;
  }

  forget(): void {
    this.#end = -1;
  }

  /** Where the run ends that has the byte at `at`. */
  endAt(bytes: Buffer, at: number): number {
    if (at >= this.#start && at < this.#end) return this.#end;
    const set = this.#set;
    let end = at;
    while (end < bytes.length && (set[bytes[end] as number] as number) === 1) end++;
    this.#start = at;
    this.#end = end;
    this.judgements = 0;
    return end;
  }
}

export class PhraseFinder {
  readonly #phrases: readonly CompiledPhrase[] = PHRASES.map((row) => ({
    row,
    head: new RegExp(row.head, row.isExact === true ? 'y' : 'iy'),
    cause: { rule: `looks:${row.id}`, name: null },
    runs: typeof row.secret === 'function' ? null : new Runs(row.secret),
  }));

  /** All of a text, which the survey has seen; of a table without what only sentences have. */
  find(view: View, survey: Survey, context: RedactionContext, isTable: boolean): void {
    const { anchors, anchorCount } = survey;
    const search: Search = { view, context, isTable, text: null };
    for (const { runs } of this.#phrases) runs?.forget();
    let done = 0;
    for (let i = 0; i < anchorCount; i++) {
      const at = anchors[i * 2] as number;
      if (at < done) continue;
      if (!context.take(Step.anchor)) return;
      const bits = anchors[i * 2 + 1] as number;
      if (bits >> MARK_SHIFT !== 0) done = Math.max(done, readMark(search, at, bits >> MARK_SHIFT));
      else done = Math.max(done, this.#readWord(search, at, bits));
    }
  }

  /** Returns where the secret ends, or 0. */
  #readWord(search: Search, at: number, bits: number): number {
    const { bytes } = search.view;
    for (let left = bits, i = 0; left !== 0; left >>= 1, i++) {
      if ((left & 1) === 0) continue;
      const phrase = this.#phrases[i] as CompiledPhrase;
      const { head } = phrase;
      if (search.isTable && phrase.row.isInSentence === true) continue;
      search.context.take(Step.phrase);
      if (phrase.row.isSecretAhead?.(bytes, at) === false) continue;
      search.text ??= bytes.latin1Slice(0, bytes.length);
      head.lastIndex = at;
      if (phrase.row.isBefore === true) {
        const match = head.exec(search.text);
        const before = match?.[1] ?? match?.[2];
        if (before !== undefined) redactBefore(search, phrase, at, before);
        continue;
      }
      if (!head.test(search.text)) continue;
      const end = secretEnd(search, phrase, head.lastIndex);
      if (end > 0) return end;
    }
    return 0;
  }
}

/** Replaces a secret that ends before the words that end before `at`: `123456 is your code`. */
function redactBefore({ view, context }: Search, { cause }: CompiledPhrase, at: number, secret: string): void {
  const start = view.bytes.lastIndexOf(secret, at, 'latin1');
  if (start >= 0) context.redactText(view, start, start + secret.length, cause);
}

/** Replaces the secret at `at`, if it is one; returns where it ends, or 0. */
function secretEnd({ view, context }: Search, { row, cause, runs }: CompiledPhrase, at: number): number {
  const { bytes } = view;
  const end = runs === null ? (row.secret as (bytes: Buffer, at: number) => number)(bytes, at) : runs.endAt(bytes, at);
  if (end - at < (runs?.min ?? 1)) return 0;
  if (row.accept !== undefined && (runs === null || runs.judgements < JUDGEMENTS_MAX)) {
    context.take(Step.judgement);
    if (!row.accept(bytes.latin1Slice(at, Math.min(end, at + JUDGED_BYTES_MAX)))) {
      if (runs !== null) runs.judgements++;
      return 0;
    }
  }
  let stop = end;
  if (row.isInSentence === true) while (stop > at && isSentenceEnd(bytes[stop - 1] as number)) stop--;
  context.redactText(view, at, stop, cause);
  return end;
}

function isSentenceEnd(byte: number): boolean {
  return (
    byte === 0x2e ||
    byte === 0x2c ||
    byte === 0x3b ||
    byte === 0x3a ||
    byte === 0x21 ||
    byte === 0x3f ||
    byte === 0x29 ||
    byte === 0x5d ||
    byte === 0x7d
  );
}

function readMark(search: Search, at: number, mark: number): number {
  if (mark === MarkPhrase.userinfo) return userinfo(search, at);
  if (mark === MarkPhrase.line) return passwordLine(search, at);
  if (mark === MarkPhrase.hash) return cryptHash(search, at);
  if (mark === MarkPhrase.user) return userOption(search, at);
  if (mark === MarkPhrase.letter) return letterOption(search, at);
  if (mark === MarkPhrase.driver) return driver(search, at);
  if (mark === MarkPhrase.session) return session(search, at);
  if (mark === MarkPhrase.beside) return beside(search, at);
  if (mark === MarkPhrase.cookieJar) return cookieJar(search, at);
  return mark === MarkPhrase.call ? call(search, at) : option(search, at);
}

/** `scheme://user:password@` (RFC 3986 §3.2.1); JSON may escape the slashes. */
function userinfo({ view, context }: Search, colon: number): number {
  const { bytes } = view;
  const { start, end } = userinfoOf(bytes, colon);
  if (!isScheme(bytes, colon)) return 0;
  const text = bytes.latin1Slice(start, Math.min(end, start + JUDGED_BYTES_MAX));
  if (/^(?:user|username|\$\w+|\{\w+\}):/i.test(text) && isExample(text.slice(text.indexOf(':') + 1))) return 0;
  if (!text.includes(':')) {
    if (!/https?$/i.test(bytes.latin1Slice(Math.max(0, colon - 5), colon)) || !isSecretUser(text)) return 0;
  }
  context.redactText(view, start, end, USERINFO_CAUSE);
  return end;
}

const USERINFO_CAUSE: Cause = { rule: 'looks:userinfo', name: null };
/** A letter, and at least one more byte of a scheme, before the colon. */
function isScheme(bytes: Buffer, colon: number): boolean {
  for (let i = colon - 1; i >= 0 && i > colon - 64; i--) {
    const byte = bytes[i] as number;
    const letter = byte | 0x20;
    if (letter >= 0x61 && letter <= 0x7a && byte < 0x80) {
      if (i < colon - 1) return true;
      continue;
    }
    if (!(byte >= 0x30 && byte <= 0x39) && byte !== 0x2b && byte !== 0x2e && byte !== 0x2d) return false;
  }
  return false;
}

function isSecretUser(userinfo: string): boolean {
  return (
    !/^(?:git|user|blog|www|me|info|admin|anonymous)$/i.test(userinfo) && (isMixed(userinfo) || userinfo.length >= 16)
  );
}

/** `host:port:database:user:password` on a line of its own (PostgreSQL, The Password File). */
function passwordLine({ view, context }: Search, colon: number): number {
  const { bytes } = view;
  let start = colon;
  while (start > 0 && colon - start < 256 && isFieldByte(bytes[start - 1] as number)) start--;
  if (start === colon || (start > 0 && bytes[start - 1] !== 0x0a)) return 0;
  if (!/^(?:\*|\d+):[^/]+$/.test(bytes.latin1Slice(colon + 1, behindUser(bytes, colon)))) return 0;
  const from = behindUser(bytes, colon) + 1;
  let stop = from;
  while (stop < bytes.length && isFieldByte(bytes[stop] as number) && bytes[stop] !== 0x5c) stop++;
  if (stop - from < 2 || bytes[from] === 0x2f) return 0;
  if (!isMixed(bytes.latin1Slice(from, Math.min(stop, from + JUDGED_BYTES_MAX)))) return 0;
  context.redactText(view, from, stop, { rule: 'looks:pgpass', name: null });
  return stop;
}

/** The colon behind port, database and user, which the survey has seen. */
function behindUser(bytes: Buffer, colon: number): number {
  return fieldEnd(bytes, fieldEnd(bytes, fieldEnd(bytes, colon + 1) + 1) + 1);
}

function isFieldByte(byte: number): boolean {
  return !(
    byte === 0x3a ||
    byte === 0x22 ||
    byte === 0x27 ||
    byte === 0x20 ||
    (byte >= 0x09 && byte <= 0x0d && byte !== 0x0b)
  );
}

const CRYPT = /\$(?:1|2[abxy]?|5|6|7|y|apr1|argon2(?:id|i|d)|scrypt|pbkdf2[\w-]{0,12})\$(?=[^\t\n\f\r "'<>:\\&]{16})/y;
const HASH: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[^\t\n\f\r "'<>:\\&]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** `$2b$12$…` (crypt(5)). */
function cryptHash({ view, context }: Search, dollar: number): number {
  const { bytes } = view;
  CRYPT.lastIndex = 0;
  if (!CRYPT.test(bytes.latin1Slice(dollar, Math.min(bytes.length, dollar + 64)))) return 0;
  let end = dollar;
  while (end < bytes.length && (HASH[bytes[end] as number] as number) === 1) end++;
  context.redactText(view, dollar, end, { rule: 'looks:crypt-hash', name: null });
  return end;
}

/** Whether subdomains are meant, the path, whether by TLS alone, when it ends, the name; JSON may have escaped the tabs. */
const JAR_TAB = '(?:\\t|\\\\{1,8}t)';
const COOKIE_JAR = new RegExp(
  `${JAR_TAB}(?:TRUE|FALSE)${JAR_TAB}/[^\\t\\n\\r\\\\]{0,256}${JAR_TAB}(?:TRUE|FALSE)${JAR_TAB}-?[0-9]{1,20}${JAR_TAB}([^\\t\\n\\r\\\\]{1,256})${JAR_TAB}`,
  'y',
);

/** A line of a file of cookies, as curl and browsers write it: all that cookies hold is secret, as in their headers. */
function cookieJar(search: Search, tab: number): number {
  const { view, context } = search;
  const { bytes } = view;
  search.text ??= bytes.latin1Slice(0, bytes.length);
  COOKIE_JAR.lastIndex = tab;
  const match = COOKIE_JAR.exec(search.text);
  if (match === null) return 0;
  const value = COOKIE_JAR.lastIndex;
  let end = value;
  while (end < bytes.length && (bytes[end] as number) > 0x20 && bytes[end] !== 0x5c && bytes[end] !== 0x22) end++;
  if (end > value) context.redactText(view, value, end, { rule: 'name:cookie', name: match[1] ?? null });
  return end;
}

/** Drivers of Go and of Oracle name no scheme: `user:password@tcp(`, `user/password@//`. */
function driver({ view, context }: Search, at: number): number {
  const { bytes } = view;
  const isOracle = bytes[at + 1] !== 0x74 && bytes[at + 1] !== 0x75;
  let start = at;
  while (start > 0 && (DRIVER[bytes[start - 1] as number] as number) === 1 && (isOracle || bytes[start - 1] !== 0x3a))
    start--;
  const before = bytes.latin1Slice(Math.max(0, start - 2), start);
  if (!(isOracle ? /\w\/$/ : /[\w.-]:$/).test(before) || at - start < (isOracle ? 3 : 1)) return 0;
  context.redactText(view, start, at, USERINFO_CAUSE);
  return at;
}

const DRIVER: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[^\t\n\f\r /@"'<>\\]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** Salesforce: the id of the organization, and the session: `00D…!…`. */
function session({ view, context }: Search, mark: number): number {
  const { bytes } = view;
  let start = mark;
  while (start > 0 && mark - start < 20 && isAlnum(bytes[start - 1] as number)) start--;
  if (mark - start < 15 || mark - start > 18 || bytes.latin1Slice(start, start + 3) !== '00D') return 0;
  if (start > 0 && bytes[start - 1] === 0x5f) return 0;
  let end = mark + 1;
  while (end < bytes.length && (isAlnum(bytes[end] as number) || bytes[end] === 0x2e || bytes[end] === 0x5f)) end++;
  if (end - mark - 1 < 40) return 0;
  context.redactText(view, start, end, { rule: 'looks:salesforce', name: null });
  return end;
}

function isAlnum(byte: number): boolean {
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39);
}

/** In a call, or one behind the other as PHP writes them: `s:8:"password";s:7:"…"`. */
const CALL =
  /(?<=(?:\(|s:\d{1,4}:)[\t\n\f\r ]{0,8}\\{0,8}["']([A-Za-z][\w. -]{1,63}))\\{0,8}["'][\t\n\f\r ]{0,8}(?:,|;s:\d{1,6}:)[\t\n\f\r ]{0,8}\\{0,8}["'](?=([^"'\\\n]{4,256})\\{0,8}["'])/y;

/** `define('DB_PASSWORD', '…')`, `setRequestHeader("X-Api-Key", "…")`: the name ends before `at`. */
function call(search: Search, at: number): number {
  const { view, context } = search;
  const { bytes } = view;
  search.text ??= bytes.latin1Slice(0, bytes.length);
  let end = at;
  while (end < bytes.length && end - at < 64 && bytes[end] !== 0x22 && bytes[end] !== 0x27 && bytes[end] !== 0x5c)
    end++;
  CALL.lastIndex = end;
  const match = CALL.exec(search.text);
  if (match === null) return 0;
  const [, name, value] = match as unknown as [string, string, string];
  const rule = context.names.ofText('field', name);
  const secret = Buffer.from(value, 'latin1');
  if (rule === null || value.startsWith('-') || isPlaceholder(value)) return 0;
  if (!(isMixedToken(secret, 0, secret.length) || value.includes(' '))) return 0;
  if (!isSecretValue(rule.value, secret, 0, secret.length)) return 0;
  const start = CALL.lastIndex;
  context.redactText(view, start, start + value.length, { rule: rule.id, name: null });
  return start + value.length;
}

const BESIDE = /[\])'"]{0,2}[ \t]{0,4}(?:\(|\|\||\?\?)?[ \t]{0,4}\\{0,8}["'`](?=([^"'`\\\n]{4,256})\\{0,8}["'`])/y;

/** `:password "…"`, `setPassword("…")`, `process.env.SECRET || "…"`: the name ends before `at`. */
function beside(search: Search, at: number): number {
  const { view, context } = search;
  const { bytes } = view;
  search.text ??= bytes.latin1Slice(0, bytes.length);
  BESIDE.lastIndex = at;
  const value = BESIDE.exec(search.text)?.[1];
  if (value === undefined) return 0;
  let name = at;
  while (name > 0 && at - name < 128 && isNameByte(bytes[name - 1] as number)) name--;
  const rule = context.names.of('field', bytes, name, at);
  const start = BESIDE.lastIndex;
  const stop = start + value.length;
  if (rule === null || value.startsWith('-') || isPlaceholder(value) || !isMixedToken(bytes, start, stop)) return 0;
  if (!isSecretValue(rule.value, bytes, start, stop)) return 0;
  context.redactText(view, start, stop, context.cause(rule.id, view, name, at));
  return stop;
}
