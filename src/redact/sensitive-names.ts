/**
 * Which names of fields, query parameters and headers stand for a secret: the rows of `name-table.ts`, and what a user
 * adds or takes back.
 */
import { lazy } from '../lazy.js';
import { DEFAULT_LIMITS } from '../limits.js';
import { isDigit } from './byte-text.js';
import { NameMemo } from './name-memo.js';
import {
  HARMLESS_ENDS,
  HEADER_ROWS,
  NAME_ROWS,
  NAMING,
  type NameRow,
  OTHER_SCRIPTS,
  QUALIFIERS,
  QUERY_ROWS,
  VALUING,
  type ValueTest,
} from './name-table.js';
import { type Ending, EndingKind, NameTrie, withoutNumber } from './name-trie.js';
import { type SearchSteps, Step } from './search-steps.js';

/** What the name of a secret says of its value. */
export interface NameRule {
  /** `name:` and the row's id. */
  readonly id: string;
  /** Null where the user named it: then every value is one. */
  readonly value: ValueTest | null;
  readonly reach: NameRow['reach'];
}

export type NamePlace = 'field' | 'query' | 'header';

export interface SensitiveNames {
  /** The rule for the name from `start` to `end`, UTF-8 without escapes; null where it is no secret's. */
  of(place: NamePlace, bytes: Buffer, start: number, end: number): NameRule | null;
  /** The same for a string. */
  ofText(place: NamePlace, name: string): NameRule | null;
  /** Whether a member of this name says what another is (`name`, `key`), or holds what another names (`value`). */
  role(bytes: Buffer, start: number, end: number): 'naming' | 'valuing' | null;
}

export interface SensitiveNameSettings {
  /** Names that are sensitive in any case, besides the built-in ones if `defaults` is set. */
  fields: readonly string[];
  queries: readonly string[];
  headers: readonly string[];
  /** Names that are not, whatever the rows say. */
  allow: readonly string[];
  defaults: boolean;
  /** Takes how many names were forgotten to make room for others. */
  onEvicted: (count: number) => void;
  /** What the search of a trace may still cost. */
  steps: SearchSteps;
}

interface Known {
  readonly rule: NameRule | null;
  readonly isQualified: boolean;
}

const HARMLESS: Known = { rule: null, isQualified: false };

export function createSensitiveNames(settings: SensitiveNameSettings): SensitiveNames {
  const { defaults } = settings;
  const { names: trie, qualifiers, roles } = nameTables();
  const byPlace = (names: readonly string[]) => new Set(names.map(plainName).filter((name) => name !== ''));
  const fields = byPlace(settings.fields);
  const added = {
    field: fields,
    query: new Set([...fields, ...byPlace(settings.queries)]),
    header: byPlace(settings.headers),
  };
  const allowed = byPlace(settings.allow);
  const isAdapted = allowed.size + added.query.size + added.header.size > 0;

  function builtIn(place: NamePlace, bytes: Buffer, start: number, end: number): NameRule | null {
    let stop = withoutNumber(bytes, start, end);
    const bit = PLACES[place];
    // A number may belong to the name: `track2`, `password_md5`.
    const isNumbered = stop < end && isDigit(bytes[end - 1]);
    let match = isNumbered ? trie.longest(bytes, start, end, bit) : null;
    match ??= trie.longest(bytes, start, stop, bit);
    if (match !== null) return match.rule;
    for (let words = 0; words < 2; words++) {
      const numbered = isNumbered && words === 0 ? qualifiers.longest(bytes, start, end) : null;
      const qualifier = numbered ?? qualifiers.longest(bytes, start, stop);
      if (qualifier === null || qualifiers.foundStart <= start) return null;
      stop = withoutNumber(bytes, start, qualifiers.foundStart);
      match = trie.longest(bytes, start, stop, bit);
      if (match !== null) return match.isQualified ? match.rule : null;
    }
    return null;
  }

  function slowly(place: NamePlace, bytes: Buffer, start: number, end: number): NameRule | null {
    settings.steps.take(Step.foreign);
    const name = bytes.toString('utf8', Math.max(start, end - NAME_BYTES_MAX), end);
    if (isAdapted) {
      const plain = plainName(name);
      if (added[place].has(plain)) return { id: 'name:yours', value: null, reach: 'deep' };
      if (allowed.has(plain)) return null;
    }
    if (!defaults) return null;
    const ascii = Buffer.from(asciiName(name));
    const rule = builtIn(place, ascii, 0, ascii.length);
    if (rule !== null) return rule;
    return otherScript(name);
  }

  const memos = { field: makeMemo(), query: makeMemo(), header: makeMemo() };
  const roleMemo = new NameMemo<'naming' | 'valuing' | null>();
  const remembered = {
    field: new Map<string, NameRule | null>(),
    query: new Map<string, NameRule | null>(),
    header: new Map<string, NameRule | null>(),
  };

  function of(place: NamePlace, bytes: Buffer, start: number, end: number): NameRule | null {
    if (end <= start || (!isAdapted && !defaults)) return null;
    const memo = memos[place];
    const known = memo.get(bytes, start, end);
    if (known !== undefined) return known;
    const isQuick = !isAdapted && isAscii(bytes, start, end);
    const rule = isQuick
      ? builtIn(place, bytes, Math.max(start, end - NAME_BYTES_MAX), end)
      : slowly(place, bytes, start, end);
    return memo.set(bytes, start, end, rule);
  }

  return {
    of,
    role(bytes, start, end) {
      const known = roleMemo.get(bytes, start, end);
      return known === undefined ? roleMemo.set(bytes, start, end, roles.longest(bytes, start, end)) : known;
    },
    ofText(place, name) {
      const known = remembered[place].get(name);
      if (known !== undefined) return known;
      const bytes = Buffer.from(name);
      const rule = of(place, bytes, 0, bytes.length);
      if (remembered[place].size >= DEFAULT_LIMITS.redaction_names_max) {
        settings.onEvicted(remembered[place].size);
        remembered[place].clear();
      }
      // A copy, as a slice would keep the head it is from.
      if (name.length <= 64) remembered[place].set(bytes.toString(), rule);
      return rule;
    },
  };
}

