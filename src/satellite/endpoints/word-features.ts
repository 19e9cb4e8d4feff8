/**
 * What speaks for and against a word in a path being a value, as numbers.
 *
 * in: the words that follow one another's places in a tree of paths · out: a row of features for each
 */
import { tokensOf } from '../../trace/parameter-name.js';
import { isVersion, splitSuffix } from '../../trace/path-values.js';
import type { Shape } from '../openapi/shape.js';
import { hashOf } from './bounded-map.js';
import { isAlive, isValueKey, type PathNode } from './path-tree.js';
import { wordLevel } from './path-words.js';
import { compare, type Profile, profileOf } from './profile.js';

/** What is known of a whole tree. */
export interface TreeEvidence {
  /** Texts that were values in bodies. */
  readonly texts: ReadonlySet<string>;
  /** By word, at how many different places it stands; a place is named by the words before it. */
  readonly places: ReadonlyMap<string, number>;
  /** The same, of places behind a value. */
  readonly placesBehindValue: ReadonlyMap<string, number>;
}

/** Where words stand. */
export interface Position {
  /** Nodes whose children they are: one for each value that the segments before may have. */
  readonly parents: readonly PathNode[];
  /** The word before; null where a value or nothing is before. */
  readonly before: string | null;
  /** Which share of the words that are values before are words of APIs: those of an enumeration mostly are. */
  readonly beforeWords: number;
  readonly depth: number;
  /** How many of the segments before are values. */
  readonly values: number;
}

export const FEATURES = [
  'bias',
  'level',
  'unknown',
  'tokens',
  'digit',
  'capital',
  'punctuation',
  'plural',
  'length',
  'first',
  'behindValue',
  'behindPlural',
  'behindUnknown',
  'count',
  'few',
  'siblings',
  'typedSibling',
  'parentsShare',
  'parentsOne',
  'leaf',
  'valueBelow',
  'wordBelow',
  'alikeShare',
  'alikeCount',
  'alikeAnswers',
  'itemMethods',
  'parentPost',
  'parentGet',
  'inBodies',
  'places',
  'placesBehindValue',
  'bothFoundAndNot',
  'deadSiblings',
  'groupLevel',
  'groupUnknown',
  'groupFew',
  'alikeUnknown',
  'countSpread',
  'identical',
  'identicalCount',
  'conflicting',
  'similar',
  'behindIdentical',
  'nothingToCompare',
  'telling',
  'tellingBehindValue',
  'product',
  'behindWords',
  'behindWordsShare',
] as const;

export interface WordRow {
  readonly word: string;
  readonly nodes: readonly PathNode[];
  readonly signature: Signature;
  readonly profile: Profile;
  readonly features: readonly number[];
}

interface Signature {
  readonly methods: ReadonlySet<string>;
  /** Keys of the level below; values are one. */
  readonly below: ReadonlySet<string>;
  readonly answers: ReadonlySet<string>;
}

interface Candidate {
  readonly word: string;
  readonly nodes: readonly PathNode[];
  readonly count: number;
  readonly signature: Signature;
  readonly lexical: Lexical;
  readonly profile: Profile;
}

/** What the words of one place are like together. */
interface Group {
  readonly position: Position;
  readonly evidence: TreeEvidence;
  readonly alive: readonly Candidate[];
  readonly compared: readonly Candidate[];
  readonly dead: number;
  readonly hasTyped: boolean;
  readonly parentMethods: ReadonlySet<string>;
  readonly before: Lexical | null;
  readonly level: number;
  readonly unknown: number;
  readonly few: number;
  readonly spread: number;
}

export function rowsOf(position: Position, words: readonly string[], evidence: TreeEvidence): WordRow[] {
  const group = groupOf(position, words, evidence);
  return group.alive.map((one) => {
    const values = featuresOf(one, group);
    const { word, nodes, signature, profile } = one;
    return { word, nodes, signature, profile, features: FEATURES.map((name) => values[name]) };
  });
}

