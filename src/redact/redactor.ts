/**
 * Takes the secrets out of a trace before anything else sees it.
 *
 * in: a `Trace`, changed in place · sizes stay those on the wire, and ids stay what they are
 *
 *     Authorization: Bearer eyJ…           → Bearer REDACTED
 *     Cookie: sid=1f3a; theme=dark         → sid=REDACTED; theme=REDACTED
 *     Set-Cookie: sid=1f3a; Path=/         → sid=REDACTED; Path=/
 *     GET /login?user=ann&token=1f3a       → /login?user=ann&token=REDACTED
 *     http://ann:pass@example.com/         → http://REDACTED@example.com/
 *     {"user":"ann","password":"pass"}     → {"user":"ann","password":"REDACTED"}
 */

import type { HeaderPair } from '../pair/exchange.js';
import { compilePattern, isInSlashes } from '../policy/pattern-set.js';
import { sentHeadOf, contentTypeOf as typeAsSent } from '../trace/sent-message.js';
import type { Trace, TraceRequest, TraceResponse } from '../trace/trace.js';
import { CleanTexts } from './clean-texts.js';
import type { Glance } from './glance.js';
import { PlainQueries } from './plain-query.js';
import { type ContentRedactor, createContentRedactor } from './redact-content.js';
import { createDocumentRedactor } from './redact-document.js';
import { redactFacts } from './redact-facts.js';
import { type HeaderContext, isOneLong, redactHeaderValues, redactNamedHeaders } from './redact-headers.js';
import { SentHeadRedactor } from './redact-sent-head.js';
import { redactAuthority, redactTarget, type TargetContext } from './redact-target.js';
import { createRedactions, type Redactions } from './redactions.js';
import { SearchSteps } from './search-steps.js';
import { createSensitiveNames } from './sensitive-names.js';

export interface RedactionSettings {
  /** The built-in names and forms; without, only what the lists below add. */
  defaults: boolean;
  /** Names, compared without case and punctuation. */
  headers: readonly string[];
  queries: readonly string[];
  fields: readonly string[];
  /** RE2 patterns of values, wherever they stand. */
  patterns: readonly string[];
  /** Whether bodies are sent at all. */
  bodies: boolean;
  /** What to do with bodies that have no text form, or could not be decoded. */
  opaqueBodies?: OpaqueBodies;
  /** Names, or values as `/RE2/`, that are not to be replaced, unless the lists above name them. */
  allow?: readonly string[];
  /** IBANs and US social security numbers too. */
  pii?: boolean;
  /** Whether a trace gets `replacements`: each value that was replaced, by itself. */
  explains?: boolean;
}

export type OpaqueBodies = 'searched' | 'drop' | 'keep';

export interface RedactorContext {
  /** Called with how many texts and names were forgotten to make room for others. */
  onEvicted(count: number): void;
}

/**
 * Without patterns of the user's, which must be found wrong at once, it is made when the first trace comes, or by its `preparation`: a
 * sensor that makes no traces does without.
 *
 * @throws SyntaxError that names a pattern RE2 cannot read
 */
export function createRedactor(
  settings: RedactionSettings,
  context: RedactorContext = { onEvicted: () => {} },
): (trace: Trace) => void {
  if (settings.patterns.length + (settings.allow?.length ?? 0) > 0) return makeRedactor(settings, context);
  let made: ((trace: Trace) => void) | null = null;
  return (trace) => {
    made ??= makeRedactor(settings, context);
    made(trace);
  };
}

