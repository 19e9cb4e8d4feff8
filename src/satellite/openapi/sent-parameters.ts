/**
 * Parameters as a document declares them, and as a request has them.
 *
 * in: an operation of OpenAPI 3, a request · out: by place and name, `query limit`, what was declared and which texts were sent
 */
import type { Trace } from '../../trace/trace.js';
import { isKeyCookie, isKeyHeader } from '../endpoints/credentials.js';
import { valueOfText } from './conformance.js';
import type { Schema } from './schema.js';

/** What an operation declares, and the path that it is at. */
export function declaredParameters(
  item: Schema,
  operation: Schema,
  resolve: (schema: Schema) => Schema,
): Map<string, Schema> {
  const declared = new Map<string, Schema>();
  for (const given of [...listOf(item.parameters), ...listOf(operation.parameters)]) {
    const parameter = resolve(given);
    const name = String(parameter.name);
    declared.set(`${parameter.in} ${parameter.in === 'header' ? name.toLowerCase() : name}`, parameter);
  }
  return declared;
}

/** By OpenAPI 3.1 §4.8.12, parameters of these names are ignored. */
export const IGNORED_HEADERS = /^(?:accept|content-type|authorization)$/;

export function sentParameters(request: Trace['request'], inPath: ReadonlyMap<string, string>): Map<string, string[]> {
  const sent = new Map<string, string[]>();
  const put = (key: string, value: string) => {
    const list = sent.get(key);
    if (list === undefined) sent.set(key, [value]);
    else list.push(value);
  };
  for (const [name, value] of inPath) put(`path ${name}`, value);
  for (const [name, value] of new URLSearchParams(request.query)) put(`query ${name}`, value);
  for (const [name, value] of request.headers) {
    const lower = name.toLowerCase();
    if (lower !== 'cookie') {
      if (!isKeyHeader(lower)) put(`header ${lower}`, value);
      continue;
    }
    for (const part of value.split(';')) {
      const equals = part.indexOf('=');
      const cookie = part.slice(0, Math.max(0, equals)).trim();
      if (cookie !== '' && !isKeyCookie(cookie)) put(`cookie ${cookie}`, part.slice(equals + 1).trim());
    }
  }
  return sent;
}

/** The values that the texts of a parameter stand for, each with the schema that it is to satisfy. */
export function valuesOf(
  values: readonly string[],
  parameter: Schema,
  schema: Schema,
): { schema: Schema; value: unknown }[] {
  const isArray = schema.type === 'array' || (Array.isArray(schema.type) && schema.type.includes('array'));
  if (schema.type === 'object' || parameter.content !== undefined) return [];
  if (!isArray) return values.map((text) => ({ schema, value: valueOfText(text, schema) }));
  const items = membersOf(schema.items);
  const separator = parameter.style === 'pipeDelimited' ? '|' : parameter.style === 'spaceDelimited' ? ' ' : ',';
  const texts =
    parameter.in === 'query' && parameter.explode !== false ? values : values.flatMap((text) => text.split(separator));
  return texts.map((text) => ({ schema: items, value: valueOfText(text, items) }));
}

export function splitKey(key: string): [string, string] {
  const space = key.indexOf(' ');
  return [key.slice(0, space), key.slice(space + 1)];
}

const membersOf = (value: unknown): Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : {};
const listOf = (value: unknown): Schema[] => (Array.isArray(value) ? (value as Schema[]) : []);
