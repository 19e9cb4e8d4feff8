/**
 * Which pod has which address, by what the API server tells.
 *
 * in: pods as JSON (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/) · out: a `PodLookup`
 */
import { isIPv6 } from 'node:net';
import type { Pod } from '../../pair/pod.js';

type Json = Readonly<Record<string, unknown>>;

interface Known {
  readonly pod: Pod;
  readonly addresses: readonly string[];
}

export class PodIndex {
  readonly #podsMax: number;
  /** In the order of what was told last, by UID. */
  readonly #pods = new Map<string, Known>();
  readonly #byAddress = new Map<string, Known>();
  /** Pods left out because there were more than it may hold. */
  evicted = 0;

  constructor(podsMax: number) {
    this.#podsMax = podsMax;
  }

  get size(): number {
    return this.#pods.size;
  }

  readonly lookup = (address: string): Pod | null => this.#byAddress.get(address)?.pod ?? null;

  /** Takes what is there now in place of what was. */
  replace(pods: readonly unknown[]): void {
    this.#pods.clear();
    this.#byAddress.clear();
    for (const pod of pods) this.put(pod);
  }

  put(given: unknown): void {
    const pod = object(given);
    const uid = text(object(pod.metadata).uid);
    if (uid === '') return;
    this.#forget(uid);
    const addresses = addressesOf(pod);
    if (addresses.length === 0) return;
    const oldest = this.#pods.size >= this.#podsMax ? this.#pods.keys().next().value : undefined;
    if (oldest !== undefined) {
      this.#forget(oldest);
      this.evicted++;
    }
    const known = { pod: podOf(pod), addresses };
    this.#pods.set(uid, known);
    // An address that went to another pod is that one's.
    for (const address of addresses) this.#byAddress.set(address, known);
  }

  remove(given: unknown): void {
    this.#forget(text(object(object(given).metadata).uid));
  }

  #forget(uid: string): void {
    const known = this.#pods.get(uid);
    if (known === undefined) return;
    this.#pods.delete(uid);
    for (const address of known.addresses) {
      if (this.#byAddress.get(address) === known) this.#byAddress.delete(address);
    }
  }
}

/** None of one that has ended, or that has those of its node. */
function addressesOf(pod: Json): string[] {
  const status = object(pod.status);
  if (object(pod.spec).hostNetwork === true || /^(Succeeded|Failed)$/.test(text(status.phase))) return [];
  const given = [text(status.podIP), ...list(status.podIPs).map((one) => text(object(one).ip))];
  return [...new Set(given.filter((address) => address !== '').map(canonical))];
}

/** As the sensor writes addresses (RFC 5952). */
function canonical(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

function podOf(pod: Json): Pod {
  const metadata = object(pod.metadata);
  const labels = texts(metadata.labels);
  return {
    namespace: text(metadata.namespace),
    name: text(metadata.name),
    workload: workloadOf(metadata, labels),
    labels,
    containers: list(object(pod.spec).containers).map((one) => ({
      name: text(object(one).name),
      ports: list(object(one).ports).flatMap((port) => {
        const { containerPort } = object(port);
        return typeof containerPort === 'number' ? [containerPort] : [];
      }),
    })),
  };
}

/** The Deployment of a ReplicaSet and the CronJob of a Job are in their names, so that nobody has to be asked for them. */
function workloadOf(metadata: Json, labels: Readonly<Record<string, string>>): Pod['workload'] {
  const owner = list(metadata.ownerReferences)
    .map(object)
    .find(({ controller }) => controller === true);
  if (owner === undefined) return null;
  const [kind, name] = [text(owner.kind), text(owner.name)];
  const suffix = `-${labels['pod-template-hash']}`;
  if (kind === 'ReplicaSet' && name.endsWith(suffix))
    return { kind: 'Deployment', name: name.slice(0, -suffix.length) };
  const scheduled = /^(.+)-\d{8,10}$/.exec(name)?.[1];
  if (kind === 'Job' && scheduled !== undefined) return { kind: 'CronJob', name: scheduled };
  return { kind, name };
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(object(value)).map(([key, one]) => [key, text(one)]));
}
