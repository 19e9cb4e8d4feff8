/**
 * A whole run under one seed: an application's exchanges, the sensor that captures them, its disk, the network, the satellite,
 * what goes wrong with each, and time. After each thing that happens the books must add up.
 *
 * The seed decides everything, so it is the report of a failure.
 */
import type { PolicySettings } from '../../src/policy/policy.js';
import { client, fin, packetsOf, type Step, server, split } from '../support/conversation.js';
import { type DiskOperation, MemoryDisk } from '../support/memory-disk.js';
import { Random } from '../support/random.js';
import { satelliteSettings } from '../support/relay.js';
import { FAULTS, type Fault, FINAL_FAULTS, SimulatedSatellite } from './simulated-satellite.js';
import { SimulatedSensor, UNENCODABLE } from './simulated-sensor.js';
import { turn, VirtualClock } from './virtual-clock.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** What a packet carries on loopback; the length field of IP has 16 bits. */
const SEGMENT_BYTES = 32 << 10;
/** A satellite that is well again must have been given everything by then. */
const PATIENCE_MILLIS = 60 * MINUTE;
const POLICY: PolicySettings = {
  hostAllow: [],
  pathAllow: [],
  hostExclusions: [],
  pathExclusions: ['^/private/'],
  methodAllow: [],
  statusAllow: [],
  keepHealthChecks: false,
  podSelector: '',
  namespaceInclude: [],
  namespaceExclude: [],
  keepInfrastructure: false,
  sampleRate: 1,
  sampleByParent: false,
  ratePerMinute: 0,
};

export interface SimulationReport {
  /** What happened, for a reader of a failure. */
  readonly script: readonly string[];
  readonly seen: number;
  readonly exported: number;
  readonly undeliverable: number;
  readonly lostToKills: number;
  readonly stored: number;
  readonly faults: readonly Fault[];
  readonly kills: number;
}

export class Simulation {
  readonly script: string[] = [];
  readonly #random: Random;
  readonly #clock: VirtualClock;
  readonly #start: number;
  readonly #disk: MemoryDisk;
  readonly #satellite: SimulatedSatellite;
  readonly #world;
  readonly #faults = new Set<Fault>();
  #sensor: SimulatedSensor;
  #isOver = false;
  #failure: unknown = null;
  #requests = 0;
  #unencodable = 0;
  #clientPort = 10_000;
  #kills = 0;
  #seen = 0;
  #exported = 0;
  #undeliverable = 0;
  #lostToKills = 0;
  /** Traces that may be stored twice, because a kill or the disk took the note that they had been sent. */
  readonly #mayRepeat = new Set<string>();

