/**
 * Traffic to a service that a specification describes: which requests are sent, and what each is answered.
 *
 * in: a specification of OpenAPI 3, a seed · out: exchanges, each with the operation that it is of
 *
 * Each operation has 3 to 200 requests; resources recur; some are not found; a scanner asks for what is not there.
 */
import type { Faker } from '@faker-js/faker';
import { flat, identifierKind, type Json, type Source, sampleOf } from './values.js';

export interface Operation {
  readonly method: string;
  readonly template: string;
  readonly definition: Json;
  readonly parameters: readonly Json[];
}

export interface Planned {
  /** Null for what is no operation. */
  readonly operation: Operation | null;
  readonly method: string;
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly status: number;
  readonly responseHeaders: Record<string, string>;
  readonly responseBody: string;
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];
const SCANNED = ['/wp-login.php', '/.env', '/admin/config.php', '/.git/HEAD', '/phpmyadmin/index.php'];

export function resolver(spec: Json): (schema: Json) => Json {
  return function resolve(schema: Json, depth = 0): Json {
    if (typeof schema?.$ref !== 'string' || depth > 20) return schema ?? {};
    const found = schema.$ref
      .split('/')
      .slice(1)
      .reduce(
        (at: Json, key: string) => at?.[decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~')],
        spec,
      );
    return resolve(found, depth + 1);
  };
}

export function basePath(spec: Json): string {
  const url: string = spec.servers?.[0]?.url ?? '';
  const path = url
    .replace(/^[a-z]+:\/\/[^/]*/i, '')
    .replace(/\{([^}]*)\}/g, (_, name) => spec.servers[0].variables?.[name]?.default ?? 'x');
  return path
    .replace(/\/+$/, '')
    .replace(/^(?=[^/])/, '/')
    .replace(/^\/$/, '');
}

