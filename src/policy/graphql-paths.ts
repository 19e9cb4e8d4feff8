/**
 * Which paths speak GraphQL, by what was seen of them, and what a request on one asks for: all operations of a service have one
 * path, and would be one endpoint.
 *
 * in: exchanges, by the number of their endpoint · out: whether a body is worth waiting for, and a text that names operations
 */
import { contentCodings, decodeSmall } from '../http/content-coding.js';
import { mayAskInUrl, readGraphql } from '../http/graphql/graphql-request.js';
import { bodyBeginning } from '../http/message-body.js';
import { DEFAULT_LIMITS } from '../limits.js';
import type { Exchange } from '../pair/exchange.js';
import { requestQuery } from '../pair/request-target.js';

export class GraphqlPaths {
  /** In the order they were noted last. */
  readonly #paths = new Set<number>();
  readonly #pathsMax: number;
  readonly #onEvicted: () => void;

  constructor(pathsMax: number, onEvicted: () => void) {
    this.#pathsMax = pathsMax;
    this.#onEvicted = onEvicted;
  }

  has(endpoint: number): boolean {
    return this.#paths.has(endpoint);
  }

  note(endpoint: number): void {
    if (!this.#paths.delete(endpoint) && this.#paths.size >= this.#pathsMax) {
      for (const oldest of this.#paths) {
        this.#paths.delete(oldest);
        break;
      }
      this.#onEvicted();
    }
    this.#paths.add(endpoint);
  }
}

/** Whether its body may hold operations that its head does not tell. */
export function mayWaitForGraphql({ request }: Exchange): boolean {
  return request.method === 'POST';
}

const BODY_LIMITS = {
  bytesMax: DEFAULT_LIMITS.graphql_verdict_bytes_max,
  operationsMax: DEFAULT_LIMITS.graphql_operations_max,
};

/** `query Cart` of what has come of the request; empty where it names no operation. */
export function operationText({ request }: Exchange): string {
  const { method, target, headers, body } = request;
  const query = requestQuery(target);
  // Most requests are read no further than this.
  if (body.keptBytes === 0 && !mayAskInUrl(query)) return '';
  const parts = { method, query, contentType: '', body: NOTHING, isCut: body.truncated };
  if (body.keptBytes > 0) {
    const { bytesMax } = BODY_LIMITS;
    parts.contentType = headers.get('content-type') ?? '';
    parts.isCut ||= body.keptBytes > bytesMax;
    const beginning = bodyBeginning(body, bytesMax);
    const codings = contentCodings(headers.getAll('content-encoding'));
    const decoded = decodeSmall(beginning, codings, bytesMax, parts.isCut);
    if (decoded === null || decoded.error !== null) return '';
    const { content } = decoded;
    parts.body = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  }
  const operations = readGraphql(parts, BODY_LIMITS);
  if (operations === null) return '';
  return operations.map(({ type, name, persisted }) => `${type ?? '?'} ${name ?? persisted ?? ''}`).join(',');
}

const NOTHING: Buffer = Buffer.alloc(0);
