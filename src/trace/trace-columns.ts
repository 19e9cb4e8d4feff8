/** What of a trace goes into the columns of a batch (`trace-batch.ts`), and whether all of it does. */
import { asData, sentHeadOf, withBody } from './sent-message.js';
import type { Trace, TraceRequest, TraceResponse } from './trace.js';

/** What is told of a trace in bits. */
export const Is = {
  column: 1,
  redacted: 2,
  server: 4,
  https: 8,
  child: 16,
  answered: 32,
  marked: 64,
  requestCut: 128,
  responseCut: 256,
  wholeTarget: 512,
} as const;

/** Ids, marks, lengths. */
const TEXT_OF_TRACE = 512;
// biome-ignore lint/suspicious/noControlCharactersInRegex: characters of a byte
const LATIN1 = /^[\x00-\xff]*$/;

/** The message as data, with a body whose memory is its own: what shares it would move or be copied with it. */
export function asOwnData<T extends TraceRequest | TraceResponse>(message: T): T {
  const { content } = message.body;
  if (content.byteLength === content.buffer.byteLength) return asData(message);
  return withBody(message, { ...message.body, content: content.slice() });
}

/** The most that the texts of a trace take. */
export function textBytes({ request, response }: Trace): number {
  const { target, path, query } = request;
  const heads = (sentHeadOf(request)?.list.textLength ?? 0) + listBytes(response);
  return TEXT_OF_TRACE + target.length + path.length + query.length + heads;
}

function listBytes(response: TraceResponse | null): number {
  return response === null ? 0 : (sentHeadOf(response)?.list.textLength ?? 0);
}

/** Bytes of the bodies of both messages. */
export function bodyBytes({ request, response }: Trace): number {
  return request.body.content.length + (response?.body.content.length ?? 0);
}

/** Whether columns say all of it. */
export function isPlain(trace: Trace): boolean {
  const { network, request, response } = trace;
  return (
    trace.window === undefined &&
    trace.messages === undefined &&
    trace.messagesSeen === undefined &&
    trace.graphql === undefined &&
    trace.kubernetes === undefined &&
    trace.adjustedCount === undefined &&
    trace.watchedShare === undefined &&
    trace.statusMessage === undefined &&
    trace.redactions === undefined &&
    trace.replacements === undefined &&
    network.leg === undefined &&
    network.streamId === undefined &&
    network.streamError === undefined &&
    network.client.sources === undefined &&
    network.server.sources === undefined &&
    // As sent: what a path says by other characters is no byte each.
    LATIN1.test(request.target) &&
    (isWholeTarget(request) || LATIN1.test(request.path + request.query)) &&
    isPlainMessage(request) &&
    (response === null || isPlainMessage(response))
  );
}

/** None of whose head was replaced. */
function isPlainMessage(message: TraceRequest | TraceResponse): boolean {
  const { trailers, body } = message;
  return (
    trailers.length === 0 &&
    body.codingError === null &&
    body.unlabelledCoding === undefined &&
    body.omitted === undefined &&
    sentHeadOf(message)?.replaced === null
  );
}

export function flagsOf({ kind, parentSpanId, marks, request, response }: Trace, isRedacted: boolean): number {
  return (
    Is.column |
    (isRedacted ? Is.redacted : 0) |
    (kind === 'server' ? Is.server : 0) |
    (request.scheme === 'https' ? Is.https : 0) |
    (parentSpanId === null ? 0 : Is.child) |
    (response === null ? 0 : Is.answered) |
    (marks.length === 0 ? 0 : Is.marked) |
    (request.body.truncated ? Is.requestCut : 0) |
    (response?.body.truncated === true ? Is.responseCut : 0)
  );
}

/** Whether path and query are the two parts of the target, as they are where that is a path. */
export function isWholeTarget({ target, path, query }: TraceRequest): boolean {
  if (query === '') return target === path;
  return target.length === path.length + 1 + query.length && target.startsWith(path) && target.endsWith(query);
}
