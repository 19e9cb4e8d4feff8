/**
 * Finds what must not leave in pairs joined by `&`: the query of a URL and a form (`application/x-www-form-urlencoded`,
 * https://url.spec.whatwg.org/#urlencoded-parsing). Names are decoded to be judged; no byte outside a redacted value changes.
 */
import { DECODED_BYTES_MAX, decodedView, type Edits, part, type View } from './edits.js';

export interface PairContext {
  isSensitive(name: string): boolean;
  /** Redacts what a decoded value holds by form, or as a document of its own. */
  redactValue(view: View): void;
  /** Whether a value too large to be decoded may hold a secret. */
  mayHoldSecret(bytes: Buffer): boolean;
}

export function redactPairs(view: View, edits: Edits, context: PairContext): void {
  const { bytes } = view;

  function redactValue(start: number, end: number): void {
    if (end - start <= DECODED_BYTES_MAX) context.redactValue(percentDecoded(view, start, end));
    else if (context.mayHoldSecret(bytes.subarray(start, end))) edits.text(view, start, end);
  }

  const code = bytes.includes('code=') && /(?:^|&)(?:state|grant_type)=/.test(bytes.toString('latin1'));
  for (let start = 0; start < bytes.length; ) {
    let end = bytes.indexOf(AMPERSAND, start);
    if (end < 0) end = bytes.length;
    const equals = bytes.subarray(start, end).indexOf(EQUALS);
    if (equals >= 0) {
      // What a name ends with decides.
      const name = percentDecoded(view, Math.max(start, start + equals - 1024), start + equals).bytes.toString();
      const value = start + equals + 1;
      if (equals >= SECRET_LENGTH_MIN) redactValue(start, start + equals);
      // An OAuth authorization code (RFC 6749 §4.1.2); by itself the name says nothing.
      if (context.isSensitive(name) || (code && name === 'code')) edits.text(view, value, end);
      else if (end > value) redactValue(value, end);
    } else if (end > start) {
      redactValue(start, end);
    }
    start = end + 1;
  }
}

/** No secret known by its form is shorter. */
const SECRET_LENGTH_MIN = 13;

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const PERCENT = 0x25;
const PLUS = 0x2b;

function percentDecoded(view: View, start: number, end: number): View {
  const encoded = view.bytes.subarray(start, end);
  if (!encoded.includes(PERCENT) && !encoded.includes(PLUS)) return part(view, start, end);
  return decodedView(view, start, end, (bytes, from, to, _copy, push) => {
    for (let i = from; i < to; ) {
      const byte = bytes[i] as number;
      const high = byte === PERCENT ? hexValue(bytes[i + 1]) : -1;
      const low = high >= 0 && i + 2 < to ? hexValue(bytes[i + 2]) : -1;
      if (low >= 0) {
        push(high * 16 + low, i);
        i += 3;
      } else {
        push(byte === PLUS ? 0x20 : byte, i++);
      }
    }
  });
}

function hexValue(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/**
 * Reports the values of sensitive parameters in URLs that stand in other text, where a separator may be escaped
 * (`&amp;`, `\u0026`); in prose also those of assignments such as `password=…`.
 */
export function findPairsInText(
  bytes: Buffer,
  isSensitive: (name: string) => boolean,
  inProse: boolean,
  report: (start: number, end: number) => void,
): void {
  for (let equals = bytes.indexOf(EQUALS); equals >= 0; equals = bytes.indexOf(EQUALS, equals + 1)) {
    let start = equals;
    while (start > 0 && equals - start < 64 && isNameByte(bytes[start - 1] as number)) start--;
    if (start === equals) continue;
    let name = bytes.toString('latin1', start, equals);
    const escaped = /^u0026|^u003f/i.exec(name);
    if (escaped !== null && bytes[start - 1] === 0x5c) name = name.slice(5);
    else if (!separates(bytes, start, inProse)) continue;
    if (!isSensitive(name)) continue;
    let end = equals + 1;
    const quote = bytes[end];
    if (inProse && (quote === 0x22 || quote === 0x27)) {
      end = bytes.indexOf(quote, equals + 2);
      if (end > 0) report(equals + 2, end);
      continue;
    }
    while (end < bytes.length && !endsValue(bytes[end] as number)) end++;
    report(equals + 1, end);
  }
}

/** Letters, digits and what names are joined with, percent-encoded brackets among it. */
function isNameByte(byte: number): boolean {
  const letter = byte | 0x20;
  if ((letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39)) return true;
  return byte === 0x5f || byte === 0x2d || byte === 0x2e || byte === 0x5b || byte === 0x5d || byte === PERCENT;
}

function separates(bytes: Buffer, start: number, inProse: boolean): boolean {
  const before = bytes[start - 1];
  if (before === undefined) return inProse;
  if (before === 0x3f /* ? */ || before === AMPERSAND || before === 0x3b /* ; */ || before === 0x23 /* # */)
    return true;
  return inProse && (before === 0x20 || before === 0x0a || before === 0x09 || before === 0x2c || before === 0x28);
}

/** Space, quotes, angle brackets and what separates parameters. */
function endsValue(byte: number): boolean {
  return (
    byte <= 0x20 ||
    byte === 0x22 ||
    byte === 0x23 ||
    byte === AMPERSAND ||
    byte === 0x27 ||
    byte === 0x29 ||
    byte === 0x2c ||
    byte === 0x3b ||
    byte === 0x3c ||
    byte === 0x3e ||
    byte === 0x5c
  );
}
