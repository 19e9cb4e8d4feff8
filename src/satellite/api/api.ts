/**
 * What the page and other programs ask: a table of routes, from which `document.ts` makes the API's own description.
 *
 * in: `GET /api/…` · out: JSON, events, archives; or `{"message": "…"}` with what is wrong in plain words
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SensorError } from '../../errors.js';
import { MARK_ROWS } from '../../pair/exchange.js';
import type { Selection } from '../endpoints/inventory.js';
import { overridesOf } from '../endpoints/overrides.js';
import { FIELDS } from '../filter/fields.js';
import { FilterError } from '../filter/parse.js';
import type { FleetMatters } from '../fleet/capabilities.js';
import type { Fleet } from '../fleet/fleet.js';
import { type PacketFiles, type PacketsPath, PCAP_TYPE } from '../receive/packet-files.js';
import type { Query, Store } from '../store/store.js';
import type { Access } from './access.js';
import { bodyOf } from './body.js';
import { apiDocument } from './document.js';
import { exportTraces } from './export.js';
import { FLEET_ROUTES } from './fleet-routes.js';
import { PARAMETERS, type Parameter, type ParameterName } from './parameters.js';
import { Refused, reply, replyJson } from './reply.js';
import type { Schema } from './schemas.js';
import type { Latest, OneByOne, Slots } from './slots.js';
import type { Tail } from './tail.js';

/** What is asked before it is known who asks. */
export interface OpenContext {
  readonly access: Access;
  readonly version: string;
}

/** What there is of one organisation. */
export interface OrganisationContext {
  readonly store: Store;
  readonly tail: Tail;
  /** What may be large, at its turn. */
  readonly large: Slots;
  /** Those that read much, for as long as they like. */
  readonly readers: Latest;
  /** Pages of exports. */
  readonly pages: OneByOne;
  readonly packets: PacketFiles;
  readonly fleet: Fleet;
  readonly matters: FleetMatters;
}

export interface ApiContext extends OpenContext, OrganisationContext {}

export interface ApiSettings extends OpenContext {
  /** @param name one for which a token is */
  organisation(name: string): OrganisationContext;
}

export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly given: Given;
}

/** Parameters as they were given, or by default. */
interface Given {
  readonly filter: string;
  readonly before: number | null;
  readonly after: number | null;
  readonly limit: number;
  readonly stretches: number;
  readonly days: number;
  readonly service: string | null;
  readonly host: string | null;
  readonly id: string | null;
  readonly seq: number;
}

interface RouteRow {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly summary: string;
  readonly parameters: readonly ParameterName[];
  /** What is sent, as JSON. */
  readonly body?: Schema;
  /** By media type. */
  readonly answers: Readonly<Record<string, Schema>>;
}

/** Asked before there is a session. */
interface OpenRoute extends RouteRow {
  readonly isOpen: true;
  handle(context: OpenContext, asked: Asked): Promise<void> | void;
}

interface GuardedRoute extends RouteRow {
  readonly isOpen?: never;
  /** What it takes; reading, where nothing is said. */
  readonly role?: 'steer';
  handle(context: ApiContext, asked: Asked): Promise<void> | void;
}

export type Route = OpenRoute | GuardedRoute;

const json = (schema: Schema): Record<string, Schema> => ({ 'application/json': schema });

