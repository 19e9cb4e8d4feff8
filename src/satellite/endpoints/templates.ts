/**
 * Path templates: which segments of the paths seen are values.
 *
 * in: a tree of paths, the templates that a person has given · out: operations with their templates, sorted
 *
 * What is a value by its looks is one. A word is one if what is known of it and of the words beside it says so (`word-weights.ts`).
 * Words that are values are taken for one, with all below them, before the next level is looked at. So the same evidence serves a level
 * however many values the levels before it have.
 */
import { splitSuffix } from '../../trace/path-values.js';
import { mergeShape, newShape, type Shape } from '../openapi/shape.js';
import { mergeOperation, newOperation, type OperationFacts } from './operation-facts.js';
import { namesOfParameters } from './parameter-names.js';
import { ANY, isAlive, isFound, isValueKey, noteWord, type PathNode } from './path-tree.js';
import { evidenceOf, lexicalOf, type Position, rowsOf, type TreeEvidence, type WordRow } from './word-features.js';
import { valuesAmong } from './word-values.js';

/** A segment of a template. */
export type Segment =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'value'; readonly name: string; readonly suffix: string; readonly values: Shape };

export interface Endpoint {
  readonly method: string;
  /** `/users/{userId}`. */
  readonly template: string;
  readonly segments: readonly Segment[];
  /** `query Hero` of GraphQL; null elsewhere. */
  readonly graphql: string | null;
  readonly facts: OperationFacts;
}

/** The words among `rows` that are values. */
export type Decide = (position: Position, rows: readonly WordRow[], steps: readonly string[]) => ReadonlySet<string>;

interface Found {
  readonly steps: readonly Step[];
  readonly operations: Map<string, OperationFacts>;
}

type Step =
  | { readonly word: string }
  | { readonly suffix: string; readonly values: Shape; readonly given: string | null; readonly words: number };

interface Walk {
  readonly decide: Decide;
  readonly evidence: TreeEvidence;
  readonly found: Found[];
  readonly dead: { readonly path: readonly string[]; readonly node: PathNode }[];
}

export interface EndpointList {
  readonly endpoints: readonly Endpoint[];
  /** Requests to what never was there. */
  readonly unfound: number;
}

const NO_ROOM = { shapes: Number.MAX_SAFE_INTEGER, refused: 0 };

