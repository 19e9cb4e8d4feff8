/**
 * What speaks for and against a word in a path being a value, as numbers.
 *
 * in: the words that follow one another's places in a tree of paths · out: a row of features for each
 */
import { isVersion } from '../../trace/path-values.js';
import type { Shape } from '../openapi/shape.js';
import { hashOf } from './bounded-map.js';
import { isAlive, isValueKey, type PathNode } from './path-tree.js';
import { compare, type Profile, profileOf } from './profile.js';
import type { TreeEvidence } from './tree-evidence.js';
import { type Lexical, lexicalOf } from './word-lexical.js';

/** Where words stand. */
export interface Position {
  /** Nodes whose children they are: one for each value that the segments before may have. */
  readonly parents: readonly PathNode[];
  /** Words before, in the singular. */
  readonly tokens: ReadonlySet<string>;
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
  'action',
  'actionLeaf',
  'member',
  'code',
  'underscore',
  'echo',
  'echoSibling',
  'sameEnumeration',
  'writeOnly',
  'only',
  'pair',
  'likelihood',
  'likelihoodBest',
  'identicalUnknown',
  'identicalMember',
  'identicalFew',
  'groupMember',
  'groupCode',
  'groupAction',
  'unknownIdentical',
  'notFoundShare',
  'sharedBelow',
  'sharedBelowShare',
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
  readonly member: number;
  readonly code: number;
  readonly action: number;
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
    few: mean((one) => flag(isSeldom(one, position))),
    member: mean(({ lexical }) => flag(lexical.isMember)),
    code: mean(({ lexical }) => flag(lexical.isCode)),
    action: mean(({ lexical }) => flag(lexical.isAction)),
    spread: Math.sqrt(mean(({ count }) => (count - meanCount) ** 2)) / (meanCount + 1),
  };
}

const hasSuccess = (responses: ReadonlyMap<string, unknown>): boolean =>
  [...responses.keys()].some((status) => status < '300');

/** Asked for once or twice. At the beginning of a path a word that APIs are known by may be asked for as seldom without being a value. */
const isSeldom = ({ count, lexical }: Candidate, { depth }: Position): boolean =>
  count <= 2 && (lexical.unknown > 0 || depth > 0);

const flag = (is: boolean | undefined): number => (is === true ? 1 : 0);

