/**
 * The SDK's batch processor as an output. It bounds spans and not bytes, drops what is too much without a word, and gives a batch
 * up that the receiver did not take; so bytes are bounded here, and each span is accounted by what became of its batch.
 *
 * in: `Trace`s · out: `POST` of OTLP, outcomes in the books
 */
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Trace } from '../../trace/trace.js';
import { foldWarnings } from '../fold.js';
import { bodyBytes } from '../large-body.js';
import type { OutputContext, TraceOutput } from '../output.js';
import { resourceAttributes } from '../satellite/otlp/resource.js';
import { toReadableSpan } from '../satellite/otlp/span.js';
import { type SatelliteOptions, satelliteSettings } from '../satellite/settings.js';
import { checkedOtelUrl, unspokenProtocol } from './endpoint.js';

/** What a span takes beside its bodies, roughly: a couple of dozen attributes. */
const SPAN_BYTES = 4096;
const QUEUE_SPANS_MIN = 512;
/** Serialising a batch stops everything else for as long as it takes. */
const BATCH_SPANS_MAX = 128;

type ExportResult = Parameters<Parameters<SpanExporter['export']>[1]>[0];

/** @throws UsageError where the variables name no URL */
export async function openOtelOutput(context: OutputContext<SatelliteOptions>): Promise<TraceOutput> {
  const { options, task, sensorVersion, limits, counters, books, log, clock } = context;
  const url = checkedOtelUrl('traces', process.env);
  const unspoken = unspokenProtocol('traces', process.env);
  if (unspoken !== null) log.warn({ url }, unspoken);
  const { BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  // Of these settings only who it is counts here: where to send is the exporter's affair.
  const settings = satelliteSettings({ ...options, satelliteUrl: 'http://localhost' }, task, sensorVersion);
  const resource = resourceFromAttributes(resourceAttributes(settings));
  const scope = { name: 'pcap-sensor', version: sensorVersion };
  const warnings = foldWarnings(log, clock);
  const sizes = new Map<ReadableSpan, number>();
  let heldBytes = 0;
  let isClosed = false;

  function release(spans: readonly ReadableSpan[], { code, error }: ExportResult): void {
    const held = spans.filter((span) => sizes.has(span));
    for (const span of held) {
      heldBytes -= sizes.get(span) ?? 0;
      sizes.delete(span);
    }
    note();
    if (code === 0) books.accountExported(held.length);
    else {
      books.accountLost(held.length);
      warnings.warn(`otel ${error?.name}`, { url, reason: error?.message }, 'the OTLP exporter gave traces up');
    }
  }
  function note(): void {
    counters.queue_traces = sizes.size;
    counters.queue_bytes = heldBytes;
  }

  const stock = new OTLPTraceExporter();
  const exporter: SpanExporter = {
    export: (spans, done) =>
      stock.export(spans, (result) => {
        release(spans, result);
        done(result);
      }),
    shutdown: () => stock.shutdown(),
    forceFlush: () => stock.forceFlush(),
  };
  const queueMax = Math.max(QUEUE_SPANS_MIN, Math.floor(limits.queue_bytes_max / SPAN_BYTES));
  const processor = new BatchSpanProcessor(exporter, {
    maxQueueSize: queueMax,
    maxExportBatchSize: BATCH_SPANS_MAX,
    scheduledDelayMillis: options.traceExportInterval * 1000,
  });

  return {
    accept(trace) {
      const bytes = sizeOf(trace);
      if (isClosed || heldBytes + bytes > limits.queue_bytes_max || sizes.size >= queueMax) {
        books.accountLost(1);
        warnings.warn(
          'otel full',
          { url },
          'more traces wait for the OTLP exporter than there is room for; the newest are dropped',
        );
        return;
      }
      const span = toReadableSpan(trace, resource, scope);
      sizes.set(span, bytes);
      heldBytes += bytes;
      note();
      processor.onEnd(span as never);
    },
    async close(deadlineMillis) {
      isClosed = true;
      const stop = new AbortController();
      const late = clock.sleep(deadlineMillis, stop.signal);
      // Whatever the exporter fails with, it has been accounted.
      await Promise.race([processor.forceFlush().catch(() => {}), late]);
      stop.abort();
      books.accountLost(sizes.size);
      sizes.clear();
      heldBytes = 0;
      note();
      void processor.shutdown().catch(() => {});
    },
  };
}

function sizeOf(trace: Trace): number {
  return SPAN_BYTES + 2 * bodyBytes(trace);
}