function groupOf(position: Position, words: readonly string[], evidence: TreeEvidence): Group {
  const { parents } = position;
  const alive: Candidate[] = [];
  let dead = 0;
  for (const word of words) {
    const nodes = parents.flatMap(({ children }) => children.get(word) ?? []);
    if (!nodes.some(isAlive)) {
      dead++;
      continue;
    }
    const count = nodes.reduce((sum, node) => sum + node.count, 0);
    alive.push({
      word,
      nodes,
      count,
      signature: signatureOf(nodes),
      lexical: lexicalOf(word),
      profile: profileOf(nodes),
    });
  }
  const mean = (of: (one: Candidate) => number) =>
    alive.length === 0 ? 0 : alive.reduce((sum, one) => sum + of(one), 0) / alive.length;
  const meanCount = mean(({ count }) => count);
  return {
    position,
    evidence,
    alive,
    compared: [...alive].sort((a, b) => hashOf(a.word) - hashOf(b.word)).slice(0, COMPARED_MAX),
    dead,
    hasTyped: parents.some(({ children }) => [...children.keys()].some(isValueKey)),
    parentMethods: new Set(
      parents.flatMap(({ operations }) =>
        [...operations].filter(([, { responses }]) => hasSuccess(responses)).map(([method]) => method),
      ),
    ),
    before: position.before === null ? null : lexicalOf(position.before),
    level: mean(({ lexical }) => lexical.level),
    unknown: mean(({ lexical }) => lexical.unknown),
    few: mean(({ count }) => (count <= 2 ? 1 : 0)),
    spread: Math.sqrt(mean(({ count }) => (count - meanCount) ** 2)) / (meanCount + 1),
  };
}

const hasSuccess = (responses: ReadonlyMap<string, unknown>): boolean =>
  [...responses.keys()].some((status) => status < '300');

const flag = (is: boolean | undefined): number => (is === true ? 1 : 0);

function featuresOf(one: Candidate, group: Group): Record<(typeof FEATURES)[number], number> {
  const { word, nodes, count, signature, lexical } = one;
  const { position, evidence, alive, before, parentMethods } = group;
  const { parents } = position;
  const isBehindValue = position.before === null && position.depth > 0;
  const others = alive.length - 1;
  const { alike, alikeUnknown, answers } = alikeOf(one, alive);
  const comparison = compareAll(one, group.compared);
  return {
    bias: 1,
    level: lexical.level,
    unknown: lexical.unknown,
    tokens: Math.min(4, lexical.tokens),
    digit: flag(lexical.hasDigit),
    capital: flag(lexical.hasCapital),
    punctuation: flag(lexical.hasPunctuation),
    plural: flag(lexical.isPlural),
    length: Math.min(30, word.length) / 10,
    first: flag(position.depth === 0),
    behindValue: flag(isBehindValue),
    behindPlural: flag(before?.isPlural),
    behindUnknown: before?.unknown ?? 0,
    count: Math.log2(1 + count),
    few: flag(count <= 2),
    siblings: Math.log2(1 + others),
    typedSibling: flag(group.hasTyped),
    parentsShare: parents.length > 1 ? nodes.length / parents.length : 0,
    parentsOne: flag(parents.length > 1 && nodes.length === 1),
    leaf: flag(signature.below.size === 0),
    valueBelow: flag(signature.below.has('{}')),
    wordBelow: Math.log2(1 + signature.below.size - flag(signature.below.has('{}'))),
    alikeShare: others === 0 ? 0 : alike / others,
    alikeCount: Math.log2(1 + alike),
    alikeAnswers: alike === 0 ? 0 : answers / alike,
    itemMethods: flag(['PUT', 'PATCH', 'DELETE'].some((method) => signature.methods.has(method))),
    parentPost: flag(parentMethods.has('POST')),
    parentGet: flag(parentMethods.has('GET')),
    inBodies: flag(evidence.texts.has(word)),
    places: Math.log2(1 + Math.max(0, (evidence.places.get(word) ?? 1) - 1)),
    placesBehindValue: Math.log2(1 + Math.max(0, (evidence.placesBehindValue.get(word) ?? 0) - flag(isBehindValue))),
    bothFoundAndNot: flag(bothFoundAndNot(nodes)),
    deadSiblings: Math.log2(1 + group.dead),
    groupLevel: group.level,
    groupUnknown: group.unknown,
    groupFew: group.few,
    alikeUnknown: Math.log2(1 + alikeUnknown),
    countSpread: Math.min(3, group.spread),
    identical: comparison.identical,
    identicalCount: Math.log2(1 + comparison.identical * others),
    conflicting: comparison.conflicting,
    similar: comparison.similar,
    behindIdentical: flag(isBehindValue) * comparison.identical,
    nothingToCompare: comparison.nothing,
    telling: comparison.telling,
    tellingBehindValue: flag(isBehindValue) * comparison.telling,
    product: Math.log2(1 + productOf(one, alive)),
    behindWords: position.beforeWords,
    behindWordsShare: parents.length > 1 ? (position.beforeWords * nodes.length) / parents.length : 0,
  };
}

