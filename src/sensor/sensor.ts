/**
 * The whole sensor on one screen: packets → exchanges → kept exchanges → traces → outputs.
 *
 *     capture/ ──→ ExchangeAssembler (decode/ → flow/ → http/ → pair/) ──→ policy/ ──→ trace builder ──→ relay/
 */
import { randomFillSync, randomInt } from 'node:crypto';
import type { InterfaceStatistics } from '../capture/packet-batch.js';
import { type Counters, countDropped, createCounters, DropReason } from '../counters.js';
import { sensorLimits } from '../limits.js';
import type { Logger } from '../log.js';
import { MemoryBudget } from '../memory-budget.js';
import type { Settings } from '../options/options.js';
import type { TraceOutput } from '../output/output.js';
import type { Exchange } from '../pair/exchange.js';
import { ExchangeAssembler } from '../pair/exchange-assembler.js';
import { createTraceIds } from '../pair/trace-ids.js';
import { createPolicy } from '../policy/policy.js';
import { createRedactor } from '../redact/redactor.js';
import { readTaskMetadata } from '../task/metadata.js';
import { readSurroundings } from '../task/surroundings.js';
import type { Trace } from '../trace/trace.js';
import { createTraceBuilder } from '../trace/trace-builder.js';
import { SENSOR_VERSION } from '../version.js';
import { type Outputs, openOutputs } from './open-outputs.js';
import { policySettings, redactionSettings } from './policy-settings.js';
import { type Report, reportSensor } from './report.js';
import { openSource } from './source.js';
import { isCut, openWatch } from './watch.js';

export interface SensorSummary {
  readonly counters: Counters;
  readonly interfaces: readonly InterfaceStatistics[];
  /** Server names that TLS clients asked for, the latest first. */
  readonly tlsNames: readonly string[];
}

export interface SensorRun {
  /** Resolves when the source has ended or `stop` was called, and everything kept has been sent or given up. */
  readonly done: Promise<SensorSummary>;
  /** Resolves when packets are being taken. */
  readonly ready: Promise<void>;
  /** Stops capture, pairs what is pairable, flushes once. Idempotent. */
  stop(reason: string): void;
}

/** How often time is told to pass where no packet does it, in milliseconds; after a second of quiet less often. */
const TICK_MILLIS = 200;
const QUIET_TICK_MILLIS = 1000;
const QUIET_TICKS = 5;
/** Traces being built (a large body in the decoder) that a file is read on for. */
const BUILDS_MAX = 64;

