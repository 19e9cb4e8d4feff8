/**
 * The charts: what helm makes of them with values of every kind, hostile ones too, and that the sensor starts by it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/deploy/ecs/json-value.js';
import { SATELLITE_OPTIONS } from '../../src/options/options.js';
import { resolveSensorSettings, resolveSettings } from '../../src/options/settings.js';
import { runCommand } from '../support/command.js';
import { CHARTS, helm, helmInstalled, render } from '../support/helm.js';
import { needs } from '../support/needs.js';

const folder = mkdtempSync(join(tmpdir(), 'helm-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
function values(content: object): string {
  const path = join(folder, `${files++}.yaml`);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const SENSOR = 'levoai-pcap-sensor';
const of = (documents: readonly JsonObject[], kind: string) => documents.filter((document) => document.kind === kind);
const variablesOf = (documents: readonly JsonObject[]) => of(documents, 'ConfigMap')[0]?.data as Record<string, string>;
/** As the sensor understands what the chart gives it. */
const settingsOf = (documents: readonly JsonObject[]) => resolveSensorSettings({}, variablesOf(documents));

const HOSTILE = `a: b # c {{ .Values }} *x &y !z "q" 'r' \\ $(HOME) \${HOME} | > % @ \` , [1]`;

/** Sets of values, and what the sensor then goes by. */
const SETS: [what: string, words: string[], settings: object][] = [
  [
    'none',
    [],
    { satelliteUrl: 'http://levoai-satellite:9999', levoEnv: 'staging', rateLimit: 1000, traceExportInterval: 10 },
  ],
  [
    'the documented command',
    ['--set', 'sensor.config.levoaiOrgId=3f0c7c3a', '--set', 'sensor.config.satelliteUrl=https://satellite.example'],
    { levoaiOrgId: '3f0c7c3a', satelliteUrl: 'https://satellite.example' },
  ],
  [
    'the documented slips',
    ['--set', 'sensor.confg.levoEnv=production', '--set', 'sensor.config.fitler=port 8080'],
    { levoEnv: 'production', filter: 'port 8080' },
  ],
  [
    'low-resource values',
    ['--values', join(CHARTS, SENSOR, 'values-low-resource.yaml')],
    {
      rateLimit: 100,
      traceExportInterval: 1,
      maxHttpLength: 1_000_000,
      streamTimeoutSeconds: 2,
    },
  ],
  [
    'lists where one value was',
    ['--set', 'sensor.config.pathExclusions={^/internal/,\\.css$}', '--set', 'sensor.config.hostAllow={a\\,b}'],
    { pathExclusions: ['^/internal/', '.css$'], hostAllow: ['a,b'] },
  ],
  [
    'numbers and no text',
    [
      '--values',
      values({
        sensor: { config: { rateLimit: 50, maxHttpLength: 10000000, traceExportInterval: 1.5, maxCpu: null } },
      }),
    ],
    { rateLimit: 50, maxHttpLength: 10_000_000, traceExportInterval: 1.5, maxCpu: 'auto' },
  ],
  [
    'an id of digits',
    ['--set', 'sensor.config.levoaiOrgId=0123', '--set-string', 'sensor.config.levoaiWorkspaceId=1e3'],
    { levoaiWorkspaceId: '1e3' },
  ],
  [
    'hostile texts',
    [
      '--values',
      values({
        sensor: { config: { levoEnv: HOSTILE, filter: '(port 80)', hostAllow: [HOSTILE.replace('*x', ''), 'b\nc'] } },
      }),
    ],
    { levoEnv: HOSTILE, hostAllow: [HOSTILE.replace('*x', ''), 'b\nc'] },
  ],
  [
    'patterns that YAML and templates would misread',
    [
      '--values',
      values({
        sensor: { config: { pathExclusions: ['^/a: b', '# no', 'x{1,2}|y', '- x', 'yes', '~'] } },
      }),
    ],
    { pathExclusions: ['^/a: b', '# no', 'x{1,2}|y', '- x', 'yes', '~'] },
  ],
  [
    'any other option',
    [
      '--values',
      values({
        sensor: { options: { 'log-level': 'debug', 'redact-field': ['email', 'a,b'], 'no-bodies': true, count: 7 } },
      }),
    ],
    { logLevel: 'debug', redactField: ['email', 'a,b'], noBodies: true, count: 7 },
  ],
  [
    'pods that are asked for',
    [
      '--values',
      values({
        sensor: {
          podMetadata: {
            podSelector: 'app in (a, b)',
            namespaceInclude: ['^shop'],
            namespaceExclude: ['x'],
            infrastructure: true,
          },
        },
      }),
    ],
    {
      podMetadata: true,
      podSelector: 'app in (a, b)',
      namespaceInclude: ['^shop'],
      namespaceExclude: ['x'],
      keepInfrastructure: true,
    },
  ],
  ['no pods at all', ['--set', 'sensor.podMetadata.enabled=false'], { podMetadata: false }],
  [
    'everything that is optional',
    [
      ...['--set', 'sensor.podMonitor.enabled=true', '--set', 'sensor.networkPolicy.enabled=true'],
      ...['--set', 'sensor.priorityClassName=system-node-critical', '--set', 'sensor.imagePullSecretName=pull'],
      ...['--set', 'sensor.podAnnotations.a=b,sensor.podLabels.c=d,sensor.nodeSelector.e=f'],
    ],
    { healthPort: { host: '0.0.0.0', port: 19_464 } },
  ],
];

