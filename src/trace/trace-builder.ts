/**
 * Exchange → trace: content codings undone, ids assigned, the target split into its parts.
 *
 * in:  a kept exchange that is as complete as it will get · out: a `Trace`
 *
 * In two steps, as the second may take long: a `Draft` has everything but the content of its bodies, and is finished at once
 * where they are small, else wherever there is time.
 */
import {
  contentCodings,
  type DecodedContent,
  decodeContent,
  decodeSmall,
  transferCodings,
} from '../http/content-coding.js';
import { mayAskInUrl, readGraphql } from '../http/graphql/graphql-request.js';
import type { HeaderList } from '../http/header-list.js';
import { bodyBytes, type MessageBody } from '../http/message-body.js';
import { DEFAULT_LIMITS } from '../limits.js';
import { splitMessages } from '../pair/deferred-messages.js';
import { type Endpoint, type Exchange, type HttpResponse, markNames } from '../pair/exchange.js';
import { containerOf, type PodLookup } from '../pair/pod.js';
import { requestAuthority, requestPath, requestQuery, requestScheme } from '../pair/request-target.js';
import { traceContextOf } from '../pair/trace-context.js';
import type { TraceIds } from '../pair/trace-ids.js';
import { finishGrpc, finishGrpcNow } from './grpc-content.js';
import type { MessageDescriber } from './grpc-descriptors.js';
import { HeadShapes } from './head-shape.js';
import { contentTypeOf, SentHead, SentRequest, SentResponse } from './sent-message.js';
import type { Trace, TraceBody, TraceMessage, TracePod, TraceRequest, TraceResponse } from './trace.js';

export interface DraftContext {
  ids: TraceIds;
  /** Whether an address belongs to this task: decides between `server` and `client`. */
  isLocal(address: string): boolean;
  /** The pod at an address; null where nobody is asked. */
  podOf?: PodLookup | null;
}

/** What drafts are made with. */
interface DrafterContext extends DraftContext {
  readonly shapes: HeadShapes;
  readonly times: UnixTimes;
}

/** A trace whose bodies have no content yet. Plain data, as it may be finished in another thread. */
export interface Draft {
  readonly trace: Trace;
  readonly request: DraftBody;
  /** Null where there is no response. */
  readonly response: DraftBody | null;
}

/** What was kept of a body as it was transferred. */
export interface DraftBody {
  readonly chunks: readonly Uint8Array[];
  /** Sum of the lengths of `chunks`. */
  readonly keptBytes: number;
  /** As `contentCodings` gives them; where no header names one, that by which the body begins. */
  readonly codings: readonly string[];
  /** The body says its coding itself, and may have it by chance: then it is plain. */
  readonly isUnlabelled: boolean;
}

/** How much of a body's content a trace may have. */
export interface ContentLimits {
  /** Bytes of decoded content. */
  readonly bodyBytesMax: number;
  /** Bytes that memory allows for it; what is longer is cut off or, where it is coded, given up. */
  readonly budgetBytes?: number;
}

/** What content is made with. */
export interface ContentContext extends ContentLimits {
  /** Says what messages of calls hold, where it is known. */
  readonly describer?: MessageDescriber | null;
}

export interface TraceBuilderContext extends DraftContext, ContentContext {}

export type TraceBuilder = (exchange: Exchange) => Trace | Promise<Trace>;

/** Both steps in one. */
export function createTraceBuilder(context: TraceBuilderContext): TraceBuilder {
  const draftOf = createDrafter(context);
  return (exchange) => {
    const draft = draftOf(exchange);
    return finishSmall(draft, context) ?? finishDraft(draft, context);
  };
}

/** The trace with the content of its bodies, if that takes a moment; null if it takes longer. */
export function finishSmall({ trace, request, response }: Draft, limits: ContentContext): Trace | null {
  const { bodyBytesMax } = limits;
  const receivedBody = trace.response?.body ?? null;
  const requestBody = finishSmallBody(trace.request.body, request, bodyBytesMax);
  if (requestBody === null) return null;
  if (trace.response !== null && response !== null) {
    const responseBody = finishSmallBody(trace.response.body, response, bodyBytesMax);
    if (responseBody === null) return null;
    trace.response.body = responseBody;
  }
  const sentBody = trace.request.body;
  trace.request.body = requestBody;
  if (finishGrpcNow(trace, limits)) return withGraphql(trace);
  trace.request.body = sentBody;
  if (trace.response !== null && receivedBody !== null) trace.response.body = receivedBody;
  return null;
}