/** How many others look alike at a glance, and how many of them are words that no API is made of. */
function alikeOf(
  one: Candidate,
  alive: readonly Candidate[],
): { alike: number; alikeUnknown: number; answers: number } {
  let alike = 0;
  let alikeUnknown = 0;
  let answers = 0;
  for (const other of alive) {
    if (other === one || likenessOf(one.signature, other.signature) < 0.5) continue;
    alike++;
    alikeUnknown += other.lexical.unknown;
    answers += jaccard(one.signature.answers, other.signature.answers);
  }
  return { alike, alikeUnknown, answers };
}

/** How many words below it another word has below it too: two levels of which each goes with each are two enumerations. */
function productOf(one: Candidate, alive: readonly Candidate[]): number {
  const words = [...one.signature.below].filter(
    (key) => key !== '{}' && key !== '' && !isVersion(key) && lexicalOf(key).unknown === 0,
  );
  if (words.length < 2) return 0;
  let most = 0;
  for (const other of alive) {
    if (other === one) continue;
    const shared = words.filter((word) => other.signature.below.has(word)).length;
    if (shared > most && shared * 2 >= Math.min(words.length, other.signature.below.size)) most = shared;
  }
  return most < 2 ? 0 : most;
}

/** A word is compared with so many others of its place. */
const COMPARED_MAX = 24;
/** So many things in common are no chance. */
const SAME_MIN = 6;

/** Shares of the other words that are the same but for chance, or not; and with which there is too little to compare. */
function compareAll(
  one: { word: string; profile: Profile },
  all: readonly { word: string; profile: Profile }[],
): { identical: number; conflicting: number; similar: number; nothing: number; telling: number } {
  let identical = 0;
  let conflicting = 0;
  let similar = 0;
  let nothing = 0;
  let told = 0;
  let count = 0;
  for (const other of all) {
    if (other.word === one.word) continue;
    count++;
    const { same, different, telling } = compare(one.profile, other.profile);
    if (different === 0) told += Math.min(5, Math.log2(1 + telling));
    if (different > 0) conflicting++;
    else if (same >= SAME_MIN) identical++;
    else nothing++;
    similar += same / (same + 3 * different + 2);
  }
  if (count === 0) return { identical: 0, conflicting: 0, similar: 0, nothing: 0, telling: 0 };
  return {
    identical: identical / count,
    conflicting: conflicting / count,
    similar: similar / count,
    nothing: nothing / count,
    telling: told / count,
  };
}

interface Lexical {
  readonly level: number;
  readonly unknown: number;
  readonly tokens: number;
  readonly hasDigit: boolean;
  readonly hasCapital: boolean;
  readonly hasPunctuation: boolean;
  readonly isPlural: boolean;
}

export function lexicalOf(word: string): Lexical {
  const { stem, suffix } = splitSuffix(word);
  const tokens = tokensOf(stem);
  const levels = tokens.map(wordLevel);
  const last = tokens.at(-1) ?? '';
  return {
    level: levels.length === 0 ? 0 : levels.reduce((sum, level) => sum + level, 0) / levels.length,
    unknown: isVersion(stem)
      ? 0
      : levels.length === 0
        ? 1
        : levels.filter((level) => level === 0).length / levels.length,
    tokens: tokens.length,
    hasDigit: /\d/.test(stem) && !isVersion(stem),
    hasCapital: /[A-Z]/.test(stem),
    hasPunctuation: /[-_. ~%]/.test(stem) || suffix.startsWith('.'),
    isPlural: last.length > 3 && last.endsWith('s') && !/(?:ss|us|is)$/.test(last),
  };
}

