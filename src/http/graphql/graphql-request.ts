/**
 * Whether a request speaks GraphQL, and what it asks for (GraphQL over HTTP, https://graphql.github.io/graphql-over-http/draft/).
 *
 *     GET /graphql?query={me{name}}                       the parameters of the URL
 *     POST {"query":…}, [{"query":…},…]                   JSON, several of them in an array
 *     POST query=…                                        a form
 *     POST multipart/form-data, a part "operations"       JSON, with files beside it
 *     POST application/graphql                            the document itself
 *
 * in:  method, query and the beginning of a body · out: one operation for each request in it, or null
 *
 * What is not said is null: the type of a persisted query, or the name where the document has several operations and none was
 * chosen. A document that is cut off may hold more than what came of it.
 */
import { type Operation, type OperationType, readOperations } from './document.js';
import { type GraphqlParameters, readGraphqlJson } from './request-json.js';

export interface GraphqlOperation {
  type: OperationType | null;
  name: string | null;
  /** The name of the document, where that was sent earlier or is known to the server. */
  persisted: string | null;
}

export interface GraphqlRequestParts {
  readonly method: string;
  /** The query of the URL, without the question mark. */
  readonly query: string;
  readonly contentType: string;
  /** Content codings undone. */
  readonly body: Buffer;
  /** Whether there was more of it. */
  readonly isCut: boolean;
}

export interface GraphqlLimits {
  /** Bytes of a body that are read. */
  readonly bytesMax: number;
  /** Requests of a batch. */
  readonly operationsMax: number;
}

/** Null where nothing shows that it is one. */
export function readGraphql(parts: GraphqlRequestParts, limits: GraphqlLimits): GraphqlOperation[] | null {
  if (parts.method === 'GET') return parametersInUrl(parts.query, limits);
  if (parts.method !== 'POST') return null;
  const body = parts.body.subarray(0, limits.bytesMax);
  if (body.length === 0) return parametersInUrl(parts.query, limits);
  const isCut = parts.isCut || body.length < parts.body.length;
  const type = (parts.contentType.split(';', 1)[0] as string).trim().toLowerCase();
  if (type === 'application/graphql') {
    const document = { ...NOTHING, query: body.toString(), isQueryCut: isCut, isWhole: !isCut };
    return operationsOf([withName(document, parts.query)], limits);
  }
  if (type === 'application/x-www-form-urlencoded') {
    const text = body.toString('latin1');
    return MAY_BE_PARAMETERS.test(text) ? operationsOf([parametersOf(text, isCut)], limits) : null;
  }
  const json = type === 'multipart/form-data' ? operationsPart(body, parts.contentType) : body;
  if (json === null || !mayBeJson(json)) return parametersInUrl(parts.query, limits);
  return operationsOf(readGraphqlJson(json, limits.operationsMax), limits);
}

const NOTHING: GraphqlParameters = {
  query: null,
  isQueryCut: false,
  operationName: null,
  persisted: null,
  isWhole: true,
};

function operationsOf(requests: readonly GraphqlParameters[], limits: GraphqlLimits): GraphqlOperation[] | null {
  const found: GraphqlOperation[] = [];
  for (const request of requests) {
    const one = operationOf(request, limits);
    // A batch is of GraphQL alone.
    if (one === null) return null;
    found.push(one);
  }
  return found.length === 0 ? null : found;
}

const HASH = /^(?:sha256:)?[0-9a-f]{64}$/i;
const NAME = /^[_A-Za-z][_0-9A-Za-z]{0,127}$/;
/** Whatever else a server may call a document. */
const PERSISTED = /^[\x21-\x7e]{1,128}$/;

