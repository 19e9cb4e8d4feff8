/**
 * The satellite: receives traces, keeps them, answers what is asked of them.
 *
 * in: `POST /v1/traces` (OTLP/HTTP), `POST /1.0/ebpf/traces` (levo), and packets of an exchange (`packet-files.ts`) · out: the API
 * below `/api`, `GET /traces` (the newest as received), `GET /healthz`
 *
 * Without a store it only holds the newest, for a first run and for tests. Anybody may send traces, by whatever name reaches the
 * satellite, unless there is a token for that. What is read is asked for by a name that it goes by (`host-check.ts`) and, beyond
 * loopback, with a token. It prints nothing; `onLines` gets what there is to say of each.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type Certificate,
  closeServer,
  createBoundedServer,
  listen,
  listenErrorInWords,
  type ServerBounds,
} from '../bounded-server.js';
import type { EnrolmentKey } from '../enrolment/keys.js';
import { steadyClock } from '../enrolment/steady-clock.js';
import { SensorError } from '../errors.js';
import { SENSOR_VERSION } from '../version.js';
import { Access } from './api/access.js';
import { type ApiSettings, answerApi, type OrganisationContext } from './api/api.js';
import { INGEST_PATHS, takePackets, takeTraces } from './api/ingest-routes.js';
import { Refused, reply, replyJson, SAFE_HEADERS } from './api/reply.js';
import type { FleetRate } from './fleet/fleet-budget.js';
import { Guard } from './fleet/guard.js';
import { takeOpampSockets } from './fleet/opamp-sockets.js';
import { agentRoute } from './fleet/routes.js';
import { type FleetCounts, METRICS_TYPE, satelliteMetrics } from './metrics.js';
import { type NotifySettings, prepareWatching, type Watching } from './notify/watch.js';
import { type Organisation, Organisations, type StoreChoice } from './organisations.js';
import { hasPage, PAGE_HEADERS, PAGE_PACKAGES, type PageFile, pageFiles } from './page/files.js';
import type { Grant } from './receive/grants.js';
import { Ingest } from './receive/ingest.js';
import { KafkaSource } from './receive/kafka-source.js';
import type { KafkaTarget } from './receive/kafka-target.js';
import { packetsPath } from './receive/packet-files.js';
import type { BodyBounds } from './receive/read-body.js';
import type { SatelliteTrace } from './receive/satellite-trace.js';
import { SetAside } from './receive/set-aside.js';
import type { Store } from './store/store.js';

export interface SatelliteSettings {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** Traces of `GET /traces`, the newest; without a store, all that are held. */
  traces_max: number;
  /** Bytes of the traces held without a store, as JSON. Default 64 MiB. */
  trace_bytes_max?: number;
  /** Bytes of one request, as sent and unpacked. Default 20 MiB, as the OpenTelemetry Collector's. */
  request_bytes_max?: number;
  /** Bytes as sent of all requests under way. Default 64 MiB. */
  bodies_bytes_max?: number;
  /** What reading takes; without one nothing is read beyond loopback. */
  readToken?: string | null;
  /** What sending takes; without one anybody may send. */
  ingestToken?: string | null;
  /** Reads the keys that senders have; without it nothing has to be signed. @throws where they cannot be read */
  readKeys?: (() => readonly EnrolmentKey[]) | null | undefined;
  /** Traces a minute that enrolled sensors send together. */
  fleetRates?: readonly FleetRate[];
  /** Names by which it may be read, besides those that `createHostCheck` always lets pass. */
  publicHosts?: readonly string[];
  certificate?: Certificate;
  /** Tokens of organisations that see nothing of each other, in place of those two; they take a store. */
  grants?: readonly Grant[];
  /** Where traces are kept and searched. */
  store?: StoreChoice;
  /** A topic of Kafka that traces are read from as well, and a directory for messages that nobody can read. */
  from?: { readonly target: KafkaTarget; readonly setAside: string | null };
  /** The text of an OpenAPI document that what comes is held against, which takes a store. */
  spec?: string | null;
  /** The one that is told of what is new, which takes a store. */
  notify?: Omit<NotifySettings, 'onNotice'>;
  /** Bytes of the capture files that are kept, which takes a store; 0 takes none. Default 64 MiB. */
  packet_bytes_max?: number;
  /** Gets each trace where there is no store. */
  onTrace?: (trace: SatelliteTrace) => void;
  /** Gets a line for each trace, to be read; several at once. */
  onLines?: (lines: string) => void;
  onNotice?: (notice: string) => void;
}

