/** Tables of Markdown in what a bench prints. */
import type { Plot } from './sections.js';

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Bar {
  readonly name: string;
  readonly value: number;
}

const cellsOf = (line: string) =>
  line
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim());

export function tablesOf(output: string): Table[] {
  const tables: { columns: string[]; rows: string[][] }[] = [];
  let isInside = false;
  for (const line of output.split('\n')) {
    if (!line.startsWith('|')) isInside = false;
    else if (!isInside) {
      tables.push({ columns: cellsOf(line), rows: [] });
      isInside = true;
    } else if (!/^\|[\s:|-]+\|$/.test(line)) tables.at(-1)?.rows.push(cellsOf(line));
  }
  return tables;
}

/** @throws Error where the table has no such column */
export function barsOf(table: Table, { names, value, only }: Plot): Bar[] {
  const at = (column: string) => {
    const index = table.columns.indexOf(column);
    if (index < 0) throw new Error(`there is no column "${column}" in ${table.columns.join(', ')}`);
    return index;
  };
  const named = names.map(at);
  const valued = at(value);
  return table.rows.flatMap((row) => {
    const name = named.map((index) => row[index]).join(': ');
    const number = Number.parseFloat(row[valued] ?? '');
    const isWanted = only?.some((word) => name.includes(word)) ?? true;
    return isWanted && Number.isFinite(number) ? [{ name, value: number }] : [];
  });
}
