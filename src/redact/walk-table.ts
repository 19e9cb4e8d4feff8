/**
 * Finds what must not leave in tables with a row of names (RFC 4180, tab or semicolon separated): the cells below the name
 * of a secret.
 */
import { CARRIAGE_RETURN, isBlank, isQuote, LINE_FEED, QUOTE } from './byte-text.js';
import type { Cause, View } from './edits.js';
import type { RedactionContext } from './redaction-context.js';
import type { NameRule } from './sensitive-names.js';
import { isMixedToken, isSecretValue } from './value-shapes.js';

interface Column {
  rule: NameRule;
  cause: Cause;
}

const COLUMNS_MAX = 256;
const HEADER_BYTES_MAX = 8192;

/** Whether it was a table with a secret column; `isDeclared`: its type says that it is a table, however few columns it has. */
export function walkTable(view: View, context: RedactionContext, isDeclared: boolean): boolean {
  const { bytes } = view;
  const start = rulerEnd(bytes);
  let end = bytes.indexOf(LINE_FEED, start);
  if (end < 0 || end > HEADER_BYTES_MAX) return false;
  const bodyStart = end + 1;
  if (bytes[end - 1] === CARRIAGE_RETURN) end--;
  const separator = bytes[start] === PIPE ? PIPE : separatorOf(bytes, start, end);
  if (separator === 0 && !isDeclared) return false;
  const line = { start, end, separator };
  const pair = pairColumns(bytes, line, context);
  const columns = columnsOf(view, line, context) ?? (pair === null ? null : []);
  if (columns === null || (separator === 0 && columns.length > 1)) return false;
  const table: Table = { separator, columns, pair, context };
  for (let i = bodyStart; i < bytes.length; ) i = readRow(view, i, table);
  return true;
}

const PIPE = 0x7c;

/** Behind a first line such as `+----+-----+`. */
function rulerEnd(bytes: Buffer): number {
  let i = 0;
  while (i < HEADER_BYTES_MAX && (bytes[i] === 0x2b || bytes[i] === 0x2d || bytes[i] === CARRIAGE_RETURN)) i++;
  return i > 2 && bytes[i] === LINE_FEED ? i + 1 : 0;
}

function separatorOf(bytes: Buffer, start: number, end: number): number {
  for (const separator of [0x2c, 0x09, 0x3b, PIPE]) {
    const at = bytes.indexOf(separator, start);
    if (at >= 0 && at < end) return separator;
  }
  return 0;
}

/** The secret columns, or null where there are none or the first line is none of names. */
function columnsOf(view: View, line: HeaderLine, context: RedactionContext): (Column | null)[] | null {
  const { bytes } = view;
  const columns: (Column | null)[] = [];
  let isAny = false;
  for (const [from, to] of headerCells(bytes, line)) {
    if (to - from > 64 || /[=:{}<>?&]/.test(bytes.toString('latin1', from, to))) return null;
    const rule = context.names.of('field', bytes, from, to);
    if (rule !== null) isAny = true;
    columns.push(rule === null ? null : { rule, cause: context.cause(rule.id, view, from, to) });
  }
  return isAny ? columns : null;
}

/** Which column names what another one holds: `key,value`; null where none does. */
function pairColumns(bytes: Buffer, line: HeaderLine, { names }: RedactionContext): PairColumns | null {
  let naming = -1;
  let valuing = -1;
  let column = 0;
  for (const [from, to] of headerCells(bytes, line)) {
    const role = to - from > 16 ? null : names.role(bytes, from, to);
    if (role === 'naming' && naming < 0) naming = column;
    else if (role === 'valuing' && valuing < 0) valuing = column;
    column++;
  }
  // One with bars has a line of dashes, and is read by that.
  return line.separator === PIPE || naming < 0 || valuing < naming ? null : { naming, valuing };
}

interface HeaderLine {
  readonly start: number;
  readonly end: number;
  /** 0 where there is but one column. */
  readonly separator: number;
}

/** The cells of the first line, without quotes and what surrounds them. */
function* headerCells(bytes: Buffer, { start, end, separator }: HeaderLine): Generator<Cell> {
  let at = start;
  for (let columns = 0; at <= end && columns < COLUMNS_MAX; columns++) {
    let stop = separator === 0 ? end : bytes.indexOf(separator, at);
    if (stop < 0 || stop > end) stop = end;
    let from = at;
    let to = stop;
    while (from < to && (isQuote(bytes[from]) || bytes[from] === 0x20 || (bytes[from] as number) >= 0xef)) from++;
    while (to > from && (isQuote(bytes[to - 1]) || bytes[to - 1] === 0x20)) to--;
    yield [from, to];
    at = stop + 1;
  }
}

interface Table {
  separator: number;
  columns: readonly (Column | null)[];
  pair: PairColumns | null;
  context: RedactionContext;
}

/** The number of the column with names, and of the one with their values, which stands behind it. */
interface PairColumns {
  readonly naming: number;
  readonly valuing: number;
}

/** Without the blanks that set it in its column. */
function redactCell(
  view: View,
  cell: { from: number; to: number },
  { rule, cause }: Column,
  context: RedactionContext,
): void {
  const { bytes } = view;
  let { from, to } = cell;
  while (from < to && isBlank(bytes[from])) from++;
  while (to > from && isBlank(bytes[to - 1])) to--;
  if (to - from > 2 && bytes[from] === 0x27 && bytes[to - 1] === 0x27) {
    from++;
    to--;
  }
  if (to > from && isSecretValue(rule.value, bytes, from, to)) context.redactText(view, from, to, cause);
}

