/**
 * The route of a trace: its path with the values taken out, `/users/{userId}/orders/{orderId}`.
 *
 * in: a trace, redacted: nothing is in a route that is not in the path as well · out: a route, or null
 *
 * Only what is a value by its looks is taken for one, as a sensor has seen too little to know a word for a value. Routes are few, since what
 * reads traces groups by them: there are no more than `routes_max`, and what was not found makes none.
 */
import { parameterName } from './parameter-name.js';
import { isBase, isVersion, segmentsOf, splitSuffix, type ValueKind, valueKind } from './path-values.js';
import { RouteMemo } from './route-memo.js';
import { rpcOf } from './rpc.js';
import type { Trace } from './trace.js';

/** What is known of routes, for another thread to go on with. */
export interface KnownRoutes {
  readonly max: number;
  readonly routes: readonly string[];
}

export class Routes {
  readonly #routes = new Set<string>();
  readonly #memo = new RouteMemo();
  readonly #max: number;

  /** Names of what stands behind a word: words before values are as few as routes. */
  readonly #names = new Map<string, string>();

  constructor(routes_max: number, known: Pick<KnownRoutes, 'routes'> = { routes: [] }) {
    this.#max = routes_max;
    for (const route of known.routes) this.#routes.add(route);
  }

  get known(): KnownRoutes {
    return { max: this.#max, routes: [...this.#routes] };
  }

  of(trace: Trace): string | null {
    const { request, response } = trace;
    if (!request.path.startsWith('/') || rpcOf(trace) !== null) return null;
    const remembered = this.#memo.get(request.path);
    if (remembered !== null) return remembered;
    const route = routeOf(request.path, this.#nameOf);
    if (this.#routes.has(route)) {
      if (this.#memo.wants) this.#memo.add(request.path, copyOf(route));
      return route;
    }
    if (response === null || response.status === 404 || response.status === 405) return null;
    if (this.#routes.size >= this.#max) return null;
    const known = copyOf(route);
    this.#routes.add(known);
    this.#memo.add(request.path, known);
    return known;
  }

  readonly #nameOf = (before: string | null, kind: ValueKind | null): string => {
    if (before === null || kind === 'date' || kind === 'email') return parameterName(before, kind);
    const known = this.#names.get(before);
    if (known !== undefined) return known;
    if (this.#names.size >= this.#max || before.length > NAME_LENGTH_MAX) return parameterName(before, kind);
    const word = copyOf(before);
    const name = parameterName(word, kind);
    this.#names.set(word, name);
    return name;
  };
}

/** What is remembered must not be a slice, which would keep the head that it is from. */
function copyOf(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}

const PATH_LENGTH_MAX = 2048;
/** A longer word is not likely to come again. */
const NAME_LENGTH_MAX = 64;

/** @param nameOf as `parameterName`, which may remember */
export function routeOf(path: string, nameOf = parameterName): string {
  let route = '';
  let before: string | null = null;
  let isFirst = true;
  const names: string[] = [];
  for (const segment of segmentsOf(path.slice(0, PATH_LENGTH_MAX))) {
    let kind = valueKind(segment, isFirst);
    let suffix = '';
    if (kind === null) {
      const split = splitSuffix(segment);
      suffix = split.suffix;
      if (suffix !== '') kind = valueKind(split.stem, isFirst);
    }
    if (kind === null) {
      route += `/${segment}`;
      before = segment;
      isFirst &&= isBase(segment) || isVersion(segment);
      continue;
    }
    const wanted = nameOf(before, kind);
    let name = wanted;
    for (let number = 2; names.includes(name); number++) name = `${wanted}${number}`;
    names.push(name);
    route += `/{${name}}${suffix}`;
    before = null;
    isFirst = false;
  }
  return route;
}
