/**
 * Looks at what the store holds now and then, and tells of what is new.
 *
 * in: a store · out: events, each once, also across restarts where the store is on disk
 */
import type { EndpointRow } from '../endpoints/endpoint-table.js';
import type { SpecDrift } from '../store/spec-watch.js';
import type { Sensor, Store } from '../store/store.js';
import { Delivery, type DeliverySettings } from './delivery.js';
import {
  driftFound,
  endpointKey,
  keyOf,
  type NewEndpoint,
  type NotifyEvent,
  newEndpoint,
  silentSensor,
} from './event.js';

export interface NotifySettings extends Omit<DeliverySettings, 'onSettled'> {
  /** How long a sensor sends nothing until it counts as silent. */
  readonly silence_millis: number;
}

const LOOK_MILLIS = 1000;
/** Later than this a trace of the time before the last look hardly comes. */
const SPLIT_MILLIS = 60_000;
/** The share of its time that the store may take to be looked at. */
const LOOK_SHARE = 0.05;
/** What was told; the oldest is forgotten. */
const TOLD_MAX = 50_000;
/** A sensor that was silent for longer when the satellite started is no news. */
const OLD_SILENCE_MILLIS = 24 * 3600e3;
/** Endpoints that were told of, by either of the two that find them. */
const PLACES_MAX = 5000;

/** An endpoint, whoever found it. */
interface EndpointPlace {
  readonly method: string;
  readonly path: string;
}

type Watched = Pick<Store, 'endpoints' | 'sensors' | 'facts' | 'specDrift' | 'told' | 'setTold'>;

export class Watch {
  readonly #store: Watched;
  readonly #silence_millis: number;
  readonly #delivery: Pick<Delivery, 'add'>;
  /** What is told, or on its way. */
  readonly #known = new Set<string>();
  /** Of it, what need not be told again. */
  readonly #settled = new Set<string>();
  readonly #startedAt: number;
  #lastSeq = -1;
  #isUnsaved = false;
  #lookedAt = 0;
  /** New ones for which it is not known yet whether the document has them: it has to be looked at as far as they were. */
  #undecided: { event: NewEndpoint; lastSeq: number }[] = [];
  /** As an endpoint is new to the inventory and to the document, both tell of it. */
  readonly #places: (EndpointPlace & Pick<NotifyEvent, 'kind'>)[] = [];

  constructor(store: Watched, silence_millis: number, delivery: Pick<Delivery, 'add'>, nowMillis: number) {
    this.#store = store;
    this.#silence_millis = silence_millis;
    this.#delivery = delivery;
    this.#startedAt = nowMillis;
  }

