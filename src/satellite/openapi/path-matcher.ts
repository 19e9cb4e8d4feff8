/**
 * Finds the path of a document that a request is for.
 *
 * in: the paths and servers of a document · out: for a path, the template with the most words that it matches (OpenAPI 3.1 §4.8.8.2)
 */
export interface MatchedPath {
  readonly template: string;
  /** By name, as sent but for escapes. */
  readonly parameters: ReadonlyMap<string, string>;
}

interface Node {
  readonly words: Map<string, Node>;
  /** Segments with parameters, as patterns. */
  readonly patterns: Pattern[];
  template: string | null;
}

interface Pattern {
  readonly pattern: RegExp;
  readonly names: readonly string[];
  /** As the template has it. */
  readonly text: string;
  readonly node: Node;
}

/** `isWanted`: of the templates that a path fits, those of which it is asked; one of the others if there are none. */
export type PathMatcher = (path: string, isWanted?: (template: string) => boolean) => MatchedPath | null;

export function createPathMatcher(templates: readonly string[], bases: readonly string[]): PathMatcher {
  const root = rootOf(templates);
  const prefixes = [...new Set(['', ...bases.map(basePath)])].sort((a, b) => b.length - a.length);
  const match = (path: string, isWanted: (template: string) => boolean): MatchedPath | null => {
    for (const prefix of prefixes) {
      if (!path.startsWith(prefix)) continue;
      const rest = path.slice(prefix.length);
      if (prefix !== '' && rest !== '' && !rest.startsWith('/')) continue;
      const found = find({ node: root, segments: segmentsOf(rest), at: 0, isWanted }, []);
      if (found !== null) return found;
    }
    return null;
  };
  const any = () => true;
  return (path, isWanted = any) => match(path, isWanted) ?? (isWanted === any ? null : match(path, any));
}

function rootOf(templates: readonly string[]): Node {
  const root = newNode();
  for (const template of templates) insert(root, template);
  return root;
}

/**
 * For a path that no template has: the same path, its beginning as the templates have it that go furthest along with it, so that paths
 * behind a word that is a value become one.
 */
export function createPathBeginning(templates: readonly string[]): (path: string) => string {
  const root = rootOf(templates);
  return (path) => {
    const segments = segmentsOf(path);
    const beginning = furthest(root, segments, 0);
    return `/${[...beginning, ...segments.slice(beginning.length)].join('/')}`;
  };
}

function furthest(node: Node, segments: readonly string[], at: number): string[] {
  const segment = segments[at];
  if (segment === undefined) return [];
  const word = node.words.get(segment);
  let best: string[] = word === undefined ? [] : [segment, ...furthest(word, segments, at + 1)];
  for (const { pattern, text, node: next } of node.patterns) {
    if (segment === '' || !pattern.test(segment)) continue;
    const found = [text, ...furthest(next, segments, at + 1)];
    if (found.length > best.length) best = found;
  }
  return best;
}

const newNode = (): Node => ({ words: new Map(), patterns: [], template: null });

/** The path of a server's address; a variable in it has its place in no path that is known. */
function basePath(url: string): string {
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '').replace(/[?#].*$/, '');
  return path.includes('{') ? '' : path.replace(/\/+$/, '');
}

const segmentsOf = (path: string): string[] => path.replace(/^\//, '').split('/');

function insert(root: Node, template: string): void {
  let node = root;
  for (const segment of segmentsOf(template)) {
    const names = [...segment.matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name as string);
    if (names.length === 0) {
      const next = node.words.get(segment) ?? newNode();
      node.words.set(segment, next);
      node = next;
    } else node = patternNode(node, segment, names);
  }
  node.template ??= template;
}

function patternNode(node: Node, segment: string, names: readonly string[]): Node {
  const source = `^${segment
    .split(/\{[^{}]*\}/)
    .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('([^/]+?)')}$`;
  const there = node.patterns.find(({ pattern }) => pattern.source === new RegExp(source).source);
  if (there !== undefined) return there.node;
  const made = { pattern: new RegExp(source), names, text: segment, node: newNode() };
  node.patterns.push(made);
  return made.node;
}

interface Search {
  readonly node: Node;
  readonly segments: readonly string[];
  readonly at: number;
  readonly isWanted: (template: string) => boolean;
}

function find(search: Search, found: readonly [string, string][]): MatchedPath | null {
  const { node, segments, at, isWanted } = search;
  if (at === segments.length)
    return node.template === null || !isWanted(node.template)
      ? null
      : { template: node.template, parameters: new Map(found) };
  const segment = segments[at] as string;
  const word = node.words.get(segment) ?? node.words.get(decoded(segment));
  const byWord = word === undefined ? null : find({ ...search, node: word, at: at + 1 }, found);
  if (byWord !== null || segment === '') return byWord;
  for (const { pattern, names, node: next } of node.patterns) {
    const match = pattern.exec(segment);
    if (match === null) continue;
    const values = names.map((name, i): [string, string] => [name, decoded(match[i + 1] ?? '')]);
    const byPattern = find({ ...search, node: next, at: at + 1 }, [...found, ...values]);
    if (byPattern !== null) return byPattern;
  }
  return null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
