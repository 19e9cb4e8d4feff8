/**
 * Finds what must not leave in JSON (RFC 8259) without building a value from it: one walk over the tokens, so that
 * every byte outside a redacted value stays as it was, numbers keep their digits, and a body cut short is no obstacle.
 *
 *     string → "REDACTED" · number → 0 · true, false, null and "" stay: there is nothing to hide in them
 *
 * The walk is lenient, for what is sent as JSON: lines of JSON, server-sent events, comments, names and strings in
 * other quotes or none. It knows names by their members (`{"password":…}`), by what stands beside them
 * (`{"name":"DB_PASSWORD","value":…}`, JSON Patch), in arrays (`["--password","…"]`) and in keys (RFC 7517 §4.1).
 */
import {
  APOSTROPHE,
  BACKSLASH,
  BACKTICK,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  EQUALS,
  isDigit,
  isLetter,
  isSpace,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SLASH,
} from './byte-text.js';
import { type CardContext, cardContext, cardEnd } from './cards.js';
import { type Cause, DECODED_BYTES_MAX, part, type View } from './edits.js';
import { GraphqlVariables } from './graphql-variables.js';
import { Blanks, isEventLine } from './json-blank.js';
import { hasOddDigit, unescaped } from './json-escapes.js';
import { type Frame, FrameStack } from './json-frames.js';
import { DocumentKinds, isSensitive, SENSITIVE } from './json-kinds.js';
import { mayHaveRole } from './json-roles.js';
import { isAsset, isAssetMember, isDescription, isLogprobToken, isSchema } from './json-shapes.js';
import { isHeaderName, isLiteral, isPair, isSecretNumber, isSentence, mayBeDocument } from './json-values.js';
import { NAMELESS, type PieceName, type RedactionContext } from './redaction-context.js';
import { Step } from './search-steps.js';
import type { NameRule } from './sensitive-names.js';
import { Sign, type Survey } from './survey.js';
import { isSecretValue } from './value-shapes.js';
import { redactRuledTables } from './walk-table.js';

const MARK = 1;
const ESCAPE = 2;
const CLOSE = 4;
/** In a string that a quote opens, ends a run of bytes that need no look, or says what is in it. */
const inString = (quote: number): Uint8Array => {
  const flags = new Uint8Array(256);
  for (const byte of [COLON, EQUALS, 0x3c, 0x26, APOSTROPHE]) flags[byte] = MARK;
  flags[BACKSLASH] = ESCAPE;
  flags[quote] = CLOSE;
  return flags;
};
const IN_STRING = inString(QUOTE);
const IN_OTHER_STRINGS = new Map([APOSTROPHE, BACKTICK].map((quote) => [quote, inString(quote)]));

/** What a byte outside strings begins; 0 where it is a mark. */
const SPACE = 1;
const STRING = 2;
const NUMBER = 3;
const WORD = 4;
const BEGINS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (isSpace(byte)) return SPACE;
  if (byte === QUOTE || byte === APOSTROPHE || byte === BACKTICK) return STRING;
  if (isDigit(byte) || byte === MINUS) return NUMBER;
  return isWordByte(byte) ? WORD : 0;
});

const NUMBER_BYTES = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[0-9.+\-eE]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** No secret known by its form is shorter. */
const LOOK_BYTES_MIN = 11;
const CARD_DIGITS_MIN = 13;

/** What the members that `#noteKeyMember` is about begin with. */
const KEY_MEMBER_START = new Uint8Array(256);
for (const letter of 'kdpqo') KEY_MEMBER_START[letter.charCodeAt(0)] = 1;

export function walkJson(view: View, context: RedactionContext): void {
  new JsonWalker(view, context).walk();
}

class JsonWalker implements PieceName {
  readonly #view: View;
  readonly #bytes: Buffer;
  readonly #blanks: Blanks;
  readonly #length: number;
  readonly #context: RedactionContext;
  /** Null where every name and string must be looked at. */
  readonly #survey: Survey | null;
  readonly #kinds: DocumentKinds;
  readonly #variables: GraphqlVariables;
  readonly #frames = FrameStack.take();
  /** Of the name last read, for the value that follows. */
  #rule: NameRule | null = null;
  #cause: Cause | null = null;
  #nameStart = 0;
  #nameEnd = 0;
  /** The last byte read that is neither space nor part of a token. */
  #mark = 0;
  /** There is an assignment outside strings: no JSON. */
  #isForeign = false;
  /** There are no steps left. */
  #isOver = false;
  readonly #card = new NumberContext(this);

