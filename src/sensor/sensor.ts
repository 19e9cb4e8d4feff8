/**
 * The whole sensor on one screen: packets → exchanges → kept exchanges → traces → outputs.
 *
 *     capture/ ──→ ExchangeAssembler (decode/ → flow/ → http/ → pair/) ──→ policy/ ──→ trace/ ──→ redact/ ──→ output/
 */
import { randomFillSync, randomInt } from 'node:crypto';
import type { InterfaceStatistics } from '../capture/packet-batch.js';
import { type Counters, createCounters } from '../counters.js';
import type { UnreadKind } from '../decode/unread-packets.js';
import type { UnreadFlowKind } from '../http/unread-flows.js';
import type { Limits } from '../limits.js';
import type { Logger } from '../log.js';
import { MemoryBudget } from '../memory-budget.js';
import type { Settings } from '../options/options.js';
import type { TraceOutput } from '../output/output.js';
import { ExchangeAssembler } from '../pair/exchange-assembler.js';
import { createTraceIds } from '../pair/trace-ids.js';
import type { Policy } from '../policy/policy.js';
import type { TaskMetadata } from '../task/metadata.js';
import { Routes } from '../trace/route.js';
import type { Trace } from '../trace/trace.js';
import { createDrafter } from '../trace/trace-builder.js';
import type { ActiveResponse, ActiveResponseContext } from './active-response.js';
import { openClock } from './capture-clock.js';
import { type Controlled, type Identified, identify, openControlled } from './controlled.js';
import { warnOfFirstDrops } from './first-drops.js';
import { logFlows } from './flow-log.js';
import { type Outputs, openOutputs } from './open-outputs.js';
import { openPods } from './open-pods.js';
import { packetLog } from './packet-log.js';
import { policyOf, policySettings } from './policy-settings.js';
import { prepareTraces } from './prepare-traces.js';
import { reportSensor } from './report.js';
import type { OpenedSource } from './source.js';
import { type RulesOf, traceRules } from './trace-rules.js';
import { type TraceRules, TraceStage, type TraceStageContext } from './trace-stage.js';
import { createVerdicts } from './verdicts.js';
import { openWatch } from './watch.js';

export interface SensorSummary {
  readonly counters: Counters;
  readonly interfaces: readonly InterfaceStatistics[];
  /** Server names that TLS clients asked for, the latest first. */
  readonly tlsNames: readonly string[];
  /** Whether nobody reads the output any more. */
  readonly isUnread: boolean;
  /** What packets carried that is not read, most first. */
  readonly unread: readonly UnreadKind[];
  /** Connections that are not read, most first. */
  readonly unreadFlows: readonly UnreadFlowKind[];
}

export interface SensorRun {
  /** Resolves when the source has ended or `stop` was called, and everything kept has been delivered or given up. */
  readonly done: Promise<SensorSummary>;
  /** Resolves when packets are being taken. */
  readonly ready: Promise<void>;
  /** Stops capturing, pairs what can be paired, and sends what is left once. Idempotent. */
  stop(reason: string): void;
  /** What is left is given up, in the books as well. */
  hurry(): void;
  /** Goes on by the rules, rates and redaction of other settings, with the flows that it follows; nothing else changes. */
  reload(settings: Settings): void;
}

/** Takes traces instead of the outputs, each with its `replacements`. */
export type Explain = (trace: Trace) => void;

/** What there is before the stages are. */
export interface BegunSensor {
  readonly settings: Settings;
  readonly log: Logger;
  readonly limits: Limits;
  readonly metadata: Promise<TaskMetadata>;
  readonly opened: OpenedSource;
  /** Called with the time before which the kernel dropped packets: between packets, of which none is taken before `source.run` below. */
  onDrops: (time: number) => void;
}

