/**
 * A Kubernetes control plane without nodes: etcd, and the API server and controllers that
 * test/support/kubernetes-control-plane/build makes. What it accepts is what a cluster accepts; nothing runs a pod.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';

const BINARY = join(import.meta.dirname, '../../build/kubernetes-control-plane');
const READY_MILLIS = 60_000;

/** Whether the API server is there, which test/support/kubernetes-control-plane/build makes; it needs etcd as well. */
export const controlPlaneBuilt = existsSync(BINARY);

const execute = promisify(execFile);

export interface ControlPlane {
  /** For KUBECONFIG. */
  readonly kubeconfig: string;
  /** Where the API server is, whose certificate is signed by `ca`, and takes the token `test` of an administrator. */
  readonly port: number;
  readonly ca: string;
  /** Runs kubectl and resolves to its output; throws what it said where it fails. */
  kubectl(...words: string[]): Promise<string>;
  stop(): Promise<void>;
}

/** `users`: names by the tokens that they are known by, beside the administrator. */
export async function startControlPlane(users: Readonly<Record<string, string>> = {}): Promise<ControlPlane> {
  const directory = await mkdtemp(join(tmpdir(), 'control-plane-'));
  const [clientPort, peerPort, apiPort] = [await freePort(), await freePort(), await freePort()];
  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const kubeconfig = join(directory, 'kubeconfig');
  const key = join(directory, 'service-accounts.key');
  await execute('openssl', ['genrsa', '-out', key, '2048']);
  const others = Object.entries(users).map(([token, name], index) => `${token},${name},${index + 2}\n`);
  await writeFile(join(directory, 'tokens.csv'), `test,admin,1,system:masters\n${others.join('')}`);
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'test', cluster: { server: `https://127.0.0.1:${apiPort}`, 'insecure-skip-tls-verify': true } },
      ],
      users: [{ name: 'test', user: { token: 'test' } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      'current-context': 'test',
    }),
  );
  const children = [
    // biome-ignore format: a flag and its value a line
    spawn('etcd', [
      '--data-dir', join(directory, 'etcd'),
      '--listen-client-urls', etcdUrl,
      '--advertise-client-urls', etcdUrl,
      '--listen-peer-urls', peerUrl,
      '--initial-advertise-peer-urls', peerUrl,
      '--initial-cluster', `default=${peerUrl}`,
    ], { stdio: 'ignore' }),
    // biome-ignore format: a flag and its value a line
    spawn(BINARY, [
      'apiserver',
      '--etcd-servers', etcdUrl,
      '--bind-address', '127.0.0.1',
      '--secure-port', String(apiPort),
      '--cert-dir', join(directory, 'certificates'),
      '--service-account-key-file', key,
      '--service-account-signing-key-file', key,
      '--service-account-issuer', 'https://kubernetes.default.svc',
      '--service-cluster-ip-range', '10.0.0.0/24',
      '--token-auth-file', join(directory, 'tokens.csv'),
      '--authorization-mode', 'RBAC',
    ], { stdio: 'ignore' }),
  ];
  const kubectl = async (...words: string[]) =>
    (await execute('kubectl', words, { env: { ...process.env, KUBECONFIG: kubeconfig } })).stdout;
  const stop = async () => {
    for (const child of children.reverse()) {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    await rm(directory, { recursive: true });
  };

  const deadline = performance.now() + READY_MILLIS;
  for (;;) {
    const answer = await kubectl('get', '--raw', '/readyz').catch((error: Error) => error.message);
    if (answer === 'ok') break;
    if (performance.now() > deadline) {
      await stop();
      throw new Error(`the API server is not ready: ${answer}`);
    }
    await setTimeout(250);
  }
  children.push(
    // biome-ignore format: a flag and its value a line
    spawn(BINARY, [
      'controller-manager',
      '--kubeconfig', kubeconfig,
      '--controllers', 'daemonset,namespace,serviceaccount',
      '--leader-elect=false',
      '--secure-port', '0',
    ], { stdio: 'ignore' }),
  );
  const ca = await readFile(join(directory, 'certificates/apiserver.crt'), 'utf8');
  return { kubeconfig, port: apiPort, ca, kubectl, stop };
}