  constructor(view: View, context: RedactionContext) {
    this.#view = view;
    this.#bytes = view.bytes;
    this.#blanks = new Blanks(view.bytes);
    this.#kinds = new DocumentKinds(view.bytes);
    this.#variables = new GraphqlVariables(view.bytes, context.names);
    this.#length = view.bytes.length;
    this.#context = context;
    this.#survey = context.surveyOf(view);
  }

  /** Whether a secret's name may be in a part. */
  #mayName(start: number, end: number): boolean {
    return this.#survey === null || this.#survey.mayHold(start, end, Sign.name | Sign.escape);
  }

  /** Whether anything may be found in a part. */
  #mayHold(start: number, end: number): boolean {
    return this.#survey === null || this.#survey.mayHold(start, end, Sign.pair | Sign.look | Sign.escape);
  }

  walk(): void {
    const bytes = this.#bytes;
    for (let i = 0; i < this.#length && !this.#isOver; ) {
      const byte = bytes[i] as number;
      const begins = BEGINS[byte] as number;
      if (begins === SPACE) i++;
      else if (begins === STRING && (byte !== APOSTROPHE || mayStartValue(this.#mark)))
        i = this.#readQuoted(i + 1, byte);
      else if (begins === NUMBER && (byte !== MINUS || isDigit(bytes[i + 1]))) i = this.#readNumber(i);
      else if (begins === WORD) i = this.#readWord(i);
      else i = this.#readMark(i, byte);
    }
    this.#frames.giveBack();
    if (this.#isForeign) this.#context.redactPiece(this.#view, 0, this.#length, NAMELESS);
  }

  #readMark(at: number, byte: number): number {
    if (byte === SLASH) {
      const after = this.#blanks.skipComment(at, this.#length);
      if (after - at >= LOOK_BYTES_MIN) this.#context.redactPiece(this.#view, at, after, NAMELESS);
      if (after > at) return after;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#open(at, byte === OPEN_BRACKET);
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      this.#frames.pop();
      this.#forget();
    } else if (byte === COMMA) this.#forget();
    else if (byte === EQUALS) this.#isForeign = true;
    this.#mark = byte;
    return at + 1;
  }

  #forget(): void {
    this.#rule = null;
    this.#cause = null;
    this.#nameStart = this.#nameEnd = 0;
  }

  #open(at: number, isArray: boolean): void {
    const outer = this.#frames.top;
    const rule = this.#rule;
    let { deep, deepRule } = outer;
    let list: NameRule | null = null;
    if (deep === null && rule !== null && !this.#isHarmless(at, rule)) {
      if (rule.reach === 'deep') {
        deep = this.#cause;
        deepRule = rule;
      } else if (isArray) list = rule;
    }
    const frame = this.#frames.push(isArray, list, deep, deepRule);
    if (list !== null) frame.listCause = this.#cause;
    frame.nameStart = this.#nameStart;
    frame.nameEnd = this.#nameEnd;
    this.#forget();
  }

  /** Whether what opens at `at` holds nothing of what its name says. */
  #isHarmless(at: number, rule: NameRule): boolean {
    if (isSchema(this.#bytes, at, this.#length)) return true;
    return rule.id === 'name:token' && isAsset(this.#bytes, at, this.#length);
  }

  /** Reads the string whose content begins at `start`; returns where to go on. */
  #readQuoted(start: number, quote: number): number {
    const bytes = this.#bytes;
    const length = this.#length;
    let end = start;
    let flags = 0;
    const inside = quote === QUOTE ? IN_STRING : (IN_OTHER_STRINGS.get(quote) as Uint8Array);
    for (; end < length; end++) {
      const flag = inside[bytes[end] as number] as number;
      if (flag === 0) continue;
      if (flag === CLOSE) break;
      flags |= flag;
      if (flag === ESCAPE) end++;
    }
    end = Math.min(end, length);
    const after = Math.min(end + 1, length);
    const colon = this.#behindBlanks(after);
    if (end < this.#length && bytes[colon] === COLON) {
      if (colon - after >= LOOK_BYTES_MIN) this.#context.redactPiece(this.#view, after, colon, NAMELESS);
      this.#readName(start, end, (flags & ESCAPE) !== 0);
      this.#mark = COLON;
      return colon + 1;
    }
    this.#readString(start, end, flags, colon);
    this.#mark = QUOTE;
    return after;
  }

  /** Where from `at` on no blank is. */
  #behindBlanks(at: number): number {
    const byte = this.#bytes[at];
    if (byte === COLON || byte === COMMA || byte === CLOSE_BRACE) return at;
    return this.#blanks.skip(at, this.#length);
  }

  #readName(start: number, end: number, hasEscapes: boolean): void {
    const { names } = this.#context;
    this.#nameStart = start;
    this.#nameEnd = end;
    if (hasEscapes) {
      const { bytes } = unescaped(this.#view, start, end);
      this.#rule = names.of('field', bytes, 0, bytes.length);
    } else {
      this.#rule = this.#mayName(start, end) ? names.of('field', this.#bytes, start, end) : null;
    }
    if (this.#rule === null) this.#cause = null;
    else {
      this.#isOver = !this.#context.take(Step.member);
      this.#cause = this.#context.cause(this.#rule.id, this.#view, start, end);
    }
    if (end - start >= LOOK_BYTES_MIN && this.#mayHold(start, end))
      this.#context.redactPiece(this.#view, start, end, NAMELESS);
    if (this.#rule === null && end - start <= 16) this.#noteRole();
    if (this.#rule === null && this.#context.hasDefaults) this.#noteKind(start, end);
  }

  /** `{"name":"DB_PASSWORD","value":…}`: the value's name stands beside it. */
  #noteRole(): void {
    const frame = this.#frames.top;
    if (frame.isArray || frame.namedRule === null) return;
    if (this.#context.names.role(this.#bytes, this.#nameStart, this.#nameEnd) !== 'valuing') return;
    this.#rule = frame.namedRule;
    this.#cause = frame.namedCause;
  }

  /** What the document as a whole says of a member. */
  #noteKind(start: number, end: number): void {
    const { nameStart, nameEnd } = this.#frames.top;
    this.#rule =
      this.#kinds.ruleFor(start, end) ??
      (nameEnd - nameStart === 9 ? this.#variables.ruleFor({ nameStart, nameEnd }, start, end) : null);
    if (this.#rule !== null) this.#cause = this.#context.cause(this.#rule.id, this.#view, start, end);
  }

  /** `"sensitive":true`, beside a value that was read or that is to come. */
  #noteSensitive(): void {
    const frame = this.#frames.top;
    frame.namedRule = SENSITIVE;
    frame.namedCause = this.#context.cause(SENSITIVE.id, this.#view, frame.nameStart, frame.nameEnd);
    if (frame.valueEnd > frame.valueStart)
      this.#context.redactText(this.#view, frame.valueStart, frame.valueEnd, frame.namedCause);
  }

  /** The rule for the value that is read now. */
  #ruleFor(frame: Frame): NameRule | null {
    if (this.#rule !== null) return this.#rule;
    return frame.isArray ? (frame.list ?? frame.elementRule) : null;
  }

  #readString(start: number, end: number, flags: number, after: number): void {
    const frame = this.#frames.top;
    if (end > start && !this.#redactSecret(frame, start, end, after)) {
      if (frame.isArray) this.#noteElement(frame, start, end, after);
      else if (this.#nameEnd > this.#nameStart) this.#noteMember(frame, start, end);
      this.#lookInside(start, end, flags);
    }
    if (frame.isArray) frame.index++;
    this.#forget();
  }

  #redactSecret(frame: Frame, start: number, end: number, after: number): boolean {
    const context = this.#context;
    const bytes = this.#bytes;
    if (frame.deep !== null) {
      if (this.#nameEnd > this.#nameStart && isAssetMember(bytes, this.#nameStart, this.#nameEnd, start, end))
        return false;
      if (end < this.#length && this.#isNoneInside(frame.deepRule, start, end)) return false;
      // `{"errors":{"password":["is too short"]}}`
      if (frame.isArray && end < this.#length && !isSecretValue('any', bytes, start, end)) return false;
      context.redactText(this.#view, start, end, frame.deep);
      return true;
    }
    const rule = this.#ruleFor(frame);
    if (rule === null) return false;
    const cause = this.#cause ?? frame.listCause ?? context.cause(rule.id, this.#view, start, start);
    // What is cut off may be the beginning of anything.
    const isCut = end >= this.#length;
    if (!isCut && !this.#isSecret(rule, start, end)) return false;
    if (isLogprobToken(bytes, this.#nameStart, this.#nameEnd, after)) return false;
    context.redactText(this.#view, start, end, cause);
    return true;
  }

  /** Whether a string inside what is secret as a whole is none: words, or what describes the others. */
  #isNoneInside(outer: NameRule | null, start: number, end: number): boolean {
    if (outer === null || (outer.value !== 'token' && outer.id !== 'name:api-key')) return false;
    const rule = this.#rule ?? outer;
    if (rule.value === 'token' && !isSecretValue('token', this.#bytes, start, end)) return true;
    return this.#rule === null && isDescription(this.#bytes, this.#nameStart, this.#nameEnd, start, end);
  }

  #isSecret(rule: NameRule, start: number, end: number): boolean {
    return isSecretValue(rule.value, this.#bytes, start, end);
  }

  /** `["--password", "…"]` and `["password", "…"]`. */
  #noteElement(frame: Frame, start: number, end: number, after: number): void {
    if (frame.list !== null) return;
    const bytes = this.#bytes;
    frame.elementRule = null;
    const isFlag = bytes[start] === MINUS;
    const isHeader = isHeaderName(bytes, frame, start, end);
    if ((!isFlag && frame.index > 0 && !isHeader) || end - start > 64 || !this.#mayName(start, end)) return;
    const rule = this.#context.names.of('field', bytes, start, end);
    if (rule === null || (isFlag && rule.value === 'opaque')) return;
    if (!isFlag && !isHeader && !isPair(bytes, this.#blanks, after, this.#length)) return;
    frame.elementRule = isFlag
      ? { ...rule, value: 'any' }
      : { ...rule, value: rule.value === 'any' ? 'token' : rule.value };
    frame.listCause = this.#context.cause(rule.id, this.#view, start, end);
  }

  #noteMember(frame: Frame, start: number, end: number): void {
    const { names } = this.#context;
    const bytes = this.#bytes;
    const nameLength = this.#nameEnd - this.#nameStart;
    // No other member of a key is that long.
    if (nameLength <= 3 && (nameLength === 3 || end - start >= 16)) this.#noteKeyMember(frame, start, end);
    if (nameLength > 16 || !mayHaveRole(bytes, this.#nameStart, nameLength)) return;
    const role = names.role(bytes, this.#nameStart, this.#nameEnd);
    if (role === 'valuing') {
      frame.valueStart = start;
      frame.valueEnd = end;
      return;
    }
    if (role !== 'naming' || end - start > 128 || !this.#mayName(start, end)) return;
    if (isSentence(bytes, start, end)) return;
    const rule = names.of('field', bytes, start, end);
    // `"type":"plaintext"` beside the name says less.
    if (rule === null || (frame.namedRule !== null && rule.value === 'opaque')) return;
    frame.namedRule = rule;
    frame.namedCause = this.#context.cause(rule.id, this.#view, start, end);
    if (frame.valueEnd > frame.valueStart && this.#isSecret(rule, frame.valueStart, frame.valueEnd))
      this.#context.redactText(this.#view, frame.valueStart, frame.valueEnd, frame.namedCause);
  }

  /** The private members of a JSON Web Key (RFC 7518 §6): `d`, `p`, `q`, `dp`, `dq`, `qi`, `k`. */
  #noteKeyMember(frame: Frame, start: number, end: number): void {
    if ((KEY_MEMBER_START[this.#bytes[this.#nameStart] as number] as number) === 0) return;
    const name = this.#bytes.toString('latin1', this.#nameStart, this.#nameEnd);
    if (name === 'kty') {
      frame.isKey = true;
      const cause = { rule: 'name:jwk', name };
      for (const [from, to] of frame.keySpans) this.#context.redactText(this.#view, from, to, cause);
    } else if (end - start >= 16 && /^(?:d|p|q|dp|dq|qi|k|oth)$/.test(name)) {
      if (frame.isKey) this.#context.redactText(this.#view, start, end, { rule: 'name:jwk', name });
      else if (frame.keySpans.length < 8) frame.keySpans.push([start, end]);
    }
  }

  #lookInside(start: number, end: number, flags: number): void {
    if (end - start < 4) return;
    if ((flags & ESCAPE) !== 0) {
      if (end - start > DECODED_BYTES_MAX || !this.#context.spend(end - start)) {
        this.#context.redactText(this.#view, start, end, { rule: 'bound:work', name: null });
        return;
      }
      this.#context.take(Step.piece);
      if (!this.#context.take(Step.byte, end - start)) return;
      const inside = unescaped(this.#view, start, end);
      if (mayBeDocument(inside.bytes, 0, inside.bytes.length)) this.#context.redactDocument(inside);
      else {
        if (this.#context.hasDefaults) redactRuledTables(inside, this.#context);
        this.#context.redactPiece(inside, 0, inside.bytes.length, this);
      }
      if (hasOddDigit(this.#bytes, start, end)) this.#context.redactForms(this.#view, start, end, this);
      return;
    }
    if (mayBeDocument(this.#bytes, start, end)) this.#context.redactDocument(part(this.#view, start, end));
    else if ((flags !== 0 || end - start >= LOOK_BYTES_MIN) && this.#mayHold(start, end))
      this.#context.redactPiece(this.#view, start, end, this);
  }

  /** Of the value last read; made only where something asks for it. */
  get name(): string {
    const name = this.#bytes.toString('latin1', Math.max(this.#nameStart, this.#nameEnd - 32), this.#nameEnd);
    if (!/^(?:no|num|number|value)$/i.test(name)) return name;
    // A number of what its object is called: `{"card":{"number":…}}`.
    const { nameStart, nameEnd } = this.#frames.top;
    return `${this.#bytes.toString('latin1', Math.max(nameStart, nameEnd - 32), nameEnd)}_${name}`;
  }

  #readNumber(start: number): number {
    const bytes = this.#bytes;
    let end = start + 1;
    while (end < this.#length && (NUMBER_BYTES[bytes[end] as number] as number) === 1) end++;
    // `7f3a…` without quotes is a word.
    if (isWordByte(bytes[end])) return this.#readWord(start);
    const frame = this.#frames.top;
    const rule = this.#ruleFor(frame);
    if (frame.deep !== null) {
      if (!isAssetMember(bytes, this.#nameStart, this.#nameEnd, start, start))
        this.#context.redactNumber(this.#view, start, end, frame.deep);
    } else if (rule !== null && isSecretNumber(rule, bytes, start, end)) {
      this.#context.redactNumber(
        this.#view,
        start,
        end,
        this.#cause ?? frame.listCause ?? { rule: rule.id, name: null },
      );
    } else if (end - start >= CARD_DIGITS_MIN && this.#context.hasDefaults) {
      const stop = cardEnd(bytes, start, end, this.#card);
      if (stop > 0)
        this.#context.redactNumber(
          this.#view,
          start,
          end,
          this.#context.cause('looks:card', this.#view, this.#nameStart, this.#nameEnd),
        );
    }
    if (frame.isArray) frame.index++;
    this.#forget();
    return end;
  }

  #readWord(start: number): number {
    const bytes = this.#bytes;
    let end = start + 1;
    while (isWordByte(bytes[end]) || isDigit(bytes[end]) || (bytes[end] === MINUS && isWordByte(bytes[end + 1]))) end++;
    end = Math.min(end, this.#length);
    // The next line of an event: `data:`.
    if (isEventLine(bytes, start)) return end + 1;
    const colon = this.#blanks.skip(end, this.#length);
    if (bytes[colon] === COLON) {
      this.#readName(start, end, false);
      this.#mark = COLON;
      return colon + 1;
    }
    if (bytes[start] === 0x74 && this.#context.hasDefaults && isSensitive(bytes, this.#nameStart, this.#nameEnd))
      this.#noteSensitive();
    if (!isLiteral(bytes, start, end)) {
      const frame = this.#frames.top;
      const rule = this.#ruleFor(frame);
      const cause =
        frame.deep ?? (rule !== null && this.#isSecret(rule, start, end) ? (this.#cause ?? frame.listCause) : null);
      if (cause !== null) this.#context.redactText(this.#view, start, end, cause);
      else if (end - start >= LOOK_BYTES_MIN) this.#context.redactPiece(this.#view, start, end, this);
    }
    this.#forget();
    this.#mark = 0x61;
    return end;
  }
}

/** What stands around a number without quotes. */
class NumberContext implements CardContext {
  readonly isInProse = false;
  readonly #owner: PieceName;

  constructor(owner: PieceName) {
    this.#owner = owner;
  }

  get name(): CardContext['name'] {
    return cardContext(this.#owner.name);
  }
}

function mayStartValue(mark: number): boolean {
  return mark === 0 || mark === COLON || mark === COMMA || mark === OPEN_BRACE || mark === OPEN_BRACKET;
}

function isWordByte(byte: number | undefined): boolean {
  return isLetter(byte) || byte === 0x5f || byte === 0x24;
}
