/** The shapes of the API's answers, in JSON Schema 2020-12. */

const text = { type: 'string' };
const integer = { type: 'integer' };
const number = { type: 'number' };
const counts = { type: 'object', additionalProperties: { type: 'integer' } };
const integerOrNull = { type: ['integer', 'null'] };
const list = (items: object): object => ({ type: 'array', items });
const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });

/** All members are required and there are no others, so that what is not described is found. */
function object(properties: Record<string, object>): object {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

const findings = list({
  type: 'object',
  properties: {
    kind: text,
    isDrift: { type: 'boolean', description: 'false: so little that it may be chance' },
    method: text,
    path: text,
    where: text,
    what: text,
    count: integer,
    of: integer,
    traces: list(text),
  },
  required: ['kind', 'isDrift', 'method', 'path', 'where', 'what', 'count', 'of', 'traces'],
});

export const SCHEMAS = {
  Any: {},
  Text: text,
  Failure: {
    type: 'object',
    properties: { message: { ...text, description: 'what is wrong, and the way out' }, at: integer },
    required: ['message'],
  },
  Row: object({
    seq: { ...integer, description: 'rising in the order of arrival; names the trace' },
    traceId: text,
    spanId: text,
    start: { ...integer, description: 'microseconds since 1970' },
    duration: { ...integer, description: 'nanoseconds' },
    kind: { enum: ['server', 'client'] },
    method: text,
    host: text,
    path: text,
    query: text,
    status: { ...integerOrNull, description: 'null where there was no response' },
    requestBytes: integer,
    responseBytes: integer,
    contentType: text,
    protocol: text,
    client: text,
    service: text,
    environment: text,
    marks: { ...list(text), description: 'what is incomplete or unusual about it' },
    redactions: { ...integer, description: 'values that the sensor replaced' },
  }),
  Page: object({
    rows: list(ref('Row')),
    next: { ...integerOrNull, description: 'before (or after) of the next page; null where there is none' },
    complete: { type: 'boolean', description: 'false: the time of a query ran out; ask on with next' },
    through: { ...integer, description: 'the last number that was looked at' },
  }),
  Whole: object({
    seq: integer,
    trace: { type: 'object', description: 'as --output ndjson has it; docs/trace.schema.json' },
    resource: { type: 'object', additionalProperties: text, description: 'what its sensor says of itself' },
    packets: { ...integerOrNull, description: 'bytes of its packets; null where its sensor sent none' },
  }),
  Rates: list(
    object({
      start: integer,
      traces: integer,
      failures: { ...integer, description: '5xx, or no response' },
      p50: { type: 'number', description: 'nanoseconds' },
      p95: { type: 'number', description: 'nanoseconds' },
    }),
  ),
  Endpoints: list(
    object({
      service: text,
      host: text,
      method: text,
      template: { ...text, description: 'path with {names} where values stand' },
      graphql: { type: ['string', 'null'] },
      count: integer,
      unanswered: integer,
      statuses: counts,
      latency: {
        oneOf: [{ type: 'null' }, object({ p50: number, p90: number, p99: number })],
        description: 'nanoseconds',
      },
      firstSeen: { ...number, description: 'milliseconds since 1970' },
      lastSeen: number,
      credentials: { ...counts, description: 'by kind' },
      anonymous: { ...integer, description: 'requests without any' },
      callers: { ...counts, description: 'by address' },
      requestBytes: integer,
      responseBytes: integer,
      sensitive: list(object({ field: text, kind: text, count: integer })),
    }),
  ),
  DriftAsked: object({
    document: { ...text, description: 'an OpenAPI 3 document, JSON or YAML' },
    filter: text,
  }),
  Drift: object({ traces: integer, findings }),
  SpecDrift: object({
    title: { type: ['string', 'null'], description: 'of the document; null where there is none' },
    traces: integer,
    passedOver: { ...integer, description: 'traces that there was no time for' },
    through: { ...integer, description: 'the number of the last that was looked at' },
    findings,
  }),
  DriftBefore: object({
    since: {
      ...integerOrNull,
      description: 'milliseconds since 1970: when it was; null where there is nothing to compare with yet',
    },
    snapshots: { ...list(integer), description: 'when it may have been, one a day' },
    traces: integer,
    findings,
  }),
  Templates: object({ templates: list(text) }),
  Token: object({ token: text }),
  Sensors: list(
    object({
      service: text,
      environment: text,
      host: text,
      instance: text,
      version: text,
      firstSeen: integer,
      lastSeen: integer,
      traces: integer,
      damaged: { ...integer, description: 'of these, with a mark that something was lost' },
      watchedShare: { type: ['number', 'null'], description: 'least share of the time that it watched' },
    }),
  ),
  Fleet: object({
    agents: list(
      object({
        id: { ...text, description: 'the instance uid' },
        service: text,
        environment: text,
        version: text,
        host: text,
        attributes: { type: 'object', additionalProperties: text },
        firstSeen: { ...integer, description: 'microseconds since 1970' },
        lastSeen: integer,
        hasEnded: { type: 'boolean', description: 'it said that it ends' },
        isSigned: { type: 'boolean', description: 'it has proved that it knows a key' },
        healthy: { type: ['boolean', 'null'], description: 'null where it does not say' },
        status: text,
        lastError: text,
        components: list(object({ name: text, healthy: { type: 'boolean' }, status: text, lastError: text })),
        capabilities: list(text),
        configuration: object({
          status: { enum: ['none', 'applied', 'applying', 'failed'] },
          hash: text,
          refused: { ...text, description: 'why; empty where nothing was' },
          effective: { type: ['string', 'null'], description: 'what is in force, as the agent says it' },
        }),
      }),
    ),
    evicted: { ...integer, description: 'agents forgotten to make room' },
  }),
  Configurations: object({
    configurations: list(
      object({
        service: { ...text, description: 'empty for any' },
        environment: { ...text, description: 'empty for any' },
        configuration: { type: 'object', description: 'docs/remote-configuration.schema.json describes it' },
      }),
    ),
  }),
  FleetBudgets: object({
    budgets: list(
      object({
        scope: { enum: ['all', 'environment', 'service'] },
        name: { ...text, description: 'empty for all' },
        perMinute: { ...integer, description: 'traces' },
        sensors: integer,
        asked: { type: 'number', description: 'traces a minute that there were, by what sensors see' },
        leased: { ...integer, description: 'traces a minute that sensors may keep' },
        kept: { type: 'number', description: 'traces a minute that they say they keep' },
        refused: { ...integer, description: 'reports that there was no room for' },
      }),
    ),
  }),
  ServiceMap: object({
    from: { ...integer, description: 'microseconds since 1970: when the first of the traces began' },
    to: integer,
    traces: integer,
    nodes: list(
      object({
        id: text,
        kind: {
          enum: ['service', 'host', 'callers'],
          description:
            'host: asked, and no sensor of it is known; callers: all who ask and of whom none is known, together',
        },
        name: text,
        environment: text,
      }),
    ),
    edges: list(
      object({
        from: { ...text, description: 'the id of a node' },
        to: text,
        traces: { ...integer, description: 'of the end that told of more' },
        failures: { ...integer, description: '5xx, or no response' },
        perMinute: number,
        duration: { ...integer, description: 'nanoseconds, on average' },
        seenBy: list({ enum: ['client', 'server'] }),
      }),
    ),
    left: { ...integer, description: 'traces that are on none of these edges: only the busiest 200 are there' },
  }),
  FleetConnections: object({
    groups: list(
      object({
        sensors: { ...list(text), description: 'instance uids' },
        ways: { ...integer, description: 'services, and ways of one client to a service, that they share' },
      }),
    ),
    missed: {
      ...integer,
      description: 'exchanges, of those compared, that one of a group did not see while it was taken to see the same',
    },
    refused: { ...integer, description: 'sensors, exchanges and pairs that there was no room to compare' },
  }),
  ResponseOrders: object({
    orders: list(
      object({
        id: text,
        match: { ...text, description: 'as --active-response-rule has it' },
        seconds: { type: 'number', description: 'how long it holds, an hour at most' },
        service: { ...text, description: 'the only service it is for; empty for all' },
      }),
    ),
    actions: list(
      object({
        sensor: { ...text, description: 'the instance uid' },
        did: { ...text, description: 'reset, dry-run or refused' },
        by: { ...text, description: "the order's id, or the sensor's own rule" },
        connection: text,
        reason: { ...text, description: 'why it was refused' },
      }),
    ),
  }),
  ResponseOrder: object({ id: text, match: text, seconds: { type: 'number' }, service: text }),
  Facts: object({
    stored: integer,
    duplicates: integer,
    rejected: integer,
    evicted: { ...integer, description: 'what retention took' },
    deleted: integer,
    held: integer,
    bytes: integer,
    oldest: integerOrNull,
    newest: integerOrNull,
    lastSeq: integer,
  }),
  Fields: object({
    fields: list(object({ name: text, type: text, example: text, help: text })),
    marks: list(object({ name: text, help: text })),
    values: object({ methods: list(text), hosts: list(text), services: list(text), environments: list(text) }),
  }),
} as const;

export type Schema = keyof typeof SCHEMAS;
