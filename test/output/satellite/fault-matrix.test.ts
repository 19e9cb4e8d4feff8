/**
 * Everything that can be wrong with a satellite, under steady traffic: the queue keeps its budget and the books add up. What a
 * satellite refuses for good (500, 413) is counted; of everything else nothing is lost with the spool, and what is lost
 * without it is counted exactly.
 */
import dns from 'node:dns';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/output/clock.js';
import { NO_TLS_SETTINGS } from '../../../src/output/satellite/settings.js';
import { makeCertificates } from '../../support/certificates.js';
import { needs } from '../../support/needs.js';
import { pathsOf, startRelay } from '../../support/relay.js';

type Behaviour = (response: ServerResponse) => void;

interface Fault {
  name: string;
  /** What the satellite does in the bad time; not listening at all, if absent. */
  behaviour?: Behaviour;
  /** Other than that the satellite stops listening. */
  during?: (satellite: FlakySatellite) => Promise<void>;
  tls?: true;
  host?: string;
  /** Whether the satellite's answer is final: what it refused is lost, and counted. */
  final?: true;
}

interface FlakySatellite {
  port: number;
  received: Set<string>;
  behaviour: Behaviour | null;
  certificate: 'right' | 'wrong';
  listen(): Promise<void>;
  kill(): Promise<void>;
}

let right: ReturnType<typeof makeCertificates>;
let wrong: ReturnType<typeof makeCertificates>;
beforeAll(() => {
  if (needs('openssl').skip) return;
  right = makeCertificates();
  wrong = makeCertificates();
});

function flakySatellite(tls: boolean): FlakySatellite {
  let server: Server | null = null;
  const satellite: FlakySatellite = {
    port: 0,
    received: new Set(),
    behaviour: null,
    certificate: 'right',
    async listen() {
      server = tls
        ? (createTlsServer((satellite.certificate === 'right' ? right : wrong).server, answer) as unknown as Server)
        : createServer(answer);
      await new Promise<void>((resolve) => server?.listen(satellite.port, '127.0.0.1', resolve));
      satellite.port = (server.address() as AddressInfo).port;
    },
    async kill() {
      const dying = server;
      server = null;
      if (dying === null) return;
      const gone = new Promise((resolve) => dying.close(resolve));
      dying.closeAllConnections();
      await gone;
    },
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    response.on('error', () => {});
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    if (satellite.behaviour !== null) return satellite.behaviour(response);
    const body = gunzipSync(Buffer.concat(chunks)).toString();
    for (const path of pathsOf({ url: '', headers: {}, body })) satellite.received.add(path);
    response.end('{}');
  };
  return satellite;
}

const status =
  (code: number, headers: Record<string, string> = {}): Behaviour =>
  (response) => {
    response.writeHead(code, headers);
    response.end();
  };

const FAULTS: readonly Fault[] = [
  { name: 'refused' },
  { name: 'silent', behaviour: () => {} },
  {
    name: 'slow, a byte at a time',
    behaviour(response) {
      const bytes = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
      let sent = 0;
      const timer = setInterval(() => {
        if (sent < bytes.length && !response.destroyed) response.socket?.write(bytes[sent++] as string);
        else clearInterval(timer);
      }, 40);
    },
  },
  { name: '500', behaviour: status(500), final: true },
  { name: '413', behaviour: status(413), final: true },
  { name: '503 with Retry-After', behaviour: status(503, { 'Retry-After': '1' }) },
  { name: '429', behaviour: status(429) },
  {
    name: 'reset in the middle of the answer',
    behaviour(response) {
      response.socket?.write('HTTP/1.1 503 Service', () => response.socket?.resetAndDestroy());
    },
  },
  {
    name: 'wrong certificate',
    tls: true,
    host: 'localhost',
    async during(satellite) {
      satellite.certificate = 'wrong';
      await satellite.kill();
      await satellite.listen();
      await delay(300);
      satellite.certificate = 'right';
      await satellite.kill();
      await satellite.listen();
    },
  },
  {
    name: 'name gone',
    host: 'satellite.test',
    async during(satellite) {
      names.delete('satellite.test');
      // The name is looked up anew with each connection; this one ends.
      await satellite.kill();
      await satellite.listen();
      await delay(300);
      names.add('satellite.test');
    },
  },
  {
    name: 'killed and restarted 20 times',
    async during(satellite) {
      for (let i = 0; i < 20; i++) {
        await satellite.kill();
        await delay(8);
        await satellite.listen();
        await delay(8);
      }
    },
  },
];

