/**
 * Adds one trace to the facts of its operation.
 */
import type { Trace, TraceBody } from '../../trace/trace.js';
import { type BodyRoom, observe, observeParameter } from '../openapi/shape.js';
import { bodyForm, mediaTypeOf, readFields } from './body-forms.js';
import { countUp, slot } from './bounded-map.js';
import {
  authorizationKind,
  isKeyCookie,
  isKeyHeader,
  isKeyQuery,
  isOrdinaryRequestHeader,
  isOrdinaryResponseHeader,
} from './credentials.js';
import {
  type BodyFacts,
  CAPS,
  keepExample,
  newBody,
  newParameter,
  newResponse,
  type OperationFacts,
  type ParameterFacts,
} from './operation-facts.js';
import { noteDuration } from './quantile-sketch.js';
import { sensitiveKindsOf } from './sensitive.js';

type Pairs = Trace['request']['headers'];

export function noteExchange(operation: OperationFacts, trace: Trace, room: BodyRoom): void {
  const { request, response } = trace;
  operation.count++;
  const seen = Number(trace.startTimeUnixNano / 1_000_000n);
  operation.firstSeen = Math.min(operation.firstSeen, seen);
  operation.lastSeen = Math.max(operation.lastSeen, seen);
  operation.requestBytes += request.body.wireBytes;
  const caller = trace.client?.address ?? trace.network.client.address;
  if (caller !== '') countUp(operation.callers, caller, CAPS.callers_max);
  for (const { where, rule } of trace.redactions ?? [])
    countUp(operation.sensitive, `${where} ${rule}`, CAPS.sensitive_max);

  const isAccepted = response === null || response.status < 400 || response.status >= 500;
  if (isAccepted) operation.accepted++;
  const credentials = new Set<string>();
  noteQuery(operation, request.query, credentials, isAccepted);
  noteHeaders(operation, request.headers, credentials, isAccepted);
  for (const kind of credentials) countUp(operation.credentials, kind, CAPS.credentials_max);
  if (credentials.size === 0) operation.anonymous++;

  if (isAccepted) {
    const type = mediaTypeOf(request.headers, request.body.content);
    if (request.body.wireBytes > 0 || request.body.content.length > 0)
      noteBody(
        { map: operation.request, type, body: request.body, where: 'request.body', headers: request.headers },
        operation,
        room,
      );
  }
  if (response === null) {
    operation.unanswered++;
    return;
  }
  if (trace.durationNano > 0) noteDuration(operation.durations, trace.durationNano);
  operation.responseBytes += response.body.wireBytes;
  const facts = slot(operation.responses, String(response.status), CAPS.statuses_max, newResponse);
  if (facts === null) return;
  facts.count++;
  noteResponseHeaders(facts.headers, response.headers);
  if (response.body.wireBytes === 0 && response.body.content.length === 0) facts.empty++;
  else {
    const type = mediaTypeOf(response.headers, response.body.content);
    noteBody(
      { map: facts.bodies, type, body: response.body, where: 'response.body', headers: response.headers },
      operation,
      room,
    );
  }
}

function noteQuery(operation: OperationFacts, query: string, credentials: Set<string>, isAccepted: boolean): void {
  if (query === '') return;
  const values = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(query.slice(0, 16384))) {
    if (name === '' || name.length > 128) continue;
    const list = values.get(name);
    if (list === undefined) values.set(name, [value]);
    else if (list.length < 100) list.push(value);
  }
  for (const [name, list] of values) {
    if (isKeyQuery(name)) credentials.add(`apiKey query ${name}`);
    else noteParameter(slot(operation.query, name, CAPS.parameters_max, newParameter), list, isAccepted);
  }
}

function noteHeaders(operation: OperationFacts, headers: Pairs, credentials: Set<string>, isAccepted: boolean): void {
  const values = new Map<string, string[]>();
  for (const [sentName, value] of headers) {
    const name = sentName.toLowerCase();
    if (name === 'authorization') credentials.add(authorizationKind(value));
    else if (name === 'cookie') noteCookies(operation, value, credentials, isAccepted);
    else if (isOrdinaryRequestHeader(name) || name.length > 128) continue;
    else if (isKeyHeader(name)) credentials.add(`apiKey header ${name}`);
    else {
      const list = values.get(name);
      if (list === undefined) values.set(name, [value]);
      else list.push(value);
    }
  }
  for (const [name, list] of values)
    noteParameter(slot(operation.headers, name, CAPS.parameters_max, newParameter), [list.join(', ')], isAccepted);
}

function noteCookies(operation: OperationFacts, header: string, credentials: Set<string>, isAccepted: boolean): void {
  for (const part of header.slice(0, 16384).split(';', 100)) {
    const equals = part.indexOf('=');
    const name = part.slice(0, Math.max(0, equals)).trim();
    if (name === '' || name.length > 128) continue;
    if (isKeyCookie(name)) credentials.add(`apiKey cookie ${name}`);
    // Those of analytics are the page's, not the API's.
    else if (!/^(?:_ga|_gid|_gat|_fb|__utm|_hj|ajs_|optimizely|amplitude|intercom|mp_)/i.test(name))
      noteParameter(
        slot(operation.cookies, name, CAPS.parameters_max, newParameter),
        [part.slice(equals + 1).trim()],
        isAccepted,
      );
  }
}

function noteParameter(parameter: ParameterFacts | null, values: readonly string[], isAccepted: boolean): void {
  if (parameter === null) return;
  parameter.count++;
  if (isAccepted) parameter.accepted++;
  if (values.length > 1) parameter.repeated++;
  for (const value of values) {
    observeParameter(parameter.shape, value);
    if (value.includes(',') && LIST.test(value)) parameter.lists++;
    for (const item of LIST.test(value) ? value.split(',') : [value]) observeParameter(parameter.items, item);
  }
}

/** Members without spaces; a member may be anything else that is no prose. */
const LIST = /^[^\s,]{1,200}(?:,[^\s,]{1,200}){0,200}$/;

function noteResponseHeaders(into: Map<string, ParameterFacts>, headers: Pairs): void {
  for (const [sentName, value] of headers) {
    const name = sentName.toLowerCase();
    if (!isOrdinaryResponseHeader(name) && name.length <= 128)
      noteParameter(slot(into, name, CAPS.parameters_max, newParameter), [value], true);
  }
}

interface SeenBody {
  readonly map: Map<string, BodyFacts>;
  readonly type: string;
  readonly body: TraceBody;
  readonly where: 'request.body' | 'response.body';
  readonly headers: Pairs;
}

function noteBody({ map, type, body, where, headers }: SeenBody, operation: OperationFacts, room: BodyRoom): void {
  const facts = slot(map, type, CAPS.media_types_max, newBody);
  if (facts === null) return;
  facts.count++;
  const form = bodyForm(type);
  if (form === 'opaque') return;
  const fields =
    body.truncated || body.codingError !== null || body.omitted !== undefined
      ? null
      : readFields(form, body.content, headers);
  if (fields === null) {
    facts.partial++;
    return;
  }
  const { value, text } = fields;
  room.bodies++;
  observe(facts.shape, value, room);
  keepExample(facts, text);
  for (const { path, kind } of sensitiveKindsOf(value))
    countUp(operation.sensitive, `${where}${path} ${kind}`, CAPS.sensitive_max);
}
