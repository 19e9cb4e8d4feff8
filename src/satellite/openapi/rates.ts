/**
 * How often the things of one kind happen that a service does now and then: leave out a property, answer with another status.
 *
 * in: of each thing that was seen, how often it happened and how often it could have · out: how many things like one that is new are to be
 * expected of the same service, if nothing has changed
 *
 * Each thing has a rate of its own. How many things there are of each rate is fitted to what was seen (Kiefer and Wolfowitz, by
 * expectation and maximisation over a grid of rates), and `prior` more of any rate are assumed, as what was seen cannot rule them out.
 */
interface Seen {
  readonly count: number;
  readonly of: number;
  things: number;
}

/** Evenly by the logarithm of their odds, from one in a million to all but one in 2,000. */
const LOWEST_ODDS = -14;
const HIGHEST_ODDS = 7.6;
const STEP = 0.4;
const RATES: readonly number[] = Array.from({ length: (HIGHEST_ODDS - LOWEST_ODDS) / STEP + 1 }, (_, i) =>
  rateOf(LOWEST_ODDS + STEP * i),
);
/** The share of each rate's surroundings in all rates. */
const WIDTHS: readonly number[] = RATES.map((_, i) => {
  const below = i === 0 ? 0 : rateOf(LOWEST_ODDS + STEP * (i - 0.5));
  return (i === RATES.length - 1 ? 1 : rateOf(LOWEST_ODDS + STEP * (i + 0.5))) - below;
});
const ROUNDS = 40;

export class Rates {
  readonly #prior: number;
  readonly #seen = new Map<string, Seen>();
  #fitted: readonly number[] | null = null;

  /** `prior`: how many things of any rate are assumed beside those that were seen. */
  constructor(prior: number) {
    this.#prior = prior;
  }

  note(count: number, of: number): void {
    if (count <= 0 || of <= 0) return;
    const key = `${Math.min(count, of)} ${of}`;
    const seen = this.#seen.get(key);
    if (seen === undefined) this.#seen.set(key, { count: Math.min(count, of), of, things: 1 });
    else seen.things++;
    this.#fitted = null;
  }

  /**
   * How many things there would be that did not happen `evidence` times and then, of `of` times, happened `count` times or more, if all
   * that the service does could have.
   */
  expected(evidence: number, of: number, count: number): number {
    this.#fitted ??= this.#fit();
    let expected = 0;
    for (let i = 0; i < RATES.length; i++) {
      const rate = RATES[i] as number;
      const things = (this.#fitted[i] as number) + this.#prior * (WIDTHS[i] as number);
      expected += things * (1 - rate) ** evidence * atLeast(count, of, rate);
    }
    return expected;
  }

  /** How many things there are of each rate. */
  #fit(): number[] {
    const seen = [...this.#seen.values()];
    const things = seen.reduce((sum, one) => sum + one.things, 0);
    if (things === 0) return RATES.map(() => 0);
    const likelihoods = seen.map(({ count, of }) => likelihoodsOf(count, of));
    let shares: readonly number[] = WIDTHS;
    for (let round = 0; round < ROUNDS; round++) {
      const sums = RATES.map(() => 0);
      for (let at = 0; at < seen.length; at++)
        divide((seen[at] as Seen).things / things, shares, likelihoods[at] as readonly number[], sums);
      shares = sums;
    }
    return shares.map((share) => share * things);
  }
}

/** Divides an amount among the rates by how likely each is to have shown what was seen. */
function divide(amount: number, shares: readonly number[], likelihood: readonly number[], into: number[]): void {
  let all = 0;
  for (let i = 0; i < shares.length; i++) all += (shares[i] as number) * (likelihood[i] as number);
  if (all === 0) return;
  for (let i = 0; i < shares.length; i++)
    into[i] = (into[i] as number) + (amount * (shares[i] as number) * (likelihood[i] as number)) / all;
}

/** Relative to that of the likeliest rate. */
function likelihoodsOf(count: number, of: number): number[] {
  const logs = RATES.map((rate) => count * Math.log(rate) + (of - count) * Math.log(1 - rate));
  const greatest = Math.max(...logs);
  return logs.map((log) => Math.exp(log - greatest));
}

/** The chance of `count` or more of `of`; 1 where so many are to be expected. */
export function atLeast(count: number, of: number, rate: number): number {
  if (count <= 0 || count <= of * rate) return 1;
  if (count > of) return 0;
  let term = Math.exp(logChoose(of, count) + count * Math.log(rate) + (of - count) * Math.log(1 - rate));
  let sum = 0;
  for (let hits = count; hits <= of && term > sum * 1e-9; hits++) {
    sum += term;
    term *= ((of - hits) / (hits + 1)) * (rate / (1 - rate));
  }
  return Math.min(1, sum);
}

const logChoose = (of: number, count: number): number =>
  logFactorial(of) - logFactorial(count) - logFactorial(of - count);

/** By Stirling's series, where the product is long. */
function logFactorial(n: number): number {
  if (n < 20) {
    let product = 1;
    for (let i = 2; i <= n; i++) product *= i;
    return Math.log(product);
  }
  return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n) - 1 / (360 * n ** 3);
}

function rateOf(odds: number): number {
  return 1 / (1 + Math.exp(-odds));
}
