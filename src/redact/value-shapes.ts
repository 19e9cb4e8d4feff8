/**
 * What the value under a secret's name looks like: made by a machine, a word or two of a person's, a placeholder, a
 * label. Whole-value tests over bytes; a value longer than `SHAPE_BYTES_MAX` is judged by its beginning.
 */
import type { ValueTest } from './name-table.js';
import { isPlaceholder } from './placeholders.js';
import { hasWordsApart, isMixedLine } from './text-sorts.js';
import { isWordy } from './wordy.js';

const SHAPE_BYTES_MAX = 256;

/** Whether a value is to be replaced under a name whose values must look like `test`. */
export function isSecretValue(test: ValueTest | null, bytes: Buffer, start: number, end: number): boolean {
  if (test === null) return true;
  const length = end - start;
  if (length > SHAPE_BYTES_MAX)
    return test === 'any' || !isProse(bytes.toString('latin1', start, start + SHAPE_BYTES_MAX));
  if (test === 'any' && isQuickYes(bytes, start, end)) return true;
  const text = bytes.utf8Slice(start, end);
  if (isPlaceholder(text)) return false;
  switch (test) {
    case 'pin':
      // Six digits are as often a postal code of India's, which has the same name.
      return /^\d+$/.test(text) ? length >= 3 && length !== 6 : !isWordy(text) && !isLabel(text);
    case 'any':
      return !isLabel(text);
    case 'token':
      // A count, a mark.
      if (text.length <= MARKS_LENGTH_MAX && !beginsWithLetter(text) && /^\d{1,2}$|^[^\p{L}\d]{1,8}$/u.test(text))
        return false;
      return hasCredentials(text) || (!isWordy(text) && !isLabel(text) && !isPublicId(text));
    case 'opaque':
      return isOpaque(text);
    case 'random':
      return isOpaque(text) || UUID.test(text);
    case 'code':
      return /^\d+$/.test(text) ? length >= 3 && length <= 19 : !isChoice(text) && !isWordy(text) && !isLabel(text);
    case 'card':
      // A tilt of 45 degrees has the name of a card's number.
      return /^[\d .-]+$/.test(text) ? text.replace(/\D/g, '').length >= 12 : !isWordy(text) && !isLabel(text);
  }
}

/** No space and a digit between letters: nothing a label or a placeholder has. */
function isQuickYes(bytes: Buffer, start: number, end: number): boolean {
  // Of paths, marks of a reference.
  const first = bytes[start];
  if (first === 0x2f || first === 0x21 || first === 0x3f) return false;
  let hasDigit = false;
  let hasLetter = false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (
      byte <= 0x20 ||
      byte >= 0x80 ||
      byte === 0x3c ||
      byte === 0x7b ||
      byte === 0x24 ||
      byte === 0x25 ||
      byte === 0x3a ||
      byte === 0x5b
    )
      return false;
    if (byte >= 0x30 && byte <= 0x39) hasDigit = true;
    else if ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a) hasLetter = true;
  }
  // `---` fills a column.
  return hasDigit || (hasLetter && end - start <= 3);
}

/** Credentials behind a scheme (RFC 9110 §11.4). */
const SCHEME = /^(?:bearer|basic|digest|negotiate|ntlm|token|apikey|hmac|aws4-hmac-sha256|sharedkey)\s+(\S+)/i;

/** Letters that a scheme begins with, and the shortest that has credentials: `ntlm x`. */
const SCHEME_STARTS = new Set([...'bdntahsBDNTAHS'].map((letter) => letter.charCodeAt(0)));
const CREDENTIALS_LENGTH_MIN = 6;

function hasCredentials(text: string): boolean {
  if (text.length < CREDENTIALS_LENGTH_MIN || !SCHEME_STARTS.has(text.charCodeAt(0))) return false;
  const match = SCHEME.exec(text);
  return match !== null && !isWordy(match[1] as string);
}

/** Eight characters, some of which take two units. */
const MARKS_LENGTH_MAX = 16;

function beginsWithLetter(text: string): boolean {
  const letter = text.charCodeAt(0) | 0x20;
  return letter >= 0x61 && letter <= 0x7a;
}

/** What is sent instead of a code: `sms`, `app`, `TOTP`. */
function isChoice(text: string): boolean {
  return /^(?:sms|app|[th]?otp|e?mail|phone|call|voice|push|u2f|fido2?|webauthn|auth|key)$/i.test(text);
}

const NOUN =
  /pass|contrase|senha|kennwort|mot de|token|secret|geheim|\bkey\b|\bpin\b|\bcode\b|login|sign|credential|session|cookie|card|karte|clave|chave|schl[uü]ssel|parol|пароль|密码|パスワード/i;