/** Null where it takes longer than a moment. */
function finishSmallBody(body: TraceBody, draft: DraftBody, bytesMax: number): TraceBody | null {
  if (draft.keptBytes === 0) return body;
  if (draft.codings.length === 0) return plainBody(body, draft, bytesMax);
  const decoded = decodeSmall(bodyBytes(draft), draft.codings, bytesMax, body.truncated);
  return decoded === null ? null : decodedBody(body, draft, decoded, bytesMax);
}

/** The same, however long it takes: one body after the other, so that no more than one is being decoded. */
export async function finishDraft({ trace, request, response }: Draft, limits: ContentContext): Promise<Trace> {
  trace.request.body = await finishBody(trace.request.body, request, limits);
  if (trace.response !== null && response !== null)
    trace.response.body = await finishBody(trace.response.body, response, limits);
  await finishGrpc(trace, limits);
  return withGraphql(trace);
}

async function finishBody(body: TraceBody, draft: DraftBody, limits: ContentLimits): Promise<TraceBody> {
  const { bodyBytesMax, budgetBytes = Number.POSITIVE_INFINITY } = limits;
  if (draft.keptBytes === 0) return body;
  if (draft.codings.length === 0) return plainBody(body, draft, Math.min(bodyBytesMax, budgetBytes));
  const decoded = await decodeContent(bodyBytes(draft), draft.codings, bodyBytesMax, body.truncated, budgetBytes);
  return decodedBody(body, draft, decoded, Math.min(bodyBytesMax, budgetBytes));
}

const GRAPHQL_LIMITS = {
  bytesMax: DEFAULT_LIMITS.graphql_request_bytes_max,
  operationsMax: DEFAULT_LIMITS.graphql_operations_max,
};

function withGraphql(trace: Trace): Trace {
  const { method, query, body } = trace.request;
  if (body.content.length === 0 && !mayAskInUrl(query)) return trace;
  const { buffer, byteOffset, byteLength } = body.codingError === null ? body.content : NO_CONTENT;
  const contentType = method === 'POST' ? (contentTypeOf(trace.request) ?? '') : '';
  const content = Buffer.from(buffer, byteOffset, byteLength);
  const parts = { method, query, contentType, body: content, isCut: body.truncated };
  const operations = readGraphql(parts, GRAPHQL_LIMITS);
  if (operations !== null) trace.graphql = operations;
  return trace;
}

/** The trace without the content of its bodies, of which only the sizes are known; `reason` is the error of coded ones. */
export function withoutContent({ trace, request, response }: Draft, reason: string): Trace {
  const without = (body: TraceBody, { keptBytes, codings }: DraftBody): TraceBody => {
    if (keptBytes === 0) return body;
    const isCoded = codings.length > 0;
    return { ...body, bytes: isCoded ? 0 : body.wireBytes, truncated: true, codingError: isCoded ? reason : null };
  };
  trace.request.body = without(trace.request.body, request);
  if (trace.response !== null && response !== null) trace.response.body = without(trace.response.body, response);
  if (trace.messages !== undefined) trace.messages = withoutMessages(trace.messages);
  return trace;
}

/** The messages without their contents, for a trace that there is no memory, time or room for. */
export function withoutMessages(messages: readonly TraceMessage[]): TraceMessage[] {
  return messages.map((message) => ({
    ...message,
    content: NO_CONTENT,
    truncated: message.truncated || message.bytes > 0,
  }));
}

export function createDrafter(context: DraftContext): (exchange: Exchange) => Draft {
  const drafting: DrafterContext = { ...context, shapes: new HeadShapes(), times: new UnixTimes() };
  return (exchange) => draftTrace(exchange, drafting);
}

function draftTrace(exchange: Exchange, context: DrafterContext): Draft {
  const { request, response } = exchange;
  return {
    trace: assemble(exchange, context),
    request: draftBody(request.body, request.headers),
    response: response === null ? null : draftBody(response.body, response.headers),
  };
}

function draftBody({ chunks, keptBytes }: MessageBody, headers: HeaderList): DraftBody {
  if (keptBytes === 0) return { chunks, keptBytes, codings: NO_CODINGS, isUnlabelled: false };
  const codings = codingsOf(headers);
  const coding = codings.length === 0 ? unlabelledCoding(chunks[0] as Uint8Array, headers) : null;
  return { chunks, keptBytes, codings: coding === null ? codings : [coding], isUnlabelled: coding !== null };
}

/** A file in this form is meant to be one, and left as it is. */
const FILE_TYPE = /zip|zstd|tar|compress|octet-stream|binary|archive|image\/|audio\/|video\/|font/i;

