/**
 * A fleet that shares one budget, under one virtual clock: each sensor with its real policy, traces, redaction, relay and side of the
 * budget, the satellite with its real side, and between them a network that delays, loses and goes away.
 *
 * in: a size and a seed · out: what was kept when, and what of it arrived; every machine's clock is wrong by up to an hour
 */
import { gunzipSync } from 'node:zlib';
import { countDropped, createCounters, DropReason } from '../../src/counters.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { createBooks } from '../../src/output/books.js';
import { openRelay, type Relay } from '../../src/output/relay/relay.js';
import { type HttpReply, type HttpRequest, PostError } from '../../src/output/satellite/http-client.js';
import { createLevoEncoder } from '../../src/output/satellite/levo.js';
import { createOtlpEncoder } from '../../src/output/satellite/otlp/encoder.js';
import { SatelliteSender } from '../../src/output/satellite/satellite-sender.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import { decodeReport, encodeQuota } from '../../src/policy/budget-message.js';
import { createPolicy, type Policy } from '../../src/policy/policy.js';
import { FleetBudget } from '../../src/satellite/fleet/fleet-budget.js';
import { SharedBudget } from '../../src/sensor/shared-budget.js';
import { createTraceBuilder } from '../../src/trace/trace-builder.js';
import { makeExchange } from '../policy/make-exchange.js';
import type { Random } from '../support/random.js';
import { recordingLog, satelliteSettings } from '../support/relay.js';
import { VirtualClock } from './virtual-clock.js';

export const POLL_MILLIS = 5000;
/** Of which the promises speak: two of them, and everything is as it should be. */
export const INTERVAL_MILLIS = 10_000;
const SECOND = 1000;
const HOUR = 3_600_000;
const POLICY = {
  ...{ hostAllow: [], hostExclusions: [], pathAllow: [], pathExclusions: [], methodAllow: [], statusAllow: [] },
  ...{ keepHealthChecks: false, sampleRate: 1, sampleByParent: false },
  ...{ podSelector: '', namespaceInclude: [], namespaceExclude: [], keepInfrastructure: true },
};

export interface FleetSettings {
  readonly sensors: number;
  readonly services: number;
  readonly perMinute: number;
  /** Exchanges a minute that a sensor sees on average. */
  readonly seenPerMinute: number;
  readonly ownPerMinute: number;
}

/** One endpoint of a service; `weight` is its part of what the service is asked for. */
interface SimulatedEndpoint {
  readonly path: string;
  readonly weight: number;
}

interface SimulatedService {
  readonly name: string;
  /** Relative to the others. */
  readonly load: number;
  readonly endpoints: readonly SimulatedEndpoint[];
}

export class Fleet {
  readonly clock: VirtualClock;
  readonly sensors: FleetSensor[] = [];
  readonly services: readonly SimulatedService[];
  /** Traces kept in each second since the start. */
  readonly keptBySecond: number[] = [];
  isAway = false;
  /** Traces that arrived, what they stand for, and how often each endpoint was seen. */
  readonly arrived = { traces: 0, standsFor: 0 };
  readonly settings: FleetSettings;
  readonly #random: Random;
  readonly #start: number;
  #satellite!: FleetBudget;
  #satelliteAhead = 0;
  #made = 0;

  constructor(settings: FleetSettings, random: Random) {
    this.settings = settings;
    this.#random = random;
    this.clock = new VirtualClock(random);
    this.#start = this.clock.now;
    this.services = Array.from({ length: settings.services }, (_, i) => makeService(i, random));
    this.restartSatellite();
  }

  /** Seconds since the start. */
  get seconds(): number {
    return (this.clock.now - this.#start) / SECOND;
  }

  /** It forgets everything, and has another clock. */
  restartSatellite(): void {
    this.#satelliteAhead = this.#random.between(-HOUR, HOUR);
    this.#satellite = new FleetBudget(
      {
        rates: [{ scope: 'all', name: '', perMinute: this.settings.perMinute }],
        leaseMillis: DEFAULT_LIMITS.fleet_quota_nanos / 1e6,
        sensorsMax: DEFAULT_LIMITS.fleet_sensors_max,
        endpointsMax: DEFAULT_LIMITS.fleet_endpoints_max,
        poolsMax: DEFAULT_LIMITS.fleet_pools_max,
      },
      this.clock.now + this.#satelliteAhead,
    );
  }

