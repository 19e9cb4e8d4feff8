/**
 * Text of strangers as a terminal may show it: whatever goes to one comes through here, be it a log line, an error, the
 * summary or a report.
 *
 * in: text from packets, satellites, files or file names · out: text that moves no cursor, hides nothing, turns no
 * reading direction and ends no line · pure
 *
 * Escaped are controls (C0, DEL, C1), format characters (bidi, zero width, tags), lone surrogates, line and paragraph
 * separators, and what else Unicode says to show as nothing (DerivedCoreProperties.txt, Default_Ignorable_Code_Point).
 */

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** In JSON the controls below U+0020 are escaped already, and a line feed there is layout. */
const UNSEEN_IN_JSON = /[\x7f-\x9f\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Bytes of the longest line that is shown or logged, its line feed included. */
export const LINE_BYTES_MAX = 8192;

/** Each unseen character as `\u{1b}`. */
export function printable(text: string): string {
  return text.replace(UNSEEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** JSON text that means the same and is printable: unseen characters are written as `\u202e`. */
export function printableJson(text: string): string {
  return text.replace(UNSEEN_IN_JSON, (character) => {
    let escaped = '';
    for (let i = 0; i < character.length; i++) escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    return escaped;
  });
}

/** One printable line without its line feed, cut to `bytesMax` bytes of UTF-8; an ellipsis says that it was cut. */
export function printableLine(text: string, bytesMax = LINE_BYTES_MAX - 1): string {
  return cutToBytes(printable(text.length > bytesMax ? `${text.slice(0, bytesMax)}…` : text), bytesMax);
}

/** Text of several lines, such as a stack: those behind the first are indented, so that none passes for a line of its own. */
export function printableLines(text: string, bytesMax = LINE_BYTES_MAX - 1): string {
  const lines = text.slice(0, bytesMax).split(/\r?\n/);
  return cutToBytes(lines.map((line, i) => (i === 0 ? '' : '    ') + printable(line.trimStart())).join('\n'), bytesMax);
}

/** `text`, or as much of it as `bytesMax` bytes of UTF-8 hold, ending in an ellipsis. Characters stay whole. */
export function cutToBytes(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text;
  const bytes = Buffer.from(text.slice(0, bytesMax));
  let end = Math.max(0, bytesMax - Buffer.byteLength('…'));
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return `${bytes.toString('utf8', 0, end)}…`;
}
