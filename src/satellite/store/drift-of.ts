/**
 * Traces held against an OpenAPI document.
 *
 * in: the text of a document, JSON or YAML; the newest traces that pass a filter · out: where they part
 */
import { parse } from 'yaml';
import { reasonOf, SensorError } from '../../errors.js';
import type { Trace } from '../../trace/trace.js';
import { Drift, type Finding } from '../openapi/drift.js';
import type { Before } from './kept-inventory.js';

export interface DriftFound {
  readonly traces: number;
  readonly findings: readonly Finding[];
}

/** Where what came parts from what there was. */
export interface DriftBefore extends DriftFound {
  /** When that was, in milliseconds since 1970; null where there is nothing to compare with yet. */
  readonly since: number | null;
  /** When there are others to choose from. */
  readonly snapshots: readonly number[];
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
    value = jsonOrNull(text) ?? yamlOf(text);
  } catch (error) {
    throw new SensorError(`the document is neither YAML nor JSON: ${reasonOf(error)}`);
  }
  const { openapi, paths } = (value ?? {}) as { openapi?: unknown; paths?: unknown };
  if (typeof openapi !== 'string' || !/^3\.[012]/.test(openapi) || typeof paths !== 'object' || paths === null)
    throw new SensorError('this is no OpenAPI 3 document with paths');
  return value as Record<string, unknown>;
}

/**
 * The parser goes down as deep as a text is nested. Where the stack ends there is no error to be caught: a pattern that is compiled at
 * its end takes the process with it.
 */
const NESTED_MAX = 1000;
const INDENTED_MAX = 400;

function yamlOf(text: string): unknown {
  let nested = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === OPEN_BRACKET || character === OPEN_BRACE) nested++;
    else if ((character === CLOSE_BRACKET || character === CLOSE_BRACE) && nested > 0) nested--;
    if (nested > NESTED_MAX) throw new Error('it is nested too deep');
  }
  // Blanks, and what begins an entry within an entry on the same line.
  for (let from = 0; from >= 0; ) {
    const end = text.indexOf('\n', from);
    let at = from;
    while (at - from <= INDENTED_MAX && ' \t-?:'.includes(text[at] ?? 'x')) at++;
    if (at - from > INDENTED_MAX || entriesOf(text.slice(from, end < 0 ? undefined : end)) > NESTED_MAX)
      throw new Error('it is indented too deep');
    from = end < 0 ? -1 : end + 1;
  }
  return parse(text, { maxAliasCount: 1000 });
}

/** Entries that begin on one line, each of which may be in the one before. */
const entriesOf = (line: string): number => (line.length < NESTED_MAX ? 0 : (line.match(/[-?]\s/g)?.length ?? 0));

const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

/** JSON is YAML, but read as such it takes many times as long. */
function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What came since, with what did not come any more. */
export function driftSince({ since, snapshots, silent }: Before, { traces, findings }: DriftFound): DriftBefore {
  const unseen = silent.map(
    ({ method, path, lastSeen }): Finding => ({
      kind: 'unseen-endpoint',
      isDrift: false,
      method,
      path,
      where: '',
      what: `was last seen ${new Date(lastSeen).toISOString().slice(0, 16)}Z`,
      count: 0,
      of: traces,
      held: null,
      chance: null,
      traces: [],
    }),
  );
  // Of few traces most endpoints are not seen; what is silent is known from all.
  const others = findings.filter(({ kind }) => kind !== 'unseen-endpoint');
  return { since, snapshots, traces, findings: [...others, ...unseen].slice(0, FINDINGS_MAX) };
}