export async function startSensor(
  settings: Settings,
  log: Logger,
  extra: { traceSink?: (trace: Trace) => void } = {},
): Promise<SensorRun> {
  const limits = sensorLimits(settings, readSurroundings().memoryLimitBytes);
  const counters = createCounters();
  const ids = createTraceIds((bytes) => randomFillSync(bytes));
  let assembler: ExchangeAssembler | null = null;
  // Asked while the source is opened; a source that cannot be opened does not wait for the answer.
  const metadata = readTaskMetadata(process.env, (url, reason) =>
    log.warn({ url, reason }, 'the task metadata endpoint did not answer; traces lack what it knows'),
  );
  const opened = await openSource(settings, limits, log, (time) => assembler?.noteDrops(time));
  const { source, isLocal } = opened;
  const watch = openWatch(settings, opened.gate, counters, log);
  let capturing = true;
  let opening: Outputs | null = null;
  let report: Report;
  try {
    const task = await metadata;
    const onConnect = opened.noteConnection;
    const sensorVersion = SENSOR_VERSION;
    opening = await openOutputs({ settings, counters, limits, log, sensorVersion, task, onConnect });
    const { exportLatency } = opening;
    const statistics = () => source.statistics();
    report = await reportSensor({
      settings,
      counters,
      statistics,
      exportLatency,
      log,
      isCapturing: () => capturing,
      flowCount: () => assembler?.flowCount ?? 0,
      watchedShare: () => watch.share,
      tlsNames: () => assembler?.tlsNames ?? [],
    });
  } catch (error) {
    source.stop();
    await opening?.output.close(0);
    throw error;
  }
  const outputs: TraceOutput = opening.output;

  const isFile = settings.read !== null;
  /** The time of day in milliseconds when the packets at hand were taken up: asked once for all of them. */
  let batchTime = Date.now();
  const policy = createPolicy(policySettings(settings), {
    ids,
    now: isFile ? (exchange) => exchange.startTime / 1e6 : () => batchTime,
    pace: isFile ? 'capture' : 'wall',
    endpointsMax: limits.endpoints_max,
    hostsMax: limits.host_verdicts_max,
    onEndpointEvicted: () => counters.endpoints_evicted++,
  });
  const redact = createRedactor(redactionSettings(settings));
  if (settings.noDefaultRedaction) {
    log.warn('--no-default-redaction: credentials, tokens and card numbers leave as they were sent');
  }
  const build = createTraceBuilder({ ids, bodyBytesMax: limits.body_bytes_max, isLocal });
  const building = new Set<Promise<void>>();

  function send(trace: Trace): void {
    if (watch.share !== null) trace.watchedShare = watch.share;
    redact(trace);
    extra.traceSink?.(trace);
    outputs.accept(trace);
  }

  function complete(exchange: Exchange): void {
    if (watch.isShut && isCut(exchange)) exchange.dropReason = DropReason.unwatched;
    const reason = policy.settle(exchange);
    if (reason !== DropReason.none) {
      countDropped(counters, reason);
      return;
    }
    const trace = build(exchange);
    if (!(trace instanceof Promise)) {
      send(trace);
      return;
    }
    const late = trace
      .then(send, (error: unknown) => {
        countDropped(counters, DropReason.undeliverable);
        log.error({ err: error }, 'a trace could not be built');
      })
      .finally(() => building.delete(late));
    building.add(late);
  }

  const pipeline = new ExchangeAssembler({
    limits,
    counters,
    budget: new MemoryBudget(limits.memory_bytes_max),
    interfaces: source.interfaces,
    hooks: { admit: (exchange) => (watch.admits ? policy.admit(exchange) : DropReason.unwatched), complete },
    hashSeed: randomInt(2 ** 32),
  });
  assembler = pipeline;
  watch.start(pipeline);

  const clock = opened.timeBaseSeconds === null ? null : startClock(pipeline, opened.timeBaseSeconds);
  const run = async (): Promise<SensorSummary> => {
    try {
      await source.run((batch) => {
        clock?.notePackets();
        if (!isFile) batchTime = Date.now();
        pipeline.push(batch);
        return isFile ? roomFor(building, outputs) : undefined;
      });
    } finally {
      capturing = false;
      clock?.stop();
      watch.stop();
      opened.close();
      pipeline.finish();
      await Promise.all(building);
      await outputs.close(settings.shutdownTimeout * 1000);
      await policy.close();
      await report.close();
    }
    const warning = opened.warning();
    if (warning !== null) log.warn({ file: settings.read }, warning);
    return { counters, interfaces: source.statistics(), tlsNames: pipeline.tlsNames };
  };

  return {
    done: run(),
    // Sockets are open and packets wait in the kernel from here on.
    ready: Promise.resolve(),
    stop(reason) {
      log.info({ reason }, 'stopping');
      source.stop();
    },
  };
}

/** What a file waits for before it is read on: outputs, and large bodies being decoded. */
function roomFor(building: ReadonlySet<Promise<void>>, outputs: TraceOutput): Promise<void> | undefined {
  if (building.size > BUILDS_MAX) return Promise.race(building);
  return outputs.drained?.();
}

interface CaptureClock {
  notePackets(): void;
  stop(): void;
}

/**
 * Lets time pass while no packets come. Where they do, their own times count: what waits in the ring is older than now,
 * and a stream must not time out over packets that are there and unread.
 */
function startClock(assembler: ExchangeAssembler, timeBaseSeconds: number): CaptureClock {
  let quietTicks = 0;
  const tick = () => {
    // The first quiet tick may be the one behind a long pause of this process itself.
    if (quietTicks++ > 0) assembler.advance((Date.now() - timeBaseSeconds * 1000) * 1e6);
    timer = setTimeout(tick, quietTicks > QUIET_TICKS ? QUIET_TICK_MILLIS : TICK_MILLIS);
  };
  let timer = setTimeout(tick, TICK_MILLIS);
  return {
    notePackets: () => {
      quietTicks = 0;
    },
    stop: () => clearTimeout(timer),
  };
}
