/**
 * One walk over a document and those inside it: chooses by what a document is, and keeps what all parts of it share: the
 * edits, how deep it is, how much may still be decoded.
 */
import { DEFAULT_LIMITS } from '../limits.js';
import { redactArmour } from './armour.js';
import { hexValue, PERCENT } from './byte-text.js';
import { type CardContext, cardContext } from './cards.js';
import { type Cause, createEdits, type Edits, type View } from './edits.js';
import { findLooks } from './find-looks.js';
import { FormValues } from './form-values.js';
import { eachHiddenText } from './hidden-base64.js';
import { redactManifests } from './kubernetes-manifest.js';
import { mayHoldLook } from './look-runs.js';
import type { NameMemo } from './name-memo.js';
import type { PhraseFinder } from './phrases.js';
import { redactPii } from './pii.js';
import { NAMELESS, type PieceName, type RedactionContext } from './redaction-context.js';
import { scanPairs } from './scan-pairs.js';
import { type SearchSteps, Step } from './search-steps.js';
import type { SensitiveNames } from './sensitive-names.js';
import { redactInserts } from './sql-inserts.js';
import { Sign, type Survey, type Surveys } from './survey.js';
import { type DocumentKind, documentKind, isBinary, isMostlyText } from './text-forms.js';
import { walkForm } from './walk-form.js';
import { walkJson } from './walk-json.js';
import { boundaryOf, multipartBoundary, walkMultipart } from './walk-multipart.js';
import { redactRuledTables, walkTable } from './walk-table.js';
import { walkXml } from './walk-xml.js';

/** What all walks of a redactor share. */
export interface WalkRules {
  readonly steps: SearchSteps;
  /** Those that no form has now. */
  readonly formValues: FormValues[];
  readonly names: SensitiveNames;
  /** Finds phrases; null where the built-in rules do not apply. */
  readonly phrases: PhraseFinder | null;
  /** Causes by the names they are about: the same fields come again and again. */
  readonly causes: NameMemo<Cause>;
  /** Whether IBANs and US social security numbers are to be found. */
  readonly pii: boolean;
  /** What is noted of the texts being searched; null where the built-in rules do not apply. */
  readonly surveys: Surveys | null;
  /** Whether what a survey has no sign of need not be looked at: there is nothing to be found that it knows nothing of. */
  readonly isSurveyEnough: boolean;
  /** Whether the user wants a value to stay; null where nothing is allowed by value. */
  readonly isAllowed: ((value: string) => boolean) | null;
}

const LOOK_BYTES_MIN = 13;
const HIDDEN_BYTES_MIN = 24;
/** A shorter document is surveyed in less time than it takes to say what it is. */
export const OPAQUE_BYTES_MIN = 512;
/** A value that a person allows is no longer. */
const ALLOWED_BYTES_MAX = 4096;

const MEDIA = /^\s{0,64}(?:image\/(?!svg)|audio\/|video\/|font\/)/i;

const CAUSE_BYTES_MAX = 64;

export class DocumentWalk implements RedactionContext {
  readonly names: SensitiveNames;
  readonly hasDefaults: boolean;
  readonly edits: Edits;
  readonly #rules: WalkRules;
  readonly #work: { left: number };
  #nesting: number;
  /** Of the text that is searched now. */
  #survey: Survey | null = null;

  /** @param work bytes that may be decoded, shared with the walks of documents that are hidden in this one */
  constructor(rules: WalkRules, edits: Edits, work: { left: number }, nesting = 0) {
    this.names = rules.names;
    this.hasDefaults = rules.phrases !== null;
    this.edits = edits;
    this.#rules = rules;
    this.#work = work;
    this.#nesting = nesting;
  }

