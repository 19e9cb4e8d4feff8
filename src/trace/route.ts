/**
 * The route of a trace: its path with the values taken out, `/users/{userId}/orders/{orderId}`.
 *
 * in: a trace, redacted: nothing is in a route that is not in the path as well · out: a route, or null
 *
 * Only what is a value by its looks is taken for one, as a sensor has seen too little to know a word for a value. Routes are few, since what
 * reads traces groups by them: there are no more than `routes_max`, and what was not found makes none.
 */
import { parameterName } from './parameter-name.js';
import { isBase, isVersion, segmentsOf, splitSuffix, valueKind } from './path-values.js';
import { rpcOf } from './rpc.js';
import type { Trace } from './trace.js';

export class Routes {
  readonly #routes = new Set<string>();
  readonly #max: number;

  constructor(routes_max: number) {
    this.#max = routes_max;
  }

  of(trace: Trace): string | null {
    const { request, response } = trace;
    if (!request.path.startsWith('/') || rpcOf(trace) !== null) return null;
    const route = routeOf(request.path);
    if (this.#routes.has(route)) return route;
    if (response === null || response.status === 404 || response.status === 405) return null;
    if (this.#routes.size >= this.#max) return null;
    this.#routes.add(route);
    return route;
  }
}

const PATH_LENGTH_MAX = 2048;

export function routeOf(path: string): string {
  let route = '';
  let before: string | null = null;
  let isFirst = true;
  const names: string[] = [];
  for (const segment of segmentsOf(path.slice(0, PATH_LENGTH_MAX))) {
    const { stem, suffix } =
      valueKind(segment, isFirst) === null ? splitSuffix(segment) : { stem: segment, suffix: '' };
    const kind = valueKind(stem, isFirst);
    if (kind === null) {
      route += `/${segment}`;
      before = segment;
      isFirst &&= isBase(segment) || isVersion(segment);
      continue;
    }
    const wanted = parameterName(before, kind);
    let name = wanted;
    for (let number = 2; names.includes(name); number++) name = `${wanted}${number}`;
    names.push(name);
    route += `/{${name}}${suffix}`;
    before = null;
    isFirst = false;
  }
  return route;
}
