/**
 * An OpenAPI 3.1 document of what an inventory has seen (https://spec.openapis.org/oas/v3.1.1.html).
 *
 * in: an inventory, which services and hosts of it · out: a document, always valid, in an order that depends on nothing but the traces
 *
 * Every claim has how often it was seen, `x-observed`: an operation, a parameter, a status, a body, a property.
 */
import { STATUS_CODES } from 'node:http';
import { singular, tokensOf } from '../../trace/parameter-name.js';
import { bodyForm } from '../endpoints/body-forms.js';
import { compareTexts, type HostFacts, type Inventory, mergedTree, type Selection } from '../endpoints/inventory.js';
import type { BodyFacts, ParameterFacts, ResponseFacts } from '../endpoints/operation-facts.js';
import { mergeOperation, newOperation } from '../endpoints/operation-facts.js';
import { type Endpoint, endpointsOf } from '../endpoints/templates.js';
import { RequiredNames } from './alike-objects.js';
import { type Place, shareSchemas } from './components.js';
import { exampleOf } from './example.js';
import { parametersOf, textSchema } from './parameters.js';
import { type Schema, schemaOf } from './schema.js';
import { schemeOf, securityOf } from './security.js';

export interface OpenApiDocument {
  openapi: '3.1.1';
  info: {
    title: string;
    version: string;
    description: string;
    'x-observed': { exchanges: number; operations: number; unfound: number };
  };
  servers?: { url: string }[];
  paths: Record<string, Record<string, unknown>>;
  components?: Record<string, Record<string, unknown>>;
}

export interface DocumentSettings {
  /** Templates that are right whatever the traces say. */
  readonly overrides?: readonly string[];
}

/** The methods that a path item has a place for. */
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

export function openApiDocument(
  inventory: Inventory,
  selection: Selection = {},
  settings: DocumentSettings = {},
): OpenApiDocument {
  const hosts = inventory.hosts(selection);
  const { endpoints, unfound } = endpointsOf(mergedTree(hosts), settings.overrides);
  return documentOf(hosts, endpoints, unfound);
}

function documentOf(hosts: readonly HostFacts[], endpoints: readonly Endpoint[], unfound: number): OpenApiDocument {
  const paths: [string, Record<string, unknown>][] = [];
  const places: Place[] = [];
  const schemes = new Map<string, Schema>();
  const ids = new Set<string>();
  const infrastructure = headersOfAll(endpoints);
  const required = new RequiredNames(endpoints);
  for (const [template, group] of grouped(endpoints)) {
    const item: Record<string, unknown> = {};
    const others: Record<string, number> = {};
    for (const [method, endpoint] of byMethod(group)) {
      if (!METHODS.includes(method)) {
        others[endpoint.method] = endpoint.facts.count;
        continue;
      }
      for (const kind of endpoint.facts.credentials.keys()) {
        const { name, scheme } = schemeOf(kind);
        schemes.set(name, scheme);
      }
      item[method] = operationOf(endpoint, { places, ids, infrastructure, required });
    }
    if (Object.keys(others).length > 0) item['x-other-methods'] = others;
    paths.push([template, item]);
  }
  const schemas = shareSchemas(places);
  const components: Record<string, Record<string, unknown>> = {};
  if (Object.keys(schemas).length > 0) components.schemas = schemas;
  if (schemes.size > 0)
    components.securitySchemes = Object.fromEntries([...schemes].sort(([a], [b]) => compareTexts(a, b)));
  const servers = serversOf(hosts);
  const traces = hosts.reduce((sum, { root }) => sum + root.count, 0);
  return {
    openapi: '3.1.1',
    info: {
      title: titleOf(hosts),
      version: '0.0.0',
      description: `What ${traces} exchanges have shown. What was not seen may exist all the same.`,
      'x-observed': { exchanges: traces, operations: endpoints.length, unfound },
    },
    ...(servers.length > 0 ? { servers } : {}),
    paths: Object.fromEntries(paths),
    ...(Object.keys(components).length > 0 ? { components } : {}),
  };
}

