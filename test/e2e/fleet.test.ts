/**
 * A live sensor that is enrolled and steered: by the satellite, by opamp-go's server, and by a satellite that has the key and means ill.
 */
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as wire from '@bufbuild/protobuf/wire';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { keyOf } from '../../src/enrolment/keys.js';
import { createOpampCodec } from '../../src/enrolment/opamp/codec.js';
import type { AgentToServer, ServerToAgent } from '../../src/enrolment/opamp/messages.js';
import { ANSWER_HEADER, REQUEST_HEADER } from '../../src/enrolment/signature.js';
import { Verifier } from '../../src/enrolment/verifier.js';
import type { AgentRow } from '../../src/satellite/fleet/agent.js';
import { startSatellite } from '../../src/satellite/satellite.js';
import { makeCertificates } from '../support/certificates.js';
import { startCommand } from '../support/command.js';
import { needs } from '../support/needs.js';

const directory = mkdtempSync(join(tmpdir(), 'fleet-'));
afterAll(() => rmSync(directory, { recursive: true }));

const PEER = join(import.meta.dirname, '../../build/opamp-peer');
const KEY = 'a-key-of-the-whole-fleet';
const KEYS = join(directory, 'fleet.keys');
writeFileSync(KEYS, `${KEY}\n`);
const codec = createOpampCodec(wire);