function readRow(view: View, start: number, { separator, columns, pair, context }: Table): number {
  const { bytes } = view;
  let i = start;
  let named: Column | null = null;
  for (let column = 0; ; column++) {
    const isQuoted = bytes[i] === QUOTE;
    const from = isQuoted ? i + 1 : i;
    let to = from;
    while (to < bytes.length) {
      const byte = bytes[to];
      if (
        isQuoted
          ? byte === QUOTE && bytes[to + 1] !== QUOTE
          : byte === separator || byte === LINE_FEED || byte === CARRIAGE_RETURN
      )
        break;
      to += isQuoted && byte === QUOTE ? 2 : 1;
    }
    to = Math.min(to, bytes.length);
    if (column === pair?.naming) named = namedBy(view, [from, to], context);
    const known = column === pair?.valuing ? (named ?? columns[column]) : columns[column];
    if (known !== null && known !== undefined) redactCell(view, { from, to }, known, context);
    i = isQuoted ? to + 1 : to;
    while (i < bytes.length && bytes[i] !== separator && bytes[i] !== LINE_FEED) i++;
    if (i >= bytes.length) return i;
    if (bytes[i] === LINE_FEED) return i + 1;
    i++;
  }
}

/** A table in the midst of a text: a row of names, one of dashes, and the rows below (GitHub Flavored Markdown §4.10). */
export function redactRuledTables(view: View, context: RedactionContext): void {
  const { bytes } = view;
  if (!bytes.includes(PIPE)) return;
  for (let start = 0; start < bytes.length; ) {
    const end = lineEnd(bytes, start);
    const ruler = end + 1;
    if (ruler < bytes.length && isRuler(bytes, ruler)) start = redactRuled(view, { start, end }, ruler, context);
    else start = ruler;
  }
}

function lineEnd(bytes: Buffer, start: number): number {
  const end = bytes.indexOf(LINE_FEED, start);
  return end < 0 ? bytes.length : end;
}

/** `|---|:--:|` */
function isRuler(bytes: Buffer, start: number): boolean {
  let pipes = 0;
  let dashes = 0;
  for (let i = start; i < bytes.length && bytes[i] !== LINE_FEED; i++) {
    const byte = bytes[i] as number;
    if (byte === PIPE) pipes++;
    else if (byte === 0x2d) dashes++;
    else if (byte !== 0x3a && byte !== CARRIAGE_RETURN && !isBlank(byte)) return false;
  }
  return pipes > 0 && dashes > 0;
}

/** Returns where the line behind the table begins. */
function redactRuled(
  view: View,
  head: { start: number; end: number },
  ruler: number,
  context: RedactionContext,
): number {
  const { bytes } = view;
  const isNames = head.end - head.start <= HEADER_BYTES_MAX;
  const columns = cellsOf(bytes, head.start, isNames ? head.end : head.start).map(([from, to]) => {
    const rule = context.names.of('field', bytes, from, to);
    return rule === null ? null : { rule, cause: context.cause(rule.id, view, from, to) };
  });
  let start = lineEnd(bytes, ruler) + 1;
  while (start < bytes.length) {
    const end = lineEnd(bytes, start);
    const cells = cellsOf(bytes, start, end);
    if (cells.length < 2) break;
    cells.forEach(([from, to], i) => {
      const column = columns[i] ?? (i > 0 ? namedBy(view, cells[i - 1] as Cell, context) : null);
      if (column !== null && isMixedToken(bytes, from, to) && isSecretValue(column.rule.value, bytes, from, to))
        context.redactText(view, from, to, column.cause);
    });
    start = end + 1;
  }
  return start;
}

type Cell = readonly [from: number, to: number];

/** `| DB_PASSWORD | … |`: the cell before may name the secret, written as names of variables are. */
function namedBy(view: View, [from, to]: Cell, context: RedactionContext): Column | null {
  const { bytes } = view;
  if (to - from > 64 || !/^[\w.-]+$/.test(bytes.latin1Slice(from, to))) return null;
  const rule = context.names.of('field', bytes, from, to);
  return rule === null ? null : { rule, cause: context.cause(rule.id, view, from, to) };
}

/** What is between the pipes of a line, without blanks and marks of emphasis or code; none where there is no pipe. */
function cellsOf(bytes: Buffer, start: number, end: number): Cell[] {
  const cells: Cell[] = [];
  let from = start;
  while (from < end && isBlank(bytes[from])) from++;
  if (bytes[from] === PIPE) from++;
  while (from < end && cells.length < COLUMNS_MAX) {
    let stop = bytes.indexOf(PIPE, from);
    if (stop < 0 || stop > end) {
      if (cells.length === 0) return [];
      stop = end;
    }
    let first = from;
    let last = stop;
    while (first < last && isTrimmed(bytes[first] as number)) first++;
    while (last > first && isTrimmed(bytes[last - 1] as number)) last--;
    cells.push([first, last]);
    from = stop + 1;
  }
  return cells;
}

function isTrimmed(byte: number): boolean {
  return byte <= 0x20 || byte === 0x60 || byte === 0x2a;
}
