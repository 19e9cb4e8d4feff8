import { readdirSync, readFileSync } from 'node:fs';
import { ContainerDefinition$, RegisterTaskDefinitionRequest$ } from '@aws-sdk/client-ecs';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/deploy/ecs/json-value.js';
import { isSensorContainer, SENSOR_PROFILES, sensorContainer } from '../../src/deploy/ecs/sensor-container.js';
import { containersOf } from '../../src/deploy/ecs/task-definition.js';
import { assertFits } from '../../src/deploy/ecs/task-size.js';
import { startSettings } from '../support/apidump-words.js';
import { disagreements } from '../support/ecs-model.js';
import { futureTaskDefinition, richTaskDefinition } from '../support/rich-task-definition.js';

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../task-definitions/${name}`, import.meta.url), 'utf8')) as JsonObject;
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

test('the check sees what it is there to see', () => {
  expect(disagreements(richTaskDefinition, RegisterTaskDefinitionRequest$)).toStrictEqual([]);
  expect(disagreements(futureTaskDefinition, RegisterTaskDefinitionRequest$)).toStrictEqual(
    [
      '$.quantumIsolation does not exist',
      '$.volumes[5].tapeVolumeConfiguration does not exist',
      '$.containerDefinitions[0].gravity does not exist',
    ].toSorted((a, b) => order(a) - order(b)),
  );
  expect(disagreements({ name: 1, essential: 'no', entryPoint: 'x' }, ContainerDefinition$)).toStrictEqual([
    '$.name is not a string',
    '$.essential is not a boolean',
    '$.entryPoint is not a list',
  ]);
  const withFlag = (flag: string) => ({ entryPoint: ['apidump', '--satellite-url', 'http://x', flag, '1'] });
  expect(() => startSettings(withFlag('--rate-limits'))).toThrow(
    '--rate-limits is no option; did you mean --rate-limit?',
  );
  expect(startSettings(withFlag('--rate-limit')).rateLimit).toBe(1);

  function order(line: string): number {
    return Object.keys(futureTaskDefinition).findIndex((member) => line.startsWith(`$.${member}`));
  }
});

describe.each([
  ['sidecar.json', 'normal'],
  ['low-resource.json', 'low-resource'],
] as const)('%s', (file, profile) => {
  const container = read(file);

  test('is a container definition as ECS knows it', () => {
    expect(disagreements(container, ContainerDefinition$)).toStrictEqual([]);
  });

  test('starts the sensor with options that exist', () => {
    const settings = startSettings(container);
    expect(settings.levoEnv).toBe('staging');
    expect(settings.rateLimit).toBe(profile === 'normal' ? 1000 : 100);
  });

  test('is what "pcap-sensor ecs add" would put in', () => {
    const region = '< INSERT AWS REGION (us-west-2) >';
    expect(container).toStrictEqual(
      sensorContainer({
        image: `levoai/pcap-sensor:${version}`,
        region,
        satelliteUrl: '< INSERT SATELLITE URL (http(s)://hostname|IP:port) >',
        levoEnv: '< INSERT APPLICATION ENVIRONMENT (staging, production etc.) >',
        organizationId: '< INSERT LEVO ORG ID >',
        profile,
        cpuUnits: undefined,
        memoryMib: undefined,
        logGroup: { name: '< INSERT LOGS IDENTIFIER (/ecs/your-application-pcap) >', create: true },
        extraFlags: [],
      }),
    );
    expect([container.cpu, container.memory]).toStrictEqual([
      SENSOR_PROFILES[profile].cpuUnits,
      SENSOR_PROFILES[profile].memoryMib,
    ]);
  });
});

test('low-resource.json asks for little', () => {
  const settings = startSettings(read('low-resource.json'));
  expect(settings).toMatchObject({ traceExportInterval: 1, streamTimeoutSeconds: 2, maxHttpLength: 1_000_000 });
});

test('example-task.json is a whole task, ready to register', () => {
  const task = read('example-task.json');
  expect(disagreements(task, RegisterTaskDefinitionRequest$)).toStrictEqual([]);
  expect(() => assertFits(task)).not.toThrow();
  const [sensor, ...more] = containersOf(task).filter(isSensorContainer);
  expect(more).toStrictEqual([]);
  expect(sensor?.image).toBe(`levoai/pcap-sensor:${version}`);
  expect(startSettings(sensor ?? {}).pathExclusions).toStrictEqual(['^/health$']);
  expect(JSON.stringify(task)).not.toMatch(/INSERT/);
});

test('there is nothing in the folder that no test looks at', () => {
  const folder = new URL('../../task-definitions/', import.meta.url);
  expect(readdirSync(folder).sort()).toStrictEqual(['example-task.json', 'low-resource.json', 'sidecar.json']);
});

test('nothing asks for a capability: Fargate grants NET_RAW and refuses the rest', () => {
  for (const file of ['sidecar.json', 'low-resource.json', 'example-task.json']) {
    expect(JSON.stringify(read(file))).not.toMatch(/capabilities|privileged/);
  }
});
