/**
 * Pods by the API server: what an index makes of them, and how a watch goes on through all that a server does, by a server of our
 * own. `test/deploy/kubernetes-api.test.ts` asks a real one.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { containerOf } from '../../src/pair/pod.js';
import { inClusterApiServer } from '../../src/task/kubernetes/api-server.js';
import { PodIndex } from '../../src/task/kubernetes/pod-index.js';
import { watchPods } from '../../src/task/kubernetes/pod-watch.js';
import { makeCertificates } from '../support/certificates.js';
import { needs } from '../support/needs.js';

interface PodParts {
  readonly ip?: string;
  readonly ips?: readonly string[];
  readonly owner?: { readonly kind: string; readonly name: string };
  readonly labels?: Record<string, string>;
  readonly phase?: string;
  readonly hostNetwork?: boolean;
}

function podJson(name: string, { ip, ips, owner, labels = {}, phase = 'Running', hostNetwork }: PodParts = {}) {
  return {
    metadata: {
      uid: `uid-${name}`,
      name,
      namespace: 'shop',
      labels,
      resourceVersion: '7',
      ...(owner === undefined
        ? {}
        : {
            ownerReferences: [
              { kind: 'Node', name: 'x' },
              { ...owner, controller: true },
            ],
          }),
    },
    spec: {
      hostNetwork,
      containers: [{ name: 'app', ports: [{ containerPort: 8080 }] }, { name: 'sidecar' }],
    },
    status: { phase, podIP: ip, ...(ips === undefined ? {} : { podIPs: ips.map((one) => ({ ip: one })) }) },
  };
}

describe('an index', () => {
  it('knows pods by each of their addresses, in canonical form', () => {
    const index = new PodIndex(10);
    index.put(podJson('cart-1', { ip: '10.1.0.5', ips: ['10.1.0.5', 'fd00:0::00:5'] }));
    expect(index.lookup('10.1.0.5')).toMatchObject({ namespace: 'shop', name: 'cart-1', workload: null });
    expect(index.lookup('fd00::5')?.name).toBe('cart-1');
    expect(index.lookup('10.1.0.6')).toBeNull();
  });

  it.each<[string, PodParts, object]>([
    [
      'a Deployment, by its ReplicaSet',
      { owner: { kind: 'ReplicaSet', name: 'cart-6d4cf56db6' }, labels: { 'pod-template-hash': '6d4cf56db6' } },
      { kind: 'Deployment', name: 'cart' },
    ],
    ['a ReplicaSet of its own', { owner: { kind: 'ReplicaSet', name: 'cart' } }, { kind: 'ReplicaSet', name: 'cart' }],
    [
      'a CronJob, by its Job',
      { owner: { kind: 'Job', name: 'nightly-29012345' } },
      { kind: 'CronJob', name: 'nightly' },
    ],
    ['a Job', { owner: { kind: 'Job', name: 'once' } }, { kind: 'Job', name: 'once' }],
    ['a StatefulSet', { owner: { kind: 'StatefulSet', name: 'db' } }, { kind: 'StatefulSet', name: 'db' }],
  ])('names %s', (_what, parts, workload) => {
    const index = new PodIndex(10);
    index.put(podJson('x', { ip: '10.1.0.5', ...parts }));
    expect(index.lookup('10.1.0.5')?.workload).toEqual(workload);
  });

  it('gives an address to the pod that has it now, and none to one that ended or has that of its node', () => {
    const index = new PodIndex(10);
    index.put(podJson('old', { ip: '10.1.0.5' }));
    index.put(podJson('new', { ip: '10.1.0.5' }));
    index.remove(podJson('old'));
    expect(index.lookup('10.1.0.5')?.name).toBe('new');
    index.put(podJson('new', { ip: '10.1.0.5', phase: 'Succeeded' }));
    expect(index.lookup('10.1.0.5')).toBeNull();
    index.put(podJson('node', { ip: '10.0.0.1', hostNetwork: true }));
    expect(index.lookup('10.0.0.1')).toBeNull();
    expect(index.size).toBe(0);
  });

  it('remembers so many, and forgets the one that was told of longest ago', () => {
    const index = new PodIndex(2);
    for (const n of [1, 2, 3]) index.put(podJson(`p${n}`, { ip: `10.1.0.${n}` }));
    expect([1, 2, 3].map((n) => index.lookup(`10.1.0.${n}`)?.name)).toEqual([undefined, 'p2', 'p3']);
    expect({ size: index.size, evicted: index.evicted }).toEqual({ size: 2, evicted: 1 });
  });

  it.each([
    [null],
    ['text'],
    [[]],
    [{}],
    [{ metadata: { uid: 3 } }],
    [{ metadata: { uid: 'a' }, spec: 1, status: { podIPs: [1, null] } }],
  ])('makes nothing of %j', (given) => {
    const index = new PodIndex(2);
    index.put(given);
    index.remove(given);
    expect(index.size).toBe(0);
  });

  it('names the container that listens on a port', () => {
    const index = new PodIndex(2);
    index.put(podJson('x', { ip: '10.1.0.5' }));
    const pod = index.lookup('10.1.0.5');
    if (pod === null) throw new Error('no pod');
    expect([containerOf(pod, 8080), containerOf(pod, 9090)]).toEqual(['app', null]);
    expect(containerOf({ ...pod, containers: [{ name: 'only', ports: [] }] }, 9090)).toBe('only');
  });
});

describe('a watch', needs('openssl'), () => {
  const folder = mkdtempSync(join(tmpdir(), 'service-account-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A server whose answers are made one after the other. */
  async function startApi(answers: ((response: ServerResponse, url: URL) => void)[]) {
    const { ca, server: identity } = makeCertificates();
    writeFileSync(join(folder, 'token'), 'first\n');
    writeFileSync(join(folder, 'ca.crt'), ca);
    const asked: { url: URL; authorization: string | undefined }[] = [];
    const open = new Set<ServerResponse>();
    const server = createServer({ cert: identity.cert, key: identity.key }, (request: IncomingMessage, response) => {
      const url = new URL(request.url ?? '', 'https://api');
      asked.push({ url, authorization: request.headers.authorization });
      open.add(response);
      const answer = answers.shift();
      if (answer === undefined) response.writeHead(200).flushHeaders();
      else answer(response, url);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      for (const one of open) one.destroy();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const api = inClusterApiServer(
      { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) },
      folder,
    );
    const lines: [string, object, string][] = [];
    const log = {
      info: (fields: object, message: string) => void lines.push(['info', fields, message]),
      warn: (fields: object, message: string) => void lines.push(['warn', fields, message]),
    };
    const watch = watchPods({ server: api, node: 'node-1', pods_max: 100, log, random: () => 0 });
    onTestFinished(() => watch.close());
    return { watch, asked, lines };
  }

  const list =
    (pods: readonly object[], metadata: object = { resourceVersion: '5' }) =>
    (response: ServerResponse) =>
      void response.end(JSON.stringify({ kind: 'PodList', metadata, items: pods }));
  const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;

  it('lists by pages, watches from there, and takes what changes', async () => {
    let changes: ServerResponse | undefined;
    const { watch, asked } = await startApi([
      list([podJson('a', { ip: '10.1.0.1' })], { resourceVersion: '5', continue: 'next page' }),
      list([podJson('b', { ip: '10.1.0.2' })], { resourceVersion: '6' }),
      (response) => {
        changes = response;
        response.writeHead(200).flushHeaders();
      },
    ]);
    await watch.ready;
    expect(watch.lookup('10.1.0.1')?.name).toBe('a');
    expect(watch.lookup('10.1.0.2')?.name).toBe('b');
    await expect.poll(() => changes).toBeDefined();
    expect(asked.map(({ url }) => `${url.pathname} ${url.searchParams}`)).toEqual([
      '/api/v1/pods fieldSelector=spec.nodeName%3Dnode-1&limit=500',
      '/api/v1/pods fieldSelector=spec.nodeName%3Dnode-1&limit=500&continue=next+page',
      '/api/v1/pods fieldSelector=spec.nodeName%3Dnode-1&watch=true&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=6',
    ]);
    expect(asked[0]?.authorization).toBe('Bearer first');
    const added = event('ADDED', podJson('c', { ip: '10.1.0.3' }));
    changes?.write(added.slice(0, 20));
    changes?.write(
      added.slice(20) + event('DELETED', podJson('a')) + event('BOOKMARK', { metadata: { resourceVersion: '9' } }),
    );
    await expect.poll(() => watch.lookup('10.1.0.3')?.name).toBe('c');
    expect(watch.lookup('10.1.0.1')).toBeNull();
    // The token is read anew, and the next watch begins where this one ended.
    writeFileSync(join(folder, 'token'), 'second\n');
    changes?.end();
    await expect.poll(() => asked.length).toBe(4);
    expect(asked[3]).toMatchObject({ authorization: 'Bearer second' });
    expect(asked[3]?.url.searchParams.get('resourceVersion')).toBe('9');
  });

  it.each([
    ['by status', (response: ServerResponse) => void response.writeHead(410).end()],
    ['by an event', (response: ServerResponse) => void response.end(event('ERROR', { code: 410, message: 'too old' }))],
  ])('lists again when what it began from is too old, %s', async (_how, tooOld) => {
    const { watch, lines } = await startApi([
      list([podJson('a', { ip: '10.1.0.1' })]),
      tooOld,
      list([podJson('b', { ip: '10.1.0.2' })]),
    ]);
    await expect.poll(() => watch.lookup('10.1.0.2')?.name).toBe('b');
    expect(watch.lookup('10.1.0.1')).toBeNull();
    expect(lines).toEqual([]);
  });

  it('says once what is refused, and goes on when it is granted', async () => {
    const refuse = (response: ServerResponse) => void response.writeHead(403).end('{}');
    const { watch, lines } = await startApi([refuse, refuse, list([podJson('a', { ip: '10.1.0.1' })])]);
    await watch.ready;
    expect(watch.lookup('10.1.0.1')).toBeNull();
    await expect.poll(() => watch.lookup('10.1.0.1')?.name, { timeout: 20_000 }).toBe('a');
    expect(lines).toEqual([
      [
        'warn',
        expect.objectContaining({ reason: expect.stringContaining('may not list and watch pods') }),
        expect.any(String),
      ],
      ['info', { pods: 1 }, expect.stringContaining('answers again')],
    ]);
  });

  it('keeps what it knows while answers are nonsense', async () => {
    const { watch, lines } = await startApi([
      list([podJson('a', { ip: '10.1.0.1' })]),
      (response) => void response.end('not json\n'),
    ]);
    await expect.poll(() => lines.length).toBe(1);
    expect(watch.lookup('10.1.0.1')?.name).toBe('a');
  });

  it('is refused outside of a cluster, and without a service account, by name', () => {
    expect(() => inClusterApiServer({})).toThrow('KUBERNETES_SERVICE_HOST is not set');
    expect(() => inClusterApiServer({ KUBERNETES_SERVICE_HOST: 'fd00::1' }, '/nowhere')).toThrow(
      '/nowhere/token cannot be read (ENOENT)',
    );
  });
});
