/**
 * `doctor` where it should find something, on real traffic, and where it should find nothing.
 */
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, get, type Server } from 'node:http';
import { createServer as createTlsServer, get as getTls } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Satellite, startSatellite } from '../../src/satellite/satellite.js';
import { AS_NOBODY, readableByAll } from '../support/another-user.js';
import { makeCertificates } from '../support/certificates.js';
import { COMMAND, runCommand } from '../support/command.js';
import { needs } from '../support/needs.js';

let satellite: Satellite;
let traffic: NodeJS.Timeout | null = null;
let server: Server | null = null;

beforeAll(async () => {
  satellite = await startSatellite({ host: '127.0.0.1', port: 0, traces_max: 1 });
});
afterAll(() => satellite.close());
afterEach(() => {
  if (traffic !== null) clearInterval(traffic);
  server?.closeAllConnections();
  server?.close();
});

/** A server that is asked twenty times a second; its port. */
async function busyServer(tls = false): Promise<number> {
  const { ca, server: certificate } = tls ? makeCertificates() : { ca: '', server: { cert: '', key: '' } };
  const made = tls
    ? (createTlsServer(certificate, (_request, response) => response.end()) as unknown as Server)
    : createServer((_request, response) => response.end());
  server = made;
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  const { port } = made.address() as AddressInfo;
  traffic = setInterval(() => {
    // A connection for each request, since the name is only in its first packets.
    const request = tls
      ? getTls({ agent: false, host: 'localhost', port, ca, path: '/' })
      : get({ host: '127.0.0.1', port, path: '/' });
    request.on('response', (response) => response.resume());
    request.on('error', () => {});
  }, 50);
  return port;
}

const unusedPort = async (): Promise<number> => {
  const taken = createTcpServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  taken.close();
  return port;
};

const examine = (port: number, satelliteUrl: string, command?: readonly [string, ...string[]]) => {
  const args = [
    'doctor',
    '--interfaces',
    'lo',
    '--filter',
    `tcp port ${port}`,
    '--satellite-url',
    satelliteUrl,
    '--seconds',
    '1',
  ];
  return command === undefined
    ? runCommand(args)
    : runCommand([...command.slice(1), COMMAND, ...args], { command: command[0] });
};

describe('the doctor', needs('capture'), () => {
  it('finds a healthy sensor healthy', async () => {
    const { code, stdout } = await examine(await busyServer(), satellite.url);
    expect(stdout).toMatch(/^ok +capability +CAP_NET_RAW$/m);
    expect(stdout).toMatch(/^ok +traffic +\d+ exchanges in 1 s$/m);
    expect(stdout).toMatch(/^ok +satellite +http:.* speaks otlp, \d+ ms$/m);
    expect(stdout).toMatch(/\nhealthy\n$/);
    expect(code).toBe(0);
    // To be examined leaves no trace.
    expect(satellite.received).toBe(0);
  });

  it('finds a filter that lets nothing pass', async () => {
    await busyServer();
    const port = await unusedPort();
    const { code, stdout } = await examine(port, satellite.url);
    expect(stdout).toMatch(
      new RegExp(`^fail +traffic +no packet on lo passed --filter "tcp port ${port}"\n +→ .+`, 'm'),
    );
    expect(code).toBe(1);
  });

  it('finds that all is TLS', needs('openssl'), async () => {
    const { code, stdout } = await examine(await busyServer(true), satellite.url);
    expect(stdout).toMatch(/^fail +traffic +\d+ connections are TLS \(to localhost\), none is clear text\n +→ .+/m);
    expect(code).toBe(1);
  });

  it('finds that the satellite is not there', async () => {
    const { code, stdout } = await examine(await busyServer(), `http://127.0.0.1:${await unusedPort()}`);
    expect(stdout).toMatch(/^ok +traffic/m);
    expect(stdout).toMatch(/^fail +satellite +http:.*connection refused.*\n +→ .+/m);
    expect(code).toBe(1);
  });

  it('names the option for a certificate that is not trusted, and the scheme for TLS where there is none', {
    ...needs('openssl'),
  }, async () => {
    const port = await busyServer(true);
    const { code, stdout } = await examine(port, `https://localhost:${port}`);
    expect(stdout).toMatch(/^fail +satellite +https:.*not trusted: .*\n +→ .*--satellite-ca FILE/m);
    expect(code).toBe(1);
    const plain = await examine(port, satellite.url.replace('http:', 'https:'));
    expect(plain.stdout).toMatch(/^fail +satellite +https:.*it speaks plain HTTP.*\n +→ give http:\/\//m);
  });

  it(
    'examines what would be written, as the user who would write it',
    needs('root', 'setpriv', readableByAll),
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'doctor-'));
      onTestFinished(() => rmSync(directory, { recursive: true }));
      const port = await busyServer();
      const written = ['--write', `${directory}/x.pcap`, '--write', `${directory}/x.har`];
      const files = ['--output', `ndjson:${directory}/traces`, ...written];
      const spool = ['--output', 'satellite', '--spool-dir', `${directory}/spool`];
      const args = ['doctor', '--seconds', '0.2', '--filter', `tcp port ${port}`, '--satellite-url', satellite.url];
      const mine = await runCommand([...args, ...files, ...spool]);
      for (const said of [
        /^ok +output +--output ndjson:\S+\/traces: will be made, \d+ MiB free$/m,
        /^ok +output +--write \S+x\.pcap: will be made/m,
        /^ok +output +--write \S+x\.har: will be made/m,
        /^ok +spool +--spool-dir \S+: will be made/m,
      ])
        expect(mine.stdout).toMatch(said);
      expect(mine.stdout).not.toContain('nothing here');
      expect(readdirSync(directory)).toEqual([]);
      const [command, ...nobody] = AS_NOBODY;
      const others = await runCommand([...nobody, '--', COMMAND, ...args, ...files, ...spool], { command });
      for (const said of [
        /^fail +output +--output ndjson:\S+\/traces: permission denied \(EACCES\)\n +→ name a file that can be written$/m,
        /^fail +spool +--spool-dir \S+: permission denied \(EACCES\)\n +→ name a directory/m,
      ])
        expect(others.stdout).toMatch(said);
      expect(others.code).toBe(1);
    },
  );

  // Only root can take a capability away from a child.
  it('finds that it may not capture', needs('root', 'setpriv'), async () => {
    const without = ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw'] as const;
    const { code, stdout } = await examine(await busyServer(), satellite.url, without);
    expect(stdout).toMatch(/^fail +capability +CAP_NET_RAW is missing\n +→ root lacks it here: /m);
    expect(stdout).toMatch(/^ok +satellite/m);
    expect(code).toBe(1);
  });
});
