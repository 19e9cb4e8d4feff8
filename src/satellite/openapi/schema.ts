/**
 * A shape as a schema of OpenAPI 3.1, which is JSON Schema 2020-12.
 *
 * in: a `Shape` · out: types, formats, enumerations, properties, which of them are required, maps, lists; with every claim how often
 * it was seen (`x-observed`)
 *
 * A claim takes evidence: a property is required if every object had it and there were several; texts are an enumeration if they are
 * words and come again and again.
 */
import { FILE } from '../endpoints/body-forms.js';
import type { RequiredNames } from './alike-objects.js';
import { FORMATS, hasBit } from './formats.js';
import { type Observed, written } from './observed.js';
import { MAP_KEY, mergeShape, newShape, type ObjectFacts, type Shape, type TextFacts } from './shape.js';

export type Schema = { [keyword: string]: unknown };

/** What schemas are made with. */
export interface SchemaSettings {
  readonly required: RequiredNames;
  /** In no more bodies than this was what is within: a map that was made of properties has no numbers of its own. */
  readonly bodiesMax?: number;
}

export function schemaOf(shape: Shape, settings: SchemaSettings): Schema {
  const forms: Schema[] = [];
  const simple: string[] = [];
  if (shape.booleans > 0) simple.push('boolean');
  if (shape.fractions > 0) simple.push('number');
  else if (shape.integers > 0) simple.push('integer');
  const { texts } = shape;
  const isText = texts !== null || shape.redacted > 0;
  if (isText) simple.push('string');
  if (shape.nulls > 0) simple.push('null');
  const structured = (shape.objects === null ? 0 : 1) + (shape.arrays === null ? 0 : 1);
  const others = simple.filter((type) => type !== 'null');
  const bodies = settings.bodiesMax === undefined ? shape.bodies : Math.min(shape.count, settings.bodiesMax);
  const within = settings.bodiesMax === undefined ? settings : { ...settings, bodiesMax: bodies };
  const seen = observedIn(shape, bodies);
  if (structured > 0 && structured + others.length === 1) {
    const one = shape.objects === null ? arrayOf(shape, within) : objectOf(shape.objects, within, bodies);
    if (shape.nulls > 0) one.type = [one.type, 'null'];
    return observed(one, seen);
  }
  if (others.length > 0)
    forms.push(
      simpleOf(
        simple.filter((type) => type !== 'null' || structured === 0),
        shape,
      ),
    );
  if (shape.objects !== null)
    forms.push(observed(objectOf(shape.objects, within, bodies), { count: shape.objects.count }));
  if (shape.arrays !== null) forms.push(observed(arrayOf(shape, within), { count: shape.arrays.count }));
  if (structured > 0 && shape.nulls > 0) forms.push({ type: 'null' });
  if (forms.length > 1) return observed({ anyOf: forms }, seen);
  const form = forms[0] ?? (shape.nulls > 0 ? { type: 'null' } : {});
  return observed(form, Array.isArray(form.enum) ? { ...seen, values: valuesOf(shape.texts) } : seen);
}

function observed(schema: Schema, seen: Observed): Schema {
  schema['x-observed'] = written(seen);
  return schema;
}

function observedIn(shape: Shape, bodies: number): Observed {
  const { count } = shape;
  const types = typesIn(shape);
  if (bodies >= count && types === null) return { count };
  return { count, ...(bodies < count ? { bodies } : {}), ...(types === null ? {} : { types }) };
}

/** How many there were of each type; null where there was but one. */
function typesIn(shape: Shape): Record<string, number> | null {
  const { count, booleans, integers, fractions, nulls, arrays, objects, texts, redacted } = shape;
  const strings = (texts?.count ?? 0) + redacted;
  if ([booleans, integers, fractions, nulls, arrays?.count, objects?.count, strings].includes(count)) return null;
  const types: Record<string, number> = {};
  if (arrays !== null) types.array = arrays.count;
  if (booleans > 0) types.boolean = booleans;
  if (integers > 0) types.integer = integers;
  if (nulls > 0) types.null = nulls;
  if (fractions > 0) types.number = fractions;
  if (objects !== null) types.object = objects.count;
  if (strings > 0) types.string = strings;
  return types;
}

/** How often each member of an enumeration was there. */
export const valuesOf = (texts: TextFacts | null): Record<string, number> =>
  Object.fromEntries([...(texts?.values ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)));

function simpleOf(types: readonly string[], shape: Shape): Schema {
  const schema: Schema = { type: types.length === 1 ? types[0] : types };
  const { texts } = shape;
  if (shape.integers > 0 && shape.fractions === 0 && (shape.greatest > 2147483647 || shape.least < -2147483648))
    schema.format = 'int64';
  if (texts === null) return schema;
  if (texts.values !== null && texts.values.size === 1 && texts.values.has(FILE)) {
    // OpenAPI 3.1: bytes as they are have no type.
    return { format: 'binary' };
  }
  // A format or an enumeration that is said of texts holds for them alone.
  const format = shape.redacted === 0 ? formatOf(texts) : undefined;
  if (format !== undefined) schema.format = format;
  else if (types.every((type) => type === 'string' || type === 'null')) {
    const members = enumOf(texts);
    if (members !== null) schema.enum = types.includes('null') ? [...members, null] : members;
  }
  return schema;
}

