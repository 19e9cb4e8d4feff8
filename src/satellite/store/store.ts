/**
 * What the satellite keeps, and how it is asked for. `SqliteEngine` is one of it, in a thread of its own (`open-store.ts`);
 * `test/satellite/store-contract.ts` is what any other has to pass.
 */
import type { EndpointRow } from '../endpoints/endpoint-table.js';
import type { Selection } from '../endpoints/inventory.js';
import type { Receipt, Receive } from '../receive/ingest.js';
import type { BodyKind, Refusal } from '../receive/read-body.js';
import type { DriftBefore, DriftFound } from './drift-of.js';
import type { SpecDrift } from './spec-watch.js';

/** A trace as the list shows it. */
export interface Row {
  /** Rising in the order of arrival; never used twice. */
  readonly seq: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Microseconds since 1970. */
  readonly start: number;
  /** Nanoseconds. */
  readonly duration: number;
  readonly kind: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  /** Null where there was no response. */
  readonly status: number | null;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly contentType: string;
  readonly protocol: string;
  readonly client: string;
  readonly service: string;
  readonly environment: string;
  readonly marks: readonly string[];
  /** Values that the sensor replaced. */
  readonly redactions: number;
}

export interface Query {
  /** In the filter language; empty is everything. */
  readonly filter: string;
  /** Traces with smaller numbers, newest first. */
  readonly before?: number;
  /** Traces with larger numbers, oldest first. */
  readonly after?: number;
  readonly limit: number;
}

export interface Page {
  readonly rows: readonly Row[];
  /** Where the next page begins: `before`, or `after`. Null where there is nothing more. */
  readonly next: number | null;
  /** Whether `limit` ended the page, rather than the time that a query may take. */
  readonly complete: boolean;
  /** The last number that was looked at. */
  readonly through: number;
}

/** As `--output ndjson` has it; as an entry of an HTTP Archive; or as it was received, for `GET /traces`. */
export type WholeForm = 'ndjson' | 'har' | 'received';

/** A trace with all that was said of it. */
export interface Whole {
  readonly seq: number;
  /** JSON, in the form that was asked for. */
  readonly text: string;
  readonly resource: Readonly<Record<string, string>>;
}

export interface WholePage extends Omit<Page, 'rows'> {
  readonly wholes: readonly Whole[];
}

/** One that sends. */
export interface Sensor {
  readonly service: string;
  readonly environment: string;
  readonly host: string;
  readonly instance: string;
  readonly version: string;
  /** Microseconds since 1970, by the satellite's clock. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly traces: number;
  /** Of these, those that a loss damaged: `gap`, `drops`, `midstream`, `shed`, `no-response`. */
  readonly damaged: number;
  /** The least share of the time that it watched, under a CPU budget. */
  readonly watchedShare: number | null;
}

export interface StoreFacts {
  readonly stored: number;
  readonly duplicates: number;
  readonly rejected: number;
  /** What retention took. */
  readonly evicted: number;
  readonly deleted: number;
  readonly held: number;
  readonly bytes: number;
  readonly oldest: number | null;
  readonly newest: number | null;
  readonly lastSeq: number;
}

/** What happened in a stretch of time. */
export interface Rate {
  /** Microseconds since 1970: where it begins. */
  readonly start: number;
  readonly traces: number;
  /** 5xx, or no response. */
  readonly failures: number;
  /** Nanoseconds. */
  readonly p50: number;
  readonly p95: number;
}

/** Calls with the same ends, as far as a span names them. */
export interface CallGroup {
  readonly kind: string;
  /** Whose sensor sent the span: who was asked, or asked, by the kind. */
  readonly service: string;
  readonly environment: string;
  readonly host: string;
  readonly client: string;
  readonly traces: number;
  /** 5xx, or no response. */
  readonly failures: number;
  /** All durations together. */
  readonly nanos: number;
}

export interface Calls {
  /** Microseconds since 1970: when the first and the last began. */
  readonly from: number;
  readonly to: number;
  readonly traces: number;
  /** The busiest first. */
  readonly groups: readonly CallGroup[];
  /** Traces of groups that are not there. */
  readonly left: number;
}

export interface Values {
  readonly methods: readonly string[];
  readonly hosts: readonly string[];
  readonly services: readonly string[];
  readonly environments: readonly string[];
}

/** How long and how much is kept. */
export interface Retention {
  readonly millis: number;
  readonly bytes: number;
}

/** Which traces to forget: all that hold. */
export interface Forget {
  readonly traceId?: string;
  readonly filter?: string;
  readonly olderThanMillis?: number;
}

export interface Store {
  /** Resolves when what it says is kept is kept, also through a kill. */
  readonly receive: Receive;
  list(query: Query): Promise<Page>;
  get(seq: number, form: WholeForm): Promise<Whole | null>;
  /** As `list`, with all of each; a page ends early where it gets large. */
  wholes(query: Query, form: WholeForm): Promise<WholePage>;
  sensors(): Promise<readonly Sensor[]>;
  /** How often and how fast the newest that pass the filter were, in `stretches` of equal length. */
  rates(filter: string, stretches: number): Promise<readonly Rate[]>;
  /** Calls by their ends, of the newest that pass the filter. */
  calls(filter: string): Promise<Calls>;
  values(): Promise<Values>;
  facts(): Promise<StoreFacts>;
  /** What the traces so far show that services offer, also those that retention took since. */
  endpoints(selection: Selection): Promise<readonly EndpointRow[]>;
  /** The same as an OpenAPI 3.1 document. */
  openApi(selection: Selection): Promise<object>;
  /** Where the newest traces that pass a filter part from a document, JSON or YAML. */
  drift(document: string, filter: string): Promise<DriftFound>;
  /** Where what came in parts from the document that the satellite was started with. */
  specDrift(): Promise<SpecDrift>;
  /** Where the newest traces that pass a filter part from what all showed so long ago, or as long ago as it is known. */
  driftBefore(ageMillis: number, filter: string): Promise<DriftBefore>;
  /** Path templates that are right whatever the traces say. */
  templates(): Promise<readonly string[]>;
  setTemplates(templates: readonly string[]): Promise<void>;
  /** Keys of what a person was told of; null where nobody was ever to be told. */
  told(): Promise<readonly string[] | null>;
  setTold(keys: readonly string[]): Promise<void>;
  /** What sensors are asked for, as JSON; null where nobody ever set it. */
  configurations(): Promise<string | null>;
  setConfigurations(text: string): Promise<void>;
  close(): Promise<void>;
}

export type { BodyKind, Receipt, Refusal };
