/**
 * The bodies and messages of a call, as they stand in its trace: compression undone, and where a descriptor is known, as JSON, a
 * line a message.
 *
 * in:  a `Trace` whose content codings are undone · out: the same, changed in place
 */
import { type GrpcBody, type GrpcBodyContext, grpcBody, grpcBodyNow } from '../http/grpc/grpc-body.js';
import { grpcType } from '../http/grpc/grpc-type.js';
import { decodePath } from '../pair/request-target.js';
import type { MessageDescriber } from './grpc-descriptors.js';
import { contentTypeOf } from './sent-message.js';
import {
  headerOf,
  type Trace,
  type TraceBody,
  type TraceMessage,
  type TraceRequest,
  type TraceResponse,
} from './trace.js';

export interface GrpcContentContext {
  readonly bodyBytesMax: number;
  readonly describer?: MessageDescriber | null;
}

/** If that takes a moment; returns whether it did. */
export function finishGrpcNow(trace: Trace, context: GrpcContentContext): boolean {
  const { request, response, messages } = trace;
  // Nearly all traces are none of a call.
  const mayBeCall = mayBeGrpc(request) || (response !== null && mayBeGrpc(response));
  if (!mayBeCall && (messages === undefined || (context.describer ?? null) === null)) return true;
  const bodies: [CallMessage, GrpcBody | undefined][] = [];
  for (const message of messagesOf(trace)) {
    const given = bodyContextOf(message, context);
    if (given === null) continue;
    const made = grpcBodyNow(contentOf(message.body), given);
    if (made === null) return false;
    bodies.push([message, made]);
  }
  for (const [message, made] of bodies) take(trace, message, made, context);
  finishCall(trace, context);
  return true;
}

export async function finishGrpc(trace: Trace, context: GrpcContentContext): Promise<void> {
  for (const message of messagesOf(trace)) {
    const given = bodyContextOf(message, context);
    if (given !== null) take(trace, message, await grpcBody(contentOf(message.body), given), context);
  }
  finishCall(trace, context);
}

/** The codings of messages that are to be undone, which may make more of them. */
export function messageCodings({ request, response }: Trace): string[] {
  return [request.headers, response?.headers ?? []].flatMap((headers) => {
    const coding = headerOf(headers, 'grpc-encoding')?.trim().toLowerCase();
    const isCoded =
      coding !== undefined && coding !== 'identity' && grpcType(headerOf(headers, 'content-type')) !== null;
    return isCoded ? [coding] : [];
  });
}

function mayBeGrpc(message: CallMessage): boolean {
  return grpcType(contentTypeOf(message)) !== null;
}

type CallMessage = TraceRequest | TraceResponse;

function messagesOf({ request, response }: Trace): CallMessage[] {
  return response === null ? [request] : [request, response];
}

function bodyContextOf(message: CallMessage, { bodyBytesMax }: GrpcContentContext): GrpcBodyContext | null {
  const { body } = message;
  if (body.content.length === 0 || body.codingError !== null) return null;
  const type = grpcType(contentTypeOf(message));
  if (type === null) return null;
  const coding = headerOf(message.headers, 'grpc-encoding')?.trim().toLowerCase() ?? '';
  return { type, coding, bytesMax: bodyBytesMax, isCut: body.truncated };
}

function contentOf({ content: { buffer, byteOffset, byteLength } }: TraceBody): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function take(
  trace: Trace,
  message: CallMessage,
  made: GrpcBody | undefined,
  { describer = null, bodyBytesMax }: GrpcContentContext,
): void {
  if (made === undefined) return;
  const { body } = message;
  const isKnown = message.trailers.some(([name]) => name.toLowerCase() === 'grpc-status');
  if (!isKnown) for (const [name, value] of made.trailers) message.trailers = [...message.trailers, [name, value]];
  const { content, truncated, error } = made;
  if (content !== body.content)
    Object.assign(body, { content, bytes: truncated ? body.bytes : content.length, truncated, codingError: error });
  if (describer !== null && error === null)
    describe(trace, message === trace.request, body, made, { bodyBytesMax, describer });
}

/** All of a body, or nothing of it: JSON and bytes together would be neither. */
function describe(
  { request: { path }, messages: split }: Trace,
  isRequest: boolean,
  body: TraceBody,
  { content, messages }: GrpcBody,
  { bodyBytesMax, describer }: GrpcContentContext & { describer: MessageDescriber },
): void {
  const lines: string[] = [];
  let length = 0;
  for (const { start, end, isWhole } of messages) {
    if (!isWhole) {
      body.truncated = true;
      continue;
    }
    const described = describer.describe(path, isRequest, content.subarray(start, end));
    if (described === null) {
      // Those of a stream are told each for itself.
      if (split === undefined) describer.noteUnfit();
      return;
    }
    length += described.json.length + 1;
    if (length > bodyBytesMax) {
      body.truncated = true;
      break;
    }
    lines.push(described.json);
    body.truncated ||= !described.isWhole;
  }
  if (lines.length > 0) body.content = Buffer.from(lines.join('\n'));
}

function describeMessages(path: string, messages: readonly TraceMessage[], describer: MessageDescriber): void {
  for (const message of messages) {
    if (message.kind !== 'message') continue;
    const isReadable = !message.truncated && message.codingError === null;
    const described = isReadable ? describer.describe(path, message.direction === 'request', message.content) : null;
    if (described === null) {
      describer.noteUnfit();
      continue;
    }
    message.content = Buffer.from(described.json);
    message.truncated = !described.isWhole;
  }
}

/** `grpc-message` is percent-encoded (PROTOCOL-HTTP2.md, "Responses"). */
function finishCall(trace: Trace, { describer = null }: GrpcContentContext): void {
  const { request, response, messages } = trace;
  if (describer !== null) describeMessages(request.path, messages ?? [], describer);
  if (response === null || grpcType(contentTypeOf(request) ?? contentTypeOf(response)) === null) return;
  const message = headerOf(response.trailers, 'grpc-message') ?? headerOf(response.headers, 'grpc-message');
  if (message !== undefined && message !== '') trace.statusMessage = decodePath(message);
}
