/**
 * The shape of a trace as NDJSON, as JSON Schema 2020-12: docs/trace.schema.json is made of it, and what the sensor prints is
 * held to it.
 */
import { MARK_ROWS } from '../../src/pair/exchange.js';

const text = (description: string) => ({ type: 'string', description });
const count = (description: string) => ({ type: 'integer', minimum: 0, description });
/** An integer that a double need not hold. */
const nanos = (description: string) => ({ type: 'string', pattern: '^-?[0-9]+$', description });
const hex = (digits: number, description: string) => ({
  type: 'string',
  pattern: `^[0-9a-f]{${digits}}$`,
  description,
});

/** Fields may be added, and no reader may fail for that: other properties are allowed. */
function object(properties: Readonly<Record<string, unknown>>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required };
}

const HEADERS = {
  type: 'array',
  description: 'Name and value as sent, in order, repeats kept.',
  items: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'string' }], items: false, minItems: 2 },
};

const BODY = object(
  {
    wireBytes: count('Bytes as transferred, after chunk decoding and before content decoding.'),
    bytes: count('Bytes after content decoding.'),
    truncated: { type: 'boolean', description: 'Whether `content` lacks some of them.' },
    encoding: { enum: ['utf8', 'base64'], description: 'How `content` is written.' },
    content: text('The body, up to --max-http-length.'),
    codingError: text('Why the content coding could not be undone; `content` is then as transferred.'),
    omitted: text('Why redaction left the content out: nobody could have looked into it.'),
  },
  ['codingError', 'omitted'],
);

const MESSAGE = object(
  {
    direction: { enum: ['request', 'response'], description: 'Request: sent by the client.' },
    kind: {
      enum: ['text', 'binary', 'ping', 'pong', 'close', 'event', 'line', 'message'],
      description:
        'A frame of a WebSocket by its opcode, a server-sent event, a line of JSON, or a message of a remote procedure call.',
    },
    opcode: count('Of a frame of a WebSocket (RFC 6455 §11.8).'),
    offsetNano: nanos('When its last byte came, from the start.'),
    wireBytes: count('Bytes of its payload as transferred.'),
    bytes: count('Bytes of its content.'),
    truncated: { type: 'boolean', description: 'Whether `content` lacks some of them.' },
    encoding: { enum: ['utf8', 'base64'], description: 'How `content` is written.' },
    content: text('As much of it as was kept; of a server-sent event its data.'),
    codingError: text('Why its compression could not be undone; `content` is then empty.'),
    omitted: text('Why redaction left the content out: nobody could have looked into it.'),
    closeCode: count("Of a WebSocket's close frame (RFC 6455 §7.4); its `content` is the reason."),
    event: text('The type of a server-sent event, where it has one.'),
    id: text('The id of a server-sent event, where it has one.'),
    retry: count('Milliseconds that a server-sent event says to wait before the client comes again.'),
  },
  ['opcode', 'codingError', 'omitted', 'closeCode', 'event', 'id', 'retry'],
);

const SEEN = object({
  count: count('Messages, kept or not, control frames left out.'),
  bytes: count('Bytes of their contents.'),
  control: count('Ping, pong and close.'),
  lostBytes: count(
    'Bytes, as far as they could be counted, in which there may have been messages that could not be read.',
  ),
});

const ENDPOINT = object({
  address: text('An IP address in canonical form (RFC 5952).'),
  port: { type: 'integer', minimum: 0, maximum: 65_535 },
});

const POD = {
  anyOf: [
    { type: 'null', description: 'Not known, or no pod.' },
    object({
      namespace: text('Of the pod.'),
      workload: {
        anyOf: [
          { type: 'null', description: 'None: a pod of its own.' },
          object({ kind: text('Such as Deployment.'), name: text('Of the workload.') }),
        ],
      },
      pod: text('Its name.'),
      container: { type: ['string', 'null'], description: 'The one that listens on the port, or the only one.' },
    }),
  ],
};

