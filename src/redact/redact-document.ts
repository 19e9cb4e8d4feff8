/**
 * Redacts a body by what it is, and other texts of a trace.
 *
 * in: bytes and their media type, or a text · out: new ones where there was a secret, else the same, and why
 */
import { DEFAULT_LIMITS } from '../limits.js';
import { createAddedPatterns } from './added-patterns.js';
import { redactCutEnd } from './cut-end.js';
import { DocumentWalk, OPAQUE_BYTES_MIN, type WalkRules } from './document-walk.js';
import { type Cause, createEdits, type Edits, REDACTED, type Replaced, type View } from './edits.js';
import { Glance } from './glance.js';
import { type GrpcWebText, grpcWebText } from './grpc-web-text.js';
import type { MediaType } from './media-type.js';
import { NameMemo } from './name-memo.js';
import { PhraseFinder, wordEnds } from './phrases.js';
import type { Changes } from './redactions.js';
import { type SearchSteps, Step } from './search-steps.js';
import type { SensitiveNames } from './sensitive-names.js';
import { type Survey, Surveys } from './survey.js';
import { documentKind, isBinary, type TextEncoding, textEncoding, utf8View } from './text-forms.js';
import { walkForm } from './walk-form.js';

/** What became of a body or a text. */
export interface Redacted<T> extends Changes {
  readonly result: T;
}

export interface DocumentRedactor {
  /** So many bytes of a trace are searched next, some of them several times. */
  expect(bytes: number): void;
  /** Whether the trace had more to be looked at than it may have. */
  isTooSlow(): boolean;
  /** Whether the user gave patterns. */
  readonly hasPatterns: boolean;
  /** Looks at several texts at once; null where the user wants more than the built-in rules, and it would say too little. */
  readonly glance: Glance | null;
  /** Whether `body` finds nothing in such a body, if a survey finds nothing. */
  isGlanceEnough(bytes: Uint8Array, type: MediaType, isCut: boolean): boolean;
  /** A text that is known to hold no secret, without what the user's patterns find in it. */
  public(text: string): Redacted<string>;
  /** The bytes with their secrets replaced; null where there are none. `isCut`: more of it was not kept. */
  body(bytes: Uint8Array, type: MediaType, isCut: boolean): Redacted<Uint8Array> | null;
  /** What is to be replaced in a text, which stays as it is. `isCut`: more of it was not kept. */
  find(bytes: Buffer, isCut: boolean): Edits;
  /** Whether `text` might find something in what these texts hold, joined. `isRare`: they are not likely to come again. */
  mayHold(joined: string, isRare?: boolean): boolean;
  /** The same for a piece of text, whose name is known, such as a header's value. */
  text(text: string, name: string): Redacted<string>;
  /** The same for the query of a URL, without its question mark; whether its path says that a token belongs to it. */
  query(query: string, isTokenPath?: boolean): Redacted<string>;
}

export interface DocumentSettings {
  readonly patterns: readonly string[];
  readonly defaults: boolean;
  /** What the search of a trace may still cost. */
  readonly steps: SearchSteps;
  readonly pii: boolean;
  /** Whether the user named fields or parameters. */
  readonly hasNames: boolean;
  /** Whether the user wants a value to stay; null where nothing is allowed by value. */
  readonly isAllowed: ((value: string) => boolean) | null;
  /** Whether each value that is replaced is told by itself. */
  readonly explains: boolean;
  /** Takes how many texts were forgotten to make room for others. */
  readonly onEvicted: (count: number) => void;
}

/** Bytes that may be decoded for each byte of a body, nested documents and all. */
const WORK_PER_BYTE = 4;
/** There was more to be looked at than in any text that is sent every day. */
const TOO_SLOW: Cause = { rule: 'bound:work', name: null };
const REDACTED_STRING = Buffer.from(`"${REDACTED}"`);
const NO_CHANGES: Changes = { causes: [] as readonly Cause[], replaced: [] };
/** A longer text is not likely to come again. */
const HARMLESS_LENGTH_MAX = 128;
/** So much is looked at twice for nothing. */
const UNCOUNTED_LENGTH_MAX = 512;

