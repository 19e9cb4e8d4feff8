/**
 * How many columns of a terminal a text takes, and text cut and padded to a number of them.
 *
 * in: printable text · out: columns (Unicode UAX #11, East Asian Width: wide characters take two; marks that combine none)
 */

// biome-ignore format: ranges in pairs read best in one line
const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const COMBINING = /\p{M}/u;

export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

/** `text`, or what of it fits into `columns`, ending in an ellipsis. */
export function cutToColumns(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = '';
  let taken = 1;
  for (const character of text) {
    taken += widthOf(character);
    if (taken > columns) break;
    kept += character;
  }
  return `${kept}…`;
}

export function padToColumns(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}

function widthOf(character: string): number {
  if (character < '\u0300') return 1;
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
