/** What is left of a secret where a body was cut: the end of it may be the beginning of one. */
import { isDigit, isLetter } from './byte-text.js';
import type { View } from './edits.js';
import type { RedactionContext } from './redaction-context.js';
import { Step } from './search-steps.js';

const CUT_BYTES_MAX = 512;

/** At the end of a text: what an unfinished secret may be, each with the secret as its group. */
const UNFINISHED: readonly RegExp[] = [
  // A URL with a user and a password.
  /:\\{0,4}\/\\{0,4}\/([^\s/@"'<>?#\\]{1,400}:[^\s/@"'<>?#\\]{0,400})$/,
  // What follows a scheme or a name.
  /\b(?:bearer|basic|aws|secret|token|digest)[\s:=]{1,8}([^\s"'<>\\]{1,500})$/i,
  // A token that says what it is from its first letters on.
  /(?:^|[^A-Za-z0-9])((?:AKI|ASI|gh[pousr]|git|glp|xox|sk_|rk_|sk-|AIz|npm|SG\.|eyJ|hf_|dop|shp|pyp|NRA|hvs|ya2|GOC|AGE|whs|00D)[^\s"'<>\\]{0,500})$/,
  // A card number.
  /([0-9](?:[ .+-]?[0-9]){3,30}[ .+-]?)$/,
  // An option of one letter, a command of another protocol, a string in a list of values.
  /\s-[apPw]\s{0,4}\\{0,4}['"]?([^\s"'\\]{1,400})$/,
  /(?:^|[\r\n]|\\n)(?:PASS|AUTH(?: [A-Za-z-]{1,20})?) (\S{1,400})$/,
  /\bsqlplus\s{1,4}\S{1,64}\/(\S{1,400})$/,
  /\bvalues\s{0,4}\(.{0,400}'([^']{1,400})$/is,
];

/** What stands between a name and the end of the text: `= "value`, `: value`, `", "value`, `:</b> value`. */
const VALUE =
  /\\{0,4}["']?\]?(?:\s|[*|:=,]|[-=]>|<\/?[a-z]{1,8}>){1,8}\\{0,4}(?:["'`]([^"'`\r\n]{1,400})|([^\s"'`<>|]{1,400}))$/y;
/** Where names stand. */
const RUN = /[\w.[\]-]{2,}/g;
const NAME_LENGTH_MAX = 65;
/** The beginning of a name: in a run, and in what a run has in brackets. */
const NAME = /[A-Za-z_]/;
const LAST_NAME = /^.*(?<![\w.-])([A-Za-z_].+)$/;

interface Pair {
  readonly name: string;
  readonly valueLength: number;
}

/**
 * `name = "value`, `name: value`, `("name", "value`, `<b>name:</b> value`: a name, and the value as far as it goes. A value may
 * look like a pair itself: the first name that could be one, and the last. A run of name bytes is looked at once, from its end.
 */
export function unfinishedPairs(tail: string): Pair[] {
  let first: Pair | null = null;
  let last: Pair | null = null;
  for (const { 0: run, index } of tail.matchAll(RUN)) {
    // A bracket or the hyphen of an arrow may follow a name rather than belong to it.
    const ending = /[\]-]$/.test(run) ? 1 : 0;
    for (let spare = 0; spare <= ending; spare++) {
      const end = run.length - spare;
      VALUE.lastIndex = index + end;
      const value = VALUE.exec(tail);
      if (value === null) continue;
      const valueLength = (value[1] ?? value[2] ?? '').length;
      const near = run.slice(Math.max(0, end - NAME_LENGTH_MAX), end);
      const begin = near.search(NAME);
      if (begin >= 0 && near.length - begin > 1) first ??= { name: near.slice(begin), valueLength };
      const name = LAST_NAME.exec(run.slice(0, end))?.[1];
      if (name !== undefined && name.length <= NAME_LENGTH_MAX) last = { name, valueLength };
      break;
    }
  }
  return [first, last].filter((pair) => pair !== null);
}

/** Its last run of token bytes is replaced if it could be one, and an unfinished card number, URL or key with it. */
export function redactCutEnd(view: View, context: RedactionContext): void {
  if (!context.take(Step.cut)) return;
  const { bytes } = view;
  const tail = bytes.toString('latin1', Math.max(0, bytes.length - CUT_BYTES_MAX));
  let length = unfinishedRun(tail);
  for (const pattern of UNFINISHED) length = Math.max(length, pattern.exec(tail)?.[1]?.length ?? 0);
  for (const { name, valueLength } of unfinishedPairs(tail))
    if (context.names.ofText('field', name) !== null) length = Math.max(length, valueLength);
  if (length > 0) context.redactText(view, bytes.length - length, bytes.length, { rule: 'bound:cut', name: null });
}

/** The length of the last run, if a digit is in it or it is longer than words are. */
function unfinishedRun(tail: string): number {
  let start = tail.length;
  while (start > 0 && isTokenByte(tail.charCodeAt(start - 1))) start--;
  const length = tail.length - start;
  return length >= 20 || (length >= 4 && /\d/.test(tail.slice(start))) ? length : 0;
}

function isTokenByte(byte: number): boolean {
  return isLetter(byte) || isDigit(byte) || '_.~+/=%-'.includes(String.fromCharCode(byte));
}
