/**
 * Takes the secrets out of headers and trailers: what is secret by its name as a whole, what of it has a syntax of its
 * own (the scheme, names of cookies) stays; other values are searched by form, and as URLs.
 */
import type { HeaderPair } from '../pair/exchange.js';
import type { CleanTexts } from './clean-texts.js';
import { keepCookieAttributes, keepCookieNames } from './cookie-values.js';
import { REDACTED } from './edits.js';
import { isPlaceholder } from './placeholders.js';
import { isUrl, redactUrl, type TargetContext } from './redact-target.js';
import type { Redactions } from './redactions.js';
import type { NameRule } from './sensitive-names.js';

/** Ids of traces, names that only look like a secret's, and what is too common to be looked at each time. */
const HARMLESS_HEADERS = new Set([
  'traceparent',
  'tracestate',
  'x-amzn-trace-id',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'access-control-allow-credentials',
  'content-type',
  'content-length',
  'date',
  'connection',
  'accept',
  'accept-encoding',
  'accept-language',
  'transfer-encoding',
  'sec-websocket-key',
  'sec-websocket-accept',
  'idempotency-key',
  'x-idempotency-key',
  'surrogate-key',
  'cache-key',
  'x-cache-key',
  'etag',
  'if-none-match',
  'if-match',
  'grpc-status-details-bin',
  'grpc-trace-bin',
  'grpc-tags-bin',
  'host',
  'user-agent',
  'server',
  'vary',
  'x-request-id',
  'x-correlation-id',
  'x-amz-content-sha256',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-customer-key-md5',
  'key-pair-id',
  'clear-site-data',
  'x-pagination-key',
  'x-next-token',
  'last-event-id',
  'access-control-allow-headers',
  'access-control-expose-headers',
  'access-control-request-headers',
  'x-key-id',
  'x-amz-meta-key',
  'sec-fetch-site',
  'sec-ch-ua',
  'content-security-policy',
  'strict-transport-security',
]);

/** What of a header with a syntax of its own is no secret. */
const SYNTAXES = new Map<string, (value: string) => string>([
  ['authorization', keepScheme],
  ['proxy-authorization', keepScheme],
  ['grpc-metadata-authorization', keepScheme],
  ['x-forwarded-authorization', keepScheme],
  ['x-original-authorization', keepScheme],
  ['x-amzn-remapped-authorization', keepScheme],
  ['www-authenticate', keepChallenge],
  ['proxy-authenticate', keepChallenge],
  ['sec-websocket-protocol', keepProtocols],
  ['cookie', keepCookieNames],
  ['cookie2', keepCookieNames],
  ['set-cookie', keepCookieAttributes],
  ['set-cookie2', keepCookieAttributes],
]);

const SYNTAX_CAUSES = [
  { rule: 'name:cookie', name: null },
  { rule: 'name:authorization', name: null },
] as const;

export interface HeaderContext extends TargetContext {
  readonly clean: CleanTexts;
  readonly section: 'header' | 'trailer';
}

/** Takes out what is secret by the name of its header; returns the values of the others, a line each. */
export function redactNamedHeaders(headers: HeaderPair[], context: HeaderContext, redactions: Redactions): string {
  let others = '';
  for (const header of headers) {
    const [name, value] = header;
    if (value === '') continue;
    const lower = name.toLowerCase().trimEnd();
    const rule = context.names.ofText('header', lower);
    const isYours = rule !== null && rule.value === null;
    if (context.defaults && !isYours) {
      if (HARMLESS_HEADERS.has(lower)) {
        redactPublic(header, lower, context, redactions);
        continue;
      }
      const keep = SYNTAXES.get(lower);
      if (keep !== undefined) {
        header[1] = keep(value);
        if (header[1] !== value)
          redactions.note(
            `${context.section}.${lower}`,
            SYNTAX_CAUSES[lower.includes('cookie') ? 0 : 1],
            value,
            header[1],
          );
        redactPublic(header, lower, context, redactions);
        continue;
      }
    }
    if (rule !== null && isSecretHeader(rule, lower, value)) {
      header[1] = redactedHeader(value);
      redactions.note(`${context.section}.${lower}`, { rule: rule.id, name: null }, value, header[1]);
    } else if (context.defaults && /-bin$/.test(lower)) {
      header[1] = REDACTED;
      redactions.note(`${context.section}.${lower}`, { rule: 'name:bin', name: null }, value, REDACTED);
    } else others += `${value}\n`;
  }
  return others;
}

