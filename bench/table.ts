/** A table of Markdown on standard output: words to the left, numbers to the right. */
export type Cell = string | number | null | undefined;

export function printTable(columns: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const isNumber = columns.map((_, i) => rows.every((row) => /^(?:-?[\d.,]+\s?%?)?$/.test(String(row[i] ?? ''))));
  const line = (cells: readonly Cell[]) => process.stdout.write(`| ${cells.map((cell) => cell ?? '').join(' | ')} |\n`);
  line(columns);
  line(isNumber.map((right) => (right ? '---:' : '---')));
  for (const row of rows) line(row);
}