  redactText(view: View, start: number, end: number, cause: Cause): void {
    if (this.take(Step.edit) && !this.#isAllowed(view, start, end)) this.edits.text(view, start, end, cause);
  }

  redactNumber(view: View, start: number, end: number, cause: Cause): void {
    if (this.take(Step.edit) && !this.#isAllowed(view, start, end)) this.edits.number(view, start, end, cause);
  }

  #isAllowed(view: View, start: number, end: number): boolean {
    const { isAllowed } = this.#rules;
    return isAllowed !== null && end - start <= ALLOWED_BYTES_MAX && isAllowed(view.bytes.toString('utf8', start, end));
  }

  cause(rule: string, view: View, start: number, end: number): Cause {
    if (end <= start || this.edits.isFull) return { rule, name: null };
    const stop = Math.min(end, start + CAUSE_BYTES_MAX);
    const { causes } = this.#rules;
    const known = causes.get(view.bytes, start, stop);
    if (known?.rule === rule) return known;
    return causes.set(view.bytes, start, stop, { rule, name: view.bytes.toString('utf8', start, stop) });
  }

  spend(count: number): boolean {
    this.#work.left -= count;
    return this.#work.left >= 0;
  }

  takeFormValues(): FormValues {
    const values = this.#rules.formValues.pop() ?? new FormValues((this.#rules.surveys as Surveys).take());
    values.begin();
    return values;
  }

  giveBackFormValues(values: FormValues): void {
    this.#rules.formValues.push(values);
  }

  take(step: number, times = 1): boolean {
    return this.#rules.steps.take(step, times);
  }

  surveyOf(view: View): Survey | null {
    return this.#rules.isSurveyEnough && this.#survey?.bytes === view.bytes ? this.#survey : null;
  }

  redactDocument(view: View, contentType = ''): void {
    if (view.bytes.length === 0 || !this.#takesDocument(view)) return;
    if (this.#isOpaque(view.bytes, contentType)) this.#redactRuns(view, contentType);
    else this.#surveyed(view, () => this.#walkDocument(view, contentType));
  }

  /** A document inside another one has to be surveyed by itself. */
  #takesDocument({ bytes }: View): boolean {
    if (this.#survey === null || this.#survey.bytes === bytes) return !this.#rules.steps.areSpent;
    this.take(Step.document);
    return this.take(Step.byte, bytes.length);
  }

  /** Whether only the printable runs of a document are searched. Then the words in it say nothing, and a survey of them is spared. */
  #isOpaque(bytes: Buffer, contentType: string): boolean {
    if (bytes.length < OPAQUE_BYTES_MIN || !this.hasDefaults) return false;
    if (this.#nesting > DEFAULT_LIMITS.redaction_nesting_max) return false;
    const isMedia = MEDIA.test(contentType);
    if (!isMedia && (!isBinary(bytes) || isMostlyText(bytes) || documentKind(bytes, contentType) !== 'binary'))
      return false;
    return multipartBoundary(contentType) === null && boundaryOf(bytes) === null;
  }

  /** Surveys a text, and walks it if there may be something in it. */
  #surveyed(view: View, walk: () => void): void {
    const { surveys, isSurveyEnough } = this.#rules;
    // A value that is a document has been surveyed as a value.
    if (surveys === null || this.#survey?.bytes === view.bytes) {
      walk();
      return;
    }
    const outer = this.#survey;
    const survey = surveys.take();
    const mayHold = survey.read(view.bytes) || !isSurveyEnough;
    if (mayHold && !this.#rules.steps.areSpent) {
      this.#survey = survey;
      walk();
      this.#survey = outer;
    }
    surveys.giveBack(survey);
  }

  #walkDocument(view: View, contentType: string): void {
    const { bytes } = view;
    if (this.#nesting > DEFAULT_LIMITS.redaction_nesting_max) {
      this.redactText(view, 0, bytes.length, { rule: 'bound:nesting', name: null });
      return;
    }
    this.#nesting++;
    const boundary = multipartBoundary(contentType) ?? boundaryOf(bytes);
    // What a type says of the boundary may be wrong.
    const inFact = boundary !== null && !bytes.includes(`--${boundary}`) ? boundaryOf(bytes) : boundary;
    if (inFact !== null && bytes.includes(`--${inFact}`)) walkMultipart(view, inFact, this);
    else this.#walkAs(MEDIA.test(contentType) ? 'binary' : documentKind(bytes, contentType), view, contentType);
    this.#nesting--;
  }

  #walkAs(kind: DocumentKind, view: View, contentType: string): void {
    const { bytes } = view;
    if (kind === 'binary') {
      if (isMostlyText(bytes) && !MEDIA.test(contentType)) this.redactPiece(view, 0, bytes.length, NAMELESS);
      else if (this.hasDefaults) this.#redactRuns(view, contentType);
      return;
    }
    const isTable = (kind === 'table' || kind === 'text') && walkTable(view, this, kind === 'table');
    // The name of a column and the first cell of the next line are no sentence.
    if (kind !== 'form') this.#redactPhrases(view, isTable);
    if (kind === 'json') walkJson(view, this);
    else if (kind === 'xml') {
      // In tags and comments too.
      if (this.hasDefaults) this.#redactLooks(view, 0, bytes.length, null);
      walkXml(view, this);
    } else if (kind === 'form') walkForm(view, this);
    else {
      if (!isTable && this.hasDefaults) redactRuledTables(view, this);
      if (this.hasDefaults) redactManifests(view, this);
      this.redactPiece(view, 0, bytes.length, NAMELESS);
    }
  }

