/**
 * A filter as SQL over the tables of `store/schema.ts`.
 *
 * in: a `Filter` and the time · out: a condition and what is bound in it, nothing of which is text of the condition · pure
 *
 * `:low`, `:high` and `:part` are bound by whoever runs it: a query goes through the traces in ranges of their number.
 */
import { PART_INDEXES } from '../store/parts.js';
import { type Filter, FilterError, type Operator, type Term } from './parse.js';
import {
  checkWords,
  comparison,
  duration,
  equalOnly,
  escapeLike,
  idDigits,
  likePattern,
  moment,
  plainNumber,
  size,
  statusValue,
  textPattern,
} from './values.js';

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
  switch (field.type) {
    case 'number':
      return compares(plainNumber(value, field.example, at));
    case 'duration':
      return compares(duration(value, field.example, at));
    case 'size':
      return compares(size(value, field.example, at));
    case 'status':
      return statusSql(column, value, operator, at, bind);
    case 'time':
      return timeSql(value, operator, at, bind, nowMillis);
    case 'word':
      equalOnly(field, operator, at);
      return `${column} = ${bind(field.name === 'method' ? value.toUpperCase() : value.toLowerCase())}`;
    case 'text':
      equalOnly(field, operator, at);
      return textSql({ column, table }, value, operator, bind);
    case 'mark':
      equalOnly(field, operator, at);
      if (value === 'any') return `${column} <> ''`;
      return value === 'none'
        ? `${column} = ''`
        : `(${column} <> '' AND ${column} LIKE ${bind(`%,${escapeLike(value)},%`)} ESCAPE '\\')`;
    case 'body':
      equalOnly(field, operator, at);
      return `seq IN (SELECT rowid FROM bodies WHERE bodies MATCH ${bind(phraseOf(value, at))} AND rowid BETWEEN :low AND :high)`;
    case 'id':
      equalOnly(field, operator, at);
      return idSql(column, value, at, bind);
    case 'anywhere': {
      const within = bind(`%${escapeLike(value)}%`);
      return `(path LIKE ${within} ESCAPE '\\' OR host LIKE ${within} ESCAPE '\\' OR query LIKE ${within} ESCAPE '\\')`;
    }
  }
}

function statusSql(column: string, value: string, operator: Operator, at: number, bind: Bind): string {
  const status = statusValue(value, at);
  switch (status.kind) {
    case 'none':
      return column === 'value' ? 'value = 0' : 'status IS NULL';
    case 'code':
      return `${column} ${comparison(operator)} ${bind(status.code)}`;
    case 'hundred': {
      const { low } = status;
      if (operator === '>' || operator === '<=') return `${column} ${operator} ${bind(low + 99)}`;
      if (operator === '<' || operator === '>=') return `${column} ${operator} ${bind(low)}`;
      return `${column} BETWEEN ${bind(low)} AND ${bind(low + 99)}`;
    }
  }
}

function timeSql(value: string, operator: Operator, at: number, bind: Bind, nowMillis: number): string {
  const bound = bind(moment(value, at, nowMillis));
  return operator === ':' || operator === '=' || operator === '!=' ? `start >= ${bound}` : `start ${operator} ${bound}`;
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
  const pattern = textPattern(value);
  const { isStart, isEnd, inner } = pattern;
  // Of what begins with a text an index knows.
  if (isStart && !isEnd && !inner.includes('*'))
    return inner === '' ? '1' : `(${column} >= ${bind(inner)} AND ${column} < ${bind(inner + LAST)})`;
  const bound = bind(likePattern(pattern));
  const like = `${column} LIKE ${bound} ESCAPE '\\'`;
  // There are few of these: from one to the next, and then only the traces of those that pass.
  if (table === 'by_host' || table === 'by_service')
    return `value IN (WITH RECURSIVE each (one) AS (SELECT min(value) FROM ${table} WHERE part = :part UNION ALL
      SELECT (SELECT min(value) FROM ${table} WHERE part = :part AND value > one) FROM each WHERE one IS NOT NULL)
      SELECT one FROM each WHERE one LIKE ${bound} ESCAPE '\\')`;
  const before = isStart ? (inner.split('*', 1)[0] ?? '') : '';
  return before === '' ? like : `(${column} >= ${bind(before)} AND ${column} < ${bind(before + LAST)} AND ${like})`;
}

/** One phrase whose last word may go on, in the language of FTS5, in which a text in quotes is nothing but a text. */
function phraseOf(value: string, at: number): string {
  checkWords(value, at);
  // A NUL would end the text of the query.
  return `"${value.replaceAll('"', '""').replaceAll('\0', ' ')}"${/[\p{L}\p{N}]$/u.test(value) ? '*' : ''}`;
}

const ID_BYTES = 16;

function idSql(column: string, value: string, at: number, bind: Bind): string {
  const digits = idDigits(value, at);
  const low = Buffer.from(digits.padEnd(2 * ID_BYTES, '0'), 'hex');
  const high = Buffer.from(digits.padEnd(2 * ID_BYTES, 'f'), 'hex');
  return `${column} BETWEEN ${bind(low)} AND ${bind(high)}`;
}
