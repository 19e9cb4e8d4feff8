/**
 * What a service does without having changed, as the document tells that was inferred from its traffic: how often each of the things happens
 * that happen at times.
 *
 * in: a document with `x-observed` · out: rates of each kind of thing
 *
 * They make the one rule by which what was found against an inferred document is drift: if nothing had changed, fewer than
 * `byChanceMax` such findings were to be expected in all of the document, however many claims that has.
 */
import type { Finding } from './drift.js';
import { exchangesOf, type Observed, observedOf } from './observed.js';
import { Rates } from './rates.js';
import type { Schema } from './schema.js';

/**
 * For each kind of finding, of which there are a dozen. What was never seen at all may be told sooner than that an inferred claim broke:
 * a claim is a guess about values, and values that make one wrong come together.
 */
const NEW_BY_CHANCE_MAX = 0.01;
const BROKEN_BY_CHANCE_MAX = 0.003;

export function byChanceMax(kind: Finding['kind']): number {
  return kind.startsWith('new-') ? NEW_BY_CHANCE_MAX : BROKEN_BY_CHANCE_MAX;
}

/** A kind of finding, or a part of one that has rates of its own. */
export type Happening = Exclude<Finding['kind'], 'unseen-endpoint'> | 'null' | 'fraction' | 'failure' | 'path';

/**
 * How many things that happen at times are assumed of any service, beside what its document shows. Types and formats are not a matter of
 * luck. What is optional is there as often as not, and would have been seen. Failures are rare, and never all seen.
 */
const PRIOR: Readonly<Record<Happening, number>> = {
  'new-endpoint': 2,
  'other-type': 0.5,
  'other-format': 0.5,
  'new-media-type': 0.2,
  'new-property': 0.5,
  'new-parameter': 0.5,
  'missing-property': 2,
  'missing-parameter': 2,
  'new-status': 1,
  'other-value': 2,
  null: 2,
  fraction: 3,
  failure: 10,
  // Words that are values are a guess, and so is what they are.
  path: 30,
};

export type DocumentRates = Readonly<Record<Happening, Rates>>;

type Members = Record<string, unknown>;

export function documentRates(document: Members): DocumentRates {
  const rates = Object.fromEntries(
    Object.entries(PRIOR).map(([kind, prior]) => [kind, new Rates(prior)]),
  ) as DocumentRates;
  const exchanges = exchangesIn(document) ?? 0;
  for (const item of Object.values(membersOf(document.paths)))
    for (const operation of Object.values(membersOf(item)).map(membersOf)) {
      if (operation.responses === undefined) continue;
      rates['new-endpoint'].note(observedOf(operation)?.count ?? 0, exchanges);
      noteOperation(rates, operation);
    }
  for (const schema of Object.values(membersOf(membersOf(document.components).schemas)))
    noteSchema(rates, membersOf(schema), 0);
  return rates;
}

/** How many exchanges a document was inferred from; null where it was not. */
export function exchangesIn(document: Members): number | null {
  const observed = membersOf(document.info)['x-observed'];
  return observed === undefined ? null : Number(membersOf(observed).exchanges ?? 0);
}

function noteOperation(rates: DocumentRates, operation: Schema): void {
  const { count = 0 } = observedOf(operation) ?? {};
  const accepted = acceptedOf(operation);
  for (const [status, response] of Object.entries(membersOf(operation.responses))) {
    rates[status < '400' ? 'new-status' : 'failure'].note(observedOf(membersOf(response))?.count ?? 0, count);
    noteContent(rates, membersOf(membersOf(response).content));
  }
  noteContent(rates, membersOf(membersOf(operation.requestBody).content));
  for (const given of Array.isArray(operation.parameters) ? operation.parameters : []) {
    const parameter = membersOf(given);
    const seen = observedOf(parameter);
    if (seen === null || parameter.in === 'path') continue;
    const times = seen.accepted ?? seen.count;
    if (parameter.in === 'query') rates['new-parameter'].note(times, accepted);
    rates['missing-parameter'].note(accepted - times, accepted);
    noteSchema(rates, membersOf(parameter.schema), 0);
  }
}

/** How many of the requests to an operation were not refused. */
export function acceptedOf(operation: Schema): number {
  let accepted = observedOf(operation)?.count ?? 0;
  for (const [status, response] of Object.entries(membersOf(operation.responses)))
    if (status.startsWith('4')) accepted -= observedOf(membersOf(response))?.count ?? 0;
  return accepted;
}

function noteContent(rates: DocumentRates, content: Members): void {
  const types = Object.values(content).map(membersOf);
  const bodies = types.reduce((sum, media) => sum + (observedOf(media)?.count ?? 0), 0);
  for (const media of types) {
    rates['new-media-type'].note(observedOf(media)?.count ?? 0, bodies);
    noteSchema(rates, membersOf(media.schema), 0);
  }
}

const DEPTH_MAX = 64;

/** What a reference leads to is a component, with the sums of all the places that refer to it. */
function noteSchema(rates: DocumentRates, schema: Schema, depth: number): void {
  if (schema.$ref !== undefined || depth > DEPTH_MAX) return;
  const seen = observedOf(schema);
  if (seen !== null) {
    noteTypes(rates, seen);
    for (const times of Object.values(seen.values ?? {})) rates['other-value'].note(times, exchangesOf(seen));
    noteProperties(rates, schema, seen);
  }
  const { items, additionalProperties, anyOf, properties } = schema;
  const within = [items, additionalProperties, ...(Array.isArray(anyOf) ? anyOf : [])];
  for (const child of [...within, ...Object.values(membersOf(properties))])
    if (typeof child === 'object') noteSchema(rates, membersOf(child), depth + 1);
}

function noteTypes(rates: DocumentRates, seen: Observed): void {
  const { types } = seen;
  if (types === undefined) return;
  const of = exchangesOf(seen);
  const others = Object.entries(types).filter(([type]) => type !== 'null' && type !== 'number');
  // What was always null until it is something is the same luck the other way round.
  if (types.null !== undefined) {
    rates.null.note(types.null, of);
    rates.null.note(seen.count - types.null, of);
  }
  if (types.number !== undefined) rates.fraction.note(types.number, of);
  if (others.length > 1) for (const [, times] of others) rates['other-type'].note(times, of);
}

function noteProperties(rates: DocumentRates, schema: Schema, seen: Observed): void {
  const objects = seen.types?.object ?? seen.count;
  const of = Math.min(objects, exchangesOf(seen));
  for (const given of Object.values(membersOf(schema.properties))) {
    const property = observedOf(membersOf(given));
    if (property === null || property.count >= objects) continue;
    rates['new-property'].note(exchangesOf(property), of);
    rates['missing-property'].note(objects - property.count, of);
  }
}

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
