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
import { SensorError } from '../errors.js';
import { SENSOR_VERSION } from '../version.js';
import { Access } from './api/access.js';
import { answerApi } from './api/api.js';
import { INGEST_PATHS, takePackets, takeTraces } from './api/ingest-routes.js';
import { Refused, replyJson, SAFE_HEADERS } from './api/reply.js';
import { Latest, OneByOne, Slots } from './api/slots.js';
import { Tail } from './api/tail.js';
import { type NotifySettings, prepareWatching, type Watching } from './notify/watch.js';
import { hasPage, PAGE_HEADERS, PAGE_PACKAGES, type PageFile, pageFiles } from './page/files.js';
import { Ingest, inTurn, type Receive } from './receive/ingest.js';
import { PacketFiles, packetsPath } from './receive/packet-files.js';
import { type BodyBounds, readBody } from './receive/read-body.js';
import { formatSatelliteTraces, type SatelliteTrace } from './receive/satellite-trace.js';
import { openStore } from './store/open-store.js';
import { TraceStore } from './store/ring.js';
import type { Retention, Store } from './store/store.js';

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
  /** Names by which it may be read, besides those that `createHostCheck` always lets pass. */
  publicHosts?: readonly string[];
  certificate?: Certificate;
  /** Where traces are kept and searched; a directory of null is memory. */
  store?: { readonly directory: string | null; readonly retention: Retention };
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
/** One more ends the oldest: whoever reads slowly keeps nobody from reading. */
const READERS_MAX = 4;
/** Answers that may be large, and are under way at once; and how long one that is not read may keep others waiting. */
const LARGE_MAX = 4;
const LARGE_MILLIS = 20_000;
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
  const held = await openHeld(settings, bounds);
  const { store } = held;
  const ingest = new Ingest(
    {
      request_bytes_max: bounds.request_bytes_max,
      bodies_bytes_max: settings.bodies_bytes_max ?? BODIES_BYTES_MAX,
    },
    held.receive,
  );
  const access = new Access({ ...settings, isEncrypted: settings.certificate !== undefined });
  const tail = store === null ? null : new Tail(store);
  const large = new Slots(LARGE_MAX, LARGE_MILLIS);
  const watching = store === null ? null : await watchingOf(store, settings);
  const readers = new Latest(READERS_MAX);
  const pages = new OneByOne();
  const packets = new PacketFiles({ bytes_max: store === null ? 0 : (settings.packet_bytes_max ?? PACKET_BYTES_MAX) });
  let received = 0;
  const onReceived = (count: number, lines: string): void => {
    received += count;
    if (lines !== '') settings.onLines?.(lines);
  };

  async function serveTraces(response: ServerResponse): Promise<void> {
    readers.admit(response);
    response.writeHead(200, { ...SAFE_HEADERS, 'Content-Type': 'application/json' });
    await pipeline(Readable.from(held.text(), { highWaterMark: 1 }), response);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const protocol = Object.hasOwn(INGEST_PATHS, path) ? INGEST_PATHS[path] : undefined;
    if (protocol !== undefined && request.method === 'POST')
      return takeTraces({ ingest, access, onReceived }, request, response, protocol);
    const packetsOf = request.method === 'POST' ? packetsPath(path) : null;
    if (packetsOf !== null) return takePackets({ ingest, access, packets }, request, response, packetsOf);
    access.checkOrigin(request);
    if (store !== null && tail !== null && path.startsWith('/api/'))
      return answerApi(
        { store, access, tail, large, readers, pages, packets, version: SENSOR_VERSION },
        request,
        response,
      );
    if (store !== null && (path === '/' || path.startsWith('/page/'))) return servePage(path, request, response);
    const shown = `${request.method} ${path}`;
    const isKnown = path === '/traces' || path === '/healthz';
    if (!isKnown && protocol === undefined)
      throw new Refused(404, `${shown}: nothing here; traces go to POST /v1/traces`);
    if (!isKnown || request.method !== 'GET') throw new Refused(405, `${shown}: method not allowed`);
    if (path === '/healthz') return replyJson(response, 200, { status: 'ok', received });
    access.checkReader(request);
    return serveTraces(response);
  }

  const server = createBoundedServer(
    BOUNDS,
    (request, response) => {
      answer(request, response).catch((error: unknown) => refuse(response, error));
    },
    settings.certificate,
  );
  await listen(server, settings.port, settings.host).catch(async (error: NodeJS.ErrnoException) => {
    await store?.close();
    const why = listenErrorInWords(error, '--port');
    throw new SensorError(
      `--host ${settings.host} --port ${settings.port}: cannot listen on ${settings.host} port ${settings.port}: ${why}`,
    );
  });
  const { port } = server.address() as AddressInfo;
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  const url = `${settings.certificate === undefined ? 'http' : 'https'}://${host}:${port}`;
  watching?.start(url);
  return {
    port,
    url,
    get received() {
      return received;
    },
    get traces() {
      return held.list();
    },
    hasPage: store !== null && hasPage(),
    get tailReaders() {
      return tail?.readers ?? 0;
    },
    close: async () => {
      tail?.close();
      await closeServer(server);
      await watching?.close();
      await store?.close();
    },
  };
}

async function watchingOf(store: Store, { notify, onNotice = () => {} }: SatelliteSettings): Promise<Watching | null> {
  return notify === undefined ? null : prepareWatching(store, { ...notify, onNotice });
}

/** Where traces go, and what is there. */
interface Held {
  readonly store: Store | null;
  readonly receive: Receive;
  /** `GET /traces`, in pieces. */
  text(): Iterable<Buffer> | AsyncIterable<string>;
  list(): readonly SatelliteTrace[];
}

async function openHeld(settings: SatelliteSettings, bounds: BodyBounds): Promise<Held> {
  if (settings.store !== undefined) {
    const store = await openStore({
      ...settings.store,
      bounds,
      reports: settings.onLines !== undefined,
      spec: settings.spec ?? null,
      onNotice: settings.onNotice ?? (() => {}),
    });
    return { store, receive: store.receive, text: () => receivedText(store, settings.traces_max), list: () => [] };
  }
  const ring = new TraceStore({
    traces_max: settings.traces_max,
    bytes_max: settings.trace_bytes_max ?? TRACE_BYTES_MAX,
  });
  return {
    store: null,
    receive: inTurn(async (body, kind) => {
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
    }),
    text: () => ring.text(),
    list: () => ring.list(),
  };
}

const PAGE_TRACES = 200;

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
