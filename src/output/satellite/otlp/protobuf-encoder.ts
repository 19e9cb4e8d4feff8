/**
 * Traces as OTLP/HTTP in protobuf, one at a time.
 *
 * in: `Trace` · out: the bytes of its span, and batches of them (opentelemetry/proto/collector/trace/v1/trace_service.proto)
 *
 * It takes no package: a span is written by hand, and what stands around spans are a resource and a scope. As text is not escaped, no
 * body becomes much longer than it is, and one takes no longer than being copied.
 */
import { MARK_ROWS } from '../../../pair/exchange.js';
import { withBody } from '../../../trace/sent-message.js';
import type { Trace, TraceBody } from '../../../trace/trace.js';
import { bodyBytes, type EncodingRoom, LARGE_BODY_BYTES } from '../../large-body.js';
import type { BatchEncoder } from '../../relay/batch.js';
import type { ResourceAttributes } from './encoder.js';
import { framed } from './protobuf-batch.js';
import { ProtobufWriter, Wire } from './protobuf-writer.js';
import type { InstrumentationScope, Semconv } from './span.js';
import { addAttributes, SpanProtobuf } from './span-protobuf.js';

/** Tags and lengths around a resource and its spans, at most. */
const AROUND_BYTES = 16;
/** Beside the body, what says of it that it is cut: an attribute, and a mark. */
const CUT_BYTES = 512;

export function createProtobufEncoder(
  attributes: ResourceAttributes,
  scope: InstrumentationScope,
  semconv: Semconv = 'stable',
): BatchEncoder {
  let made: SpanProtobuf | null = null;
  const encode = (trace: Trace): Buffer => {
    made ??= new SpanProtobuf(semconv);
    return made.encode(trace);
  };
  const resourceField = resourceOf(attributes);
  const scopeField = scopeOf(scope);
  return {
    protocol: 'otlp-protobuf',
    frameBytes: resourceField.length + scopeField.length + AROUND_BYTES,
    separatorBytes: 0,
    join: (spans) => framed({ resource: resourceField, scope: scopeField, spans }),
    encode,
    sliced_bytes_min: LARGE_BODY_BYTES,
    encodeSliced: async (trace, room) => encodeWithin(trace, encode, room),
  };
}

/** `ResourceSpans.resource`, a `Resource { attributes = 1; }`. */
function resourceOf(attributes: ResourceAttributes): Buffer {
  const writer = new ProtobufWriter();
  addAttributes(writer, 1, attributes);
  return field(1, writer);
}

/** `ScopeSpans.scope`, an `InstrumentationScope { name = 1; version = 2; }`. */
function scopeOf({ name, version }: InstrumentationScope): Buffer {
  const writer = new ProtobufWriter();
  writer.text(1, name);
  writer.text(2, version);
  return field(1, writer);
}

function field(number: number, content: ProtobufWriter): Buffer {
  const writer = new ProtobufWriter();
  writer.tag(number, Wire.delimited);
  writer.varint(content.at);
  return Buffer.concat([writer.take(0), content.take(0)]);
}

/** A body that there is no room for is cut to what fits: it is `truncated`, and the trace is marked `shed`. */
function encodeWithin(trace: Trace, encode: (trace: Trace) => Buffer, room: EncodingRoom): Buffer {
  const bodies = bodyBytes(trace);
  const bare = encode(withContents(trace, 0));
  const free = Math.max(0, room.freeBytes - bare.length - CUT_BYTES);
  if (bodies <= free) {
    room.onMeasured?.(bare.length + bodies);
    return encode(trace);
  }
  const cut = withContents(trace, free);
  room.onMeasured?.(bare.length + bodyBytes(cut));
  return encode(cut);
}

/** The trace with so many bytes of bodies: half of them of each, and what the other one leaves. */
function withContents(trace: Trace, bytes: number): Trace {
  const { request, response, marks } = trace;
  const { name } = MARK_ROWS.shed;
  const half = Math.floor(bytes / 2);
  const ofRequest = request.body.content.length;
  const ofResponse = response?.body.content.length ?? 0;
  const requestMax = Math.min(ofRequest, Math.max(half, bytes - ofResponse));
  const responseMax = Math.min(ofResponse, Math.max(half, bytes - requestMax));
  return {
    ...trace,
    request: withBody(request, cutTo(request.body, requestMax)),
    response: response === null ? null : withBody(response, cutTo(response.body, responseMax)),
    marks: marks.includes(name) ? marks : [...marks, name],
  };
}

function cutTo(body: TraceBody, bytesMax: number): TraceBody {
  if (body.content.length <= bytesMax) return body;
  // A last character that is cut is left off, as of any body that is truncated.
  return { ...body, content: body.content.subarray(0, bytesMax), truncated: true };
}