const ADVICE =
  /\b(?:must|should|required?|enter|please|your|forgot(?:ten)?|invalid|expired?|missing|incorrect|wrong|cannot|can't|optional|characters?|least|see|rfc|section|use[ds]?|is|are|the|bitte|oublié|olvidaste|esqueceu|vergessen)\b/i;

/** A caption or a sentence about a secret, as translations, schemas and error messages have them. */
function isLabel(text: string): boolean {
  if (LABEL_STARTS.has(text.charCodeAt(0)) && LABEL.test(text)) return true;
  if (!hasWordsApart(text)) return false;
  if (isMixedLine(text) && !ADVICE.test(text)) return false;
  return NOUN.test(text) || ADVICE.test(text) || /[?…]$/.test(text);
}

const LABELS =
  'Password|Passwort|Kennwort|Passwords|Token|Secret|Passphrase|Passcode|Contraseña|Senha|Passe|Mot de passe|Parola|Hasło|Пароль|密码|密碼|パスワード|비밀번호';
const LABEL = new RegExp(`^(?:${LABELS})[:：*?]?$`);
const LABEL_STARTS = new Set(LABELS.split('|').map((label) => label.charCodeAt(0)));

/** Several words, none of them long and mixed. */
export function isProse(text: string): boolean {
  const words = text.split(/\s+/);
  return words.length >= 4 && words.every((word) => word.length < 24);
}

const UUID = /^\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}?$/i;

/** An id that is known to be public by its form: a resource id of Twilio's, a name, an address without parameters, or on a chain. */
function isPublicId(text: string): boolean {
  return (
    (text.length === 34 && /^(?:AC|CA|SM|MM|PN|RE|CF|IS|WS|ZS|US|MG|VA|HX|FW)[0-9a-f]{32}$/.test(text)) ||
    /^(?:arn:|urn:|https?:\/\/[^?#]*$|0x[0-9a-f]{40}$|\d:\d{6,20}:(?:web|ios|android):)/i.test(text)
  );
}

/** A long run of mixed letters and digits without the marks of a path, a date, a version or an id. */
export function isOpaque(text: string): boolean {
  const { length } = text;
  if (length < 16 || /[\s<>{}()[\]"'`|,;@!?*&^]/.test(text) || UUID.test(text) || isPublicId(text)) return false;
  if (/^(?:\d+|[\d.:TZ+-]+)$/.test(text) || /^(?:sha\d+|md5)[-:]/i.test(text) || /^[a-z][a-z0-9+.-]*:/i.test(text))
    return false;
  if (/^(?:ssh-|AAAA[BCE]3|ecdsa-)/.test(text) || hasManySegments(text)) return false;
  if (/^[\w.-]+\.(?:com|net|org|io|png|jpe?g|svg|gif|json|pdf|html?|css|js|ts|txt|xml|csv|zip|gz)$/i.test(text))
    return false;
  // Paths: of files, and below a word.
  if (/\/.*\.[a-z0-9]{2,5}$/i.test(text)) return false;
  if (/^[a-z]+(?:[-_][a-z]+)*\/[^+=]*$/.test(text) && isWordy(text.slice(0, text.indexOf('/')))) return false;
  if (isWordy(text)) return false;
  // Identifiers in code: words joined by marks.
  if (
    text
      .split(/[-_.:/+=]/)
      .every((piece) => piece === '' || isWordy(piece) || /^(?:[a-z]{1,12}|[A-Z]{1,12}|\d{1,6}|v\d+)$/.test(piece))
  )
    return false;
  return /\d/.test(text) || (/[a-z]/.test(text) && /[A-Z]/.test(text)) || length >= 32;
}

/** Whether there are as many segments as paths and names have, of words or short; base64 has slashes, but long pieces. */
function hasManySegments(text: string): boolean {
  const segments = text.split(/[/.:]/);
  if (segments.length <= 4) return false;
  const words = segments.filter((segment) => segment.length > 3 && isWordy(segment)).length;
  return words * 4 >= segments.length || text.length < 10 * segments.length;
}

/** A run of letters with digits or marks among them, as passwords have and words have not. */
export function isMixedToken(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < 4 || end - start > 4096) return end - start > 4096;
  let letters = 0;
  let digits = 0;
  let marks = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte >= 0x30 && byte <= 0x39) digits++;
    else if ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a) letters++;
    else if (
      byte === 0x21 ||
      byte === 0x23 ||
      byte === 0x24 ||
      byte === 0x40 ||
      byte === 0x5e ||
      byte === 0x2a ||
      byte === 0x7e
    )
      marks++;
    else if (byte <= 0x20) return false;
  }
  return letters > 0 && (digits > 0 || marks > 0) && !isWordy(bytes.toString('utf8', start, end));
}
