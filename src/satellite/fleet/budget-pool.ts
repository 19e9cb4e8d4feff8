/**
 * Traces a minute, shared among the sensors that report what they see.
 *
 * in: reports, the time · out: a quota for each · pure: no clock, no I/O
 *
 * - An endpoint gets what it is asked for, up to an equal part of a quarter of the budget; the rest of the budget goes by what is
 *   asked for beyond that. A sensor's share is the sum of its parts of the endpoints that it sees. What nobody asks for is divided
 *   among all, so that there is room for a burst.
 * - A quota is a lease. No more is ever leased than the budget has: what one sensor is to have more waits until another has been told
 *   that it has less, or the lease of one that is gone has ended. So the total is kept while shares move, and they have moved once every
 *   sensor has reported twice.
 * - A share at most halves or doubles from one report to the next; what is seen is smoothed.
 * - For the time of a lease after the start there may be sensors that go by what an earlier run gave them: what these say that they
 *   hold, they keep, and others get one trace a minute, or none.
 * - Quotas are whole numbers. What is left over is owed, and paid for a minute or more at a time; where there are more sensors than
 *   traces, they take turns.
 *
 * Times are in milliseconds by a clock that nobody sets.
 */
import type { BudgetReport } from '../../policy/budget-message.js';

export interface BudgetPoolSettings {
  /** Traces a minute. */
  readonly perMinute: number;
  /** How long a quota holds. */
  readonly leaseMillis: number;
  readonly sensorsMax: number;
  readonly endpointsMax: number;
}

/** Traces a minute. */
export interface BudgetPoolStatus {
  readonly perMinute: number;
  readonly sensors: number;
  /** What sensors see that the limits of this pool are for. */
  readonly asked: number;
  readonly leased: number;
  readonly kept: number;
  /** Reports that there was no room for. */
  readonly refused: number;
}

interface EndpointDemand {
  perMinute: number;
  sensors: number;
  /** What part of the demand is granted. */
  granted: number;
}

interface Member {
  /** By endpoint, traces a minute. */
  demand: Map<number, number>;
  demanded: number;
  keptPerMinute: number;
  lease: number;
  leasedUntil: number;
  reportedAt: number;
  /** Fractions of traces that it was not given. */
  owed: number;
  isBeingPaid: boolean;
}

/** The part of the budget that endpoints have in equal parts. */
const FLOOR_SHARE = 0.25;
/** How long a report is about that counts as much as all before it; a shorter one counts less. */
const FRESH_MILLIS = 5000;
/** Traces a minute that are as good as none. */
const DEMAND_MIN = 0.01;
/** How old the division among endpoints may be. */
const DIVISION_MILLIS = 500;
/** The part of the budget for sensors without a lease, while earlier leases may be out. */
const UNKNOWN_SHARE = 0.025;
/** Endpoints that a sensor names no more: one number for all of them. */
const OTHER_ENDPOINTS = -1;
const MINUTE_MILLIS = 60_000;

export class BudgetPool {
  readonly #settings: BudgetPoolSettings;
  readonly #startedAt: number;
  /** By when they last reported, the one that did so longest ago first. */
  readonly #members = new Map<string, Member>();
  readonly #endpoints = new Map<number, EndpointDemand>();
  #demanded = 0;
  #leased = 0;
  #kept = 0;
  #refused = 0;
  /** Sensors without a lease that were given one while earlier leases may be out. */
  #strangers = 0;
  /** What nobody asks for. */
  #spare = 0;
  #dividedAt = Number.NEGATIVE_INFINITY;
  #dividedAmong = 0;

  constructor(settings: BudgetPoolSettings, now: number) {
    this.#settings = settings;
    this.#startedAt = now;
  }

  get status(): BudgetPoolStatus {
    return {
      perMinute: this.#settings.perMinute,
      sensors: this.#members.size,
      asked: this.#demanded,
      leased: this.#leased,
      kept: this.#kept,
      refused: this.#refused,
    };
  }

