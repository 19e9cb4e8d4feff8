/** The charts of raw packets: what helm makes of them, and that both programs start by the configuration in it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { JsonObject } from '../../src/deploy/ecs/json-value.js';
import { readStreamConfig, type StreamConfig, type StreamRole } from '../../src/packets/stream/config.js';
import { readConfiguration } from '../../src/packets/trigger/configuration/configuration.js';
import { readFlags } from '../../src/packets/trigger/configuration/flags.js';
import { CHARTS, helm, helmInstalled, render } from '../support/helm.js';
import { needs } from '../support/needs.js';

const folder = mkdtempSync(join(tmpdir(), 'packet-charts-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
function file(content: object | string): string {
  const path = join(folder, `${files++}.yaml`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const HOSTILE = `a: b # c {{ .Values }} *x &y !z "q" 'r' \\ $(HOME) | > % @ [1]`;

interface Rendered extends JsonObject {
  kind: string;
}
const named = (documents: readonly JsonObject[], kind: string, name: string) =>
  documents.find((one) => one.kind === kind && (one.metadata as JsonObject).name === name) as any;

function configOf(documents: readonly JsonObject[], role: StreamRole): StreamConfig {
  const secret = named(documents, 'Secret', `packetstreamer-${role}`);
  return readStreamConfig('chart', parse(secret.stringData['config.yaml']), role);
}

describe('the chart of packetstreamer', needs({ helm: helmInstalled }), () => {
  it.each<[string, object, object, object]>([
    [
      'nothing',
      {},
      { 'input.port': 80, 'output.file.keep': 30 },
      {
        'output.server.address': 'packetstreamer-receiver.levoai.svc.cluster.local',
        'output.server.port': 80,
        pcapMode: 'all',
      },
    ],
    [
      'TLS and a key',
      {
        receiver: {
          tls: { enable: true, certFile: '/etc/packetstreamer-secret/tls.crt', keyFile: '/k' },
          auth: { enable: true, key: HOSTILE.slice(0, 50) },
        },
        sensor: { tls: { enable: true, ca: '/ca' }, auth: { enable: true, key: HOSTILE.slice(0, 50) } },
      },
      { 'tls.certfile': '/etc/packetstreamer-secret/tls.crt', 'auth.key': HOSTILE.slice(0, 50) },
      { 'tls.ca': '/ca', 'auth.key': HOSTILE.slice(0, 50) },
    ],
    [
      'ports as lists, and large numbers',
      {
        receiver: { queueSize: 268_435_456 },
        sensor: {
          pcapMode: 'Allow',
          capturePorts: [80, 443],
          captureInterfacesPorts: { eth0: [53] },
          ignorePorts: [22],
          queueSize: 134_217_728,
          filter: 'not udp port 4789',
          output: { server: { address: '2001:db8::1', port: 8081 } },
        },
      },
      { queueSize: 268_435_456 },
      {
        capturePorts: [80, 443],
        ignorePorts: [22],
        queueSize: 134_217_728,
        'output.server.address': '2001:db8::1',
        filter: 'not udp port 4789',
      },
    ],
  ])('with %s: both ends start by it', async (_what, values, receiver, sensor) => {
    const documents = await render('packetstreamer', '--values', file(values));
    expect(configOf(documents, 'receiver').values).toMatchObject(receiver);
    expect(configOf(documents, 'sensor').values).toMatchObject(sensor);
  });

  it('has the sensor in the node’s network with NET_RAW, and the receiver without any right', async () => {
    const documents = await render('packetstreamer');
    const sensor = named(documents, 'DaemonSet', 'packetstreamer-sensor').spec.template.spec;
    expect(sensor.hostNetwork).toBe(true);
    expect(sensor.containers[0].securityContext).toMatchObject({
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_RAW'] },
    });
    const receiver = named(documents, 'Deployment', 'packetstreamer-receiver').spec;
    expect(receiver).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    expect(receiver.template.spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
    });
    expect(receiver.template.spec.containers[0].securityContext.capabilities).toEqual({ drop: ['ALL'] });
    expect(named(documents, 'Service', 'packetstreamer-receiver').spec.clusterIP).toBe('None');
    expect(documents.some(({ kind }) => (kind as string) === 'ConfigMap')).toBe(false);
  });

  it('takes the image with clients where S3 is written to, and either end alone', async () => {
    const s3 = { receiver: { output: { plugins: { s3: { bucket: 'b', region: 'r' } } } } };
    const documents = await render('packetstreamer', '--values', file(s3), '--set', 'sensorPod.enabled=false');
    const image = named(documents, 'Deployment', 'packetstreamer-receiver').spec.template.spec.containers[0].image;
    expect(image).toMatch(/:\d+\.\d+\.\d+-packets$/);
    expect(documents.map(({ kind }) => kind as Rendered['kind']).sort()).toEqual([
      ...['Deployment', 'PersistentVolumeClaim', 'Secret', 'Service'],
    ]);
  });

  it('starts a receiver anew when its configuration changes, and no two of them', async () => {
    const checksum = async (...words: string[]) =>
      named(await render('packetstreamer', ...words), 'Deployment', 'packetstreamer-receiver').spec.template.metadata
        .annotations['checksum/config'];
    expect(await checksum('--set', 'sensor.filter=tcp')).toBe(await checksum());
    expect(await checksum('--set', 'receiver.output.file.keep=3')).not.toBe(await checksum());
    const chart = join(CHARTS, 'packetstreamer');
    await expect(helm('template', 'x', chart, '--set', 'receiver.replicas=2')).rejects.toThrow('replicas');
    expect(await helm('lint', '--strict', chart)).toContain('0 chart(s) failed');
  });
});

describe('the chart of pcapdaemon', needs({ helm: helmInstalled }), () => {
  async function settingsOf(...words: string[]) {
    const documents = await render('pcapdaemon', ...words);
    const out = join(folder, `out-${files++}`);
    mkdirSync(out);
    const text = named(documents, 'Secret', 'pcapdaemon').stringData['pcapdaemon.conf'] as string;
    const flags = readFlags(['-config', file(text.replaceAll('/var/lib/pcapdaemon', out))]);
    if (flags === 'help') throw new Error('help');
    return readConfiguration(flags, { node: 'node-1', interfaces: ['lo', 'eth0'], memoryBytes: 1 << 30 });
  }

  it('starts by its own configuration, and by a file as it is', async () => {
    const { settings } = await settingsOf();
    expect(settings).toMatchObject({ redis: { host: 'redis', channels: ['capture'] } });
    const own = `# ${HOSTILE}\n[general]\nmaxpackets = 50000\nwritelocal = true\nlocaldir = "/var/lib/pcapdaemon"\n[redis]\nlisten = true\nhost = "r"\nchannel = "c"\nauth = "p,a:b{c}"\n`;
    expect((await settingsOf('--set-file', `config=${file(own)}`)).settings).toMatchObject({
      redis: { host: 'r', channels: ['c'] },
    });
  });

  it('is in the node’s network with NET_RAW, from the image with clients', async () => {
    const { spec } = named(await render('pcapdaemon'), 'DaemonSet', 'pcapdaemon').spec.template;
    expect(spec.hostNetwork).toBe(true);
    expect(spec.containers[0].image).toMatch(/-packets$/);
    expect(spec.containers[0].securityContext.capabilities).toEqual({ drop: ['ALL'], add: ['NET_RAW'] });
    expect(await helm('lint', '--strict', join(CHARTS, 'pcapdaemon'))).toContain('0 chart(s) failed');
    await expect(helm('template', 'x', join(CHARTS, 'pcapdaemon'), '--set', 'config=')).rejects.toThrow('config');
  });
});
