/**
 * Which sensors see the same connections, by what they say that they saw.
 *
 * in: reports of sensors, the time · out: for a service, or for one way to it, the sensors that each see all that the others see · pure
 *
 * Each report lists exchanges by number, a sample that goes by the numbers themselves, so that two sensors that see the same list the
 * same. An exchange that two have listed makes them a pair for its service and for its way (its client's address and the service). From
 * then on each exchange of either is looked for at the other, once that has reported again. A pair that has found so many in a row sees the
 * same, until too many are missed; then it takes twice as many in a row. Nothing is concluded from addresses: those of two networks may be
 * alike.
 *
 * Everything is bounded: what finds no room is not compared, and then all sensors tell of it.
 */
import { isAtLevel } from '../../policy/division.js';
import type { DivisionReport } from '../../policy/division-message.js';

export interface OverlapsSettings {
  readonly sensorsMax: number;
  /** Exchanges that are remembered. */
  readonly sightingsMax: number;
  readonly pairsMax: number;
  /** A service or way whose pairs may be others than before. */
  readonly onChange: (way: number) => void;
}

export interface Watcher {
  /** The instance uid. */
  readonly id: string;
  /** Names it among sensors. */
  readonly member: number;
  lastReportAt: number;
  unsentMillis: number;
  readonly seen: WatcherRecord;
}

/** What only this file looks at. */
interface WatcherRecord {
  rules: number;
  report: number;
  /** Since when it has reported without a gap. */
  wholeSince: number;
  /** Its sightings that are still to be looked for at others, oldest first. */
  due: Sighting[];
  readonly pairs: Set<Pair>;
  /** By service, of the reports that others may still be compared with. */
  readonly levels: Map<number, readonly { readonly level: number; readonly at: number }[]>;
}

interface Sighting {
  readonly exchange: number;
  readonly service: number;
  readonly way: number;
  readonly by: Watcher;
  readonly isServerEnd: boolean;
  /** It was seen between the report before and this one. */
  readonly since: number;
  readonly at: number;
}

interface Pair {
  readonly way: number;
  readonly one: Watcher;
  readonly other: Watcher;
  ranks: [number, number];
  /** Exchanges of the one that were found at the other in a row, and of the other at the one: either may see some of what the other sees. */
  readonly runs: [number, number];
  /** Since they were taken to see the same. */
  found: number;
  missed: number;
  /** How many it takes in a row. */
  needed: number;
  isSame: boolean;
  lastAt: number;
}

/** How far apart two sensors may note the same exchange, and the network may carry their reports. */
const SLACK_MILLIS = 1000;
/** An exchange that the other had no chance to report by then is passed over. */
const DUE_MILLIS = 15_000;
/** How long an exchange is remembered, so that it is found by whoever reports it later. */
const KEPT_MILLIS = 30_000;
/** How long a pair that finds nothing is remembered. */
const PAIR_MILLIS = 3_600_000;
/** That sensors of which one sees half of what the other sees find so many in a row has odds of one to 65,000. */
const NEEDED_MIN = 16;
const NEEDED_MAX = 1024;
/** One of so many may be missed: a packet that the kernel dropped. */
const FOUND_PER_MISS = 64;
/** What is older counts half, each time that there are so many. */
const JUDGED_MAX = 1024;
const DUE_MAX = 1024;
const LEVELS_MAX = 16;

export class Overlaps {
  readonly #settings: OverlapsSettings;
  /** The one that was not heard of for longest first. */
  readonly #watchers = new Map<string, Watcher>();
  readonly #byExchange = new Map<number, Sighting[]>();
  /** Oldest first, with a mark of where those begin that are not forgotten. */
  #sightings: Sighting[] = [];
  #forgotten = 0;
  readonly #pairs = new Map<string, Pair>();
  readonly #byWay = new Map<number, Set<Pair>>();
  #missed = 0;
  #refused = 0;

  constructor(settings: OverlapsSettings) {
    this.#settings = settings;
  }

  get watchers(): ReadonlyMap<string, Watcher> {
    return this.#watchers;
  }

  /** Exchanges that one of a pair did not see, while the pair was taken to see the same. */
  get missed(): number {
    return this.#missed;
  }

  /** Sensors, exchanges and pairs that there was no room for. */
  get refused(): number {
    return this.#refused;
  }

