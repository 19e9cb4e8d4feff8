/** Tables of rows, such as the counters, as records of one value for each row. */

/**
 * One number of each row, in an object with a property for each row. The object goes through JSON, which lays it out as a
 * literal would be: properties are fast to read and write in the path of every packet.
 */
export function column<Rows extends object>(
  rows: Rows,
  pick: (row: Rows[keyof Rows], name: keyof Rows & string) => number,
): { [Name in keyof Rows]: number } {
  const entries = Object.entries(rows).map(([name, row]) => [name, pick(row, name as keyof Rows & string)]);
  return JSON.parse(JSON.stringify(Object.fromEntries(entries)));
}
