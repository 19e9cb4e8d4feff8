/**
 * Drift: where traffic and a document part.
 *
 * in: a document of OpenAPI 3.0 or 3.1, traces · out: findings: endpoints that it does not have, ones that were not seen, requests and
 * responses that break it, each with traces
 *
 * A document that people wrote is taken at its word. One that was inferred says how often it saw what it claims, and is no more
 * certain than that: what it had seen thirty times may be otherwise once, and is a finding only if chance is no explanation.
 */

import { routeOf } from '../../trace/route.js';
import { rpcOf } from '../../trace/rpc.js';
import type { Trace, TraceBody } from '../../trace/trace.js';
import { bodyForm, mediaTypeOf, readFields } from '../endpoints/body-forms.js';
import { isKeyCookie, isKeyHeader, isKeyQuery } from '../endpoints/credentials.js';
import { type Breach, check, evidenceOf, valueOfText } from './conformance.js';
import { isDrift, NEW_BY_CHANCE_MAX, typeLong, unseenByChance } from './drift-odds.js';
import { createPathBeginning, createPathMatcher, type PathMatcher } from './path-matcher.js';
import type { Schema } from './schema.js';

export type FindingKind =
  | 'new-endpoint'
  | 'unseen-endpoint'
  | 'new-parameter'
  | 'missing-parameter'
  | 'new-status'
  | 'new-media-type'
  | 'new-property'
  | 'missing-property'
  | 'other-type'
  | 'other-format'
  | 'other-value';

export interface Finding {
  readonly kind: FindingKind;
  /** Whether it is drift, or so little that it may be chance. */
  readonly isDrift: boolean;
  readonly method: string;
  /** The template of the document; where it has none the path, without values if the document is inferred. */
  readonly path: string;
  /** `response 200 application/json .items[].name`. */
  readonly where: string;
  readonly what: string;
  readonly count: number;
  /** How many requests could have shown it. */
  readonly of: number;
  /** Trace ids, of the first few. */
  readonly traces: readonly string[];
}

interface Noted {
  readonly kind: FindingKind;
  readonly method: string;
  readonly path: string;
  readonly where: string;
  readonly what: string;
  readonly evidence: number | null;
  readonly members: number;
  readonly long: number | null;
  readonly opportunity: string;
  count: number;
  readonly traces: string[];
}

/** Successes of another status are rare, and null is what is optional. */
const SUCCESS_LONG = 30;
const NULL_LONG = 60;
const FINDINGS_MAX = 10_000;
const TRACES_MAX = 5;
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const NOT_FOUND = new Set([404, 405, 501]);

const ANY_TRACE = '';

type Members = Record<string, unknown>;

/** Takes traces, and says what was found. */
export class Drift {
  readonly #paths: Record<string, Schema>;
  readonly #resolve: (schema: Schema) => Schema;
  readonly #match: PathMatcher;
  readonly #beginning: (path: string) => string;
  readonly #isInferred: boolean;
  /** How many exchanges the document was inferred from. */
  readonly #exchanges: number | null;
  readonly #noted = new Map<string, Noted>();
  readonly #visits = new Map<string, number>();
  readonly #seen = new Set<string>();
  /** How often a type must have been the only one, in this document. */
  readonly #typeLong: number;
  #traces = 0;

  constructor(document: Members) {
    this.#paths = membersOf(document.paths) as Record<string, Schema>;
    this.#resolve = resolverOf(document);
    this.#isInferred = membersOf(document.info)['x-observed'] !== undefined;
    const { exchanges } = membersOf(membersOf(document.info)['x-observed']);
    this.#exchanges = this.#isInferred ? Number(exchanges ?? 0) : null;
    const { varying, places } = typesIn(document);
    this.#typeLong = typeLong(varying, places);
    this.#beginning = createPathBeginning(Object.keys(this.#paths));
    const servers = Array.isArray(document.servers) ? (document.servers as { url?: unknown }[]) : [];
    this.#match = createPathMatcher(
      Object.keys(this.#paths),
      servers.flatMap(({ url }) => (typeof url === 'string' ? [url] : [])),
    );
  }

  get traces(): number {
    return this.#traces;
  }

