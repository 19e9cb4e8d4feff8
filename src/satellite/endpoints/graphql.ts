/**
 * The operation of GraphQL that a request is.
 *
 * in: a trace, with what the sensor said of it or without · out: `query Hero`, or null where it is no such request
 */
import { type GraphqlOperation, readGraphql } from '../../http/graphql/graphql-request.js';
import type { Trace } from '../../trace/trace.js';

const LIMITS = { bytesMax: 256 << 10, operationsMax: 8 };
const NAME_LENGTH_MAX = 80;

export function graphqlOperation({ request, graphql }: Trace): string | null {
  const operations = graphql ?? (/graphql|\/gql\b/i.test(request.path) ? read(request) : null);
  if (operations === null || operations.length === 0) return null;
  const names = operations.map(({ type, name, persisted }) =>
    [type, name ?? persisted].filter((part) => part !== null).join(' '),
  );
  return [...new Set(names)].join(', ').slice(0, NAME_LENGTH_MAX) || null;
}

function read({ method, query, headers, body }: Trace['request']): GraphqlOperation[] | null {
  const { content, truncated } = body;
  return readGraphql(
    {
      method,
      query,
      contentType: headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '',
      body: Buffer.from(content.buffer, content.byteOffset, content.byteLength),
      isCut: truncated,
    },
    LIMITS,
  );
}
