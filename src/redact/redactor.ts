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
import type { Trace, TraceBody, TraceRequest } from '../trace/trace.js';
import { REDACTED } from './edits.js';
import { createDocumentRedactor, type DocumentRedactor } from './redact-document.js';
import { createSecretValues } from './secret-values.js';
import { createSensitiveNames, HeaderKind, type SensitiveNames } from './sensitive-names.js';

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
}

/**
 * Without patterns of the user's, which must be found wrong at once, it is made when the first trace comes: until then a
 * sensor does without RE2 and its automata.
 *
 * @throws SyntaxError that names a pattern RE2 cannot read
 */
export function createRedactor(settings: RedactionSettings): (trace: Trace) => void {
  if (settings.patterns.length > 0) return makeRedactor(settings);
  let made: ((trace: Trace) => void) | null = null;
  return (trace) => {
    made ??= makeRedactor(settings);
    made(trace);
  };
}

function makeRedactor(settings: RedactionSettings): (trace: Trace) => void {
  const { defaults, headers, queries, fields, patterns, bodies } = settings;
  const addsNothing = headers.length + queries.length + fields.length + patterns.length === 0;
  const names = createSensitiveNames({ defaults, headers, queries, fields });
  const values = createSecretValues(patterns, defaults);
  const documents = createDocumentRedactor(names, values);

  function redactBody(body: TraceBody, contentType: string): void {
    if (!bodies) {
      body.truncated ||= body.bytes > 0;
      body.content = NO_CONTENT;
    } else if (body.content.length > 0 && !(defaults && isMedia(contentType))) {
      body.content = documents.redactBody(body.content, contentType);
    }
  }

  if (!bodies && !defaults && addsNothing)
    return ({ request, response }) => {
      redactBody(request.body, '');
      if (response !== null) redactBody(response.body, '');
    };
  if (!defaults && addsNothing) return () => {};

  return ({ request, response }) => {
    // Said by a header that may itself be secret, and needed to read the body.
    const requestType = contentTypeOf(request);
    const responseType = response === null ? '' : contentTypeOf(response);
    // By their names first. What is left of all texts but the bodies is then asked about at once: most traces hold nothing
    // there, and a question costs more than the text it is about.
    const requestTexts = redactNamed(request, defaults, names);
    const responseTexts = response === null ? '' : redactNamed(response, defaults, names);
    const isClean = !documents.mayHoldSecretValue(`${request.target}\n${requestTexts}${responseTexts}`);
    redactTarget(request, documents, names, isClean);
    request.authority = withoutUserinfo(request.authority);
    redactMessage(request, requestType, requestTexts, isClean);
    if (response !== null) redactMessage(response, responseType, responseTexts, isClean);
  };

  function redactMessage(message: Message, contentType: string, texts: string, isClean: boolean): void {
    const isSuspect = !isClean && documents.mayHoldSecretValue(texts);
    if (texts !== '' && (isSuspect || documents.mayRedactText(texts, true))) {
      redactValues(message.headers, defaults, documents, names);
      redactValues(message.trailers, defaults, documents, names);
    }
    redactBody(message.body, contentType);
  }
}

type Message = Pick<TraceRequest, 'headers' | 'trailers' | 'body'>;

function contentTypeOf({ headers }: Message): string {
  return headers.find(([name]) => name.length === 12 && name.toLowerCase() === 'content-type')?.[1] ?? '';
}

const NO_CONTENT = new Uint8Array(0);

/** Pictures, sound and fonts hold no secrets anyone could read, and plenty of bytes that look like some. */
function isMedia(contentType: string): boolean {
  return /^\s*(?:image\/(?!svg)|audio\/|video\/|font\/)/i.test(contentType);
}

/** Takes out what is secret by the name of its header; returns the values of the others, a line each. */
function redactNamed({ headers, trailers }: Message, defaults: boolean, names: SensitiveNames): string {
  let others = '';
  for (const section of trailers.length === 0 ? [headers] : [headers, trailers]) {
    for (const header of section) {
      const [name, value] = header;
      const kind = names.header(name);
      if (kind === HeaderKind.harmless) continue;
      const keep = defaults ? SYNTAXES.get(name.length <= 19 ? name.toLowerCase() : name) : undefined;
      if (keep !== undefined) header[1] = keep(value);
      else if (kind === HeaderKind.secret) header[1] = value === '' ? '' : REDACTED;
      else others += `${value}\n`;
    }
  }
  return others;
}

