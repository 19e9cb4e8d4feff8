/**
 * Traces held against an OpenAPI document.
 *
 * in: the text of a document, JSON or YAML; the newest traces that pass a filter · out: where they part
 */
import { parse } from 'yaml';
import { SensorError } from '../../errors.js';
import type { Trace } from '../../trace/trace.js';
import { Drift, type Finding } from '../openapi/drift.js';

export interface DriftFound {
  readonly traces: number;
  readonly findings: readonly Finding[];
}

const FINDINGS_MAX = 1000;

/** @throws SensorError where the text is no such document */
export function driftOf(text: string, traces: Iterable<Trace>): DriftFound {
  const drift = new Drift(documentOf(text));
  for (const trace of traces) drift.add(trace);
  return { traces: drift.traces, findings: findingsOf(drift) };
}

/** What is drift first, and no more than a page shows. */
export function findingsOf(drift: Drift): Finding[] {
  const findings = drift.findings();
  const sorted = [...findings.filter(({ isDrift }) => isDrift), ...findings.filter(({ isDrift }) => !isDrift)];
  return sorted.slice(0, FINDINGS_MAX);
}

/** @throws SensorError where the text is no such document */
export function documentOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 1000 });
  } catch (error) {
    throw new SensorError(`the document is neither YAML nor JSON: ${(error as Error).message.split('\n', 1)[0]}`);
  }
  const { openapi, paths } = (value ?? {}) as { openapi?: unknown; paths?: unknown };
  if (typeof openapi !== 'string' || !/^3\.[012]/.test(openapi) || typeof paths !== 'object' || paths === null)
    throw new SensorError('this is no OpenAPI 3 document with paths');
  return value as Record<string, unknown>;
}