  /** Null where there is no room for another sensor. */
  report(id: string, member: number, report: DivisionReport, now: number): Watcher | null {
    this.#forgetOld(now);
    let watcher = this.#watchers.get(id);
    if (watcher === undefined) {
      if (this.#watchers.size >= this.#settings.sensorsMax) {
        this.#refused++;
        return null;
      }
      const seen = {
        rules: report.rules,
        report: 0,
        wholeSince: now,
        due: [],
        pairs: new Set<Pair>(),
        levels: new Map(),
      };
      watcher = { id, member, lastReportAt: now, unsentMillis: 0, seen };
    } else this.#watchers.delete(id);
    this.#watchers.set(id, watcher);
    const { seen } = watcher;
    if (report.rules !== seen.rules) {
      seen.rules = report.rules;
      for (const pair of [...seen.pairs]) this.#forgetPair(pair);
    }
    const isWhole = report.report === seen.report + 1 && !report.isPartial;
    // What a first report lists, or one behind a gap, may have been seen at any time.
    const since = isWhole ? watcher.lastReportAt : Number.NEGATIVE_INFINITY;
    if (!isWhole) seen.wholeSince = now;
    seen.report = report.report;
    watcher.lastReportAt = now;
    watcher.unsentMillis = report.unsentMillis;
    this.#take(watcher, report, since, now);
    this.#judge(watcher, now);
    for (const { one, other } of seen.pairs) this.#judge(one === watcher ? other : one, now);
    return watcher;
  }

  /** It has gone, or was not heard of for too long. */
  leave(id: string): Watcher | null {
    const watcher = this.#watchers.get(id);
    if (watcher === undefined) return null;
    this.#watchers.delete(id);
    for (const pair of [...watcher.seen.pairs]) this.#forgetPair(pair);
    watcher.seen.due = [];
    return watcher;
  }

  /** Pairs that see the same, each with the ranks that both have at the service or way. */
  same(
    way: number,
  ): readonly { readonly one: Watcher; readonly other: Watcher; readonly ranks: readonly [number, number] }[] {
    return [...(this.#byWay.get(way) ?? [])].filter(({ isSame }) => isSame);
  }

  #take(by: Watcher, { services }: DivisionReport, since: number, now: number): void {
    const { levels } = by.seen;
    for (const [service, reported] of levels)
      if (reported.every(({ at }) => at + DUE_MILLIS <= now)) levels.delete(service);
    for (const { service, isServerEnd, level, sample } of services) {
      const recent = (levels.get(service) ?? []).filter(({ at }) => at + DUE_MILLIS > now);
      levels.set(service, [...recent, { level, at: now }].slice(-LEVELS_MAX));
      for (let i = 0; i + 1 < sample.length; i += 2) {
        const [exchange, way] = [sample[i] as number, sample[i + 1] as number];
        this.#note({ exchange, service, way, by, isServerEnd, since, at: now });
      }
    }
  }

  #note(sighting: Sighting): void {
    const { exchange, by } = sighting;
    const { due } = by.seen;
    if (this.#sightings.length - this.#forgotten >= this.#settings.sightingsMax || due.length >= DUE_MAX) {
      this.#refused++;
      // It did not report this one, as far as anybody can tell.
      by.seen.wholeSince = sighting.at;
      return;
    }
    this.#sightings.push(sighting);
    due.push(sighting);
    const known = this.#byExchange.get(exchange);
    if (known === undefined) {
      this.#byExchange.set(exchange, [sighting]);
      return;
    }
    for (const other of known) if (other.by !== by) this.#pairUp(sighting, other);
    known.push(sighting);
  }

  #pairUp(one: Sighting, other: Sighting): void {
    if (one.by.seen.rules !== other.by.seen.rules || this.#watchers.get(other.by.id) !== other.by) return;
    for (const way of [one.service, one.way]) {
      const key = pairKey(way, one.by, other.by);
      const known = this.#pairs.get(key);
      if (known !== undefined) {
        known.lastAt = one.at;
        continue;
      }
      if (this.#pairs.size >= this.#settings.pairsMax) {
        this.#refused++;
        continue;
      }
      const ranks: [number, number] = [one.isServerEnd ? 1 : 0, other.isServerEnd ? 1 : 0];
      const pair: Pair = {
        way,
        one: one.by,
        other: other.by,
        ranks,
        runs: [0, 0],
        found: 0,
        missed: 0,
        needed: NEEDED_MIN,
        isSame: false,
        lastAt: one.at,
      };
      this.#pairs.set(key, pair);
      one.by.seen.pairs.add(pair);
      other.by.seen.pairs.add(pair);
      const pairs = this.#byWay.get(way) ?? new Set();
      pairs.add(pair);
      this.#byWay.set(way, pairs);
    }
  }