function titleOf(hosts: readonly HostFacts[]): string {
  const services = [...new Set(hosts.map(({ service, host }) => service || host))];
  return services.length === 0
    ? 'no traffic'
    : services.slice(0, 3).join(', ') + (services.length > 3 ? ` and ${services.length - 3} more` : '');
}

function serversOf(hosts: readonly HostFacts[]): { url: string }[] {
  const urls = hosts.flatMap(({ host, schemes }) =>
    host === '' || !/^[\w.:[\]-]+$/.test(host) ? [] : [...schemes.keys()].map((scheme) => `${scheme}://${host}`),
  );
  return [...new Set(urls)].sort().map((url) => ({ url }));
}

function grouped(endpoints: readonly Endpoint[]): [string, Endpoint[]][] {
  const groups = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) {
    // A query or a fragment is no part of a template; what looks like one was escaped.
    const template = endpoint.template.replaceAll('?', '%3F').replaceAll('#', '%23');
    const group = groups.get(template);
    if (group === undefined) groups.set(template, [endpoint]);
    else group.push(endpoint);
  }
  return [...groups].sort(([a], [b]) => compareTexts(a, b));
}

/** The operations of GraphQL at one path are one to OpenAPI. */
function byMethod(group: readonly Endpoint[]): [string, Endpoint][] {
  const methods = new Map<string, Endpoint>();
  for (const endpoint of group) {
    const method = endpoint.method.toLowerCase();
    const there = methods.get(method);
    if (there === undefined) methods.set(method, endpoint);
    else {
      const facts = newOperation();
      mergeOperation(facts, there.facts, { shapes: Number.MAX_SAFE_INTEGER, refused: 0 });
      mergeOperation(facts, endpoint.facts, { shapes: Number.MAX_SAFE_INTEGER, refused: 0 });
      methods.set(method, { ...there, facts });
    }
  }
  return [...methods].sort(([a], [b]) => METHODS.indexOf(a) - METHODS.indexOf(b) || compareTexts(a, b));
}

const OPERATIONS_MIN = 5;

/** Headers that all requests to all operations have: a proxy or a client adds them, and no operation takes them. */
function headersOfAll(endpoints: readonly Endpoint[]): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const { facts } of endpoints)
    for (const [name, { count }] of facts.headers)
      if (count === facts.count) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Set(
    [...counts]
      .filter(([name, count]) => TRACKING.test(name) && count >= OPERATIONS_MIN && count === endpoints.length)
      .map(([name]) => name),
  );
}

/** Only what identifies requests and clients is taken for theirs: a header that every operation demands may be the API's. */
const TRACKING = /request-?id|correlation|trace|span|client|device|session|x-app|x-platform/;

interface Writing {
  readonly places: Place[];
  readonly ids: Set<string>;
  readonly infrastructure: ReadonlySet<string>;
  readonly required: RequiredNames;
}

function operationOf(endpoint: Endpoint, { places, ids, infrastructure, required }: Writing): Schema {
  const { facts } = endpoint;
  const parameters = parametersOf(endpoint, required.parameterMin).filter(
    ({ name, in: place }) => place !== 'header' || !infrastructure.has(name as string),
  );
  const operation: Schema = { operationId: operationId(endpoint, ids) };
  const tag = endpoint.segments.find(
    (segment) => segment.kind === 'word' && !/^(?:api|rest|v\d.*|\d.*)$/i.test(segment.text),
  );
  if (tag?.kind === 'word') operation.tags = [tag.text];
  if (parameters.length > 0) operation.parameters = parameters;
  const noun = nounOf(endpoint);
  if (facts.request.size > 0 && endpoint.method !== 'TRACE') {
    const bodies = [...facts.request.values()].reduce((sum, { count }) => sum + count, 0);
    operation.requestBody = {
      content: contentOf(facts.request, { places, required, name: `${noun}Input` }),
      ...(bodies >= facts.accepted ? { required: true } : {}),
      'x-observed': bodies,
    };
  }
  operation.responses = responsesOf(endpoint, { places, required, noun });
  const security = securityOf(facts);
  if (security.length > 0) operation.security = security;
  operation['x-observed'] = {
    count: facts.count,
    ...(facts.lastSeen > 0 ? { firstSeen: time(facts.firstSeen), lastSeen: time(facts.lastSeen) } : {}),
  };
  return operation;
}