function signatureOf(nodes: readonly PathNode[]): Signature {
  const methods = new Set<string>();
  const below = new Set<string>();
  const answers = new Set<string>();
  for (const node of nodes) {
    for (const [method, { responses }] of node.operations) {
      for (const [status, { bodies }] of responses) {
        if (status >= '400') continue;
        methods.add(method);
        for (const [type, { shape }] of bodies) namesOf(shape, `${method} ${type}`, answers, 0);
      }
    }
    for (const [key, child] of node.children) if (isAlive(child)) below.add(isValueKey(key) ? '{}' : key);
  }
  return { methods, below, answers };
}

function namesOf(shape: Shape, path: string, names: Set<string>, depth: number): void {
  if (depth > 2) return;
  names.add(path);
  if (shape.objects !== null)
    for (const [name, property] of shape.objects.properties) namesOf(property, `${path}.${name}`, names, depth + 1);
  if (shape.arrays !== null) namesOf(shape.arrays.items, `${path}[]`, names, depth + 1);
}

function likenessOf(a: Signature, b: Signature): number {
  const methods = jaccard(a.methods, b.methods);
  const below = a.below.size === 0 && b.below.size === 0 ? 1 : jaccard(a.below, b.below);
  // Where one has nothing below, it may not have been asked for yet.
  const isOpen = a.below.size === 0 || b.below.size === 0;
  const answers = a.answers.size === 0 && b.answers.size === 0 ? 1 : jaccard(a.answers, b.answers);
  if (a.methods.size === 0 || b.methods.size === 0) return below;
  return (methods > 0 ? 0.3 : 0) + 0.3 * (isOpen ? 0.7 : below) + 0.4 * answers;
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size === 0 && b.size === 0) return 0;
  let both = 0;
  for (const one of a) if (b.has(one)) both++;
  return both / (a.size + b.size - both);
}

/** A name of the API's is always there; what a value names may not be. */
function bothFoundAndNot(nodes: readonly PathNode[]): boolean {
  return nodes.some(({ operations }) => {
    const get = operations.get('GET') ?? operations.values().next().value;
    return get?.responses.has('404') === true && [...get.responses.keys()].some((status) => status < '300');
  });
}

/** The texts of a whole tree's bodies, and where its words stand. */
export function evidenceOf(root: PathNode): TreeEvidence {
  const texts = new Set<string>();
  const places = new Map<string, Set<string>>();
  const behindValue = new Map<string, Set<string>>();
  const visit = (node: PathNode, before: string): void => {
    for (const { responses, request } of node.operations.values()) {
      for (const [status, { bodies }] of responses)
        if (status < '400') for (const { shape } of bodies.values()) textsOf(shape, texts, 0);
      for (const { shape } of request.values()) textsOf(shape, texts, 0);
    }
    for (const [key, child] of node.children) {
      if (!isAlive(child)) continue;
      if (!isValueKey(key)) {
        const set = before === '{}' ? behindValue : places;
        note(places, key, before);
        if (set === behindValue) note(behindValue, key, before);
      }
      visit(child, isValueKey(key) ? '{}' : key);
    }
  };
  visit(root, '');
  const sizes = (of: Map<string, Set<string>>) => new Map([...of].map(([word, set]) => [word, set.size]));
  return { texts, places: sizes(places), placesBehindValue: sizes(behindValue) };
}

function note(places: Map<string, Set<string>>, word: string, place: string): void {
  const set = places.get(word);
  if (set === undefined) places.set(word, new Set([place]));
  else if (set.size < 64) set.add(place);
}

function textsOf(shape: Shape, texts: Set<string>, depth: number): void {
  if (depth > 8) return;
  if (shape.texts?.values != null) for (const text of shape.texts.values.keys()) texts.add(text);
  if (shape.objects !== null)
    for (const property of shape.objects.properties.values()) textsOf(property, texts, depth + 1);
  if (shape.arrays !== null) textsOf(shape.arrays.items, texts, depth + 1);
}