  get status() {
    return this.#satellite.status[0];
  }

  /** `count` sensors start within so many milliseconds. */
  async join(count: number, withinMillis: number): Promise<FleetSensor[]> {
    const joined: FleetSensor[] = [];
    for (let i = 0; i < count; i++) {
      const service = this.services[this.#made % this.services.length] as SimulatedService;
      const sensor = new FleetSensor(this, service, this.#random, this.#made++);
      joined.push(sensor);
      this.clock.after(this.#random.between(0, withinMillis), () => {
        sensor.start().catch((error: unknown) => {
          throw error;
        });
        this.sensors.push(sensor);
      });
    }
    return joined;
  }

  /** Some end in good order, others are killed. */
  leave(count: number): void {
    for (let i = 0; i < count && this.sensors.length > 0; i++) {
      const [sensor] = this.sensors.splice(this.#random.between(0, this.sensors.length - 1), 1);
      if (this.#random.chance(0.5)) sensor?.kill();
      else sensor?.stop();
    }
  }

  /** Lets time pass, with traffic at every sensor. */
  async run(seconds: number): Promise<void> {
    const end = this.clock.now + seconds * SECOND;
    while (this.clock.now < end) {
      const second = this.clock.now;
      for (const sensor of this.sensors) sensor.see();
      while (await this.clock.step(second + SECOND));
    }
  }

  /** What the satellite answers after a while; null where nobody answers. */
  ask(id: string, service: string, report: Buffer): Promise<Buffer | null> {
    return new Promise((resolve) => {
      const millis = this.#random.between(1, 200);
      this.clock.after(millis, () => {
        const decoded = decodeReport(report);
        if (this.isAway || this.#random.chance(0.01) || decoded === null) {
          resolve(null);
          return;
        }
        const now = this.clock.now + this.#satelliteAhead;
        const quota = this.#satellite.report(id, { service, environment: 'production' }, decoded, now);
        this.clock.after(millis, () => resolve(encodeQuota(quota)));
      });
    });
  }

  leaveSatellite(id: string): void {
    if (!this.isAway) this.#satellite.leave(id);
  }

  noteKept(): void {
    const second = Math.floor(this.seconds);
    this.keptBySecond[second] = (this.keptBySecond[second] ?? 0) + 1;
  }

  /** As the real client does it. */
  post(request: HttpRequest, process: { isDead: boolean }): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      this.clock.after(this.#random.between(1, 300), () => {
        if (process.isDead) return;
        if (this.isAway) {
          reject(new PostError({ problem: 'connect ECONNREFUSED', advice: '' }, false));
          return;
        }
        for (const attributes of spansOf(request)) {
          this.arrived.traces++;
          this.arrived.standsFor += attributes.get('pcap_sensor.sampling.adjusted_count') ?? 1;
        }
        resolve({ status: 200, headers: {}, body: Buffer.from('{}') });
      });
    });
  }
}

export class FleetSensor {
  readonly id: string;
  readonly service: SimulatedService;
  readonly process = { isDead: false };
  readonly counters = createCounters();
  readonly lines = recordingLog();
  budget!: SharedBudget;
  /** Of all endpoints, and of each. */
  asked = 0;
  kept = 0;
  readonly askedByPath = new Map<string, number>();
  readonly keptByPath = new Map<string, number>();
  readonly #fleet: Fleet;
  readonly #random: Random;
  readonly #ahead: number;
  readonly #policy: Policy;
  readonly #build;
  /** Exchanges a second. */
  readonly load: number;
  #relay!: Relay;

