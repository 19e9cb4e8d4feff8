/**
 * A filter as SQL over the tables in ClickHouse (`store/clickhouse/schema.ts`).
 *
 * in: a `Filter` and the time · out: a condition, what is bound in it and of which types, nothing of which is text of the condition · pure
 *
 * `{organisation:String}`, `{low:UInt64}` and `{high:UInt64}` are bound by whoever runs it. It finds what the condition for SQLite finds, with
 * one difference: punctuation outside ASCII does not end a word of a body.
 */
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

export interface ClickHouseCondition {
  readonly sql: string;
  readonly parameters: Readonly<Record<string, string | number>>;
}

/** By the columns of `fields.ts`. */
const COLUMNS: Readonly<Record<string, string>> = {
  status: 'Status',
  method: 'Method',
  host: 'Host',
  path: 'Path',
  query: 'Query',
  duration: 'Duration',
  response_bytes: 'ResponseBytes',
  request_bytes: 'RequestBytes',
  content_type: 'ContentType',
  marks: 'Marks',
  service: 'ServiceName',
  environment: 'Environment',
  client: 'Client',
  protocol: 'Protocol',
  kind: 'SpanKind',
  trace_id: 'TraceId',
  start: 'Timestamp',
};

type Bind = (value: string | number) => string;

export function compileForClickHouse(filter: Filter, nowMillis: number): ClickHouseCondition {
  const parameters: Record<string, string | number> = {};
  let count = 0;
  const bind: Bind = (value) => {
    const name = `p${count++}`;
    parameters[name] = typeof value === 'number' ? Math.min(value, Number.MAX_SAFE_INTEGER) : value;
    return `{${name}:${typeof value === 'number' ? 'Int64' : 'String'}}`;
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
        return `NOT (${sqlOf(one.part)})`;
      case 'term':
        return termSql(one, bind, nowMillis);
    }
  };
  return { sql: sqlOf(filter), parameters };
}

function termSql(term: Term, bind: Bind, nowMillis: number): string {
  const { operator, values } = term;
  const each = values.map((value) => valueSql(term, value, bind, nowMillis));
  if (operator === '!=') return `NOT (${each.join(' OR ')})`;
  if (values.length > 1 && operator !== ':' && operator !== '=')
    throw new FilterError(`${term.field.name}${operator} takes one value; several are for : and =`, term.at);
  return each.length === 1 ? (each[0] as string) : `(${each.join(' OR ')})`;
}

function valueSql({ field, operator, at }: Term, value: string, bind: Bind, nowMillis: number): string {
  const column = COLUMNS[field.column ?? ''] ?? '';
  const compares = (bound: number): string => `${column} ${comparison(operator)} ${bind(bound)}`;
  switch (field.type) {
    case 'number':
      return compares(plainNumber(value, field.example, at));
    case 'duration':
      return compares(duration(value, field.example, at));
    case 'size':
      return compares(size(value, field.example, at));
    case 'status':
      return statusSql(value, operator, at, bind);
    case 'time': {
      const compare = operator === '<' || operator === '<=' || operator === '>' ? operator : '>=';
      return `Timestamp ${compare} fromUnixTimestamp64Micro(${bind(moment(value, at, nowMillis))})`;
    }
    case 'word':
      equalOnly(field, operator, at);
      return `${column} = ${bind(field.name === 'method' ? value.toUpperCase() : value.toLowerCase())}`;
    case 'text':
      equalOnly(field, operator, at);
      return textSql(column, value, operator, bind);
    case 'mark':
      equalOnly(field, operator, at);
      if (value === 'any') return 'notEmpty(Marks)';
      return value === 'none' ? 'empty(Marks)' : `has(Marks, ${bind(value.toLowerCase())})`;
    case 'body':
      equalOnly(field, operator, at);
      return bodySql(value, at, bind);
    case 'id': {
      equalOnly(field, operator, at);
      const digits = idDigits(value, at);
      // By ids the projection is in order, which the numbers alone are read in otherwise.
      return `Seq IN (SELECT Seq FROM traces WHERE Organisation = {organisation:String} AND TraceId >= ${bind(digits)} AND TraceId < ${bind(`${digits}g`)})`;
    }
    case 'anywhere': {
      const within = bind(`%${escapeLike(value)}%`);
      return `(Path ILIKE ${within} OR Host ILIKE ${within} OR Query ILIKE ${within})`;
    }
  }
}

/** 0 is that there was no response, which is smaller and larger than nothing. */
function statusSql(value: string, operator: Operator, at: number, bind: Bind): string {
  const status = statusValue(value, at);
  switch (status.kind) {
    case 'none':
      return 'Status = 0';
    case 'code':
      return `(Status > 0 AND Status ${comparison(operator)} ${bind(status.code)})`;
    case 'hundred': {
      const { low } = status;
      if (operator === '>' || operator === '<=') return `(Status > 0 AND Status ${operator} ${bind(low + 99)})`;
      if (operator === '<' || operator === '>=') return `(Status > 0 AND Status ${operator} ${bind(low)})`;
      return `Status BETWEEN ${bind(low)} AND ${bind(low + 99)}`;
    }
  }
}

function textSql(column: string, value: string, operator: Operator, bind: Bind): string {
  if (operator !== ':') return `${column} = ${bind(value)}`;
  const pattern = textPattern(value);
  const { isStart, isEnd, inner } = pattern;
  if (isStart && !isEnd && !inner.includes('*')) return inner === '' ? '1' : `startsWith(${column}, ${bind(inner)})`;
  const like = `${column} ILIKE ${bind(likePattern(pattern))}`;
  const before = isStart ? (inner.split('*', 1)[0] ?? '') : '';
  return before === '' ? like : `(startsWith(${column}, ${bind(before)}) AND ${like})`;
}

/** One phrase whose last word may go on: its whole words are in the index, and their order is looked at where all are there. */
function bodySql(value: string, at: number, bind: Bind): string {
  checkWords(value, at);
  const words = value.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const goesOn = /[\p{L}\p{N}]$/u.test(value);
  const whole = goesOn ? words.slice(0, -1) : words;
  const pattern = bind(`(?:^|${GAP})${words.join(`${GAP}+`)}${goesOn ? '' : `(?:${GAP}|$)`}`);
  const inColumn = (column: string): string =>
    `(${[...whole.map((word) => `hasToken(lowerUTF8(${column}), ${bind(word)})`), `match(lowerUTF8(${column}), ${pattern})`].join(' AND ')})`;
  return `Seq IN (SELECT Seq FROM bodies WHERE Organisation = {organisation:String} AND Seq BETWEEN {low:UInt64} AND {high:UInt64} AND (${inColumn('Request')} OR ${inColumn('Response')}))`;
}

const GAP = '[^\\p{L}\\p{N}]';
