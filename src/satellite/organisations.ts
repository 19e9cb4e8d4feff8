/**
 * What there is of each organisation: a store, a tail, packets. No two share any of it.
 *
 * in: settings · out: by its name, what one has; without `grants` there is one, whose name is `SOLE`
 */
import { SensorError } from '../errors.js';
import type { OrganisationContext } from './api/api.js';
import type { Takes } from './api/ingest-routes.js';
import { Latest, OneByOne, Slots } from './api/slots.js';
import { Tail } from './api/tail.js';
import { type FleetMatters, fleetMatters } from './fleet/capabilities.js';
import { Fleet } from './fleet/fleet.js';
import type { FleetRate } from './fleet/fleet-budget.js';
import { openFleet } from './fleet/open-fleet.js';
import { type Grant, SOLE } from './receive/grants.js';
import { inTurn, type Receive } from './receive/ingest.js';
import { PacketFiles } from './receive/packet-files.js';
import { type BodyBounds, readBody } from './receive/read-body.js';
import { formatSatelliteTraces, type SatelliteTrace } from './receive/satellite-trace.js';
import { openClickHouse } from './store/clickhouse/open-clickhouse.js';
import type { ClickHouseTarget } from './store/clickhouse/target.js';
import { numbered } from './store/numbered-store.js';
import { openStore } from './store/open-store.js';
import { type OrganisationPlace, placesOf } from './store/organisation-directories.js';
import { TraceStore } from './store/ring.js';
import type { Retention, Store } from './store/store.js';

/** Files of SQLite in a directory, where null is memory; or tables in ClickHouse, whose retention is one of time. */
export type StoreChoice = { readonly retention: Retention } & (
  | { readonly directory: string | null; readonly clickHouse?: never }
  | { readonly clickHouse: ClickHouseTarget; readonly directory?: never }
);

export interface OrganisationsSettings {
  readonly traces_max: number;
  readonly trace_bytes_max: number;
  readonly packet_bytes_max: number;
  readonly store?: StoreChoice;
  readonly spec?: string | null;
  readonly grants?: readonly Grant[];
  /** Budgets that sensors share, in each organisation by itself. */
  readonly fleetRates?: readonly FleetRate[];
  readonly onTrace?: (trace: SatelliteTrace) => void;
  readonly onLines?: (lines: string) => void;
  readonly onNotice?: (notice: string) => void;
}

/** One organisation. */
export interface Organisation extends Takes {
  readonly name: string;
  readonly store: Store | null;
  readonly matters: FleetMatters;
  /** What the API answers from; null without a store. */
  readonly api: OrganisationContext | null;
  /** `GET /traces`, in pieces. */
  text(): Iterable<Buffer> | AsyncIterable<string>;
  list(): readonly SatelliteTrace[];
  /** Those that read much, for as long as they like. */
  readonly readers: Latest;
}

/** Each has threads and caches of its own. */
export const ORGANISATIONS_MAX = 16;
/** One more ends the oldest: whoever reads slowly keeps nobody of the same organisation from reading. */
const READERS_MAX = 4;
/** Answers that may be large, and are under way at once; and how long one that is not read may keep others waiting. */
const LARGE_MAX = 4;
const LARGE_MILLIS = 20_000;
const PAGE_TRACES = 200;

export class Organisations {
  readonly #all: ReadonlyMap<string, Organisation>;

  private constructor(all: readonly Organisation[]) {
    this.#all = new Map(all.map((one) => [one.name, one]));
  }

  /** @throws SensorError where a store cannot be opened */
  static async open(settings: OrganisationsSettings, bounds: BodyBounds): Promise<Organisations> {
    const { store, grants } = settings;
    if (store === undefined) return new Organisations([withoutStore(settings, bounds)]);
    const opened: Organisation[] = [];
    try {
      for (const place of placesIn(store, grants)) opened.push(await withStore(settings, store, bounds, place));
    } catch (error) {
      for (const one of opened) await closeOne(one);
      throw error;
    }
    return new Organisations(opened);
  }

  /** @param name one that a token is of */
  of(name: string): Organisation {
    const one = this.#all.get(name);
    if (one === undefined) throw new Error('this organisation is not here');
    return one;
  }

  /** Where there are no organisations. */
  get sole(): Organisation | null {
    return this.#all.get(SOLE) ?? null;
  }

