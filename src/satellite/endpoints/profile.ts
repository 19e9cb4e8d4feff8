/**
 * How what is at and below a word answers, as rates: which methods, segments, parameters, properties, how often of how many.
 *
 * in: nodes of a tree of paths · out: a profile; two of them compare, by evidence that they are of one thing or of two
 *
 * Two values of one parameter have the same rates but for chance. Two names of an API mostly differ in something that is always there.
 */
import type { Shape } from '../openapi/shape.js';
import type { OperationFacts } from './operation-facts.js';
import { isAlive, isValueKey, type PathNode } from './path-tree.js';

/** By what it is about: how often it was there, of how often it could have been. */
export type Profile = Map<string, Rate>;
interface Rate {
  hits: number;
  of: number;
  /** What it is of: a key whose hits are `of`. */
  readonly within: string;
}

const PROPERTY_DEPTH_MAX = 2;
const BELOW_DEPTH_MAX = 2;
/** One resource asked for a thousand times says what it is, not what its kind is. */
const OF_MAX = 16;

export function profileOf(nodes: readonly PathNode[]): Profile {
  const profile: Profile = new Map();
  addNodes(profile, nodes, '', 0);
  return profile;
}

function addNodes(profile: Profile, nodes: readonly PathNode[], path: string, depth: number): void {
  let here = 0;
  let through = 0;
  const below = new Map<string, PathNode[]>();
  for (const node of nodes) {
    through += node.count;
    for (const { count } of node.operations.values()) here += count;
    for (const [key, child] of node.children) {
      if (!isAlive(child)) continue;
      const name = isValueKey(key) ? '{}' : key;
      const list = below.get(name);
      if (list === undefined) below.set(name, [child]);
      else list.push(child);
    }
  }
  const all = `${path} through`;
  addShare(profile, all, { hits: through, of: through, within: all });
  if (here > 0) addShare(profile, `${path} here`, { hits: here, of: through, within: all });
  for (const { operations } of nodes)
    for (const [method, facts] of operations) addOperation(profile, path, method, facts, here);
  for (const [name, children] of below) {
    const count = children.reduce((sum, child) => sum + child.count, 0);
    addShare(profile, `${path}/${name}`, { hits: count, of: through, within: all });
    if (depth + 1 < BELOW_DEPTH_MAX) addNodes(profile, children, `${path}/${name}`, depth + 1);
  }
}

function addOperation(profile: Profile, path: string, method: string, facts: OperationFacts, here: number): void {
  let accepted = 0;
  for (const [status, { count }] of facts.responses) if (status < '400') accepted += count;
  if (accepted === 0) return;
  const key = `${path} ${method}`;
  addShare(profile, key, { hits: accepted, of: here, within: `${path} here` });
  for (const [name, { count }] of facts.query)
    add(profile, `${key}?${name}`, { hits: count, of: accepted, within: key });
  for (const [type, body] of facts.request) {
    add(profile, `${key}>${type}`, { hits: body.count, of: accepted, within: key });
    addShape(profile, `${key}>`, body.shape, 0);
  }
  for (const [status, { count, bodies }] of facts.responses) {
    if (status >= '400') continue;
    add(profile, `${key} ${status}`, { hits: count, of: accepted, within: key });
    for (const [type, body] of bodies) {
      add(profile, `${key} ${status} ${type}`, { hits: body.count, of: count, within: `${key} ${status}` });
      addShape(profile, `${key} ${status}<`, body.shape, 0);
    }
  }
}

function addShape(profile: Profile, key: string, shape: Shape, depth: number): void {
  const { count, objects, arrays, texts } = shape;
  add(profile, key, { hits: count, of: count, within: key });
  if (texts !== null) add(profile, `${key}"`, { hits: texts.count, of: count, within: key });
  if (arrays !== null) {
    add(profile, `${key}[]`, { hits: arrays.count, of: count, within: key });
    if (depth < PROPERTY_DEPTH_MAX) addShape(profile, `${key}[`, arrays.items, depth + 1);
  }
  if (objects === null) return;
  const all = `${key}{}`;
  add(profile, all, { hits: objects.count, of: count, within: key });
  for (const [name, property] of objects.properties) {
    add(profile, `${key}.${name}:`, { hits: property.count, of: objects.count, within: all });
    if (depth < PROPERTY_DEPTH_MAX) addShape(profile, `${key}.${name}`, property, depth + 1);
  }
}

function add(profile: Profile, key: string, { hits, of, within }: Rate): void {
  const rate = profile.get(key);
  if (rate === undefined) profile.set(key, { hits, of, within });
  else {
    rate.hits += hits;
    rate.of += of;
  }
}

/** Where `of` is that of all the nodes together. */
function addShare(profile: Profile, key: string, { hits, of, within }: Rate): void {
  const rate = profile.get(key);
  if (rate === undefined) profile.set(key, { hits, of, within });
  else rate.hits += hits;
}

export interface Comparison {
  /** Things that both have. */
  readonly same: number;
  /** Things that one has and the other lacks, where chance alone would not have it lack them. */
  readonly different: number;
  /** Things that both have, and whose lack would not have been chance. */
  readonly telling: number;
}

export function compare(a: Profile, b: Profile): Comparison {
  let same = 0;
  let different = 0;
  let telling = 0;
  for (const [key, rate] of a) {
    const other = b.get(key);
    if (other !== undefined) {
      same++;
      if (isSurprising(rate, other)) different++;
      else if (isMissed(rate, b)) telling++;
    } else if (isMissed(rate, b)) different++;
  }
  for (const [key, rate] of b) if (!a.has(key) && isMissed(rate, a)) different++;
  return { same, different, telling };
}

/** Whether a profile lacks what it would have had: as often as it had what that is of. */
function isMissed(rate: Rate, profile: Profile): boolean {
  const of = profile.get(rate.within)?.hits ?? 0;
  return of > 0 && isSurprising(rate, { hits: 0, of, within: rate.within });
}

const SURPRISING = 6;

/** The likelihood of two rates against that of one, in natural logarithms. */
function isSurprising(a: Rate, b: Rate): boolean {
  const [aOf, bOf] = [Math.min(a.of, OF_MAX), Math.min(b.of, OF_MAX)];
  if (aOf < 1 || bOf < 1) return false;
  const aHits = (a.hits / a.of) * aOf;
  const bHits = (b.hits / b.of) * bOf;
  const both = (aHits + bHits) / (aOf + bOf);
  const gain =
    term(aHits, aOf) +
    term(bHits, bOf) -
    aHits * log(both) -
    bHits * log(both) -
    (aOf - aHits) * log(1 - both) -
    (bOf - bHits) * log(1 - both);
  return gain > SURPRISING;
}

const term = (hits: number, of: number): number => hits * log(hits / of) + (of - hits) * log(1 - hits / of);
const log = (share: number): number => (share <= 0 ? 0 : Math.log(share));

export function mergeProfile(into: Profile, from: Profile): void {
  for (const [key, { hits, of, within }] of from) {
    const rate = into.get(key);
    if (rate === undefined) into.set(key, { hits, of, within });
    else {
      rate.hits += hits;
      rate.of += of;
    }
  }
}
