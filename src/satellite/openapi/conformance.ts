/**
 * Holds values against schemas of a document, and counts how often each claim could have been broken.
 *
 * in: a schema of OpenAPI 3.0 or 3.1, a value · out: what it breaks: where, which claim, and with what
 *
 * Beside what JSON Schema forbids, a property that a schema does not name is told, since nobody described it.
 */
import { FORMAT_BITS, formatBits } from './formats.js';
import type { Schema } from './schema.js';

export type Claim = 'type' | 'null' | 'format' | 'enum' | 'required' | 'property' | 'bounds';

export interface Breach {
  /** `.items[].name`. */
  readonly path: string;
  readonly claim: Claim;
  /** In a few words, without the value where that may be secret. */
  readonly what: string;
  /** How often the document's author saw what the claim is about; null where the document does not say. */
  readonly evidence: number | null;
  /** Members of the enumeration that the value is not of. */
  readonly members?: number;
}

export interface Conformance {
  readonly resolve: (schema: Schema) => Schema;
  /** Called for each place at which a claim is looked at. */
  readonly visit: (path: string) => void;
  readonly breach: (breach: Breach) => void;
}

const DEPTH_MAX = 32;
const ITEMS_MAX = 200;

/**
 * `share`: how much of what the schema says it was seen was here; a component says how often it was seen anywhere, and a reference to it
 * how often there.
 */
export function check(
  given: Schema | undefined,
  value: unknown,
  path: string,
  to: Conformance,
  { depth, share }: Within = OUTERMOST,
): void {
  if (given === undefined || depth > DEPTH_MAX || value === 'REDACTED') return;
  const schema = to.resolve(given);
  const [here, anywhere] = [evidenceOf(given), evidenceOf(schema)];
  const seen = here ?? anywhere;
  const evidence = seen === null ? null : Math.round(seen * share);
  const isShared = schema !== given && here !== null && anywhere !== null && anywhere > 0;
  const within: Within = { depth: depth + 1, share: isShared ? share * Math.min(1, here / anywhere) : share };
  to.visit(path);
  for (const part of listOf(schema.allOf)) check(part, value, path, { ...to, breach: withoutProperties(to) }, within);
  const choices = [...listOf(schema.anyOf), ...listOf(schema.oneOf)];
  if (choices.length > 0) {
    checkChoice(choices, value, path, to, { within, evidence });
    return;
  }
  const types = typesOf(schema);
  const type = typeOf(value);
  if (types !== null && !fits(type, types)) {
    // What was always null may be so until it is something, as what never was may be null at last.
    const claim = type === 'null' || types.every((one) => one === 'null') ? 'null' : 'type';
    to.breach({ path, claim, what: `is ${type} where ${types.join(' or ')} was described`, evidence });
    return;
  }
  if (Array.isArray(schema.enum) && !schema.enum.some((member) => same(member, value)))
    to.breach({
      path,
      claim: 'enum',
      what: `is none of the ${schema.enum.length} values described`,
      evidence,
      members: schema.enum.length,
    });
  if (schema.const !== undefined && !same(schema.const, value))
    to.breach({ path, claim: 'enum', what: 'is another value than the one described', evidence, members: 1 });
  if (typeof value === 'string') checkText(schema, value, path, to, evidence);
  else if (typeof value === 'number') checkNumber(schema, value, path, to, evidence);
  else if (Array.isArray(value)) {
    const end = Math.min(value.length, ITEMS_MAX);
    for (let i = 0; i < end; i++) check(schema.items as Schema | undefined, value[i], `${path}[]`, to, within);
  } else if (typeof value === 'object' && value !== null)
    checkObject(schema, value as Record<string, unknown>, path, { to, within, evidence });
}

interface Within {
  readonly depth: number;
  readonly share: number;
}

const OUTERMOST: Within = { depth: 0, share: 1 };

interface At {
  /** Of what is within. */
  readonly within: Within;
  readonly evidence: number | null;
}

/** The choice that the value breaks least: one with its type, and of those the one with fewest breaches. */
function checkChoice(
  choices: readonly Schema[],
  value: unknown,
  path: string,
  to: Conformance,
  { within, evidence }: At,
): void {
  let best: Breach[] | null = null;
  for (const choice of choices) {
    const breaches: Breach[] = [];
    check(choice, value, path, { ...to, visit: () => {}, breach: (breach) => breaches.push(breach) }, within);
    if (breaches.length === 0) {
      // Again, so that what is within is counted.
      check(choice, value, path, to, within);
      return;
    }
    if (best === null || weight(breaches, path) < weight(best, path)) best = breaches;
  }
  for (const breach of best ?? []) to.breach({ ...breach, evidence: breach.evidence ?? evidence });
}

