/**
 * Which of the connections that several sensors see this one tells of.
 *
 * in: exchanges that the rules keep, the satellite's answers, the time · out: whether an exchange is this sensor's to tell of; reports
 *
 * The satellite says for which services, or ways to them, others see what this sensor sees. Among those a connection belongs to the one
 * that it calls for most (`callOf`), of those at the server's end where any stands there. Since that is one order for all sensors, some
 * sensor tells of a connection whatever old divisions others still go by: whoever leaves it leaves it to one that it calls for more.
 *
 * A connection is left to another only while it is known that the other lives: its last word, of which the satellite tells, is not older
 * than two heartbeats. Then what was left to it goes to the next, and what had been left to it shortly before may be lost, and is counted
 * by the one that it would have been left to otherwise. A sensor that hears nothing of its satellite tells of all that it sees.
 *
 * Pure: times are milliseconds by a clock that nobody sets.
 */
import type { Exchange } from '../pair/exchange.js';
import { ConnectionNumbers, callOf } from './connection-numbers.js';
import {
  type DivisionAnswer,
  type DivisionReport,
  type MemberWord,
  REPORTED_SERVICES_MAX,
  SAMPLE_MAX,
  type SeenService,
} from './division-message.js';

export interface DivisionSettings {
  /** How long after its last word a sensor is taken to live. */
  readonly leaseMillis: number;
  readonly servicesMax: number;
  /** Whether the address is one of this sensor's own. */
  readonly isLocal: (address: string) => boolean;
  /** `lost`: exchanges that were left to a sensor that has gone, and may not have come. */
  readonly onTakeover: (member: number, lost: number) => void;
  /** There was no room for another service: of it every sensor tells that sees it. */
  readonly onUntracked: () => void;
}

/** What was seen of a service since the last report. */
interface Seen {
  readonly isServerEnd: boolean;
  level: number;
  sample: number[];
}

/** Another sensor. */
interface Other {
  readonly member: number;
  /** By this sensor's clock. */
  lastWord: number;
  unsentMillis: number;
  isAlive: boolean;
  readonly left: CountBySecond;
}

interface Place {
  readonly member: number;
  readonly rank: number;
  /** Null for this sensor itself. */
  readonly other: Other | null;
}

type Group = readonly Place[];

const NONE = new Map<number, Group>();

export class Division {
  readonly #settings: DivisionSettings;
  readonly #numbers = new ConnectionNumbers();
  #now: number;
  #seen = new Map<number, Seen>();
  #isPartial = false;
  /** Levels that the last report had come to: what comes then is as much, most likely. */
  #levels = new Map<number, number>();
  #groups: ReadonlyMap<number, Group> = NONE;
  #others = new Map<number, Other>();
  #held = 0;
  #report = 0;

  constructor(settings: DivisionSettings, now: number) {
    this.#settings = settings;
    this.#now = now;
  }

  /** Whether anything is divided. */
  get isDividing(): boolean {
    return this.#groups.size > 0;
  }

  /** Whether the exchange is this sensor's to tell of. Called once for each that the rules keep, before any limit is asked. */
  isOurs(exchange: Exchange): boolean {
    const numbers = this.#numbers;
    numbers.set(exchange);
    if ((exchange.window?.index ?? 0) === 0) this.#note(exchange.server.address);
    const group = this.#groups.get(numbers.way) ?? this.#groups.get(numbers.service);
    return group === undefined || this.#isOursOf(group, numbers.connection);
  }

