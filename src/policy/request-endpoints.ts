/**
 * The endpoint that each request is for, and what is known of requests that share their headers: whom they are for, and which endpoint
 * the last of them had. A client that asks the same again costs no more than a comparison.
 *
 * in: an exchange whose request's head is complete · out: the number of its endpoint, as `EndpointHasher` has it
 */
import type { HeaderList } from '../http/header-list.js';
import type { Exchange } from '../pair/exchange.js';
import { requestAuthority, requestPath } from '../pair/request-target.js';
import { EndpointHasher } from './endpoint-hasher.js';

/** Nothing longer is remembered. */
const TARGET_LENGTH_MAX = 256;
const SLASH = 0x2f;

/** By one list of headers, of requests whose target is a path. */
interface Known {
  /** Null where the headers do not say it. */
  readonly authority: string | null;
  method: string;
  target: string;
  endpoint: number;
}

export class RequestEndpoints {
  readonly #hasher = new EndpointHasher();
  readonly #known = new WeakMap<HeaderList, Known>();

  /** `method`: as if it had been sent by that. */
  of(exchange: Exchange, method: string = exchange.request.method): number {
    const { target, headers } = exchange.request;
    const isPath =
      target.charCodeAt(0) === SLASH && exchange.request.method !== 'CONNECT' && exchange.stream === undefined;
    const known = isPath && headers.isShared ? this.#of(exchange) : null;
    if (known === null || known.authority === null)
      return isPath
        ? this.#hasher.key(method, requestAuthority(exchange), target, pathEnd(target))
        : this.#hasher.key(method, requestAuthority(exchange), requestPath(method, target));
    if (known.target === target && known.method === method) return known.endpoint;
    const endpoint = this.#hasher.key(method, known.authority, target, pathEnd(target));
    if (target.length <= TARGET_LENGTH_MAX) {
      known.method = method;
      known.target = target;
      known.endpoint = endpoint;
    }
    return endpoint;
  }

  #of(exchange: Exchange): Known {
    const { headers } = exchange.request;
    let known = this.#known.get(headers);
    if (known === undefined) {
      const isNamed = (headers.get('host') ?? '') !== '';
      known = { authority: isNamed ? requestAuthority(exchange) : null, method: '', target: '', endpoint: 0 };
      this.#known.set(headers, known);
    }
    return known;
  }
}

function pathEnd(target: string): number {
  const question = target.indexOf('?');
  return question < 0 ? target.length : question;
}
