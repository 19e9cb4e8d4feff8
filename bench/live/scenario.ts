/**
 * A scenario: a network of namespaces made for it, real programs that talk across it, a sensor at one or more places, and a
 * literal expectation of who is reported to have talked to whom, once.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CompareSettings, type Comparison, compare } from './compare.js';
import { createNamespace, type Namespace, type Program } from './namespace.js';
import { startPacketFile } from './pair.js';
import { GO } from './places.js';
import { makeSite, type PlanItem, type Site } from './plan.js';
import { createScratch } from './scratch.js';
import { type Sensor, startSensor } from './sensor.js';
import { establishTruth, jsonLines, type Route, type ServerRecord, type TrueExchange } from './truth.js';

export interface Scenario {
  readonly name: string;
  /** Programs and files without which it is left out. */
  readonly needs: readonly string[];
  /** Takes a minute or more, or both cores. */
  readonly isHeavy?: boolean;
  run(stage: Stage): Promise<void>;
}

/** What a scenario is given; everything it makes is removed with it. */
export interface Stage {
  readonly directory: string;
  readonly site: Site;
  namespace(label: string): Namespace;
  /** The application on net/http; `page` is what `/page.txt` gives. */
  serve(namespace: Namespace, port: number, page?: string): Promise<ServedApplication>;
  /** Starts a sensor in the namespace; `expect` says what is compared with its output. */
  placeSensor(namespace: Namespace, label: string, settings?: PlaceSettings): Promise<PlacedSensor>;
  /** Sends the plan with the Go client and gives both ends' truth of it. */
  converse(conversation: Conversation): Promise<TrueExchange[]>;
}

export interface ServedApplication {
  readonly log: string;
  readonly program: Program;
}

interface PlaceSettings extends CompareSettings {
  readonly options?: readonly string[];
  readonly hasSatellite?: boolean;
}

export interface PlacedSensor {
  /** What the sensor is to have seen, all of it. */
  expect(exchanges: readonly TrueExchange[]): void;
  /** Stops the sensor for a while, so that its ring runs over. */
  pause(millis: number): Promise<void>;
}

export interface Conversation {
  readonly from: Namespace;
  readonly to: string;
  readonly plan: readonly PlanItem[];
  readonly route: Route;
  readonly application: ServedApplication;
  readonly connections?: number;
  /** Before each request of a connection, as Go writes durations. */
  readonly pause?: string;
  readonly millisMax?: number;
}

export interface ScenarioResult extends Comparison {
  readonly name: string;
  /** Packets that the kernel had no room for, at all sensors: what they carried cannot be known. */
  readonly lostByKernel: number;
}

interface Placed extends PlaceSettings {
  readonly label: string;
  readonly sensor: Sensor;
  readonly packets: Program | null;
  expected: readonly TrueExchange[];
}

export interface ScenarioSettings {
  readonly sensor: string;
  readonly keep: string | null;
}

const CLIENT_MILLIS_MAX = 60_000;

export async function runScenario(scenario: Scenario, settings: ScenarioSettings): Promise<ScenarioResult> {
  const scratch = createScratch();
  const directory = scratch.path;
  const namespaces: Namespace[] = [];
  const placed: Placed[] = [];
  const stage = makeStage(directory, namespaces, placed, settings);
  try {
    await scenario.run(stage);
    let compared = 0;
    const wrong: Comparison['wrong'][number][] = [];
    let lostByKernel = 0;
    for (const { label, sensor, packets, expected, ...rest } of placed) {
      await sensor.settled(expected.reduce((count, { times }) => count + times, 0));
      const traces = await sensor.stop();
      await packets?.stop('SIGINT');
      const result = compare(expected, traces, rest);
      compared += result.compared;
      wrong.push(...result.wrong.map(({ id, what }) => ({ id, what: `${label}: ${what}` })));
      for (const [, count] of sensor.log().matchAll(/lost by the kernel +(\d+)/g)) lostByKernel += Number(count);
    }
    if (wrong.length > 0 && settings.keep !== null) keepScenario(settings.keep, directory, scenario.name, wrong);
    return { name: scenario.name, compared, wrong, lostByKernel };
  } finally {
    for (const namespace of namespaces) await namespace.remove();
    scratch.remove();
  }
}

