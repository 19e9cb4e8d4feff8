/**
 * The whole change through the AWS SDK against an ECS that keeps every byte and fails on demand.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ChangeSettings } from '../../../src/deploy/ecs/change.js';
import type { EcsApi } from '../../../src/deploy/ecs/ecs-api.js';
import { ecsApi } from '../../../src/deploy/ecs/ecs-api.js';
import type { JsonObject } from '../../../src/deploy/ecs/json-value.js';
import { Cancelled, refusingPrompter } from '../../../src/deploy/ecs/prompter.js';
import { addSensor, removeSensor, sensorStatus } from '../../../src/deploy/ecs/sensor-change.js';
import { sensorContainer } from '../../../src/deploy/ecs/sensor-container.js';
import { resolveTarget } from '../../../src/deploy/ecs/target.js';
import { containersOf } from '../../../src/deploy/ecs/task-definition.js';
import { type FakeEcs, startFakeEcs } from '../../support/fake-ecs.js';
import { futureTaskDefinition, richTags } from '../../support/rich-task-definition.js';

let ecs: FakeEcs;
let api: EcsApi;
let printed: string[];

beforeEach(async () => {
  ecs = await startFakeEcs(futureTaskDefinition, richTags);
  vi.stubEnv('AWS_ENDPOINT_URL', ecs.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  api = await ecsApi({ profile: undefined, region: 'eu-west-1' });
  printed = [];
});

afterEach(async () => {
  api.close();
  vi.unstubAllEnvs();
  await ecs.stop();
});

const defaults: ChangeSettings = {
  dryRun: false,
  json: false,
  yes: true,
  registerOnly: false,
  noTags: false,
  timeoutSeconds: 60,
};

const sensor = (image = 'levoai/pcap-sensor:0.1.0') =>
  sensorContainer({
    image,
    region: 'eu-west-1',
    satelliteUrl: 'http://satellite:9999',
    levoEnv: 'staging',
    organizationId: 'org',
    profile: 'normal',
    cpuUnits: undefined,
    memoryMib: undefined,
    logGroup: undefined,
    extraFlags: [],
  });

/** A clock that each sleep moves on, so that no test waits. */
function context(prompter = refusingPrompter()) {
  let seconds = 0;
  return {
    api,
    prompter,
    print: (line: string) => void printed.push(line),
    hooks: {
      progress: (line: string) => void printed.push(line),
      sleep: async (wait: number) => {
        seconds += wait;
      },
      now: () => seconds,
    },
  };
}

const none = { profile: undefined, region: undefined, cluster: undefined, service: undefined, family: undefined };
const web = () => resolveTarget({ ...none, cluster: 'main', service: 'web' }, refusingPrompter(), api);
const add = async (options: Partial<ChangeSettings> = {}, image?: string) =>
  addSensor(await web(), () => sensor(image), { ...defaults, ...options }, context());
const remove = async (options: Partial<ChangeSettings> = {}) =>
  removeSensor(await web(), { ...defaults, ...options }, context());
const current = () => ecs.serviceRevision.slice(ecs.serviceRevision.lastIndexOf('/') + 1);
const writes = () => ecs.calls.filter((call) => /^(Register|Update|Tag)/.test(call));

/** A stored revision as it was registered: the fake adds exactly these. */
function registered(name: string): JsonObject {
  const added = [
    'taskDefinitionArn',
    'revision',
    'status',
    'requiresAttributes',
    'compatibilities',
    'registeredAt',
    'registeredBy',
  ];
  return Object.fromEntries(
    Object.entries(ecs.revisions.get(name) ?? {}).filter(([member]) => !added.includes(member)),
  );
}

