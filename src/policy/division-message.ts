/**
 * What a sensor and its satellite say to each other so that a connection that several sensors see is told of once.
 *
 * in: bytes of either message, whatever they are · out: a report, an answer, or null where they are none · and back
 *
 *     sensor    → {"report":7,"rules":N,"held":3,"with":[N,…],"unsent":9000,"partial":false,"services":[[SERVICE,1,LEVEL,[EXCHANGE,WAY,…]],…]}
 *     satellite → {"self":N,"held":4,"members":[[N,AGE,UNSENT],…],"gone":[[N,AGE,UNSENT],…],"groups":[{"members":[[N,RANK],…],"ways":[…]},…]}
 *
 * Numbers are those of `connection-numbers.ts`, and name nobody. Ages are durations in milliseconds: neither clock has to be right.
 */

/** What a sensor saw of one service since its last report: a sample that goes by the exchanges' numbers, so that all draw the same. */
export interface SeenService {
  readonly service: number;
  /** Whether the sensor stands at the server's end. */
  readonly isServerEnd: boolean;
  /** Those are listed whose number has so many zeros at its end. */
  readonly level: number;
  /** The number of an exchange, then that of its way, and so on. */
  readonly sample: readonly number[];
}

export interface DivisionReport {
  /** Counts up, so that a report that is lost shows. */
  readonly report: number;
  /** Of the rules and rates by which the sensor keeps what it sees: only sensors that keep the same divide it. */
  readonly rules: number;
  /** Which division it goes by; 0: none. */
  readonly held: number;
  /** The others of that division. */
  readonly others: readonly number[];
  /** How long ago the oldest exchange began that has not been delivered. */
  readonly unsentMillis: number;
  /** Whether it saw services that are not listed. */
  readonly isPartial: boolean;
  readonly services: readonly SeenService[];
}

export interface MemberWord {
  readonly member: number;
  /** Since it was last heard of. */
  readonly ageMillis: number;
  /** As it said then. */
  readonly unsentMillis: number;
}

export interface DivisionGroup {
  /** Of those with the highest rank the one that a connection calls for has it. */
  readonly members: readonly { readonly member: number; readonly rank: number }[];
  /** Services and ways, of which a way counts first. */
  readonly ways: readonly number[];
}

export interface DivisionAnswer {
  readonly self: number;
  readonly held: number;
  readonly members: readonly MemberWord[];
  /** Those that have gone. */
  readonly gone: readonly MemberWord[];
  /** Null: what the sensor holds stays. */
  readonly groups: readonly DivisionGroup[] | null;
}

/** The name of the capability, and the types of its messages. */
export const DIVISION_CAPABILITY = 'ai.levo.pcap_sensor.division';
export const REPORT = 'report';
export const DIVISION = 'division';

/** Longer messages are not read. */
export const DIVISION_MESSAGE_BYTES_MAX = 128 << 10;
/** Services of a report. */
export const REPORTED_SERVICES_MAX = 256;
/** Exchanges of one service in a report. */
export const SAMPLE_MAX = 32;
export const GROUP_MEMBERS_MAX = 8;
const OTHERS_MAX = 256;
const GROUPS_MAX = 1024;
const WAYS_MAX = 4096;
const LEVEL_MAX = 31;
const NUMBER_MAX = 2 ** 48;
const MILLIS_MAX = 3_600_000;

export function encodeReport(report: DivisionReport): Buffer {
  const { held, rules, others, unsentMillis, isPartial, services } = report;
  return Buffer.from(
    JSON.stringify({
      ...{ report: report.report, rules, held, with: others.slice(0, OTHERS_MAX) },
      ...{ unsent: Math.min(MILLIS_MAX, Math.round(unsentMillis)), partial: isPartial },
      services: services.map(({ service, isServerEnd, level, sample }) => [
        service,
        isServerEnd ? 1 : 0,
        level,
        sample,
      ]),
    }),
  );
}

