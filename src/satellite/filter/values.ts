/** The values of a filter, as a database compares them: the same whatever its SQL. Pure; what is wrong is a `FilterError`. */
import { FilterError, type Operator } from './parse.js';

type Units = Readonly<Record<string, number>>;
const PLAIN: Units = { '': 1 };
/** Nanoseconds; a number alone is milliseconds, as in the list. */
const DURATIONS: Units = {
  '': 1e6,
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  min: 60e9,
  h: 3600e9,
  d: 86400e9,
};
const SIZES: Units = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1000,
  kib: 1024,
  m: 2 ** 20,
  mb: 1e6,
  mib: 2 ** 20,
  gb: 1e9,
  gib: 2 ** 30,
};

export const plainNumber = (value: string, example: string, at: number): number => numberOf(value, PLAIN, example, at);
export const duration = (value: string, example: string, at: number): number => numberOf(value, DURATIONS, example, at);
export const size = (value: string, example: string, at: number): number => numberOf(value, SIZES, example, at);

function numberOf(value: string, units: Units, example: string, at: number): number {
  const [, digits = '', unit = ''] = /^(\d+\.?\d*|\.\d+)\s*([a-zµ]*)$/i.exec(value) ?? [];
  const factor = Object.hasOwn(units, unit.toLowerCase()) ? units[unit.toLowerCase()] : undefined;
  if (digits === '' || factor === undefined)
    throw new FilterError(
      `"${value}" is no ${units === PLAIN ? 'number' : 'number with a unit'}; give it such as ${example}`,
      at,
    );
  return Math.round(Number(digits) * factor);
}

/** What a status is held against: that there is none; a hundred of them; one. */
export type StatusValue =
  | { readonly kind: 'none' }
  | { readonly kind: 'hundred'; readonly low: number }
  | { readonly kind: 'code'; readonly code: number };

export function statusValue(value: string, at: number): StatusValue {
  if (/^(?:none|null)$/i.test(value)) return { kind: 'none' };
  const group = /^([1-9])xx$/i.exec(value)?.[1];
  if (group !== undefined) return { kind: 'hundred', low: Number(group) * 100 };
  return { kind: 'code', code: plainNumber(value, 'status>=500', at) };
}

/** Microseconds since 1970. An age counts back from now: `time>10m` is newer than ten minutes. */
export function moment(value: string, at: number, nowMillis: number): number {
  const age = /^\d+\.?\d*(?:ms|s|m|min|h|d)$/i.test(value) ? duration(value, 'time>10m', at) / 1e6 : null;
  const millis = age === null ? Date.parse(value) : nowMillis - age;
  if (Number.isNaN(millis))
    throw new FilterError(`"${value}" is neither an age such as 10m nor a date such as 2026-01-31T12:00Z`, at);
  return Math.round(millis * 1000);
}

/** Where in a text another is to be: `^` at its beginning, `$` at its end, `*` for anything between. */
export interface TextPattern {
  readonly isStart: boolean;
  readonly isEnd: boolean;
  readonly inner: string;
}

export function textPattern(value: string): TextPattern {
  const isStart = value.startsWith('^');
  const isEnd = value.length > 1 && value.endsWith('$');
  return { isStart, isEnd, inner: value.slice(isStart ? 1 : 0, isEnd ? -1 : undefined) };
}

/** For `LIKE` with `\` as the character that takes the others' meaning. */
export const likePattern = ({ isStart, isEnd, inner }: TextPattern): string =>
  `${isStart ? '' : '%'}${inner.split('*').map(escapeLike).join('%')}${isEnd ? '' : '%'}`;

export const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

/** Up to 32 hex digits, in small letters. */
export function idDigits(value: string, at: number): string {
  const digits = value.replaceAll('-', '').toLowerCase();
  if (!/^[0-9a-f]{1,32}$/.test(digits))
    throw new FilterError(`"${value}" is no trace id; it has up to 32 hex digits`, at);
  return digits;
}

/** @throws FilterError where there is nothing that bodies are found by */
export function checkWords(value: string, at: number): void {
  if (!/[\p{L}\p{N}]/u.test(value))
    throw new FilterError(`body:"${value}" has no letter and no digit; bodies are found by words`, at);
}

/** @throws FilterError where an operator has no meaning for a field */
export function equalOnly(
  { name, example }: { readonly name: string; readonly example: string },
  operator: Operator,
  at: number,
): void {
  if (operator !== ':' && operator !== '=' && operator !== '!=')
    throw new FilterError(`${name} cannot be larger or smaller; give it such as ${example}`, at);
}

export const comparison = (operator: Operator): string => (operator === ':' || operator === '!=' ? '=' : operator);