export interface Satellite {
  readonly port: number;
  readonly url: string;
  /** Traces received since the start, held or not. */
  readonly received: number;
  /** What is held without a store, oldest first. */
  readonly traces: readonly SatelliteTrace[];
  /** Whether it has a page at `/`: there is a store, and the packages that the page takes. */
  readonly hasPage: boolean;
  /** Readers that follow the tail. */
  readonly tailReaders: number;
  close(): Promise<void>;
}

const TRACE_BYTES_MAX = 64 << 20;
const PACKET_BYTES_MAX = 64 << 20;
const REQUEST_BYTES_MAX = 20 << 20;
const BODIES_BYTES_MAX = 64 << 20;
/** As many as a parser makes of 20 MiB of ordinary spans. */
const VALUES_MAX = 2_000_000;
const BOUNDS: ServerBounds = {
  connections_max: 256,
  head_millis: 10_000,
  request_millis: 60_000,
  quiet_millis: 20_000,
};

/** @throws SensorError if the address cannot be listened on, or the store not opened */
export async function startSatellite(settings: SatelliteSettings): Promise<Satellite> {
  const bounds: BodyBounds = {
    request_bytes_max: settings.request_bytes_max ?? REQUEST_BYTES_MAX,
    values_max: VALUES_MAX,
  };
  const { trace_bytes_max = TRACE_BYTES_MAX, packet_bytes_max = PACKET_BYTES_MAX } = settings;
  const organisations = await Organisations.open({ ...settings, trace_bytes_max, packet_bytes_max }, bounds);
  const { sole, hasStores } = organisations;
  const ingest = new Ingest({
    request_bytes_max: bounds.request_bytes_max,
    bodies_bytes_max: settings.bodies_bytes_max ?? BODIES_BYTES_MAX,
  });
  const access = new Access({ ...settings, isEncrypted: settings.certificate !== undefined });
  const watching = sole?.store == null ? null : await watchingOf(sole.store, settings);
  const api: ApiSettings = { access, version: SENSOR_VERSION, organisation: (name) => apiOf(organisations, name) };
  let received = 0;
  let source: KafkaSource | null = null;
  const onReceived = (count: number, lines: string): void => {
    received += count;
    if (lines !== '') settings.onLines?.(lines);
  };
  const guard = guardOf(settings);
  const takes = { ingest, access, guard, onReceived, organisation: (name: string) => organisations.of(name) };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const protocol = Object.hasOwn(INGEST_PATHS, path) ? INGEST_PATHS[path] : undefined;
    if (protocol !== undefined && request.method === 'POST') return takeTraces(takes, request, response, protocol);
    const packetsOf = request.method === 'POST' ? packetsPath(path) : null;
    if (packetsOf !== null) return takePackets(takes, request, response, packetsOf);
    const take = request.method === 'POST' ? agentRoute(path) : null;
    if (take !== null) return take(takes, request, response);
    access.checkOrigin(request);
    if (hasStores && path.startsWith('/api/')) return answerApi(api, request, response);
    if (hasStores && (path === '/' || path.startsWith('/page/'))) return servePage(path, request, response);
    const shown = `${request.method} ${path}`;
    const isKnown = path === '/traces' || path === '/healthz' || path === '/metrics';
    if (!isKnown && protocol === undefined)
      throw new Refused(404, `${shown}: nothing here; traces go to POST /v1/traces`);
    if (!isKnown || request.method !== 'GET') throw new Refused(405, `${shown}: method not allowed`);
    if (path === '/healthz') return replyJson(response, 200, { status: 'ok', ...(sole === null ? {} : { received }) });
    const organisation = organisations.of(access.checkReader(request));
    if (path === '/traces') return serveTraces(organisation, response);
    const isSource = settings.from?.target.organisation === organisation.name;
    // What all organisations send together is nobody's.
    const all = sole === null ? { received: null, refused: null } : { received, refused: guard?.refused ?? null };
    const counts = { ...all, kafka: isSource ? (source?.book ?? null) : null, fleet: fleetCounts(organisation) };
    reply(response, 200, METRICS_TYPE, satelliteMetrics(counts));
  }

  const server = createBoundedServer(
    BOUNDS,
    (request, response) => {
      answer(request, response).catch((error: unknown) => refuse(response, error));
    },
    settings.certificate,
  );
  await listen(server, settings.port, settings.host).catch(async (error: NodeJS.ErrnoException) => {
    await organisations.close();
    const why = listenErrorInWords(error, '--port');
    throw new SensorError(
      `--host ${settings.host} --port ${settings.port}: cannot listen on ${settings.host} port ${settings.port}: ${why}`,
    );
  });
  const endSockets = takeOpampSockets(server, { access, fleet: (name) => organisations.of(name).fleet });
  const { port } = server.address() as AddressInfo;
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  const url = `${settings.certificate === undefined ? 'http' : 'https'}://${host}:${port}`;
  watching?.start(url);
  source = await sourceOf(settings, organisations, onReceived).catch(async (error: unknown) => {
    await closeServer(server);
    await organisations.close();
    throw error;
  });
  return {
    port,
    url,
    get received() {
      return received;
    },
    get traces() {
      return sole?.list() ?? [];
    },
    hasPage: hasStores && hasPage(),
    get tailReaders() {
      return organisations.tailReaders;
    },
    close: async () => {
      organisations.endTails();
      endSockets();
      guard?.close();
      await closeServer(server);
      await source?.close();
      await watching?.close();
      await organisations.close();
    },
  };
}