  get hasStores(): boolean {
    return [...this.#all.values()].every(({ store }) => store !== null);
  }

  get tailReaders(): number {
    return [...this.#all.values()].reduce((sum, { api }) => sum + (api?.tail.readers ?? 0), 0);
  }

  endTails(): void {
    for (const { api } of this.#all.values()) api?.tail.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all.values()].map(closeOne));
  }
}

async function closeOne({ api, store }: Organisation): Promise<void> {
  api?.tail.close();
  await store?.close();
}

function placesIn(
  { directory = null, clickHouse }: StoreChoice,
  grants: readonly Grant[] | undefined,
): OrganisationPlace[] {
  if (grants === undefined) return [{ name: SOLE, directory, range: 0 }];
  const names = [...new Set(grants.map(({ organisation }) => organisation))];
  if (names.length > ORGANISATIONS_MAX)
    throw new SensorError(
      `--tokens-file has ${names.length} organisations, and a satellite keeps ${ORGANISATIONS_MAX} apart; run one for each ${ORGANISATIONS_MAX}`,
    );
  // Numbers there are by the time, whoever's the traces are, and every query names the organisation.
  if (clickHouse !== undefined) return names.map((name) => ({ name, directory: null, range: 0 }));
  return placesOf(directory, names);
}

async function withStore(
  settings: OrganisationsSettings,
  { retention, clickHouse }: StoreChoice,
  bounds: BodyBounds,
  { name, directory, range }: OrganisationPlace,
): Promise<Organisation> {
  const about = {
    retention,
    bounds: { ...bounds, organisation: name },
    reports: settings.onLines !== undefined,
    spec: settings.spec ?? null,
  };
  const onNotice = settings.onNotice ?? (() => {});
  const own =
    clickHouse === undefined
      ? await openStore({ ...about, directory, onNotice })
      : await openClickHouse({ ...about, target: clickHouse }, onNotice);
  const store = range === 0 ? own : numbered(own, range);
  const packets = new PacketFiles({ bytes_max: settings.packet_bytes_max });
  const readers = new Latest(READERS_MAX);
  const matters = fleetMatters(settings.fleetRates ?? []);
  const fleet = await openFleet(store, matters.capabilities, settings.onNotice ?? (() => {}));
  return {
    name,
    store,
    packets,
    fleet,
    matters,
    readers,
    receive: store.receive,
    api: {
      store,
      packets,
      fleet,
      matters,
      tail: new Tail(store),
      large: new Slots(LARGE_MAX, LARGE_MILLIS),
      readers,
      pages: new OneByOne(),
    },
    text: () => receivedText(store, settings.traces_max),
    list: () => [],
  };
}

/** Holds the newest alone. */
function withoutStore(settings: OrganisationsSettings, bounds: BodyBounds): Organisation {
  const matters = fleetMatters(settings.fleetRates ?? []);
  const ring = new TraceStore({ traces_max: settings.traces_max, bytes_max: settings.trace_bytes_max });
  const receive: Receive = async (body, kind) => {
    const read = await readBody(body, kind, bounds);
    if ('status' in read) return read;
    ring.add(read.traces);
    if (settings.onTrace !== undefined) for (const trace of read.traces) settings.onTrace(trace);
    return {
      received: read.traces.length,
      rejected: read.rejected,
      reason: read.reason,
      ...(settings.onLines === undefined ? {} : { lines: formatSatelliteTraces(read.traces) }),
    };
  };
  return {
    name: SOLE,
    store: null,
    api: null,
    packets: new PacketFiles({ bytes_max: 0 }),
    fleet: new Fleet({ now: Date.now, capabilities: matters.capabilities }),
    matters,
    readers: new Latest(READERS_MAX),
    receive: inTurn(receive),
    text: () => ring.text(),
    list: () => ring.list(),
  };
}

/** The newest as they were received, oldest first, as a JSON array. */
async function* receivedText(store: Store, traces_max: number): AsyncGenerator<string> {
  const { lastSeq } = await store.facts();
  let separator = '[';
  for (let after: number | null = Math.max(0, lastSeq - traces_max); after !== null; ) {
    const page = await store.wholes({ filter: '', after, limit: PAGE_TRACES }, 'received');
    for (const { seq, text } of page.wholes) {
      if (seq > lastSeq) break;
      yield separator + text;
      separator = ',';
    }
    after = page.next !== null && page.next < lastSeq ? page.next : null;
  }
  yield separator === '[' ? '[]' : ']';
}
