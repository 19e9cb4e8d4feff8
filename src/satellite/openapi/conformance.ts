/**
 * Holds values against schemas of a document, and counts how often each claim could have been broken.
 *
 * in: a schema of OpenAPI 3.0 or 3.1, a value · out: what it breaks: where, which claim, and with what
 *
 * Beside what JSON Schema forbids, a property that a schema does not name is told, since nobody described it.
 */
import { FORMAT_BITS, formatBits } from './formats.js';
import { exchangesOf, observedOf } from './observed.js';
import type { Schema } from './schema.js';

export type Claim = 'type' | 'null' | 'fraction' | 'format' | 'enum' | 'required' | 'property' | 'bounds';

export interface Breach {
  /** `.items[].name`. */
  readonly path: string;
  readonly claim: Claim;
  /** In a few words, without the value where that may be secret. */
  readonly what: string;
  /** In how many exchanges the document's author saw what the claim is about; null where the document does not say. */
  readonly evidence: number | null;
  /** What was visited each time it could have been broken. */
  readonly chance: string;
  /** The value that an enumeration does not have, and how many that has. */
  readonly member?: { readonly value: unknown; readonly known: number };
}

export interface Conformance {
  readonly resolve: (schema: Schema) => Schema;
  /** Called for each place at which a claim is looked at: a path, and where there is an object, the path with `{}` behind it. */
  readonly visit: (path: string) => void;
  readonly breach: (breach: Breach) => void;
}

const DEPTH_MAX = 32;
const ITEMS_MAX = 200;
/** How many schemas one value is held against. */
const CHECKS_MAX = 200_000;

/**
 * `share`: how much of what the schema says it was seen was here; a component says how often it was seen anywhere, and a reference to it
 * how often there.
 */
export function check(
  given: Schema | undefined,
  value: unknown,
  path: string,
  to: Conformance,
  { depth, share, left }: Within = { depth: 0, share: 1, left: { checks: CHECKS_MAX } },
): void {
  if (given === undefined || depth > DEPTH_MAX || value === 'REDACTED' || left.checks-- <= 0) return;
  const schema = to.resolve(given);
  const [here, anywhere] = [evidenceOf(given), evidenceOf(schema)];
  const seen = here ?? anywhere;
  const evidence = seen === null ? null : Math.round(seen * share);
  const isShared = schema !== given && here !== null && anywhere !== null && anywhere > 0;
  const within: Within = { depth: depth + 1, share: isShared ? share * Math.min(1, here / anywhere) : share, left };
  const breach = (claim: Claim, what: string, seenOf = evidence) =>
    to.breach({ path, claim, what, evidence: seenOf, chance: path });
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
    breach(otherType(type, types), `is ${type} where ${types.join(' or ')} was described`);
    return;
  }
  if (Array.isArray(schema.enum) && !schema.enum.some((member) => same(member, value)))
    to.breach({
      path,
      claim: 'enum',
      what: `is none of the ${schema.enum.length} values described`,
      evidence: evidenceOfType(schema, 'string', evidence),
      chance: path,
      member: { value, known: schema.enum.length },
    });
  if (schema.const !== undefined && !same(schema.const, value))
    breach('enum', 'is another value than the one described');
  if (typeof value === 'string')
    checkText(schema, value, (claim, what) => breach(claim, what, evidenceOfType(schema, 'string', evidence)));
  else if (typeof value === 'number') checkNumber(schema, value, breach);
  else if (Array.isArray(value)) {
    const end = Math.min(value.length, ITEMS_MAX);
    for (let i = 0; i < end; i++) check(schema.items as Schema | undefined, value[i], `${path}[]`, to, within);
  } else if (typeof value === 'object' && value !== null)
    checkObject(schema, value as Record<string, unknown>, path, {
      to,
      within,
      evidence: evidenceOfType(schema, 'object', evidence),
    });
}

/** In how many exchanges there was a value of a type, where there were others as well. */
function evidenceOfType(schema: Schema, type: 'object' | 'string', evidence: number | null): number | null {
  const seen = observedOf(schema);
  const times = seen?.types?.[type];
  if (evidence === null || seen === null || times === undefined || seen.count === 0) return evidence;
  return Math.round(evidence * (times / seen.count));
}

interface Within {
  readonly depth: number;
  readonly share: number;
  /** Choices within choices are tried again at every level. */
  readonly left: { checks: number };
}

