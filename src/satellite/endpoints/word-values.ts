/**
 * Which words at one place of a path are values.
 *
 * Each has the odds of a logistic model; words that are alike in what they answer are one case, and decided together.
 */
import { isVersion } from '../../trace/path-values.js';
import { compare, mergeProfile, type Profile } from './profile.js';
import { FEATURES, lexicalOf, type Position, type WordRow } from './word-features.js';
import { WORD_WEIGHTS } from './word-weights.js';

/** Words that are never values: they stand for one's own, for a view, for a version; nothing at all is none. */
const KEPT =
  /^(?:|me|self|current|latest|new|search|all|count|health|healthz|status|login|logout|batch|bulk|index|v\d+.*)$/i;
/**
 * What a word must have for it by itself, however many values it is in company with: `create` has nothing that sets it apart from the
 * names of plugins while none of them has been created by a POST to it. A word that no API is known by needs less.
 */
const KNOWN_ODDS_MIN = 0;
const ODDS_MIN = -2;
const WEIGHTS: readonly number[] = FEATURES.map((name) => WORD_WEIGHTS[name]);

export function valuesAmong(_position: Position, rows: readonly WordRow[]): ReadonlySet<string> {
  const values = new Set<string>();
  const left = rows.filter(({ word }) => !KEPT.test(word) && !isVersion(word));
  for (const cluster of clustersOf(left)) {
    const odds = cluster.map(oddsOf);
    const mean = odds.reduce((sum, one) => sum + one, 0) / cluster.length;
    cluster.forEach(({ word }, i) => {
      const own = odds[i] as number;
      if (mean + own > 0 && own > (lexicalOf(word).unknown === 0 ? KNOWN_ODDS_MIN : ODDS_MIN)) values.add(word);
    });
  }
  return values;
}

function oddsOf(row: WordRow): number {
  const { features } = row;
  return features.reduce((sum, feature, i) => sum + feature * (WEIGHTS[i] as number), 0);
}

/** Words that nothing sets apart; those of which most is known come first. */
function clustersOf(rows: readonly WordRow[]): WordRow[][] {
  const clusters: { profile: Profile; rows: WordRow[] }[] = [];
  for (const row of [...rows].sort((a, b) => b.profile.size - a.profile.size || (a.word < b.word ? -1 : 1))) {
    const cluster = clusters.find(({ profile }) => {
      const { same, different } = compare(profile, row.profile);
      return same > 0 && different === 0;
    });
    if (cluster === undefined)
      clusters.push({ profile: new Map([...row.profile].map(([key, rate]) => [key, { ...rate }])), rows: [row] });
    else {
      cluster.rows.push(row);
      mergeProfile(cluster.profile, row.profile);
    }
  }
  return clusters.map(({ rows: members }) => members);
}
