/**
 * Exchange → trace: content codings undone, ids assigned, the target split into its parts.
 *
 * in:  a kept exchange that is as complete as it will get · out: a `Trace`, at once or (a large body to decode) later
 */
import { contentCodings, type DecodedContent, decodeContent } from '../http/content-coding.js';
import type { HeaderList } from '../http/header-list.js';
import { bodyBytes, type MessageBody } from '../http/message-body.js';
import { type Exchange, markNames } from '../pair/exchange.js';
import { requestAuthority, requestPath, requestQuery, requestScheme } from '../pair/request-target.js';
import { traceContextOf } from '../pair/trace-context.js';
import type { TraceIds } from '../pair/trace-ids.js';
import type { Trace, TraceBody } from './trace.js';

export interface TraceBuilderContext {
  ids: TraceIds;
  /** Bytes of decoded content a body may have. */
  bodyBytesMax: number;
  /** Whether an address belongs to this task: decides between `server` and `client`. */
  isLocal(address: string): boolean;
}

export type TraceBuilder = (exchange: Exchange) => Trace | Promise<Trace>;

export function createTraceBuilder(context: TraceBuilderContext): TraceBuilder {
  return (exchange) => {
    const { request, response } = exchange;
    const requestBody = decodeBody(request.body, request.headers, context.bodyBytesMax);
    const responseBody = response === null ? null : decodeBody(response.body, response.headers, context.bodyBytesMax);
    if (requestBody instanceof Promise || responseBody instanceof Promise) {
      return Promise.all([requestBody, responseBody]).then(([first, second]) =>
        assemble(exchange, first, second, context),
      );
    }
    return assemble(exchange, requestBody, responseBody, context);
  };
}

function assemble(
  exchange: Exchange,
  requestBody: TraceBody,
  responseBody: TraceBody | null,
  { ids, isLocal }: TraceBuilderContext,
): Trace {
  const { request, response, startTime } = exchange;
  const context = exchange.context ?? traceContextOf(request.headers) ?? { traceId: ids.traceId(), parentSpanId: null };
  return {
    traceId: context.traceId,
    spanId: ids.spanId(),
    parentSpanId: context.parentSpanId,
    kind: isLocal(exchange.server.address) ? 'server' : 'client',
    startTimeUnixNano: BigInt(exchange.timeBaseSeconds) * 1_000_000_000n + BigInt(Math.round(startTime)),
    durationNano: since(startTime, exchange.endTime),
    timing: {
      requestEndNano: since(startTime, exchange.requestEndTime),
      responseStartNano: response === null ? null : since(startTime, exchange.responseStartTime),
    },
    network: {
      interface: exchange.interfaceName,
      protocol: exchange.protocol,
      client: exchange.client,
      server: exchange.server,
    },
    request: {
      method: request.method,
      scheme: requestScheme(request.target),
      authority: requestAuthority(exchange),
      target: request.target,
      path: requestPath(request.method, request.target),
      query: requestQuery(request.target),
      headers: request.headers.pairs(),
      trailers: request.trailers,
      body: requestBody,
    },
    response:
      response === null || responseBody === null
        ? null
        : {
            status: response.status,
            reason: response.reason,
            headers: response.headers.pairs(),
            trailers: response.trailers,
            body: responseBody,
          },
    marks: markNames(exchange.marks),
  };
}

/** Packets may come slightly out of order; a duration is never negative. */
function since(start: number, time: number): number {
  return Math.max(0, Math.round(time - start));
}

const NO_CONTENT = new Uint8Array(0);

function decodeBody(body: MessageBody, headers: HeaderList, bytesMax: number): TraceBody | Promise<TraceBody> {
  const { wireBytes, truncated } = body;
  if (body.keptBytes === 0) {
    return { wireBytes, bytes: truncated ? 0 : wireBytes, truncated, content: NO_CONTENT, codingError: null };
  }
  const codings = contentCodings(headers.getAll('content-encoding'));
  const raw = bodyBytes(body);
  if (codings.length === 0) {
    return { wireBytes, bytes: wireBytes, truncated, content: cut(raw, bytesMax, truncated), codingError: null };
  }
  const decoded = decodeContent(raw, codings, bytesMax, truncated);
  return decoded instanceof Promise
    ? decoded.then((late) => traceBody(body, late, bytesMax))
    : traceBody(body, decoded, bytesMax);
}

function traceBody(body: MessageBody, decoded: DecodedContent, bytesMax: number): TraceBody {
  const truncated = body.truncated || decoded.truncated;
  return {
    wireBytes: body.wireBytes,
    bytes: decoded.content.length,
    truncated,
    content: cut(decoded.content, bytesMax, truncated),
    codingError: decoded.error,
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