function fleetCounts({ fleet, matters }: Organisation): FleetCounts {
  const { running, unwell, refusing } = fleet.summary();
  return {
    agents: { running, unwell, refusing, evicted: fleet.evicted },
    budgets: matters.budget.status,
    division: matters.division.status,
    orders: matters.orders.orders.length,
  };
}

async function serveTraces({ readers, text }: Organisation, response: ServerResponse): Promise<void> {
  readers.admit(response);
  response.writeHead(200, { ...SAFE_HEADERS, 'Content-Type': 'application/json' });
  await pipeline(Readable.from(text(), { highWaterMark: 1 }), response);
}

async function sourceOf(
  { from, onNotice = () => {} }: SatelliteSettings,
  organisations: Organisations,
  onReceived: (count: number, lines: string) => void,
): Promise<KafkaSource | null> {
  if (from === undefined) return null;
  const { receive } = organisations.of(from.target.organisation);
  return KafkaSource.start(from.target, { receive, setAside: new SetAside(from.setAside), onReceived, onNotice });
}

function guardOf({ readKeys = null, onNotice = () => {} }: SatelliteSettings): Guard | null {
  if (readKeys === null) return null;
  return new Guard({ readKeys, now: steadyClock(Date.now, () => performance.now()), onNotice });
}

async function watchingOf(store: Store, { notify, onNotice = () => {} }: SatelliteSettings): Promise<Watching | null> {
  return notify === undefined ? null : prepareWatching(store, { ...notify, onNotice });
}

function apiOf(organisations: Organisations, name: string): OrganisationContext {
  const { api } = organisations.of(name);
  if (api === null) throw new Error('there is no store');
  return api;
}

/** A file of the page. What it shows it asks the API for, so it needs no token itself. */
function servePage(path: string, { method }: IncomingMessage, response: ServerResponse): void {
  const file = pageFile(path);
  if (file === undefined) throw new Refused(404, `${path}: nothing here`);
  if (method !== 'GET' && method !== 'HEAD') throw new Refused(405, `${method} ${path}: method not allowed`);
  const { type, bytes } = file;
  response.writeHead(200, { ...SAFE_HEADERS, ...PAGE_HEADERS, 'Content-Type': type, 'Content-Length': bytes.length });
  response.end(method === 'HEAD' ? undefined : bytes);
}

function pageFile(path: string): PageFile | undefined {
  try {
    return pageFiles().get(path);
  } catch {
    throw new Refused(
      501,
      `the page takes packages that are not installed: npm install ${PAGE_PACKAGES.join(' ')}; the API works without`,
    );
  }
}

function refuse(response: ServerResponse, error: unknown): void {
  // The other side went away in the middle, so there is nobody to answer; or what is on its way cannot be taken back.
  if (response.destroyed || response.headersSent) {
    response.destroy();
    return;
  }
  const { message } = error as Error;
  const refused = error instanceof Refused ? error : new Refused(500, message);
  if (refused.status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="satellite"');
  replyJson(response, refused.status, { message, ...refused.more });
}