const weight = (breaches: readonly Breach[], path: string): number =>
  breaches.length + (breaches.some((breach) => breach.path === path && breach.claim === 'type') ? 1000 : 0);

/** What one part of an `allOf` does not name, another may. */
function withoutProperties(to: Conformance): Conformance['breach'] {
  return (breach) => {
    if (breach.claim !== 'property') to.breach(breach);
  };
}

function checkObject(
  schema: Schema,
  value: Record<string, unknown>,
  path: string,
  { to, within, evidence }: At & { to: Conformance },
): void {
  for (const name of Array.isArray(schema.required) ? (schema.required as string[]) : []) {
    if (!Object.hasOwn(value, name))
      to.breach({ path: `${path}.${name}`, claim: 'required', what: 'is missing', evidence });
  }
  const properties = objectOf(schema.properties);
  const patterns = Object.entries(objectOf(schema.patternProperties));
  const isOpen =
    schema.additionalProperties === true ||
    listOf(schema.allOf).length > 0 ||
    (Object.keys(properties).length === 0 && patterns.length === 0);
  for (const [name, member] of Object.entries(value)) {
    const property = Object.hasOwn(properties, name)
      ? (properties[name] as Schema)
      : patterns.find(([pattern]) => pattern === `^\\${name}$`)?.[1];
    if (property !== undefined) check(property as Schema, member, `${path}.${name}`, to, within);
    else if (typeof schema.additionalProperties === 'object' && schema.additionalProperties !== null)
      check(schema.additionalProperties as Schema, member, `${path}.*`, to, within);
    else if (!isOpen)
      to.breach({ path: `${path}.${name.slice(0, 64)}`, claim: 'property', what: 'is not described', evidence });
  }
}

function checkText(schema: Schema, value: string, path: string, to: Conformance, evidence: number | null): void {
  const { format } = schema;
  if (typeof format === 'string' && Object.hasOwn(FORMAT_BITS, format)) {
    const bit = FORMAT_BITS[format as keyof typeof FORMAT_BITS];
    if ((formatBits(value) & bit) === 0) to.breach({ path, claim: 'format', what: `is no ${format}`, evidence });
  }
  if (typeof schema.maxLength === 'number' && [...value].length > schema.maxLength)
    to.breach({ path, claim: 'bounds', what: `is longer than ${schema.maxLength}`, evidence });
  if (typeof schema.minLength === 'number' && [...value].length < schema.minLength)
    to.breach({ path, claim: 'bounds', what: `is shorter than ${schema.minLength}`, evidence });
}

function checkNumber(schema: Schema, value: number, path: string, to: Conformance, evidence: number | null): void {
  if (typeof schema.maximum === 'number' && value > schema.maximum)
    to.breach({ path, claim: 'bounds', what: `is above ${schema.maximum}`, evidence });
  if (typeof schema.minimum === 'number' && value < schema.minimum)
    to.breach({ path, claim: 'bounds', what: `is below ${schema.minimum}`, evidence });
}

/** What stands in a URL or a header is text; it is held against a schema as what that wants it to be. */
export function valueOfText(text: string, schema: Schema): unknown {
  const types = typesOf(schema) ?? [];
  if (types.includes('integer') || types.includes('number'))
    if (/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return Number(text);
  if (types.includes('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function typesOf(schema: Schema): string[] | null {
  const { type, nullable } = schema;
  const types = typeof type === 'string' ? [type] : Array.isArray(type) ? (type as string[]) : null;
  return types !== null && nullable === true ? [...types, 'null'] : types;
}

function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' ? (Number.isInteger(value) ? 'integer' : 'number') : typeof value;
}

const fits = (type: string, types: readonly string[]): boolean =>
  types.includes(type) || (type === 'integer' && types.includes('number'));

export function evidenceOf(schema: Schema): number | null {
  const observed = schema['x-observed'];
  if (typeof observed === 'number') return observed;
  const count = (observed as { count?: unknown } | undefined)?.count;
  return typeof count === 'number' ? count : null;
}

const same = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
const listOf = (value: unknown): Schema[] => (Array.isArray(value) ? (value as Schema[]) : []);
const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