/** The coding by which a body begins that no header names: gzip (RFC 1952 §2.3.1), zlib (RFC 1950 §2.2), zstd (RFC 8878 §3.1.1). */
function unlabelledCoding(start: Uint8Array, headers: HeaderList): string | null {
  const [first, second, third, fourth] = start;
  const coding =
    first === 0x1f && second === 0x8b && third === 8
      ? 'gzip'
      : first === 0x78 && (second === 0x01 || second === 0x9c || second === 0xda)
        ? 'deflate'
        : first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd
          ? 'zstd'
          : null;
  return coding === null || FILE_TYPE.test(headers.get('content-type') ?? '') ? null : coding;
}

function codingsOf(headers: HeaderList): readonly string[] {
  if (headers.get('content-encoding') === undefined && headers.get('transfer-encoding') === undefined)
    return NO_CODINGS;
  const ofContent = contentCodings(headers.getAll('content-encoding'));
  if (headers.get('transfer-encoding') === undefined) return ofContent;
  return [...ofContent, ...transferCodings(headers.getAll('transfer-encoding'))];
}

const NO_CODINGS: readonly string[] = [];

function assemble(exchange: Exchange, { ids, isLocal, podOf = null, shapes, times }: DrafterContext): Trace {
  const { request, response, startTime, client, server } = exchange;
  const start = times.of(exchange.timeBaseSeconds, startTime);
  const context = exchange.context ?? traceContextOf(request.headers) ?? { traceId: ids.traceId(), parentSpanId: null };
  const trace: Trace = {
    traceId: context.traceId,
    spanId: '',
    parentSpanId: context.parentSpanId,
    kind: isLocal(server.address) || podOf?.(server.address) ? 'server' : 'client',
    startTimeUnixNano: start,
    durationNano: durationOf(exchange, start),
    timing: {
      requestEndNano: since(startTime, exchange.requestEndTime),
      responseStartNano: response === null ? null : since(startTime, exchange.responseStartTime),
    },
    network: { interface: exchange.route.interfaceName, protocol: exchange.protocol, client, server },
    request: requestOf(exchange, shapes),
    response: response === null ? null : responseOf(response, shapes),
    marks: markNames(exchange.marks),
  };
  addSpan(trace, exchange, ids);
  addStream(trace.network, exchange);
  if (podOf !== null) addPods(trace, exchange, podOf);
  addMessages(trace, exchange);
  if (exchange.standsFor !== 1) trace.adjustedCount = exchange.standsFor;
  return trace;
}

function requestOf(exchange: Exchange, shapes: HeadShapes): TraceRequest {
  const { method, target, headers, trailers, body } = exchange.request;
  const shape = shapes.of(headers);
  const bare = bodyWithoutContent(body);
  const fields = {
    method,
    scheme: requestScheme(exchange),
    authority: requestAuthority(exchange),
    target,
    path: requestPath(method, target),
    query: requestQuery(target),
  };
  if (shape === null) return { ...fields, headers: headers.pairs(), trailers, body: bare };
  return new SentRequest(new SentHead(headers, shape), { trailers, body: bare }, fields);
}

function responseOf({ status, reason, headers, trailers, body }: HttpResponse, shapes: HeadShapes): TraceResponse {
  const shape = shapes.of(headers);
  const bare = bodyWithoutContent(body);
  if (shape === null) return { status, reason, headers: headers.pairs(), trailers, body: bare };
  return new SentResponse(new SentHead(headers, shape), { trailers, body: bare }, { status, reason });
}

/** Windows of a stream are children of the first. */
function addSpan(trace: Trace, { window }: Exchange, ids: TraceIds): void {
  if (window === undefined) {
    trace.spanId = ids.spanId();
    return;
  }
  const { index, span } = window;
  span.id ??= ids.spanId();
  trace.spanId = index === 0 ? span.id : ids.spanId();
  if (index > 0) trace.parentSpanId = span.id;
  trace.window = index;
}

function addMessages(trace: Trace, exchange: Exchange): void {
  const { unsplit, startTime } = exchange;
  const messages = exchange.messages ?? (unsplit === undefined ? undefined : splitMessages(exchange, unsplit));
  if (messages === undefined) return;
  trace.messages = messages.kept.map(({ isRequest, time, ...message }) => ({
    ...message,
    direction: isRequest ? 'request' : 'response',
    offsetNano: since(startTime, time),
  }));
  trace.messagesSeen = { request: messages.request, response: messages.response };
}

