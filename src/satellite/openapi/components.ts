/**
 * Shapes of objects that come again become components.
 *
 * in: schemas, each with the name of its place · out: the same with references, and the components
 *
 * Two are the same if they claim the same, however often each was seen. The component has the sum of what they were seen, and each
 * reference how often it was seen there.
 */
import { added, type Observed, observedOf, written } from './observed.js';
import type { Schema } from './schema.js';

const PROPERTIES_MIN = 2;
const NOTHING: Observed = { count: 0 };

/** An object that may become a component. */
interface Shared {
  /** What it claims, as text. */
  readonly key: string;
  /** How often it was seen where it stands; within a component, at all the places of that. */
  seen: Observed;
}

interface Candidate {
  readonly names: Map<string, number>;
  places: number;
  /** The first that was met; its counts become those of all. */
  readonly schema: Schema;
}

export interface Place {
  /** Where a schema stands, to be replaced. */
  readonly holder: Record<string, unknown>;
  readonly key: string;
  /** A name for what it describes. */
  readonly name: string;
}

/** Changes what is at `places`; returns the components, by name. */
export function shareSchemas(places: readonly Place[]): Record<string, Schema> {
  const candidates = new Map<string, Candidate>();
  const objects = new Map<Schema, Shared>();
  for (const { holder, key, name } of places) collect(holder[key] as Schema, name, candidates, objects);
  const shared = new Map([...candidates].filter(([, { places: count }]) => count > 1));
  const names = namesFor(shared);
  const refer = (schema: Schema, isRoot = false): Schema => {
    const object = objects.get(schema);
    const name = object === undefined ? undefined : names.get(object.key);
    if (object !== undefined && name !== undefined && !isRoot)
      return { $ref: `#/components/schemas/${name}`, 'x-observed': written(object.seen) };
    return mapChildren(schema, (child) => refer(child));
  };
  for (const { holder, key } of places) holder[key] = refer(holder[key] as Schema);
  const components: [string, Schema][] = [];
  for (const [key, { schema }] of shared) components.push([names.get(key) as string, refer(schema, true)]);
  return Object.fromEntries(components.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Returns what a schema claims, as text. */
function collect(
  schema: Schema,
  name: string,
  candidates: Map<string, Candidate>,
  objects: Map<Schema, Shared>,
): string {
  const parts = childrenOf(schema).map(
    ([childName, child]) => `${childName}:${collect(child, childName === '' ? name : childName, candidates, objects)}`,
  );
  const { 'x-observed': _, properties, items: __, additionalProperties: ___, anyOf: ____, ...own } = schema;
  const claims = `${JSON.stringify(own)}(${parts.join(',')})`;
  if (schema.type !== 'object' || Object.keys(properties ?? {}).length < PROPERTIES_MIN) return claims;
  objects.set(schema, { key: claims, seen: observedOf(schema) ?? NOTHING });
  const candidate = candidates.get(claims);
  if (candidate === undefined) candidates.set(claims, { names: new Map([[name, 1]]), places: 1, schema });
  else {
    candidate.places++;
    candidate.names.set(name, (candidate.names.get(name) ?? 0) + 1);
    addCounts(candidate.schema, schema, objects);
  }
  // Claims of what is within are said by the reference: long texts would be long again at every level.
  return `#${claims.length}.${hash(claims)}`;
}

function hash(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ text.charCodeAt(i), 0x85ebca6b);
    b ^= b >>> 13;
  }
  return (a >>> 0).toString(36) + (b >>> 0).toString(36);
}

/** What is within and an object itself will be a reference, and has a sum of its own: only how often it was seen here is added. */
function addCounts(into: Schema, from: Schema, objects: ReadonlyMap<Schema, Shared>): void {
  const [mine, theirs] = [into['x-observed'], from['x-observed']];
  if (typeof mine === 'number' && typeof theirs === 'number') into['x-observed'] = mine + theirs;
  else if (mine !== undefined && theirs !== undefined)
    into['x-observed'] = written(added(observedOf(into) ?? NOTHING, observedOf(from) ?? NOTHING));
  const others = childrenOf(from);
  childrenOf(into).forEach(([, child], i) => {
    const other = (others[i] as [string, Schema])[1];
    const object = objects.get(child);
    if (object === undefined) addCounts(child, other, objects);
    else object.seen = added(object.seen, objects.get(other)?.seen ?? NOTHING);
  });
}

/** The schemas in a schema, each with the name of its property, or an empty one. */
function childrenOf({ properties, items, additionalProperties, anyOf }: Schema): [string, Schema][] {
  const children = properties === undefined ? [] : Object.entries(properties as Record<string, Schema>);
  if (items !== undefined) children.push(['', items as Schema]);
  if (additionalProperties !== undefined && additionalProperties !== false)
    children.push(['', additionalProperties as Schema]);
  for (const child of (anyOf as Schema[] | undefined) ?? []) children.push(['', child]);
  return children;
}

/** The same schema with other schemas in it; `name` is that of a property, or empty. */
export function mapChildren(schema: Schema, change: (child: Schema, name: string) => Schema): Schema {
  const changed = { ...schema };
  const { properties, items, additionalProperties, anyOf } = schema;
  if (properties !== undefined)
    changed.properties = Object.fromEntries(
      Object.entries(properties as Record<string, Schema>).map(([name, child]) => [name, change(child, name)]),
    );
  if (items !== undefined) changed.items = change(items as Schema, '');
  if (additionalProperties !== undefined && additionalProperties !== false)
    changed.additionalProperties = change(additionalProperties as Schema, '');
  if (anyOf !== undefined) changed.anyOf = (anyOf as Schema[]).map((child) => change(child, ''));
  return changed;
}

/** Each gets the name that it has most often, and a number where another has it. */
function namesFor(shared: ReadonlyMap<string, Candidate>): Map<string, string> {
  const taken = new Set<string>();
  const names = new Map<string, string>();
  const sorted = [...shared].sort(([a, { places: of }], [b, { places: than }]) => than - of || (a < b ? -1 : 1));
  for (const [key, candidate] of sorted) {
    const [[best = 'Object'] = []] = [...candidate.names].sort(([a, of], [b, than]) => than - of || (a < b ? -1 : 1));
    const wanted = best.replace(/[^A-Za-z0-9_]/g, '') || 'Object';
    const capital = wanted.charAt(0).toUpperCase() + wanted.slice(1);
    let name = capital;
    for (let number = 2; taken.has(name); number++) name = `${capital}${number}`;
    taken.add(name);
    names.set(key, name);
  }
  return names;
}
