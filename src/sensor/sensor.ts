/**
 * The whole sensor on one screen: packets → exchanges → kept exchanges → traces → outputs.
 *
 *     capture/ ──→ ExchangeAssembler (decode/ → flow/ → http/ → pair/) ──→ policy/ ──→ trace/ ──→ redact/ ──→ output/
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
import { createRedactor } from '../redact/redactor.js';
import { readTaskMetadata } from '../task/metadata.js';
import { readSurroundings } from '../task/surroundings.js';
import { createTraceBuilder } from '../trace/trace-builder.js';
import { SENSOR_VERSION } from '../version.js';
import { openClock } from './capture-clock.js';
import { openOutputs } from './open-outputs.js';
import { policyOf, redactionSettings } from './policy-settings.js';
import { reportSensor } from './report.js';
import { type OpenedSource, openSource } from './source.js';
import { TraceStage } from './trace-stage.js';
import { isCut, openWatch } from './watch.js';

export interface SensorSummary {
  readonly counters: Counters;
  readonly interfaces: readonly InterfaceStatistics[];
  /** Server names that TLS clients asked for, the latest first. */
  readonly tlsNames: readonly string[];
}

export interface SensorRun {
  /** Resolves when the source has ended or `stop` was called, and everything kept has been delivered or given up. */
  readonly done: Promise<SensorSummary>;
  /** Resolves when packets are being taken. */
  readonly ready: Promise<void>;
  /** Stops capturing, pairs what can be paired, and sends what is left once. Idempotent. */
  stop(reason: string): void;
}

export async function startSensor(settings: Settings, log: Logger): Promise<SensorRun> {
  const limits = sensorLimits(settings, readSurroundings().memoryLimitBytes);
  const counters = createCounters();
  const ids = createTraceIds((bytes) => randomFillSync(bytes));
  // Read while the source is opened; a source that cannot be opened does not wait for the answer.
  const metadata = readTaskMetadata(process.env, (url, reason) =>
    log.warn({ url, reason }, 'the task metadata endpoint did not answer; traces lack what it knows'),
  );
  // The kernel's drops are reported between packets, and no packet is taken before `source.run` below.
  const opened = await openSource(settings, limits, log, (time) => assembler.noteDrops(time));
  const { source, isLocal, noteConnection: onConnect } = opened;
  const watch = openWatch(settings, opened.gate, counters, log);
  const clock = openClock(opened.timeBaseSeconds);
  const sensorVersion = SENSOR_VERSION;
  const { output, exportLatency } = await metadata
    .then((task) => openOutputs({ settings, counters, limits, log, sensorVersion, task, onConnect }))
    .catch((error) => abandon(error, opened));

  const policy = policyOf(settings, { ids, clock, limits, counters });
  const redact = createRedactor(redactionSettings(settings));
  if (settings.noDefaultRedaction) {
    log.warn('--no-default-redaction: credentials, tokens and card numbers leave as they were sent');
  }
  const build = createTraceBuilder({ ids, bodyBytesMax: limits.body_bytes_max, isLocal });
  const traces = new TraceStage({ build, redact, output, watch, counters, log });

  function complete(exchange: Exchange): void {
    if (watch.isShut && isCut(exchange)) exchange.dropReason = DropReason.unwatched;
    const reason = policy.conclude(exchange);
    if (reason === DropReason.none) traces.accept(exchange);
    else countDropped(counters, reason);
  }

  const assembler = new ExchangeAssembler({
    limits,
    counters,
    budget: new MemoryBudget(limits.memory_bytes_max),
    interfaces: source.interfaces,
    hooks: { admit: (exchange) => (watch.admits ? policy.admit(exchange) : DropReason.unwatched), complete },
    hashSeed: randomInt(2 ** 32),
  });
  let capturing = true;
  const report = await reportSensor({
    settings,
    counters,
    statistics: () => source.statistics(),
    exportLatency,
    log,
    isCapturing: () => capturing,
    flowCount: () => assembler.flowCount,
    watchedShare: () => watch.share,
    tlsNames: () => assembler.tlsNames,
  }).catch((error) => abandon(error, opened, output));
  watch.start(assembler);
  clock.start(assembler);

  async function run(): Promise<SensorSummary> {
    const isFile = settings.read !== null;
    try {
      await source.run((batch) => {
        clock.notePackets();
        assembler.push(batch);
        return isFile ? traces.room() : undefined;
      });
    } finally {
      capturing = false;
      clock.stop();
      watch.stop();
      opened.close();
      assembler.finish();
      await traces.finish();
      await output.close(settings.shutdownTimeout * 1000);
      await policy.close();
      await report.close();
    }
    const warning = opened.warning();
    if (warning !== null) log.warn({ file: settings.read }, warning);
    return { counters, interfaces: source.statistics(), tlsNames: assembler.tlsNames };
  }

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

/** Closes what was opened before `error`, and throws it. */
async function abandon(error: unknown, opened: OpenedSource, output?: TraceOutput): Promise<never> {
  opened.source.stop();
  opened.close();
  await output?.close(0);
  throw error;
}