/** Whether nothing in a header of this name, in small letters, is ever replaced. */
export function isHarmlessHeader(name: string, { defaults, names, documents }: HeaderContext): boolean {
  return (
    defaults && !documents.hasPatterns && HARMLESS_HEADERS.has(name) && names.ofText('header', name)?.value !== null
  );
}

/** What is left of a header that holds no secret, or none any more, may be one to the user. */
function redactPublic(header: HeaderPair, name: string, context: HeaderContext, redactions: Redactions): void {
  if (!context.documents.hasPatterns) return;
  const redacted = context.documents.public(header[1]);
  header[1] = redacted.result;
  redactions.noteAll(`${context.section}.${name}`, redacted, false);
}

function isSecretHeader(rule: NameRule, name: string, value: string): boolean {
  if (rule.value === null) return true;
  if (name === 'refresh' || name === 'access') return false;
  // What is left of a limit.
  if (name.endsWith('tokens') && /^[\d.hms]{1,16}$/.test(value)) return false;
  if (/-type$|-id$/.test(name) && !/(?:session|sess|access-?key)-?id$/.test(name)) return false;
  return !isPlaceholder(value) || value === REDACTED;
}

/** `Basic …` in a header of another name keeps its scheme. */
function redactedHeader(value: string): string {
  return /^(?:Basic|Bearer|Digest|Negotiate|Token)[ \t]+\S/i.test(value) ? keepScheme(value) : REDACTED;
}

/** A shorter text is asked about before it is searched, as it may be known. */
const LONG_LENGTH_MIN = 512;

/** Whether the values are a long one alone: a search of it begins with the same look at it. */
export function isOneLong(values: string): boolean {
  return values.length > LONG_LENGTH_MIN && values.indexOf('\n') === values.length - 1 && !isUrl(values.slice(0, -1));
}

/** Takes out what is secret by its form. */
export function redactHeaderValues(headers: HeaderPair[], context: HeaderContext, redactions: Redactions): void {
  for (const header of headers) {
    const [name, value] = header;
    if (value === '' || value === REDACTED) continue;
    const lower = name.toLowerCase().trimEnd();
    if (context.defaults && (HARMLESS_HEADERS.has(lower) || SYNTAXES.has(lower))) continue;
    if (context.clean.has(name, value)) continue;
    if (isUrl(value)) {
      header[1] = redactUrl(value, context, redactions);
      // Even where nothing else was, a rule may have been noted.
      if (header[1] === value && !value.includes(REDACTED)) context.clean.add(name, value);
      continue;
    }
    const redacted = context.documents.text(value, name);
    header[1] = redacted.result;
    redactions.noteAll(`${context.section}.${lower}`, redacted, false);
    if (redacted.causes.length === 0) context.clean.add(name, value);
  }
}

/** `scheme SP credentials` (RFC 9110 §11.4). */
function keepScheme(value: string): string {
  const scheme = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})[ \t]+(?=\S)/.exec(value);
  if (scheme === null) return value.trim() === '' ? value : REDACTED;
  return `${scheme[1]} ${REDACTED}`;
}

/** Challenges keep their parameters; what stands there without a name is a token (RFC 9110 §11.3). */
function keepChallenge(value: string): string {
  return value
    .replace(/(^|,\s*)([A-Za-z][\w-]{0,30})[ \t]+([A-Za-z0-9._~+/-]{16,}={0,2})(?=\s*(?:,|$))/g, `$1$2 ${REDACTED}`)
    .replace(/\b(nonce|opaque)="[^"]{1,4096}"/gi, `$1="${REDACTED}"`);
}

/** Clients of browsers put tokens among the subprotocols, as they can set no other header (RFC 6455 §11.3.4). */
function keepProtocols(value: string): string {
  return value
    .split(',')
    .map((protocol) => {
      const text = protocol.trim();
      if (
        text.length < 16 ||
        (/^[a-z0-9]+(?:[-._][a-z0-9]+)*$/.test(text) &&
          text.split(/[-._]/).every((word) => word.length <= 14 && !/\d[a-z]+\d/.test(word)))
      )
        return protocol;
      const prefix = /^\s*/.exec(protocol)?.[0] ?? '';
      return `${prefix}${REDACTED}`;
    })
    .join(',');
}
