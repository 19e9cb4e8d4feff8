/**
 * Which sensors share which connections, and what each is told of that.
 *
 * in: reports of sensors, the time · out: an answer for each · pure
 *
 * Sensors of whom each two see the same of a service, or of a way to it, are a group (`overlaps.ts`). What one is told is not told to the
 * others at the same time, and need not be: they go by one order (`policy/division.ts`).
 *
 * After a start nothing is known of who sees what. Sensors that hold a division keep it meanwhile, as long as the others of it live.
 */
import { textNumber } from '../../policy/connection-numbers.js';
import {
  type DivisionAnswer,
  type DivisionGroup,
  type DivisionReport,
  GROUP_MEMBERS_MAX,
  type MemberWord,
} from '../../policy/division-message.js';
import { Overlaps, type Watcher } from './overlaps.js';

export interface ConnectionDivisionSettings {
  readonly sensorsMax: number;
  readonly sightingsMax: number;
  readonly pairsMax: number;
  /** Services and ways that one sensor divides with others. */
  readonly waysMax: number;
}

export interface ConnectionDivisionStatus {
  /** Groups of sensors, with how many services and ways they divide. */
  readonly groups: readonly { readonly sensors: readonly string[]; readonly ways: number }[];
  /** Exchanges that a sensor of a group did not see, of those that were compared: what it was left of such was lost. */
  readonly missed: number;
  readonly refused: number;
}

interface Placed {
  readonly watcher: Watcher;
  readonly rank: number;
}

type Group = readonly Placed[];

/** What a sensor takes part in. */
interface Part {
  readonly groups: Map<number, Group>;
  version: number;
}

interface Gone {
  readonly word: Omit<MemberWord, 'ageMillis'>;
  readonly lastWordAt: number;
  readonly until: number;
}

/** How long sensors keep what an earlier run had them divide. */
const START_MILLIS = 60_000;
/** How long it is told that a sensor has gone. */
const GONE_MILLIS = 30_000;
/** How long one that is silent is remembered: others take over from it long before, and it may come back. */
const SILENT_MILLIS = 60_000;

export class ConnectionDivision {
  readonly #settings: ConnectionDivisionSettings;
  readonly #overlaps: Overlaps;
  readonly #startedAt: number;
  readonly #parts = new Map<Watcher, Part>();
  readonly #gone = new Map<number, Gone>();
  readonly #byMember = new Map<number, Watcher>();
  /** By service or way. */
  readonly #groups = new Map<number, readonly Group[]>();
  /** Versions of another run are others. */
  #version: number;

  constructor(settings: ConnectionDivisionSettings, now: number, firstVersion: number) {
    this.#settings = settings;
    this.#startedAt = now;
    this.#version = firstVersion;
    this.#overlaps = new Overlaps({ ...settings, onChange: (way) => this.#regroup(way) });
  }

