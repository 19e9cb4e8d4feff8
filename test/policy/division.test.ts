/** Which of several sensors tells of a connection that all of them see. */
import { describe, expect, it } from 'vitest';
import { ConnectionNumbers, callOf } from '../../src/policy/connection-numbers.js';
import { Division, isAtLevel } from '../../src/policy/division.js';
import {
  type DivisionAnswer,
  type DivisionReport,
  decodeAnswer,
  decodeReport,
  encodeAnswer,
  encodeReport,
  SAMPLE_MAX,
} from '../../src/policy/division-message.js';
import { Random, runSeed } from '../support/random.js';
import { makeExchange } from './make-exchange.js';

const LEASE = 10_000;

function division(servicesMax = 100) {
  const takeovers: { member: number; lost: number }[] = [];
  let untracked = 0;
  const of = new Division(
    {
      leaseMillis: LEASE,
      servicesMax,
      isLocal: (address) => address === '10.0.0.2',
      onTakeover: (member, lost) => takeovers.push({ member, lost }),
      onUntracked: () => untracked++,
    },
    0,
  );
  return { of, takeovers, untracked: () => untracked };
}

const connection = (port: number, server = '10.0.0.2') =>
  makeExchange({ client: '10.0.0.1', clientPort: port, server, port: 80 });

function numbersOf(exchange: ReturnType<typeof connection>): ConnectionNumbers {
  const numbers = new ConnectionNumbers();
  numbers.set(exchange);
  return numbers;
}

const { service: SERVICE } = numbersOf(connection(1));

function answer(self: number, ages: Record<number, number>, more: Partial<DivisionAnswer> = {}): DivisionAnswer {
  const members = Object.entries(ages).map(([member, ageMillis]) => ({
    member: Number(member),
    ageMillis,
    unsentMillis: 0,
  }));
  const all = [self, ...members.map(({ member }) => member)].sort().map((member) => ({ member, rank: 0 }));
  return { self, held: 1, members, gone: [], groups: [{ members: all, ways: [SERVICE] }], ...more };
}

describe('the numbers of a connection', () => {
  it('are the same wherever it is captured, and others for another port, address or place', () => {
    const here = numbersOf(connection(40_000));
    expect(here).toEqual(numbersOf(connection(40_000)));
    const elsewhere = {
      ...connection(40_000),
      route: { ...connection(1).route, firstSequence: () => 500 },
      position: 70,
    };
    const later = { ...connection(40_000), route: { ...connection(1).route, firstSequence: () => 0 }, position: 570 };
    expect(numbersOf(elsewhere)).toEqual(numbersOf(later));
    expect(numbersOf(elsewhere).connection).toBe(here.connection);
    expect(numbersOf(elsewhere).exchange).not.toBe(here.exchange);
    expect(numbersOf(connection(40_001)).way).toBe(here.way);
    expect(numbersOf(connection(40_001)).connection).not.toBe(here.connection);
    expect(numbersOf(connection(40_000, '10.0.0.3')).service).not.toBe(here.service);
  });

  it('take the sequence number beyond its end', () => {
    const at = (first: number, position: number) =>
      numbersOf({ ...connection(1), route: { ...connection(1).route, firstSequence: () => first }, position }).exchange;
    expect(at(-1, 11)).toBe(at(0, 10));
    expect(at(0x7fffffff, 2 ** 33 + 1)).toBe(at(-0x80000000, 0));
  });

  it('divide connections about evenly, and are hardly ever the same', () => {
    const exchanges = new Set<number>();
    const counts = [0, 0, 0];
    for (let port = 1; port <= 60_000; port++) {
      const { exchange, connection: number } = numbersOf(connection(port));
      exchanges.add(exchange);
      const calls = [11, 22, 33].map((member) => callOf(member, number));
      const most = calls.indexOf(Math.max(...calls));
      counts[most] = (counts[most] as number) + 1;
    }
    expect(exchanges.size).toBe(60_000);
    for (const count of counts) expect(Math.abs(count - 20_000)).toBeLessThan(600);
  });
});

