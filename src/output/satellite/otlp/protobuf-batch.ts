/**
 * What becomes of a batch in protobuf beside being sent: JSON, where the satellite takes no other; its halves, where it is too
 * large; its trace without bodies.
 *
 *     ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
 *     ResourceSpans             { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
 *     ScopeSpans                { InstrumentationScope scope = 1; repeated Span spans = 2; }
 *
 * in: an uncompressed batch of this sensor's own making, an earlier run's too · out: others; null where it is none
 */
import { MARK_ROWS } from '../../../pair/exchange.js';
import type { Batch } from '../../relay/batch.js';
import { fieldsOf } from './protobuf-reader.js';
import { keyField, ProtobufWriter, Wire } from './protobuf-writer.js';

const RESOURCE_SPANS = 1;
const RESOURCE = 1;
const SCOPE_SPANS = 2;
const SCOPE = 1;
const SPANS = 2;
const ATTRIBUTES = 9;

/** A batch taken apart: what all its spans come under, and each span with its tag. */
interface Parts {
  readonly resource: Buffer;
  readonly scope: Buffer;
  readonly spans: readonly Buffer[];
}

/** Spans, each with its tag, as a batch under a resource and a scope, which have theirs. */
export function framed({ resource, scope, spans }: Parts): Buffer {
  const bytes = spans.reduce((sum, { length }) => sum + length, 0);
  const inner = scope.length + bytes;
  const scopeSpans = headOf(SCOPE_SPANS, inner);
  const outer = headOf(RESOURCE_SPANS, resource.length + scopeSpans.length + inner);
  return Buffer.concat([outer, resource, scopeSpans, scope, ...spans]);
}

/** The tag and the length of a message. */
function headOf(field: number, length: number): Buffer {
  const writer = new ProtobufWriter(16);
  writer.tag(field, Wire.delimited);
  writer.varint(length);
  return writer.take(0);
}

/** Null where a batch has several resources or scopes, which none has, or is damaged. */
function partsOf(payload: Buffer): Parts | null {
  try {
    const [only, ...others] = [...fieldsOf(payload)];
    if (only?.number !== RESOURCE_SPANS || others.length > 0) return null;
    let resource: Buffer = NO_BYTES;
    let scope: Buffer = NO_BYTES;
    const spans: Buffer[] = [];
    for (const outer of fieldsOf(payload, only.start, only.end)) {
      if (outer.number === RESOURCE) resource = payload.subarray(outer.at, outer.end);
      if (outer.number !== SCOPE_SPANS) continue;
      if (spans.length > 0) return null;
      for (const inner of fieldsOf(payload, outer.start, outer.end)) {
        if (inner.number === SCOPE) scope = payload.subarray(inner.at, inner.end);
        else if (inner.number === SPANS) spans.push(payload.subarray(inner.at, inner.end));
      }
    }
    return { resource, scope, spans };
  } catch {
    return null;
  }
}

const NO_BYTES = Buffer.alloc(0);

/** Its halves, which together hold the same traces in the same order. */
export function splitProtobuf(batch: Batch): [Batch, Batch] | null {
  const parts = partsOf(batch.payload);
  if (parts === null || batch.count < 2 || parts.spans.length !== batch.count) return null;
  const half = (from: number, to: number): Batch => {
    const spans = parts.spans.slice(from, to);
    return { ...batch, count: spans.length, payload: framed({ ...parts, spans }) };
  };
  const first = batch.count >> 1;
  return [half(0, first), half(first, batch.count)];
}

const SHED = MARK_ROWS.shed.name;
const MARKS = 'pcap.marks';

/** A batch of one trace without what its bodies hold, marked as shed; null where it has no bodies. */
export function bareProtobuf(batch: Batch): Batch | null {
  const parts = batch.count === 1 ? partsOf(batch.payload) : null;
  const [tagged] = parts?.spans ?? [];
  if (parts === null || tagged === undefined) return null;
  const span = bareSpan(tagged);
  return span === null ? null : { ...batch, payload: framed({ ...parts, spans: [span] }) };
}