function operationOf(request: GraphqlParameters, limits: GraphqlLimits): GraphqlOperation | null {
  const { query, isQueryCut } = request;
  const persisted = request.persisted !== null && PERSISTED.test(request.persisted) ? request.persisted : null;
  const chosen = request.operationName !== null && NAME.test(request.operationName) ? request.operationName : null;
  if (query === null || query === '') {
    // Many things are called documentId.
    if (persisted === null || (chosen === null && !HASH.test(persisted))) return null;
    return { type: null, name: chosen, persisted };
  }
  const operations = readOperations(query, isQueryCut, limits.operationsMax);
  if (operations === null) return null;
  return { ...pick(operations, chosen, !isQueryCut && request.isWhole), persisted };
}

/** GetOperation (GraphQL §6.1): the one that was chosen by name, else the only one; `isAll`: there can be no others, and no choice. */
function pick(
  operations: readonly Operation[],
  chosen: string | null,
  isAll: boolean,
): Pick<GraphqlOperation, 'type' | 'name'> {
  if (chosen !== null) return { type: operations.find(({ name }) => name === chosen)?.type ?? null, name: chosen };
  const [only] = operations;
  return operations.length === 1 && isAll && only !== undefined ? only : { type: null, name: null };
}

const MAY_BE_PARAMETERS = /(?:^|&)(?:query|extensions|documentId)=/;

/** Whether the query of a URL may ask for something. */
export function mayAskInUrl(query: string): boolean {
  return query.length > SHORTEST_PARAMETER && MAY_BE_PARAMETERS.test(query);
}

const SHORTEST_PARAMETER = 'query='.length;

function parametersInUrl(query: string, limits: GraphqlLimits): GraphqlOperation[] | null {
  if (query.length > limits.bytesMax || !MAY_BE_PARAMETERS.test(query)) return null;
  return operationsOf([parametersOf(query, false)], limits);
}

function parametersOf(text: string, isCut: boolean): GraphqlParameters {
  const given = new URLSearchParams(text);
  const extensions = given.get('extensions');
  const persisted =
    extensions === null
      ? null
      : (readGraphqlJson(Buffer.from(`{"extensions":${extensions}}`), 1)[0]?.persisted ?? null);
  return {
    query: given.get('query'),
    isQueryCut: isCut,
    operationName: given.get('operationName'),
    persisted: persisted ?? given.get('documentId'),
    isWhole: !isCut,
  };
}

/** The choice stands in the URL where the body is the document. */
function withName(request: GraphqlParameters, query: string): GraphqlParameters {
  if (!query.includes('operationName=')) return request;
  return { ...request, operationName: new URLSearchParams(query).get('operationName') };
}

/** Most JSON is none of this, and finding that out takes no walk. */
function mayBeJson(body: Buffer): boolean {
  const first = body[0];
  if (first !== 0x7b && first !== 0x5b && first !== 0x20 && first !== 0x0a && first !== 0x0d && first !== 0x09)
    return false;
  return body.includes('"query"') || body.includes('"persistedQuery"') || body.includes('"documentId"');
}

const BOUNDARY = /boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i;
const OPERATIONS_PART = /^content-disposition:[^\r\n]*[;\s]name="?operations"?\s*(?:;|\r|$)/im;
const PART_HEAD_BYTES_MAX = 1024;
/** Parts that are looked at: that of the operations comes first (GraphQL multipart request specification). */
const PARTS_MAX = 4;

/** The content of the part "operations"; null where there is none among the first parts. */
function operationsPart(body: Buffer, contentType: string): Buffer | null {
  const [, quoted, plain] = BOUNDARY.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return null;
  const delimiter = `--${boundary}`;
  let start = body.indexOf(delimiter);
  for (let part = 0; start >= 0 && part < PARTS_MAX; part++) {
    const head = start + delimiter.length;
    const end = body.indexOf(`\r\n${delimiter}`, head);
    const headEnd = body.subarray(0, Math.min(body.length, head + PART_HEAD_BYTES_MAX)).indexOf('\r\n\r\n', head);
    if (headEnd >= 0 && OPERATIONS_PART.test(body.toString('latin1', head, headEnd)))
      return body.subarray(headEnd + 4, end < 0 ? body.length : end);
    start = end < 0 ? -1 : end + 2;
  }
  return null;
}