  get status(): ConnectionDivisionStatus {
    const groups = new Map<string, { sensors: readonly string[]; ways: number }>();
    for (const group of [...this.#groups.values()].flat()) {
      const sensors = group.map(({ watcher }) => watcher.id);
      const known = groups.get(sensors.join());
      if (known === undefined) groups.set(sensors.join(), { sensors, ways: 1 });
      else known.ways++;
    }
    const { missed, refused } = this.#overlaps;
    return { groups: [...groups.values()], missed, refused };
  }

  report(id: string, report: DivisionReport, now: number): DivisionAnswer | null {
    this.#endSilent(now);
    const watcher = this.#overlaps.report(id, memberOf(id), report, now);
    if (watcher === null) return null;
    this.#byMember.set(watcher.member, watcher);
    const part = this.#partOf(watcher);
    const isStarting = part.groups.size === 0 && report.held !== 0 && now < this.#startedAt + START_MILLIS;
    const isNews = !isStarting && report.held !== part.version;
    const others = new Set(report.others);
    if (isNews) for (const group of part.groups.values()) for (const one of group) others.add(one.watcher.member);
    others.delete(watcher.member);
    return {
      self: watcher.member,
      held: isStarting ? report.held : part.version,
      members: [...others].flatMap((member) => this.#wordOf(member, now)),
      gone: [...others].flatMap((member) => this.#goneOf(member, now)),
      groups: isNews ? groupsOf(part.groups) : null,
    };
  }

  /** The sensor ends. */
  leave(id: string, now: number): void {
    const watcher = this.#overlaps.watchers.get(id);
    if (watcher === undefined) return;
    const { member, unsentMillis } = watcher;
    this.#overlaps.leave(id);
    this.#parts.delete(watcher);
    this.#byMember.delete(member);
    for (const [one, { until }] of this.#gone) if (until <= now) this.#gone.delete(one);
    const word = { member, unsentMillis };
    this.#gone.set(member, { word, lastWordAt: watcher.lastReportAt, until: now + GONE_MILLIS });
  }

  #endSilent(now: number): void {
    for (const watcher of this.#overlaps.watchers.values()) {
      if (now < watcher.lastReportAt + SILENT_MILLIS) return;
      this.leave(watcher.id, now);
    }
  }

  #partOf(watcher: Watcher): Part {
    const known = this.#parts.get(watcher);
    if (known !== undefined) return known;
    const part = { groups: new Map<number, Group>(), version: 0 };
    this.#parts.set(watcher, part);
    return part;
  }

  #wordOf(member: number, now: number): MemberWord[] {
    const watcher = this.#byMember.get(member);
    if (watcher === undefined) return [];
    return [{ member, ageMillis: now - watcher.lastReportAt, unsentMillis: watcher.unsentMillis }];
  }

  #goneOf(member: number, now: number): MemberWord[] {
    const gone = this.#gone.get(member);
    if (gone === undefined || gone.until <= now || this.#byMember.has(member)) return [];
    return [{ ...gone.word, ageMillis: now - gone.lastWordAt }];
  }

  /** Puts those together of whom each two see the same. */
  #regroup(way: number): void {
    const same = this.#overlaps.same(way);
    const sensors = new Map<string, Placed>();
    const pairs = new Set<string>();
    for (const { one, other, ranks } of same) {
      sensors.set(one.id, { watcher: one, rank: ranks[0] });
      sensors.set(other.id, { watcher: other, rank: ranks[1] });
      pairs.add(`${one.id} ${other.id}`).add(`${other.id} ${one.id}`);
    }
    const cliques: Placed[][] = [];
    for (const [id, placed] of [...sensors].sort(([one], [other]) => (one < other ? -1 : 1))) {
      const clique = cliques.find(
        (of) => of.length < GROUP_MEMBERS_MAX && of.every(({ watcher }) => pairs.has(`${id} ${watcher.id}`)),
      );
      if (clique === undefined) cliques.push([placed]);
      else clique.push(placed);
    }
    const groups = cliques.filter(({ length }) => length > 1);
    for (const { watcher } of this.#groups.get(way)?.flat() ?? []) this.#place(watcher, way, null);
    for (const group of groups) for (const { watcher } of group) this.#place(watcher, way, group);
    if (groups.length === 0) this.#groups.delete(way);
    else this.#groups.set(way, groups);
  }

  #place(watcher: Watcher, way: number, group: Group | null): void {
    // It may have left.
    const part = this.#parts.get(watcher);
    if (part === undefined) return;
    if (group === null) part.groups.delete(way);
    else if (part.groups.size < this.#settings.waysMax) part.groups.set(way, group);
    part.version = ++this.#version;
  }
}

/** Two sensors with the same number would each take the other for itself: one of 4 billion. */
function memberOf(id: string): number {
  return textNumber(id);
}

function groupsOf(byWay: ReadonlyMap<number, Group>): readonly DivisionGroup[] {
  const groups = new Map<string, { members: DivisionGroup['members']; ways: number[] }>();
  for (const [way, group] of byWay) {
    const members = group.map(({ watcher, rank }) => ({ member: watcher.member, rank }));
    const key = members.map(({ member, rank }) => `${member}/${rank}`).join();
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { members, ways: [way] });
    else known.ways.push(way);
  }
  return [...groups.values()];
}