function formatOf(texts: TextFacts): string | undefined {
  return texts.count === 0 ? undefined : FORMATS.find((format) => hasBit(texts.formats, format));
}

const ENUM_MAX = 30;
const SEEN_MIN = 4;
/** What is always the same may be so by chance. */
const ALONE_MIN = 10;

/** The texts, sorted, where they are the names of a few things. */
export function enumOf({ count, values }: TextFacts): string[] | null {
  if (
    values === null ||
    values.size === 0 ||
    values.size > ENUM_MAX ||
    count < (values.size === 1 ? ALONE_MIN : SEEN_MIN)
  )
    return null;
  let once = 0;
  if (values.has(FILE)) return null;
  for (const times of values.values()) if (times === 1) once++;
  // Good and Turing: the share of what was seen once is about the chance that the next is new.
  if (count < 2 * values.size || once > count * 0.1) return null;
  return [...values.keys()].sort();
}

function arrayOf({ arrays }: Shape, settings: SchemaSettings): Schema {
  if (arrays === null || arrays.items.count === 0) return { type: 'array', items: {} };
  return { type: 'array', items: schemaOf(arrays.items, settings) };
}

/** `bodies`: in how many there was one. */
function objectOf(objects: ObjectFacts, settings: SchemaSettings, bodies: number): Schema {
  const schema: Schema = { type: 'object' };
  const map = mapOf(objects);
  const ofMap = { ...settings, bodiesMax: bodies };
  if (map !== null) {
    schema.additionalProperties = schemaOf(map.values, ofMap);
    const format = FORMATS.find((one) => hasBit(map.keyFormats, one));
    if (format !== undefined) schema.propertyNames = { format };
    return schema;
  }
  const names = [...objects.properties.keys()].filter((name) => name !== MAP_KEY).sort();
  const required: string[] = [];
  const properties: [string, Schema][] = [];
  for (const name of names) {
    const property = objects.properties.get(name) as Shape;
    properties.push([name, schemaOf(property, settings)]);
    if (settings.required.has(objects, name)) required.push(name);
  }
  // As own properties, whatever they are called.
  const plain = properties.filter(([name]) => !KEYWORD.test(name));
  if (plain.length > 0) schema.properties = Object.fromEntries(plain);
  if (plain.length < properties.length)
    schema.patternProperties = Object.fromEntries(
      properties.filter(([name]) => KEYWORD.test(name)).map(([name, property]) => [`^\\${name}$`, property]),
    );
  if (required.length > 0) schema.required = required;
  const others = objects.properties.get(MAP_KEY);
  if (others !== undefined) schema.additionalProperties = schemaOf(others, ofMap);
  return schema;
}

/** Names that programs take for keywords of a schema, wherever they stand. */
export const KEYWORD = /^\$(?:ref|id|schema|anchor|dynamicRef|dynamicAnchor)$/;

const MAP_NAMES_MIN = 10;
const MAP_PRESENCE_MAX = 0.34;

/** What the members of an object are, where its names are values. */
function mapOf(objects: ObjectFacts): { values: Shape; keyFormats: number } | null {
  const { properties } = objects;
  const keyed = properties.get(MAP_KEY);
  if (keyed !== undefined && properties.size === 1)
    return { values: keyed, keyFormats: objects.isMap ? 0 : objects.keyFormats };
  if (properties.size < MAP_NAMES_MIN || objects.count < 3) return null;
  let present = 0;
  let kind: string | null = null;
  for (const property of properties.values()) {
    present += property.count;
    const one = kindOf(property);
    if (one === '') continue;
    if (kind !== null && one !== kind) return null;
    kind = one;
    if (property.count === objects.count) return null;
  }
  // Simple members are told from optional properties only by being many.
  const isSimple = kind === null || !kind.startsWith('{');
  if (present / properties.size / objects.count > (isSimple ? MAP_PRESENCE_MAX / 4 : MAP_PRESENCE_MAX)) return null;
  if (isSimple && properties.size < 4 * MAP_NAMES_MIN) return null;
  const values = newShape();
  for (const property of properties.values())
    mergeShape(values, property, { shapes: Number.MAX_SAFE_INTEGER, refused: 0 });
  return { values, keyFormats: 0 };
}

/** Type and, of an object, the names that it has: members of a map are alike. */
function kindOf({ booleans, integers, fractions, texts, objects, arrays }: Shape): string {
  if (objects !== null) return `{${[...objects.properties.keys()].sort().join()}`;
  if (arrays !== null) return '[';
  if (texts !== null) return '"';
  return integers + fractions > 0 ? '0' : booleans > 0 ? 't' : '';
}
