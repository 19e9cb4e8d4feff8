/**
 * Which properties are required, by all the objects of a service that are alike.
 *
 * in: the endpoints of a service · out: for each object and name, whether it is required
 *
 * What one operation answers three times, another may answer a hundred times: a device is in a list, by itself, and in the answer to
 * who made it. Objects are alike if they are called the same and have half of their names in common, as have two of one kind that leave
 * out a quarter of theirs each; so are those that a chain of such pairs connects, whichever of them comes first. A name that some
 * of them never have says nothing of it. Answers are compared with answers, and what is sent whole with what is sent whole; what
 * changes a part (PATCH) goes by itself.
 */
import type { Endpoint } from '../endpoints/templates.js';
import { type RequiredMin, requiredMinOf } from './presence.js';
import { MAP_KEY, type ObjectFacts, type Shape } from './shape.js';

/** Those with fewer names are alike by chance. */
const NAMES_MIN = 3;
const SHARED_MIN = 0.5;
/** Sets of names under one label that each is compared with. */
const SETS_MAX = 500;
/** Objects of one operation that all have a property: it is required there, whatever others do. */
const ENOUGH = 8;

interface Kind {
  /** For each name, in how many objects it was, of how many where it may be. */
  readonly presence: Map<string, { count: number; of: number }>;
}

interface Found {
  /** What the object is called: the property that it is the value of, or the resource. */
  readonly label: string;
  readonly objects: ObjectFacts;
}

/** Objects with the same label and the same names. */
interface SameNames {
  readonly label: string;
  readonly names: readonly string[];
  readonly objects: ObjectFacts[];
}

export class RequiredNames {
  /** Accepted requests that must have had a parameter before it is said to be required. */
  readonly parameterMin: number;
  readonly #propertyMin: number;
  readonly #kinds = new Map<ObjectFacts, Kind>();

  constructor(endpoints: readonly Endpoint[]) {
    const { property, parameter }: RequiredMin = requiredMinOf(endpoints);
    this.#propertyMin = property;
    this.parameterMin = parameter;
    const answered: Found[] = [];
    const sent: Found[] = [];
    for (const { method, facts, segments } of endpoints) {
      const resource = `/${segments.reduce((last, segment) => (segment.kind === 'word' ? segment.text : last), '')}`;
      if (method !== 'PATCH') for (const { shape } of facts.request.values()) collect(shape, resource, sent);
      for (const [status, { bodies }] of facts.responses)
        if (status < '400') for (const { shape } of bodies.values()) collect(shape, resource, answered);
    }
    for (const found of [answered, sent]) this.#divide(found);
  }

  has(objects: ObjectFacts, name: string): boolean {
    const count = objects.properties.get(name)?.count ?? 0;
    if (count < objects.count) return false;
    const alike = count >= ENOUGH ? undefined : this.#kinds.get(objects)?.presence.get(name);
    const { count: all, of } = alike ?? { count, of: count };
    return all === of && of >= this.#propertyMin;
  }

  #divide(found: readonly Found[]): void {
    for (const alike of kindsOf(sameNames(found))) {
      const kind: Kind = { presence: new Map() };
      for (const one of alike.flatMap((same) => same.objects)) {
        this.#kinds.set(one, kind);
        for (const [name, { count }] of one.properties) {
          const known = kind.presence.get(name);
          if (known === undefined) kind.presence.set(name, { count, of: one.count });
          else {
            known.count += count;
            known.of += one.count;
          }
        }
      }
    }
  }
}

/** The items of a list that is all there is, or in an envelope, are the resource too. */
function collect({ arrays, objects }: Shape, label: string, into: Found[], depth = 0): void {
  if (arrays !== null) collect(arrays.items, label, into, depth);
  if (objects === null) return;
  if (!objects.isMap) into.push({ label, objects });
  for (const [name, property] of objects.properties) {
    const isItem = depth === 0 && property.arrays !== null;
    collect(property, isItem || name === MAP_KEY ? label : name, into, depth + 1);
  }
}

function sameNames(found: readonly Found[]): SameNames[] {
  const sets = new Map<string, SameNames>();
  for (const { label, objects } of found) {
    const names = [...objects.properties.keys()].filter((name) => name !== MAP_KEY).sort();
    const key = JSON.stringify([label, names]);
    const known = sets.get(key);
    if (known === undefined) sets.set(key, { label, names, objects: [objects] });
    else known.objects.push(objects);
  }
  return [...sets].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, set]) => set);
}

/** Those that a chain of pairs connects, each of which has enough names in common. */
function kindsOf(sets: readonly SameNames[]): SameNames[][] {
  const leader = sets.map((_, i) => i);
  const leaderOf = (i: number): number => {
    let at = i;
    while (leader[at] !== at) {
      leader[at] = leader[leader[at] as number] as number;
      at = leader[at] as number;
    }
    return at;
  };
  const compared = sets.map(({ names }) => new Set(names));
  // Sorted by label: those with one are neighbours.
  for (let i = 0, from = 0; i < sets.length; i++) {
    if (sets[i]?.label !== sets[from]?.label) from = i;
    for (let j = Math.max(from, i - SETS_MAX); j < i; j++)
      if (areAlike(compared[i] as Set<string>, compared[j] as Set<string>)) leader[leaderOf(i)] = leaderOf(j);
  }
  const kinds = new Map<number, SameNames[]>();
  sets.forEach((set, i) => {
    const kind = kinds.get(leaderOf(i));
    if (kind === undefined) kinds.set(leaderOf(i), [set]);
    else kind.push(set);
  });
  return [...kinds.values()];
}

function areAlike(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  const fewer = Math.min(one.size, other.size);
  const more = Math.max(one.size, other.size);
  if (fewer < NAMES_MIN || fewer < SHARED_MIN * more) return false;
  let shared = 0;
  for (const name of one) if (other.has(name)) shared++;
  return shared >= SHARED_MIN * (fewer + more - shared);
}
