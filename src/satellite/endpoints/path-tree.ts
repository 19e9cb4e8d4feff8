/**
 * The paths of a host as a tree of segments: words as they are, values by what they look like.
 *
 * in: paths · out: nodes, which keep the operations at them
 *
 * A node with more words below it than any API has makes them one (`ANY`), whichever came first: what stood below each goes
 * into one subtree. So the tree is bounded, and the same for any order of the same paths.
 */
import { isBase, isVersion, segmentsOf, splitSuffix, valueKind } from '../../trace/path-values.js';
import { type BodyRoom, mergeShape, newShape, observeParameter, type Shape } from '../openapi/shape.js';
import { mergeOperation, newOperation, type OperationFacts } from './operation-facts.js';

export interface PathNode {
  /** Traces whose path goes through here. */
  count: number;
  /** By segment: a word, or `{kind}` with the suffix that it had. */
  children: Map<string, PathNode>;
  /** Words have been made one. */
  isFolded: boolean;
  /** What stood here, where it is a value. */
  values: Shape | null;
  /** By method, and the operation of GraphQL behind a space. */
  operations: Map<string, OperationFacts>;
}

export const CHILDREN_MAX = 400;
const METHODS_MAX = 400;
export const ANY = '{any}';

export function newNode(): PathNode {
  return { count: 0, children: new Map(), isFolded: false, values: null, operations: new Map() };
}

/** A key stands for a value, not for a word: no segment begins so, since braces are values too. */
export const isValueKey = (key: string): boolean => key.startsWith('{');

export interface TreeRoom extends BodyRoom {
  nodes: number;
}

/** The node for a path, or null where there is no room for it. `isExact`: the path names a method, and has no values. */
export function nodeAt(root: PathNode, path: string, isExact: boolean, room: TreeRoom): PathNode | null {
  let node = root;
  let isFirst = true;
  node.count++;
  for (const segment of segmentsOf(path)) {
    const { key, value } = isExact ? { key: segment, value: null } : keyOf(segment, isFirst);
    const next = childOf(node, key, room);
    if (next === null) return null;
    node = next;
    node.count++;
    const shown = value ?? (key === ANY || isValueKey(key) ? segment : null);
    if (shown !== null) {
      node.values ??= newShape();
      observeParameter(node.values, decodedSegment(shown));
    }
    isFirst &&= isBase(segment) || isVersion(segment);
  }
  return node;
}

function keyOf(segment: string, isFirst: boolean): { key: string; value: string | null } {
  const whole = valueKind(segment, isFirst);
  if (whole !== null) return { key: `{${whole}}`, value: segment };
  const { stem, suffix } = splitSuffix(segment);
  if (suffix !== '') {
    const kind = valueKind(stem, false);
    if (kind !== null) return { key: `{${kind}}${suffix}`, value: stem };
  }
  return { key: segment, value: null };
}

function childOf(node: PathNode, wanted: string, room: TreeRoom): PathNode | null {
  const key = node.isFolded && !isValueKey(wanted) ? ANY : wanted;
  const there = node.children.get(key);
  if (there !== undefined) return there;
  if (room.nodes <= 0) {
    room.refused++;
    return null;
  }
  room.nodes--;
  const made = newNode();
  node.children.set(key, made);
  if (node.children.size <= CHILDREN_MAX || node.isFolded) return made;
  foldWords(node, room);
  return node.children.get(isValueKey(key) ? key : ANY) ?? null;
}

function foldWords(node: PathNode, room: TreeRoom): void {
  node.isFolded = true;
  const all = newNode();
  all.values = newShape();
  for (const [key, child] of [...node.children]) {
    if (isValueKey(key)) continue;
    node.children.delete(key);
    room.nodes++;
    noteWord(all.values, key, child.count);
    mergeNode(all, child, room);
  }
  node.children.set(ANY, all);
}

/** A word that turns out to be a value, as often as it was there. */
export function noteWord(values: Shape, word: string, count: number): void {
  const one = newShape();
  observeParameter(one, decodedSegment(word));
  one.count = count;
  if (one.redacted > 0) one.redacted = count;
  if (one.texts !== null) {
    one.texts.count = count;
    if (one.texts.values !== null) for (const text of one.texts.values.keys()) one.texts.values.set(text, count);
  }
  mergeShape(values, one, { shapes: 0, refused: 0 });
}

export function mergeNode(into: PathNode, from: PathNode, room: TreeRoom): void {
  into.count += from.count;
  if (from.values !== null) {
    into.values ??= newShape();
    mergeShape(into.values, from.values, room);
  }
  for (const [method, operation] of from.operations) {
    const target = operationAt(into, method);
    if (target !== null) mergeOperation(target, operation, room);
  }
  if (from.isFolded && !into.isFolded) foldWords(into, room);
  for (const [key, child] of from.children) {
    const target = childOf(into, key, room);
    if (target === null) continue;
    if (into.isFolded && !isValueKey(key)) {
      target.values ??= newShape();
      noteWord(target.values, key, child.count);
    }
    mergeNode(target, child, room);
  }
}

export function operationAt(node: PathNode, method: string): OperationFacts | null {
  let operation = node.operations.get(method);
  if (operation === undefined) {
    if (node.operations.size >= METHODS_MAX) return null;
    operation = newOperation();
    node.operations.set(method, operation);
  }
  return operation;
}

/** Whether anything was found here or below: what only ever answered that there is nothing is no endpoint. */
export function isAlive(node: PathNode): boolean {
  for (const operation of node.operations.values()) if (isFound(operation)) return true;
  for (const child of node.children.values()) if (isAlive(child)) return true;
  return false;
}

/** Statuses that say that there is no such operation: not found, no such method, not implemented. */
const NOT_FOUND = new Set(['404', '405', '501']);

export function isFound({ responses }: OperationFacts): boolean {
  for (const status of responses.keys()) if (!NOT_FOUND.has(status)) return true;
  return false;
}

function decodedSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