/** The last nanosecond of a signed 64-bit clock, in the year 2262: what every format can say, and a `Date` too. */
const UNIX_NANO_MAX = 2n ** 63n - 1n;

const NANOS_MAX = Number(UNIX_NANO_MAX);

/** Times of captures as those of Unix. */
class UnixTimes {
  /** The base of the last time, and the same in nanoseconds: it is that of nearly all. */
  #baseSeconds = 0;
  #base = 0n;

  /** A capture may claim any time; one before 1970 or behind `UNIX_NANO_MAX` becomes the nearest that can be said. */
  of(baseSeconds: number, nanos: number): bigint {
    if (!Number.isFinite(baseSeconds) || !Number.isFinite(nanos)) return 0n;
    if (baseSeconds !== this.#baseSeconds) {
      this.#baseSeconds = baseSeconds;
      this.#base = BigInt(Math.round(baseSeconds)) * 1_000_000_000n;
    }
    const time = this.#base + BigInt(Math.round(nanos));
    return time < 0n ? 0n : time > UNIX_NANO_MAX ? UNIX_NANO_MAX : time;
  }
}

/** It ends no later than what can be said. */
function durationOf({ startTime, endTime }: Exchange, start: bigint): number {
  if (start <= FAR_FROM_MAX && endTime - startTime < FAR_NANOS) return since(startTime, endTime);
  return since(startTime, Math.min(endTime, startTime + Number(UNIX_NANO_MAX - start)));
}

const FAR_NANOS = 2 ** 62;
const FAR_FROM_MAX = UNIX_NANO_MAX - 2n ** 62n;

/** Packets may come slightly out of order; a duration is never negative. */
function since(start: number, time: number): number {
  return Math.min(Math.max(0, Math.round(time - start)), NANOS_MAX) || 0;
}

const NO_CONTENT = new Uint8Array(0);

function bodyWithoutContent({ wireBytes, keptBytes, truncated }: MessageBody): TraceBody {
  const bytes = truncated || keptBytes > 0 ? 0 : wireBytes;
  return { wireBytes, bytes, truncated, content: NO_CONTENT, codingError: null };
}

/** A body without content codings. */
function plainBody(
  { wireBytes, truncated: isCut, codingError }: TraceBody,
  draft: DraftBody,
  bytesMax: number,
): TraceBody {
  const truncated = isCut || draft.keptBytes > bytesMax;
  const content = cut(bodyBytes(draft), bytesMax, truncated);
  return { wireBytes, bytes: wireBytes, truncated, content, codingError };
}

function decodedBody(body: TraceBody, draft: DraftBody, decoded: DecodedContent, bytesMax: number): TraceBody {
  if (draft.isUnlabelled && (decoded.error !== null || decoded.content.length === 0))
    return plainBody(body, draft, bytesMax);
  const truncated = body.truncated || decoded.truncated;
  return {
    wireBytes: body.wireBytes,
    bytes: decoded.content.length,
    truncated,
    content: cut(decoded.content, bytesMax, truncated),
    codingError: decoded.error,
    ...(draft.isUnlabelled ? { unlabelledCoding: draft.codings[0] as string } : {}),
  };
}

/** At most `bytesMax` bytes. Where anything is cut off, the cut is not in the middle of a UTF-8 sequence. */
function cut(content: Uint8Array, bytesMax: number, truncated: boolean): Uint8Array {
  if (content.length <= bytesMax && !truncated) return content;
  let end = Math.min(content.length, bytesMax);
  // Back to the last lead byte. A whole sequence stays, as do bytes that are not UTF-8 at all.
  for (let back = 1; back <= 3 && back <= end; back++) {
    const byte = content[end - back] as number;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      if (length > back) end -= back;
      break;
    }
  }
  return content.subarray(0, end);
}

function addPods(trace: Trace, { client, server }: Exchange, podOf: PodLookup): void {
  const of = ({ address, port }: Endpoint, listens: boolean): TracePod | null => {
    const pod = podOf(address);
    if (pod === null) return null;
    const { namespace, workload, name } = pod;
    // A client's port says nothing of who it is; one container is the only one.
    return { namespace, workload, pod: name, container: containerOf(pod, listens ? port : -1) };
  };
  const pods = { client: of(client, false), server: of(server, true) };
  if (pods.client !== null || pods.server !== null) trace.kubernetes = pods;
}

function addStream(network: Trace['network'], { place, route, stream }: Exchange): void {
  const leg = place ?? route.place;
  if (leg !== null) network.leg = leg;
  if (stream === undefined) return;
  network.streamId = stream.id;
  if (stream.error !== null) network.streamError = stream.error;
}