/** What the test's resolver knows beside the system's. */
const names = new Set(['satellite.test']);
const systemLookup = dns.lookup;
vi.spyOn(dns, 'lookup').mockImplementation(((name: string, options: any, callback: any) => {
  if (!name.endsWith('.test')) return systemLookup(name, options, callback);
  const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' });
  if (!names.has(name)) return process.nextTick(callback, error);
  const found = { address: '127.0.0.1', family: 4 };
  return options.all ? process.nextTick(callback, null, [found]) : process.nextTick(callback, null, '127.0.0.1', 4);
}) as never);

const TRACES = 500;

describe('a satellite that is', () => {
  for (const fault of FAULTS)
    describe(fault.name, fault.tls === true ? needs('openssl') : {}, () => {
      it('loses nothing that the spool can hold', () => run(fault, true));
      it('without a spool, loses no more than is counted', () => run(fault, false));
    });
});

async function run(fault: Fault, withSpool: boolean): Promise<void> {
  const directory = withSpool ? await mkdtemp(join(tmpdir(), 'fault-')) : null;
  // With a spool, room for what the disk has yet to take; without, little enough that it must overflow.
  const queueBytesMax = withSpool ? 300_000 : 45_000;
  const satellite = flakySatellite(fault.tls === true);
  await satellite.listen();
  const url = `${fault.tls ? 'https' : 'http'}://${fault.host ?? '127.0.0.1'}:${satellite.port}`;
  const under = await startRelay(
    url,
    {
      protocol: 'otlp',
      exportIntervalMillis: 20,
      tls: fault.tls ? { ...NO_TLS_SETTINGS, ca: right.ca } : NO_TLS_SETTINGS,
      spool: directory === null ? null : { directory, bytesMax: 1 << 24 },
      timing: { attemptTimeoutMillis: 100, backoffInitialMillis: 10, backoffMaxMillis: 40, retryAfterMaxMillis: 50 },
    },
    { batch_traces_max: 4, queue_bytes_max: queueBytesMax, spool_segment_bytes_max: 20_000 },
    { clock: systemClock },
  );
  const { counters } = under;
  let sent = 0;
  const send = (): void => {
    under.accept(`/${sent++}`, 1000);
    expect(counters.queue_bytes).toBeLessThanOrEqual(queueBytesMax);
    expect(under.books()[3]).toBeGreaterThanOrEqual(0);
  };
  const badTime = async (): Promise<void> => {
    await delay(100);
    if (fault.during !== undefined) return fault.during(satellite);
    if (fault.behaviour === undefined) await satellite.kill();
    else satellite.behaviour = fault.behaviour;
    await delay(300);
    satellite.behaviour = null;
    if (fault.behaviour === undefined) await satellite.listen();
  };
  const bad = badTime();
  while (sent < TRACES) {
    send();
    await delay(1);
  }
  await bad;
  await under.relay.flush();
  await under.relay.close(1000);
  await satellite.kill();

  const [seen, exported, undeliverable, inFlight] = under.books();
  expect([seen, inFlight]).toEqual([TRACES, 0]);
  expect(exported + undeliverable).toBe(TRACES);
  expect(counters).toMatchObject({
    queue_traces: 0,
    queue_bytes: 0,
    spool_traces: 0,
    spool_records_torn: 0,
    spool_errors: 0,
  });
  // A batch may arrive and yet be counted as lost only where its answer never did: never fewer than were counted.
  expect(satellite.received.size).toBeGreaterThanOrEqual(exported);
  if (fault.final) {
    expect(satellite.received.size).toBe(exported);
    expect(counters.batches_refused).toBeGreaterThan(0);
  } else {
    expect(counters.export_retries).toBeGreaterThan(0);
    if (withSpool) expect(exported).toBe(TRACES);
    // Else the budget was never put to the test.
    else if (fault.during === undefined) expect(undeliverable).toBeGreaterThan(0);
  }
  if (directory !== null) {
    expect((await readdir(directory)).filter((name) => name.endsWith('.segment'))).toEqual([]);
    await rm(directory, { recursive: true });
  }
}