/** Takes out what is secret by its form. */
function redactValues(
  headers: HeaderPair[],
  defaults: boolean,
  documents: DocumentRedactor,
  names: SensitiveNames,
): void {
  for (const header of headers) {
    const [name, value] = header;
    if (names.header(name) !== HeaderKind.plain || (defaults && SYNTAXES.has(name.toLowerCase()))) continue;
    if (isUrl(value)) header[1] = redactUrl(value, documents, names, false);
    else if (documents.mayRedactText(value, false)) header[1] = documents.redactText(value);
  }
}

/** What of a header with a syntax of its own is no secret. */
const SYNTAXES = new Map<string, (value: string) => string>([
  ['authorization', keepScheme],
  ['proxy-authorization', keepScheme],
  ['cookie', keepCookieNames],
  ['set-cookie', keepCookieAttributes],
]);

/** `scheme SP credentials` (RFC 9110 §11.4). */
function keepScheme(value: string): string {
  const scheme = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]+(?=\S)/.exec(value);
  if (scheme === null) return value === '' ? '' : REDACTED;
  return `${scheme[1]} ${REDACTED}`;
}

/** `name=value; name=value` (RFC 6265 §4.2.1). */
function keepCookieNames(value: string): string {
  return value
    .split(';')
    .map((pair) => {
      const equals = pair.indexOf('=');
      if (equals >= 0) return equals + 1 < pair.length ? `${pair.slice(0, equals + 1)}${REDACTED}` : pair;
      // Without a name it is a value.
      return pair.trim() === '' ? pair : `${pair.startsWith(' ') ? ' ' : ''}${REDACTED}`;
    })
    .join(';');
}

/** `name=value; attributes` (RFC 6265 §4.1.1). */
function keepCookieAttributes(value: string): string {
  const semicolon = value.indexOf(';');
  if (semicolon < 0) return keepCookieNames(value);
  return keepCookieNames(value.slice(0, semicolon)) + value.slice(semicolon);
}

/** Whether a header's value is one URL with a query or a fragment, or a path with one. */
function isUrl(value: string): boolean {
  return (value.includes('?') || value.includes('#')) && /^(?:[A-Za-z][A-Za-z0-9+.-]*:\/)?\/[^\s<>"]*$/.test(value);
}

function redactTarget(
  request: TraceRequest,
  documents: DocumentRedactor,
  names: SensitiveNames,
  isClean: boolean,
): void {
  const { method, path, query } = request;
  // No part of the authority-form (RFC 9112 §3.2.3), but clients send it.
  const target = method === 'CONNECT' ? withoutUserinfo(request.target) : request.target;
  request.path = redactPath(path, documents, names, isClean);
  request.query = redactQuery(query, documents, isClean);
  // Most targets are made of these two, which then need no second look.
  if (target === path) request.target = request.path;
  else if (target === `${path}?${query}`) request.target = `${request.path}?${request.query}`;
  else request.target = redactUrl(target, documents, names, isClean);
}

function withoutUserinfo(authority: string): string {
  return authority.replace(/^.*@/s, `${REDACTED}@`);
}

function redactUrl(url: string, documents: DocumentRedactor, names: SensitiveNames, isClean: boolean): string {
  const question = url.indexOf('?');
  if (question < 0) return redactPath(url, documents, names, isClean);
  const path = redactPath(url.slice(0, question), documents, names, isClean);
  return `${path}?${redactQuery(url.slice(question + 1), documents, isClean)}`;
}

/** A query, and the fragment behind it where there is one: tokens travel in either. */
function redactQuery(query: string, documents: DocumentRedactor, isClean: boolean): string {
  const hash = query.indexOf('#');
  if (hash < 0) return documents.redactQuery(query, isClean);
  const [before, behind] = [query.slice(0, hash), query.slice(hash + 1)];
  return `${documents.redactQuery(before, isClean)}#${documents.redactQuery(behind, isClean)}`;
}

/** A path may carry parameters, `;jsessionid=…` (RFC 3986 §3.3), and a fragment where there is no query. */
function redactPath(path: string, documents: DocumentRedactor, names: SensitiveNames, isClean: boolean): string {
  const hash = path.indexOf('#');
  if (hash >= 0) {
    const before = redactPath(path.slice(0, hash), documents, names, isClean);
    return `${before}#${documents.redactQuery(path.slice(hash + 1), isClean)}`;
  }
  const plain = path.includes(';')
    ? path.replace(/;([^=;/]+)=([^;/]*)/g, (pair, name) => (names.query(name) ? `;${name}=${REDACTED}` : pair))
    : path;
  return documents.mayRedactText(plain, isClean) ? documents.redactText(plain) : plain;
}