  /** Before the first trace: what was there before anybody was to be told is no news. */
  async prepare(): Promise<void> {
    const told = await this.#store.told();
    const before = told ?? (await this.#store.endpoints({})).map((row) => keyOf(newEndpoint(row)));
    for (const key of before) {
      this.#known.add(key);
      this.#settled.add(key);
    }
    this.#isUnsaved = told === null;
    await this.save();
  }

  async look(nowMillis: number): Promise<void> {
    const { lastSeq } = await this.#store.facts();
    const events: NotifyEvent[] = [];
    if (lastSeq !== this.#lastSeq) {
      events.push(...this.#newEndpoints(await this.#store.endpoints({})));
      this.#lastSeq = lastSeq;
      this.#lookedAt = nowMillis;
    }
    events.push(...this.#silent(await this.#store.sensors(), nowMillis));
    const spec = await this.#store.specDrift();
    events.push(...spec.findings.filter(({ isDrift }) => isDrift).map(driftFound));
    const fresh = events.filter((event) => {
      const key = keyOf(event);
      if (this.#known.has(key)) return false;
      this.#known.add(key);
      return true;
    });
    this.#delivery.add(this.#once(fresh, lastSeq, spec));
    await this.save();
  }

  /** Without the endpoints that the other of the two has told of, and with what the document says of those that are new. */
  #once(fresh: readonly NotifyEvent[], lastSeq: number, { title, through, findings }: SpecDrift): NotifyEvent[] {
    const told: NotifyEvent[] = [];
    for (const event of fresh) {
      const place = placeOf(event);
      if (place === null) told.push(event);
      else if (this.#places.some((other) => other.kind !== event.kind && isSamePlace(place, other)))
        this.settle([event]);
      else {
        this.#places.push({ ...place, kind: event.kind });
        if (event.kind === 'new-endpoint' && title !== null) this.#undecided.push({ event, lastSeq });
        else told.push(event);
      }
    }
    this.#places.splice(0, Math.max(0, this.#places.length - PLACES_MAX));
    const lacking = findings.filter(({ kind }) => kind === 'new-endpoint');
    this.#undecided = this.#undecided.filter(({ event, lastSeq: needed }) => {
      if (through < needed) return true;
      const place = { method: event.method, path: event.template };
      told.push({ ...event, documented: !lacking.some((finding) => isSamePlace(place, finding)) });
      return false;
    });
    return told;
  }

  settle(events: readonly NotifyEvent[]): void {
    for (const event of events) this.#settled.add(keyOf(event));
    this.#isUnsaved = true;
  }

  async save(): Promise<void> {
    if (!this.#isUnsaved) return;
    this.#isUnsaved = false;
    for (const set of [this.#known, this.#settled])
      for (const key of set) {
        if (set.size <= TOLD_MAX) break;
        set.delete(key);
      }
    await this.#store.setTold([...this.#settled]);
  }

  /**
   * Templates become more exact as traces come. Where `/a/x` and `/a/y`, which were told, are `/a/{name}` now, or `/a/x` is taken
   * out of `/a/{name}`, nothing new is offered.
   */
  #newEndpoints(rows: readonly EndpointRow[]): NewEndpoint[] {
    const unknown = rows.filter((row) => isOffered(row) && !this.#known.has(keyOfRow(row)));
    if (unknown.length === 0) return [];
    const current = new Set(rows.map(keyOfRow));
    const gone = [...this.#known].filter((key) => !current.has(key));
    const held = [...this.#known].filter((key) => current.has(key) && key.includes('{'));
    const isSplit = (row: EndpointRow): boolean =>
      row.firstSeen < this.#lookedAt - SPLIT_MILLIS && held.some((key) => covers(key, keyOfRow(row)));
    const events: NewEndpoint[] = [];
    for (const row of unknown) {
      const key = keyOfRow(row);
      if (gone.some((told) => covers(key, told) || covers(told, key)) || isSplit(row)) {
        this.#known.add(key);
        this.#settled.add(key);
        this.#isUnsaved = true;
      } else events.push(newEndpoint(row));
    }
    return events;
  }

  /** Those that sent nothing for so long, unless another of the same service has taken their place, as after a deployment. */
  #silent(sensors: readonly Sensor[], nowMillis: number): NotifyEvent[] {
    const limit = (nowMillis - this.#silence_millis) * 1000;
    // A satellite that was not there heard nobody.
    if (nowMillis - this.#startedAt < this.#silence_millis) return [];
    const oldest = (this.#startedAt - OLD_SILENCE_MILLIS) * 1000;
    const isSilent = ({ lastSeen }: Sensor): boolean => lastSeen < limit;
    return sensors
      .filter((sensor) => isSilent(sensor) && sensor.lastSeen > oldest)
      .filter(
        ({ service, environment, lastSeen }) =>
          !sensors.some(
            (other) =>
              other.service === service &&
              other.environment === environment &&
              other.lastSeen > lastSeen &&
              other.firstSeen > lastSeen - this.#silence_millis * 1000,
          ),
      )
      .map(silentSensor);
  }
}

function placeOf(event: NotifyEvent): EndpointPlace | null {
  if (event.kind === 'new-endpoint') return { method: event.method, path: event.template };
  return event.kind === 'drift' && event.finding === 'new-endpoint' ? { method: event.method, path: event.path } : null;
}

/** By the names of their values, which each gives in its own way, two templates do not differ. */
function isSamePlace(one: EndpointPlace, other: EndpointPlace): boolean {
  const segments = one.path.split('/');
  const others = other.path.split('/');
  return (
    one.method === other.method &&
    segments.length === others.length &&
    segments.every((segment, i) => segment === others[i] || segment.includes('{') || others[i]?.includes('{') === true)
  );
}

/** What only answered so, or not at all, is nothing that a service offers. */
const NOT_THERE = new Set(['404', '405', '501']);

const isOffered = ({ count, unanswered, statuses }: EndpointRow): boolean =>
  count > unanswered && Object.keys(statuses).some((status) => !NOT_THERE.has(status));

const keyOfRow = ({ service, host, method, graphql, template }: EndpointRow): string =>
  endpointKey(service, host, method, graphql, template);

/** Whether an endpoint's template has the other's as one of its paths. */
function covers(key: string, other: string): boolean {
  const segments = key.split('/');
  const others = other.split('/');
  return (
    others.length === segments.length &&
    segments.every((segment, i) => segment === others[i] || (i > 0 && segment.includes('{')))
  );
}

export interface Watching {
  /** Begins to look, and to tell. @param satellite its address, which messages name */
  start(satellite: string): void;
  close(): Promise<void>;
}

/** Resolves when it knows what there was before. */
export async function prepareWatching(store: Store, settings: NotifySettings): Promise<Watching> {
  const delivery = new Delivery({ ...settings, onSettled: (events) => watch.settle(events) });
  const watch = new Watch(store, settings.silence_millis, delivery, Date.now());
  await watch.prepare();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let looking: Promise<void> = Promise.resolve();
  let wrong = '';
  const look = async (): Promise<void> => {
    const begun = performance.now();
    try {
      await watch.look(Date.now());
    } catch (error) {
      const { message } = error as Error;
      if (!isClosed && message !== wrong) settings.onNotice(`what is new cannot be told: ${message}`);
      wrong = message;
    }
    if (!isClosed) lookAfter(Math.max(LOOK_MILLIS, (performance.now() - begun) / LOOK_SHARE));
  };
  const lookAfter = (millis: number): void => {
    timer = setTimeout(() => {
      looking = look();
    }, millis);
  };
  return {
    start: (satellite) => {
      delivery.satellite = satellite;
      lookAfter(LOOK_MILLIS);
    },
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await looking;
      await delivery.close();
      await watch.save().catch(() => {});
    },
  };
}
