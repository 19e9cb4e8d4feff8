/**
 * A filter as SQL over the tables of `store/schema.ts`.
 *
 * in: a `Filter` and the time · out: a condition and what is bound in it, nothing of which is text of the condition · pure
 *
 * `:low`, `:high` and `:part` are bound by whoever runs it: a query goes through the traces in ranges of their number.
 */
import { PART_INDEXES } from '../store/parts.js';
import { type Filter, FilterError, type Operator, type Term } from './parse.js';

export type Bound = string | number | Uint8Array;

export interface Condition {
  readonly sql: string;
  readonly parameters: Readonly<Record<string, Bound>>;
  /** Terms that all that is found passes, and the tables that know which do. */
  readonly hints: readonly Hint[];
  /** Whether one of these looks into bodies, whose index knows best. */
  readonly searches: boolean;
}

export interface Hint {
  readonly sql: string;
  /** What a table of `store/parts.ts` finds, in the part that is bound as `:part`. */
  readonly found: string;
}

export function compileFilter(filter: Filter, nowMillis: number): Condition {
  const parameters: Record<string, Bound> = {};
  const sqlOfTerms = new Map<Term, string>();
  let count = 0;
  const bind = (value: Bound): string => {
    const name = `p${count++}`;
    parameters[name] = value;
    return `:${name}`;
  };
  const sqlOf = (one: Filter): string => {
    switch (one.kind) {
      case 'all':
      case 'any': {
        const parts = one.parts.map(sqlOf);
        if (parts.length === 0) return '1';
        return `(${parts.join(one.kind === 'all' ? ' AND ' : ' OR ')})`;
      }
      case 'not':
        return `NOT coalesce(${sqlOf(one.part)}, 0)`;
      case 'term': {
        const sql = termSql(one, bind, { nowMillis });
        sqlOfTerms.set(one, sql);
        return sql;
      }
    }
  };
  const sql = sqlOf(filter);
  const top = filter.kind === 'all' ? filter.parts : [filter];
  const terms = top.flatMap((one) => (one.kind === 'term' ? [one] : []));
  const hints = terms.flatMap((term) => hintOf(term, sqlOfTerms.get(term) ?? '', bind, nowMillis));
  return {
    sql,
    parameters,
    hints,
    searches: terms.some(({ field, operator }) => field.type === 'body' && operator !== '!='),
  };
}

function hintOf(term: Term, sql: string, bind: Bind, nowMillis: number): Hint[] {
  const { column = '' } = term.field;
  const table = Object.hasOwn(PART_INDEXES, column) ? PART_INDEXES[column]?.table : undefined;
  if (table === undefined || term.operator === '!=' || (column === 'marks' && term.values.includes('none'))) return [];
  const inPart = termSql(term, bind, { nowMillis, table });
  return [{ sql, found: `seq IN (SELECT seq FROM ${table} WHERE part = :part AND ${inPart})` }];
}

type Bind = (value: Bound) => string;

interface Sought {
  readonly nowMillis: number;
  /** That of a part, in which the column is `value`; none is that of the traces. */
  readonly table?: string;
}

function termSql(term: Term, bind: Bind, sought: Sought): string {
  const { operator, values } = term;
  const each = values.map((value) => valueSql(term, value, bind, sought));
  if (operator === '!=') return `NOT coalesce((${each.join(' OR ')}), 0)`;
  if (values.length > 1 && operator !== ':' && operator !== '=')
    throw new FilterError(`${term.field.name}${operator} takes one value; several are for : and =`, term.at);
  return each.length === 1 ? (each[0] as string) : `(${each.join(' OR ')})`;
}

function valueSql({ field, operator, at }: Term, value: string, bind: Bind, { nowMillis, table }: Sought): string {
  const column = table === undefined ? (field.column ?? '') : 'value';
  const compares = (bound: number): string => `${column} ${comparison(operator)} ${bind(bound)}`;
  const equalOnly = (): void => {
    if (operator !== ':' && operator !== '=' && operator !== '!=')
      throw new FilterError(`${field.name} cannot be larger or smaller; give it such as ${field.example}`, at);
  };
  switch (field.type) {
    case 'number':
      return compares(numberOf(value, PLAIN, field.example, at));
    case 'duration':
      return compares(numberOf(value, DURATIONS, field.example, at));
    case 'size':
      return compares(numberOf(value, SIZES, field.example, at));
    case 'status':
      return statusSql(column, value, operator, at, bind);
    case 'time':
      return timeSql(value, operator, at, bind, nowMillis);
    case 'word':
      equalOnly();
      return `${column} = ${bind(field.name === 'method' ? value.toUpperCase() : value.toLowerCase())}`;
    case 'text':
      equalOnly();
      return textSql({ column, table }, value, operator, bind);
    case 'mark':
      equalOnly();
      if (value === 'any') return `${column} <> ''`;
      return value === 'none'
        ? `${column} = ''`
        : `(${column} <> '' AND ${column} LIKE ${bind(`%,${escapeLike(value)},%`)} ESCAPE '\\')`;
    case 'body':
      equalOnly();
      return `seq IN (SELECT rowid FROM bodies WHERE bodies MATCH ${bind(phraseOf(value, at))} AND rowid BETWEEN :low AND :high)`;
    case 'id':
      equalOnly();
      return idSql(column, value, at, bind);
    case 'anywhere': {
      const within = bind(`%${escapeLike(value)}%`);
      return `(path LIKE ${within} ESCAPE '\\' OR host LIKE ${within} ESCAPE '\\' OR query LIKE ${within} ESCAPE '\\')`;
    }
  }
}

