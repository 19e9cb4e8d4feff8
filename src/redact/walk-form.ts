/**
 * Finds what must not leave in pairs joined by `&`: the query of a URL and a form (`application/x-www-form-urlencoded`,
 * https://url.spec.whatwg.org/#urlencoded-parsing). Names are decoded to be judged; no byte outside a redacted value changes.
 */
import { AMPERSAND, EQUALS, hexValue, PERCENT, PLUS } from './byte-text.js';
import { DECODED_BYTES_MAX, part, type View } from './edits.js';
import type { FormValues } from './form-values.js';
import { NAMELESS, type PieceName, type RedactionContext } from './redaction-context.js';
import { Step } from './search-steps.js';
import type { NamePlace, NameRule } from './sensitive-names.js';
import { isOpaque, isSecretValue } from './value-shapes.js';

export function walkForm(view: View, context: RedactionContext, place: NamePlace = 'query', isTokenPath = false): void {
  const { bytes } = view;
  const form: Form = { view, context, place, isTokenPath, named: null, values: null };
  for (let start = 0; start < bytes.length && context.take(Step.mark); ) {
    let end = start;
    let equals = -1;
    for (; end < bytes.length; end++) {
      const byte = bytes[end];
      if (byte === AMPERSAND) break;
      if (byte === EQUALS && equals < 0) equals = end;
    }
    if (equals < 0) {
      if (end > start) redactValue(form, start, end, NAMELESS);
    } else {
      readPair(form, start, equals, end);
    }
    start = end + 1;
  }
  if (form.values !== null) context.giveBackFormValues(form.values);
}

interface Form {
  readonly view: View;
  readonly context: RedactionContext;
  readonly place: NamePlace;
  /** The path says that a long random value is a token: `/verify?hash=…`. */
  readonly isTokenPath: boolean;
  /** `field=password`: what the `value=` beside it is. */
  named: NameRule | null;
  /** What is known of its values; null as long as none of them is encoded. */
  values: FormValues | null;
}

function readPair(form: Form, start: number, equals: number, end: number): void {
  const { view, context, place } = form;
  const value = equals + 1;
  // What a name ends with decides.
  const name = plainSpan(view, Math.max(start, equals - 1024), equals, 2);
  let rule = context.names.of(place, name.bytes, name.start, name.end);
  const nameLength = name.end - name.start;
  if (rule === null && nameLength <= 16) {
    const role = context.names.role(name.bytes, name.start, name.end);
    if (role === 'naming') form.named = context.names.of('field', view.bytes, value, end) ?? form.named;
    else if (role === 'valuing') rule = form.named;
  }
  if (equals - start >= FORM_BYTES_MIN) redactValue(form, start, equals, NAMELESS);
  if (end === value) return;
  const isWhole = end - value <= 512;
  if (rule !== null) context.take(Step.value);
  if (rule !== null && (!isWhole || isSecretSpan(rule, plainSpan(view, value, end, 1)))) {
    context.redactText(view, value, end, context.cause(rule.id, view, start, equals));
    return;
  }
  if (
    nameLength === 4 &&
    context.hasDefaults &&
    name.bytes.toString('latin1', name.start, name.end) === 'code' &&
    isOAuthCode(form, textOf(plainSpan(view, value, Math.min(end, value + 512), 1)))
  ) {
    context.redactText(view, value, end, { rule: 'name:oauth-code', name: 'code' });
    return;
  }
  if (form.isTokenPath && isWhole && isOpaque(textOf(plainSpan(view, value, end, 1)))) {
    context.redactText(view, value, end, context.cause('looks:path-token', view, start, equals));
    return;
  }
  redactValue(form, value, end, name);
}

/** Bytes without escapes: those of the view, or where there was something to be undone, others. */
class PlainSpan implements PieceName {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  /** The end of it, where it is a name. */
  get name(): string {
    return this.bytes.toString('latin1', Math.max(this.start, this.end - 32), this.end);
  }
}

/** A part of the view, percent-decoded up to so many times. */
function plainSpan(view: View, start: number, end: number, times: number): PlainSpan {
  if (!isEncoded(view.bytes, start, end)) return new PlainSpan(view.bytes, start, end);
  const { bytes } = decoded(view, start, end, times);
  return new PlainSpan(bytes, 0, bytes.length);
}

function isSecretSpan(rule: NameRule, { bytes, start, end }: PlainSpan): boolean {
  return isSecretValue(rule.value, bytes, start, end);
}

function textOf({ bytes, start, end }: PlainSpan): string {
  return bytes.toString('latin1', start, end);
}