describe('the chart of the sensor', needs({ helm: helmInstalled }), () => {
  it.each(SETS)('with %s: the sensor starts by it', async (_what, words, expected) => {
    const documents = await render(SENSOR, ...words);
    expect(settingsOf(documents)).toMatchObject(expected);
    const [daemonSet] = of(documents, 'DaemonSet') as [JsonObject];
    expect(daemonSet.metadata).toMatchObject({ name: 'levoai-pcap-sensor', namespace: 'levoai' });
  });

  it.each([
    ['no values', []],
    ['low-resource values', ['--values', join(CHARTS, SENSOR, 'values-low-resource.yaml')]],
  ])('passes lint with %s', async (_what, words: string[]) => {
    expect(await helm('lint', '--strict', join(CHARTS, SENSOR), ...words)).toContain('0 chart(s) failed');
  });

  it.each([
    ['sensor.cpus=2', /additional properties|cpus/],
    ['sensor.config.rateLimt=2', /rateLimt/],
    ['sensor.healthPort=99999', /healthPort/],
    ['sensor.podMetadata.enabled=perhaps', /enabled/],
    // A block of a values file with every line of it commented out.
    ['sensor.config=null', /missing property 'config'/],
    ['sensor.serviceAccount.name=a: b', /serviceAccount\/name/],
  ])('refuses %s, by name', async (set, says) => {
    await expect(helm('template', 'x', join(CHARTS, SENSOR), '--set', set)).rejects.toThrow(says);
  });

  it('may do on the node what it needs, and nothing else', async () => {
    const documents = await render(SENSOR);
    const [daemonSet] = of(documents, 'DaemonSet') as unknown as [
      { spec: { template: { spec: { containers: JsonObject[] } & JsonObject } } },
    ];
    const { spec } = daemonSet.spec.template;
    expect(spec).toMatchObject({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' });
    expect(spec.containers[0]?.securityContext).toEqual({
      runAsUser: 0,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_RAW'] },
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(of(documents, 'ClusterRole').map(({ rules }) => rules)).toEqual([
      [{ apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] }],
    ]);
    const without = await render(SENSOR, '--set', 'sensor.podMetadata.enabled=false');
    expect(without.map(({ kind }) => kind).sort()).toEqual(['ConfigMap', 'DaemonSet']);
    expect(JSON.stringify(without)).toContain('"automountServiceAccountToken":false');
  });

  it('has each key and variable once, whatever is added to them', async () => {
    const added = {
      podLabels: { name: 'mine', team: 'a' },
      podAnnotations: { 'checksum/config': 'mine', note: HOSTILE },
      nodeSelector: { 'kubernetes.io/os': 'linux', disk: 'ssd' },
      extraEnv: [
        { name: 'LEVO_SERVICE_NAME', value: 7 },
        { name: 'LEVO_SATELLITE_HEADER', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
      ],
      podMonitor: { enabled: true, labels: { name: 'mine', 'app.kubernetes.io/name': 'mine' } },
    };
    const documents = await render(SENSOR, '--values', values({ sensor: added }));
    const [daemonSet] = of(documents, 'DaemonSet') as unknown as [
      { spec: { template: { metadata: object; spec: { containers: { env: object[] }[]; nodeSelector: object } } } },
    ];
    const { metadata, spec } = daemonSet.spec.template;
    expect(metadata).toMatchObject({
      labels: { name: 'levoai-pcap-sensor', team: 'a' },
      annotations: { 'checksum/config': expect.stringMatching(/^[0-9a-f]{64}$/), note: HOSTILE },
    });
    expect(spec.nodeSelector).toEqual(added.nodeSelector);
    expect(spec.containers[0]?.env).toEqual([
      { name: 'LEVO_KUBERNETES_NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'LEVO_SERVICE_NAME', value: '7' },
      added.extraEnv[1],
    ]);
    expect(of(documents, 'PodMonitor')[0]).toMatchObject({ metadata: { labels: added.podMonitor.labels } });
  });

  it.each(['123', 'true', '1e3'])('takes the name %s, which YAML would read as something else', async (name) => {
    const documents = await render(SENSOR, '--set-string', `fullnameOverride=${name}`, '--set', 'sensor.imageTag=6');
    for (const { metadata } of documents) expect(metadata).toMatchObject({ name });
    expect(JSON.stringify(documents)).toContain('"image":"docker.io/levoai/pcap-sensor:6"');
  });

  it('goes by the right name where a slip of it says otherwise', async () => {
    const both = { config: { levoEnv: 'production', filter: 'port 80', fitler: 'port 81' }, confg: { levoEnv: 'qa' } };
    expect(settingsOf(await render(SENSOR, '--values', values({ sensor: both })))).toMatchObject({
      levoEnv: 'production',
      filter: 'port 80',
    });
  });

  it('starts its pods anew when the configuration changes, and not otherwise', async () => {
    const checksum = async (...words: string[]) =>
      /"checksum\/config":"(\w+)"/.exec(JSON.stringify(await render(SENSOR, ...words)))?.[1];
    const first = await checksum();
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await checksum('--set', 'sensor.priorityClassName=x')).toBe(first);
    expect(await checksum('--set', 'sensor.config.levoEnv=x')).not.toBe(first);
  });

  it('takes the place of the chart of this name, and of the manifest by its name', async () => {
    const selectorOf = (documents: readonly JsonObject[]) =>
      (of(documents, 'DaemonSet')[0] as unknown as { spec: { selector: { matchLabels: object } } }).spec.selector
        .matchLabels;
    expect(selectorOf(await render(SENSOR))).toEqual({ name: 'levoai-pcap-sensor' });
    const renamed = await render(SENSOR, '--set', 'fullnameOverride=pcap-sensor');
    expect(selectorOf(renamed)).toEqual({ 'app.kubernetes.io/name': 'pcap-sensor' });
  });

  it('is what the manifest is made of', async () => {
    const command = join(CHARTS, '../../scripts/kubernetes-manifest');
    const { stdout, stderr } = await runCommand([], { command });
    expect(stderr).toBe('');
    expect(readFileSync(join(CHARTS, '../daemonset.yaml'), 'utf8')).toBe(stdout);
  });
});

describe('the chart of the satellite', needs({ helm: helmInstalled }), () => {
  const SATELLITE = 'levoai-satellite';
  const settings = (documents: readonly JsonObject[]) => {
    const [deployment] = of(documents, 'Deployment') as unknown as [
      { spec: { template: { spec: { containers: { env: { name: string; value?: string }[] }[] } } } },
    ];
    const environment = deployment.spec.template.spec.containers[0]?.env ?? [];
    return resolveSettings(
      SATELLITE_OPTIONS,
      {},
      Object.fromEntries(environment.map(({ name, value }) => [name, value])),
    );
  };

  it.each<[string, string[], object]>([
    ['none', [], { host: '0.0.0.0', port: 9999, tracesMax: 1000, tracesMaxBytes: 64 << 20 }],
    ['a token', ['--set', 'satellite.readToken.secretName=token'], { readToken: null }],
    [
      'numbers',
      ['--set', 'satellite.tracesMax=20000,satellite.tracesMaxBytes=100000000'],
      { tracesMax: 20_000, tracesMaxBytes: 100_000_000 },
    ],
    ['options', ['--values', values({ satellite: { options: { 'log-format': 'json' } } })], { logFormat: 'json' }],
  ])('with %s: it starts by it', async (_what, words, expected) => {
    const documents = await render(SATELLITE, ...words);
    expect(settings(documents)).toMatchObject(expected);
    expect(of(documents, 'Service')[0]).toMatchObject({
      metadata: { name: 'levoai-satellite' },
      spec: { ports: [{ port: 9999 }] },
    });
  });

  it('passes lint, and refuses what it does not know', async () => {
    expect(await helm('lint', '--strict', join(CHARTS, SATELLITE))).toContain('0 chart(s) failed');
    await expect(helm('template', 'x', join(CHARTS, SATELLITE), '--set', 'satellite.replicas=2')).rejects.toThrow(
      'replicas',
    );
  });
});