  add(trace: Trace): void {
    this.#traces++;
    const { request, response } = trace;
    const method = request.method.toLowerCase();
    this.#visit(ANY_TRACE);
    const matched = this.#match(
      request.path,
      (template) => this.#resolve(this.#paths[template] as Schema)[method] !== undefined,
    );
    const item = matched === null ? undefined : this.#resolve(this.#paths[matched.template] as Schema);
    const operation = item?.[method] as Schema | undefined;
    if (matched === null || item === undefined || operation === undefined) {
      if (response === null || NOT_FOUND.has(response.status) || !METHODS.includes(method)) return;
      const path = matched?.template ?? (this.#isInferred ? this.#beginning(routeOf(request.path)) : request.path);
      const evidence = this.#exchanges;
      this.#note({ kind: 'new-endpoint', where: '', what: 'is not in the document', path, evidence }, trace, ANY_TRACE);
      return;
    }
    const at = `${method} ${matched.template}`;
    this.#seen.add(at);
    this.#visit(at);
    const checking = { trace, operation, item, at, path: matched.template };
    if (response === null || response.status < 400 || response.status >= 500) {
      this.#visit(`${at} accepted`);
      this.#checkParameters(checking, matched.parameters);
      this.#checkRequest(checking);
    }
    if (response !== null) this.#checkResponse(checking, response);
  }