describe('a division', () => {
  it('tells of everything while it is told nothing, and of its part of what it shares', () => {
    const one = division();
    const other = division();
    const count = () => {
      const by = { one: 0, other: 0 };
      for (let port = 1; port <= 1000; port++) {
        const [mine, its] = [one.of.isOurs(connection(port)), other.of.isOurs(connection(port))];
        by.one += Number(mine);
        by.other += Number(its);
      }
      return by;
    };
    expect(count()).toEqual({ one: 1000, other: 1000 });
    one.of.use(answer(1, { 2: 0 }), 0);
    other.of.use(answer(2, { 1: 0 }), 0);
    const { one: first, other: second } = count();
    expect(first + second).toBe(1000);
    expect(Math.min(first, second)).toBeGreaterThan(400);
    // Of another service nothing was said.
    expect(one.of.isOurs(connection(1, '10.0.0.9')) && other.of.isOurs(connection(1, '10.0.0.9'))).toBe(true);
  });

  it('leaves to the server’s end what both ends see', () => {
    const client = division();
    const server = division();
    const groups = [
      {
        members: [
          { member: 1, rank: 0 },
          { member: 2, rank: 1 },
        ],
        ways: [SERVICE],
      },
    ];
    client.of.use(answer(1, { 2: 0 }, { groups }), 0);
    server.of.use(answer(2, { 1: 0 }, { groups }), 0);
    for (let port = 1; port <= 200; port++) {
      expect(client.of.isOurs(connection(port))).toBe(false);
      expect(server.of.isOurs(connection(port))).toBe(true);
    }
  });

  it('goes by a way before it goes by the service', () => {
    const { of } = division();
    const { way } = numbersOf(connection(1));
    const alone = [{ member: 1, rank: 0 }];
    of.use(
      answer(1, { 2: 0 }, { groups: [{ members: alone, ways: [way] }, ...(answer(1, { 2: 0 }).groups ?? [])] }),
      0,
    );
    for (let port = 1; port <= 100; port++) expect(of.isOurs(connection(port))).toBe(true);
  });

  it('takes over two heartbeats after the last word of another, and counts what it had left to it since', () => {
    const { of, takeovers } = division();
    of.use(answer(1, { 2: 1000 }), 5000);
    const left = (now: number): number => {
      of.tick(now);
      let count = 0;
      for (let port = 1; port <= 100; port++) count += of.isOurs(connection(port)) ? 0 : 1;
      return count;
    };
    const before = left(3000);
    expect(before).toBeGreaterThan(20);
    expect(left(6000)).toBe(before);
    of.tick(13_900);
    expect(takeovers).toEqual([]);
    expect(left(14_000)).toBe(0);
    // The last word was at 4000.
    expect(takeovers).toEqual([{ member: 2, lost: before }]);
    // It was only away.
    of.use(answer(1, { 2: 0 }, { groups: null }), 15_000);
    expect(left(15_000)).toBe(before);
  });

  it('counts what another had not sent, too, and takes over at once where it has gone', () => {
    const { of, takeovers } = division();
    of.use({ ...answer(1, { 2: 0 }), members: [{ member: 2, ageMillis: 0, unsentMillis: 2000 }] }, 5000);
    for (const now of [2500, 3500, 6500, 7500]) {
      of.tick(now);
      for (let port = 1; port <= 100; port++) of.isOurs(connection(port));
    }
    const gone = [{ member: 2, ageMillis: 2000, unsentMillis: 4000 }];
    of.use(answer(1, {}, { gone, groups: [], held: 2 }), 8000);
    const [{ lost } = { lost: 0 }] = takeovers;
    // Since 2000: all four.
    expect(lost % 4).toBe(0);
    expect(lost).toBeGreaterThan(80);
    expect(of.isDividing).toBe(false);
    // Said again, it is not counted again.
    of.use(answer(1, {}, { gone, groups: null }), 8100);
    expect(takeovers).toHaveLength(1);
  });

  it('loses no connection whatever division each goes by, and tells of none twice where all go by the same', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const members = [101, 202, 303, 404, 505];
    const ranks = new Map(members.map((member) => [member, random.between(0, 1)]));
    const groupOf = (self: number, of: readonly number[]): DivisionAnswer => ({
      ...{ self, held: 1, gone: [] },
      members: of.filter((one) => one !== self).map((member) => ({ member, ageMillis: 0, unsentMillis: 0 })),
      groups: [{ members: of.map((member) => ({ member, rank: ranks.get(member) ?? 0 })), ways: [SERVICE] }],
    });
    for (let round = 0; round < 200; round++) {
      const sensors = members.map((member) => ({ member, ...division() }));
      const isSame = random.chance(0.3);
      for (const { member, of } of sensors) {
        // Any of the others may be in it, as it was at some time.
        const some = members.filter((one) => one === member || isSame || random.chance(0.6));
        if (isSame || random.chance(0.9)) of.use(groupOf(member, some), 0);
      }
      for (let port = 1; port <= 50; port++) {
        const tellers = sensors.filter(({ of }) => of.isOurs(connection(port))).length;
        expect(tellers, `seed ${seed}`).toBeGreaterThanOrEqual(1);
        if (isSame) expect(tellers, `seed ${seed}`).toBe(1);
      }
    }
  });

  it('reports a sample that goes by the numbers, the rarer the more there are', () => {
    const { of } = division();
    const other = division();
    for (let port = 1; port <= 5000; port++) {
      of.isOurs(connection(port));
      if (port % 100 === 0) other.of.isOurs(connection(port));
    }
    const [{ level, sample, service, isServerEnd } = { level: 0, sample: [], service: 0, isServerEnd: false }] =
      of.report(1, 0).services;
    expect({ service, isServerEnd }).toEqual({ service: SERVICE, isServerEnd: true });
    expect(level).toBeGreaterThan(4);
    expect(sample.length).toBeLessThanOrEqual(2 * SAMPLE_MAX);
    const exchanges = Array.from({ length: 5000 }, (_, at) => numbersOf(connection(at + 1)).exchange);
    expect(sample.filter((_, at) => at % 2 === 0)).toEqual(exchanges.filter((one) => isAtLevel(one, level)));
    const few = other.of.report(1, 0).services[0];
    expect((few?.level ?? 9) < level).toBe(true);
    expect(of.report(1, 0)).toMatchObject({ report: 2, services: [], isPartial: false });
  });

  it('says that there were more services than it has room for, and tells of them', () => {
    const { of, untracked } = division(3);
    for (let server = 1; server <= 10; server++) expect(of.isOurs(connection(1, `10.0.1.${server}`))).toBe(true);
    expect(of.report(1, 0)).toMatchObject({ isPartial: true, services: { length: 3 } });
    expect(untracked()).toBe(1);
  });
});

