/**
 * Values that satisfy a schema, and identifiers of all kinds: numbers, UUIDs, ULIDs, hashes, and words that look like
 * parts of a path.
 *
 * in: a schema of OpenAPI 3, a source of randomness · out: values of JSON
 */
import type { Faker } from '@faker-js/faker';

export type Json = any;

export interface Source {
  readonly faker: Faker;
  resolve(schema: Json): Json;
}

const DEPTH_MAX = 6;

export function sampleOf(given: Json, source: Source, name = '', depth = 0): Json {
  const { faker } = source;
  const schema = flat(given, source, depth);
  if (schema === null) return null;
  if (schema.nullable === true && faker.datatype.boolean({ probability: 0.15 })) return null;
  const types = Array.isArray(schema.type) ? schema.type : [schema.type ?? typeBy(schema)];
  const type = types.length > 1 ? faker.helpers.arrayElement(types) : types[0];
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return faker.helpers.arrayElement(schema.enum);
  switch (type) {
    case 'object':
      return objectOf(schema, source, depth);
    case 'array': {
      if (depth > DEPTH_MAX) return [];
      const least = Math.min(schema.minItems ?? 0, 3);
      const length = Math.max(least, faker.number.int({ min: 0, max: Math.min(schema.maxItems ?? 3, 3) }));
      return Array.from({ length }, () => sampleOf(schema.items ?? { type: 'string' }, source, name, depth + 1));
    }
    case 'integer': {
      const min = Math.max(schema.minimum ?? 0, -1e9);
      return faker.number.int({
        min: Math.ceil(min),
        max: Math.floor(Math.max(min, Math.min(schema.maximum ?? min + 100000, min + 1e6))),
      });
    }
    case 'number': {
      const min = Math.max(schema.minimum ?? 0, -1e9);
      return faker.number.float({
        min,
        max: Math.max(min, Math.min(schema.maximum ?? min + 1000, min + 1e6)),
        fractionDigits: 2,
      });
    }
    case 'boolean':
      return faker.datatype.boolean();
    case 'null':
      return null;
    default:
      return stringOf(schema, faker, name);
  }
}

function typeBy(schema: Json): string {
  if (schema.properties !== undefined || schema.additionalProperties !== undefined) return 'object';
  return schema.items === undefined ? 'string' : 'array';
}

/** A schema without references and compositions; null where it goes round in circles. */
export function flat(given: Json, source: Source, depth = 0): Json {
  let schema = source.resolve(given ?? {});
  for (let i = 0; i < 10; i++) {
    const choice = schema.oneOf ?? schema.anyOf;
    if (Array.isArray(choice) && choice.length > 0) {
      const { oneOf: _, anyOf: __, ...rest } = schema;
      schema = merged([rest, source.resolve(source.faker.helpers.arrayElement(choice))]);
    } else if (Array.isArray(schema.allOf)) {
      const { allOf, ...rest } = schema;
      schema = merged([rest, ...allOf.map((part: Json) => flat(part, source, depth + 1))]);
    } else return schema;
  }
  return schema;
}

function merged(parts: Json[]): Json {
  const whole: Json = {};
  for (const part of parts) {
    if (part === null) continue;
    for (const [key, value] of Object.entries(part) as [string, Json][]) {
      if (key === 'properties') whole.properties = { ...whole.properties, ...value };
      else if (key === 'required') whole.required = [...(whole.required ?? []), ...value];
      else whole[key] = value;
    }
  }
  return whole;
}

function objectOf(schema: Json, source: Source, depth: number): Json {
  const { faker } = source;
  const made: Json = {};
  const required = new Set(schema.required ?? []);
  const likely = depth > 3 ? 0.2 : 0.75;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (depth > DEPTH_MAX && !required.has(name)) continue;
    if (depth > DEPTH_MAX + 3) continue;
    if (required.has(name) || faker.datatype.boolean({ probability: likely }))
      made[name] = sampleOf(property, source, name, depth + 1);
  }
  const extra = schema.additionalProperties;
  if (extra && typeof extra === 'object' && depth <= DEPTH_MAX && schema.properties === undefined) {
    const count = faker.number.int({ min: 0, max: 4 });
    for (let i = 0; i < count; i++) made[faker.string.uuid()] = sampleOf(extra, source, '', depth + 1);
  }
  return made;
}

