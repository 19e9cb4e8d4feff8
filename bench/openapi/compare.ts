/**
 * Holds an inferred document against what traffic showed of the specification that it came from.
 *
 * in: planned exchanges, the document · out: for each kind of fact how many there were and how many are right
 */

import type { Planned } from './traffic.js';
import { flat, type Json, type Source } from './values.js';

export interface Score {
  readonly precision: number;
  readonly recall: number;
  /** Operations that swallow several true ones. */
  readonly overfolds: number;
  readonly properties: number;
  readonly required: number;
  readonly types: number;
  readonly formats: number;
  readonly statuses: number;
  readonly mediaTypes: number;
}

/** The names of parameters say nothing. */
const plain = (template: string): string => template.replace(/\{[^}]*\}/g, '{}').replace(/(?<=.)\/$/, '');

export function compare(planned: readonly Planned[], document: Json, source: Source): Score {
  const exercised = new Map<string, Planned[]>();
  for (const one of planned) {
    if (one.operation === null) continue;
    const key = `${one.method} ${plain(one.operation.template)}`;
    const group = exercised.get(key);
    if (group === undefined) exercised.set(key, [one]);
    else group.push(one);
  }
  for (const [key, group] of exercised) if (group.every(({ status }) => status === 404)) exercised.delete(key);
  const found = new Map<string, Json>();
  for (const [template, item] of Object.entries(document.paths ?? {}) as [string, Json][])
    for (const [method, operation] of Object.entries(item) as [string, Json][])
      if (/^(?:get|put|post|delete|patch)$/.test(method))
        found.set(`${method.toUpperCase()} ${plain(template)}`, operation);
  const right = [...found.keys()].filter((key) => exercised.has(key)).length;
  const resolve = resolverOf(document);
  const tally = new Tally();
  for (const [key, group] of exercised) {
    const operation = found.get(key);
    for (const one of group) addExchange(tally, one, operation, { source, resolve });
  }
  return {
    precision: right / Math.max(1, found.size),
    recall: right / Math.max(1, exercised.size),
    overfolds: [...found.keys()].filter((key) => !exercised.has(key) && swallowed(key, [...exercised.keys()]) > 1)
      .length,
    properties: tally.share('property'),
    required: tally.share('required'),
    types: tally.share('type'),
    formats: tally.share('format'),
    statuses: tally.share('status'),
    mediaTypes: tally.share('media'),
  };
}

function swallowed(key: string, truths: readonly string[]): number {
  const pattern = new RegExp(`^${key.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll('{}', '[^/]+')}$`);
  return truths.filter((truth) => pattern.test(truth)).length;
}

/** Each fact once, however often the traffic showed it. */
class Tally {
  readonly #facts = new Map<string, boolean>();

  add(kind: string, fact: string, isRight: boolean): void {
    this.#facts.set(`${kind} ${fact}`, isRight);
  }

  share(kind: string): number {
    const of = [...this.#facts].filter(([fact]) => fact.startsWith(`${kind} `));
    return of.length === 0 ? 1 : of.filter(([, isRight]) => isRight).length / of.length;
  }
}

interface Sides {
  readonly source: Source;
  readonly resolve: (schema: Json) => Json;
}

function addExchange(tally: Tally, one: Planned, operation: Json, sides: Sides): void {
  if (one.operation === null) return;
  const at = `${one.method} ${plain(one.operation.template)} ${one.status}`;
  const response = sides.resolve(operation?.responses?.[String(one.status)]);
  tally.add('status', at, operation?.responses?.[String(one.status)] !== undefined);
  const type = one.responseHeaders['content-type']?.split(';', 1)[0]?.toLowerCase();
  if (type === undefined || one.responseBody === '') return;
  tally.add('media', `${at} ${type}`, response.content?.[type] !== undefined);
  if (!/json/.test(type)) return;
  const described = one.operation.definition.responses;
  const truth = sides.source.resolve(described[String(one.status)] ?? described['2XX'] ?? described.default ?? {});
  const media = Object.entries(truth.content ?? {}).find(
    ([name]) => name.split(';', 1)[0]?.toLowerCase() === type,
  )?.[1] as Json;
  addValue(
    tally,
    JSON.parse(one.responseBody),
    { truth: media?.schema, mine: response.content?.[type]?.schema, at },
    sides,
    0,
  );
}

interface Place {
  readonly truth: Json;
  readonly mine: Json;
  readonly at: string;
}

function addValue(tally: Tally, value: Json, { truth, mine, at }: Place, sides: Sides, depth: number): void {
  if (depth > 6 || value === null || truth === undefined) return;
  const wanted = sides.source.resolve(truth);
  // Of a choice nobody knows which it was.
  if (wanted.oneOf !== undefined || wanted.anyOf !== undefined) return;
  const schema = flat(wanted, sides.source);
  const got = branch(sides.resolve(mine ?? {}), value, sides);
  if (Array.isArray(value)) {
    for (const item of value)
      addValue(tally, item, { truth: schema.items, mine: got.items, at: `${at}[]` }, sides, depth + 1);
    return;
  }
  if (typeof value !== 'object') {
    const types = [got.type].flat();
    const type = schema.type ?? typeof value;
    tally.add(
      'type',
      at,
      types.includes(type) || (type === 'number' && types.includes('integer') && Number.isInteger(value)),
    );
    if (['date-time', 'date', 'uuid', 'email', 'uri', 'ipv4'].includes(schema.format))
      tally.add('format', at, got.format === schema.format);
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    const property = schema.properties?.[name];
    const isMap = property === undefined;
    const mineNow = got.properties?.[name] ?? got.patternProperties?.[`^\\${name}$`] ?? got.additionalProperties;
    const place = `${at}.${isMap ? '*' : name}`;
    tally.add(
      'property',
      place,
      isMap
        ? got.additionalProperties !== undefined
        : got.properties?.[name] !== undefined || got.patternProperties !== undefined,
    );
    // Who does not describe a property says nothing of whether it is required.
    if (!isMap)
      tally.add(
        'required',
        place,
        mineNow !== undefined && (schema.required ?? []).includes(name) === (got.required ?? []).includes(name),
      );
    addValue(
      tally,
      member,
      { truth: property ?? schema.additionalProperties, mine: mineNow, at: place },
      sides,
      depth + 1,
    );
  }
}

/** Of what was several things, the one that the value is. */
function branch(schema: Json, value: Json, { resolve }: Sides): Json {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices === undefined) return schema;
  const type = Array.isArray(value) ? 'array' : typeof value;
  return choices.map((one: Json) => resolve(one)).find((one: Json) => [one.type].flat().includes(type)) ?? choices[0];
}

function resolverOf(document: Json): (schema: Json) => Json {
  return (schema) => {
    if (typeof schema?.$ref !== 'string') return schema ?? {};
    return (
      schema.$ref
        .split('/')
        .slice(1)
        .reduce((at: Json, key: string) => at?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], document) ?? {}
    );
  };
}
