/**
 * Puts the sensor into the pods of Kubernetes manifests, as a container beside those there are.
 *
 * in: YAML of one or more documents · out: the same with the sensor in each pod, comments and all, and what was done · pure
 */
import { type Document, isMap, isSeq, parseAllDocuments, type YAMLMap } from 'yaml';
import { reasonOf, UsageError } from '../../errors.js';
import type { JsonObject } from '../ecs/json-value.js';
import { isSensorContainer, SENSOR_CONTAINER_NAME, SENSOR_PROFILES } from '../ecs/sensor-container.js';

/** Where the specification of the pod is, by the kind of its owner. */
const POD_SPECS: Readonly<Record<string, readonly string[]>> = {
  Pod: ['spec'],
  Deployment: ['spec', 'template', 'spec'],
  StatefulSet: ['spec', 'template', 'spec'],
  DaemonSet: ['spec', 'template', 'spec'],
  ReplicaSet: ['spec', 'template', 'spec'],
  ReplicationController: ['spec', 'template', 'spec'],
  Job: ['spec', 'template', 'spec'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};

/** Owners that wait for their containers to end: a sensor that goes on beside them has to be one that Kubernetes ends. */
const ENDING = new Set(['Job', 'CronJob']);

export interface Injected {
  readonly text: string;
  /** `Deployment shop/cart: added`, a line each. */
  readonly lines: readonly string[];
}

/** @throws UsageError where the text is no manifest, or has no pod in it */
export function injectSensor(text: string, name: string, container: JsonObject): Injected {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) throw new UsageError(`${name} is empty; give a manifest`);
  const lines: string[] = [];
  for (const document of documents) {
    const [problem] = document.errors;
    if (problem !== undefined)
      throw new UsageError(`--file ${name} is no YAML: ${reasonOf(problem)}; give a manifest that kubectl would take`);
    for (const resource of resourcesOf(document)) {
      const done = injectInto(resource, document as Document, container);
      if (done !== null) lines.push(done);
    }
  }
  if (lines.length === 0)
    throw new UsageError(`${name} has no pod in it; give a manifest of ${Object.keys(POD_SPECS).join(', ')}`);
  return { text: documents.map(String).join(documents.length > 1 && !text.includes('\n---') ? '---\n' : ''), lines };
}

function resourcesOf({ contents }: Pick<Document, 'contents'>): YAMLMap[] {
  if (!isMap(contents)) return [];
  const items = contents.get('kind') === 'List' ? contents.get('items') : null;
  return isSeq(items) ? items.items.filter(isMap) : [contents as YAMLMap];
}

function injectInto(resource: YAMLMap, document: Document, container: JsonObject): string | null {
  const kind = String(resource.get('kind') ?? '');
  const path = Object.hasOwn(POD_SPECS, kind) ? POD_SPECS[kind] : undefined;
  const spec = path === undefined ? undefined : resource.getIn(path);
  if (path === undefined || !isMap(spec)) return null;
  const where = [resource.getIn(['metadata', 'namespace']), resource.getIn(['metadata', 'name'])];
  const shown = `${kind} ${where.filter((one) => one !== undefined).join('/')}`;
  if (spec.get('hostNetwork') === true)
    return `${shown}: left as it is, since it has the network of its node; kubernetes/daemonset.yaml captures there`;
  let replaced = false;
  for (const key of ['containers', 'initContainers']) {
    const list = spec.get(key);
    if (!isSeq(list)) continue;
    const others = list.items.filter((one) => !(isMap(one) && isSensorContainer(one.toJSON() as JsonObject)));
    replaced ||= others.length < list.items.length;
    list.items = others;
  }
  const isEnding = ENDING.has(kind);
  const key = isEnding ? 'initContainers' : 'containers';
  const added = document.createNode(isEnding ? { ...container, restartPolicy: 'Always' } : container);
  const list = spec.get(key);
  if (isSeq(list)) list.items.push(added);
  else spec.set(key, document.createNode([added]));
  return `${shown}: ${SENSOR_CONTAINER_NAME} ${replaced ? 'replaced' : 'added'}`;
}

/** What the sensor gets in a pod, and the flags that fit it. */
export const SIDECAR_PROFILES = {
  normal: {
    requests: { cpu: '100m', memory: '200Mi' },
    limits: { memory: '512Mi' },
    args: SENSOR_PROFILES.normal.flags,
  },
  'low-resource': {
    requests: { cpu: '50m', memory: '100Mi' },
    limits: { memory: '200Mi' },
    args: SENSOR_PROFILES['low-resource'].flags,
  },
} as const;

export interface SidecarSettings {
  readonly image: string;
  readonly args: readonly string[];
  /** Cores and bytes as Kubernetes writes them. */
  readonly requests: JsonObject;
  readonly limits: JsonObject;
}

const HEALTH_PORT = 19464;

/** The sensor as a container of a pod, whose network it shares. */
export function sidecarContainer({ image, args, requests, limits }: SidecarSettings): JsonObject {
  const probe = `fetch('http://127.0.0.1:${HEALTH_PORT}/healthz').then((r) => { process.exitCode = r.ok ? 0 : 1 }, () => { process.exitCode = 1 })`;
  return {
    name: SENSOR_CONTAINER_NAME,
    image,
    // What looks like a reference to a variable is none.
    args: ['apidump', ...args.map((one) => one.replaceAll('$(', () => '$$(')), '--health-port', String(HEALTH_PORT)],
    env: [
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      {
        name: 'LEVO_RESOURCE_ATTRIBUTE',
        value: 'k8s.namespace.name=$(POD_NAMESPACE)\nk8s.pod.name=$(POD_NAME)',
      },
    ],
    resources: { requests, limits },
    securityContext: {
      // NET_RAW is in effect for root alone, whatever the rest of the pod runs as.
      runAsUser: 0,
      runAsNonRoot: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_RAW'] },
    },
    livenessProbe: {
      exec: { command: ['node', '-e', probe] },
      initialDelaySeconds: 10,
      periodSeconds: 30,
      timeoutSeconds: 5,
    },
  };
}
