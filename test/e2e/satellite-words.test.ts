/**
 * What a live sensor says within two seconds of a satellite that cannot take its traces, where the reason is real: a server
 * with a certificate that has expired, an address that nothing leads to, a proxy that wants credentials.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeCertificates } from '../support/certificates.js';
import { COMMAND, startCommand } from '../support/command.js';
import { needs } from '../support/needs.js';

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** The first warning about the satellite of a sensor on loopback. */
async function firstWarning(args: readonly string[], start = startCommand): Promise<string> {
  const flags = ['--interfaces', 'lo', '--filter', 'udp port 1', '--log-format', 'text', '--shutdown-timeout', '0'];
  const child = start(['apidump', ...flags, ...args]);
  let log = '';
  child.stderr.on('data', (text) => {
    log += text;
  });
  const ended = once(child, 'close');
  const told = () => /^\S+ WARN +(the satellite .*)$/m.exec(log)?.[1];
  while (told() === undefined && child.exitCode === null) await Promise.race([once(child.stderr, 'data'), ended]);
  child.kill('SIGTERM');
  await ended;
  return told() ?? `nothing but: ${log}`;
}

it('a certificate that has expired', needs('capture', 'openssl'), async () => {
  const { ca, server } = makeCertificates('127.0.0.1', -1);
  const port = await listening(createTlsServer(server) as unknown as Server);
  const directory = mkdtempSync(join(tmpdir(), 'expired-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'ca.pem'), ca);
  const url = `https://localhost:${port}`;
  expect(await firstWarning(['--satellite-url', url, '--satellite-ca', join(directory, 'ca.pem')])).toBe(
    `the satellite is away: --satellite-url ${url}: its certificate has expired; ` +
      'renew it, or set the clock of this machine; pcap-sensor doctor examines it',
  );
});

it('an address that nothing leads to', needs('capture', 'namespaces', 'ip', 'unshare'), async () => {
  const inside = (args: readonly string[]) =>
    startCommand(['--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', COMMAND, ...args], 'unshare');
  expect(await firstWarning(['--satellite-url', 'http://203.0.113.9:9999'], inside)).toBe(
    'the satellite is away: --satellite-url http://203.0.113.9:9999: no route to 203.0.113.9:9999; ' +
      'check its host and port, and the routes of this network; pcap-sensor doctor examines it',
  );
});

it('a proxy that wants credentials', needs('capture'), async () => {
  const proxy = createServer();
  proxy.on('connect', (_request, socket) => {
    socket.end(
      'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
    );
  });
  const port = await listening(proxy);
  const through = (args: readonly string[]) => startCommand(args, COMMAND, { HTTPS_PROXY: `http://127.0.0.1:${port}` });
  expect(await firstWarning(['--satellite-url', 'https://satellite.example'], through)).toMatch(
    /^the satellite would take no traces: --satellite-url https:\/\/satellite\.example: .*407; the proxy asks for credentials: give them in HTTPS_PROXY; pcap-sensor doctor examines it$/,
  );
});
