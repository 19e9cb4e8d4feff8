/**
 * What the traces of one method at one path have shown: parameters, bodies, statuses, durations, callers.
 *
 * Everything merges: sums, extremes, sets that keep the same members whatever order they came in.
 */
import { mergeShape, newShape, type Room, type Shape } from '../openapi/shape.js';
import { hashOf, mergeCounts, slot } from './bounded-map.js';
import { mergeSketch, type QuantileSketch } from './quantile-sketch.js';

export interface OperationFacts {
  count: number;
  /** How many of them the server took: what it refused is no evidence of what it takes. */
  accepted: number;
  /** How many of them had no answer. */
  unanswered: number;
  /** Milliseconds since 1970. */
  firstSeen: number;
  lastSeen: number;
  query: Map<string, ParameterFacts>;
  headers: Map<string, ParameterFacts>;
  cookies: Map<string, ParameterFacts>;
  /** By media type. */
  request: Map<string, BodyFacts>;
  /** By status. */
  responses: Map<string, ResponseFacts>;
  /** Kinds of credentials, as `security.ts` names them. */
  credentials: Map<string, number>;
  anonymous: number;
  callers: Map<string, number>;
  durations: QuantileSketch;
  requestBytes: number;
  responseBytes: number;
  /** `response.body.email` and what it held: `e-mail`. */
  sensitive: Map<string, number>;
}

export interface ParameterFacts {
  /** Requests that had it. */
  count: number;
  /** How many of them the server took. */
  accepted: number;
  /** How many of them had it more than once. */
  repeated: number;
  /** How many values were a list between commas. */
  lists: number;
  shape: Shape;
  /** Of the members of lists; of the whole text where it is none. */
  items: Shape;
}

export interface BodyFacts {
  count: number;
  /** Bodies that could not be read whole: nothing is concluded from what they lack. */
  partial: number;
  shape: Shape;
  /** One of them, as text; null where all were too long. */
  example: string | null;
}

export interface ResponseFacts {
  count: number;
  /** Responses without a body. */
  empty: number;
  headers: Map<string, ParameterFacts>;
  bodies: Map<string, BodyFacts>;
}

export const CAPS = {
  parameters_max: 200,
  media_types_max: 12,
  statuses_max: 48,
  callers_max: 64,
  credentials_max: 16,
  sensitive_max: 128,
  example_length_max: 4096,
} as const;

export function newOperation(): OperationFacts {
  return {
    count: 0,
    accepted: 0,
    unanswered: 0,
    firstSeen: Number.POSITIVE_INFINITY,
    lastSeen: 0,
    query: new Map(),
    headers: new Map(),
    cookies: new Map(),
    request: new Map(),
    responses: new Map(),
    credentials: new Map(),
    anonymous: 0,
    callers: new Map(),
    durations: new Map(),
    requestBytes: 0,
    responseBytes: 0,
    sensitive: new Map(),
  };
}

export const newParameter = (): ParameterFacts => ({
  count: 0,
  accepted: 0,
  repeated: 0,
  lists: 0,
  shape: newShape(),
  items: newShape(),
});
export const newBody = (): BodyFacts => ({ count: 0, partial: 0, shape: newShape(), example: null });
export const newResponse = (): ResponseFacts => ({ count: 0, empty: 0, headers: new Map(), bodies: new Map() });

/** Keeps the one of least hash, so that it does not matter which came first. */
export function keepExample(body: BodyFacts, text: string): void {
  if (text.length > CAPS.example_length_max || text === '') return;
  if (body.example === null) {
    body.example = text;
    return;
  }
  const difference = hashOf(text) - hashOf(body.example);
  if (difference < 0 || (difference === 0 && text < body.example)) body.example = text;
}

export function mergeOperation(into: OperationFacts, from: OperationFacts, room: Room): void {
  into.count += from.count;
  into.accepted += from.accepted;
  into.unanswered += from.unanswered;
  into.firstSeen = Math.min(into.firstSeen, from.firstSeen);
  into.lastSeen = Math.max(into.lastSeen, from.lastSeen);
  into.anonymous += from.anonymous;
  into.requestBytes += from.requestBytes;
  into.responseBytes += from.responseBytes;
  mergeParameters(into.query, from.query, room);
  mergeParameters(into.headers, from.headers, room);
  mergeParameters(into.cookies, from.cookies, room);
  mergeBodies(into.request, from.request, room);
  for (const [status, response] of from.responses) {
    const target = slot(into.responses, status, CAPS.statuses_max, newResponse);
    if (target === null) continue;
    target.count += response.count;
    target.empty += response.empty;
    mergeParameters(target.headers, response.headers, room);
    mergeBodies(target.bodies, response.bodies, room);
  }
  mergeCounts(into.credentials, from.credentials, CAPS.credentials_max);
  mergeCounts(into.callers, from.callers, CAPS.callers_max);
  mergeCounts(into.sensitive, from.sensitive, CAPS.sensitive_max);
  mergeSketch(into.durations, from.durations);
}

function mergeParameters(into: Map<string, ParameterFacts>, from: Map<string, ParameterFacts>, room: Room): void {
  for (const [name, parameter] of from) {
    const target = slot(into, name, CAPS.parameters_max, newParameter);
    if (target === null) continue;
    target.count += parameter.count;
    target.accepted += parameter.accepted;
    target.repeated += parameter.repeated;
    target.lists += parameter.lists;
    mergeShape(target.items, parameter.items, room);
    mergeShape(target.shape, parameter.shape, room);
  }
}

function mergeBodies(into: Map<string, BodyFacts>, from: Map<string, BodyFacts>, room: Room): void {
  for (const [type, body] of from) {
    const target = slot(into, type, CAPS.media_types_max, newBody);
    if (target === null) continue;
    target.count += body.count;
    target.partial += body.partial;
    mergeShape(target.shape, body.shape, room);
    if (body.example !== null) keepExample(target, body.example);
  }
}
