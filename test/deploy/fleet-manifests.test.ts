/** kubernetes/fleet: what is pasted is what the options and the other parts take. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { SATELLITE_OPTIONS } from '../../src/options/options.js';
import { resolveSettings } from '../../src/options/settings.js';

interface Container {
  readonly args: string[];
  readonly env?: {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { secretKeyRef: { key: string } };
  }[];
  readonly ports: { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: object;
  readonly resources: { readonly limits: object };
}

const read = (name: string): string =>
  readFileSync(new URL(`../../kubernetes/fleet/${name}.yaml`, import.meta.url), 'utf8');
const documentsOf = (name: string): any[] => parseAllDocuments(read(name)).map((document) => document.toJS());
const containerOf = (name: string, kind: string): Container =>
  documentsOf(name).find((document) => document.kind === kind).spec.template.spec.containers[0];

test('the satellite starts with its variables and its secret', () => {
  const { args, env = [] } = containerOf('satellite', 'Deployment');
  const secret: Record<string, string> = {};
  for (const [, key, value] of read('satellite').matchAll(/--from-literal=([a-z-]+)='?([^'\s]+)'?/g))
    secret[key!] = value!.startsWith('"$(') ? '0123456789abcdef' : value!;
  const environment = Object.fromEntries(
    env.map(({ name, value, valueFrom }) => [name, value ?? secret[valueFrom?.secretKeyRef.key ?? ''] ?? '']),
  );
  expect(args).toEqual(['satellite']);
  expect(resolveSettings(SATELLITE_OPTIONS, {}, environment)).toMatchObject({
    host: '0.0.0.0',
    store: { url: 'https://clickhouse.example:8443', database: 'sensor', username: 'sensor' },
    from: { brokers: ['broker.example:9092'], topic: 'otlp_spans', group: 'satellites' },
    readToken: '0123456789abcdef',
    setAside: '/tmp/set-aside',
    publicHost: ['satellite.pcap-sensor', 'satellite.pcap-sensor.svc'],
  });
});

test('the Collectors write the topic that the satellites read, in the encoding that they read', () => {
  const config = parse(documentsOf('collector').find(({ kind }) => kind === 'ConfigMap').data['config.yaml']);
  expect(config.exporters.kafka.traces).toEqual({ topic: 'otlp_spans', encoding: 'otlp_proto' });
  expect(config.service.pipelines.traces).toEqual({
    receivers: ['otlp'],
    processors: ['memory_limiter'],
    exporters: ['kafka'],
  });
  expect(config.extensions).toHaveProperty(config.exporters.kafka.sending_queue.storage);
});

test.each([
  ['collector', 'StatefulSet'],
  ['satellite', 'Deployment'],
])('%s has no rights, and a limit', (name, kind) => {
  const container = containerOf(name, kind);
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(container.resources.limits).toHaveProperty('memory');
  const service = documentsOf(name).find((document) => document.kind === 'Service');
  expect(container.ports.map((port) => port.name)).toContain(service.spec.ports[0].targetPort);
});
