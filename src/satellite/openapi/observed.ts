/**
 * How often something was seen: what `x-observed` says.
 *
 * A number where that is all there is to say, else an object with the number as `count`.
 */
export interface Observed {
  readonly count: number;
  /** In how many bodies, where one had several. */
  readonly bodies?: number;
  /** How many of them the server took, where it refused some. */
  readonly accepted?: number;
  /** How many of each type, where there were several. */
  readonly types?: Readonly<Record<string, number>>;
  /** How many of each member of an enumeration. */
  readonly values?: Readonly<Record<string, number>>;
}

export function written(observed: Observed): number | Observed {
  return Object.keys(observed).length === 1 ? observed.count : observed;
}

/** What a schema, parameter, response or operation says of itself; null where it says nothing. */
export function observedOf(described: { readonly 'x-observed'?: unknown }): Observed | null {
  const observed = described['x-observed'];
  if (typeof observed === 'number') return { count: observed };
  if (typeof observed !== 'object' || observed === null) return null;
  const { count } = observed as { count?: unknown };
  return typeof count === 'number' ? (observed as Observed) : null;
}

/** In how many exchanges it was seen. */
export const exchangesOf = ({ count, bodies }: Observed): number => bodies ?? count;

/** What two places saw of the same. */
export function added(a: Observed, b: Observed): Observed {
  const bodies = exchangesOf(a) + exchangesOf(b);
  const count = a.count + b.count;
  const types = addedCounts(a.types, b.types);
  const values = addedCounts(a.values, b.values);
  return {
    count,
    ...(bodies < count ? { bodies } : {}),
    ...(types === null ? {} : { types }),
    ...(values === null ? {} : { values }),
  };
}

type Counts = Readonly<Record<string, number>>;

function addedCounts(a: Counts | undefined, b: Counts | undefined): Counts | null {
  if (a === undefined || b === undefined) return a ?? b ?? null;
  const sums = new Map(Object.entries(a));
  for (const [name, count] of Object.entries(b)) sums.set(name, (sums.get(name) ?? 0) + count);
  return Object.fromEntries(sums);
}
