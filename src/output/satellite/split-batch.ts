/**
 * A batch the satellite finds too large, in two.
 *
 * in: a batch of two traces or more, uncompressed · out: its halves, which together hold the same traces in the same order
 *
 * The traces are found by how each begins, and copied as they are. That takes no time, and integers larger than 2^53, which
 * levo entries have, would not survive being parsed and encoded again (RFC 8259 §6). A batch does not carry where its traces
 * lie, because one from the spool may be an earlier run's.
 */
import type { Batch, BatchProtocol } from '../relay/batch.js';
import { splitProtobuf } from './otlp/protobuf-batch.js';

/**
 * How a trace begins, and how a batch ends. No name and no value can hold such a beginning, as a quote inside a string is
 * escaped.
 */
const SHAPES: Readonly<Partial<Record<BatchProtocol, { trace: string; tail: string }>>> = {
  otlp: { trace: '{"traceId":"', tail: ']}]}]}' },
  levo: { trace: '{"http_scheme":"', tail: ']' },
};

/** Null where the payload is no such batch. */
export function splitBatch(batch: Batch): [Batch, Batch] | null {
  if (batch.protocol === 'otlp-protobuf') return splitProtobuf(batch);
  const { payload, count } = batch;
  const shape = SHAPES[batch.protocol];
  if (shape === undefined) return null;
  const { trace, tail } = shape;
  const starts: number[] = [];
  for (let at = payload.indexOf(trace); at >= 0; at = payload.indexOf(trace, at + trace.length)) starts.push(at);
  const end = payload.subarray(-tail.length);
  if (count < 2 || starts.length !== count || end.toString('latin1') !== tail) return null;
  const firstCount = count >> 1;
  const middle = starts[firstCount] as number;
  return [
    // Without the comma between the halves.
    { ...batch, count: firstCount, payload: Buffer.concat([payload.subarray(0, middle - 1), end]) },
    {
      ...batch,
      count: count - firstCount,
      payload: Buffer.concat([payload.subarray(0, starts[0]), payload.subarray(middle)]),
    },
  ];
}
