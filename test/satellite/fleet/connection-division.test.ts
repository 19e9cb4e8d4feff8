/**
 * Sensors and a satellite that find out which connections several of them see, under a clock of their own: the real code of both
 * sides, and connections that are seen by whoever is on their way.
 */
import { describe, expect, it } from 'vitest';
import { ConnectionNumbers } from '../../../src/policy/connection-numbers.js';
import { Division } from '../../../src/policy/division.js';
import {
  decodeAnswer,
  decodeReport,
  encodeAnswer,
  encodeReport,
  REPORT,
} from '../../../src/policy/division-message.js';
import { ConnectionDivision } from '../../../src/satellite/fleet/connection-division.js';
import { divisionCapability } from '../../../src/satellite/fleet/division-capability.js';
import { makeExchange } from '../../policy/make-exchange.js';
import { Random, runSeed } from '../../support/random.js';

const SETTINGS = { sensorsMax: 100, sightingsMax: 50_000, pairsMax: 1000, waysMax: 100 };
const STEP = 50;

interface Connection {
  readonly client: string;
  readonly clientPort: number;
  readonly server: string;
  readonly first: number;
}

class Sensor {
  readonly id: string;
  readonly sees: (connection: Connection) => boolean;
  readonly division: Division;
  readonly takeovers: number[] = [];
  rules = 1;
  isDead = false;
  nextPoll: number;

  constructor(id: string, sees: (connection: Connection) => boolean, address: string, now: number) {
    this.id = id;
    this.sees = sees;
    this.nextPoll = now + 50;
    this.division = new Division(
      {
        ...{ leaseMillis: 10_000, servicesMax: 100, isLocal: (of) => of === address, onUntracked() {} },
        onTakeover: (_, lost) => this.takeovers.push(lost),
      },
      now,
    );
  }
}

class World {
  now = 1_000_000;
  satellite: ConnectionDivision;
  readonly sensors: Sensor[] = [];
  isAway = false;
  /** How many told of each connection. */
  readonly told: { at: number; by: string[]; seenBy: number }[] = [];
  readonly #random: Random;
  #made = 0;

  constructor(random: Random, settings = SETTINGS) {
    this.#random = random;
    this.satellite = new ConnectionDivision(settings, this.now - 1e6, 1);
  }