function makeStage(directory: string, namespaces: Namespace[], placed: Placed[], settings: ScenarioSettings): Stage {
  const site = makeSite(directory);
  let conversations = 0;
  let servers = 0;
  return {
    directory,
    site,
    namespace(label) {
      const namespace = createNamespace(label);
      namespaces.push(namespace);
      return namespace;
    },
    async serve(namespace, port, page = site.page) {
      const label = `application-${servers++}`;
      const log = join(directory, `${label}.log`);
      const env = { LIVE_PAGE: page, LIVE_LOG: log };
      const program = namespace.start(label, [GO, 'serve', String(port)], { directory, env });
      await program.listening(port);
      return { log, program };
    },
    async placeSensor(namespace, label, place = {}) {
      const { options = [], hasSatellite = false } = place;
      const sensor = await startSensor(namespace, { entry: settings.sensor, directory, label, options, hasSatellite });
      const packets = settings.keep === null ? null : await startPacketFile(namespace, directory, `packets-${label}`);
      const entry: Placed = { ...place, label, sensor, packets, expected: [] };
      placed.push(entry);
      return {
        expect(exchanges) {
          entry.expected = exchanges;
        },
        pause: (millis) => sensor.pause(millis),
      };
    },
    async converse({
      from,
      to,
      plan,
      route,
      application,
      connections = 1,
      pause = '0s',
      millisMax = CLIENT_MILLIS_MAX,
    }) {
      const label = `conversation-${conversations++}`;
      const bodies = join(directory, label);
      mkdirSync(bodies);
      const planFile = join(bodies, 'plan');
      writeFileSync(planFile, plan.map((item) => `${JSON.stringify(item)}\n`).join(''));
      const command = [GO, 'client', to, planFile, bodies, String(connections), pause];
      const client = from.start(label, command, { directory });
      await client.ended(millisMax);
      const ids = new Set(plan.map(({ id }) => id));
      const truth = establishTruth({
        plan,
        route,
        clientReport: readFileSync(client.output, 'utf8'),
        bodies,
        // Others may have spoken to the application too.
        serverLog: jsonLines<ServerRecord>(readFileSync(application.log, 'utf8')).filter(({ id = '' }) => ids.has(id)),
        originLog: [],
      });
      if (truth.doubts.length > 0) throw new Error(`the programs do not agree: ${truth.doubts.join('; ')}`);
      return truth.exchanges;
    },
  };
}

/** Some exchanges of several shapes, `prefix` in their ids, `headers` in all of them. */
export function somePlan(
  prefix: string,
  site: Site,
  count: number,
  headers: (i: number) => readonly (readonly [string, string])[] = () => [],
): PlanItem[] {
  const binary = ['Content-Type', 'application/octet-stream'] as const;
  const shapes = [
    { method: 'GET', path: '/hello' },
    { method: 'POST', path: '/echo', body: site.bodies.order },
    { method: 'GET', path: '/page.txt' },
    { method: 'PUT', path: '/store', body: site.bodies.bytes3k, isChunked: true },
    { method: 'GET', path: '/chunks' },
    { method: 'POST', path: '/echo', body: site.bodies.bytes100k },
    { method: 'GET', path: '/absent' },
    { method: 'POST', path: '/echo', body: site.bodies.http100k },
    { method: 'GET', path: '/nothing' },
  ];
  return Array.from({ length: count }, (_, i) => {
    const {
      method,
      path,
      body = null,
      isChunked = false,
    } = shapes[i % shapes.length] ?? { method: 'GET', path: '/hello' };
    const id = `${prefix}${i}`;
    const own = [...(body === null ? [] : [binary]), ...headers(i)];
    return {
      id,
      method,
      target: `${path}?id=${id}`,
      headers: own,
      body,
      isChunked,
      isFollowed: false,
      isClosing: false,
    };
  });
}

/** The exchanges as the leg nearest the client and the one behind have them, which is between `inner`. */
export function bothLegs(exchanges: readonly TrueExchange[], inner: Route): TrueExchange[] {
  return exchanges.flatMap((exchange) => [
    { ...exchange, route: { ...exchange.route, leg: 'outer' } },
    { ...exchange, route: { ...exchange.route, ...inner, leg: 'inner' } },
  ]);
}

function keepScenario(keep: string, directory: string, name: string, wrong: Comparison['wrong']): void {
  const place = join(keep, name.replace(/[^a-z0-9.-]+/gi, '-'));
  mkdirSync(place, { recursive: true });
  for (const file of readdirSync(directory).filter((name) =>
    /\.pcap$|^(near|far|task|host|node|[abc])\.(out|err)$/.test(name),
  )) {
    copyFileSync(join(directory, file), join(place, file));
  }
  writeFileSync(join(place, 'wrong.txt'), wrong.map(({ id, what }) => `${id} ${what}\n`).join(''));
}
