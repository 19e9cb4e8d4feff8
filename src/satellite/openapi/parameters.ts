/**
 * Parameters of an operation: path, query, header, cookie.
 *
 * in: an endpoint · out: parameter objects of OpenAPI 3.1, in the order of where they are and their names
 */

import type { ParameterFacts } from '../endpoints/operation-facts.js';
import { wordLevel } from '../endpoints/path-words.js';
import type { Endpoint, Segment } from '../endpoints/templates.js';
import { FORMATS, hasBit } from './formats.js';
import { written } from './observed.js';
import { enumOf, type Schema, valuesOf } from './schema.js';
import type { Shape } from './shape.js';

/** `requiredMin`: accepted requests that must have had a parameter before it is said to be required. */
export function parametersOf({ segments, facts }: Endpoint, requiredMin: number): Schema[] {
  const parameters: Schema[] = [];
  for (const segment of segments) {
    if (segment.kind === 'value')
      parameters.push({
        name: segment.name,
        in: 'path',
        required: true,
        schema: pathSchema(segment),
        'x-observed': facts.count,
      });
  }
  for (const place of ['query', 'header', 'cookie'] as const) {
    const found = place === 'query' ? facts.query : place === 'header' ? facts.headers : facts.cookies;
    for (const name of [...found.keys()].sort()) {
      const parameter = found.get(name) as ParameterFacts;
      parameters.push(
        described(name, place, parameter, facts.accepted >= requiredMin && parameter.accepted >= facts.accepted),
      );
    }
  }
  return parameters;
}

function described(
  name: string,
  place: 'query' | 'header' | 'cookie',
  parameter: ParameterFacts,
  isRequired: boolean,
): Schema {
  const base: Schema = { name, in: place, ...(isRequired ? { required: true } : {}) };
  const { count, accepted } = parameter;
  const seen = written(accepted < count ? { count, accepted } : { count });
  if (parameter.repeated > 0 && place === 'query')
    return { ...base, schema: { type: 'array', items: textSchema(parameter.shape) }, 'x-observed': seen };
  if (parameter.lists > 0 && isListed(parameter))
    return {
      ...base,
      ...(place === 'query' ? { style: 'form', explode: false } : {}),
      schema: { type: 'array', items: textSchema(parameter.items) },
      'x-observed': seen,
    };
  return { ...base, schema: textSchema(parameter.shape), 'x-observed': seen };
}

/** Every text was a list, if some only of one member. */
function isListed({ shape, items, lists }: ParameterFacts): boolean {
  if (shape.texts === null || items.texts === null || lists * 10 < shape.count) return false;
  // Prose has spaces, and is never taken apart; then its members are longer than lists have them.
  return items.texts.longest <= 64;
}

/** The schema of what is text on the wire. */
export function textSchema({ texts, redacted }: Shape): Schema {
  if (texts === null || texts.count === 0) return { type: 'string' };
  if (redacted > 0) return { type: 'string' };
  if (hasBit(texts.formats, 'integer')) return { type: 'integer' };
  if (hasBit(texts.formats, 'number')) return { type: 'number' };
  if (hasBit(texts.formats, 'boolean')) return { type: 'boolean' };
  const format = FORMATS.find((one) => hasBit(texts.formats, one));
  if (format !== undefined) return { type: 'string', format };
  const members = enumOf(texts);
  if (members === null) return { type: 'string' };
  return { type: 'string', enum: members, 'x-observed': { count: texts.count, values: valuesOf(texts) } };
}

/** Resources recur in a path as the names of an enumeration do; only words of an API are the latter. */
function pathSchema({ values }: Extract<Segment, { kind: 'value' }>): Schema {
  const schema = textSchema(values);
  const { enum: members } = schema as { enum?: string[] };
  if (members === undefined) return schema;
  const known = members.filter(
    (member) => /^[a-z]{2}(?:[-_][A-Za-z]{2})?$/.test(member) || wordsOf(member).every((word) => wordLevel(word) > 0),
  );
  return members.length <= 16 && known.length >= 0.7 * members.length ? schema : { type: 'string' };
}

const wordsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word.length > 1);