  restartSatellite(): void {
    this.satellite = new ConnectionDivision(SETTINGS, this.now, this.#random.between(1, 1e9));
  }

  join(id: string, sees: (connection: Connection) => boolean, address = ''): Sensor {
    const sensor = new Sensor(id, sees, address, this.now);
    this.sensors.push(sensor);
    return sensor;
  }

  run(seconds: number, connectionsPerStep: (random: Random) => Omit<Connection, 'clientPort' | 'first'>[]): void {
    for (const end = this.now + seconds * 1000; this.now < end; this.now += STEP) {
      for (const given of connectionsPerStep(this.#random)) this.#connect(given);
      for (const sensor of this.sensors) {
        sensor.division.tick(this.now);
        if (!sensor.isDead && this.now >= sensor.nextPoll) this.#poll(sensor);
      }
    }
  }

  /** Those since `seconds` ago. */
  since(seconds: number) {
    return this.told.filter(({ at, seenBy }) => at >= this.now - seconds * 1000 && seenBy > 0);
  }

  #connect(given: Omit<Connection, 'clientPort' | 'first'>): void {
    const connection = { ...given, clientPort: this.#made++ % 60_000, first: this.#random.between(0, 2 ** 32 - 1) | 0 };
    const exchange = makeExchange({ ...connection, port: 80 });
    const seen = { ...exchange, route: { ...exchange.route, firstSequence: () => connection.first } };
    const watching = this.sensors.filter(({ isDead, sees }) => !isDead && sees(connection));
    const by = watching.filter(({ division }) => division.isOurs(seen)).map(({ id }) => id);
    this.told.push({ at: this.now, by, seenBy: watching.length });
  }

  #poll(sensor: Sensor): void {
    const { division, rules, id } = sensor;
    const report = decodeReport(encodeReport(division.report(rules, 0)));
    const answer = this.isAway || report === null ? null : this.satellite.report(id, report, this.now);
    const read = answer === null ? null : decodeAnswer(encodeAnswer(answer));
    if (read !== null) division.use(read, this.now);
    sensor.nextPoll = this.now + (division.isDividing ? 2500 : 5000) * (0.9 + 0.2 * this.#random.next());
  }
}

const CALL = { client: '10.0.0.1', server: '10.0.0.2' };
/** One in five steps: four a second. */
const calls = (random: Random) => (random.chance(0.2) ? [CALL] : []);
const all = () => true;

const tellers = (told: readonly { by: readonly string[] }[]) => [...new Set(told.map(({ by }) => by.length))].sort();

describe('sensors that see the same connections', () => {
  it('each tell of their part of them, a while after they came, and of all before', () => {
    const world = new World(new Random(runSeed()));
    world.join('a', all);
    world.run(30, calls);
    expect(tellers(world.since(30))).toEqual([1]);
    world.join('b', all);
    world.run(5, calls);
    expect(tellers(world.since(4))).toEqual([2]);
    world.run(60, calls);
    const late = world.since(40);
    expect(tellers(late)).toEqual([1]);
    expect(late.filter(({ by }) => by[0] === 'a').length).toBeGreaterThan(late.length / 4);
    // Whatever happened meanwhile, none was lost.
    expect(tellers(world.told)).toEqual([1, 2]);
    expect(world.satellite.status).toMatchObject({ groups: [{ sensors: ['a', 'b'], ways: 2 }], missed: 0, refused: 0 });
  });

  it('leave them to the one at the server’s end, if it is one alone', () => {
    const world = new World(new Random(runSeed()));
    world.join('client', all, '10.0.0.1');
    world.join('server', all, '10.0.0.2');
    world.run(60, calls);
    for (const { by } of world.since(30)) expect(by).toEqual(['server']);
  });

  it('take over within two heartbeats from one that was killed, and count what it may have taken with it', () => {
    const world = new World(new Random(runSeed()));
    const [a, b] = [world.join('a', all), world.join('b', all)];
    world.run(60, calls);
    b.isDead = true;
    const dead = world.now;
    world.run(40, calls);
    const lost = world.told.filter(({ at, by }) => at >= dead && by.length === 0);
    expect(lost.length).toBeGreaterThan(5);
    for (const { at } of lost) expect(at).toBeLessThan(dead + 10_000);
    expect(a.takeovers).toHaveLength(1);
    // Those of the time between its last word and its end came, and are counted, too.
    expect(a.takeovers[0]).toBeGreaterThanOrEqual(lost.length);
    expect(a.takeovers[0]).toBeLessThan(lost.length + 4 * 5);
    for (const { by } of world.since(29)) expect(by).toEqual(['a']);
  });

  it('take over at once from one that says that it ends', () => {
    const world = new World(new Random(runSeed()));
    const [a, b] = [world.join('a', all), world.join('b', all)];
    world.run(60, calls);
    b.isDead = true;
    const ended = world.now;
    world.satellite.leave('b', world.now);
    world.run(10, calls);
    for (const { at, by } of world.told) if (by.length === 0) expect(at).toBeLessThan(ended + 2800);
    expect(a.takeovers).toHaveLength(1);
  });

  it('tell of all while the satellite is away, and share again when it is back', () => {
    const world = new World(new Random(runSeed()));
    world.join('a', all);
    world.join('b', all);
    world.run(60, calls);
    world.isAway = true;
    world.run(30, calls);
    expect(tellers(world.since(19))).toEqual([2]);
    world.isAway = false;
    world.run(20, calls);
    expect(tellers(world.since(12))).toEqual([1]);
    expect(world.told.every(({ by }) => by.length > 0)).toBe(true);
  });

  it('keep their division while a satellite that was started anew finds it out', () => {
    const world = new World(new Random(runSeed()));
    world.join('a', all);
    world.join('b', all);
    world.run(60, calls);
    world.restartSatellite();
    world.run(100, calls);
    expect(tellers(world.since(100))).toEqual([1]);
  });
});

describe('sensors that do not see the same', () => {
  it('leave nothing to each other where their networks have the same addresses', () => {
    const world = new World(new Random(runSeed()));
    let turn = 0;
    // The same client and server, of different networks: each connection is seen by one.
    world.join('a', () => turn % 2 === 0);
    world.join('b', () => turn % 2 === 1);
    world.run(100, (random) => {
      turn++;
      return calls(random);
    });
    expect(tellers(world.since(100))).toEqual([1]);
    expect(world.satellite.status.groups).toEqual([]);
  });

  it('share one way where others to the same server are seen by one alone', () => {
    const world = new World(new Random(runSeed()));
    world.join('server', all, '10.0.0.2');
    world.join('client', ({ client }) => client === '10.0.0.1', '10.0.0.1');
    const both = (random: Random) => [
      ...calls(random),
      ...(random.chance(0.2) ? [{ ...CALL, client: '10.0.0.9' }] : []),
    ];
    world.run(90, both);
    for (const { by } of world.since(30)) expect(by).toEqual(['server']);
    expect(world.satellite.status.groups).toEqual([{ sensors: ['client', 'server'], ways: 1 }]);
  });

  it('leave nothing to one that sees only some of a way, or keeps by other rules', () => {
    const world = new World(new Random(runSeed()));
    world.join('a', all);
    world.join('half', ({ clientPort }) => clientPort % 2 === 0);
    const other = world.join('other', all);
    other.rules = 2;
    world.run(100, calls);
    for (const { by } of world.told) expect(by).toEqual(expect.arrayContaining(['a', 'other']));
    expect(world.satellite.status.groups).toEqual([]);
  });

  it('leave nothing more to one that stops seeing what it saw', () => {
    const world = new World(new Random(runSeed()));
    let isBlind = false;
    world.join('a', all);
    world.join('b', ({ clientPort }) => !isBlind || clientPort % 4 === 0);
    world.run(60, calls);
    isBlind = true;
    world.run(60, calls);
    expect(world.since(30).every(({ by }) => by.includes('a'))).toBe(true);
    expect(world.satellite.status.missed).toBeGreaterThan(0);
  });
});

describe('many', () => {
  it('tell of each connection at least once at any time, and once where all is quiet, whoever comes and goes', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const world = new World(random);
    const hosts = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];
    // Two on each host see all of it; one stands between all of them.
    const sees = (host: string) => (one: Connection) => one.client === host || one.server === host;
    for (const host of hosts) for (const which of ['x', 'y']) world.join(`${host}${which}`, sees(host), host);
    world.join('between', all);
    const traffic = (of: Random) =>
      Array.from({ length: 3 }, () => ({ client: of.pick(hosts), server: of.pick(hosts) })).filter(
        ({ client, server }) => client !== server,
      );
    world.run(120, traffic);
    const quiet = world.since(30);
    expect(quiet.length).toBeGreaterThan(500);
    expect(tellers(quiet), `seed ${seed}`).toEqual([1]);
    // They end in good order, and others come, while the satellite is away now and then.
    for (let round = 0; round < 6; round++) {
      const [gone] = world.sensors.splice(random.between(0, world.sensors.length - 1), 1);
      if (gone !== undefined && !world.isAway) world.satellite.leave(gone.id, world.now);
      world.join(`new${round}`, sees(random.pick(hosts)), random.pick(hosts));
      world.isAway = random.chance(0.3);
      world.run(20, traffic);
    }
    world.isAway = false;
    world.run(90, traffic);
    expect(tellers(world.since(30)), `seed ${seed}`).toEqual([1]);
    // What was lost was lost with one that went, within two heartbeats, and is counted.
    const lost = world.told.filter(({ by, seenBy }) => seenBy > 0 && by.length === 0).length;
    const counted = world.sensors.flatMap(({ takeovers }) => takeovers).reduce((sum, one) => sum + one, 0);
    expect(counted, `seed ${seed}`).toBeGreaterThanOrEqual(lost);
  });

  it('are compared within bounds: what finds no room is told of by all', () => {
    const world = new World(new Random(runSeed()), { sensorsMax: 2, sightingsMax: 20, pairsMax: 1, waysMax: 1 });
    for (const id of ['a', 'b', 'c']) world.join(id, all);
    world.run(60, () => [CALL]);
    expect(world.told.every(({ by }) => by.includes('c') && by.length > 1)).toBe(true);
    expect(world.satellite.status.refused).toBeGreaterThan(0);
  });
});

describe('over OpAMP', () => {
  it('only sensors that sign take part, and what is no report goes unanswered', () => {
    const capability = divisionCapability(new ConnectionDivision(SETTINGS, 0, 1), () => 1000);
    const sender = { id: 'a', service: '', environment: '', isSigned: true };
    const report = encodeReport({
      report: 1,
      rules: 1,
      held: 0,
      others: [],
      unsentMillis: 0,
      isPartial: false,
      services: [],
    });
    expect(capability.handle(sender, REPORT, report)).not.toBeNull();
    expect(capability.handle({ ...sender, isSigned: false }, REPORT, report)).toBeNull();
    expect(capability.handle(sender, REPORT, Buffer.from('{}'))).toBeNull();
  });

  it('names two sensors by different numbers', () => {
    const numbers = new ConnectionNumbers();
    numbers.set(makeExchange());
    const division = new ConnectionDivision(SETTINGS, 0, 1);
    const report = { report: 1, rules: 1, held: 0, others: [], unsentMillis: 0, isPartial: false, services: [] };
    expect(division.report('a', report, 0)?.self).not.toBe(division.report('b', report, 0)?.self);
  });
});
