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
import { isKeyQuery } from '../endpoints/credentials.js';
import { type Breach, check, evidenceOf } from './conformance.js';
import {
  acceptedOf,
  byChanceMax,
  type DocumentRates,
  documentRates,
  exchangesIn,
  type Happening,
} from './document-rates.js';
import { observedOf } from './observed.js';
import { createPathBeginning, createPathMatcher, type PathMatcher } from './path-matcher.js';
import type { Schema } from './schema.js';
import { declaredParameters, IGNORED_HEADERS, sentParameters, splitKey, valuesOf } from './sent-parameters.js';

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
  /** In how many exchanges an inferred document saw it hold; null where a document does not say. */
  readonly held: number | null;
  /** How many such findings were to be expected if nothing had changed; null where every one is drift. */
  readonly chance: number | null;
  /** Trace ids, of the first few. */
  readonly traces: readonly string[];
}

interface Noted {
  readonly kind: FindingKind;
  /** What the kind is but for chance, where that has rates of its own. */
  readonly happening: Happening;
  readonly method: string;
  readonly path: string;
  readonly where: string;
  readonly what: string;
  readonly evidence: number | null;
  readonly opportunity: string;
  count: number;
  /** The number of the last exchange that showed it. */
  last: number;
  /** How many exchanges showed each value that an enumeration does not have. */
  readonly members: Map<string, Visits>;
  /** How many it has. */
  readonly known: number;
  readonly traces: string[];
}

/** How many exchanges came to a place. */
interface Visits {
  count: number;
  last: number;
}