  /** In the order of paths, methods and places. */
  findings(): Finding[] {
    const totals = this.#isInferred ? this.#totals() : [];
    const found = [...this.#noted.values()].map((noted): Finding => {
      const of = Math.max(noted.count, this.#visits.get(noted.opportunity) ?? noted.count);
      const { kind, method, path, where, what, count, traces, evidence, members, long } = noted;
      return {
        kind,
        isDrift:
          kind === 'new-endpoint' && evidence !== null
            ? unseenByChance(totals, count, of, evidence) < NEW_BY_CHANCE_MAX
            : isDrift({ kind, long, count, of, evidence, members }),
        method,
        path,
        where,
        what,
        count,
        of,
        traces,
      };
    });
    for (const [path, given] of Object.entries(this.#paths))
      for (const method of METHODS) {
        const item = this.#resolve(given);
        if (item[method] === undefined || this.#seen.has(`${method} ${path}`)) continue;
        found.push({
          kind: 'unseen-endpoint',
          isDrift: false,
          method: method.toUpperCase(),
          path,
          where: '',
          what: 'was not seen',
          count: 0,
          of: this.#traces,
          traces: [],
        });
      }
    const key = ({ path, method, where, kind }: Finding) => `${path}\n${method}\n${where}\n${kind}`;
    return found.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  /** How often each operation was seen, when the document was made and since. */
  #totals(): number[] {
    const unknown = [...this.#noted.values()].flatMap(({ kind, count }) => (kind === 'new-endpoint' ? count : []));
    const known = Object.entries(this.#paths).flatMap(([path, given]) => {
      const item = this.#resolve(given);
      return METHODS.flatMap((method) => {
        const operation = item[method] as Schema | undefined;
        if (operation === undefined) return [];
        return [(evidenceOf(operation) ?? 0) + (this.#visits.get(`${method} ${path}`) ?? 0)];
      });
    });
    return [...known, ...unknown];
  }

  #checkParameters({ trace, operation, item, at, path }: Checking, inPath: ReadonlyMap<string, string>): void {
    const declared = new Map<string, Schema>();
    for (const given of [...listOf(item.parameters), ...listOf(operation.parameters)]) {
      const parameter = this.#resolve(given);
      declared.set(
        `${parameter.in} ${String(parameter.in) === 'header' ? String(parameter.name).toLowerCase() : parameter.name}`,
        parameter,
      );
    }
    const sent = sentParameters(trace.request, inPath);
    for (const [key, parameter] of declared) {
      const [place, name] = splitKey(key);
      const values = sent.get(key);
      const where = `${place} ${name}`;
      const evidence = this.#isInferred ? evidenceOf(parameter) : null;
      if (values === undefined) {
        if (parameter.required === true && place !== 'path' && !(place === 'header' && IGNORED_HEADERS.test(name)))
          this.#note({ kind: 'missing-parameter', where, what: 'is missing', path, evidence }, trace, `${at} accepted`);
        continue;
      }
      const schema = this.#resolve(membersOf(parameter.schema));
      for (const text of valuesOf(values, parameter, schema))
        this.#checkValue(text.schema, text.value, { where, path, trace, evidence });
    }
    for (const [key] of sent) {
      const [place, name] = splitKey(key);
      if (declared.has(key) || place !== 'query' || isKeyQuery(name)) continue;
      const evidence = this.#isInferred ? evidenceOf(operation) : null;
      this.#note(
        { kind: 'new-parameter', where: key, what: 'is not described', path, evidence },
        trace,
        `${at} accepted`,
      );
    }
  }

  #checkRequest({ trace, operation, path }: Checking): void {
    const { body, headers } = trace.request;
    if (body.wireBytes === 0 && body.content.length === 0) return;
    if (rpcOf(trace) !== null) return;
    const described = this.#resolve(membersOf(operation.requestBody));
    const evidence = this.#isInferred ? evidenceOf(operation) : null;
    this.#checkBody({ where: 'request', body, headers, content: membersOf(described.content), path, evidence }, trace);
  }

  #checkResponse({ trace, operation, at, path }: Checking, response: NonNullable<Trace['response']>): void {
    const responses = membersOf(operation.responses);
    const status = String(response.status);
    const described =
      responses[status] ?? responses[`${status[0]}XX`] ?? responses[`${status[0]}xx`] ?? responses.default;
    const evidence = this.#isInferred ? evidenceOf(operation) : null;
    if (described === undefined) {
      if (response.status > 0)
        this.#note(
          {
            kind: 'new-status',
            where: `response ${status}`,
            what: 'is not described',
            path,
            evidence,
            long: response.status < 400 ? SUCCESS_LONG : null,
          },
          trace,
          at,
        );
      return;
    }
    const { body, headers } = response;
    if (body.wireBytes === 0 && body.content.length === 0) return;
    const answer = this.#resolve(described as Schema);
    const seen = this.#isInferred ? evidenceOf(answer) : null;
    this.#checkBody(
      { where: `response ${status}`, body, headers, content: membersOf(answer.content), path, evidence: seen },
      trace,
    );
  }

  #checkBody({ where, body, headers, content, path, evidence }: CheckedBody, trace: Trace): void {
    const type = mediaTypeOf(headers, body.content);
    // A person who names no media type at all leaves the body open.
    if (Object.keys(content).length === 0 && !this.#isInferred) return;
    const described = mediaOf(content, type);
    this.#visit(`${trace.request.method} ${path} ${where}`);
    if (described === undefined) {
      this.#note(
        { kind: 'new-media-type', where: `${where} ${type}`, what: 'is not described', path, evidence },
        trace,
        `${trace.request.method} ${path} ${where}`,
      );
      return;
    }
    const form = bodyForm(type);
    if (
      form === 'opaque' ||
      form === 'text' ||
      body.truncated ||
      body.codingError !== null ||
      body.omitted !== undefined
    )
      return;
    const read = readFields(form, body.content, headers);
    if (read === null) return;
    const media = this.#resolve(described as Schema);
    this.#checkValue(media.schema as Schema | undefined, read.value, {
      where: `${where} ${type}`,
      path,
      trace,
      evidence: null,
    });
  }

  #checkValue(schema: Schema | undefined, value: unknown, { where, path, trace, evidence }: CheckedValue): void {
    const at = `${trace.request.method} ${path} ${where}`;
    check(schema, value, '', {
      resolve: this.#resolve,
      visit: (place) => this.#visit(`${at} ${place}`),
      breach: (breach) => {
        const parent =
          breach.claim === 'required' || breach.claim === 'property'
            ? breach.path.slice(0, breach.path.lastIndexOf('.'))
            : breach.path;
        this.#note(
          {
            kind: KINDS[breach.claim],
            where: `${where} ${breach.path}`.trim(),
            what: breach.what,
            path,
            evidence: this.#isInferred ? (evidence ?? breach.evidence ?? 0) : null,
            members: breach.members ?? 0,
            long: breach.claim === 'null' ? NULL_LONG : breach.claim === 'type' ? this.#typeLong : null,
          },
          trace,
          `${at} ${parent}`,
        );
      },
    });
  }

  #visit(place: string): void {
    this.#visits.set(place, (this.#visits.get(place) ?? 0) + 1);
  }

  #note(
    finding: Omit<Noted, 'method' | 'opportunity' | 'count' | 'traces' | 'members' | 'long'> & {
      members?: number;
      long?: number | null;
    },
    trace: Trace,
    opportunity: string,
  ): void {
    const { method } = trace.request;
    const key = `${finding.kind} ${method} ${finding.path} ${finding.where} ${finding.what}`;
    let noted = this.#noted.get(key);
    if (noted === undefined) {
      if (this.#noted.size >= FINDINGS_MAX) return;
      noted = { members: 0, long: null, ...finding, method, opportunity, count: 0, traces: [] };
      this.#noted.set(key, noted);
    }
    noted.count++;
    if (noted.traces.length < TRACES_MAX && trace.traceId !== '' && !noted.traces.includes(trace.traceId))
      noted.traces.push(trace.traceId);
  }
}

