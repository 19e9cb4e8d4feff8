/** What `--redact-pii` adds: IBANs (ISO 13616) and US social security numbers, wherever they stand. */
import type { View } from './edits.js';
import type { RedactionContext } from './redaction-context.js';
import { Step } from './search-steps.js';

const IBAN = /(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Za-z0-9])/g;
/** Areas 000, 666 and 900 to 999, group 00 and serial 0000 are never given out (20 CFR 422.103). */
const SSN = /(?<![\w.-])(?!000|666|9)[0-9]{3}([- ])(?!00)[0-9]{2}\1(?!0000)[0-9]{4}(?![\w-])/g;

export function redactPii(view: View, start: number, end: number, context: RedactionContext): void {
  if (end - start < 11) return;
  const text = view.bytes.toString('latin1', start, end);
  for (const { index, 0: found } of text.matchAll(IBAN))
    if (context.take(Step.judgement) && isIban(found.replaceAll(' ', '')))
      context.redactText(view, start + index, start + index + found.length, { rule: 'pii:iban', name: null });
  for (const { index, 0: found } of text.matchAll(SSN))
    context.redactText(view, start + index, start + index + found.length, { rule: 'pii:ssn', name: null });
}

/** The check digits (ISO 7064, MOD 97-10). */
function isIban(text: string): boolean {
  if (text.length < 15 || text.length > 34) return false;
  let rest = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt((i + 4) % text.length);
    // A letter stands for two digits, from 10 on.
    rest = (code >= 0x41 ? rest * 100 + code - 55 : rest * 10 + code - 48) % 97;
  }
  return rest === 1;
}