/** `overrides`: templates that are right whatever the traces say. */
export function endpointsOf(
  root: PathNode,
  overrides: readonly string[] = [],
  decide: Decide = valuesAmong,
): EndpointList {
  const walk: Walk = { decide, evidence: evidenceOf(root), found: [], dead: [] };
  visit(
    [root],
    [],
    overrides.map((template) => template.replace(/^\//, '').split('/')),
    walk,
  );
  const endpoints: Endpoint[] = [];
  let unfound = 0;
  for (const { steps, operations } of walk.found) {
    const segments = segmentsOfSteps(steps);
    const template = `/${segments.map(segmentText).join('/')}`;
    for (const [key, facts] of operations) {
      const space = key.indexOf(' ');
      if (isFound(facts) && facts.responses.size > 0)
        endpoints.push({
          method: space < 0 ? key : key.slice(0, space),
          graphql: space < 0 ? null : key.slice(space + 1),
          template,
          segments,
          facts,
        });
      else unfound += facts.count;
    }
  }
  for (const { path, node } of walk.dead) unfound += addUnfound(path, node, endpoints);
  return { endpoints: endpoints.sort(inOrder), unfound };
}

const segmentText = (segment: Segment): string =>
  segment.kind === 'word' ? segment.text.replace(/[{}]/g, encodeURIComponent) : `{${segment.name}}${segment.suffix}`;

function inOrder(a: Endpoint, b: Endpoint): number {
  const key = ({ template, method, graphql }: Endpoint) => `${template}\n${method}\n${graphql ?? ''}`;
  return key(a) < key(b) ? -1 : 1;
}

function visit(
  nodes: readonly PathNode[],
  steps: readonly Step[],
  overrides: readonly (readonly string[])[],
  walk: Walk,
): void {
  const operations = mergedOperations(nodes);
  if (operations.size > 0) walk.found.push({ steps, operations });
  const words = new Set<string>();
  const suffixes = new Set<string>();
  for (const { children } of nodes)
    for (const key of children.keys()) {
      if (isValueKey(key)) suffixes.add(suffixOf(key));
      else words.add(key);
    }
  const at = steps.length;
  const given = overrides.flatMap((segments) => segments[at] ?? []);
  const fixed = new Set(given.filter((segment) => !segment.includes('{')));
  const parameter = given.find((segment) => segment.includes('{'));
  const sorted = [...words].sort();
  const position = positionOf(nodes, steps);
  const rows = rowsOf(position, sorted, walk.evidence);
  const values = new Set(
    parameter !== undefined
      ? rows.map(({ word }) => word)
      : fixed.size > 0
        ? []
        : walk.decide(
            position,
            rows,
            steps.map((step) => ('word' in step ? step.word : '{}')),
          ),
  );
  for (const word of fixed) values.delete(word);
  for (const word of values) suffixes.add(splitSuffix(word).suffix);
  for (const word of sorted) {
    if (values.has(word)) continue;
    const below = childrenAt(nodes, word);
    if (below.some(isAlive)) visit(below, [...steps, { word }], matching(overrides, at, word), walk);
    else
      for (const node of below)
        walk.dead.push({ path: [...steps.map((step) => ('word' in step ? step.word : '{}')), word], node });
  }
  for (const suffix of [...suffixes].sort()) {
    const shape = newShape();
    const below: PathNode[] = [];
    for (const { children } of nodes)
      for (const [key, child] of children) {
        if (isValueKey(key) ? suffixOf(key) !== suffix : !values.has(key) || splitSuffix(key).suffix !== suffix)
          continue;
        below.push(child);
        if (child.values !== null) mergeShape(shape, child.values, NO_ROOM);
        if (!isValueKey(key)) noteWord(shape, splitSuffix(key).stem, child.count);
      }
    const folded = [...values].filter((word) => splitSuffix(word).suffix === suffix);
    const wordsShare =
      folded.length === 0 ? 0 : folded.reduce((sum, word) => sum + 1 - lexicalOf(word).unknown, 0) / folded.length;
    const name = parameter === undefined ? null : (/\{([^}]*)\}/.exec(parameter)?.[1] ?? null);
    visit(
      below,
      [...steps, { suffix, values: shape, given: name, words: wordsShare }],
      matching(overrides, at, '{}'),
      walk,
    );
  }
}

function matching(overrides: readonly (readonly string[])[], at: number, word: string): (readonly string[])[] {
  return overrides.filter((segments) => {
    const segment = segments[at];
    return segment !== undefined && (word === '{}' ? segment.includes('{') : segment === word);
  });
}

const childrenAt = (nodes: readonly PathNode[], key: string): PathNode[] =>
  nodes.flatMap(({ children }) => children.get(key) ?? []);

const suffixOf = (key: string): string => (key === ANY ? '' : key.slice(key.indexOf('}') + 1));

function positionOf(parents: readonly PathNode[], steps: readonly Step[]): Position {
  const last = steps.at(-1);
  return {
    parents,
    before: last !== undefined && 'word' in last ? last.word : null,
    beforeWords: last === undefined || 'word' in last ? 0 : last.words,
    depth: steps.length,
    values: steps.filter((step) => !('word' in step)).length,
  };
}

function mergedOperations(nodes: readonly PathNode[]): Map<string, OperationFacts> {
  if (nodes.length === 1) return (nodes[0] as PathNode).operations;
  const merged = new Map<string, OperationFacts>();
  for (const { operations } of nodes)
    for (const [method, facts] of operations) {
      let into = merged.get(method);
      if (into === undefined) {
        into = newOperation();
        merged.set(method, into);
      }
      mergeOperation(into, facts, NO_ROOM);
    }
  return merged;
}

function segmentsOfSteps(steps: readonly Step[]): Segment[] {
  const names = namesOfParameters(steps);
  return steps.map((step, index) =>
    'word' in step
      ? { kind: 'word', text: step.word }
      : { kind: 'value', name: names[index] as string, suffix: step.suffix, values: step.values },
  );
}

/** What was not found at a word belongs to an endpoint that has a value there, if there is one. Returns how many do not. */
function addUnfound(path: readonly string[], node: PathNode, endpoints: Endpoint[]): number {
  let left = 0;
  for (const [method, facts] of node.operations) {
    const index = endpoints.findIndex((endpoint) => endpoint.method === method && covers(endpoint.segments, path));
    const endpoint = endpoints[index];
    if (endpoint === undefined) {
      left += facts.count;
      continue;
    }
    const merged = newOperation();
    mergeOperation(merged, endpoint.facts, NO_ROOM);
    mergeOperation(merged, facts, NO_ROOM);
    endpoints[index] = { ...endpoint, facts: merged };
  }
  for (const [key, child] of node.children)
    left += addUnfound([...path, isValueKey(key) ? '{}' : key], child, endpoints);
  return left;
}

function covers(segments: readonly Segment[], path: readonly string[]): boolean {
  return (
    segments.length === path.length &&
    segments.every((segment, i) =>
      segment.kind === 'value'
        ? segment.suffix === '' || (path[i] as string).endsWith(segment.suffix)
        : segment.text === path[i],
    )
  );
}
