/**
 * Kinds of personal data in a body, by field: e-mail addresses, telephone and card numbers, bank accounts, national ids, places.
 *
 * in: a value of JSON · out: where, as a path of names without array positions, and which kind
 */
export interface SensitiveField {
  /** `.user.email`, `.items[].phone`. */
  readonly path: string;
  readonly kind: string;
}

const VALUES_MAX = 2000;
const DEPTH_MAX = 24;
const LENGTH_MAX = 254;

const EMAIL = /^[^\s@<>()",:;]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+$/;
/** E.164 with its plus, or digits in groups where the name says that it is one. */
const PHONE = /^\+[1-9](?:[ ().-]?\d){7,14}$/;
const PHONE_GROUPS = /^\(?\d{2,5}\)?(?:[ .-]?\d){5,12}$/;
const IBAN = /^[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?$/;
const SSN = /^(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}$/;
const CARD = /^(?:\d[ -]?){13,19}$/;

export function sensitiveKindsOf(value: unknown): SensitiveField[] {
  const found = new Map<string, SensitiveField>();
  let left = VALUES_MAX;
  const visit = (at: unknown, path: string, name: string, depth: number): void => {
    if (--left < 0 || depth > DEPTH_MAX) return;
    if (typeof at === 'string') {
      const kind = kindOf(at, name);
      if (kind !== null) found.set(`${path} ${kind}`, { path, kind });
    } else if (Array.isArray(at)) for (const item of at) visit(item, `${path}[]`, name, depth + 1);
    else if (typeof at === 'object' && at !== null)
      for (const [key, member] of Object.entries(at)) visit(member, `${path}.${key.slice(0, 64)}`, key, depth + 1);
  };
  visit(value, '', '', 0);
  return [...found.values()];
}

export const isSensitive = (text: string, name: string): boolean => kindOf(text, name) !== null;

function kindOf(text: string, name: string): string | null {
  const { length } = text;
  if (length < 5 || length > LENGTH_MAX || text === 'REDACTED') return null;
  if (text.includes('@') && EMAIL.test(text)) return 'e-mail';
  if (PHONE.test(text) || (/phone|mobile|(?:^|_)tel|fax|msisdn/i.test(name) && PHONE_GROUPS.test(text))) return 'phone';
  if (length >= 15 && IBAN.test(text) && passesMod97(text.replaceAll(' ', ''))) return 'iban';
  if (length === 11 && SSN.test(text)) return 'us-ssn';
  if (length >= 13 && CARD.test(text) && /card|pan|cc|number/i.test(name) && passesLuhn(text)) return 'card';
  if (/^(?:date_?of_?birth|birth_?(?:date|day)|dob)$/i.test(name) && /^\d{4}-\d\d-\d\d/.test(text)) return 'birth-date';
  if (/^(?:ssn|social_?security(?:_?number)?|national_?id|tax_?id|passport(?:_?(?:no|number))?)$/i.test(name))
    return 'national-id';
  return null;
}

/** ISO 7064, MOD 97-10. */
function passesMod97(text: string): boolean {
  let rest = 0;
  for (const symbol of text.slice(4) + text.slice(0, 4)) {
    const value = Number.parseInt(symbol, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

/** ISO/IEC 7812-1, annex B. */
function passesLuhn(text: string): boolean {
  const digits = text.replace(/\D/g, '');
  if (digits.length < 13) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = digit * 2;
    sum += i % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