function featuresOf(one: Candidate, group: Group): Record<(typeof FEATURES)[number], number> {
  const { word, nodes, count, signature, lexical } = one;
  const { position, evidence, alive, before, parentMethods } = group;
  const { parents } = position;
  const isBehindValue = position.before === null && position.depth > 0;
  const others = alive.length - 1;
  const { alike, alikeUnknown, answers } = alikeOf(one, alive);
  const comparison = compareAll(one, group.compared, position);
  return {
    bias: 1,
    level: lexical.level,
    unknown: lexical.unknown,
    tokens: Math.min(4, lexical.tokens.length),
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
    few: flag(isSeldom(one, position)),
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
    action: flag(lexical.isAction),
    actionLeaf: flag(lexical.isAction && signature.below.size === 0),
    member: flag(lexical.isMember),
    code: flag(lexical.isCode),
    underscore: flag(/^[_$]/.test(word)),
    echo: shareOf(lexical.tokens, (token) => position.tokens.has(token)),
    echoSibling: flag(alive.some((other) => other !== one && shareAToken(lexical, other.lexical))),
    sameEnumeration: Math.log2(1 + enumeratedWith(word, alive, evidence)),
    writeOnly: flag(signature.methods.size > 0 && !signature.methods.has('GET')),
    only: flag(alive.length === 1),
    pair: flag(alive.length === 2),
    likelihood: comparison.likelihood,
    likelihoodBest: comparison.likelihoodBest,
    identicalUnknown: comparison.identicalUnknown,
    identicalMember: comparison.identicalMember,
    identicalFew: comparison.identicalFew,
    groupMember: group.member,
    groupCode: group.code,
    groupAction: group.action,
    unknownIdentical: lexical.unknown * comparison.identical,
    notFoundShare: notFoundShare(nodes),
    ...sharedBelow(one, group.compared),
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

interface Compared {
  /** Shares of the other words that are the same but for chance, or not; and with which there is too little to compare. */
  identical: number;
  conflicting: number;
  nothing: number;
  similar: number;
  telling: number;
  /** How much likelier they are of one operation than of two, as `scaled`: in the mean, and with the one of which it is most. */
  likelihood: number;
  likelihoodBest: number;
  /** Of the others that are not different. */
  identicalUnknown: number;
  identicalMember: number;
  identicalFew: number;
}

function compareAll(one: Candidate, all: readonly Candidate[], position: Position): Compared {
  const sums: Compared = {
    identical: 0,
    conflicting: 0,
    nothing: 0,
    similar: 0,
    telling: 0,
    likelihood: 0,
    likelihoodBest: 0,
    identicalUnknown: 0,
    identicalMember: 0,
    identicalFew: 0,
  };
  let count = 0;
  let alike = 0;
  let best = Number.NEGATIVE_INFINITY;
  for (const other of all) {
    if (other.word === one.word) continue;
    count++;
    const { same, different, telling, likelihood } = compare(one.profile, other.profile);
    if (different === 0) {
      sums.telling += Math.min(5, Math.log2(1 + telling));
      alike++;
      sums.identicalUnknown += other.lexical.unknown;
      sums.identicalMember += flag(other.lexical.isMember);
      sums.identicalFew += flag(isSeldom(other, position));
      if (same >= SAME_MIN) sums.identical++;
      else sums.nothing++;
    } else sums.conflicting++;
    sums.similar += same / (same + 3 * different + 2);
    sums.likelihood += scaled(likelihood);
    best = Math.max(best, scaled(likelihood));
  }
  if (count === 0) return sums;
  for (const name of ['identical', 'conflicting', 'nothing', 'similar', 'telling', 'likelihood'] as const)
    sums[name] /= count;
  for (const name of ['identicalUnknown', 'identicalMember', 'identicalFew'] as const) sums[name] /= Math.max(1, alike);
  return { ...sums, likelihoodBest: best };
}

const scaled = (likelihood: number): number => Math.sign(likelihood) * Math.log2(1 + Math.abs(likelihood));

function shareOf<T>(all: readonly T[], is: (one: T) => boolean): number {
  return all.length === 0 ? 0 : all.filter(is).length / all.length;
}

const shareAToken = (a: Lexical, b: Lexical): boolean => a.tokens.some((token) => b.tokens.includes(token));

/** With how many of the words beside it a word is a value of one property or parameter. */
function enumeratedWith(word: string, alive: readonly Candidate[], { enumerations }: TreeEvidence): number {
  let most = 0;
  for (const set of enumerations.get(word) ?? []) {
    let count = 0;
    for (const other of alive) if (other.word !== word && set.has(other.word)) count++;
    most = Math.max(most, count);
  }
  return most;
}

/** How many of the segments below it another word has below it too, and which share of those that either has. */
function sharedBelow(
  { signature }: Candidate,
  all: readonly Candidate[],
): { sharedBelow: number; sharedBelowShare: number } {
  let most = 0;
  let share = 0;
  for (const other of all) {
    if (other.signature === signature) continue;
    let both = 0;
    for (const key of signature.below) if (other.signature.below.has(key)) both++;
    const either = signature.below.size + other.signature.below.size - both;
    if (both > most || (both === most && both / either > share)) {
      most = both;
      share = either === 0 ? 0 : both / either;
    }
  }
  return { sharedBelow: Math.log2(1 + most), sharedBelowShare: share };
}

function notFoundShare(nodes: readonly PathNode[]): number {
  let all = 0;
  let not = 0;
  for (const { operations } of nodes)
    for (const { responses } of operations.values())
      for (const [status, { count }] of responses) {
        all += count;
        if (status === '404') not += count;
      }
  return all === 0 ? 0 : not / all;
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