const comparison = (operator: Operator): string => (operator === ':' || operator === '!=' ? '=' : operator);

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

function statusSql(column: string, value: string, operator: Operator, at: number, bind: Bind): string {
  if (/^(?:none|null)$/i.test(value)) return column === 'value' ? 'value = 0' : 'status IS NULL';
  const group = /^([1-9])xx$/i.exec(value)?.[1];
  if (group === undefined)
    return `${column} ${comparison(operator)} ${bind(numberOf(value, PLAIN, 'status>=500', at))}`;
  const low = Number(group) * 100;
  if (operator === '>' || operator === '<=') return `${column} ${operator} ${bind(low + 99)}`;
  if (operator === '<' || operator === '>=') return `${column} ${operator} ${bind(low)}`;
  return `${column} BETWEEN ${bind(low)} AND ${bind(low + 99)}`;
}

/** Microseconds since 1970. An age counts back from now: `time>10m` is newer than ten minutes. */
function timeSql(value: string, operator: Operator, at: number, bind: Bind, nowMillis: number): string {
  const age = /^\d+\.?\d*(?:ms|s|m|min|h|d)$/i.test(value) ? numberOf(value, DURATIONS, 'time>10m', at) / 1e6 : null;
  const moment = age === null ? Date.parse(value) : nowMillis - age;
  if (Number.isNaN(moment))
    throw new FilterError(`"${value}" is neither an age such as 10m nor a date such as 2026-01-31T12:00Z`, at);
  if (operator === ':' || operator === '=' || operator === '!=') return `start >= ${bind(Math.round(moment * 1000))}`;
  return `start ${operator} ${bind(Math.round(moment * 1000))}`;
}

/** The largest character that there is: what begins with a text lies between it and it followed by this. */
const LAST = '\u{10ffff}';

interface Column {
  readonly column: string;
  /** That of a part, which is in the order of the column. */
  readonly table: string | undefined;
}

function textSql({ column, table }: Column, value: string, operator: Operator, bind: Bind): string {
  if (operator !== ':') return `${column} = ${bind(value)}`;
  const isStart = value.startsWith('^');
  const isEnd = value.length > 1 && value.endsWith('$');
  const inner = value.slice(isStart ? 1 : 0, isEnd ? -1 : undefined);
  // Of what begins with a text an index knows.
  if (isStart && !isEnd && !inner.includes('*'))
    return inner === '' ? '1' : `(${column} >= ${bind(inner)} AND ${column} < ${bind(inner + LAST)})`;
  const pattern = `${isStart ? '' : '%'}${inner.split('*').map(escapeLike).join('%')}${isEnd ? '' : '%'}`;
  const bound = bind(pattern);
  const like = `${column} LIKE ${bound} ESCAPE '\\'`;
  // There are few of these: from one to the next, and then only the traces of those that pass.
  if (table === 'by_host' || table === 'by_service')
    return `value IN (WITH RECURSIVE each (one) AS (SELECT min(value) FROM ${table} WHERE part = :part UNION ALL
      SELECT (SELECT min(value) FROM ${table} WHERE part = :part AND value > one) FROM each WHERE one IS NOT NULL)
      SELECT one FROM each WHERE one LIKE ${bound} ESCAPE '\\')`;
  const before = isStart ? (inner.split('*', 1)[0] ?? '') : '';
  return before === '' ? like : `(${column} >= ${bind(before)} AND ${column} < ${bind(before + LAST)} AND ${like})`;
}

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

/** One phrase whose last word may go on, in the language of FTS5, in which a text in quotes is nothing but a text. */
function phraseOf(value: string, at: number): string {
  if (!/[\p{L}\p{N}]/u.test(value))
    throw new FilterError(`body:"${value}" has no letter and no digit; bodies are found by words`, at);
  // A NUL would end the text of the query.
  return `"${value.replaceAll('"', '""').replaceAll('\0', ' ')}"${/[\p{L}\p{N}]$/u.test(value) ? '*' : ''}`;
}

const ID_BYTES = 16;

function idSql(column: string, value: string, at: number, bind: Bind): string {
  const digits = value.replaceAll('-', '').toLowerCase();
  if (!/^[0-9a-f]{1,32}$/.test(digits))
    throw new FilterError(`"${value}" is no trace id; it has up to 32 hex digits`, at);
  const low = Buffer.from(digits.padEnd(2 * ID_BYTES, '0'), 'hex');
  const high = Buffer.from(digits.padEnd(2 * ID_BYTES, 'f'), 'hex');
  return `${column} BETWEEN ${bind(low)} AND ${bind(high)}`;
}