export const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/traces',
    summary: 'Traces that pass a filter, the newest first, a page at a time',
    parameters: ['filter', 'before', 'after', 'limit'],
    answers: json('Page'),
    handle: async ({ store }, { response, given }) => replyJson(response, 200, await store.list(queryOf(given))),
  },
  {
    method: 'GET',
    path: '/api/traces/{seq}',
    summary: 'A trace with its headers and bodies, and whose sensor sent it',
    parameters: ['seq'],
    answers: json('Whole'),
    handle: async ({ store, large, packets }, { response, given }) => {
      await large.take(response);
      const { seq, text, resource } = await wholeOf(store, given.seq);
      const bytes = packets.get(idsOf(text))?.length ?? null;
      const rest = `"resource":${JSON.stringify(resource)},"packets":${bytes}`;
      reply(response, 200, 'application/json', `{"seq":${seq},"trace":${text},${rest}}`);
    },
  },
  {
    method: 'GET',
    path: '/api/packets/{seq}',
    summary:
      "The packets of a trace's connection as its sensor captured them, where it sent them; nothing in them is redacted",
    parameters: ['seq'],
    answers: { [PCAP_TYPE]: 'Text' },
    handle: async ({ store, large, packets }, { response, given }) => {
      await large.take(response);
      const ids = idsOf((await wholeOf(store, given.seq)).text);
      const bytes = packets.get(ids);
      if (bytes === null) throw new Refused(404, `packets of trace ${given.seq} are not here, or not any more`);
      response.setHeader('Content-Disposition', `attachment; filename="${ids.traceId}.pcap"`);
      reply(response, 200, PCAP_TYPE, bytes);
    },
  },
  {
    method: 'GET',
    path: '/api/tail',
    summary: 'Traces that pass a filter as they come, as server-sent events',
    parameters: ['filter', 'after'],
    answers: { 'text/event-stream': 'Text' },
    handle: ({ tail }, { request, response, given }) => tail.open(request, response, given.filter, given.after),
  },
  {
    method: 'GET',
    path: '/api/export.ndjson',
    summary: 'Traces that pass a filter as NDJSON, the newest first',
    parameters: ['filter', 'before', 'count'],
    answers: { 'application/x-ndjson': 'Text' },
    handle: ({ store, pages, readers, version }, { response, given }) => {
      readers.admit(response);
      return exportTraces('ndjson', { store, pages }, response, { ...queryOf(given), version });
    },
  },
  {
    method: 'GET',
    path: '/api/export.har',
    summary: 'Traces that pass a filter as an HTTP Archive, the newest first',
    parameters: ['filter', 'before', 'count'],
    answers: { 'application/json': 'Any' },
    handle: ({ store, pages, readers, version }, { response, given }) => {
      readers.admit(response);
      return exportTraces('har', { store, pages }, response, { ...queryOf(given), version });
    },
  },
  {
    method: 'GET',
    path: '/api/rates',
    summary: 'How many, how many failed, and how fast, over the time of the newest 20,000 that pass a filter',
    parameters: ['filter', 'stretches'],
    answers: json('Rates'),
    handle: async ({ store }, { response, given }) =>
      replyJson(response, 200, await store.rates(given.filter, given.stretches)),
  },
  {
    method: 'GET',
    path: '/api/endpoints',
    summary: 'What services offer, by the traces so far: how often, how fast, by whom, with which data',
    parameters: ['service', 'host'],
    answers: json('Endpoints'),
    handle: async ({ store }, { response, given }) =>
      replyJson(response, 200, await store.endpoints(selectionOf(given))),
  },
  {
    method: 'GET',
    path: '/api/endpoints/openapi.json',
    summary: 'The same as an OpenAPI 3.1 document, with how often each claim was seen',
    parameters: ['service', 'host'],
    answers: json('Any'),
    handle: async ({ store }, { response, given }) => replyJson(response, 200, await store.openApi(selectionOf(given))),
  },
  {
    method: 'GET',
    path: '/api/drift',
    summary: 'Where what came in parts from the document that the satellite was started with',
    parameters: [],
    answers: json('SpecDrift'),
    handle: async ({ store }, { response }) => replyJson(response, 200, await store.specDrift()),
  },
  {
    method: 'GET',
    path: '/api/drift/before',
    summary: 'Where the newest 5,000 traces that pass a filter part from what all showed some days ago',
    parameters: ['days', 'filter'],
    answers: json('DriftBefore'),
    handle: async ({ store }, { response, given }) =>
      replyJson(response, 200, await store.driftBefore(given.days * DAY_MILLIS, given.filter)),
  },
  {
    method: 'POST',
    path: '/api/drift',
    summary: 'Where the newest 5,000 traces that pass a filter part from an OpenAPI document',
    parameters: [],
    body: 'DriftAsked',
    answers: json('Drift'),
    handle: async ({ store }, { request, response }) => {
      const sent = (await bodyOf(request, DOCUMENT_BYTES_MAX)) as { document?: unknown; filter?: unknown } | null;
      if (typeof sent?.document !== 'string' || typeof sent.filter !== 'string')
        throw new Refused(400, 'send {"document": "…", "filter": "…"}, the document as text');
      replyJson(response, 200, await store.drift(sent.document, sent.filter));
    },
  },
  {
    method: 'GET',
    path: '/api/templates',
    summary: 'Path templates that a person has said are right',
    parameters: [],
    answers: json('Templates'),
    handle: async ({ store }, { response }) => replyJson(response, 200, { templates: await store.templates() }),
  },
  {
    method: 'PUT',
    path: '/api/templates',
    summary: 'Says which path templates are right, whatever the traces say',
    parameters: [],
    body: 'Templates',
    role: 'steer',
    answers: json('Templates'),
    handle: async ({ store }, { request, response }) => {
      const templates = templatesOf(await bodyOf(request, TEMPLATES_BYTES_MAX));
      await store.setTemplates(templates);
      replyJson(response, 200, { templates });
    },
  },
  {
    method: 'GET',
    path: '/api/sensors',
    summary: 'Who sends, since when, and what they lost',
    parameters: [],
    answers: json('Sensors'),
    handle: async ({ store }, { response }) => replyJson(response, 200, await store.sensors()),
  },
  ...FLEET_ROUTES,
  {
    method: 'GET',
    path: '/api/facts',
    summary: 'What was received, kept, refused and evicted',
    parameters: [],
    answers: json('Facts'),
    handle: async ({ store }, { response }) => replyJson(response, 200, await store.facts()),
  },
  {
    method: 'GET',
    path: '/api/fields',
    summary: 'The fields of the filter language, and values that some of them have',
    parameters: [],
    answers: json('Fields'),
    handle: async ({ store }, { response }) => {
      const fields = [...FIELDS.values()].map(({ name, type, example, help }) => ({ name, type, example, help }));
      const marks = Object.values(MARK_ROWS).map(({ name, help }) => ({ name, help }));
      replyJson(response, 200, { fields, marks, values: await store.values() });
    },
  },
  {
    method: 'GET',
    path: '/api/openapi.json',
    summary: 'This description',
    parameters: [],
    answers: json('Any'),
    isOpen: true,
    handle: ({ version }, { response }) => replyJson(response, 200, apiDocument(ROUTES, version)),
  },
  {
    method: 'POST',
    path: '/api/session',
    summary: 'Trades the token for a cookie that no script can read',
    parameters: [],
    body: 'Token',
    answers: json('Any'),
    isOpen: true,
    handle: async ({ access }, { request, response }) => {
      response.setHeader(
        'Set-Cookie',
        access.openSession(((await bodyOf(request, TOKEN_BYTES_MAX)) as { token?: unknown } | null)?.token),
      );
      replyJson(response, 200, {});
    },
  },
  {
    method: 'DELETE',
    path: '/api/session',
    summary: 'Ends the session of the cookie',
    parameters: [],
    answers: json('Any'),
    isOpen: true,
    handle: ({ access }, { request, response }) => {
      response.setHeader('Set-Cookie', access.closeSession(request));
      replyJson(response, 200, {});
    },
  },
];

