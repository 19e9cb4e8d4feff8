/**
 * Takes the secrets out of a request target, and of any URL: userinfo, parameters of the path, the query, the fragment, and
 * path segments that are tokens because of what stands before them (`/reset/…`, `/invite/…`, `/services/T…/B…/…`).
 */
import type { TraceRequest } from '../trace/trace.js';
import { REDACTED } from './edits.js';
import { hasLongSegment, redactSegments } from './path-segments.js';
import type { PlainQueries } from './plain-query.js';
import type { DocumentRedactor } from './redact-document.js';
import type { Redactions } from './redactions.js';
import type { SensitiveNames } from './sensitive-names.js';
import { isSecretValue } from './value-shapes.js';

export interface TargetContext {
  readonly documents: DocumentRedactor;
  readonly names: SensitiveNames;
  readonly defaults: boolean;
  readonly plainQueries: PlainQueries;
}

/** `isPathClean`: it is known that the path as it was sent holds nothing by itself. */
export function redactTarget(
  request: TraceRequest,
  context: TargetContext,
  redactions: Redactions,
  isPathClean = false,
): void {
  const { method, path, query } = request;
  // No part of the authority-form (RFC 9112 §3.2.3), but clients send it.
  const target = method === 'CONNECT' ? withoutUserinfo(request.target, redactions) : request.target;
  request.path = redactPath(path, context, redactions, isPathClean);
  request.query = redactQuery(query, context, redactions, path);
  // Most targets are made of these two, which then need no second look.
  if (isMadeOf(target, path, query)) {
    if (request.path === path && request.query === query) request.target = target;
    else request.target = target.length === path.length ? request.path : `${request.path}?${request.query}`;
  } else {
    // The same bytes once more.
    context.documents.expect(-target.length);
    request.target = redactions.again(() => redactUrl(target, context, redactions));
  }
}

/** Whether a target is a path alone, or a path, a question mark and a query. */
function isMadeOf(target: string, path: string, query: string): boolean {
  if (!target.startsWith(path)) return false;
  const { length } = path;
  if (target.length === length) return true;
  return target.length === length + 1 + query.length && target.charCodeAt(length) === 0x3f && target.endsWith(query);
}

/** The authority as it is told beside the target: without user and password. */
export function redactAuthority(authority: string, { documents }: TargetContext, redactions: Redactions): string {
  const bare = withoutUserinfo(authority, redactions);
  if (!documents.hasPatterns) return bare;
  const redacted = documents.public(bare);
  redactions.noteAll('authority', redacted);
  return redacted.result;
}

function withoutUserinfo(authority: string, redactions: Redactions): string {
  if (!authority.includes('@')) return authority;
  const at = authority.lastIndexOf('@');
  if (at < 0) return authority;
  const after = `${REDACTED}${authority.slice(at)}`;
  redactions.note('authority', { rule: 'looks:userinfo', name: null }, authority, after);
  return after;
}

/** Whether a header's value is one URL, or a path. */
export function isUrl(value: string): boolean {
  return /^(?:[A-Za-z][A-Za-z0-9+.-]{0,30}:\/)?\/[^\s<>",]*$/.test(value);
}

export function redactUrl(url: string, context: TargetContext, redactions: Redactions): string {
  const question = url.indexOf('?');
  if (question < 0) return redactPath(url, context, redactions);
  const path = redactPath(url.slice(0, question), context, redactions);
  return `${path}?${redactQuery(url.slice(question + 1), context, redactions, path)}`;
}

/** A query, and the fragment behind it where there is one: tokens travel in either. */
function redactQuery(query: string, context: TargetContext, redactions: Redactions, path: string): string {
  if (query === '') return query;
  const { documents, plainQueries } = context;
  if (!documents.hasPatterns && plainQueries.has(query) && !TOKEN_PATH.test(path)) return query;
  const hash = query.indexOf('#');
  const [before, behind] = hash < 0 ? [query, null] : [query.slice(0, hash), query.slice(hash + 1)];
  const first = documents.query(before, TOKEN_PATH.test(path));
  redactions.noteAll('query', first);
  if (behind === null) return first.result;
  return `${first.result}#${redactFragment(behind, documents, redactions)}`;
}

/** The fragment of a single page may hold a path with a query of its own. */
function redactFragment(fragment: string, documents: DocumentRedactor, redactions: Redactions): string {
  const question = fragment.indexOf('?');
  const redacted = documents.query(question < 0 ? fragment : fragment.slice(question + 1));
  redactions.noteAll('fragment', redacted);
  return question < 0 ? redacted.result : `${fragment.slice(0, question + 1)}${redacted.result}`;
}

/** A path may carry parameters, `;jsessionid=…` (RFC 3986 §3.3), and a fragment where there is no query. */
function redactPath(path: string, context: TargetContext, redactions: Redactions, isClean = false): string {
  const hash = path.indexOf('#');
  if (hash >= 0) {
    const before = redactPath(path.slice(0, hash), context, redactions);
    return `${before}#${redactFragment(path.slice(hash + 1), context.documents, redactions)}`;
  }
  // A target that begins like a reference without a scheme (RFC 3986 §4.2).
  const userinfo = context.defaults && path.startsWith('//') ? /^\/\/[^/@:]*:[^/]*@/.exec(path) : null;
  if (userinfo !== null) {
    const after = `//${REDACTED}${path.slice(userinfo[0].length - 1)}`;
    redactions.note('path', { rule: 'looks:userinfo', name: null }, path, after);
    return redactPath(after, context, redactions);
  }
  if (path.length < 8 && !context.documents.hasPatterns) return path;
  const { names, documents, defaults } = context;
  let result = path.includes(';')
    ? path.replace(/;([^=;/]+)=([^;/]*)/g, (pair, name: string, value: string) => {
        const rule = names.ofText('query', name) ?? names.ofText('field', name);
        const bytes = Buffer.from(value);
        if (rule === null || !isSecretValue(rule.value, bytes, 0, bytes.length)) return pair;
        redactions.note('path', { rule: rule.id, name }, value, REDACTED);
        return `;${name}=${REDACTED}`;
      })
    : path;
  if (defaults && hasLongSegment(path)) result = redactSegments(result, names, redactions);
  if ((isClean && result === path) || !documents.mayHold(result, /\d/.test(result))) return result;
  const redacted = documents.text(result, 'path');
  redactions.noteAll('path', redacted);
  return redacted.result;
}

/** The path of a link from a mail. */
const TOKEN_PATH =
  /(?:^|[/_-])(?:reset|verify|verification|confirm|confirmation|activate|activation|unsubscribe|invite|invitation|magic|magiclink|recover|unlock)[\w-]{0,20}\/?$/i;