describe('add, status, add again, remove', () => {
  test('every member and tag survives, members unknown to the SDK included', async () => {
    await add();
    expect(current()).toBe('shop:2');
    const revision = registered('shop:2');
    expect(containersOf(revision).at(-1)).toStrictEqual(sensor());
    expect({ ...revision, containerDefinitions: containersOf(revision).slice(0, -1) }).toStrictEqual(
      futureTaskDefinition,
    );
    expect(ecs.revisionTags.get('shop:2')).toStrictEqual(richTags);
    expect(Object.fromEntries(ecs.serviceTags)).toStrictEqual({
      team: 'shop',
      'levo:pcap-sensor': 'levoai/pcap-sensor:0.1.0',
      'levo:pcap-sensor-restores': 'shop:1',
    });
    expect(printed.at(-1)).toBe('Service web is steady on shop:2.');

    const status = await sensorStatus(await web(), api);
    expect(status.present).toBe(true);
    expect(status.lines).toContain('restores  shop:1');

    const before = writes().length;
    await add();
    expect(writes()).toHaveLength(before);
    expect(printed.at(-1)).toBe('shop:2 has this sensor already: nothing to do.');

    await remove();
    expect(current()).toBe('shop:1');
    expect(ecs.revisions.size).toBe(2);
    expect(ecs.serviceTags.get('levo:pcap-sensor')).toBe('removed');

    const after = writes().length;
    await remove();
    expect(writes()).toHaveLength(after);
    expect(printed.at(-1)).toBe('shop:1 has no sensor: nothing to do.');
  });

  test('an upgrade replaces the sensor and keeps the way back', async () => {
    await add();
    await add({}, 'levoai/pcap-sensor:0.2.0');
    expect(containersOf(registered('shop:3')).map((container) => container.image)).toContain(
      'levoai/pcap-sensor:0.2.0',
    );
    expect(containersOf(registered('shop:3'))).toHaveLength(3);
    expect(ecs.serviceTags.get('levo:pcap-sensor-restores')).toBe('shop:1');
    await remove();
    expect(current()).toBe('shop:1');
  });

  test('remove registers a revision when the application has moved on meanwhile', async () => {
    await add();
    const moved = { ...(ecs.revisions.get('shop:2') as JsonObject), cpu: '4096' };
    ecs.revisions.set('shop:2', moved);
    await remove();
    expect(current()).toBe('shop:3');
    expect(registered('shop:3')).toStrictEqual({ ...futureTaskDefinition, cpu: '4096' });
  });

  test('a family alone is registered and not deployed', async () => {
    const target = await resolveTarget({ ...none, family: 'shop' }, refusingPrompter(), api);
    await addSensor(target, () => sensor(), defaults, context());
    expect(writes()).toStrictEqual(['RegisterTaskDefinition']);
    expect(current()).toBe('shop:1');
    expect(printed.at(-1)).toBe('No service was changed: deploy shop:2 the way this task is deployed.');
  });
});

describe('before anything is changed', () => {
  test('--dry-run shows the diff and writes nothing', async () => {
    await add({ dryRun: true });
    expect(writes()).toStrictEqual([]);
    const removedLines = printed.filter((line) => line.startsWith('-') && !line.startsWith('---'));
    expect(removedLines).toStrictEqual([]);
    expect(printed).toContain('+      "name": "levo-pcap-sensor",');
  });

  test('--dry-run --json prints what would be registered', async () => {
    await add({ dryRun: true, json: true });
    const input = JSON.parse(printed.join('\n')) as JsonObject;
    expect(containersOf(input)).toHaveLength(3);
    expect(input.quantumIsolation).toStrictEqual({ mode: 'entangled', qubits: [1, 2.5, -0.25] });
    expect(writes()).toStrictEqual([]);
  });

  test('saying no, and having nobody to ask, change nothing', async () => {
    const no = { ...refusingPrompter(), confirm: () => Promise.resolve(false) };
    const target = await web();
    await expect(addSensor(target, () => sensor(), { ...defaults, yes: false }, context(no))).rejects.toThrow(
      Cancelled,
    );
    await expect(add({ yes: false })).rejects.toThrow('no terminal to ask at: give --yes');
    expect(writes()).toStrictEqual([]);
  });

  test('a service that ECS does not deploy is refused, and --register-only is the way round', async () => {
    ecs.controller = 'CODE_DEPLOY';
    await expect(add()).rejects.toThrow(/service web is deployed by CODE_DEPLOY.*--register-only/);
    expect(writes()).toStrictEqual([]);
    await add({ registerOnly: true });
    expect(writes()).toStrictEqual(['RegisterTaskDefinition']);
  });

  test('a service that is not there, and a family that is another', async () => {
    await expect(resolveTarget({ ...none, cluster: 'main', service: 'nope' }, refusingPrompter(), api)).rejects.toThrow(
      'no active service nope in cluster main (eu-west-1): check --service, --cluster and --region',
    );
    await expect(
      resolveTarget({ ...none, cluster: 'main', service: 'web', family: 'other' }, refusingPrompter(), api),
    ).rejects.toThrow('service web runs task definition shop, not other: leave --family out');
  });
});