const time = (milliseconds: number): string =>
  Number.isFinite(milliseconds) ? new Date(milliseconds).toISOString() : '';

function operationId({ method, segments }: Endpoint, ids: Set<string>): string {
  const parts = segments.map((segment) => {
    const text = segment.kind === 'word' ? segment.text : `By ${segment.name}`;
    return pascal(text);
  });
  const wanted = `${method.toLowerCase().replace(/[^a-z]/g, '')}${parts.join('')}` || 'operation';
  let id = wanted;
  for (let number = 2; ids.has(id); number++) id = `${wanted}${number}`;
  ids.add(id);
  return id;
}

const pascal = (text: string): string =>
  text
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

/** What an operation is about: the last word of its path, of one where it ends in a value. */
function nounOf({ segments }: Endpoint): string {
  const words = segments.flatMap((segment) => (segment.kind === 'word' ? [segment.text] : []));
  const tokens = tokensOf(words.at(-1) ?? '');
  const last = tokens.pop();
  if (last === undefined) return 'Object';
  const isOne = segments.at(-1)?.kind === 'value';
  return [...tokens, isOne ? singular(last) : last].map(pascal).join('');
}

/** What the schemas of bodies are made with. */
type BodyWriting = Pick<Writing, 'places' | 'required'>;

function responsesOf(
  { facts, segments }: Endpoint,
  { noun, ...writing }: BodyWriting & { readonly noun: string },
): Schema {
  const responses: Schema = {};
  for (const status of [...facts.responses.keys()].sort()) {
    if (!/^[1-5]\d\d$/.test(status)) continue;
    const response = facts.responses.get(status) as ResponseFacts;
    const name = status >= '400' ? 'Error' : segments.at(-1)?.kind === 'value' ? noun : `${noun}Output`;
    responses[status] = {
      description: STATUS_CODES[status] ?? `Status ${status}`,
      ...(response.headers.size > 0 ? { headers: headersOf(response.headers) } : {}),
      ...(response.bodies.size > 0 ? { content: contentOf(response.bodies, { ...writing, name }) } : {}),
      'x-observed': response.count,
    };
  }
  if (Object.keys(responses).length === 0) responses.default = { description: 'No response was seen' };
  return responses;
}

function headersOf(headers: ReadonlyMap<string, ParameterFacts>): Schema {
  return Object.fromEntries(
    [...headers]
      .filter(([name]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name))
      .sort(([a], [b]) => compareTexts(a, b))
      .map(([name, { shape, count }]) => [name, { schema: textSchema(shape), 'x-observed': count }]),
  );
}

function contentOf(
  bodies: ReadonlyMap<string, BodyFacts>,
  { places, required, name }: BodyWriting & { readonly name: string },
): Schema {
  const content: Schema = {};
  for (const type of [...bodies.keys()].sort()) {
    const body = bodies.get(type) as BodyFacts;
    const media: Schema = {};
    if (bodyForm(type) !== 'opaque') {
      media.schema = schemaOf(body.shape, { required });
      places.push({ holder: media, key: 'schema', name });
      const example = exampleOf(type, body.example);
      if (example !== undefined) media.example = example;
    }
    media['x-observed'] = body.count;
    content[type] = media;
  }
  return content;
}

/** The same without examples. */
export function withoutExamples(document: OpenApiDocument): OpenApiDocument {
  const strip = (content: Record<string, Record<string, unknown>> | undefined): void => {
    for (const media of Object.values(content ?? {})) delete media.example;
  };
  const copy = structuredClone(document);
  for (const item of Object.values(copy.paths))
    for (const operation of Object.values(item) as {
      requestBody?: { content: Record<string, Record<string, unknown>> };
      responses?: Record<string, { content?: Record<string, Record<string, unknown>> }>;
    }[]) {
      strip(operation.requestBody?.content);
      for (const response of Object.values(operation.responses ?? {})) strip(response.content);
    }
  return copy;
}