  constructor(seed: number) {
    const random = new Random(seed);
    this.#random = random;
    this.#world = chooseWorld(random);
    this.#clock = new VirtualClock(random);
    this.#start = this.#clock.now;
    this.#disk = new MemoryDisk(() => this.#diskDelay());
    this.#satellite = new SimulatedSatellite(this.#clock, random, this.#world.satellite);
    this.script.push(JSON.stringify(this.#world));
    this.#sensor = this.#newSensor();
  }

  async run(): Promise<SimulationReport> {
    this.#later(0, () => this.#sensor.open());
    this.#scheduleTraffic();
    this.#scheduleFaults();
    this.#scheduleDeaths();
    await this.#until(this.#world.millis);
    this.#isOver = true;
    this.#satellite.onStored = null;
    this.#satellite.fault = 'none';
    this.#disk.heal();
    this.#disk.bytesMax = Number.POSITIVE_INFINITY;
    this.#say('everything is well again');
    await this.#drain();
    this.#checkEnd();
    return {
      script: this.script,
      seen: this.#seen,
      exported: this.#exported,
      undeliverable: this.#undeliverable,
      lostToKills: this.#lostToKills,
      stored: this.#satellite.stored.size,
      faults: [...this.#faults],
      kills: this.#kills,
    };
  }

  async #until(millis: number): Promise<void> {
    const deadline = this.#start + millis;
    while (await this.#clock.step(deadline)) this.#check();
  }

  /** An application answers its clients, some seconds apart, in bursts, and now and then not at all. */
  #scheduleTraffic(): void {
    const { millis, exchangesMax, pauseMillis } = this.#world;
    const next = (): void => {
      if (this.#requests >= exchangesMax || this.#elapsed >= millis) return;
      const burst = this.#random.chance(0.1) ? this.#random.between(2, 12) : 1;
      for (let i = 0; i < burst; i++) this.#exchange();
      this.#clock.after(this.#random.between(1, 2 * pauseMillis), next);
    };
    this.#clock.after(0, next);
  }

  #exchange(): void {
    const random = this.#random;
    const path = `${random.chance(0.1) ? random.pick(['/private', UNENCODABLE]) : ''}/${this.#requests}`;
    this.#requests++;
    if (!this.#sensor.isOpen) return;
    if (path.startsWith(UNENCODABLE)) this.#unencodable++;
    const size = random.chance(0.05) ? random.between(800, this.#world.bodyBytesMax) : random.between(0, 800);
    const body = `${path} `.repeat(Math.ceil(size / (path.length + 1))).slice(0, size);
    const steps: (Step | Step[])[] = [client(`GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`)];
    if (!random.chance(0.03))
      steps.push(
        split(server(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${body}`), SEGMENT_BYTES),
        fin('server'),
      );
    this.#clientPort = 10_000 + ((this.#clientPort + 1) % 50_000);
    this.#sensor.capture(packetsOf(steps, { clientPort: this.#clientPort, interval: 1000 }));
  }

  /** Good times and bad times in turn. */
  #scheduleFaults(): void {
    const good = (): void => {
      this.#satellite.fault = 'none';
      this.#say('the satellite is well');
      this.#clock.after(this.#random.between(SECOND, MINUTE), bad);
    };
    const bad = (): void => {
      if (this.#isOver) return;
      this.#satellite.fault = this.#random.pick(this.#world.faults);
      this.#faults.add(this.#satellite.fault);
      this.#say(`the satellite: ${this.#satellite.fault}`);
      this.#clock.after(this.#random.between(SECOND, this.#random.chance(0.3) ? 4 * MINUTE : 40 * SECOND), good);
    };
    if (this.#world.faults.length > 0) this.#clock.after(this.#random.between(0, MINUTE), bad);
    if (!this.#world.diskFaults) return;
    const trouble = (): void => {
      if (this.#isOver) return;
      const operation = this.#random.pick<DiskOperation>(['open', 'create', 'read', 'append', 'truncate', 'overwrite']);
      const isFull = this.#random.chance(0.3);
      this.#say(isFull ? 'the disk is full' : `the next ${operation} fails`);
      if (isFull) this.#disk.bytesMax = this.#disk.bytes + this.#random.between(0, 500);
      else void this.#disk.strike({ operation, kept: this.#random.between(0, 100) });
      this.#clock.after(this.#random.between(SECOND, MINUTE), () => {
        this.#disk.bytesMax = Number.POSITIVE_INFINITY;
      });
      this.#clock.after(this.#random.between(SECOND, 2 * MINUTE), trouble);
    };
    this.#clock.after(this.#random.between(SECOND, MINUTE), trouble);
  }

  /** The sensor is killed, or stopped and started again. */
  #scheduleDeaths(): void {
    for (let i = 0; i < this.#world.deaths; i++) {
      const isKill = this.#random.chance(0.6);
      this.#later(this.#random.between(0, this.#world.millis), async () => {
        if (!this.#sensor.isOpen) return;
        if (!isKill) await this.#restart();
        else if (this.#random.chance(0.5)) this.#kill();
        else this.#satellite.onStored = () => this.#sensor.isOpen && this.#kill();
      });
    }
  }

  #kill(): void {
    const sensor = this.#sensor;
    this.#kills++;
    this.#say('the sensor is killed');
    this.#check();
    sensor.kill();
    this.#disk.kill();
    for (const id of this.#satellite.lastIds) this.#mayRepeat.add(id);
    // Pieces of a batch that were sent are sent again with the whole, which is on disk until all of them were.
    const pieces = this.#isSplitting(sensor) ? this.#world.limits.batch_traces_max : 0;
    const sent = [...this.#satellite.acknowledged.keys()];
    for (const id of sent.slice(sent.length - pieces)) this.#mayRepeat.add(id);
    this.#endRun(sensor);
    // A full spool gives up its oldest segment, the batch under way with it: that one is in memory alone.
    const onlyInMemory = this.#world.isScarce ? this.#world.limits.batch_traces_max : 0;
    this.#startNext(sensor, sensor.inFlight + sensor.pending, sensor.counters.spool_traces - onlyInMemory);
  }

  async #restart(): Promise<void> {
    const sensor = this.#sensor;
    this.#say('the sensor is stopped');
    await sensor.close(this.#random.between(0, 20) * SECOND);
    this.#say('the sensor has stopped');
    this.#check();
    sensor.kill();
    invariant(sensor.pending === 0, 'nothing is pending behind a stop');
    invariant(
      this.#world.spools || sensor.inFlight === 0,
      'without a spool nothing is in flight behind a stop',
      sensor.inFlight,
    );
    this.#endRun(sensor);
    this.#startNext(sensor, sensor.inFlight, sensor.inFlight);
  }

  /** Enters a life that has ended. */
  #endRun({ counters }: SimulatedSensor): void {
    this.#seen += counters.exchanges_seen;
    this.#exported += counters.exchanges_exported + counters.recovered_traces_exported;
    this.#undeliverable += counters.exchanges_dropped_undeliverable + counters.recovered_traces_dropped;
  }

  /** Another life, which finds what this one left: at most `most` traces, and at least `least` of them on a sound disk. */
  #startNext(last: SimulatedSensor, most: number, least: number): void {
    // The note that the last batch was sent may be on its way to the disk when the process is killed.
    const repeatable = this.#satellite.lastIds.length;
    this.#later(this.#random.between(0, 10 * SECOND), async () => {
      this.#sensor = this.#newSensor();
      await this.#sensor.open();
      const found = this.#sensor.counters.recovered_traces;
      this.#say(`the sensor starts, and finds ${found} of ${most} traces`);
      // What a full spool gives up is entered as lost before the disk knows.
      const mayFindMore = this.#world.diskFaults || this.#world.isScarce || this.#isSplitting(last);
      invariant(found <= most + repeatable || mayFindMore, 'no more is found than was left', { found, most });
      invariant(found >= least || this.#world.diskFaults, 'what was on disk is found', { found, least });
      this.#lostToKills += Math.max(0, most - found);
    });
  }

  /** What fails then, fails the run. */
  #later(millis: number, work: () => Promise<void>): void {
    this.#clock.after(millis, () => {
      work().catch((error: unknown) => {
        this.#failure = error;
      });
    });
  }

  #newSensor(): SimulatedSensor {
    const { settings, policy, limits } = this.#world;
    return new SimulatedSensor({
      clock: this.#clock,
      random: this.#random,
      satellite: this.#satellite,
      disk: this.#disk,
      settings,
      policy,
      limits,
    });
  }

  async #drain(): Promise<void> {
    const deadline = this.#clock.now + PATIENCE_MILLIS;
    while (!this.#sensor.isOpen) {
      if (!(await this.#clock.step(deadline))) throw violation('the sensor comes back');
      this.#check();
    }
    // Exchanges without a response are given up meanwhile.
    const last = this.#clock.now + MINUTE;
    while (await this.#clock.step(last)) this.#check();
    let hasEnded = false;
    const flushed = this.#sensor.relay.flush().then(() => {
      hasEnded = true;
    });
    await turn();
    while (!hasEnded) {
      if (!(await this.#clock.step(deadline)))
        throw violation('a satellite that is well is given everything', this.#sensor.held);
      this.#check();
    }
    await flushed;
    hasEnded = false;
    const closed = this.#sensor.close(SECOND).then(() => {
      hasEnded = true;
    });
    while (!hasEnded && (await this.#clock.step(deadline)));
    await closed;
    this.#check();
    this.#endRun(this.#sensor);
  }

  /** What holds at any moment. */
  #check(): void {
    if (this.#failure !== null) throw this.#failure;
    const { counters, inFlight, held } = this.#sensor;
    const { limits, settings } = this.#world;
    invariant(inFlight >= 0, 'no trace has two outcomes', inFlight);
    invariant(inFlight <= held, 'a trace that is in flight is held', { inFlight, held });
    if (!this.#isSplitting(this.#sensor)) invariant(inFlight === held, 'what is held is in flight', { inFlight, held });
    invariant(counters.queue_bytes <= limits.queue_bytes_max, 'the queue keeps to its bytes', counters.queue_bytes);
    invariant(counters.queue_bytes >= 0 && counters.queue_traces >= 0, 'the queue holds no less than nothing');
    if (settings.spool !== null)
      invariant(counters.spool_bytes <= settings.spool.bytesMax, 'the spool keeps to its bytes', counters.spool_bytes);
    const alive = this.#sensor.process.isDead ? 0 : counters.exchanges_exported + counters.recovered_traces_exported;
    const { acknowledgements } = this.#satellite;
    invariant(this.#exported + alive === acknowledgements, 'exported is what the satellite said that it took', {
      exported: this.#exported + alive,
      acknowledgements,
    });
  }

  #checkEnd(): void {
    const { stored, acknowledged } = this.#satellite;
    const { counters } = this.#sensor;
    invariant(this.#sensor.inFlight === 0, 'nothing is in flight at the end', this.#sensor.inFlight);
    invariant(this.#sensor.held === 0, 'nothing is held at the end', this.#sensor.held);
    invariant(counters.queue_bytes + counters.spool_bytes === 0, 'no bytes are held at the end');
    const { settings, satellite, diskFaults } = this.#world;
    const isAtMostOnce = settings.protocol === 'levo' || satellite.speaks === 'levo';
    for (const [id, times] of stored) {
      if (times === 1) continue;
      // Before its first answer `auto` takes any satellite for one that recognises what it has.
      invariant(settings.protocol !== 'levo', 'levo is sent nothing twice', { id, times });
      const isSentAgain = (acknowledged.get(id) ?? 0) > 1 || isAtMostOnce;
      invariant(!isSentAgain || this.#mayRepeat.has(id) || diskFaults, 'what was acknowledged is not sent again', id);
    }
    const hasCause =
      this.#kills > 0 ||
      this.#world.isScarce ||
      this.#world.diskFaults ||
      this.#world.faults.some((fault) => FINAL_FAULTS.includes(fault)) ||
      isAtMostOnce ||
      this.#world.deaths > 0;
    const lost = this.#undeliverable;
    if (!hasCause) invariant(lost <= this.#unencodable, 'nothing is lost without a cause', lost);
    if (!this.#world.diskFaults && this.#kills === 0) invariant(this.#lostToKills === 0, 'only a kill loses uncounted');
  }

  /** Whether pieces of a batch, or its trace without bodies, may be held beside the whole, which stays on disk. */
  #isSplitting({ counters }: SimulatedSensor): boolean {
    return this.#world.spools && counters.batches_split + counters.export_traces_bared > 0;
  }

  #diskDelay(): Promise<void> {
    const { process } = this.#sensor;
    const millis = this.#world.diskMillis;
    if (millis === 0 && !process.isDead) return Promise.resolve();
    return new Promise((resolve) => {
      this.#clock.after(this.#random.between(0, millis), resolve, process);
    });
  }

  get #elapsed(): number {
    return this.#clock.now - this.#start;
  }

  #say(what: string): void {
    this.script.push(`${(this.#elapsed / 1000).toFixed(3)} s: ${what}`);
  }
}

/** What does not change during a run. */
function chooseWorld(random: Random) {
  const speaks = random.pick(['otlp', 'otlp', 'levo', 'both'] as const);
  const protocol =
    speaks === 'both' ? random.pick(['auto', 'otlp', 'levo'] as const) : random.pick(['auto', speaks] as const);
  const spools = random.chance(0.6);
  const isScarce = random.chance(0.4);
  const faults = random.chance(0.1) ? [] : Array.from({ length: random.between(1, 4) }, () => random.pick(FAULTS));
  const attemptTimeoutMillis = 10_000;
  const queue_bytes_max = isScarce ? 100_000 : 4 << 20;
  return {
    millis: random.between(2, 10) * MINUTE,
    exchangesMax: 150,
    // A batch is at most an eighth of the queue; base64 makes four bytes of three.
    bodyBytesMax: isScarce ? 6000 : 80_000,
    pauseMillis: random.pick([100, 1000, 4000]),
    satellite: { speaks, takesGzip: random.chance(0.9), attemptTimeoutMillis },
    faults,
    spools,
    isScarce,
    deaths: random.chance(0.5) ? 0 : random.between(1, 4),
    diskMillis: random.pick([0, 5, 2000]),
    diskFaults: spools && random.chance(0.2),
    policy: { ...POLICY, ratePerMinute: random.chance(0.1) ? 20 : 0, sampleRate: random.chance(0.1) ? 0.5 : 1 },
    limits: {
      queue_bytes_max,
      batch_traces_max: random.pick([1, 4, 20]),
      batch_bytes_max: 12_000,
      spool_segment_bytes_max: random.pick([2000, 20_000]),
    },
    settings: satelliteSettings('http://10.9.0.9:4318', {
      protocol,
      compression: random.pick(['gzip', 'none'] as const),
      exportIntervalMillis: random.pick([500, 10_000]),
      spool: spools ? { directory: '/spool', bytesMax: isScarce ? 60_000 : 1 << 26 } : null,
      timing: {
        attemptTimeoutMillis,
        backoffInitialMillis: 1000,
        backoffMaxMillis: 30_000,
        retryAfterMaxMillis: 600_000,
      },
    }),
  };
}

function invariant(holds: boolean, what: string, seen?: unknown): void {
  if (!holds) throw violation(what, seen);
}

function violation(what: string, seen?: unknown): Error {
  return new Error(`invariant violation: ${what}${seen === undefined ? '' : ` (${JSON.stringify(seen)})`}`);
}
