import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { adviceOnStatus, errorInWords } from '../../../src/output/satellite/failure-words.js';
import { type ProbeResult, probeSatellite } from '../../../src/output/satellite/probe.js';
import { makeCertificates } from '../../support/certificates.js';
import { needs } from '../../support/needs.js';
import { satelliteSettings } from '../../support/relay.js';

const servers: { server: Server; sockets: Set<Socket> }[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  for (const { server, sockets } of servers.splice(0)) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
});

/** The port that `server` listens on, until the test ends. */
async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push({ server, sockets });
  return (server.address() as AddressInfo).port;
}

async function unusedPort(): Promise<number> {
  const port = await listening(createTcpServer());
  const { server } = servers.pop()!;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function probe(url: string, timeoutMillis = 5000): Promise<ProbeResult> {
  return probeSatellite(satelliteSettings(url), { timeoutMillis });
}

function answering(status: number, body = ''): Promise<number> {
  return listening(createHttpServer((_request, response) => response.writeHead(status).end(body)));
}

describe('what a satellite that takes nothing is found to be, in words', () => {
  it('nobody listens', async () => {
    const port = await unusedPort();
    expect(await probe(`http://127.0.0.1:${port}`)).toMatchObject({
      problem: `connection refused: nothing listens on 127.0.0.1:${port}`,
      advice: 'start the satellite, or check its host and port',
      isAway: true,
    });
  });

  it('a name that nobody knows', async () => {
    // RFC 6761 §6.4: no name under "invalid" exists. Without a name server nobody answers, which is said in other words.
    const { problem, advice, isAway } = await probe('http://satellite.invalid:4318');
    expect(problem).toMatch(/^name not found: no name server (knows|answers for) satellite\.invalid$/);
    expect(advice).not.toBe('');
    expect(isAway).toBe(true);
  });

  it('silence', async () => {
    const port = await listening(createTcpServer());
    expect(await probe(`http://127.0.0.1:${port}`, 50)).toMatchObject({
      problem: 'timeout: no answer within 50 ms',
      isAway: true,
    });
    expect(await probe(`https://127.0.0.1:${port}`, 50)).toMatchObject({
      problem: 'timeout: no connection within 50 ms',
      isAway: true,
    });
  });

  it('TLS to a port that speaks plain HTTP', async () => {
    expect(await probe(`https://127.0.0.1:${await answering(200)}`)).toMatchObject({
      problem: 'it speaks plain HTTP, and was sent TLS',
      advice: 'give http:// in place of https://',
    });
  });

  it.each([
    [401, false, /^it does not take these credentials: check --satellite-header .* --levoai-org-id$/],
    [403, false, /--satellite-header/],
    [404, false, /check the port and the base path/],
    [307, false, /its own address/],
    [500, false, /its log/],
    [503, true, /its log/],
  ])('status %i', async (status, isAway, advice) => {
    expect(await probe(`http://127.0.0.1:${await answering(status)}`)).toMatchObject({
      problem: `it answers ${status}`,
      advice: expect.stringMatching(advice),
      isAway,
    });
  });

  // nginx, and Go's net/http.
  it.each(['The plain HTTP request was sent to HTTPS port', 'Client sent an HTTP request to an HTTPS server.\n'])(
    'a port for HTTPS that says so: %j',
    async (body) => {
      const { advice } = await probe(`http://127.0.0.1:${await answering(400, `<html>${body}</html>`)}`);
      expect(advice).toContain('give https:// in place of http://');
    },
  );

  it('something that is not HTTP', async () => {
    const server = createTcpServer((socket) => socket.end('220 mail.example ESMTP\r\n'));
    expect((await probe(`http://127.0.0.1:${await listening(server)}`)).problem).toBe(
      'what listens there does not speak HTTP',
    );
  });

  it('a TLS alert in answer to plain HTTP', async () => {
    // RFC 8446 §6: alert, record version 3.3, two bytes, fatal, unexpected_message.
    const server = createTcpServer((socket) => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 10])));
    expect((await probe(`http://127.0.0.1:${await listening(server)}`)).advice).toContain('https://');
  });

  it('a proxy that is away', async () => {
    const port = await unusedPort();
    vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${port}`);
    vi.stubEnv('NO_PROXY', '');
    expect(await probe('https://satellite.invalid')).toMatchObject({
      problem: `connection refused: nothing listens on 127.0.0.1:${port}, the proxy of HTTPS_PROXY`,
      advice: 'check HTTPS_PROXY, or add the satellite to NO_PROXY',
    });
  });
});

describe('TLS', needs('openssl'), () => {
  let certificates: ReturnType<typeof makeCertificates>;
  beforeAll(() => {
    certificates = makeCertificates();
  });

  it('plain HTTP to a port that expects TLS', async () => {
    const port = await listening(createHttpsServer(certificates.server));
    const { problem, advice } = await probe(`http://127.0.0.1:${port}`);
    expect(problem).toMatch(/TLS/);
    expect(advice).toMatch(/https:\/\//);
  });

  it('a certificate of an authority that is unknown here', async () => {
    const port = await listening(createHttpsServer(certificates.server));
    expect(await probe(`https://127.0.0.1:${port}`)).toMatchObject({
      problem: expect.stringMatching(/^its certificate is not trusted: its authority is unknown here/),
      advice: 'give the certificate of its authority with --satellite-ca FILE',
      isAway: true,
    });
  });

  it('a certificate for another name', async () => {
    const { ca, server } = makeCertificates('127.0.0.2');
    const port = await listening(createHttpsServer(server));
    const settings = satelliteSettings(`https://127.0.0.1:${port}`, {
      tls: { ca, clientCertificate: null, clientKey: null },
    });
    expect(await probeSatellite(settings, { timeoutMillis: 5000 })).toMatchObject({
      problem: 'its certificate is for other names than 127.0.0.1',
    });
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('a client certificate is asked for: %s', async (maxVersion) => {
    const { ca, server } = certificates;
    const asking = { ...server, ca, maxVersion, requestCert: true, rejectUnauthorized: true };
    const port = await listening(createTlsServer(asking));
    const settings = satelliteSettings(`https://127.0.0.1:${port}`, {
      tls: { ca, clientCertificate: null, clientKey: null },
    });
    // In TLS 1.3 the server may also close before its alert is read.
    expect(await probeSatellite(settings, { timeoutMillis: 5000 })).toMatchObject({
      advice: expect.stringMatching(
        maxVersion === 'TLSv1.2' ? /--satellite-client-cert/ : /--satellite-client-cert|its log/,
      ),
    });
  });
});

it('an error that has no words of its own keeps the system’s', () => {
  const to = { host: '::1', port: 4318, tls: false, proxy: null };
  expect(errorInWords(Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' }), to)).toEqual({
    problem: 'connect EMFILE',
    advice: '',
  });
  expect(errorInWords(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), to).problem).toContain('[::1]:4318');
  expect(adviceOnStatus(400, 'no')).toBe('see its log');
});