const makeMemo = (): NameMemo<NameRule | null> => new NameMemo();

/** A bit for each place where names stand. */
const PLACES: Readonly<Record<NamePlace, number>> = { field: 1, query: 2, header: 4 };

/** The rows as tries, made once. */
export const nameTables = lazy(() => ({
  names: nameTrie(),
  qualifiers: new NameTrie(QUALIFIERS.map((letters) => ({ letters, kind: EndingKind.anywhere, value: true }))),
  roles: new NameTrie<'naming' | 'valuing'>([
    ...[...NAMING].map((letters) => ({ letters, kind: EndingKind.whole, value: 'naming' as const })),
    ...[...VALUING].map((letters) => ({ letters, kind: EndingKind.whole, value: 'valuing' as const })),
  ]),
}));

/** What of a name is looked at: how it ends decides. */
const NAME_BYTES_MAX = 128;

function nameTrie(): NameTrie<Known> {
  const endings: Ending<Known>[] = HARMLESS_ENDS.map((letters) => ({
    letters,
    kind: EndingKind.anywhere,
    value: HARMLESS,
  }));
  const add = (rows: readonly NameRow[], places: number): void => {
    for (const { id, value, reach, ends = [], words = [], whole = [], isQualified = false } of rows) {
      const known: Known = { rule: { id: `name:${id}`, value, reach }, isQualified };
      for (const letters of ends) endings.push({ letters, kind: EndingKind.anywhere, value: known, places });
      for (const letters of words) endings.push({ letters, kind: EndingKind.word, value: known, places });
      for (const letters of whole) endings.push({ letters, kind: EndingKind.whole, value: known, places });
    }
  };
  // Of rows for one ending the first decides.
  add(QUERY_ROWS, PLACES.query);
  add(NAME_ROWS, PLACES.field | PLACES.query | PLACES.header);
  add(HEADER_ROWS, PLACES.header);
  return new NameTrie(endings);
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if ((bytes[i] as number) >= 0x80) return false;
  return true;
}

/** Letters without accents and without what has no width: `contraseña` → `contrasena`, `hasło` → `haslo`. */
function asciiName(name: string): string {
  return name
    .replace(/[łøđðıß]/gi, (letter) => UNDIVIDED[letter.toLowerCase()] as string)
    .normalize('NFKD')
    .replace(/[^\0-\x7f]/g, '');
}

/** Letters that Unicode does not divide in one of ASCII and a mark. */
const UNDIVIDED: Readonly<Record<string, string>> = { ł: 'l', ø: 'o', đ: 'd', ð: 'd', ı: 'i', ß: 'ss' };

/** Letters alone, without marks. */
function foldedLetters(name: string): string {
  return name
    .toLowerCase()
    .normalize('NFD')
    .replace(/[^\p{L}]/gu, '');
}

const otherNames = lazy(() =>
  Object.entries(OTHER_SCRIPTS).map(([name, id]) => ({
    letters: foldedLetters(name),
    rule: { id: `name:${id}`, value: id === 'code' ? 'code' : 'any', reach: 'deep' } satisfies NameRule as NameRule,
  })),
);

/** A name in another script, also behind another word: `новый пароль`, `登录密码`, `비밀번호확인`. */
function otherScript(name: string): NameRule | null {
  if (!/[^\0-\u02ff]/.test(name)) return null;
  const letters = foldedLetters(name);
  if (letters.length > OTHER_LETTERS_MAX) return null;
  for (const { letters: known, rule } of otherNames())
    if (
      letters.endsWith(known) ||
      (letters.startsWith(known) && !/^[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(known))
    )
      return rule;
  return null;
}

/** A longer one is a sentence. */
const OTHER_LETTERS_MAX = 40;

/** Lower case without punctuation, and without a number at the end (`password2`). */
export function plainName(name: string): string {
  const compared = name.toLowerCase().replace(/[^\p{L}\d]/gu, '');
  return compared.replace(/(?<=\D)\d+$/, '');
}