  #redactPhrases(view: View, isTable = false): void {
    const survey = this.#survey;
    if (this.#rules.phrases === null || survey === null) return;
    if (survey.anchorCount > 0) this.#rules.phrases.find(view, survey, this, isTable);
    // The label of a key ends in a name, and a list of columns has one.
    if (!survey.mayHold(0, view.bytes.length, Sign.name)) return;
    redactArmour(view, this);
    if (view.bytes.includes(0x27)) redactInserts(view, 0, view.bytes.length, this);
  }

  /** Bytes without a text form: no names can be known, only forms. */
  #redactRuns(view: View, contentType: string): void {
    redactArmour(view, this);
    const card: CardContext | null = MEDIA.test(contentType) ? null : { name: 'other', isInProse: true };
    this.#redactLooks(view, 0, view.bytes.length, card);
  }

  #redactLooks(view: View, start: number, end: number, card: CardContext | null): void {
    if (this.surveyOf(view)?.mayHold(start, end, Sign.look) === false || !this.take(Step.look, end - start)) return;
    findLooks(view.bytes, { start, end }, card, (from, to, rule) =>
      this.redactText(view, from, to, { rule, name: null }),
    );
  }

  redactDecoded(view: View, name: string): void {
    if (!this.#takesDocument(view)) return;
    this.#surveyed(view, () => {
      this.#redactPhrases(view);
      this.redactPiece(view, 0, view.bytes.length, { name });
    });
  }

  redactPiece(view: View, start: number, end: number, owner: PieceName): void {
    if (!this.take(Step.piece)) return;
    const survey = this.surveyOf(view);
    if (survey === null || survey.mayHold(start, end, Sign.pair | Sign.escape)) scanPairs(view, start, end, this);
    this.redactForms(view, start, end, owner);
  }

  redactForms(view: View, start: number, end: number, owner: PieceName): void {
    if (this.#rules.pii && this.take(Step.pii, end - start)) redactPii(view, start, end, this);
    if (!this.hasDefaults || end - start < LOOK_BYTES_MIN) return;
    if (this.surveyOf(view)?.mayHold(start, end, Sign.look) === false) return;
    const { bytes } = view;
    if (mayHoldLook(bytes, start, end) && this.take(Step.look, end - start))
      findLooks(bytes, { start, end }, new PieceContext(bytes, { start, end }, owner), (from, to, rule) =>
        this.redactText(view, from, to, { rule, name: owner.name || null }),
      );
    if (end - start < HIDDEN_BYTES_MIN) return;
    eachHiddenText(bytes, start, end, (from, to) => this.#redactHidden(view, from, to, owner.name));
  }

  /** Base64 that begins like text: replaced as a whole if there is anything in it. */
  #redactHidden(view: View, start: number, end: number, name: string): void {
    const nameOrNull = name === '' ? null : name;
    if (end - start > DEFAULT_LIMITS.redaction_decoded_bytes_max || !this.spend(end - start)) {
      this.redactText(view, start, end, { rule: 'bound:work', name: nameOrNull });
      return;
    }
    const hidden = Buffer.from(view.bytes.toString('latin1', start, end), 'base64');
    if (!isMostlyText(hidden)) return;
    const inner = new DocumentWalk(this.#rules, createEdits(), this.#work, this.#nesting);
    inner.redactDocument({ bytes: hidden, base: 0, origin: null });
    if (inner.edits.size === 0) return;
    this.redactText(view, start, end, { rule: inner.edits.causes[0]?.rule ?? 'bound:work', name: nameOrNull });
  }

  /** A value by itself, such as a header's. */
  redactValue(view: View, name: string): void {
    this.#surveyed(view, () => this.#walkValue(view, name));
  }

  #walkValue(view: View, name: string): void {
    const { bytes } = view;
    this.#redactPhrases(view);
    const first = bytes[0];
    if (first === 0x7b || first === 0x5b || (first === 0x3c && !isLink(bytes))) this.redactDocument(view);
    else this.redactPiece(view, 0, bytes.length, { name });
    if (hasEscape(bytes) && !/^(?:\/|[a-z]{1,30}:\/\/)/i.test(bytes.latin1Slice(0, Math.min(bytes.length, 40))))
      walkForm(view, this);
  }
}

