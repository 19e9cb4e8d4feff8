/**
 * The logarithm of the odds that a word in a path is a value.
 *
 * in: the features of a word · out: what their weights and the trees of `word-trees.ts` add up to
 */
import { FEATURES } from './word-features.js';
import { WORD_TREES } from './word-trees.js';
import { WORD_WEIGHTS } from './word-weights.js';

interface Tree {
  /** Level by level, as a heap has them; a feature of -1 is no question. */
  readonly features: readonly number[];
  readonly thresholds: readonly number[];
  readonly leaves: readonly number[];
}

const WEIGHTS: readonly number[] = FEATURES.map((name) => WORD_WEIGHTS[name]);
const TREES: readonly Tree[] = WORD_TREES.trim().split('\n').map(treeOf);

function treeOf(line: string): Tree {
  const [questions = '', leaves = ''] = line.split(':');
  const pairs = questions.trim().split(' ').map(questionOf);
  return {
    features: pairs.map(([feature]) => feature),
    thresholds: pairs.map(([, threshold]) => threshold),
    leaves: leaves.trim().split(' ').map(Number),
  };
}

function questionOf(text: string): [number, number] {
  const [name = '', threshold] = text.split('>');
  return threshold === undefined ? [-1, 0] : [FEATURES.indexOf(name as (typeof FEATURES)[number]), Number(threshold)];
}

export function oddsOf(features: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < WEIGHTS.length; i++) sum += (WEIGHTS[i] as number) * (features[i] as number);
  for (const { features: asked, thresholds, leaves } of TREES) {
    let at = 0;
    while (at < asked.length) {
      const feature = asked[at] as number;
      at = 2 * at + (feature >= 0 && (features[feature] as number) > (thresholds[at] as number) ? 2 : 1);
    }
    sum += leaves[at - asked.length] as number;
  }
  return sum;
}
