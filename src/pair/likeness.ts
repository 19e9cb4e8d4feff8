/**
 * What a request's headers say of its client, and how little lost bytes must be to have held no message.
 *
 * in:  headers, or an exchange under way · out: a verdict
 */
import type { HeaderList } from '../http/header-list.js';
import type { PendingExchange } from './pending-exchanges.js';

/** `GET / HTTP/1.0` and its empty line. */
export const REQUEST_BYTES_MIN = 18;
/** Lost bytes as few as these may have been no more than `HTTP/1.1 100 Continue` and its empty line. */
export const INTERIM_BYTES = 25;

/** The first headers that the requests of a client have in common. */
const HEADERS_ALIKE = 3;

/** Whether `headers` are those of a client that sends `known`: a message inside a body has others. */
export function resembles(headers: HeaderList | null, known: HeaderList | undefined): boolean {
  if (headers === null || known === undefined || headers.get('host') !== known.get('host')) return false;
  const names = (list: HeaderList) =>
    list
      .pairs()
      .slice(0, HEADERS_ALIKE)
      .map(([name]) => name);
  return names(headers).join() === names(known).join();
}

/** Methods whose requests have content, most often: what is left of one's body may begin with any text. */
const WITH_CONTENT = /^(POST|PUT|PATCH)$/i;

/**
 * Whether a request that stands alone may well be text in a body: it has content, as text has that is worth being sent in
 * another request, and says nothing of the program that sends it, or the connection that it is on.
 */
export function mayBeText(method: string, headers: HeaderList): boolean {
  const isNamed = ['user-agent', 'connection', 'accept-encoding'].some((name) => headers.get(name) !== undefined);
  return WITH_CONTENT.test(method) && !isNamed;
}

/** Names among the first headers that two requests of a client share at least, whatever their methods are. */
const SHARED_MIN = 2;
/** Headers that say something of the content. */
const OF_CONTENT = /^(content-.*|transfer-encoding|expect)$/;

/** Whether two requests may be of one client: they name the same host and agent, and begin alike. */
export function areAlike(one: HeaderList, other: HeaderList): boolean {
  if (['host', 'user-agent'].some((name) => one.get(name) !== other.get(name))) return false;
  const names = firstNames(other);
  const shared = firstNames(one).filter((name) => names.includes(name)).length;
  return shared >= Math.min(SHARED_MIN, names.length);
}

const firstNames = (headers: HeaderList): string[] =>
  headers
    .pairs()
    .map(([name]) => name.toLowerCase())
    .filter((name) => !OF_CONTENT.test(name))
    .slice(0, HEADERS_ALIKE);

/** Whether the client asked if it should send the body (RFC 9110 §10.1.1), or may have. */
export function asksFirst({ exchange }: PendingExchange): boolean {
  return exchange === null || exchange.request.headers.get('expect') !== undefined;
}
