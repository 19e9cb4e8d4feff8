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
import type { Trace, TraceBody } from '../pair/trace.js';
import { REDACTED } from './edits.js';
import { createDocumentRedactor, type DocumentRedactor } from './redact-document.js';
import { createSecretValues } from './secret-values.js';
import { createSensitiveNames, type SensitiveNames } from './sensitive-names.js';

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

/** @throws SyntaxError that names a pattern RE2 cannot read */
export function createRedactor(settings: RedactionSettings): (trace: Trace) => void {
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

  return (trace) => {
    const { request, response } = trace;
    request.target = redactUrl(request.target, documents, names);
    request.path = redactPath(request.path, documents, names);
    request.query = documents.redactQuery(request.query);
    request.authority = documents.redactText(request.authority);
    for (const message of response === null ? [request] : [request, response]) {
      const contentType = message.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
      redactHeaders(message.headers, defaults, documents, names);
      redactHeaders(message.trailers, defaults, documents, names);
      redactBody(message.body, contentType);
    }
  };
}

const NO_CONTENT = new Uint8Array(0);

/** Pictures, sound and fonts hold no secrets anyone could read, and plenty of bytes that look like some. */
function isMedia(contentType: string): boolean {
  return /^\s*(?:image\/(?!svg)|audio\/|video\/|font\/)/i.test(contentType);
}

function redactHeaders(
  headers: HeaderPair[],
  defaults: boolean,
  documents: DocumentRedactor,
  names: SensitiveNames,
): void {
  for (const header of headers) {
    const name = header[0].toLowerCase();
    if (HARMLESS_HEADERS.has(name)) continue;
    const keep = defaults ? SYNTAXES.get(name) : undefined;
    if (keep !== undefined) header[1] = keep(header[1]);
    else if (names.header(name)) header[1] = header[1] === '' ? '' : REDACTED;
    else header[1] = isUrl(header[1]) ? redactUrl(header[1], documents, names) : documents.redactText(header[1]);
  }
}

/** Ids of traces, and what is too common to be looked at each time. */
const HARMLESS_HEADERS = new Set([
  'traceparent',
  'tracestate',
  'x-amzn-trace-id',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'content-type',
  'content-length',
  'date',
  'connection',
  'accept',
  'accept-encoding',
  'accept-language',
  'transfer-encoding',
]);

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

/** Whether a header's value is one URL with a query, or a path with one. */
function isUrl(value: string): boolean {
  return value.includes('?') && /^(?:[A-Za-z][A-Za-z0-9+.-]*:\/)?\/[^\s<>"]*$/.test(value);
}

function redactUrl(url: string, documents: DocumentRedactor, names: SensitiveNames): string {
  const question = url.indexOf('?');
  if (question < 0) return redactPath(url, documents, names);
  const fragment = url.indexOf('#', question);
  const end = fragment < 0 ? url.length : fragment;
  const query = documents.redactQuery(url.slice(question + 1, end));
  const rest = fragment < 0 ? '' : `#${documents.redactQuery(url.slice(end + 1))}`;
  return `${redactPath(url.slice(0, question), documents, names)}?${query}${rest}`;
}

/** A path may carry parameters, `;jsessionid=…` (RFC 3986 §3.3). */
function redactPath(path: string, documents: DocumentRedactor, names: SensitiveNames): string {
  const plain = path.includes(';')
    ? path.replace(/;([^=;/]+)=([^;/]*)/g, (pair, name) => (names.query(name) ? `;${name}=${REDACTED}` : pair))
    : path;
  return documents.redactText(plain);
}
