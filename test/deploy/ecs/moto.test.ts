/**
 * The same against moto's ECS and EC2: AWS's protocol as other people have understood it.
 */
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
} from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { EcsApi } from '../../../src/deploy/ecs/ecs-api.js';
import { ecsApi, listRegions } from '../../../src/deploy/ecs/ecs-api.js';
import { refusingPrompter } from '../../../src/deploy/ecs/prompter.js';
import { addSensor, removeSensor, sensorStatus } from '../../../src/deploy/ecs/sensor-change.js';
import { sensorContainer } from '../../../src/deploy/ecs/sensor-container.js';
import { resolveTarget } from '../../../src/deploy/ecs/target.js';
import { containersOf, registrationOf } from '../../../src/deploy/ecs/task-definition.js';
import { type Moto, motoInstalled, startMoto } from '../../support/moto.js';
import { needs } from '../../support/needs.js';
import { richTags, richTaskDefinition } from '../../support/rich-task-definition.js';

const options = { dryRun: false, json: false, yes: true, registerOnly: false, noTags: false, timeoutSeconds: 60 };
const sensor = sensorContainer({
  image: 'levoai/pcap-sensor:0.1.0',
  region: 'eu-west-1',
  satelliteUrl: 'http://satellite:9999',
  levoEnv: 'staging',
  organizationId: 'org',
  profile: 'low-resource',
  cpuUnits: undefined,
  memoryMib: undefined,
  logGroup: { name: '/ecs/sensor', create: true },
  extraFlags: [],
});

describe('ecs against moto', needs({ moto: motoInstalled }), () => {
  let moto: Moto;
  let api: EcsApi;
  let client: ECSClient;
  const printed: string[] = [];
  const context = () => ({
    api,
    prompter: refusingPrompter(),
    print: (line: string) => void printed.push(line),
    hooks: { progress: () => undefined, sleep: () => Promise.reject(new Error('nothing to wait for')), now: () => 0 },
  });

  beforeAll(async () => {
    moto = await startMoto(2);
    vi.stubEnv('AWS_ENDPOINT_URL', moto.url);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
    client = new ECSClient({ region: 'eu-west-1' });
    await client.send(new CreateClusterCommand({ clusterName: 'main' }));
    const input = { ...richTaskDefinition, tags: richTags };
    await client.send(new RegisterTaskDefinitionCommand(input as unknown as RegisterTaskDefinitionCommandInput));
    await client.send(
      new CreateServiceCommand({ cluster: 'main', serviceName: 'web', taskDefinition: 'shop', desiredCount: 2 }),
    );
    api = await ecsApi({ profile: undefined, region: 'eu-west-1' });
  });

  afterAll(async () => {
    api?.close();
    client?.destroy();
    vi.unstubAllEnvs();
    await moto?.stop();
  });

  const service = { profile: undefined, region: undefined, cluster: 'main', service: 'web', family: undefined };
  const web = () => resolveTarget(service, refusingPrompter(), api);
  const runs = async () => {
    const answer = await client.send(
      new DescribeServicesCommand({ cluster: 'main', services: ['web'], include: ['TAGS'] }),
    );
    return answer.services?.[0];
  };

  test('what there is to choose from', async () => {
    expect(await listRegions(undefined)).toContain('eu-west-1');
    expect(await api.listClusters()).toMatchObject([{ name: 'main' }]);
    expect(await api.listServices('main')).toStrictEqual(['web']);
    expect(await api.listFamilies()).toStrictEqual(['shop']);
  });

  test('add, status, add again, remove', async () => {
    const before = registrationOf(await api.describeTaskDefinition('shop:1'), { keepTags: true });
    expect(before.proxyConfiguration).toBeDefined();
    await addSensor(await web(), () => sensor, options, context());
    expect((await runs())?.taskDefinition).toMatch(/shop:2$/);
    const after = registrationOf(await api.describeTaskDefinition('shop:2'), { keepTags: true });
    expect(containersOf(after)).toHaveLength(3);
    expect({ ...after, containerDefinitions: containersOf(after).slice(0, 2) }).toStrictEqual(before);
    expect(after.tags).toStrictEqual(richTags);
    expect((await runs())?.tags).toContainEqual({ key: 'levo:pcap-sensor-restores', value: 'shop:1' });
    expect((await sensorStatus(await web(), api)).present).toBe(true);

    await addSensor(await web(), () => sensor, options, context());
    expect(printed.at(-1)).toBe('shop:2 has this sensor already: nothing to do.');
    await expect(client.send(new DescribeTaskDefinitionCommand({ taskDefinition: 'shop:3' }))).rejects.toThrow();

    await removeSensor(await web(), options, context());
    expect((await runs())?.taskDefinition).toMatch(/shop:1$/);
    expect((await sensorStatus(await web(), api)).present).toBe(false);
  });
});
