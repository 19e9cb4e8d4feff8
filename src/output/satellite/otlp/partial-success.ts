import type { IExportTraceServiceResponse } from '@opentelemetry/otlp-transformer';

/**
 * How many spans of a delivered batch the satellite says it rejected, and why.
 *
 * An answer that is not `ExportTraceServiceResponse` JSON says nothing, which is full success (OTLP specification, "Full
 * Success"); no more than `count` can be rejected, whatever the answer claims.
 */
export function readPartialSuccess(body: Buffer, count: number): { rejected: number; reason: string } {
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