  /** What was seen since the last report. */
  report(rules: number, unsentMillis: number): DivisionReport {
    const services: SeenService[] = [];
    this.#levels = new Map();
    for (const [service, { isServerEnd, level, sample }] of this.#seen) {
      if (services.length >= REPORTED_SERVICES_MAX) {
        this.#isPartial = true;
        break;
      }
      services.push({ service, isServerEnd, level, sample });
      if (level > 1) this.#levels.set(service, level - 1);
    }
    this.#seen = new Map();
    const isPartial = this.#isPartial;
    this.#isPartial = false;
    this.#report++;
    const others = [...this.#others.keys()];
    return { report: this.#report, rules, held: this.#held, others, unsentMillis, isPartial, services };
  }

  /** Goes by the satellite's answer from now on. */
  use({ self, held, members, gone, groups }: DivisionAnswer, now: number): void {
    this.#now = now;
    for (const word of gone) this.#end(word, now);
    if (groups !== null) {
      const before = this.#others;
      this.#others = new Map();
      const byWay = new Map<number, Group>();
      for (const { members: of, ways } of groups) {
        const places = of.map(({ member, rank }) => ({
          ...{ member, rank },
          other: member === self ? null : this.#otherOf(member, before),
        }));
        // Without itself a sensor has no part in it.
        if (places.some(({ other }) => other === null)) for (const way of ways) byWay.set(way, places);
      }
      this.#groups = byWay;
      this.#held = held;
    }
    for (const word of members) this.#hear(word, now);
    this.tick(now);
  }

  /** Takes over from sensors that were not heard of for too long. To be called every second or so. */
  tick(now: number): void {
    this.#now = now;
    for (const other of this.#others.values()) {
      if (other.isAlive && now >= other.lastWord + this.#settings.leaseMillis) this.#lapse(other);
    }
  }

  #note(serverAddress: string): void {
    const { service, way, exchange } = this.#numbers;
    let seen = this.#seen.get(service);
    if (seen === undefined) {
      if (this.#seen.size >= this.#settings.servicesMax) {
        if (!this.#isPartial) this.#settings.onUntracked();
        this.#isPartial = true;
        return;
      }
      const isServerEnd = this.#settings.isLocal(serverAddress);
      seen = { isServerEnd, level: this.#levels.get(service) ?? 0, sample: [] };
      this.#seen.set(service, seen);
    }
    if (!isAtLevel(exchange, seen.level)) return;
    seen.sample.push(exchange, way);
    while (seen.sample.length > 2 * SAMPLE_MAX) {
      seen.level++;
      seen.sample = atLevel(seen.sample, seen.level);
    }
  }

  #isOursOf(group: Group, connection: number): boolean {
    let first: Place | null = null;
    let firstCall = 0;
    let next: Place | null = null;
    let nextCall = 0;
    for (const place of group) {
      if (place.other !== null && !place.other.isAlive) continue;
      const call = callOf(place.member, connection);
      if (first === null || isBefore(place, call, first, firstCall)) {
        next = first;
        nextCall = firstCall;
        first = place;
        firstCall = call;
      } else if (next === null || isBefore(place, call, next, nextCall)) {
        next = place;
        nextCall = call;
      }
    }
    const other = first?.other ?? null;
    if (other === null) return true;
    // The next in the order counts it, so that it is counted once.
    if (next?.other === null) other.left.add(this.#now);
    return false;
  }

  #otherOf(member: number, before: ReadonlyMap<number, Other>): Other {
    const known = this.#others.get(member) ?? before.get(member);
    const other = known ?? {
      ...{ member, lastWord: Number.NEGATIVE_INFINITY, unsentMillis: 0, isAlive: false },
      left: new CountBySecond(),
    };
    this.#others.set(member, other);
    return other;
  }

  #hear({ member, ageMillis, unsentMillis }: MemberWord, now: number): void {
    const other = this.#others.get(member);
    if (other === undefined) return;
    const time = now - ageMillis;
    if (time > other.lastWord) other.unsentMillis = unsentMillis;
    other.lastWord = Math.max(time, other.lastWord);
    if (now < other.lastWord + this.#settings.leaseMillis) other.isAlive = true;
  }

  #end(word: MemberWord, now: number): void {
    this.#hear(word, now);
    const other = this.#others.get(word.member);
    if (other?.isAlive === true) this.#lapse(other);
    // Until a division without it comes, only a later word makes it live.
    if (other !== undefined) other.lastWord = Number.NEGATIVE_INFINITY;
  }

  #lapse(other: Other): void {
    other.isAlive = false;
    const lost = other.left.takeSince(other.lastWord - other.unsentMillis);
    this.#settings.onTakeover(other.member, lost);
  }
}

/** The numbers whose last bits are zeros are few, and the same ones to every sensor. */
export function isAtLevel(exchange: number, level: number): boolean {
  return (exchange & (2 ** level - 1)) === 0;
}

function atLevel(sample: readonly number[], level: number): number[] {
  const kept: number[] = [];
  for (let i = 0; i + 1 < sample.length; i += 2) {
    const [exchange, way] = [sample[i] as number, sample[i + 1] as number];
    if (isAtLevel(exchange, level)) kept.push(exchange, way);
  }
  return kept;
}

/** One order for all: rank, then call, then number. */
function isBefore(one: Place, call: number, other: Place, otherCall: number): boolean {
  if (one.rank !== other.rank) return one.rank > other.rank;
  return call !== otherCall ? call > otherCall : one.member > other.member;
}

const SECONDS_KEPT = 256;

/** How many there were in each of the last seconds. */
class CountBySecond {
  readonly #counts = new Uint32Array(SECONDS_KEPT);
  #second = 0;

  add(now: number): void {
    this.#advance(now);
    const at = mod(this.#second);
    this.#counts[at] = (this.#counts[at] as number) + 1;
  }

  /** Those since `time`, as far back as seconds are kept; then there were none. */
  takeSince(time: number): number {
    const from = Math.max(Math.floor(time / 1000), this.#second - SECONDS_KEPT + 1);
    let sum = 0;
    for (let second = from; second <= this.#second; second++) sum += this.#counts[mod(second)] as number;
    this.#counts.fill(0);
    return sum;
  }

  #advance(now: number): void {
    const second = Math.max(this.#second, Math.floor(now / 1000));
    const from = Math.max(this.#second + 1, second - SECONDS_KEPT + 1);
    for (let one = from; one <= second; one++) this.#counts[mod(one)] = 0;
    this.#second = second;
  }
}

function mod(second: number): number {
  return ((second % SECONDS_KEPT) + SECONDS_KEPT) % SECONDS_KEPT;
}