  /** Looks for its sightings at those that it is paired with, once all of them have reported since. */
  #judge(watcher: Watcher, now: number): void {
    const { due, pairs } = watcher.seen;
    if (pairs.size === 0) {
      // Nobody has seen any of it; whoever will is compared from then on.
      while (due[0] !== undefined && due[0].at + DUE_MILLIS <= now) due.shift();
      return;
    }
    let oldest = now;
    for (const { one, other } of pairs) oldest = Math.min(oldest, (one === watcher ? other : one).lastReportAt);
    let count = 0;
    for (const sighting of due) {
      if (sighting.at + SLACK_MILLIS > oldest && sighting.at + DUE_MILLIS > now) break;
      count++;
      for (const way of [sighting.service, sighting.way])
        for (const pair of this.#byWay.get(way) ?? [])
          if (pair.one === watcher || pair.other === watcher) this.#compare(pair, sighting);
    }
    due.splice(0, count);
  }

  #compare(pair: Pair, { exchange, service, since, at, by }: Sighting): void {
    const other = pair.one === by ? pair.other : pair.one;
    const { wholeSince, levels } = other.seen;
    if (since < wholeSince || other.lastReportAt < at + SLACK_MILLIS) return;
    const found = this.#byExchange.get(exchange)?.some((one) => one.by === other) === true;
    const level = Math.max(0, ...(levels.get(service) ?? []).map((one) => one.level));
    if (!found && !isAtLevel(exchange, level)) return;
    if (pair.isSame) {
      if (!found) this.#missed++;
      if (isStillSame(pair, found)) return;
      pair.needed = Math.min(NEEDED_MAX, 2 * pair.needed);
    } else {
      const { runs, needed } = pair;
      if (found) runs[pair.one === by ? 0 : 1]++;
      if (found && Math.min(...runs) < needed) return;
      runs.fill(0);
      if (!found) return;
      pair.found = 2 * needed;
      pair.missed = 0;
    }
    pair.isSame = !pair.isSame;
    this.#settings.onChange(pair.way);
  }

  #forgetOld(now: number): void {
    for (; this.#forgotten < this.#sightings.length; this.#forgotten++) {
      const sighting = this.#sightings[this.#forgotten] as Sighting;
      if (sighting.at + KEPT_MILLIS > now) break;
      const known = this.#byExchange.get(sighting.exchange);
      if (known === undefined || known.length <= 1) this.#byExchange.delete(sighting.exchange);
      else known.splice(known.indexOf(sighting), 1);
    }
    if (this.#forgotten > 1024 && this.#forgotten > this.#sightings.length / 2) {
      this.#sightings = this.#sightings.slice(this.#forgotten);
      this.#forgotten = 0;
    }
    for (const pair of this.#pairs.values()) {
      // In the order in which they were made: one that is used goes to the end.
      if (pair.lastAt + PAIR_MILLIS > now) {
        const key = pairKey(pair.way, pair.one, pair.other);
        this.#pairs.delete(key);
        this.#pairs.set(key, pair);
        return;
      }
      this.#forgetPair(pair);
    }
  }

  #forgetPair(pair: Pair): void {
    const { way, one, other } = pair;
    this.#pairs.delete(pairKey(way, one, other));
    one.seen.pairs.delete(pair);
    other.seen.pairs.delete(pair);
    const pairs = this.#byWay.get(way);
    pairs?.delete(pair);
    if (pairs?.size === 0) this.#byWay.delete(way);
    if (pair.isSame) this.#settings.onChange(way);
  }
}

function isStillSame(pair: Pair, found: boolean): boolean {
  if (found) pair.found++;
  else pair.missed++;
  const isSame = pair.missed * FOUND_PER_MISS <= pair.found;
  if (pair.found + pair.missed > JUDGED_MAX) {
    pair.found /= 2;
    pair.missed /= 2;
  }
  return isSame;
}

function pairKey(way: number, one: Watcher, other: Watcher): string {
  return one.id < other.id ? `${way} ${one.id} ${other.id}` : `${way} ${other.id} ${one.id}`;
}
