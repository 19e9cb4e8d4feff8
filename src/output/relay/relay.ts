/**
 * Kept exchanges to the satellite.
 *
 * in: `Trace`s · out: batches delivered, or counted as undeliverable; nothing in between
 *
 *     accept → encode → open batch → queue ─────────────→ sender
 *                                      └→ spool (away) ──↗
 *
 * What is in the spool is older than what is queued, and is sent first. A trace is in flight until its batch is delivered,
 * refused or evicted; what the spool still holds at the end stays in flight, for the next run to deliver.
 */
import { type Counters, countDropped, DropReason } from '../../counters.js';
import type { Limits } from '../../limits.js';
import type { Trace } from '../../trace/trace.js';
import type { Clock } from '../clock.js';
import { foldWarnings } from '../fold.js';
import { bodyBytes } from '../large-body.js';
import type { Log } from '../log.js';
import type { TraceOutput } from '../output.js';
import { createConnector } from '../satellite/agent.js';
import { createHttpClient } from '../satellite/http-client.js';
import { createLevoEncoder, levoResource } from '../satellite/levo.js';
import { createSender } from '../satellite/sender.js';
import type { RelaySettings } from '../satellite/settings.js';
import type { Batch, BatchEncoder, SatelliteProtocol } from './batch.js';
import { createBatcher } from './batcher.js';
import { type BatchInHand, createHeldBatches } from './held-batches.js';
import { createHistogram, type Histogram, observe } from './histogram.js';
import type { Outcome } from './outcome.js';
import { createBatchQueue } from './queue.js';
import { createSignal } from './signal.js';
import { openSpool } from './spool/spool.js';

export interface RelayStatus {
  protocol: SatelliteProtocol | null;
  /** Whether the last attempt reached the satellite and was answered with anything but "later"; null before the first. */
  reachable: boolean | null;
  /** Why not, the last time it did not. */
  lastFailure: string;
}

export interface Relay extends TraceOutput {
  readonly status: RelayStatus;
  /** Milliseconds of each attempt, whatever its outcome. */
  readonly latency: Histogram;
  /** Closes the open batch and resolves when everything accepted so far has been delivered, refused or evicted. */
  flush(): Promise<void>;
}

export interface RelayParts {
  settings: RelaySettings;
  counters: Counters;
  limits: Limits;
  log: Log;
  clock: Clock;
  /** Told the addresses that exports go to. */
  onAddress?: (address: string) => void;
}

const LATENCY_BOUNDS_MILLIS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];
const LOGGED_BODY_MAX = 500;
const DRAIN_WAIT_MILLIS = 5000;