export function decodeReport(bytes: Uint8Array): DivisionReport | null {
  const { report, rules, held, with: others, unsent, partial, services } = membersOf(bytes);
  if (!isNumber(report) || !isNumber(rules) || !isNumber(held) || !isNumber(unsent, MILLIS_MAX)) return null;
  if (!areNumbers(others, OTHERS_MAX) || !isList(services, REPORTED_SERVICES_MAX)) return null;
  const seen = services.map(seenServiceOf);
  if (seen.includes(null)) return null;
  return {
    ...{ report, rules, held, others, unsentMillis: unsent, isPartial: partial === true },
    services: seen.filter((one) => one !== null),
  };
}

export function encodeAnswer({ self, held, members, gone, groups }: DivisionAnswer): Buffer {
  return Buffer.from(
    JSON.stringify({
      ...{ self, held, members: members.map(wordPair), gone: gone.map(wordPair) },
      ...(groups === null
        ? {}
        : {
            groups: groups.map(({ members: of, ways }) => ({
              members: of.map(({ member, rank }) => [member, rank]),
              ways,
            })),
          }),
    }),
  );
}

export function decodeAnswer(bytes: Uint8Array): DivisionAnswer | null {
  const { self, held, members, gone, groups } = membersOf(bytes);
  if (!isNumber(self) || !isNumber(held)) return null;
  const words = wordsOf(members);
  const goneWords = wordsOf(gone);
  if (words === null || goneWords === null) return null;
  if (groups === undefined) return { self, held, members: words, gone: goneWords, groups: null };
  if (!isList(groups, GROUPS_MAX)) return null;
  const read = groups.map(groupOf);
  if (read.includes(null)) return null;
  return { self, held, members: words, gone: goneWords, groups: read.filter((one) => one !== null) };
}

function seenServiceOf(value: unknown): SeenService | null {
  if (!isList(value, 4) || value.length !== 4) return null;
  const [service, end, level, sample] = value;
  if (!isNumber(service) || !isNumber(end, 1) || !isNumber(level, LEVEL_MAX)) return null;
  if (!areNumbers(sample, 2 * SAMPLE_MAX) || sample.length % 2 !== 0) return null;
  return { service, isServerEnd: end === 1, level, sample };
}

function wordPair({ member, ageMillis, unsentMillis }: MemberWord): number[] {
  return [member, Math.min(MILLIS_MAX, Math.round(ageMillis)), Math.min(MILLIS_MAX, Math.round(unsentMillis))];
}

function wordsOf(value: unknown): readonly MemberWord[] | null {
  if (!isList(value, OTHERS_MAX)) return null;
  const words: MemberWord[] = [];
  for (const one of value) {
    if (!areNumbers(one, 3)) return null;
    const [member, ageMillis, unsentMillis] = one;
    if (member === undefined || ageMillis === undefined || unsentMillis === undefined) return null;
    words.push({ member, ageMillis, unsentMillis });
  }
  return words;
}

function groupOf(value: unknown): DivisionGroup | null {
  const { members, ways } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (!isList(members, GROUP_MEMBERS_MAX) || !areNumbers(ways, WAYS_MAX)) return null;
  const pairs: { member: number; rank: number }[] = [];
  for (const one of members) {
    if (!areNumbers(one, 2)) return null;
    const [member, rank] = one;
    if (member === undefined || rank === undefined) return null;
    pairs.push({ member, rank });
  }
  return { members: pairs, ways };
}

const NO_MEMBERS: Readonly<Record<string, unknown>> = {};

function membersOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  if (bytes.length > DIVISION_MESSAGE_BYTES_MAX) return NO_MEMBERS;
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : NO_MEMBERS;
  } catch {
    return NO_MEMBERS;
  }
}

function isList(value: unknown, max: number): value is readonly unknown[] {
  return Array.isArray(value) && value.length <= max;
}

function areNumbers(value: unknown, max: number): value is readonly number[] {
  return isList(value, max) && value.every((one) => isNumber(one));
}

function isNumber(value: unknown, max = NUMBER_MAX): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
}
