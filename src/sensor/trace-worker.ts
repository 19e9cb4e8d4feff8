/** The thread of `trace-thread.ts`. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createRedactor } from '../redact/redactor.js';
import { type MessageDescriber, openDescriptors } from '../trace/grpc-descriptors.js';
import type { Trace } from '../trace/trace.js';
import { finishDraft } from '../trace/trace-builder.js';
import type { Answer, BatchOrder, EncodedTraces, Order, Outcome, Started, TraceThreadData } from './trace-thread.js';

/** What a capture needs of a busy CPU it gets first: on Linux this is the priority of this thread alone. */
const NICE = 10;

if (parentPort !== null) void serve(parentPort, workerData as TraceThreadData);

async function serve(port: MessagePort, { redaction, descriptors, yields, ends }: TraceThreadData): Promise<void> {
  if (yields && process.platform === 'linux') setPriority(NICE);
  let evicted = 0;
  let unfit = 0;
  const takeEvicted = (): number => {
    const count = evicted;
    evicted = 0;
    return count;
  };
  const describer =
    descriptors === null ? null : openDescriptors(descriptors.set, descriptors.name, () => (unfit += 1));
  const redact = createRedactor(redaction, { onEvicted: (count) => (evicted += count) });
  const encoder = ends === undefined ? null : new (await import('./trace-ends.js')).TraceEnds(ends, redact);
  port.on('message', (order: Order | BatchOrder) => {
    if ('batch' in order) {
      const encoded = encoder?.encode(order);
      if (encoded !== undefined) port.postMessage({ ...encoded, textsEvicted: takeEvicted() } satisfies EncodedTraces);
      return;
    }
    void finish(order, redact, describer).then((outcome) => {
      const answer: Answer = { ...outcome, textsEvicted: takeEvicted(), messagesUnfit: unfit };
      unfit = 0;
      port.postMessage(answer, contentOf(answer));
    });
  });
  port.postMessage({ kernelThread: kernelThread() } satisfies Started);
}

function kernelThread(): string | null {
  try {
    return readlinkSync('/proc/thread-self').split('/').at(-1) ?? null;
  } catch {
    return null;
  }
}

async function finish(
  { draft, limits }: Order,
  redact: (trace: Trace) => void,
  describer: MessageDescriber | null,
): Promise<Outcome> {
  let step = 'built';
  try {
    const trace = await finishDraft(draft, { ...limits, describer });
    step = 'redacted';
    redact(trace);
    return { trace };
  } catch (error) {
    return { step, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** The memory of the bodies that nothing else shares. */
function contentOf(answer: Answer): ArrayBuffer[] {
  if (!('trace' in answer)) return [];
  const { request, response } = answer.trace;
  const buffers = new Set<ArrayBuffer>();
  for (const { content } of response === null ? [request.body] : [request.body, response.body])
    if (
      content.byteLength > 0 &&
      content.buffer instanceof ArrayBuffer &&
      content.byteLength === content.buffer.byteLength
    )
      buffers.add(content.buffer);
  return [...buffers];
}