/** `<https://…>; rel="next"`, `</x>; rel=preload` (RFC 8288 §3). */
function isLink(bytes: Buffer): boolean {
  return /^<(?:[a-z][a-z0-9+.-]{0,30}:)?\//i.test(bytes.toString('latin1', 0, 34));
}

const ESCAPE_LOOK_MAX = 4096;

/** Whether an ASCII character that can be seen is percent-encoded among the first bytes. */
function hasEscape(bytes: Buffer): boolean {
  const end = Math.min(bytes.length, ESCAPE_LOOK_MAX) - 2;
  for (let i = 0; i < end; i++) {
    if (bytes[i] !== PERCENT) continue;
    const high = bytes[i + 1] as number;
    if (high >= 0x32 && high <= 0x37 && hexValue(bytes[i + 2]) >= 0) return true;
  }
  return false;
}

/** What stands around a number in a piece of text. */
class PieceContext implements CardContext {
  readonly #bytes: Buffer;
  readonly #span: { start: number; end: number };
  readonly #owner: PieceName;

  constructor(bytes: Buffer, span: { start: number; end: number }, owner: PieceName) {
    this.#bytes = bytes;
    this.#span = span;
    this.#owner = owner;
  }

  get name(): CardContext['name'] {
    return cardContext(this.#owner.name);
  }

  get isInProse(): boolean {
    return isInProse(this.#bytes, this.#span.start, this.#span.end);
  }
}

/** Whether there are words in the text: then a number in it is one only where they speak of it. */
function isInProse(bytes: Buffer, start: number, end: number): boolean {
  const limit = Math.min(end, start + 64);
  let letters = 0;
  for (let i = start; i < limit; i++) {
    const letter = (bytes[i] as number) | 0x20;
    if (letter >= 0x61 && letter <= 0x7a) letters++;
    if (bytes[i] === 0x20 && letters >= 3) return true;
    if (bytes[i] === 0x0a || bytes[i] === 0x2c) return false;
  }
  return end - start > 64;
}