describe('a rollout that fails', () => {
  test.each([
    ['fails', /ECS gave the deployment up \(tasks failed to start\); service web was set back to shop:1/],
    [
      'hangs',
      /not steady after 60 s \(IN_PROGRESS: 0 of 2 running, 0 failed; last event: .*\); service web was set back to shop:1/,
    ],
  ] as const)('%s: the service goes back', async (plan, message) => {
    ecs.rollout = plan;
    await expect(add()).rejects.toThrow(message);
    expect(current()).toBe('shop:1');
    expect(ecs.serviceTags.get('levo:pcap-sensor')).toBe('rolled back');
  });

  test('an update that is refused leaves nothing that says otherwise', async () => {
    ecs.denied.add('ecs:UpdateService');
    await expect(add()).rejects.toThrow(/^AWS denied ecs:UpdateService: .*; service web is still on shop:1$/);
    expect(current()).toBe('shop:1');
    expect(ecs.serviceTags.get('levo:pcap-sensor')).toBe('rolled back');
  });

  test('a rollout that can no longer be watched is left on its way, and said so', async () => {
    ecs.rollout = 'hangs';
    const blinding = context();
    const sleep = async () => void ecs.denied.add('ecs:DescribeServices');
    await expect(
      addSensor(await web(), () => sensor(), defaults, { ...blinding, hooks: { ...blinding.hooks, sleep } }),
    ).rejects.toThrow(/^AWS denied ecs:DescribeServices: .*; service web is on its way to shop:2 with nobody watching/);
    expect(current()).toBe('shop:2');
  });

  test("somebody else's deployment is left alone", async () => {
    ecs.rollout = 'is replaced';
    await expect(add()).rejects.toThrow(/replaced by another; service web was left as it is/);
    expect(current()).toBe('other:1');
    expect(ecs.calls.filter((call) => call === 'UpdateService')).toHaveLength(1);
  });
});

describe('each missing permission is named, with the way round', () => {
  test.each([
    ['ecs:DescribeServices', '--family with --register-only'],
    ['ecs:DescribeTaskDefinition', 'task-definitions/sidecar.json'],
    ['ecs:RegisterTaskDefinition', '--dry-run --json'],
    ['iam:PassRole', 'allow iam:PassRole on those role ARNs'],
    ['ecs:TagResource', '--no-tags'],
    ['ecs:UpdateService', '--register-only'],
  ])('%s', async (action, wayRound) => {
    ecs.denied.add(action);
    await expect(add()).rejects.toThrow(`AWS denied ${action}: allow it`);
    await expect(add()).rejects.toThrow(wayRound);
    expect(current()).toBe('shop:1');
  });

  test.each([
    ['ecs:ListClusters', '--cluster', () => api.listClusters()],
    ['ecs:DescribeClusters', '--cluster', () => api.listClusters()],
    ['ecs:ListServices', '--service', () => api.listServices('main')],
    ['ecs:ListTaskDefinitionFamilies', '--family', () => api.listFamilies()],
  ])('%s', async (action, wayRound, call) => {
    ecs.denied.add(action);
    await expect(call()).rejects.toThrow(new RegExp(`^AWS denied ${action}: .*${wayRound}$`));
  });

  test('--no-tags needs no ecs:TagResource', async () => {
    ecs.denied.add('ecs:TagResource');
    await add({ noTags: true });
    expect(current()).toBe('shop:2');
    expect(ecs.revisionTags.get('shop:2')).toStrictEqual([]);
  });
});

describe('a question for everything that no flag says', () => {
  test('service, cluster and service name', async () => {
    const asked: string[] = [];
    const prompter = {
      ...refusingPrompter(),
      choose: async (option: string, _message: string, choices: readonly { value: string }[]) => {
        asked.push(option);
        return choices[0]?.value ?? '';
      },
    };
    const target = await resolveTarget(none, prompter, api);
    expect(asked).toStrictEqual(['--service NAME or --family NAME', '--cluster', '--service']);
    expect(target.reference).toContain('task-definition/shop:1');
  });
});