function makeRedactor(settings: RedactionSettings, { onEvicted }: RedactorContext): (trace: Trace) => void {
  const { defaults, headers, queries, fields, patterns, bodies, allow = [], pii = false, explains = false } = settings;
  const addsNothing = headers.length + queries.length + fields.length + patterns.length === 0 && !pii;
  const allowed = allow.filter(isInSlashes).map((text) => compilePattern(text.slice(1, -1), ''));
  const steps = new SearchSteps();
  const names = createSensitiveNames({
    steps,
    defaults,
    headers,
    queries,
    fields,
    allow: allow.filter((text) => !isInSlashes(text)),
    onEvicted,
  });
  const documents = createDocumentRedactor(names, {
    steps,
    patterns,
    defaults,
    pii,
    hasNames: fields.length + queries.length > 0,
    explains,
    onEvicted,
    isAllowed: allowed.length === 0 ? null : (value) => allowed.some((expression) => expression.test(value)),
  });
  const content = createContentRedactor(settings, documents);
  const target: TargetContext = { documents, names, defaults, plainQueries: new PlainQueries(names, pii) };
  const clean = new CleanTexts(onEvicted);
  const headerContext: HeaderContext = { ...target, clean, section: 'header' };
  const trailerContext: HeaderContext = { ...target, clean, section: 'trailer' };

  function redactPairs(pairs: HeaderPair[], context: HeaderContext, redactions: Redactions): void {
    if (pairs.length === 0) return;
    const others = redactNamedHeaders(pairs, context, redactions);
    // What is left of all texts is asked about at once: most heads hold nothing there.
    if (others !== '' && (isOneLong(others) || documents.mayHold(others)))
      redactHeaderValues(pairs, context, redactions);
  }

  const sentHeads = new SentHeadRedactor(headerContext);

  /** `isBodyClean`: it is known that its body holds nothing. */
  function redactMessage(
    message: TraceRequest | TraceResponse,
    redactions: Redactions,
    contentType: string,
    isBodyClean: boolean,
  ): void {
    const head = sentHeadOf(message);
    if (head === null) redactPairs(message.headers, headerContext, redactions);
    else sentHeads.redact(head, redactions);
    redactPairs(message.trailers, trailerContext, redactions);
    if (!isBodyClean) content.redact(message.body, contentType, redactions, 'body');
  }

  const glance = explains ? null : documents.glance;

  /** What a glance shows to hold nothing, as bits of `Clean`. */
  function cleanParts({ request, response }: Trace, requestType: string, responseType: string, at: Glance): number {
    at.begin();
    at.addText(request.path);
    let shown: number = Clean.path;
    if (content.show(request.body, requestType, at)) shown |= Clean.request;
    if (response !== null && content.show(response.body, responseType, at)) shown |= Clean.response;
    return at.mayHold() ? 0 : shown;
  }

  if (!bodies && !defaults && addsNothing) return (trace) => omitBodies(trace, content, createRedactions(explains));
  if (!defaults && addsNothing) return () => {};

  return (trace) => {
    const { request, response, messages } = trace;
    steps.begin();
    const redactions = createRedactions(explains);
    const requestType = contentTypeOf(request);
    const responseType = response === null ? '' : contentTypeOf(response);
    const clean = glance?.isWorthIt === true ? cleanParts(trace, requestType, responseType, glance) : 0;
    redactTarget(request, target, redactions, (clean & Clean.path) !== 0);
    request.authority = redactAuthority(request.authority, target, redactions);
    redactMessage(request, redactions, requestType, (clean & Clean.request) !== 0);
    if (response !== null) {
      redactions.side('response');
      // What one side sends costs nothing of what the other says.
      steps.begin();
      if (response.reason.length > 12 || documents.hasPatterns) {
        const redacted = documents.text(response.reason, '');
        response.reason = redacted.result;
        redactions.noteAll('reason', redacted);
      }
      redactMessage(response, redactions, responseType, (clean & Clean.response) !== 0);
    }
    redactFacts(trace, documents, redactions);
    if (messages !== undefined) content.redactMessages(trace, redactions);
    if (redactions.list.length > 0) trace.redactions = redactions.list;
    if (redactions.replacements !== null) trace.replacements = redactions.replacements;
  };
}

/** Where nothing else is asked for than that bodies are left out. */
function omitBodies(trace: Trace, content: ContentRedactor, redactions: Redactions): void {
  const { request, response } = trace;
  content.redact(request.body, '', redactions, 'body');
  if (response !== null) content.redact(response.body, '', redactions, 'body');
  content.redactMessages(trace, redactions);
}

/** Parts of a trace that need no search of their own. */
const Clean = { path: 1, request: 2, response: 4 } as const;

/** That of the header, of several the one that says multipart: what a receiver takes is not known. */
function contentTypeOf(message: TraceRequest | TraceResponse): string {
  if (sentHeadOf(message) !== null) return typeAsSent(message) ?? '';
  let found = '';
  for (const [name, value] of message.headers) {
    if (name.length < 12 || name.length > 16 || name.trimEnd().toLowerCase() !== 'content-type') continue;
    if (found === '' || /^\s*multipart\//i.test(value)) found = value;
  }
  return found;
}