/** Answers a request below `/api`. @throws Refused */
export async function answerApi(
  settings: ApiSettings,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://satellite');
  const there = ROUTES.filter(({ path }) => matches(path, url.pathname));
  if (there.length === 0)
    throw new Refused(404, `${url.pathname}: nothing here; /api/openapi.json describes what there is`);
  const route = there.find(({ method }) => method === request.method);
  if (route === undefined) throw new Refused(405, `${request.method} ${url.pathname}: method not allowed`);
  const context =
    route.isOpen === true ? null : settings.organisation(settings.access.checkReader(request, route.role ?? 'read'));
  const asked: Asked = { request, response, given: readParameters(route, url) };
  try {
    if (route.isOpen === true) await route.handle(settings, asked);
    else if (context !== null) await route.handle({ ...settings, ...context }, asked);
  } catch (error) {
    if (error instanceof SensorError) throw new Refused(400, error.message);
    if (error instanceof FilterError) throw new Refused(400, `filter: ${error.message}`, { at: error.at });
    throw error;
  }
}

const DAY_MILLIS = 24 * 3600e3;

/** @throws Refused */
async function wholeOf(store: Store, seq: number) {
  const whole = await store.get(seq, 'ndjson');
  if (whole === null) throw new Refused(404, `trace ${seq} is not here, or not any more`);
  return whole;
}

/** The ids in the text of a trace, which is not parsed: it may be large. Quotes within its strings are escaped. */
function idsOf(text: string): PacketsPath {
  const [, traceId = ''] = /"traceId":"([0-9a-f]{32})"/.exec(text) ?? [];
  const [, spanId = ''] = /"spanId":"([0-9a-f]{16})"/.exec(text) ?? [];
  return { traceId, spanId };
}

const SEQ = /^\d{1,16}$/;

function matches(path: string, asked: string): boolean {
  if (!path.endsWith('{seq}')) return path === asked;
  const prefix = path.slice(0, -'{seq}'.length);
  return asked.startsWith(prefix) && SEQ.test(asked.slice(prefix.length));
}

function readParameters(route: Route, url: URL): Given {
  const given: Record<string, unknown> = {};
  for (const name of url.searchParams.keys())
    if (!(route.parameters as readonly string[]).includes(name))
      throw new Refused(
        400,
        `${route.path} has no parameter ${JSON.stringify(name)}; it has ${route.parameters.join(', ') || 'none'}`,
      );
  for (const name of route.parameters) {
    const row: Parameter = PARAMETERS[name];
    const text = name === 'seq' ? url.pathname.slice(url.pathname.lastIndexOf('/') + 1) : url.searchParams.get(name);
    given[row.property ?? name] = text === null ? row.default : numberGiven(name, row, text);
  }
  return given as unknown as Given;
}

function numberGiven(name: string, { min, max }: Parameter, text: string): unknown {
  if (max === undefined) return text;
  const value = SEQ.test(text) ? Number(text) : Number.NaN;
  if (value >= (min ?? 0) && value <= max) return value;
  throw new Refused(400, `${name}=${JSON.stringify(text)} is no number from ${min ?? 0} to ${max}`);
}

function queryOf({ filter, before, after, limit }: Given): Query {
  if (before !== null && after !== null)
    throw new Refused(400, 'before and after are for the two directions; give one of them');
  return { filter, limit, ...(before === null ? {} : { before }), ...(after === null ? {} : { after }) };
}

function selectionOf({ service, host }: Given): Selection {
  return { ...(service === null ? {} : { service }), ...(host === null ? {} : { host }) };
}

const TOKEN_BYTES_MAX = 4096;
const TEMPLATES_BYTES_MAX = 1 << 20;
const DOCUMENT_BYTES_MAX = 8 << 20;

function templatesOf(value: unknown): string[] {
  try {
    return overridesOf(value, 'templates');
  } catch (error) {
    throw new Refused(400, (error as Error).message);
  }
}
