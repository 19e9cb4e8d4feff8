/**
 * Charts and manifests by a real API server, the documents' helm commands word for word, and pods as it tells of them with no more
 * rights than the chart's role gives.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ApiError, getJson, inClusterApiServer } from '../../src/task/kubernetes/api-server.js';
import { watchPods } from '../../src/task/kubernetes/pod-watch.js';
import { CHARTS, helmIn, helmInstalled, render } from '../support/helm.js';
import { type ControlPlane, controlPlaneBuilt, startControlPlane } from '../support/kubernetes-control-plane.js';
import { needs } from '../support/needs.js';

/** What the chart uses of the operator's definition (monitoring.coreos.com/v1). */
const text = { type: 'string' };
const endpoint = {
  type: 'object',
  properties: { port: text, path: text, interval: { ...text, pattern: '^(0|(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?)$' } },
};
const POD_MONITORS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'podmonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    names: { kind: 'PodMonitor', plural: 'podmonitors', singular: 'podmonitor', listKind: 'PodMonitorList' },
    scope: 'Namespaced',
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['selector'],
                properties: {
                  podMetricsEndpoints: { type: 'array', items: endpoint },
                  selector: {
                    type: 'object',
                    properties: { matchLabels: { type: 'object', additionalProperties: text } },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

const needed = needs('etcd', 'kubectl', { 'kubernetes-control-plane': controlPlaneBuilt, helm: helmInstalled });

describe('a real API server', needed, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubernetes-api-'));
  let plane: ControlPlane;

  beforeAll(async () => {
    // A user by the name of the chart's service account has the rights of that.
    plane = await startControlPlane({ sensor: 'system:serviceaccount:levoai:levoai-pcap-sensor', nobody: 'nobody' });
    await plane.kubectl('create', 'namespace', 'levoai');
  });
  afterAll(async () => {
    await plane?.stop();
    rmSync(folder, { recursive: true });
  });

  const apply = async (documents: readonly object[]) => {
    const file = join(folder, 'documents.json');
    writeFileSync(file, documents.map((document) => JSON.stringify(document)).join('\n---\n'));
    return plane.kubectl('apply', '--server-side', '--dry-run=server', '--validate=strict', '--filename', file);
  };

  it.each<[string, string, string[]]>([
    ['levoai-pcap-sensor', 'no values', []],
    [
      'levoai-pcap-sensor',
      'low-resource values',
      ['--values', join(CHARTS, 'levoai-pcap-sensor/values-low-resource.yaml')],
    ],
    ['levoai-pcap-sensor', 'a hostile text', ['--set', 'sensor.config.levoEnv=a: b # {c} *d']],
    ['levoai-pcap-sensor', 'a list', ['--set', 'sensor.config.pathExclusions={^/a: b,# c}']],
    ['levoai-pcap-sensor', 'another name', ['--set', 'fullnameOverride=pcap-sensor']],
    ['levoai-pcap-sensor', 'no pods', ['--set', 'sensor.podMetadata.enabled=false']],
    ['levoai-pcap-sensor', 'a NetworkPolicy', ['--set', 'sensor.networkPolicy.enabled=true']],
    [
      'levoai-pcap-sensor',
      'a NetworkPolicy to the satellite',
      ['--set', 'sensor.networkPolicy.enabled=true,sensor.networkPolicy.satellite[0].ipBlock.cidr=10.0.0.0/8'],
    ],
    [
      'levoai-pcap-sensor',
      'labels and annotations',
      ['--set', 'sensor.podLabels.a=b,sensor.podAnnotations.c=d,sensor.nodeSelector.e=f'],
    ],
    ['levoai-pcap-sensor', 'no tolerations', ['--set', 'sensor.tolerations=null,sensor.imagePullSecretName=x']],
    ['levoai-satellite', 'no values', []],
    ['levoai-satellite', 'a token', ['--set', 'satellite.readToken.secretName=token']],
    ['packetstreamer', 'no values', []],
    ['packetstreamer', 'a Deployment of sensors', ['--set', 'sensor.daemonSet=false,sensor.spoolDir=/spool']],
    ['pcapdaemon', 'no values', []],
    ['pcapdaemon', 'a directory of the node', ['--set', 'localPath=/var/captures,healthPort=0,secretName=x']],
  ])('takes %s with %s', async (chart, _what, words) => {
    expect(await apply(await render(chart, ...words))).toContain('serverside-applied (server dry run)');
  });

  it('takes the PodMonitor, where the Prometheus operator has defined what one is', async () => {
    const definition = join(folder, 'podmonitors.json');
    writeFileSync(definition, JSON.stringify(POD_MONITORS));
    await plane.kubectl('apply', '--filename', definition);
    await plane.kubectl('wait', '--for=condition=Established', 'crd/podmonitors.monitoring.coreos.com');
    const enabled = ['--set', 'sensor.podMonitor.enabled=true'];
    const labels = ['--set', 'sensor.podMonitor.interval=15s,sensor.podMonitor.labels.release=prometheus'];
    expect(await apply(await render('levoai-pcap-sensor', ...enabled, ...labels))).toMatch(
      /podmonitor\.monitoring\.coreos\.com\/levoai-pcap-sensor serverside-applied/,
    );
    const wrong = await render('levoai-pcap-sensor', ...enabled, '--set', 'sensor.podMonitor.interval=often');
    await expect(apply(wrong)).rejects.toThrow(/podMetricsEndpoints\[0\]\.interval/);
  });

  it('takes the manifest', async () => {
    const manifest = join(CHARTS, '../daemonset.yaml');
    // A dry run makes no namespace to put the rest into.
    await plane.kubectl('create', 'namespace', 'pcap-sensor');
    expect(await plane.kubectl('apply', '--dry-run=server', '--filename', manifest)).toContain(
      'daemonset.apps/pcap-sensor',
    );
  });

  it('runs the documented commands word for word, and says what was a slip', async () => {
    const chart = join(CHARTS, 'levoai-pcap-sensor');
    const install = [
      'upgrade',
      '--install',
      'levoai-pcap-sensor',
      chart,
      '--namespace',
      'levoai',
      '--create-namespace',
    ];
    const organisation = ['--set', 'sensor.config.levoaiOrgId=3f0c7c3a'];
    const url = ['--set', 'sensor.config.satelliteUrl=http://satellite.example:9999'];
    expect(await helmIn(plane.kubeconfig, ...install, ...organisation, ...url)).toContain('STATUS: deployed');
    const slips = ['--set', 'sensor.confg.levoEnv=prod', '--set', 'sensor.config.fitler=port 80'];
    const upgrade = ['upgrade', 'levoai-pcap-sensor', chart, '--namespace', 'levoai'];
    const said = await helmIn(plane.kubeconfig, ...upgrade, ...organisation, ...url, ...slips);
    expect(said).toContain('sensor.confg is a slip of sensor.config');
    expect(said).toContain('sensor.config.fitler is a slip of sensor.config.filter');
    const variables = JSON.parse(
      await plane.kubectl('--namespace', 'levoai', 'get', 'configmap', 'levoai-pcap-sensor', '--output', 'json'),
    );
    expect(variables.data).toMatchObject({ LEVO_ENV: 'prod', LEVO_FILTER: 'port 80', LEVOAI_ORG_ID: '3f0c7c3a' });
  });

  const inCluster = (token: string) => {
    const directory = mkdtempSync(join(folder, 'account-'));
    writeFileSync(join(directory, 'token'), token);
    writeFileSync(join(directory, 'ca.crt'), plane.ca);
    return inClusterApiServer(
      { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(plane.port) },
      directory,
    );
  };

  it('lets the service account list and watch pods, and nothing else', async () => {
    const { signal } = new AbortController();
    expect(await getJson(inCluster('sensor'), '/api/v1/pods', signal)).toMatchObject({ kind: 'PodList' });
    for (const path of ['/api/v1/secrets', '/api/v1/nodes', '/api/v1/namespaces', '/apis/apps/v1/replicasets'])
      await expect(getJson(inCluster('sensor'), path, signal)).rejects.toMatchObject({ status: 403 });
    await expect(getJson(inCluster('nobody'), '/api/v1/pods', signal)).rejects.toThrow(ApiError);
  });

  it('tells of pods as they come and go', async () => {
    const log = {
      info() {},
      warn(_fields: object, message: string) {
        throw new Error(message);
      },
    };
    const watch = watchPods({ server: inCluster('sensor'), node: 'node-1', pods_max: 100, log, random: Math.random });
    onTestFinished(() => watch.close());
    await watch.ready;
    const file = join(folder, 'pod.json');
    const pod = (name: string, nodeName: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'levoai',
        labels: { 'pod-template-hash': '6d4', app: 'cart' },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'cart-6d4', uid: 'u', controller: true }],
      },
      spec: { nodeName, containers: [{ name: 'app', image: 'x', ports: [{ containerPort: 8080 }] }] },
    });
    await plane.kubectl('--namespace', 'levoai', 'create', 'serviceaccount', 'default').catch(() => {});
    for (const [name, node, address] of [
      ['here', 'node-1', '10.1.0.5'],
      ['elsewhere', 'node-2', '10.1.0.6'],
    ] as const) {
      writeFileSync(file, JSON.stringify(pod(name, node)));
      await plane.kubectl('create', '--filename', file);
      const status = { status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }, { ip: 'fd00::5' }] } };
      const patch = ['--subresource', 'status', '--patch', JSON.stringify(status)];
      await plane.kubectl('--namespace', 'levoai', 'patch', `pod/${name}`, ...patch);
    }
    await expect
      .poll(() => watch.lookup('10.1.0.5'), { timeout: 30_000 })
      .toEqual({
        namespace: 'levoai',
        name: 'here',
        workload: { kind: 'Deployment', name: 'cart' },
        labels: { 'pod-template-hash': '6d4', app: 'cart' },
        containers: [{ name: 'app', ports: [8080] }],
      });
    expect(watch.lookup('fd00::5')?.name).toBe('here');
    expect(watch.lookup('10.1.0.6')).toBeNull();
    await plane.kubectl('--namespace', 'levoai', 'delete', 'pod/here', '--force', '--grace-period=0');
    await expect.poll(() => watch.lookup('10.1.0.5'), { timeout: 30_000 }).toBeNull();
  });
});
