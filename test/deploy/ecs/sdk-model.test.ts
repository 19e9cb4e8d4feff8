/**
 * Every member of a task definition that the AWS SDK knows, against what `ecs add` copies. A newer SDK whose model has
 * gained a member fails here until it is known whether a client may send that member.
 */
import { RegisterTaskDefinitionRequest$, TaskDefinition$ } from '@aws-sdk/client-ecs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ecsApi } from '../../../src/deploy/ecs/ecs-api.js';
import type { JsonObject } from '../../../src/deploy/ecs/json-value.js';
import { refusingPrompter } from '../../../src/deploy/ecs/prompter.js';
import { addSensor } from '../../../src/deploy/ecs/sensor-change.js';
import { resolveTarget } from '../../../src/deploy/ecs/target.js';
import { containersOf, registrationOf } from '../../../src/deploy/ecs/task-definition.js';
import { disagreements, everyMember, membersOf } from '../../support/ecs-model.js';
import { type FakeEcs, startFakeEcs } from '../../support/fake-ecs.js';
import { lostPaths } from '../../support/json-paths.js';
import { richTags, richTaskDefinition } from '../../support/rich-task-definition.js';

/** Described by ECS with every member that the SDK knows. */
const described: JsonObject = {
  ...(everyMember(TaskDefinition$) as JsonObject),
  // What is looked at on the way has to make sense.
  family: 'shop',
  cpu: '2048',
  memory: '4096',
  networkMode: 'awsvpc',
  requiresCompatibilities: ['FARGATE'],
  runtimePlatform: { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' },
};
const registerMembers = membersOf(RegisterTaskDefinitionRequest$);

test('what is registered has each member that may be registered, and no other', () => {
  const registration = registrationOf({ taskDefinition: described, tags: richTags }, { keepTags: true });
  expect(Object.keys(registration).toSorted()).toStrictEqual(registerMembers.toSorted());
  expect(disagreements(registration, RegisterTaskDefinitionRequest$)).toStrictEqual([]);
  const writable = registerMembers.filter((member) => member !== 'tags');
  expect(writable.map((member) => registration[member])).toStrictEqual(writable.map((member) => described[member]));
});

test('the task definition that tests call rich has them all, but for what AWS no longer offers', () => {
  const absent = registerMembers.filter((member) => member !== 'tags' && !(member in richTaskDefinition));
  expect(absent).toStrictEqual(['inferenceAccelerators']);
});

let ecs: FakeEcs;
beforeEach(async () => {
  ecs = await startFakeEcs(described, richTags);
  vi.stubEnv('AWS_ENDPOINT_URL', ecs.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await ecs.stop();
});

test('through the SDK and over the wire nothing is lost, at any depth', async () => {
  const api = await ecsApi({ profile: undefined, region: 'eu-west-1' });
  try {
    const target = { profile: undefined, region: undefined, cluster: 'main', service: 'web', family: undefined };
    const sensor = { name: 'levo-pcap-sensor', image: 'levoai/pcap-sensor:0.1.0', cpu: 64, memory: 200 };
    await addSensor(
      await resolveTarget(target, refusingPrompter(), api),
      () => sensor,
      { dryRun: false, json: false, yes: true, registerOnly: true, noTags: false, timeoutSeconds: 60 },
      {
        api,
        prompter: refusingPrompter(),
        print: () => undefined,
        hooks: { progress: () => undefined, sleep: () => Promise.resolve(), now: () => 0 },
      },
    );
  } finally {
    api.close();
  }
  const sent = ecs.revisions.get('shop:2') as JsonObject;
  const { containerDefinitions: _, ...rest } = registrationOf(
    { taskDefinition: described, tags: [] },
    { keepTags: false },
  );
  expect(lostPaths(rest, sent)).toStrictEqual([]);
  expect(containersOf(sent).slice(0, -1)).toStrictEqual(containersOf(described));
  expect(containersOf(sent).at(-1)?.name).toBe('levo-pcap-sensor');
  expect(ecs.revisionTags.get('shop:2')).toStrictEqual(richTags);
});
