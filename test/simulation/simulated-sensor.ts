/**
 * One life of a sensor's process: captured packets → exchanges → policy → traces → redaction → relay, as `sensor/` wires them,
 * with the simulation's clock, disk and network in the place of the world's.
 */
import { createPacketBatch } from '../../src/capture/packet-batch.js';
import { countDropped, createCounters, DropReason, exchangesInFlight } from '../../src/counters.js';
import { DEFAULT_LIMITS, type Limits } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import { createBooks } from '../../src/output/books.js';
import type { BatchEncoder } from '../../src/output/relay/batch.js';
import { openRelay, type Relay } from '../../src/output/relay/relay.js';
import { createLevoEncoder } from '../../src/output/satellite/levo.js';
import { createOtlpEncoder } from '../../src/output/satellite/otlp/encoder.js';
import { SatelliteSender, type SatelliteSenderContext } from '../../src/output/satellite/satellite-sender.js';
import type { SatelliteSettings } from '../../src/output/satellite/settings.js';
import type { Exchange } from '../../src/pair/exchange.js';
import { ExchangeAssembler } from '../../src/pair/exchange-assembler.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import { createPolicy, type Policy, type PolicySettings } from '../../src/policy/policy.js';
import { createRedactor } from '../../src/redact/redactor.js';
import type { Trace } from '../../src/trace/trace.js';
import { createTraceBuilder } from '../../src/trace/trace-builder.js';
import type { MemoryDisk } from '../support/memory-disk.js';
import type { Random } from '../support/random.js';
import { recordingLog } from '../support/relay.js';
import type { Packet } from '../support/run-packets.js';
import type { SimulatedSatellite } from './simulated-satellite.js';
import { gzipNow, type VirtualClock } from './virtual-clock.js';

export interface SensorContext {
  clock: VirtualClock;
  random: Random;
  satellite: SimulatedSatellite;
  disk: MemoryDisk;
  settings: SatelliteSettings;
  policy: PolicySettings;
  limits: Partial<Limits>;
}

const SCOPE = { name: 'pcap-sensor', version: '0' };
const LEVO_RESOURCE = { serviceName: 'shop', hostName: 'h', environment: 'e', sensorVersion: '0' };
const ETHERNET = { id: 0, name: 'eth0', linkType: 1 };
const NO_EXTRA_REDACTION = { headers: [], queries: [], fields: [], patterns: [] };
const TICK_MILLIS = 1000;
/** Traces of paths that begin so cannot be encoded. */
export const UNENCODABLE = '/unencodable';

export class SimulatedSensor {
  readonly process = { isDead: false };
  readonly counters = createCounters();
  readonly lines = recordingLog();
  /** Whether its spool has been read, and packets are taken. */
  isOpen = false;
  relay!: Relay;
  readonly #context: SensorContext;
  readonly #limits: Limits;
  readonly #assembler: ExchangeAssembler;
  readonly #policy: Policy;
  readonly #redact = createRedactor({ ...NO_EXTRA_REDACTION, defaults: true, bodies: true });
  readonly #build;
  readonly #batch = createPacketBatch(64);
  readonly #baseSeconds: number;

