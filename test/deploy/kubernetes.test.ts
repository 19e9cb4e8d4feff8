import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { JsonObject } from '../../src/deploy/ecs/json-value.js';
import { objectsOf } from '../../src/deploy/ecs/json-value.js';
import { startSettings } from '../support/apidump-words.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const text = readFileSync(new URL('../../kubernetes/daemonset.yaml', import.meta.url), 'utf8');
const documents = parseAllDocuments(text).map((document) => document.toJS() as JsonObject);

/** What the manifests look like to this test. */
interface PodSpec {
  readonly hostNetwork: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly containers: JsonObject[];
}

const of = (kind: string) => documents.find((document) => document.kind === kind) as JsonObject;
const pod = (of('DaemonSet').spec as unknown as { template: { spec: PodSpec } }).template.spec;
const [sensor] = pod.containers as [JsonObject];

test('the sensor starts with its arguments and the variables of the ConfigMap', () => {
  const data = of('ConfigMap').data as Record<string, string>;
  const filledIn: Record<string, string> = {
    LEVO_SATELLITE_URL: 'http://satellite:9999',
    LEVO_ENV: 'staging',
    LEVOAI_ORG_ID: '3f0c7c3a-6f6e-4c5e-9a51-0c9d6d1f3b11',
  };
  expect(Object.keys(data)).toEqual(expect.arrayContaining(Object.keys(filledIn)));
  const variables = [...Object.entries({ ...data, ...filledIn }), ['LEVO_SERVICE_NAME', 'node-1']] as const;
  const environment = variables.map(([name, value]) => ({ name, value }));
  const settings = startSettings({ args: sensor.args ?? [], environment });
  expect(settings).toMatchObject({ levoEnv: 'staging', serviceName: 'node-1', rateLimit: 1000 });
  expect(objectsOf(sensor.env).map((entry) => entry.name)).toStrictEqual(['LEVO_SERVICE_NAME', 'LEVO_KUBERNETES_NODE']);
});

test('an unfilled ConfigMap is refused at once, by name', () => {
  const environment = Object.entries(of('ConfigMap').data as Record<string, string>).map(([name, value]) => ({
    name,
    value,
  }));
  expect(() => startSettings({ args: sensor.args ?? [], environment })).toThrow(
    /LEVO_SATELLITE_URL.*placeholder nobody filled in/,
  );
});

test('it captures on the node with NET_RAW, and can do nothing else there', () => {
  expect(pod.hostNetwork).toBe(true);
  expect(sensor.securityContext).toMatchObject({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'], add: ['NET_RAW'] },
  });
  expect(JSON.stringify(documents)).not.toMatch(/hostPath|"privileged":true|hostPID|hostIPC/);
  expect(sensor.image).toBe(`levoai/pcap-sensor:${version}`);
});

test('its probes ask the health port on loopback, where the kubelet is too', () => {
  const { LEVO_HEALTH_PORT } = of('ConfigMap').data as Record<string, string>;
  for (const [probe, path] of [
    [sensor.startupProbe, '/healthz'],
    [sensor.livenessProbe, '/healthz'],
    [sensor.readinessProbe, '/readyz'],
  ])
    expect(probe).toMatchObject({ httpGet: { host: '127.0.0.1', port: Number(LEVO_HEALTH_PORT), path } });
});
