/**
 * What a whole tree of paths says of its words: where else they stand, and whether they are values in bodies and parameters.
 */
import type { Shape } from '../openapi/shape.js';
import { slot } from './bounded-map.js';
import { isAlive, isValueKey, type PathNode } from './path-tree.js';

export interface TreeEvidence {
  /** Texts that were values in bodies. */
  readonly texts: ReadonlySet<string>;
  /** Sets of texts that one property or parameter had, where they are few: enumerations, it may be. By text. */
  readonly enumerations: ReadonlyMap<string, readonly ReadonlySet<string>[]>;
  /** By word, at how many different places it stands; a place is named by the words before it. */
  readonly places: ReadonlyMap<string, number>;
  /** The same, of places behind a value. */
  readonly placesBehindValue: ReadonlyMap<string, number>;
}

/** An enumeration has so many members at the most. */
const MEMBERS_MAX = 24;
/** A word is in so many enumerations that are looked at. */
const ENUMERATIONS_MAX = 16;
const NAMES_MAX = 20_000;
const PLACES_MAX = 64;
const DEPTH_MAX = 8;

export function evidenceOf(root: PathNode): TreeEvidence {
  const texts = new Set<string>();
  const members = new Map<string, Set<string>>();
  const places = new Map<string, Set<string>>();
  const behindValue = new Map<string, Set<string>>();
  const visit = (node: PathNode, before: string): void => {
    for (const { responses, request, query } of node.operations.values()) {
      for (const [status, { bodies }] of responses)
        if (status < '400') for (const { shape } of bodies.values()) addTexts(shape, '', { texts, members }, 0);
      for (const { shape } of request.values()) addTexts(shape, '', { texts, members }, 0);
      for (const [name, { shape }] of query) addMembers(shape, name, members);
    }
    for (const [key, child] of node.children) {
      if (!isAlive(child)) continue;
      if (!isValueKey(key)) {
        note(places, key, before);
        if (before === '{}') note(behindValue, key, before);
      }
      visit(child, isValueKey(key) ? '{}' : key);
    }
  };
  visit(root, '');
  const sizes = (of: Map<string, Set<string>>) => new Map([...of].map(([word, set]) => [word, set.size]));
  return { texts, enumerations: byMember(members), places: sizes(places), placesBehindValue: sizes(behindValue) };
}

function note(places: Map<string, Set<string>>, word: string, place: string): void {
  const set = places.get(word);
  if (set === undefined) places.set(word, new Set([place]));
  else if (set.size < PLACES_MAX) set.add(place);
}

interface Found {
  readonly texts: Set<string>;
  readonly members: Map<string, Set<string>>;
}

function addTexts(shape: Shape, name: string, found: Found, depth: number): void {
  if (depth > DEPTH_MAX) return;
  if (shape.texts?.values != null) {
    for (const text of shape.texts.values.keys()) found.texts.add(text);
    addMembers(shape, name, found.members);
  }
  if (shape.objects !== null)
    for (const [key, property] of shape.objects.properties) addTexts(property, key, found, depth + 1);
  if (shape.arrays !== null) addTexts(shape.arrays.items, name, found, depth + 1);
}

/** What one name stands for is taken to be the same wherever it stands. */
function addMembers({ texts }: Shape, name: string, members: Map<string, Set<string>>): void {
  if (texts?.values == null || name === '') return;
  const set = slot(members, name, NAMES_MAX, () => new Set<string>());
  if (set !== null) for (const text of texts.values.keys()) if (set.size <= MEMBERS_MAX) set.add(text);
}

function byMember(members: ReadonlyMap<string, ReadonlySet<string>>): Map<string, ReadonlySet<string>[]> {
  const found = new Map<string, ReadonlySet<string>[]>();
  for (const [, set] of [...members].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (set.size < 2 || set.size > MEMBERS_MAX) continue;
    for (const text of set) {
      const sets = found.get(text);
      if (sets === undefined) found.set(text, [set]);
      else if (sets.length < ENUMERATIONS_MAX) sets.push(set);
    }
  }
  return found;
}
