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

/** Whether a request says something of the connection that it is on, or of the program that sends it: text in a body seldom does. */
export function namesItsClient(headers: HeaderList): boolean {
  return ['user-agent', 'connection', 'accept-encoding'].some((name) => headers.get(name) !== undefined);
}

/** Names among the first headers that two requests of a client share at least, whatever their methods are. */
const SHARED_MIN = 2;

/** Whether two requests may be of one client: they name the same host and agent, and begin alike. */
export function areAlike(one: HeaderList, other: HeaderList | undefined): boolean {
  if (other === undefined) return false;
  if (['host', 'user-agent'].some((name) => one.get(name) !== other.get(name))) return false;
  const first = (list: HeaderList) =>
    list
      .pairs()
      .slice(0, HEADERS_ALIKE)
      .map(([name]) => name.toLowerCase());
  const names = first(other);
  const shared = first(one).filter((name) => names.includes(name)).length;
  return shared >= Math.min(SHARED_MIN, other.size);
}

/** Whether the client asked if it should send the body (RFC 9110 §10.1.1), or may have. */
export function asksFirst({ exchange }: PendingExchange): boolean {
  return exchange === null || exchange.request.headers.get('expect') !== undefined;
}