function stringOf(schema: Json, faker: Faker, name: string): string {
  switch (schema.format) {
    case 'date-time':
      return faker.date.past().toISOString();
    case 'date':
      return faker.date.past().toISOString().slice(0, 10);
    case 'uuid':
      return faker.string.uuid();
    case 'email':
      return faker.internet.email();
    case 'uri':
    case 'url':
      return faker.internet.url();
    case 'ipv4':
      return faker.internet.ipv4();
    case 'byte':
      return Buffer.from(faker.word.noun()).toString('base64');
    default:
  }
  if (/(^|_)id$|Id$/.test(name)) return faker.string.alphanumeric(12);
  if (schema.maxLength !== undefined && schema.maxLength < 6) return faker.string.alpha(Math.max(1, schema.maxLength));
  return faker.helpers.arrayElement([
    () => faker.word.words({ count: { min: 1, max: 4 } }),
    () => faker.commerce.productName(),
    () => faker.person.fullName(),
  ])();
}

const LOCALES = ['en', 'de', 'fr', 'en-US', 'de-DE', 'pt-BR', 'ja', 'zh-Hans', 'es', 'it', 'nl', 'sv'];
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Kinds of identifiers that a service has, by the name of what they identify. */
export function identifierKind(schema: Json, name: string, faker: Faker): () => string {
  if (Array.isArray(schema.enum) && schema.enum.length > 0)
    return () => String(faker.helpers.arrayElement(schema.enum));
  if (schema.type === 'integer') return () => String(faker.number.int({ min: 1, max: 100000 }));
  if (schema.type === 'number') return () => String(faker.number.float({ min: 1, max: 1000, fractionDigits: 2 }));
  if (schema.type === 'boolean') return () => String(faker.datatype.boolean());
  if (schema.format === 'uuid') return () => faker.string.uuid();
  if (schema.format === 'date') return () => faker.date.past().toISOString().slice(0, 10);
  if (schema.format === 'date-time') return () => faker.date.past().toISOString();
  if (schema.format === 'email' || /e-?mail/i.test(name)) return () => faker.internet.email().toLowerCase();
  if (/locale|lang/i.test(name)) return () => faker.helpers.arrayElement(LOCALES);
  if (/country/i.test(name)) return () => faker.location.countryCode();
  if (/date|^day$/i.test(name)) return () => faker.date.past().toISOString().slice(0, 10);
  if (/user_?name|login|owner|author/i.test(name)) return () => faker.internet.username().toLowerCase();
  const kinds: [number, () => string][] = [
    [2, () => String(faker.number.int({ min: 1, max: 1_000_000 }))],
    [2, () => faker.string.uuid()],
    [1, () => Array.from({ length: 26 }, () => faker.helpers.arrayElement([...ALPHABET])).join('')],
    [1, () => faker.string.hexadecimal({ length: 24, prefix: '', casing: 'lower' })],
    [1, () => `${faker.helpers.arrayElement(['usr', 'ord', 'obj', 'cus'])}_${faker.string.alphanumeric(14)}`],
    [3, () => faker.helpers.slugify(faker.commerce.productName()).toLowerCase()],
    [3, () => faker.word.noun()],
    [2, () => `${faker.word.adjective()}-${faker.word.noun()}`],
    [1, () => faker.person.firstName().toLowerCase()],
    [1, () => faker.helpers.slugify(faker.location.city()).toLowerCase()],
  ];
  const kind = faker.helpers.weightedArrayElement(kinds.map(([weight, value]) => ({ weight, value })));
  return kind;
}