interface Checking {
  readonly trace: Trace;
  readonly operation: Schema;
  readonly item: Schema;
  readonly at: string;
  readonly path: string;
}

interface CheckedBody {
  readonly where: string;
  readonly body: TraceBody;
  readonly headers: Trace['request']['headers'];
  readonly content: Members;
  readonly path: string;
  readonly evidence: number | null;
}

interface CheckedValue {
  readonly where: string;
  readonly path: string;
  readonly trace: Trace;
  readonly evidence: number | null;
}

const KINDS: Readonly<Record<Breach['claim'], FindingKind>> = {
  type: 'other-type',
  null: 'other-type',
  format: 'other-format',
  enum: 'other-value',
  bounds: 'other-value',
  required: 'missing-property',
  property: 'new-property',
};

/** By OpenAPI 3.1 §4.8.12, parameters of these names are ignored. */
const IGNORED_HEADERS = /^(?:accept|content-type|authorization)$/;

function sentParameters(request: Trace['request'], inPath: ReadonlyMap<string, string>): Map<string, string[]> {
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

function valuesOf(values: readonly string[], parameter: Schema, schema: Schema): { schema: Schema; value: unknown }[] {
  const isArray = schema.type === 'array' || (Array.isArray(schema.type) && schema.type.includes('array'));
  if (schema.type === 'object' || parameter.content !== undefined) return [];
  if (!isArray) return values.map((text) => ({ schema, value: valueOfText(text, schema) }));
  const items = membersOf(schema.items);
  const separator = parameter.style === 'pipeDelimited' ? '|' : parameter.style === 'spaceDelimited' ? ' ' : ',';
  const texts =
    parameter.in === 'query' && parameter.explode !== false ? values : values.flatMap((text) => text.split(separator));
  return texts.map((text) => ({ schema: items, value: valueOfText(text, items) }));
}

function mediaOf(content: Members, type: string): unknown {
  const exact = Object.entries(content).find(([name]) => name.split(';', 1)[0]?.trim().toLowerCase() === type);
  return exact?.[1] ?? content[`${type.split('/', 1)[0]}/*`] ?? content['*/*'];
}

function splitKey(key: string): [string, string] {
  const space = key.indexOf(' ');
  return [key.slice(0, space), key.slice(space + 1)];
}

/** At how many places of a document types are described, and at how many of them several. */
function typesIn(document: Members): { varying: number; places: number } {
  let varying = 0;
  let places = 0;
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > TYPES_DEPTH_MAX) return;
    const { type, anyOf } = value as { type?: unknown; anyOf?: unknown };
    if (typeof type === 'string' || Array.isArray(type) || Array.isArray(anyOf)) {
      places++;
      if (Array.isArray(anyOf) || (Array.isArray(type) && type.filter((one) => one !== 'null').length > 1)) varying++;
    }
    for (const [key, member] of Object.entries(value)) if (!NO_SCHEMAS.has(key)) visit(member, depth + 1);
  };
  visit(document.paths, 0);
  visit(document.components, 0);
  return { varying, places };
}

const TYPES_DEPTH_MAX = 100;
const NO_SCHEMAS = new Set(['example', 'examples', 'enum', 'required', 'x-observed']);

/** References within the document; what is elsewhere is not looked for, and claims nothing. */
function resolverOf(document: Members): (schema: Schema) => Schema {
  return (schema) => {
    let at = schema;
    for (let steps = 0; steps < 16 && typeof at?.$ref === 'string'; steps++) {
      const { $ref } = at;
      if (!$ref.startsWith('#/')) return {};
      let found: unknown = document;
      for (const part of $ref.slice(2).split('/'))
        found = membersOf(found)[decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')];
      at = membersOf(found);
    }
    return at ?? {};
  };
}

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
const listOf = (value: unknown): Schema[] => (Array.isArray(value) ? (value as Schema[]) : []);