const FINDINGS_MAX = 10_000;
const TRACES_MAX = 5;
const MEMBERS_MAX = 32;
const MEMBER_LENGTH_MAX = 64;
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
  readonly #visits = new Map<string, Visits>();
  readonly #seen = new Set<string>();
  /** What an inferred document's service does without having changed. */
  readonly #rates: DocumentRates | null;
  #traces = 0;

  constructor(document: Members) {
    this.#paths = membersOf(document.paths) as Record<string, Schema>;
    this.#resolve = resolverOf(document);
    this.#exchanges = exchangesIn(document);
    this.#isInferred = this.#exchanges !== null;
    this.#rates = this.#isInferred ? documentRates(document) : null;
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
    const declared = declaredParameters(item, operation, this.#resolve);
    const sent = sentParameters(request, matched.parameters);
    const checking = { trace, operation, declared, sent, at, path: matched.template };
    const isAccepted = response === null || response.status < 400 || response.status >= 500;
    // What does not fit the values that an inferred template was made of may be another endpoint's.
    if (isAccepted && !this.#checkValues(checking, true) && this.#rates !== null) return;
    if (isAccepted) {
      this.#visit(`${at} accepted`);
      this.#checkValues(checking, false);
      this.#checkNames(checking);
      this.#checkRequest(checking);
    }
    if (response !== null) this.#checkResponse(checking, response);
  }

  /** In the order of paths, methods and places. */
  findings(): Finding[] {
    const found = [...this.#noted.values()].map((noted): Finding => {
      const of = Math.max(noted.count, this.#visits.get(noted.opportunity)?.count ?? noted.count);
      const { kind, happening, method, path, where, what, count, traces, evidence } = noted;
      const chance =
        evidence === null || this.#rates === null
          ? null
          : this.#rates[happening].expected(evidence, of, ofOneThing(noted));
      const isDrift = chance === null || chance < byChanceMax(kind);
      return { kind, isDrift, method, path, where, what, count, of, held: evidence, chance, traces };
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
          held: null,
          chance: null,
          traces: [],
        });
      }
    const key = ({ path, method, where, kind }: Finding) => `${path}\n${method}\n${where}\n${kind}`;
    return found.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  /** Those of the path, or all others. Out: whether they are as declared. */
  #checkValues({ trace, declared, sent, path }: Checking, isOfPath: boolean): boolean {
    let isRight = true;
    for (const [key, parameter] of declared) {
      const values = sent.get(key);
      const [place] = splitKey(key);
      if (values === undefined || (place === 'path') !== isOfPath) continue;
      const evidence = this.#isInferred ? evidenceOf(parameter) : null;
      const happening = isOfPath ? 'path' : undefined;
      const schema = this.#resolve(membersOf(parameter.schema));
      for (const text of valuesOf(values, parameter, schema))
        if (!this.#checkValue(text.schema, text.value, { where: key, path, trace, evidence, happening }))
          isRight = false;
    }
    return isRight;
  }

  /** Which parameters there are. */
  #checkNames({ trace, operation, declared, sent, at, path }: Checking): void {
    const chance = `${at} accepted`;
    for (const [key, parameter] of declared) {
      const [place, name] = splitKey(key);
      if (sent.has(key) || parameter.required !== true || place === 'path') continue;
      if (place === 'header' && IGNORED_HEADERS.test(name)) continue;
      const evidence = this.#isInferred ? (observedOf(parameter)?.accepted ?? evidenceOf(parameter)) : null;
      this.#note({ kind: 'missing-parameter', where: key, what: 'is missing', path, evidence }, trace, chance);
    }
    const evidence = this.#isInferred ? acceptedOf(operation) : null;
    for (const key of sent.keys()) {
      const [place, name] = splitKey(key);
      if (declared.has(key) || place !== 'query' || isKeyQuery(name)) continue;
      this.#note({ kind: 'new-parameter', where: key, what: 'is not described', path, evidence }, trace, chance);
    }
  }

  #checkRequest({ trace, operation, at, path }: Checking): void {
    const { body, headers } = trace.request;
    if (body.wireBytes === 0 && body.content.length === 0) return;
    if (rpcOf(trace) !== null) return;
    const described = this.#resolve(membersOf(operation.requestBody));
    const evidence = this.#isInferred ? (evidenceOf(described) ?? acceptedOf(operation)) : null;
    const content = membersOf(described.content);
    this.#checkBody({ where: 'request', body, headers, content, path, evidence, chance: `${at} accepted` }, trace);
  }

  #checkResponse({ trace, operation, at, path }: Checking, response: NonNullable<Trace['response']>): void {
    const responses = membersOf(operation.responses);
    const status = String(response.status);
    const where = `response ${status}`;
    const described =
      responses[status] ?? responses[`${status[0]}XX`] ?? responses[`${status[0]}xx`] ?? responses.default;
    if (described === undefined) {
      if (response.status === 0) return;
      const evidence = this.#isInferred ? evidenceOf(operation) : null;
      const happening = response.status < 400 ? 'new-status' : 'failure';
      this.#note({ kind: 'new-status', happening, where, what: 'is not described', path, evidence }, trace, at);
      return;
    }
    const chance = `${at} ${status}`;
    this.#visit(chance);
    const { body, headers } = response;
    if (body.wireBytes === 0 && body.content.length === 0) return;
    const answer = this.#resolve(described as Schema);
    const evidence = this.#isInferred ? evidenceOf(answer) : null;
    this.#checkBody({ where, body, headers, content: membersOf(answer.content), path, evidence, chance }, trace);
  }

  #checkBody({ where, body, headers, content, path, evidence, chance }: CheckedBody, trace: Trace): void {
    const type = mediaTypeOf(headers, body.content);
    const isOpen = Object.keys(content).length === 0;
    // A person who names no media type at all leaves the body open.
    if (isOpen && !this.#isInferred) return;
    const described = mediaOf(content, type);
    const withBody = `${chance} body`;
    this.#visit(withBody);
    if (described === undefined) {
      this.#note(
        {
          kind: 'new-media-type',
          // A body where there was none is as likely as a property.
          happening: isOpen ? 'new-property' : 'new-media-type',
          where: `${where} ${type}`,
          what: 'is not described',
          path,
          evidence,
        },
        trace,
        isOpen ? chance : withBody,
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

  /** Out: whether it is as described. */
  #checkValue(schema: Schema | undefined, value: unknown, checked: CheckedValue): boolean {
    const { where, path, trace, evidence, happening } = checked;
    let isRight = true;
    const at = `${trace.request.method} ${path} ${where}`;
    check(schema, value, '', {
      resolve: this.#resolve,
      visit: (place) => this.#visit(`${at} ${place}`),
      breach: (breach) => {
        isRight = false;
        const luck = happening ?? (breach.claim === 'null' || breach.claim === 'fraction' ? breach.claim : undefined);
        this.#note(
          {
            kind: KINDS[breach.claim],
            ...(luck === undefined ? {} : { happening: luck }),
            where: `${where} ${breach.path}`.trim(),
            what: breach.what,
            path,
            evidence: this.#isInferred ? (evidence ?? breach.evidence ?? 0) : null,
            known: breach.member?.known ?? 0,
          },
          trace,
          `${at} ${breach.chance}`,
          breach.member?.value,
        );
      },
    });
    return isRight;
  }

  /** Once an exchange, however many values it has there. */
  #visit(place: string): void {
    countOnce(this.#visits, place, this.#traces);
  }

  /** `member`: a value that an enumeration does not have. */
  #note(finding: NewFinding, trace: Trace, opportunity: string, member?: unknown): void {
    const { method } = trace.request;
    const key = `${finding.kind} ${method} ${finding.path} ${finding.where} ${finding.what}`;
    let noted = this.#noted.get(key);
    if (noted === undefined) {
      if (this.#noted.size >= FINDINGS_MAX) return;
      const happening = finding.kind as Happening;
      noted = {
        happening,
        known: 0,
        ...finding,
        method,
        opportunity,
        count: 0,
        last: 0,
        members: new Map(),
        traces: [],
      };
      this.#noted.set(key, noted);
    }
    if (member !== undefined && noted.members.size < MEMBERS_MAX)
      countOnce(noted.members, String(member).slice(0, MEMBER_LENGTH_MAX), this.#traces);
    if (noted.last === this.#traces) return;
    noted.last = this.#traces;
    noted.count++;
    if (noted.traces.length < TRACES_MAX && trace.traceId !== '' && !noted.traces.includes(trace.traceId))
      noted.traces.push(trace.traceId);
  }
}

function countOnce(visits: Map<string, Visits>, key: string, exchange: number): void {
  const there = visits.get(key);
  if (there === undefined) visits.set(key, { count: 1, last: exchange });
  else if (there.last !== exchange) {
    there.count++;
    there.last = exchange;
  }
}

/** How often the same thing happened: of a few new values the most frequent one; many say that there is no enumeration any more. */
function ofOneThing({ count, members, known }: Noted): number {
  if (members.size === 0 || members.size > Math.min(known, MEMBERS_MAX - 1)) return count;
  return Math.max(...[...members.values()].map((visits) => visits.count));
}

type NewFinding = Pick<Noted, 'kind' | 'path' | 'where' | 'what' | 'evidence'> &
  Partial<Pick<Noted, 'happening' | 'known'>>;

interface Checking {
  readonly trace: Trace;
  readonly operation: Schema;
  readonly declared: ReadonlyMap<string, Schema>;
  readonly sent: ReadonlyMap<string, string[]>;
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
  /** What was visited each time that there could have been a body. */
  readonly chance: string;
}

interface CheckedValue {
  readonly where: string;
  readonly path: string;
  readonly trace: Trace;
  readonly evidence: number | null;
  readonly happening?: Happening | undefined;
}

const KINDS: Readonly<Record<Breach['claim'], FindingKind>> = {
  type: 'other-type',
  null: 'other-type',
  fraction: 'other-type',
  format: 'other-format',
  enum: 'other-value',
  bounds: 'other-value',
  required: 'missing-property',
  property: 'new-property',
};

function mediaOf(content: Members, type: string): unknown {
  const exact = Object.entries(content).find(([name]) => name.split(';', 1)[0]?.trim().toLowerCase() === type);
  return exact?.[1] ?? content[`${type.split('/', 1)[0]}/*`] ?? content['*/*'];
}

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
