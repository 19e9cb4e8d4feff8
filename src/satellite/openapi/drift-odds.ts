/**
 * Whether what was found against an inferred document is drift, or may be chance.
 *
 * in: how often a claim held when the document was made, how often it was broken of how often it could have been · out: yes or no
 *
 * Two tests. One asks whether both are one rate (a likelihood ratio). The other is for a single breach of what had held so long that
 * nothing of the kind is expected any more; how long that is depends on what services do without having changed.
 */
import type { FindingKind } from './drift.js';

export interface Odds {
  readonly kind: FindingKind;
  /** What the kind would have it be otherwise: how often the claim must have held for one breach to be drift. */
  readonly long: number | null;
  readonly count: number;
  readonly of: number;
  /** Null: the document was written, and every breach is drift. */
  readonly evidence: number | null;
  /** Members of an enumeration. */
  readonly members: number;
}

/** How often a claim must have held for one breach to be drift. */
const LONG: Readonly<Record<FindingKind, number>> = {
  // Told by `unseenByChance`.
  'new-endpoint': Number.POSITIVE_INFINITY,
  'unseen-endpoint': Number.POSITIVE_INFINITY,
  // Types and formats are not a matter of luck.
  'other-type': 3,
  'other-format': 4,
  'new-media-type': 12,
  // What is optional is there as often as not.
  'new-property': 25,
  'new-parameter': 30,
  'missing-property': 60,
  'missing-parameter': 60,
  // Failures are rare, and never all seen.
  'new-status': 500,
  'other-value': 100,
};

/** Natural logarithm of how much likelier two rates are than one. */
const LIKELIER = 8;

export function isDrift({ kind, long: given, count, of, evidence, members }: Odds): boolean {
  if (kind === 'unseen-endpoint') return false;
  if (evidence === null) return true;
  const long = given ?? (kind === 'other-value' && members > 0 ? 9 * (members + 1) : LONG[kind]);
  return evidence >= long || gain(count, of, evidence) > LIKELIER;
}

function gain(count: number, of: number, evidence: number): number {
  const pooled = count / (of + evidence);
  return likelihood(count, of, count / of) - likelihood(count, of + evidence, pooled);
}

function likelihood(hits: number, of: number, rate: number): number {
  const log = (share: number, times: number) => (times === 0 ? 0 : times * Math.log(share));
  return log(rate, hits) + log(1 - rate, of - hits);
}

/**
 * How many endpoints that are not new the traffic would show `count` times while the document, made of `evidence` exchanges, has never
 * seen them. Each of so many requests came later with the same chance, so that is a share of the endpoints asked for about as often;
 * `totals` says how often each was, in the document and in the traffic together, those that may be new and this one
 * among them.
 */
export function unseenByChance(totals: readonly number[], count: number, of: number, evidence: number): number {
  const [least, most] = [Math.ceil(count / 2), count * 2];
  const others = totals.filter((total) => total >= least && total <= most).length - 1;
  const near = Math.max(0, others) / (most - least + 1);
  return near * (of / (of + evidence)) ** count;
}

/** So few by chance, and it is new. */
export const NEW_BY_CHANCE_MAX = 0.05;

/** The share of services' places at which types vary without anything having changed, where a document shows no other. */
const VARYING_SHARE = 0.001;
/** How much each value of the one type makes it likelier that there is no other. */
const EACH_TELLS = 0.2;

/** How often a type must have been the only one for another to be drift, where it varies at so many of a document's places. */
export function typeLong(varying: number, places: number): number {
  const share = (varying + VARYING_SHARE) / (places + 1);
  return Math.max(LONG['other-type'], Math.ceil(Math.log(share / VARYING_SHARE) / EACH_TELLS));
}
