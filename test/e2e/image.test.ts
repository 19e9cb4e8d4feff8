/**
 * The container image as people start it.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { needs } from '../support/needs.js';
import { podman, podmanReady, runContainer, sensorImage, startContainer } from '../support/podman.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const apart = ['--network', 'none'];

describe('the image', needs({ PCAP_SENSOR_IMAGE: podmanReady }), () => {
  const missing = ['apidump', '--read', '/nonexistent', '--output', 'ndjson'];

  test.each([
    ['as its command', [], missing],
    ['with ./bin/init', [], ['./bin/init', ...missing]],
    ['with ./levo_pcap_sensor.sh', [], ['./levo_pcap_sensor.sh', ...missing]],
    ['with the full path', [], ['/levoai/pcap-sensor/bin/init', ...missing]],
    ['ECS entryPoint ./bin/init', ['--entrypoint', JSON.stringify(['./bin/init', ...missing])], []],
    [
      'ECS entryPoint ./levo_pcap_sensor.sh',
      ['--entrypoint', JSON.stringify(['./levo_pcap_sensor.sh', ...missing])],
      [],
    ],
    ['ECS entryPoint apidump', ['--entrypoint', JSON.stringify(missing)], []],
    ['ECS entryPoint pcap-sensor', ['--entrypoint', JSON.stringify(['pcap-sensor', ...missing])], []],
    ['ECS entryPoint and command', ['--entrypoint', JSON.stringify(['./bin/init'])], missing],
  ])('starts apidump %s, and its exit code is kept', async (_name, options, command) => {
    const { code, stderr } = await runContainer(...apart, ...options, sensorImage, ...command);
    expect(stderr).toContain('pcap-sensor: --read "/nonexistent" does not exist');
    expect(code).toBe(2);
  });

  test('runs with nothing writable and no capability', async () => {
    const { code, stdout } = await runContainer(...apart, '--read-only', '--cap-drop', 'ALL', sensorImage, '--version');
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining(`pcap-sensor ${version} `) });
  });

  test('a signal reaches the sensor, orphans are reaped, and it ends with 0', async () => {
    const container = await startContainer(...apart, '--read-only', sensorImage, 'satellite', '--port', '0');
    try {
      await expect.poll(() => container.logs(), { timeout: 120_000 }).toContain('satellite at');
      expect(readFileSync(`/proc/${container.pid}/comm`, 'utf8').trim()).toBe('tini');
      await podman('exec', container.id, 'sh', '-c', 'sh -c "sleep 0.1 & exit" & wait');
      const states = await podman('exec', container.id, 'sh', '-c', 'sleep 1; cat /proc/[0-9]*/stat');
      expect(states.stdout).not.toMatch(/\) Z /);
      expect(await container.stop(20)).toBe(0);
      expect(await container.logs()).toContain('SIGTERM');
    } finally {
      await container.remove();
    }
  });

  // Docker and Fargate grant NET_RAW without being asked, podman does not.
  test.each(['NET_RAW', 'ALL'])('granted %s has NET_RAW alone in effect, and can gain nothing', async (granted) => {
    const container = await startContainer(...apart, '--cap-add', granted, sensorImage, 'satellite', '--port', '0');
    try {
      await expect.poll(() => container.logs(), { timeout: 120_000 }).toContain('satellite at');
      const status = readFileSync(`/proc/${container.pid}/status`, 'utf8');
      for (const set of ['CapPrm', 'CapEff', 'CapBnd'])
        expect(status).toMatch(new RegExp(`^${set}:\\t0{12}2000$`, 'm'));
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    } finally {
      await container.remove();
    }
  });

  test('holds what runs and not what builds', async () => {
    const look =
      'for tool in cc gcc g++ make python3 npm; do command -v $tool; done; find / -xdev -name "*.map" -path "*/levoai/*"; ls node_modules/@aws-sdk node_modules/cap';
    const { stdout } = await runContainer(...apart, '--entrypoint', 'sh', sensorImage, '-c', look);
    expect(stdout).toBe('');
  });

  test('says what it is: labels, and an SBOM of exactly the packages in it', async () => {
    const labels = JSON.parse(
      (await podman('inspect', '--format', '{{json .Config.Labels}}', sensorImage)).stdout,
    ) as Record<string, string>;
    expect(labels['org.opencontainers.image.version']).toBe(version);
    expect(labels['org.opencontainers.image.licenses']).toBe('Apache-2.0');
    const list = await runContainer(...apart, '--entrypoint', 'node', sensorImage, '-e', LIST_PACKAGES);
    const sbom = await runContainer(...apart, '--entrypoint', 'cat', sensorImage, labels['ai.levo.sbom'] ?? '');
    const { components } = JSON.parse(sbom.stdout) as {
      components: { group?: string; name: string; version: string }[];
    };
    const listed = components.map((part) => `${part.group ? `${part.group}/` : ''}${part.name}@${part.version}`);
    expect(listed.toSorted()).toStrictEqual(JSON.parse(list.stdout));
  });
});

const LIST_PACKAGES = `
const { execSync } = require('node:child_process');
const found = execSync('find node_modules -name package.json').toString().trim().split('\\n')
  .filter((path) => /node_modules\\/(@[^/]+\\/)?[^/]+\\/package.json$/.test(path))
  .map((path) => require('/levoai/pcap-sensor/' + path)).map(({ name, version }) => name + '@' + version);
console.log(JSON.stringify([...new Set(found)].sort()));
`;