  /** Traces a minute that it may have from now on. To be told to `lease`, less where another pool has less for it. */
  offer(id: string, report: BudgetReport, now: number): number {
    this.#expire(now);
    let member = this.#members.get(id);
    if (member === undefined) {
      if (this.#members.size >= this.#settings.sensorsMax) {
        this.#refused++;
        return 0;
      }
      member = newMember(now);
    }
    this.#members.delete(id);
    this.#members.set(id, member);
    const isNew = member.demand.size === 0;
    this.#noteDemand(member, report, isNew ? 1 : 1 - 0.5 ** (report.millis / FRESH_MILLIS));
    this.#divide(now);
    return this.#paid(member, this.#stepped(member, report, now), now);
  }

  /** Its quota is `perMinute` from now on. */
  lease(id: string, perMinute: number, now: number): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    this.#leased += perMinute - member.lease;
    member.lease = perMinute;
    member.leasedUntil = now + this.#settings.leaseMillis;
    member.reportedAt = now;
  }

  /** It says that it ends, and keeps nothing any more. */
  leave(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    this.#members.delete(id);
    this.#leased -= member.lease;
    this.#kept -= member.keptPerMinute;
    this.#replaceDemand(member, new Map());
  }

  #expire(now: number): void {
    for (const [id, member] of this.#members) {
      if (member.leasedUntil > now) return;
      this.leave(id);
    }
  }

  #noteDemand(member: Member, { millis, seen, ownPerMinute }: BudgetReport, fresh: number): void {
    const perMinute = MINUTE_MILLIS / Math.max(millis, 100);
    const total = seen.most.reduce((sum, { count }) => sum + count, seen.rest.count) * perMinute;
    // What its own limit would refuse is nothing that the budget could give.
    const own = ownPerMinute > 0 && total > ownPerMinute ? ownPerMinute / total : 1;
    const next = new Map<number, number>();
    for (const [endpoint, before] of member.demand) {
      const faded = before * (1 - fresh);
      if (faded >= DEMAND_MIN && fresh < 1) next.set(endpoint, faded);
    }
    const add = (endpoint: number, count: number): void => {
      if (count > 0) next.set(endpoint, (next.get(endpoint) ?? 0) + count * perMinute * own * fresh);
    };
    for (const { endpoint, count } of seen.most) add(this.#known(endpoint), count);
    add(OTHER_ENDPOINTS, seen.rest.count);
    this.#replaceDemand(member, boundedDemand(next));
    const keptPerMinute = member.keptPerMinute * (1 - fresh) + seen.kept * perMinute * fresh;
    this.#kept += keptPerMinute - member.keptPerMinute;
    member.keptPerMinute = keptPerMinute;
  }

  /** The number by which the pool knows an endpoint: that of all others where it knows as many as it may. */
  #known(endpoint: number): number {
    const isKnown = this.#endpoints.has(endpoint) || this.#endpoints.size < this.#settings.endpointsMax;
    return isKnown ? endpoint : OTHER_ENDPOINTS;
  }

  #replaceDemand(member: Member, next: Map<number, number>): void {
    for (const [key, perMinute] of member.demand) {
      const endpoint = this.#endpoints.get(key);
      if (endpoint === undefined) continue;
      endpoint.perMinute -= perMinute;
      if (--endpoint.sensors === 0) this.#endpoints.delete(key);
    }
    let demanded = 0;
    for (const [key, perMinute] of next) {
      let endpoint = this.#endpoints.get(key);
      if (endpoint === undefined) {
        endpoint = { perMinute: 0, sensors: 0, granted: 1 };
        this.#endpoints.set(key, endpoint);
      }
      endpoint.perMinute += perMinute;
      endpoint.sensors++;
      demanded += perMinute;
    }
    this.#demanded += demanded - member.demanded;
    member.demanded = demanded;
    member.demand = next;
  }

  /** Divides the budget among endpoints, unless that was done just now for as many sensors. */
  #divide(now: number): void {
    const isFresh = now - this.#dividedAt < DIVISION_MILLIS && this.#members.size === this.#dividedAmong;
    if (isFresh) return;
    this.#dividedAt = now;
    this.#dividedAmong = this.#members.size;
    const { perMinute } = this.#settings;
    const floor = (perMinute * FLOOR_SHARE) / Math.max(1, this.#endpoints.size);
    let floors = 0;
    let beyond = 0;
    for (const endpoint of this.#endpoints.values()) {
      const least = Math.min(endpoint.perMinute, floor);
      floors += least;
      beyond += Math.max(0, endpoint.perMinute - least);
    }
    const part = beyond > 0 ? Math.min(1, (perMinute - floors) / beyond) : 1;
    this.#spare = Math.max(0, perMinute - floors - beyond);
    for (const endpoint of this.#endpoints.values()) {
      const least = Math.min(endpoint.perMinute, floor);
      endpoint.granted =
        endpoint.perMinute > 0 ? (least + (endpoint.perMinute - least) * part) / endpoint.perMinute : 1;
    }
  }

  /** What it should have. */
  #share(member: Member): number {
    const equal = 1 / this.#members.size;
    let share = 0;
    for (const [key, perMinute] of member.demand) share += perMinute * (this.#endpoints.get(key)?.granted ?? 0);
    const bySeen = this.#demanded > 0 ? member.demanded / this.#demanded : equal;
    return share + (this.#spare * (equal + bySeen)) / 2;
  }

  /** What it can have now, on the way to its share. */
  #stepped(member: Member, { heldPerMinute, ownPerMinute }: BudgetReport, now: number): number {
    const { perMinute, leaseMillis } = this.#settings;
    const free = Math.max(0, perMinute - this.#leased + member.lease);
    const own = ownPerMinute > 0 ? ownPerMinute : Number.POSITIVE_INFINITY;
    if (now - this.#startedAt < leaseMillis) {
      if (heldPerMinute !== null) return Math.min(heldPerMinute, free, own);
      if (member.lease > 0) return Math.min(member.lease, free, own);
      return ++this.#strangers <= perMinute * UNKNOWN_SHARE ? Math.min(1, free) : 0;
    }
    const equal = perMinute / this.#members.size;
    // One that has said nothing yet is taken for one like the others.
    const share = member.demanded > 0 ? this.#share(member) : Math.min(equal, this.#share(member) + equal);
    const stepped = Math.max(member.lease / 2, Math.min(share, Math.max(member.lease * 2, equal)));
    return Math.min(stepped, free, own);
  }

  /** In whole traces, with what was owed. */
  #paid(member: Member, perMinute: number, now: number): number {
    const whole = Math.floor(perMinute);
    member.owed += ((now - member.reportedAt) / MINUTE_MILLIS) * (perMinute - member.lease);
    member.owed = Math.max(-1, Math.min(2, member.owed));
    // In force for more than a minute, as less than one trace is none.
    if (member.owed >= 1) member.isBeingPaid = true;
    else if (member.owed <= -0.5) member.isBeingPaid = false;
    const isFree = this.#leased - member.lease + whole + 1 <= this.#settings.perMinute;
    return member.isBeingPaid && isFree ? whole + 1 : whole;
  }
}

function newMember(now: number): Member {
  return {
    demand: new Map(),
    ...{ demanded: 0, keptPerMinute: 0, lease: 0, leasedUntil: now, reportedAt: now, owed: 0, isBeingPaid: false },
  };
}

/** Endpoints of a sensor that are remembered by themselves. */
const MEMBER_ENDPOINTS_MAX = 96;

/** The same with the least of too many in one. */
function boundedDemand(demand: Map<number, number>): Map<number, number> {
  if (demand.size <= MEMBER_ENDPOINTS_MAX) return demand;
  const byDemand = [...demand].sort(([, one], [, other]) => other - one);
  const bounded = new Map(byDemand.slice(0, MEMBER_ENDPOINTS_MAX - 1));
  for (const [, perMinute] of byDemand.slice(MEMBER_ENDPOINTS_MAX - 1))
    bounded.set(OTHER_ENDPOINTS, (bounded.get(OTHER_ENDPOINTS) ?? 0) + perMinute);
  return bounded;
}