export function operationsOf(spec: Json): Operation[] {
  const resolve = resolver(spec);
  const found: Operation[] = [];
  const seen = new Set<string>();
  for (const [path, given] of Object.entries(spec.paths ?? {}) as [string, Json][]) {
    const item = resolve(given);
    const template = basePath(spec) + path.replace(/[?#].*$/, '');
    for (const method of METHODS) {
      if (item[method] === undefined) continue;
      const key = `${method} ${template.replace(/\{[^}]*\}/g, '{}')}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const parameters = new Map<string, Json>();
      for (const parameter of [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map((p) => resolve(p)))
        parameters.set(`${parameter.in} ${parameter.name}`, parameter);
      found.push({
        method: method.toUpperCase(),
        template,
        definition: item[method],
        parameters: [...parameters.values()],
      });
    }
  }
  return found;
}

export function plan(spec: Json, faker: Faker, { operations_max = 1000, requests_max = 200 } = {}): Planned[] {
  const resolve = resolver(spec);
  const source: Source = { faker, resolve };
  const operations = faker.helpers.arrayElements(operationsOf(spec), operations_max);
  const pools = new Map<string, string[]>();
  const poolOf = (parameter: Json, before: string): string[] => {
    const schema = flat(parameter.schema ?? {}, source);
    const key = /^(id|name|key|slug|code|type)$/i.test(parameter.name) ? `${before}/${parameter.name}` : parameter.name;
    let pool = pools.get(key);
    if (pool === undefined) {
      const make = identifierKind(schema, parameter.name, faker);
      pool = Array.from({ length: faker.number.int({ min: 3, max: 30 }) }, make);
      pools.set(key, pool);
    }
    return pool;
  };
  const planned: Planned[] = [];
  for (const operation of operations) {
    const count = Math.round(3 * (requests_max / 3) ** (faker.number.float() ** 2));
    for (let i = 0; i < count; i++) planned.push(exchangeOf(operation, spec, source, poolOf));
  }
  for (const path of SCANNED)
    for (let i = 0; i < 3; i++)
      planned.push({
        operation: null,
        method: 'GET',
        target: path,
        headers: {},
        body: '',
        status: 404,
        responseHeaders: { 'content-type': 'text/plain' },
        responseBody: 'not found',
      });
  return faker.helpers.shuffle(planned);
}

function exchangeOf(
  operation: Operation,
  spec: Json,
  source: Source,
  poolOf: (parameter: Json, before: string) => string[],
): Planned {
  const { faker } = source;
  const headers: Record<string, string> = { accept: '*/*', 'user-agent': 'bench/1' };
  const query: string[] = [];
  const cookies: string[] = [];
  let isMissing = false;
  let before = '';
  const path = operation.template
    .split('/')
    .map((segment) => {
      const filled = segment.replace(/\{([^}]*)\}/g, (_, name: string) => {
        const parameter = operation.parameters.find((p) => p.in === 'path' && p.name === name) ?? {
          name,
          schema: { type: 'string' },
        };
        const pool = poolOf(parameter, before);
        const enumerated = flat(parameter.schema ?? {}, source).enum;
        if (enumerated === undefined && faker.datatype.boolean({ probability: 0.03 })) {
          isMissing = true;
          return encodeURIComponent(identifierKindOf(pool, faker));
        }
        // Some recur more than others.
        return encodeURIComponent(pool[Math.floor(pool.length * faker.number.float() ** 2)] as string);
      });
      before = segment;
      return filled;
    })
    .join('/');
  for (const parameter of operation.parameters) {
    if (parameter.in === 'path' || (parameter.required !== true && faker.datatype.boolean({ probability: 0.6 })))
      continue;
    const value = sampleOf(parameter.schema ?? {}, source, parameter.name, 4);
    if (value === null || value === undefined || value === '') continue;
    const texts: string[] = (Array.isArray(value) ? value : [value]).map((one: Json) =>
      typeof one === 'object' ? JSON.stringify(one) : String(one),
    );
    if (texts.length === 0) continue;
    if (parameter.in === 'query') {
      const isRepeated = parameter.explode !== false;
      for (const text of isRepeated ? texts : [texts.join(',')])
        query.push(`${encodeURIComponent(parameter.name)}=${encodeURIComponent(text)}`);
    } else if (
      parameter.in === 'header' &&
      !/^(accept|content-type|authorization|host|content-length|user-agent|connection|transfer-encoding)$/i.test(
        parameter.name,
      )
    )
      headers[parameter.name.toLowerCase()] = texts.join(',').replace(/[^\x20-\x7e]/g, '');
    else if (parameter.in === 'cookie') cookies.push(`${parameter.name}=${encodeURIComponent(texts[0] as string)}`);
  }
  if (cookies.length > 0) headers.cookie = cookies.join('; ');
  secure(operation, spec, source, headers, query);
  const sent = requestBody(operation, source);
  if (sent !== null) headers['content-type'] = sent.type;
  return {
    operation,
    method: operation.method,
    target: query.length === 0 ? path : `${path}?${query.join('&')}`,
    headers,
    body: sent?.text ?? '',
    ...answer(operation, source, isMissing),
  };
}

function identifierKindOf(pool: string[], faker: Faker): string {
  const like = faker.helpers.arrayElement(pool);
  if (/^\d+$/.test(like)) return String(faker.number.int({ min: 1_000_000, max: 9_000_000 }));
  if (/^[0-9a-f-]{36}$/.test(like)) return faker.string.uuid();
  return `${faker.word.noun()}-${faker.word.noun()}`;
}

function secure(
  operation: Operation,
  spec: Json,
  { faker, resolve }: Source,
  headers: Record<string, string>,
  query: string[],
): void {
  const wanted = (operation.definition.security ?? spec.security ?? [])[0];
  for (const name of Object.keys(wanted ?? {})) {
    const scheme = resolve(spec.components?.securitySchemes?.[name]);
    if (scheme?.type === 'apiKey' && scheme.in === 'header')
      headers[scheme.name.toLowerCase()] = faker.string.alphanumeric(32);
    else if (scheme?.type === 'apiKey' && scheme.in === 'query')
      query.push(`${scheme.name}=${faker.string.alphanumeric(32)}`);
    else if (scheme?.type === 'http' && scheme.scheme?.toLowerCase() === 'basic')
      headers.authorization = 'Basic dXNlcjpwYXNz';
    else headers.authorization = `Bearer ${faker.string.alphanumeric(40)}`;
  }
}

function requestBody(operation: Operation, source: Source): { type: string; text: string } | null {
  const body = source.resolve(operation.definition.requestBody ?? null);
  const types = Object.keys(body?.content ?? {});
  if (types.length === 0 || operation.method === 'GET') return null;
  const type =
    types.find((one) => /json/.test(one)) ?? types.find((one) => /form-urlencoded/.test(one)) ?? (types[0] as string);
  return {
    type: type.includes('*') ? 'application/octet-stream' : type,
    text: written(type, body.content[type].schema, source),
  };
}

function answer(
  operation: Operation,
  source: Source,
  isMissing: boolean,
): Pick<Planned, 'status' | 'responseHeaders' | 'responseBody'> {
  const { faker, resolve } = source;
  const responses = operation.definition.responses ?? {};
  const codes = Object.keys(responses).filter((code) => /^[2-5]\d\d$/.test(code));
  const good = codes.filter((code) => /^[23]/.test(code));
  const bad = codes.filter((code) => /^[45]/.test(code) && code !== '404');
  if (isMissing) {
    const response = resolve(responses['404'] ?? {});
    return { status: 404, ...bodyOf(response, source) };
  }
  const isBad = bad.length > 0 && (good.length === 0 || faker.datatype.boolean({ probability: 0.1 }));
  const code = isBad ? faker.helpers.arrayElement(bad) : good.length > 0 ? faker.helpers.arrayElement(good) : '200';
  const response = resolve(responses[code] ?? responses['2XX'] ?? responses.default ?? {});
  if (code === '204' || code === '304') return { status: Number(code), responseHeaders: {}, responseBody: '' };
  return { status: Number(code), ...bodyOf(response, source) };
}

function bodyOf(response: Json, source: Source): Pick<Planned, 'responseHeaders' | 'responseBody'> {
  const types = Object.keys(response.content ?? {});
  if (types.length === 0) return { responseHeaders: {}, responseBody: '' };
  const type = types.find((one) => /json/.test(one)) ?? (types[0] as string);
  return {
    responseHeaders: { 'content-type': type.includes('*') ? 'application/octet-stream' : type },
    responseBody: written(type, response.content[type].schema, source),
  };
}

function written(type: string, schema: Json, source: Source): string {
  if (/json/.test(type)) return JSON.stringify(sampleOf(schema ?? { type: 'object' }, source));
  if (/form-urlencoded/.test(type)) {
    const value = sampleOf(schema ?? {}, source);
    if (typeof value !== 'object' || value === null) return '';
    return Object.entries(value)
      .filter(([, one]) => one !== null)
      .map(
        ([name, one]) =>
          `${encodeURIComponent(name)}=${encodeURIComponent(typeof one === 'object' ? JSON.stringify(one) : String(one))}`,
      )
      .join('&');
  }
  if (/xml/.test(type)) return `<item><name>${source.faker.word.noun()}</name></item>`;
  return source.faker.lorem.sentence();
}