  constructor(fleet: Fleet, service: SimulatedService, random: Random, index: number) {
    this.#fleet = fleet;
    this.service = service;
    this.id = `sensor-${index}`;
    this.#random = random;
    this.#ahead = random.between(-HOUR, HOUR);
    this.load = (fleet.settings.seenPerMinute * service.load * (0.5 + random.next())) / 60;
    const ids = createTraceIds((bytes) => {
      for (let i = 0; i < bytes.length; i++) bytes[i] = random.between(0, 255);
    });
    this.#policy = createPolicy(
      { ...POLICY, ratePerMinute: fleet.settings.ownPerMinute },
      {
        ids,
        now: () => this.#now,
        pace: 'capture',
        ...{ endpointsMax: 64, hostsMax: 64, graphqlPathsMax: 100, podOf: null },
        onGraphqlPathEvicted() {},
        onEndpointEvicted() {},
      },
    );
    this.#build = createTraceBuilder({ ids, bodyBytesMax: 1000, isLocal: () => true });
  }

  async start(): Promise<void> {
    const { counters, lines, process } = this;
    const clock = this.#fleet.clock.of(process);
    this.budget = new SharedBudget({
      policy: this.#policy,
      ownPerMinute: () => this.#fleet.settings.ownPerMinute,
      counters,
      limits: DEFAULT_LIMITS,
      log: lines.log as never,
      now: () => this.#now,
    });
    const settings = satelliteSettings('http://10.9.0.9:4318', { compression: 'none' });
    const client = { post: (request: HttpRequest) => this.#fleet.post(request, process), close() {} };
    const encoders = { levo: createLevoEncoder(LEVO_RESOURCE), otlp: createOtlpEncoder({}, SCOPE), protobuf: null };
    this.#relay = await openRelay(settings, {
      sender: new SatelliteSender(settings, { encoders, client, clock, log: lines.log, counters }),
      ...{ counters, books: createBooks(counters), limits: DEFAULT_LIMITS, log: lines.log, clock },
    });
    const poll = async (): Promise<void> => {
      const answer = await this.#fleet.ask(this.id, this.service.name, this.budget.report());
      if (answer !== null && !process.isDead) this.budget.answer(answer);
    };
    void poll();
    clock.every(POLL_MILLIS, () => void poll());
    clock.every(SECOND, () => this.budget.tick());
  }

  /** The traffic of a second. */
  see(): void {
    if (this.budget === undefined) return;
    let count = poisson(this.load, this.#random);
    for (; count > 0; count--) {
      const { path } = pick(this.service.endpoints, this.#random);
      this.#fleet.clock.after(this.#random.between(0, 999), () => this.#exchange(path), this.process);
    }
  }

  kill(): void {
    this.process.isDead = true;
  }

  stop(): void {
    this.#fleet.leaveSatellite(this.id);
    this.process.isDead = true;
  }

  #exchange(path: string): void {
    this.asked++;
    add(this.askedByPath, path);
    const exchange = makeExchange({ target: path, headers: [['Host', this.service.name]] });
    this.counters.exchanges_seen++;
    const reason = this.#policy.admit(exchange);
    if (reason !== DropReason.none) {
      if (reason > 0) countDropped(this.counters, reason as DropReason);
      return;
    }
    this.#policy.conclude(exchange);
    this.kept++;
    add(this.keptByPath, path);
    this.#fleet.noteKept();
    const trace = this.#build(exchange);
    if (trace instanceof Promise) throw new Error('a trace of the simulation is made later');
    this.#relay.accept(trace);
  }

  get #now(): number {
    return this.#fleet.clock.now + this.#ahead;
  }
}

const SCOPE = { name: 'pcap-sensor', version: '0' };
const LEVO_RESOURCE = { serviceName: 'shop', hostName: 'h', environment: 'e', sensorVersion: '0' };

/** One endpoint has most of the load, some have a part, two are rare. */
function makeService(index: number, random: Random): SimulatedService {
  const endpoints = [
    { path: '/hot', weight: 0.8 },
    ...Array.from({ length: 6 }, (_, i) => ({ path: `/warm-${'abcdef'[i]}`, weight: 0.03 })),
    { path: '/rare-one', weight: 0.005 },
    { path: '/rare-two', weight: 0.005 },
  ];
  return { name: `service-${index}`, load: 0.2 + 2 * random.next() ** 2, endpoints };
}

function pick(endpoints: readonly SimulatedEndpoint[], random: Random): SimulatedEndpoint {
  let at = random.next() * 0.99;
  for (const endpoint of endpoints) {
    at -= endpoint.weight;
    if (at < 0) return endpoint;
  }
  return endpoints[0] as SimulatedEndpoint;
}

function poisson(mean: number, random: Random): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random.next(); product > limit; product *= random.next()) count++;
  return count;
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The numeric attributes of each span. */
function spansOf({ body, headers }: HttpRequest): Map<string, number>[] {
  const text = (headers['Content-Encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8');
  const spans = JSON.parse(text).resourceSpans.flatMap((one: any) =>
    one.scopeSpans.flatMap((scope: any) => scope.spans),
  );
  return spans.map(
    (span: any) =>
      new Map(span.attributes.map(({ key, value }: any) => [key, Number(value.intValue ?? value.doubleValue)])),
  );
}
