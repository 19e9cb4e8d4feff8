/** What `--redact-pii` adds: IBANs (ISO 13616) and US social security numbers, wherever they stand. */
import type { View } from './edits.js';
import type { RedactionContext } from './redaction-context.js';

const IBAN = /(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Za-z0-9])/g;
/** Areas 000, 666 and 900 to 999, group 00 and serial 0000 are never given out (20 CFR 422.103). */
const SSN = /(?<![\w.-])(?!000|666|9)[0-9]{3}([- ])(?!00)[0-9]{2}\1(?!0000)[0-9]{4}(?![\w-])/g;

export function redactPii(view: View, start: number, end: number, context: RedactionContext): void {
  if (end - start < 11) return;
  const text = view.bytes.toString('latin1', start, end);
  for (const { index, 0: found } of text.matchAll(IBAN))
    if (isIban(found.replaceAll(' ', '')))
      context.redactText(view, start + index, start + index + found.length, { rule: 'pii:iban', name: null });
  for (const { index, 0: found } of text.matchAll(SSN))
    context.redactText(view, start + index, start + index + found.length, { rule: 'pii:ssn', name: null });
}

/** The check digits (ISO 7064, MOD 97-10). */
function isIban(text: string): boolean {
  if (text.length < 15 || text.length > 34) return false;
  let rest = 0;
  for (const symbol of text.slice(4) + text.slice(0, 4)) {
    const value = Number.parseInt(symbol, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}