export function traceSchema() {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A trace',
    description:
      'One line of `pcap-sensor apidump --output ndjson`: an HTTP exchange. Fields are added, never renamed.',
    ...object(
      {
        traceId: hex(32, 'That of a valid traceparent header, else random.'),
        spanId: hex(16, 'Random.'),
        parentSpanId: {
          anyOf: [
            hex(16, 'That of the traceparent header; of a later window of a stream, the first window.'),
            { type: 'null' },
          ],
        },
        kind: { enum: ['server', 'client'], description: 'Server where its address belongs to the task.' },
        startTimeUnixNano: nanos('First byte of the request, in nanoseconds since the Unix epoch.'),
        durationNano: nanos('Until the last byte seen.'),
        timing: object({
          requestEndNano: nanos('Last byte of the request, from the start.'),
          responseStartNano: { anyOf: [nanos('First byte of the response, from the start.'), { type: 'null' }] },
        }),
        network: object(
          {
            interface: text('Where it was captured.'),
            protocol: text('HTTP version, such as 1.1 and 2.'),
            client: ENDPOINT,
            server: ENDPOINT,
            leg: text('Which of several places on its way it was seen in.'),
            streamId: count('The stream of the connection, of HTTP/2.'),
            streamError: text('Why one side gave the stream up, by the name of the error code (RFC 9113 §7).'),
          },
          ['leg', 'streamId', 'streamError'],
        ),
        client: object({
          address: text('The client behind the proxies that are trusted.'),
          port: { type: ['integer', 'null'], minimum: 0, maximum: 65_535 },
          source: text('Who named it, such as peer or forwarded.'),
        }),
        kubernetes: object({ client: POD, server: POD }),
        request: object({
          method: text('As sent; empty where it is not known: `headers-unknown`.'),
          scheme: { enum: ['http', 'https'] },
          authority: text('host[:port], of the target, :authority or the Host header, else the address of the server.'),
          target: text('As sent (RFC 9112 §3.2, RFC 9113 §8.3.1); empty where it is not known: `headers-unknown`.'),
          path: text('As sent.'),
          query: text('Without the question mark.'),
          headers: HEADERS,
          trailers: HEADERS,
          body: BODY,
        }),
        response: {
          anyOf: [
            { type: 'null', description: 'None came.' },
            object({
              status: {
                type: 'integer',
                minimum: 0,
                maximum: 999,
                description: '0 where it is not known: `headers-unknown`.',
              },
              reason: text('As sent.'),
              headers: HEADERS,
              trailers: HEADERS,
              body: BODY,
            }),
          ],
        },
        marks: {
          type: 'array',
          description: 'What is incomplete or unusual about it; docs/reference.md says what each means.',
          uniqueItems: true,
          items: { enum: Object.values(MARK_ROWS).map(({ name }) => name) },
        },
        window: count('Which window of a stream it is; absent where it is the whole exchange.'),
        messages: {
          type: 'array',
          description: 'The first messages of a stream each way, up to --stream-messages; absent where it is none.',
          items: MESSAGE,
        },
        messagesSeen: {
          ...object({ request: SEEN, response: SEEN }),
          description: 'How many messages there were, each way.',
        },
        route: text(
          'The path without values, as in /users/{userId}; absent where nothing was found at it, there are too many, or --no-routes is given.',
        ),
        rpc: {
          ...object(
            {
              system: { enum: ['grpc'], description: 'Which kind of call: gRPC, or gRPC-Web.' },
              service: {
                type: ['string', 'null'],
                description: 'As in helloworld.Greeter; null where the path has none.',
              },
              method: { type: ['string', 'null'], description: 'As in SayHello; null where the path has none.' },
              status: {
                type: ['string', 'null'],
                description: 'OK, or the name of what went wrong; null where none came.',
              },
              message: text('What the server says of it.'),
            },
            ['message'],
          ),
          description: 'What the exchange is as a remote procedure call, if it is one.',
        },
        graphql: {
          ...object({
            operations: {
              type: 'array',
              minItems: 1,
              description: 'One for each request of a batch.',
              items: object(
                {
                  type: {
                    enum: ['query', 'mutation', 'subscription', null],
                    description: 'Null where nothing says it, as of a persisted query.',
                  },
                  name: {
                    type: ['string', 'null'],
                    description: 'As in Cart of `query Cart { … }`; null without one.',
                  },
                  persistedQuery: text('The hash or name by which the server knows the document.'),
                },
                ['persistedQuery'],
              ),
            },
          }),
          description: 'What the request asks of a GraphQL service, if it does.',
        },
        adjustedCount: {
          type: 'number',
          exclusiveMinimum: 1,
          description:
            'How many exchanges it stands for, itself included, by the sample rate and the limits; absent where it stands for itself alone.',
        },
        watchedShare: {
          type: 'number',
          minimum: 0,
          maximum: 1,
          description: 'Share of the last half minute in which exchanges were admitted, under a CPU budget.',
        },
        redactions: {
          type: 'array',
          description: 'Which rules replaced something, and where; docs/policy.md says what each replaces.',
          items: object({
            where: text('As in `request.header.x-api-key` and `response.body.access_token`.'),
            rule: text('As in `name:token` and `looks:jwt`.'),
          }),
        },
      },
      [
        'client',
        'kubernetes',
        'window',
        'messages',
        'messagesSeen',
        'route',
        'rpc',
        'graphql',
        'adjustedCount',
        'watchedShare',
        'redactions',
      ],
    ),
  };
}