/** @throws UsageError if a certificate, a key or the spool's directory is not usable */
export async function createRelay(parts: RelayParts): Promise<Relay> {
  const { settings, counters, limits, log, clock } = parts;
  const connector = await createConnector(settings.satellite, settings.tls);
  const encoders = new Map<SatelliteProtocol, BatchEncoder>();
  encoders.set('levo', createLevoEncoder(levoResource(settings)));
  if (settings.protocol !== 'levo') {
    // The OpenTelemetry packages take 14 MiB of memory; who speaks levo is spared them.
    const { createOtlpEncoder } = await import('../satellite/otlp/encoder.js');
    const { resourceAttributes } = await import('../satellite/otlp/resource.js');
    encoders.set(
      'otlp',
      createOtlpEncoder(resourceAttributes(settings), { name: 'pcap-sensor', version: settings.sensorVersion }),
    );
  }

  const folded = foldWarnings(log, clock);
  const spool =
    settings.spool === null
      ? null
      : await openSpool({
          directory: settings.spool.directory,
          bytesMax: settings.spool.bytesMax,
          spool_segment_bytes_max: limits.spool_segment_bytes_max,
          counters,
          warnings: folded,
          onLost: (traces, recovered) => countOutcome(recovered, 0, traces),
        });
  if (counters.recovered_traces > 0)
    log.info({ traces: counters.recovered_traces }, 'found in the spool what an earlier run could not send');
  const queue = createBatchQueue();
  const latency = createHistogram(LATENCY_BOUNDS_MILLIS);
  const status: RelayStatus = { protocol: null, reachable: null, lastFailure: '' };
  const stop = new AbortController();
  const idle = createSignal();
  const work = createSignal();
  const roomMade = createSignal();
  let closing = false;
  let busy = false;
  let spilling: Promise<void> = Promise.resolve();
  let spillingBatches = 0;
  let spillingBytes = 0;
  let spillingTraces = 0;
  /** Traces with large bodies, being encoded a slice at a time. */
  let encodingTraces = 0;
  let encodingBytes = 0;
  const held = createHeldBatches();

  const { timing } = settings;
  const client = createHttpClient({
    connector,
    timeoutMillis: timing.attemptTimeoutMillis,
    response_bytes_max: limits.response_bytes_max,
    now: clock.now,
    ...(parts.onAddress === undefined ? {} : { onAddress: parts.onAddress }),
  });
  const encoderOf = (protocol: SatelliteProtocol): BatchEncoder => encoders.get(protocol) as BatchEncoder;
  const sender = createSender({
    settings,
    client,
    clock,
    log,
    onProtocol(protocol) {
      status.protocol = protocol;
      batcher.use(encoderOf(protocol));
    },
  });
  const batcher = createBatcher({
    encoder: encoderOf(settings.protocol === 'levo' ? 'levo' : 'otlp'),
    batch_traces_max: limits.batch_traces_max,
    batch_bytes_max: limits.batch_bytes_max,
    onBatch: enqueue,
  });
  status.protocol = sender.protocol;

  function updateGauges(): void {
    counters.queue_traces = queue.traces + batcher.count + encodingTraces + spillingTraces + held.traces;
    counters.queue_bytes = queue.bytes + batcher.bytes + encodingBytes + spillingBytes + held.bytes;
    if (counters.queue_bytes < limits.queue_bytes_max / 2) roomMade.raise();
  }

  function settle(batch: Batch, exported: number): void {
    countOutcome(batch.recovered, exported, batch.count - exported);
  }

  function countOutcome(recovered: boolean, exported: number, lost: number): void {
    if (recovered) {
      counters.recovered_traces_exported += exported;
      counters.recovered_traces_dropped += lost;
      return;
    }
    counters.exchanges_exported += exported;
    countDropped(counters, DropReason.undeliverable, lost);
  }

  function evict(batch: Batch): void {
    counters.batches_evicted++;
    settle(batch, 0);
    folded.warn(
      'evicted',
      { traces: batch.count, queueBytesMax: limits.queue_bytes_max },
      'the queue is full: its oldest batch is given up',
    );
  }

  function enqueue(batch: Batch): void {
    const entry = queue.push(batch);
    makeRoom();
    work.raise();
    entry.ready = sender.pack(batch).then((packed) => {
      if (queue.replace(entry, packed)) makeRoom();
    });
  }

  /** What the queue may hold beside the open batch and those on their way to and from the disk. */
  function room(): number {
    const elsewhere = batcher.bytes + encodingBytes + spillingBytes + held.bytes;
    return Math.max(0, limits.queue_bytes_max - elsewhere);
  }

  async function encodeLater(trace: Trace, encoder: BatchEncoder, bytes: number): Promise<void> {
    encodingTraces++;
    encodingBytes += bytes;
    try {
      batcher.addEncoded(await encoder.encodeSliced(trace), encoder, trace);
      if (closing) batcher.flush();
    } catch (error) {
      cannotEncode(error);
    }
    encodingTraces--;
    encodingBytes -= bytes;
    makeRoom();
    work.raise();
  }

  function cannotEncode(error: unknown): void {
    countDropped(counters, DropReason.undeliverable);
    folded.warn('encode', { reason: String(error) }, 'a trace cannot be encoded');
  }

  /** Holds the budget: to the spool where there is one and it keeps up, else the oldest are given up. */
  function makeRoom(): void {
    const away = status.reachable === false;
    if (spool !== null && (away || queue.bytes > room() / 2) && spillingBytes < limits.queue_bytes_max / 2)
      for (const batch of queue.shrink(away ? 0 : room() / 4)) spill(batch);
    for (const batch of queue.shrink(room())) evict(batch);
    updateGauges();
  }

  /** To disk, in order: `spilling` is the chain of writes under way. */
  function spill(batch: Batch): void {
    if (spool === null) return;
    spillingBatches++;
    spillingBytes += batch.payload.length;
    spillingTraces += batch.count;
    spilling = spilling.then(async () => {
      const taken = await spool.append(await sender.pack(batch));
      spillingBatches--;
      spillingBytes -= batch.payload.length;
      spillingTraces -= batch.count;
      if (!taken) putBack(batch);
      updateGauges();
      work.raise();
    });
  }

  /** The disk did not take it: memory holds it for as long as there is room. */
  function putBack(batch: Batch): void {
    queue.push(batch);
    for (const evicted of queue.shrink(room())) evict(evicted);
  }

  async function next(): Promise<BatchInHand | null> {
    const first = held.peek();
    if (first !== null) return first;
    for (;;) {
      if (spool !== null && spool.batches > 0) {
        const spooled = await spool.peek();
        if (spooled === null) continue;
        const { batch } = spooled;
        if (sender.protocol !== 'levo' && batch.protocol !== 'levo')
          return { batch, isOnDisk: true, done: () => spooled.remove(), release: () => spooled.release() };
        // At most once: were the sensor killed between sending and noting it, the next run would send it again.
        await spooled.remove();
        held.hold([batch]);
        return held.peek();
      }
      if (spillingBatches === 0) break;
      await spilling;
    }
    const entry = queue.peek();
    if (entry === undefined) return null;
    entry.sending = true;
    await entry.ready;
    return {
      batch: entry.batch,
      isOnDisk: false,
      done: async () => void queue.remove(entry),
      release: () => {
        entry.sending = false;
      },
    };
  }

  /** Its halves come next; false where it has none. */
  async function split(item: BatchInHand): Promise<boolean> {
    const halved = await sender.halve(item.batch);
    if (halved === null) return false;
    counters.batches_split++;
    // What is to come is spared the way down.
    batcher.shrinkTo(halved.bytes / 2);
    // What is on disk stays there until the last piece has had its outcome, so that being killed loses none of them.
    held.hold(halved.halves, item.isOnDisk ? item.done : undefined);
    if (!item.isOnDisk) await item.done();
    updateGauges();
    return true;
  }

  async function attempt(batch: Batch): Promise<Outcome> {
    const started = clock.now();
    const outcome = await sender.send(batch, stop.signal).catch((error: unknown): Outcome => {
      // Nothing that goes wrong with one batch may end the export of all.
      return { kind: 'refused', reason: 'internal error', body: String(error) };
    });
    observe(latency, clock.now() - started);
    return outcome;
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!stop.signal.aborted) {
      const item = await next();
      if (item === null) {
        busy = false;
        idle.raise();
        if (closing && encodingTraces === 0) return;
        await work.wait();
        continue;
      }
      busy = true;
      const { batch } = item;
      const outcome = await attempt(batch);
      if (outcome.kind === 'retryable') {
        failures++;
        counters.export_retries++;
        item.release();
        const wait = backoff(failures, outcome.retryAfterMillis);
        noteAway(outcome, wait);
        makeRoom();
        // Waiting would only use up the time there is to write to disk.
        if (closing && spool !== null) return;
        await clock.sleep(wait, stop.signal);
        continue;
      }
      failures = 0;
      noteReached();
      if (outcome.kind === 'too large' && (await split(item))) continue;
      await item.done();
      if (outcome.kind === 'delivered') noteDelivered(batch, outcome.rejected, outcome.reason);
      else noteRefused(batch, outcome.reason, outcome.body);
      updateGauges();
    }
  }

  /** Exponential with full jitter (a random part of the whole), or what the satellite asked for and a little more. */
  function backoff(failures: number, retryAfterMillis: number | null): number {
    if (retryAfterMillis !== null) return retryAfterMillis + clock.random() * timing.backoffInitialMillis;
    const ceiling = Math.min(timing.backoffMaxMillis, timing.backoffInitialMillis * 2 ** Math.min(30, failures - 1));
    return clock.random() * ceiling;
  }

  let awaySince = 0;

  function noteAway(outcome: Outcome & { kind: 'retryable' }, waitMillis: number): void {
    if (stop.signal.aborted) return;
    if (status.reachable !== false) awaySince = clock.now();
    status.reachable = false;
    status.lastFailure = outcome.reason;
    folded.warn(
      'away',
      { satellite: settings.satellite.base, reason: outcome.reason, queuedTraces: counters.queue_traces },
      `the satellite cannot take traces (${outcome.reason}); next attempt in ${Math.ceil(waitMillis)} ms`,
    );
  }

  function noteReached(): void {
    if (status.reachable === false)
      log.info(
        { seconds: Math.round((clock.now() - awaySince) / 1000), queuedTraces: counters.queue_traces },
        'the satellite is back',
      );
    status.reachable = true;
    folded.reset('away');
  }

  function noteDelivered(batch: Batch, rejected: number, reason: string): void {
    counters.batches_exported++;
    counters.export_bytes += batch.payload.length;
    settle(batch, batch.count - rejected);
    if (rejected === 0) return;
    counters.export_traces_rejected += rejected;
    folded.warn(`rejected ${reason}`, { rejected, of: batch.count, reason }, 'the satellite rejected part of a batch');
  }

  function noteRefused(batch: Batch, reason: string, body: string): void {
    counters.batches_refused++;
    settle(batch, 0);
    folded.warn(
      `refused ${reason}`,
      { reason, traces: batch.count, body: body.slice(0, LOGGED_BODY_MAX) },
      `the satellite refused a batch: ${reason}`,
    );
  }

  const running = run();
  const timer = setInterval(() => {
    batcher.flush();
  }, settings.exportIntervalMillis);
  timer.unref();

  return {
    status,
    latency,
    accept(trace) {
      try {
        const { encoder } = batcher;
        const bytes = bodyBytes(trace);
        if (bytes < encoder.sliced_bytes_min) batcher.add(trace);
        else if (encodingBytes + bytes <= limits.queue_bytes_max) void encodeLater(trace, encoder, bytes);
        else cannotEncode('too many large bodies at once');
      } catch (error) {
        cannotEncode(error);
      }
      updateGauges();
      if (counters.queue_bytes > limits.queue_bytes_max) makeRoom();
    },
    drained() {
      if (counters.queue_bytes < limits.queue_bytes_max / 2) return undefined;
      // Not for ever: whoever waits may be told to stop, and the satellite may be away for the night.
      return Promise.race([roomMade.wait(), clock.sleep(DRAIN_WAIT_MILLIS, stop.signal)]);
    },
    async flush() {
      batcher.flush();
      while (encodingTraces > 0) await idle.wait();
      batcher.flush();
      while (busy || queue.size > 0 || spillingBatches > 0 || held.size > 0 || (spool?.batches ?? 0) > 0)
        await idle.wait();
    },
    async close(deadlineMillis) {
      clearInterval(timer);
      closing = true;
      batcher.flush();
      work.raise();
      const deadline = setTimeout(() => stop.abort(), deadlineMillis);
      await running;
      clearTimeout(deadline);
      stop.abort();
      sender.close();
      const pieces = held.takeAll();
      const rest = [...pieces.batches, ...queue.shrink(-1)];
      for (const batch of rest) {
        if (spool !== null) spill(batch);
        else settle(batch, 0);
      }
      await spilling;
      await pieces.done();
      for (const batch of queue.shrink(-1)) settle(batch, 0);
      await spool?.close();
      updateGauges();
    },
  };
}
