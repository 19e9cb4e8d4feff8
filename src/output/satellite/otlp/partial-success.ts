import type { IExportTraceServiceResponse } from '@opentelemetry/otlp-transformer';
import { partialSuccessOf } from './protobuf-batch.js';

/**
 * How many spans of a delivered batch the satellite says it rejected, and why.
 *
 * An answer that is no `ExportTraceServiceResponse` says nothing, which is full success (OTLP specification, "Full
 * Success"); no more than `count` can be rejected, whatever the answer claims.
 */
export function readPartialSuccess(
  body: Buffer,
  count: number,
  isProtobuf = false,
): { rejected: number; reason: string } {
  if (isProtobuf) {
    const { rejectedSpans, errorMessage } = partialSuccessOf(body);
    return { rejected: Math.max(0, Math.min(rejectedSpans, count)), reason: errorMessage };
  }
  if (!body.includes('partialSuccess')) return { rejected: 0, reason: '' };
  let partial: IExportTraceServiceResponse['partialSuccess'];
  try {
    partial = (JSON.parse(body.toString('utf8')) as IExportTraceServiceResponse).partialSuccess;
  } catch {
    return { rejected: 0, reason: '' };
  }
  // An int64, which JSON may write as a string (proto3 JSON mapping).
  const rejected = Number(partial?.rejectedSpans ?? 0);
  return {
    rejected: Number.isInteger(rejected) && rejected > 0 ? Math.min(rejected, count) : 0,
    reason: String(partial?.errorMessage ?? ''),
  };
}