describe('the messages', () => {
  const report: DivisionReport = {
    ...{ report: 7, rules: 4_000_000_000, held: 3, others: [1, 2], unsentMillis: 9000, isPartial: true },
    services: [{ service: 2 ** 47 + 5, isServerEnd: true, level: 3, sample: [8, 9] }],
  };
  const told: DivisionAnswer = {
    ...{ self: 5, held: 9, members: [{ member: 6, ageMillis: 1, unsentMillis: 2 }] },
    gone: [{ member: 7, ageMillis: 3, unsentMillis: 4 }],
    groups: [
      {
        members: [
          { member: 5, rank: 1 },
          { member: 6, rank: 0 },
        ],
        ways: [1, 2, 3],
      },
    ],
  };

  it('come as they were sent', () => {
    expect(decodeReport(encodeReport(report))).toEqual(report);
    expect(decodeAnswer(encodeAnswer(told))).toEqual(told);
    expect(decodeAnswer(encodeAnswer({ ...told, groups: null }))).toEqual({ ...told, groups: null });
  });

  it('are read or left, whatever they are', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const values = [
      0,
      -1,
      1.5,
      2 ** 60,
      '1',
      null,
      [],
      [[]],
      {},
      [1, 2, 3, 4],
      Array(5000).fill(1),
      true,
      [[1, 1, 40, [1]]],
    ];
    for (const [encoded, decode] of [
      [encodeReport(report), decodeReport],
      [encodeAnswer(told), decodeAnswer],
    ] as const) {
      for (let round = 0; round < 500; round++) {
        const members = JSON.parse(encoded.toString()) as Record<string, unknown>;
        const name = random.pick(Object.keys(members));
        members[name] = random.pick(values);
        const read = decode(Buffer.from(JSON.stringify(members)));
        // What is read is what was sent.
        if (read !== null)
          expect(
            decode(
              decode === decodeReport ? encodeReport(read as DivisionReport) : encodeAnswer(read as DivisionAnswer),
            ),
            `seed ${seed}`,
          ).toEqual(read);
        const bytes = Buffer.from(encoded);
        bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
        decode(bytes.subarray(0, random.between(0, bytes.length)));
      }
    }
  });
});