/** An OAuth authorization code (RFC 6749 §4.1.2); by itself the name says nothing. */
function isOAuthCode({ view: { bytes } }: Form, code: string): boolean {
  return (
    bytes.includes('grant_type=') ||
    isOpaque(code) ||
    // OAuth responses have it beside a code.
    (bytes.includes('state=') && code.length >= 10 && /\d/.test(code) && /[a-z]/.test(code) && /[A-Z]/.test(code))
  );
}

const LOOK_BYTES_MIN = 13;
/** `123-45-6789`: the shortest of what is known by its form. */
const FORM_BYTES_MIN = 11;
const MARKS = Uint8Array.from({ length: 256 }, (_, byte) => ('@!'.includes(String.fromCharCode(byte)) ? 1 : 0));

function redactValue(form: Form, start: number, end: number, owner: PieceName): void {
  if (end - start < 4) return;
  const { view, context } = form;
  const { bytes } = view;
  if (!isEncoded(bytes, start, end)) {
    const first = bytes[start];
    if (first === 0x7b || first === 0x5b || first === 0x3c) context.redactDocument(part(view, start, end));
    // A user and a password before a host.
    else if (hasMark(bytes, start, end)) context.redactDecoded(part(view, start, end), owner.name);
    else if (end - start >= LOOK_BYTES_MIN || hasByte(bytes, start, end, EQUALS))
      context.redactPiece(view, start, end, owner);
    else if (end - start >= FORM_BYTES_MIN) context.redactForms(view, start, end, owner);
    return;
  }
  if (context.surveyOf(view) !== null && isCleanValue(form, start, end)) return;
  if (!context.take(Step.byte, end - start)) return;
  if (end - start > DECODED_BYTES_MAX || !context.spend(end - start)) {
    context.redactText(view, start, end, { rule: 'bound:work', name: null });
    return;
  }
  const inside = decoded(view, start, end, 1);
  const first = inside.bytes[0];
  const isDocument =
    first === 0x7b ||
    first === 0x5b ||
    first === 0x3c ||
    /^[\w[\].-]{1,64}=[^\s]*&/.test(inside.bytes.toString('latin1', 0, 256));
  if (isDocument || isEncoded(inside.bytes, 0, inside.bytes.length)) context.redactDocument(inside);
  else context.redactDecoded(inside, owner.name);
}

function isCleanValue(form: Form, start: number, end: number): boolean {
  form.values ??= form.context.takeFormValues();
  return form.values.isClean(form.view.bytes, start, end);
}

function hasMark(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if ((MARKS[bytes[i] as number] as number) === 1) return true;
  return false;
}

function hasByte(bytes: Buffer, start: number, end: number, byte: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === byte) return true;
  return false;
}

function isEncoded(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === PERCENT || bytes[i] === PLUS) return true;
  return false;
}

/** A part of the view, percent-decoded up to so many times. */
export function decoded(view: View, start: number, end: number, times: number): View {
  if (times === 0 || !isEncoded(view.bytes, start, end)) return part(view, start, end);
  let result = percentDecoded(view, start, end);
  for (let i = 1; i < times && isEncoded(result.bytes, 0, result.bytes.length); i++)
    result = percentDecoded(result, 0, result.bytes.length);
  return result;
}

function percentDecoded({ bytes, base, origin }: View, start: number, end: number): View {
  let escapes = 0;
  for (let i = start; i < end; i++)
    if (bytes[i] === PERCENT && escapedByte(bytes, i, end) >= 0) {
      escapes++;
      i += 2;
    }
  const length = end - start - 2 * escapes;
  const plain = Buffer.allocUnsafe(length);
  const places = new Int32Array(length + 1);
  for (let i = 0, at = start; i < length; i++) {
    const byte = bytes[at] as number;
    places[i] = at;
    const escaped = byte === PERCENT ? escapedByte(bytes, at, end) : -1;
    plain[i] = escaped >= 0 ? escaped : byte === PLUS ? 0x20 : byte;
    at += escaped >= 0 ? 3 : 1;
  }
  if (origin !== null) for (let i = 0; i < length; i++) places[i] = origin[places[i] as number] as number;
  else if (base > 0) for (let i = 0; i < length; i++) places[i] = (places[i] as number) + base;
  places[length] = origin === null ? base + end : (origin[end] as number);
  return { bytes: plain, base: 0, origin: places };
}

/** What the escape at `at` stands for; -1 where it is none. */
function escapedByte(bytes: Buffer, at: number, end: number): number {
  if (at + 2 >= end) return -1;
  const high = HEX[bytes[at + 1] as number] as number;
  const low = HEX[bytes[at + 2] as number] as number;
  return (high | low) < 0 ? -1 : (high << 4) | low;
}

/** Of each byte, its value as a digit; -1 where it is none. */
const HEX = Int8Array.from({ length: 256 }, (_, byte) => hexValue(byte));