function bareSpan(tagged: Buffer): Buffer | null {
  const [whole] = [...fieldsOf(tagged)];
  if (whole === undefined) return null;
  const fields = [...fieldsOf(tagged, whole.start, whole.end)];
  const keys = fields.map(({ number, start, end }) => (number === ATTRIBUTES ? keyOf(tagged, start, end) : ''));
  const bodies = ['request', 'response'].filter((side) => keys.includes(`http.${side}.body.content`));
  if (bodies.length === 0) return null;
  const writer = new ProtobufWriter();
  for (const [i, { at, start, end }] of fields.entries()) {
    const key = keys[i] as string;
    if (key === MARKS) writer.listAttribute(ATTRIBUTES, keyField(MARKS), withShed(textsOf(tagged, start, end)));
    else if (!bodies.some((side) => key === `http.${side}.body.content` || key === `http.${side}.body.truncated`)) {
      writer.reserve(end - at);
      writer.raw(tagged.subarray(at, end));
    }
  }
  for (const side of bodies) writer.boolAttribute(ATTRIBUTES, keyField(`http.${side}.body.truncated`), true);
  if (!keys.includes(MARKS)) writer.listAttribute(ATTRIBUTES, keyField(MARKS), [SHED]);
  return Buffer.concat([headOf(SPANS, writer.at), writer.bytes.subarray(0, writer.at)]);
}

const withShed = (marks: readonly string[]): readonly string[] => (marks.includes(SHED) ? marks : [...marks, SHED]);

/** The key of the attribute in `bytes[start, end)`. */
function keyOf(bytes: Buffer, start: number, end: number): string {
  for (const field of fieldsOf(bytes, start, end))
    if (field.number === 1) return bytes.toString('utf8', field.start, field.end);
  return '';
}

/** The texts of an attribute that is a list of them. */
function textsOf(bytes: Buffer, start: number, end: number): string[] {
  const texts: string[] = [];
  const walk = (from: number, to: number, path: readonly number[]): void => {
    const [number, ...rest] = path;
    for (const field of fieldsOf(bytes, from, to)) {
      if (field.number !== number) continue;
      if (rest.length === 0) texts.push(bytes.toString('utf8', field.start, field.end));
      else walk(field.start, field.end, rest);
    }
  };
  // KeyValue.value, AnyValue.array_value, ArrayValue.values, AnyValue.string_value
  walk(start, end, [2, 5, 1, 1]);
  return texts;
}

/** What a satellite says of a batch in protobuf: `ExportTraceServiceResponse { partial_success = 1 { rejected_spans = 1; error_message = 2; } }`. */
export function partialSuccessOf(body: Buffer): { rejectedSpans: number; errorMessage: string } {
  let rejectedSpans = 0;
  let errorMessage = '';
  try {
    for (const outer of fieldsOf(body)) {
      if (outer.number !== 1 || outer.wire !== Wire.delimited) continue;
      for (const { number, wire, start, end, value } of fieldsOf(body, outer.start, outer.end)) {
        if (number === 1 && wire === Wire.varint) rejectedSpans = Number(BigInt.asIntN(64, value));
        if (number === 2 && wire === Wire.delimited) errorMessage = body.toString('utf8', start, end);
      }
    }
  } catch {
    // No such message: it says nothing.
    return { rejectedSpans: 0, errorMessage: '' };
  }
  return { rejectedSpans, errorMessage };
}

/** What a refusal in protobuf says, a `google.rpc.Status { code = 1; message = 2; }`; the bytes as text where it is none. */
export function statusMessageOf(body: Buffer): string {
  try {
    for (const { number, wire, start, end } of fieldsOf(body))
      if (number === 2 && wire === Wire.delimited) return body.toString('utf8', start, end);
  } catch {
    // Another kind of answer.
  }
  return body.toString('utf8');
}