  constructor(context: SensorContext) {
    const { clock, random } = context;
    this.#context = context;
    // Half a minute, so that at the end of a run nothing waits for an answer any more.
    this.#limits = { ...DEFAULT_LIMITS, response_timeout_nanos: 30e9, ...context.limits };
    this.#baseSeconds = Math.floor(clock.now / 1000) - 60;
    this.#batch.timeBaseSeconds = this.#baseSeconds;
    this.#batch.bytes = Buffer.alloc(1 << 18);
    const ids = createTraceIds((bytes) => {
      for (let i = 0; i < bytes.length; i++) bytes[i] = random.between(0, 255);
    });
    this.#policy = createPolicy(context.policy, {
      ids,
      now: (exchange) => exchange.startTime / 1e6,
      pace: 'capture',
      endpointsMax: 64,
      hostsMax: 64,
      graphqlPathsMax: 100,
      podOf: null,
      onGraphqlPathEvicted() {},
      onEndpointEvicted: () => {},
    });
    this.#build = createTraceBuilder({ ids, bodyBytesMax: this.#limits.body_bytes_max, isLocal: () => true });
    this.#assembler = new ExchangeAssembler({
      limits: this.#limits,
      counters: this.counters,
      budget: new MemoryBudget(this.#limits.memory_bytes_max),
      interfaces: [ETHERNET],
      hooks: {
        admit: (exchange) => this.#policy.admit(exchange),
        decide: (exchange) => this.#policy.decide(exchange),
        complete: (exchange) => this.#complete(exchange),
      },
      hashSeed: 1,
    });
  }

  async open(): Promise<void> {
    const { clock, satellite, disk, settings } = this.#context;
    const senderContext: SatelliteSenderContext = {
      encoders: {
        levo: fragile(createLevoEncoder(LEVO_RESOURCE)),
        otlp: fragile(createOtlpEncoder({ 'service.name': 'shop' }, SCOPE)),
        protobuf: null,
      },
      client: satellite.client(this.process),
      clock: clock.of(this.process),
      log: this.lines.log,
      counters: this.counters,
      gzip: gzipNow,
    };
    this.relay = await openRelay(settings, {
      sender: new SatelliteSender(settings, senderContext),
      counters: this.counters,
      books: createBooks(this.counters),
      limits: this.#limits,
      log: this.lines.log,
      clock: clock.of(this.process),
      spoolDirectory: disk.directory(),
    });
    clock.of(this.process).every(TICK_MILLIS, () => this.#assembler.advance(this.#captureTime));
    this.isOpen = true;
  }

  /** Packets with times relative to now, as they come from an interface. */
  capture(packets: readonly Packet[]): void {
    const batch = this.#batch;
    let used = 0;
    batch.count = 0;
    for (const { frame, time } of packets) {
      const i = batch.count++;
      frame.copy(batch.bytes, used);
      batch.offset[i] = used;
      batch.capturedLength[i] = frame.length;
      batch.wireLength[i] = frame.length;
      batch.time[i] = this.#captureTime + time;
      used += frame.length;
    }
    this.#assembler.push(batch);
  }

  /** Exchanges that are no trace yet. */
  get pending(): number {
    return this.#assembler.pendingCount;
  }

  /** Traces of this run and of earlier ones that have had no outcome, by the books. */
  get inFlight(): number {
    const { recovered_traces, recovered_traces_exported, recovered_traces_dropped } = this.counters;
    const recovered = recovered_traces - recovered_traces_exported - recovered_traces_dropped;
    return exchangesInFlight(this.counters) - this.pending + recovered;
  }

  /** Traces that the relay says it holds. */
  get held(): number {
    return this.counters.queue_traces + this.counters.spool_traces;
  }

  async close(deadlineMillis: number): Promise<void> {
    this.isOpen = false;
    this.#assembler.finish();
    await this.relay.close(deadlineMillis);
    await this.#policy.close();
  }

  kill(): void {
    this.isOpen = false;
    this.process.isDead = true;
  }

  get #captureTime(): number {
    return (this.#context.clock.now - this.#baseSeconds * 1000) * 1e6;
  }

  #complete(exchange: Exchange): void {
    const reason = this.#policy.conclude(exchange);
    if (reason !== DropReason.none) {
      countDropped(this.counters, reason);
      return;
    }
    const trace = this.#build(exchange);
    // Bodies are small and plain here, so that nothing waits for a thread.
    if (trace instanceof Promise) throw new Error('a body of the simulation is decoded later');
    this.#redact(trace);
    this.relay.accept(trace);
  }
}

/** The same encoder, which fails for some paths. */
function fragile(encoder: BatchEncoder): BatchEncoder {
  const check = ({ request }: Trace): void => {
    if (request.path.startsWith(UNENCODABLE)) throw new Error('cannot be encoded');
  };
  return {
    protocol: encoder.protocol,
    sliced_bytes_min: encoder.sliced_bytes_min,
    get frameBytes() {
      return encoder.frameBytes;
    },
    separatorBytes: encoder.separatorBytes,
    join: (encoded) => encoder.join(encoded),
    encode(trace) {
      check(trace);
      return encoder.encode(trace);
    },
    async encodeSliced(trace, room) {
      check(trace);
      return encoder.encodeSliced(trace, room);
    },
  };
}
