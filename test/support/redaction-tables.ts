/** The tables of docs/policy.md that say what redaction replaces, from its own tables. */
import { LOOK_ROWS, OTHER_LOOKS } from '../../src/redact/looks-table.js';
import { HEADER_ROWS, NAME_ROWS, type NameRow, QUERY_ROWS } from '../../src/redact/name-table.js';
import { markdownTable } from './docs-tables.js';

const VALUES: Readonly<Record<NameRow['value'], string>> = {
  any: 'any but labels and placeholders',
  token: 'any but words, labels and placeholders',
  opaque: 'long runs of mixed letters and digits',
  code: 'digits, or any but words',
  pin: 'digits, but not six, or any but words',
  card: 'as many digits as cards have, or any but words, labels and placeholders',
  random: 'long runs of mixed letters and digits, or a UUID',
};

export function namesTable(): string {
  const places: [string, readonly NameRow[]][] = [
    ['anywhere', NAME_ROWS],
    ['queries, forms', QUERY_ROWS],
    ['headers', HEADER_ROWS],
  ];
  const rows = places.flatMap(([place, known]) =>
    known.map(({ id, value, ends = [], words = [], whole = [] }) => [
      `\`name:${id}\``,
      place,
      [...ends.map((name) => `…${name}`), ...words.map((name) => `…-${name}`), ...whole].join(' '),
      VALUES[value],
    ]),
  );
  return markdownTable([['rule', 'where', 'names', 'values'], ...rows]);
}

export function looksTable(): string {
  const rows = [...LOOK_ROWS, ...OTHER_LOOKS].map(({ id, what, source }) => [`\`looks:${id}\``, what, source]);
  return markdownTable([['rule', 'what', 'source of the form'], ...rows]);
}