function fileOf(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

/** An application that answers, and what its clients ask. */
async function startApi(): Promise<{ port: number; ask: (path: string) => Promise<void> }> {
  const server = createServer((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => response.end('ok'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => void server.close());
  return {
    port,
    ask: async (path) => {
      await (
        await fetch(`http://127.0.0.1:${port}${path}`, { headers: { Authorization: 'Bearer s3cr3t-token-of-ann' } })
      ).text();
    },
  };
}

interface Lines {
  /** The first line from now on that has the text, or all that there were. */
  said(text: string): Promise<string>;
  readonly all: () => string;
}

function linesOf(stream: NodeJS.ReadableStream): Lines {
  let text = '';
  stream.on('data', (chunk) => {
    text += chunk;
  });
  return {
    all: () => text,
    async said(wanted) {
      for (;;) {
        const found = text
          .split('\n')
          .slice(0, -1)
          .find((line) => line.includes(wanted));
        if (found !== undefined) return found;
        await once(stream, 'data');
      }
    },
  };
}

function startSensor(port: number, ...args: string[]) {
  const own = ['--interfaces', 'lo', '--filter', `tcp port ${port}`, '--log-format', 'json', '--service-name', 'shop'];
  const child = startCommand(['apidump', ...own, '--trace-export-interval', '0.1', ...args]);
  return { child, log: linesOf(child.stderr), closed: once(child, 'close') };
}

async function countersOf({ child, log, closed }: ReturnType<typeof startSensor>): Promise<Record<string, number>> {
  child.kill('SIGINT');
  await closed;
  const summary =
    log
      .all()
      .split('\n')
      .find((line) => line.includes('"msg":"summary"')) ?? '{}';
  return (JSON.parse(summary) as { counters: Record<string, number> }).counters;
}

describe('an enrolled sensor', needs('capture'), () => {
  it('goes by what its satellite asks for, with the next poll and after a restart', { timeout: 120_000 }, async () => {
    const { port, ask } = await startApi();
    const satellite = await startSatellite({
      host: '127.0.0.1',
      port: 0,
      traces_max: 100,
      store: { directory: null, retention: { millis: 1e9, bytes: 1e9 } },
      readKeys: () => [keyOf(KEY)],
    });
    onTestFinished(() => satellite.close());
    const api = async (path: string, init?: RequestInit): Promise<unknown> =>
      (await fetch(`${satellite.url}${path}`, { headers: { 'Content-Type': 'application/json' }, ...init })).json();
    const agents = async (): Promise<readonly AgentRow[]> =>
      ((await api('/api/fleet')) as { agents: AgentRow[] }).agents;
    const paths = async (): Promise<string[]> =>
      ((await api('/api/traces')) as { rows: { path: string }[] }).rows.map(({ path }) => path).reverse();
    const options = [
      '--satellite-url',
      satellite.url,
      '--enrolment-key-file',
      KEYS,
      '--state-dir',
      join(directory, 'state'),
    ];
    const sensor = startSensor(port, ...options);
    await sensor.log.said('the OpAMP server answers');
    const [agent] = await agents();
    expect(agent).toMatchObject({ service: 'shop', isSigned: true, healthy: true, status: 'capturing' });
    await ask('/before');

    const asked = {
      'path-exclusions': ['^/quiet'],
      filter: 'not src host 203.0.113.9',
      'no-bodies': true,
      'ttl-seconds': 600,
    };
    await api('/api/fleet/configurations', {
      method: 'PUT',
      body: JSON.stringify({ configurations: [{ service: 'shop', configuration: asked }] }),
    });
    await sensor.log.said('what the server asks for is in force');
    await ask('/quiet');
    await ask('/loud');
    // Told with the poll that follows at once.
    for (;;) {
      const { configuration } = (await agents())[0] as AgentRow;
      if (configuration.status !== 'applied') continue;
      expect(JSON.parse(configuration.effective ?? '')).toMatchObject({
        asked,
        inForce: {
          filter: `(tcp port ${port}) and (not src host 203.0.113.9)`,
          'path-exclusions': ['^/quiet'],
          'no-bodies': true,
        },
      });
      break;
    }
    const counters = await countersOf(sensor);
    expect(counters).toMatchObject({ control_configurations_applied: 1, exchanges_dropped_path_rule: 1 });
    expect(await paths()).toEqual(['/before', '/loud']);
    expect((await agents())[0]).toMatchObject({ id: agent?.id, hasEnded: true });

    const again = startSensor(port, ...options);
    await again.log.said('is in force still');
    await again.log.said('the OpAMP server answers');
    await ask('/quiet');
    await ask('/loud-again');
    expect(await countersOf(again)).toMatchObject({ exchanges_dropped_path_rule: 1, exchanges_exported: 1 });
    expect((await agents()).map(({ id }) => id)).toEqual([agent?.id]);
  });
});

/** What a satellite that has the key may try: answers, of which none may change anything. */
const ATTEMPTS: Readonly<Record<string, object>> = {
  'no limit': { 'rate-limit': 0 },
  'a higher share': { 'sample-rate': 1.1 },
  'a filter that ends its parenthesis': { filter: 'tcp) or (tcp' },
  'a filter of everything, in words': { filter: 'tcp or not tcp or vlan' },
  'a name to look up': { filter: 'host collector.example' },
  'a filter that libpcap does not take': { filter: 'port port port' },
  'no redaction': { 'no-default-redaction': true },
  'less redaction': { 'redact-allow': ['authorization'] },
  'binary bodies': { 'opaque-bodies': 'keep' },
  'bodies again': { 'no-bodies': false },
  'another satellite': { 'satellite-url': 'http://203.0.113.9' },
  'another output': { output: ['ndjson:/tmp/x'] },
  'a file of packets': { write: '/tmp/x.pcap' },
  'packets on a trigger': { 'packets-on': ['status>=200'] },
  'a command': { command: 'id' },
  'another interface': { interfaces: ['eth0'] },
  'a pattern that takes long': { 'redact-pattern': ['(?:a{0,200}){0,5}b'] },
  'a good one with a bad one': { 'path-exclusions': ['^/'], 'health-port': 80 },
  'rules that end the others': { 'host-exclusions': 'none' },
  'a list for an object': [],
};
/** Besides, each with one of these. */
const OFFERS: readonly ServerToAgent[] = [
  { connectionSettings: {} },
  { command: {} },
  { packagesAvailable: {} },
  { agentIdentification: { newInstanceUid: new Uint8Array(16) } },
];

describe('a satellite that has the key and tries to widen what leaves', needs('capture'), () => {
  it(`does not succeed in any of ${Object.keys(ATTEMPTS).length + OFFERS.length} ways`, {
    timeout: 180_000,
  }, async () => {
    const { port, ask } = await startApi();
    const tries = Object.entries(ATTEMPTS);
    const told: AgentToServer[] = [];
    const exported: string[] = [];
    const verifier = new Verifier([keyOf(KEY)], Date.now);
    const hostile = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      const { url: path = '', method = '' } = request;
      const verdict = verifier.verify(
        request.headers[REQUEST_HEADER],
        { method, path, body },
        path === '/v1/enrolment',
      );
      if (verdict.kind === 'refused') throw new Error(verdict.why);
      let answer: Uint8Array = Buffer.from('{"challenge":"x"}');
      if (path === '/v1/traces') exported.push(body.toString('latin1'));
      if (path === '/v1/opamp') {
        const message = codec.readAgentToServer(body) as AgentToServer;
        told.push(message);
        // Two of them take trying: what becomes of these is waited for.
        const isTrying = message.remoteConfigStatus?.status === 2;
        const [name, attempt] = isTrying ? [] : (tries.shift() ?? []);
        hostile.emit('tried', tries.length);
        const asked = Buffer.from(JSON.stringify(attempt ?? {}));
        answer = codec.writeServerToAgent({
          ...OFFERS[tries.length],
          ...(name === undefined
            ? {}
            : {
                remoteConfig: {
                  config: { configMap: new Map([['', { body: asked }]]) },
                  configHash: Buffer.from(name),
                },
              }),
        });
      }
      response.setHeader(ANSWER_HEADER, verdict.by.sign(200, answer));
      response.end(answer);
    });
    hostile.listen(0, '127.0.0.1');
    await once(hostile, 'listening');
    onTestFinished(() => void hostile.close());
    const url = `http://127.0.0.1:${(hostile.address() as AddressInfo).port}`;
    const sensor = startSensor(
      port,
      '--satellite-url',
      url,
      '--enrolment-key-file',
      KEYS,
      '--compression',
      'none',
      '--rate-limit',
      '50',
    );
    while (tries.length > 0) await once(hostile, 'tried');
    await once(hostile, 'tried');
    await ask('/after?token=s3cr3t-token-of-ann');
    const counters = await countersOf(sensor);
    expect(counters.control_configurations_applied ?? 0).toBe(0);
    expect(counters.control_configurations_refused).toBe(Object.keys(ATTEMPTS).length);
    expect(exported.join()).toContain('/after');
    expect(exported.join()).not.toContain('s3cr3t');
    // What is in force is what was at the start, and the sensor is who it was.
    const effective = told.flatMap(({ effectiveConfig }) => {
      const body = effectiveConfig?.configMap?.configMap?.get('')?.body;
      return body === undefined ? [] : [Buffer.from(body).toString()];
    });
    expect(new Set(effective).size).toBe(1);
    expect(new Set(told.map(({ instanceUid = [] }) => Buffer.from(instanceUid).toString('hex'))).size).toBe(1);
    const failed = told.filter(({ remoteConfigStatus }) => remoteConfigStatus?.status === 3);
    for (const { remoteConfigStatus } of failed) expect(remoteConfigStatus?.errorMessage).not.toBe('');
    expect(failed).toHaveLength(Object.keys(ATTEMPTS).length);
  });
});

describe('opamp-go', needs('openssl', { 'test/support/opamp-peer/build': existsSync(PEER) }), () => {
  it('steers a sensor over TLS, and without --opamp-unsigned only watches it', {
    ...needs('capture'),
    timeout: 120_000,
  }, async () => {
    const { port, ask } = await startApi();
    const { ca, server } = makeCertificates();
    const configuration = fileOf('pushed.json', '{"path-exclusions": ["^/quiet"], "rate-limit": 7}');
    const files = [fileOf('server.pem', server.cert), fileOf('server.key', server.key), configuration];
    const peer = startCommand(['server', '127.0.0.1:0', ...files], PEER);
    const told = linesOf(peer.stdout);
    const { listening } = JSON.parse(await told.said('listening')) as { listening: string };
    const options = [
      '--output',
      'ndjson',
      '--opamp-url',
      `https://${listening}/v1/opamp`,
      '--satellite-ca',
      fileOf('ca.pem', ca),
    ];

    const watched = startSensor(port, ...options);
    expect(JSON.parse(await told.said('FAILED'))).toMatchObject({ error: expect.stringContaining('are not signed') });
    expect(JSON.parse(await told.said('"sequence":1'))).toMatchObject({
      attributes: { 'service.name': 'shop' },
      healthy: true,
      components: 2,
      custom: ['dev.pcap-sensor.steering'],
    });
    expect(await countersOf(watched)).toMatchObject({ control_configurations_refused: 1 });
    await told.said('"disconnect":true');

    const steered = startSensor(port, ...options, '--opamp-unsigned');
    const applied = JSON.parse(await told.said('APPLIED')) as { effective: string; error: string };
    expect(applied.error).toBe('');
    expect(JSON.parse(applied.effective)).toMatchObject({
      inForce: { 'rate-limit': 7, 'path-exclusions': ['^/quiet'] },
    });
    await ask('/quiet');
    await ask('/loud');
    expect(await countersOf(steered)).toMatchObject({
      exchanges_dropped_path_rule: 1,
      control_configurations_applied: 1,
    });
  });

  it('steers a sensor over a WebSocket', { ...needs('capture'), timeout: 60_000 }, async () => {
    const { port } = await startApi();
    const { ca, server } = makeCertificates();
    const configuration = fileOf('socket.json', '{"rate-limit": 8}');
    const files = [fileOf('socket.pem', server.cert), fileOf('socket.key', server.key), configuration];
    const peer = startCommand(['server', '127.0.0.1:0', ...files], PEER);
    const told = linesOf(peer.stdout);
    const { listening } = JSON.parse(await told.said('listening')) as { listening: string };
    const options = ['--output', 'ndjson', '--opamp-url', `wss://${listening}/v1/opamp`, '--opamp-unsigned'];
    const sensor = startSensor(port, ...options, '--satellite-ca', fileOf('socket-ca.pem', ca));
    await told.said('APPLYING');
    const applied = JSON.parse(await told.said('APPLIED')) as { effective: string };
    expect(JSON.parse(applied.effective)).toMatchObject({ inForce: { 'rate-limit': 8 } });
    expect(await countersOf(sensor)).toMatchObject({ control_configurations_applied: 1 });
    await told.said('"disconnect":true');
  });

  it.each(['http', 'ws'])(
    'appears in the satellite as an agent over %s, and is asked for nothing that is meant for sensors',
    {
      timeout: 60_000,
    },
    async (scheme) => {
      const satellite = await startSatellite({
        host: '127.0.0.1',
        port: 0,
        traces_max: 100,
        store: { directory: null, retention: { millis: 1e9, bytes: 1e9 } },
      });
      onTestFinished(() => satellite.close());
      await fetch(`${satellite.url}/api/fleet/configurations`, {
        method: 'PUT',
        headers: { 'Content-Type': 'application/json' },
        body: '{"configurations": [{"configuration": {"pause": true}}]}',
      });
      const peer = startCommand(['client', `${satellite.url.replace('http', scheme)}/v1/opamp`], PEER);
      const said = linesOf(peer.stdout);
      await said.said(scheme === 'ws' ? '"asked":false' : 'connected');
      const { agents } = (await (await fetch(`${satellite.url}/api/fleet`)).json()) as { agents: AgentRow[] };
      expect(agents).toEqual([
        expect.objectContaining({
          service: 'otel-collector',
          version: '0.1.2',
          host: 'peer',
          isSigned: false,
          healthy: false,
          lastError: 'a pipeline is down',
          components: [{ name: 'pipeline:traces', healthy: false, status: 'StatusRecoverableError', lastError: '' }],
          configuration: expect.objectContaining({ effective: 'receivers: {}\n' }),
        }),
      ]);
      expect(said.all()).not.toContain('"asked":true');
      expect(said.all()).not.toContain('refused');
    },
  );
});