export function createDocumentRedactor(names: SensitiveNames, settings: DocumentSettings): DocumentRedactor {
  const { defaults, hasNames, isAllowed, steps } = settings;
  const added = createAddedPatterns(settings.patterns);
  const phrases = defaults ? new PhraseFinder() : null;
  const surveys = defaults ? new Surveys({ wordEnds: wordEnds(), steps }) : null;
  const isSurveyEnough = surveys !== null && !hasNames && !settings.pii;
  const rules: WalkRules = {
    steps,
    formValues: [],
    names,
    phrases,
    surveys,
    isSurveyEnough,
    causes: new NameMemo<Cause>(),
    pii: settings.pii,
    isAllowed,
  };
  const survey = surveys?.take();
  const mayHold = survey === undefined ? null : quickLook(survey, steps, settings.onEvicted);

  function walked(bytes: Buffer, walk: (view: View, walk: DocumentWalk) => void): Edits {
    const edits = createEdits(settings.explains);
    const left = DEFAULT_LIMITS.redaction_decoded_bytes_max + bytes.length * WORK_PER_BYTE;
    const view = { bytes, base: 0, origin: null };
    steps.take(Step.text);
    if (!steps.areSpent) walk(view, new DocumentWalk(rules, edits, { left }));
    if (!steps.areSpent) return edits;
    const whole = createEdits(settings.explains);
    whole.text(view, 0, bytes.length, TOO_SLOW);
    return whole;
  }

  /** How often a pattern of the user's may match is bounded by itself. */
  function redactAdded(view: View, walk: DocumentWalk, isJson: boolean): void {
    if (added.size > 0 && !steps.areSpent) steps.uncounted(() => added.redact(view, walk, isJson));
  }

  function redactedText(text: string, walk: (view: View, walk: DocumentWalk) => void): Redacted<string> {
    const bytes = Buffer.from(text);
    steps.add(bytes.length);
    const edits = walked(bytes, (view, context) => {
      walk(view, context);
      redactAdded(view, context, false);
    });
    if (edits.size === 0) return { result: text, ...NO_CHANGES };
    return { result: edits.apply(bytes).toString(), ...changesOf(bytes, edits, settings.explains) };
  }

  /** The frames inside, masked, so that they keep their lengths. */
  function redactFrames({ bytes, encode }: GrpcWebText): Redacted<Uint8Array> | null {
    const edits = walked(bytes, (view, walk) => {
      walk.redactDocument(view, 'application/grpc');
      redactAdded(view, walk, false);
    });
    return edits.size === 0
      ? null
      : { result: encode(edits.mask(bytes)), ...changesOf(bytes, edits, settings.explains) };
  }

  return {
    expect: (bytes) => steps.add(bytes),
    isTooSlow: () => steps.areSpent,
    hasPatterns: added.size > 0,
    glance: survey === undefined || !isSurveyEnough || added.size > 0 ? null : new Glance(survey, steps),
    isGlanceEnough,
    public: (text) =>
      added.size === 0 ? { result: text, ...NO_CHANGES } : steps.uncounted(() => redactedText(text, () => {})),
    body(body, type, isCut) {
      const contentType = type.text;
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      const frames = type.isGrpcWebText ? grpcWebText(bytes) : null;
      if (frames !== null) return redactFrames(frames);
      const encoding = textEncoding(bytes, type);
      const edits = walked(bytes, (view, walk) => {
        const text = encoding === 'utf8' ? view : utf8View(view, encoding);
        walk.redactDocument(text, contentType);
        redactAdded(text, walk, added.size > 0 && documentKind(text.bytes, contentType) === 'json');
        if (isCut && defaults && encoding === 'utf8') redactCutEnd(view, walk);
      });
      if (edits.size === 0) return null;
      const why = changesOf(bytes, edits, settings.explains);
      const isString = steps.areSpent && documentKind(bytes, contentType) === 'json';
      return { result: applied(edits, bytes, encoding, isString), ...why };
    },
    find: (bytes, isCut) =>
      walked(bytes, (view, walk) => {
        walk.redactValue(view, '');
        redactAdded(view, walk, false);
        if (isCut && defaults) redactCutEnd(view, walk);
      }),
    mayHold: (joined, isRare = false) =>
      added.size > 0 || !isSurveyEnough || mayHold === null || mayHold(joined, isRare),
    text: (text, name) => redactedText(text, (view, walk) => walk.redactValue(view, name)),
    query: (query, isTokenPath = false) =>
      redactedText(query, (view, walk) => walkForm(view, walk, 'query', isTokenPath)),
  };
}

/** Paths and headers of a service are often the same: those in which nothing was found are remembered. */
function quickLook(
  survey: Survey,
  steps: SearchSteps,
  onEvicted: (count: number) => void,
): (joined: string, isRare: boolean) => boolean {
  const harmless = new Set<string>();
  return (joined, isRare) => {
    if (joined.length > UNCOUNTED_LENGTH_MAX) return holds(joined, survey);
    if (isRare || joined.length > HARMLESS_LENGTH_MAX) return steps.uncounted(() => holds(joined, survey));
    if (harmless.has(joined)) return false;
    if (steps.uncounted(() => holds(joined, survey))) return true;
    if (harmless.size >= DEFAULT_LIMITS.redaction_texts_max) {
      onEvicted(harmless.size);
      harmless.clear();
    }
    // A copy, as a slice would keep the head it is from.
    harmless.add(Buffer.from(joined, 'utf16le').toString('utf16le'));
    return false;
  };
}

function changesOf(bytes: Buffer, edits: Edits, explains: boolean): Changes {
  if (!explains) return { causes: edits.causes, replaced: NO_CHANGES.replaced };
  const replaced: Replaced[] = [];
  edits.eachReplaced(bytes, (one) => replaced.push(one));
  return { causes: edits.causes, replaced };
}

/** A body without its secrets. `isString`: it is one string of JSON, as what was JSON stays JSON. */
function applied(edits: Edits, bytes: Buffer, encoding: TextEncoding, isString: boolean): Buffer {
  if (encoding !== 'utf8') return edits.apply(bytes, encoded(isString ? `"${REDACTED}"` : REDACTED, encoding));
  // Formats that count their bytes would not survive another length.
  if (isBinary(bytes)) return edits.mask(bytes);
  return isString ? edits.apply(bytes, REDACTED_STRING) : edits.apply(bytes);
}

function isGlanceEnough(bytes: Uint8Array, type: MediaType, isCut: boolean): boolean {
  return !isCut && bytes.length < OPAQUE_BYTES_MIN && !type.isGrpcWebText && textEncoding(bytes, type) === 'utf8';
}

function holds(joined: string, survey: Survey): boolean {
  const may = survey.read(Buffer.from(joined));
  survey.forget();
  return may;
}

function encoded(text: string, encoding: 'utf16le' | 'utf16be'): Buffer {
  const bytes = Buffer.from(text, 'utf16le');
  return encoding === 'utf16le' ? bytes : bytes.swap16();
}