/** @throws SensorError, UsageError where a part of it cannot be opened as told; the source is closed then */
export async function runSensor(begun: BegunSensor, explain?: Explain): Promise<SensorRun> {
  const { settings, log, limits, metadata, opened } = begun;
  const counters = createCounters();
  const rules = await orAbandon(opened, async () => traceRules(settings, { counters, log }));
  const ids = createTraceIds((bytes) => randomFillSync(bytes));
  const { source, isLocal } = opened;
  const watch = openWatch(settings, opened.gate, counters, log);
  const clock = openClock(opened.timeBaseSeconds);
  const { interfaces } = source;
  const { identification, output, exportLatency, packets } = await orAbandon(opened, () => openEnds(begun, counters));
  const pods = await openPods(settings, limits, log).catch((error) => abandon(error, opened, output));
  const policy = policyOf(settings, { ids, clock, limits, counters, podOf: pods.podOf });
  const notePackets = packetLog(settings.logPackets, { log, interfaces });
  const budget = new MemoryBudget(limits.memory_bytes_max);
  const isFile = settings.read !== null;
  const draft = createDrafter({ ids, isLocal, podOf: pods.podOf });
  const routes = settings.noRoutes ? null : new Routes(limits.routes_max);
  const ends = { draft, output, watch, routes, limits, budget, counters, log, isFile };
  const traces = openTraces(settings, rules(settings, explain !== undefined), ends, explain);

  const verdicts = createVerdicts({
    policy,
    watch,
    counters,
    count: settings.count,
    onCount: () => stop(`--count ${settings.count}`),
    keep: (exchange) => traces.accept(exchange),
    onDrop: warnOfFirstDrops(log, Date.now),
  });
  const response = await orAbandon(opened, async () => openResponse(settings, { counters, limits, log }), output);
  const assembler = new ExchangeAssembler({
    limits,
    counters,
    budget,
    interfaces,
    hooks: response.before(verdicts),
    hashSeed: randomInt(2 ** 32),
    keepDuplicates: settings.keepDuplicates,
    observer: response.observing(logFlows({ log, interfaces, counters, isOver: () => !capturing })),
  });
  begun.onDrops = (time) => assembler.noteDrops(time);
  const stop = (reason: string) => {
    log.info({ reason }, 'stopping');
    source.stop();
  };
  const isUnread = stopWhenUnread(output, stop);
  let capturing = true;
  const report = await reportSensor({
    settings,
    counters,
    statistics: () => source.statistics(),
    exportLatency,
    log,
    isCapturing: () => capturing,
    redactions: traces.redactions,
    watchedShare: () => watch.share,
    traffic: assembler,
  }).catch((error) => abandon(error, opened, output));
  const control = await openControlled({
    ...{ settings, identification, opened, counters, limits, log, task: await metadata, policy, response },
    isCapturing: () => capturing,
    steered: { rules, policy, traces, packets, forgetFlows: () => assembler.finish() },
  }).catch((error) => abandon(error, opened, output));
  for (const one of [watch, clock]) one.start(assembler);

  async function run(): Promise<SensorSummary> {
    try {
      await source.run((batch) => {
        clock.notePackets();
        notePackets(batch);
        packets.write(batch);
        traces.notePackets(batch.isBehind);
        assembler.push(batch);
        return (isFile ? packets.drained() : undefined) ?? traces.room();
      });
    } finally {
      capturing = false;
      for (const one of [clock, watch]) one.stop();
      for (const one of [response, opened]) one.close();
      assembler.finish();
      await traces.finish(isFile ? Number.POSITIVE_INFINITY : settings.shutdownTimeout * 1000);
      await output.close(settings.shutdownTimeout * 1000);
      await packets.close(settings.shutdownTimeout * 1000);
      await Promise.all([policy.close(), pods.close()]);
      await report.close();
      await control?.close(settings.shutdownTimeout * 1000);
    }
    const warning = opened.warning();
    if (warning !== null) log.warn({ file: settings.read }, warning);
    const { tlsNames, unread, unreadFlows } = assembler;
    return { counters, interfaces: source.statistics(), tlsNames, unread, unreadFlows, isUnread: isUnread() };
  }

  return {
    done: run(),
    // Sockets are open and packets wait in the kernel from here on.
    ready: Promise.resolve(),
    ...{ stop, hurry: () => output.hurry?.(), reload: (next) => reload(next, { rules, policy, traces, control }) },
  };
}

/** Loaded where it is asked for: what sends packets is in no other sensor. */
async function openResponse(settings: Settings, context: ActiveResponseContext): Promise<ActiveResponse> {
  if (settings.activeResponse === 'off' || settings.read !== null) return NO_RESPONSE;
  return (await import('./active-response.js')).openActiveResponse(settings, context);
}

const NO_RESPONSE: ActiveResponse = { observing: (one) => one, before: (one) => one, capability: null, close() {} };

/** Outputs, and who the sensor is to those that they go to. */
async function openEnds(
  { settings, log, limits, metadata, opened }: BegunSensor,
  counters: Counters,
): Promise<Outputs & Pick<Identified, 'identification'>> {
  const { identification, enrolment } = await identify(settings, log);
  const { interfaces } = opened.source;
  const onConnect = opened.noteConnection;
  const task = await metadata;
  const outputs = await openOutputs({ settings, counters, limits, log, task, onConnect, interfaces, enrolment });
  return { ...outputs, identification };
}

type TraceEnds = Omit<TraceStageContext, keyof TraceRules>;

function openTraces(settings: Settings, rules: TraceRules, ends: TraceEnds, explain?: Explain): TraceStage {
  // A file is read as fast as it can be: it takes as long then as now.
  if (!ends.isFile && !settings.noDefaultRedaction) prepareTraces(rules.redact);
  return new TraceStage({
    ...ends,
    output: explain === undefined ? ends.output : { accept: explain, close: async () => {} },
    ...rules,
  });
}

interface Reloaded {
  readonly rules: RulesOf;
  readonly policy: Policy;
  readonly traces: TraceStage;
  readonly control: Controlled | null;
}

function reload(settings: Settings, { rules: rulesOf, policy, traces, control }: Reloaded): void {
  if (control !== null) {
    control.reload(settings);
    return;
  }
  const rules = rulesOf(settings);
  policy.update(policySettings(settings));
  traces.use(rules);
}

/** Ends the run when nobody reads what it writes any more; whether that has happened. */
function stopWhenUnread(output: TraceOutput, stop: (reason: string) => void): () => boolean {
  let isUnread = false;
  void output.broken?.then(() => {
    isUnread = true;
    stop('nobody reads the output any more');
  });
  return () => isUnread;
}

async function orAbandon<T>(opened: OpenedSource, open: () => Promise<T>, output?: TraceOutput): Promise<T> {
  return open().catch((error) => abandon(error, opened, output));
}

/** Closes what was opened before `error`, and throws it. */
async function abandon(error: unknown, opened: OpenedSource, output?: TraceOutput): Promise<never> {
  opened.source.stop();
  opened.close();
  await output?.close(0);
  throw error;
}
