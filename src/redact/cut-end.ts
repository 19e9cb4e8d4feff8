/** What is left of a secret where a body was cut: the end of it may be the beginning of one. */
import type { View } from './edits.js';
import type { RedactionContext } from './redaction-context.js';

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

/** `name = "value`, `name: value`, `("name", "value`, `<b>name:</b> value`: a name, and the value as far as it goes. */
const PAIR =
  '([A-Za-z_][\\w.[\\]-]{1,64})\\\\{0,4}["\']?\\]?(?:\\s|[*|:=,]|[-=]>|</?[a-z]{1,8}>){1,8}\\\\{0,4}(?:["\'`]([^"\'`\\r\\n]{1,400})|([^\\s"\'`<>|]{1,400}))$';
/** A value may look like a pair itself: the first name that could be one, and the last. */
const PAIRS: readonly RegExp[] = [new RegExp(PAIR), new RegExp(`^[\\s\\S]*(?<![\\w.-])${PAIR}`)];

/** Its last run of token bytes is replaced if it could be one, and an unfinished card number, URL or key with it. */
export function redactCutEnd(view: View, context: RedactionContext): void {
  const { bytes } = view;
  const tail = bytes.toString('latin1', Math.max(0, bytes.length - CUT_BYTES_MAX));
  let length = unfinishedRun(tail);
  for (const pattern of UNFINISHED) length = Math.max(length, pattern.exec(tail)?.[1]?.length ?? 0);
  for (const pair of PAIRS) {
    const [, name, quoted, bare] = pair.exec(tail) ?? [];
    if (name !== undefined && context.names.ofText('field', name) !== null)
      length = Math.max(length, (quoted ?? bare ?? '').length);
  }
  if (length > 0) context.redactText(view, bytes.length - length, bytes.length, { rule: 'bound:cut', name: null });
}

/** The length of the last run, if a digit is in it or it is longer than words are. */
function unfinishedRun(tail: string): number {
  let start = tail.length;
  let hasDigit = false;
  while (start > 0 && /[\w.~+/=%-]/.test(tail[start - 1] as string)) {
    start--;
    if (/\d/.test(tail[start] as string)) hasDigit = true;
  }
  const length = tail.length - start;
  return (hasDigit && length >= 4) || length >= 20 ? length : 0;
}