interface At {
  /** Of what is within. */
  readonly within: Within;
  readonly evidence: number | null;
}

/** Holds the value against the choice that it breaks least, of those with its type. */
function checkChoice(
  choices: readonly Schema[],
  value: unknown,
  path: string,
  to: Conformance,
  { within, evidence }: At,
): void {
  const type = typeOf(value);
  const described = choices.map((choice) => typesOf(to.resolve(choice)));
  const left = choices.filter((_, i) => fitsAny(type, described[i] as string[] | null));
  if (left.length === 0) {
    const types = [...new Set(described.flatMap((some) => some ?? []))];
    const what = `is ${type} where ${types.join(' or ')} was described`;
    to.breach({ path, claim: otherType(type, types), what, evidence, chance: path });
    return;
  }
  let best = left[0] as Schema;
  let least = Number.POSITIVE_INFINITY;
  for (const choice of left.length === 1 ? [] : left) {
    let breaches = 0;
    check(choice, value, path, { ...to, visit: () => {}, breach: () => breaches++ }, within);
    if (breaches < least) [best, least] = [choice, breaches];
    if (least === 0) break;
  }
  check(
    best,
    value,
    path,
    { ...to, breach: (breach) => to.breach({ ...breach, evidence: breach.evidence ?? evidence }) },
    within,
  );
}

/** What was always null may be so until it is something, and what was always whole until it has a fraction. */
function otherType(type: string, types: readonly string[]): 'type' | 'null' | 'fraction' {
  if (type === 'null' || types.every((one) => one === 'null')) return 'null';
  return type === 'number' && types.includes('integer') ? 'fraction' : 'type';
}

const fitsAny = (type: string, types: readonly string[] | null): boolean => types === null || fits(type, types);

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
  const chance = `${path}{}`;
  to.visit(chance);
  for (const name of Array.isArray(schema.required) ? (schema.required as string[]) : []) {
    if (!Object.hasOwn(value, name))
      to.breach({ path: `${path}.${name}`, claim: 'required', what: 'is missing', evidence, chance });
  }
  const properties = objectOf(schema.properties);
  const patterns = Object.entries(objectOf(schema.patternProperties));
  const isOpen =
    schema.additionalProperties === true ||
    listOf(schema.allOf).length > 0 ||
    // An author who describes no property leaves them open; a document that saw none but empty objects has said what they are.
    (evidence === null && Object.keys(properties).length === 0 && patterns.length === 0);
  for (const [name, member] of Object.entries(value)) {
    const property = Object.hasOwn(properties, name)
      ? (properties[name] as Schema)
      : patterns.find(([pattern]) => pattern === `^\\${name}$`)?.[1];
    if (property !== undefined) check(property as Schema, member, `${path}.${name}`, to, within);
    else if (typeof schema.additionalProperties === 'object' && schema.additionalProperties !== null)
      check(schema.additionalProperties as Schema, member, `${path}.*`, to, within);
    else if (!isOpen)
      to.breach({
        path: `${path}.${name.slice(0, 64)}`,
        claim: 'property',
        what: 'is not described',
        evidence,
        chance,
      });
  }
}

type Break = (claim: Claim, what: string) => void;

function checkText(schema: Schema, value: string, breach: Break): void {
  const { format } = schema;
  if (typeof format === 'string' && Object.hasOwn(FORMAT_BITS, format)) {
    const bit = FORMAT_BITS[format as keyof typeof FORMAT_BITS];
    if ((formatBits(value) & bit) === 0) breach('format', `is no ${format}`);
  }
  if (typeof schema.maxLength === 'number' && [...value].length > schema.maxLength)
    breach('bounds', `is longer than ${schema.maxLength}`);
  if (typeof schema.minLength === 'number' && [...value].length < schema.minLength)
    breach('bounds', `is shorter than ${schema.minLength}`);
}

function checkNumber(schema: Schema, value: number, breach: Break): void {
  if (typeof schema.maximum === 'number' && value > schema.maximum) breach('bounds', `is above ${schema.maximum}`);
  if (typeof schema.minimum === 'number' && value < schema.minimum) breach('bounds', `is below ${schema.minimum}`);
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

/** In how many exchanges the document's author saw it. */
export function evidenceOf(described: Schema): number | null {
  const seen = observedOf(described);
  return seen === null ? null : exchangesOf(seen);
}

const same = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
const listOf = (value: unknown): Schema[] => (Array.isArray(value) ? (value as Schema[]) : []);
const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
