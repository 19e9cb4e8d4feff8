import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeCertificates } from '../../support/certificates.js';
import { needs } from '../../support/needs.js';
import {
  type RelayUnderTest,
  type ScriptedSatellite,
  startRelay,
  startScriptedSatellite,
} from '../../support/relay.js';

let certificates: ReturnType<typeof makeCertificates>;
let satellite: ScriptedSatellite | undefined;
let under: RelayUnderTest | undefined;
let proxy: { server: Server; connected: string[]; sockets: Set<Socket> } | undefined;

beforeAll(() => {
  certificates = makeCertificates();
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await under?.relay.close(0);
  // First: a handshake that was given up in the middle keeps its way through the proxy open, and the satellite waits for it.
  for (const socket of proxy?.sockets ?? []) socket.destroy();
  proxy?.server.close();
  await satellite?.close();
  under = undefined;
  satellite = undefined;
  proxy = undefined;
});

/** A satellite behind TLS; https://localhost:PORT */
async function secureSatellite(requestCert = false): Promise<string> {
  const { ca, server } = certificates;
  satellite = await startScriptedSatellite(
    () => undefined,
    (handler) =>
      createServer({ ...server, ca, requestCert, rejectUnauthorized: requestCert }, handler) as unknown as Server,
  );
  return satellite.url.replace('http://127.0.0.1', 'https://localhost');
}

async function startProxy(): Promise<string> {
  const connected: string[] = [];
  const sockets = new Set<Socket>();
  const server = createHttpServer();
  server.on('connect', (request, socket, head) => {
    connected.push(request.url ?? '');
    const [, port] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    for (const one of [socket as Socket, upstream]) {
      sockets.add(one);
      one.on('error', () => {});
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = { server, connected, sockets };
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const NONE = { ca: null, clientCertificate: null, clientKey: null };

describe('TLS', needs('openssl'), () => {
  it('trusts --satellite-ca', async () => {
    const url = await secureSatellite();
    under = await startRelay(url, { tls: { ...NONE, ca: certificates.ca } });
    under.accept('/1');
    await under.relay.flush();
    expect(under.books()).toEqual([1, 1, 0, 0]);
  });

  it('keeps trying, and loses nothing, where the certificate is wrong', async () => {
    const url = await secureSatellite();
    under = await startRelay(url, { tls: NONE });
    under.accept('/1');
    void under.relay.flush();
    while (under.counters.export_retries < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(under.books()).toEqual([1, 0, 0, 1]);
    expect(under.relay.status.lastFailure).toMatch(/certificate/);
    expect(satellite?.requests).toEqual([]);
  });

  it('levo, too, may try a wrong certificate again: nothing was received', async () => {
    const url = await secureSatellite();
    under = await startRelay(url, { tls: NONE, protocol: 'levo' });
    under.accept('/1');
    void under.relay.flush();
    while (under.counters.export_retries < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(under.books()).toEqual([1, 0, 0, 1]);
  });

  it('shows the client certificate', async () => {
    const url = await secureSatellite(true);
    const { ca, client } = certificates;
    under = await startRelay(url, { tls: { ca, clientCertificate: client.cert, clientKey: client.key } });
    under.accept('/1');
    await under.relay.flush();
    expect(under.books()).toEqual([1, 1, 0, 0]);
  });

  it.each([
    [
      { ca: '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n', clientCertificate: null, clientKey: null },
      /not usable PEM/,
    ],
    [{ ca: null, clientCertificate: 'x', clientKey: null }, /need each other/],
  ])('says what is wrong with the files %#', async (tls, message) => {
    await expect(startRelay('https://localhost:1', { tls })).rejects.toThrow(message);
  });
});

describe('a proxy', needs('openssl'), () => {
  it('of HTTPS_PROXY is gone through', async () => {
    const url = await secureSatellite();
    vi.stubEnv('HTTPS_PROXY', await startProxy());
    vi.stubEnv('NO_PROXY', '');
    vi.stubEnv('no_proxy', '');
    under = await startRelay(url, { tls: { ...NONE, ca: certificates.ca } });
    under.accept('/1');
    await under.relay.flush();
    expect(under.books()).toEqual([1, 1, 0, 0]);
    expect(proxy?.connected).toEqual([new URL(url).host]);
  });

  it('shows the satellite the client certificate, and checks the satellite’s', async () => {
    const url = await secureSatellite(true);
    vi.stubEnv('HTTPS_PROXY', await startProxy());
    const { ca, client } = certificates;
    under = await startRelay(url, { tls: { ca, clientCertificate: client.cert, clientKey: client.key } });
    under.accept('/1');
    await under.relay.flush();
    expect(under.books()).toEqual([1, 1, 0, 0]);
    await under.relay.close(0);
    under = await startRelay(url, { tls: { ...NONE, clientCertificate: client.cert, clientKey: client.key } });
    under.accept('/1');
    void under.relay.flush();
    while (under.counters.export_retries < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(under.relay.status.lastFailure).toMatch(/certificate/);
  });

  it('is not, where NO_PROXY names the host, or for plain http', async () => {
    vi.stubEnv('HTTPS_PROXY', await startProxy());
    vi.stubEnv('NO_PROXY', 'example.com,localhost');
    under = await startRelay(await secureSatellite(), { tls: { ...NONE, ca: certificates.ca } });
    under.accept('/1');
    await under.relay.flush();
    await under.relay.close(0);
    await satellite?.close();
    vi.stubEnv('NO_PROXY', '');
    satellite = await startScriptedSatellite();
    under = await startRelay(satellite.url);
    under.accept('/1');
    await under.relay.flush();
    expect(proxy?.connected).toEqual([]);
    expect(under.books()).toEqual([1, 1, 0, 0]);
  });
});
