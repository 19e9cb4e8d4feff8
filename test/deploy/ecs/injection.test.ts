import { expect, test } from 'vitest';
import { sensorsOf, withoutSensor, withSensor } from '../../../src/deploy/ecs/injection.js';
import type { JsonObject } from '../../../src/deploy/ecs/json-value.js';
import { isSensorContainer, sensorContainer } from '../../../src/deploy/ecs/sensor-container.js';
import { containersOf } from '../../../src/deploy/ecs/task-definition.js';
import { futureTaskDefinition as rich } from '../../support/rich-task-definition.js';

const sensor = sensorContainer({
  image: 'levoai/pcap-sensor:0.1.0',
  region: 'eu-west-1',
  satelliteUrl: 'http://satellite:9999',
  levoEnv: 'staging',
  organizationId: '0a1b2c3d-0000-4000-8000-000000000000',
  profile: 'normal',
  cpuUnits: undefined,
  memoryMib: undefined,
  logGroup: { name: '/ecs/shop-sensor', create: true },
  extraFlags: [],
});

const names = (definition: JsonObject) => containersOf(definition).map((container) => container.name);
const replaceContainers = (containers: JsonObject[], rest: JsonObject = rich): JsonObject => ({
  ...rest,
  containerDefinitions: containers,
});

test('the sensor comes last and nothing else changes', () => {
  const before = structuredClone(rich);
  const after = withSensor(rich, sensor);
  expect(names(after)).toStrictEqual(['web', 'envoy', 'levo-pcap-sensor']);
  expect(replaceContainers(containersOf(after).slice(0, 2), after)).toStrictEqual(rich);
  expect(rich).toStrictEqual(before);
});

test('adding twice is adding once, also when ECS has filled in what it treats as absent', () => {
  const once = withSensor(rich, sensor);
  expect(withSensor(once, sensor)).toBe(once);
  const [web, envoy] = containersOf(rich);
  const { entryPoint, ...rest } = sensor;
  const described = {
    environment: [],
    systemControls: [],
    secrets: [],
    ...rest,
    entryPoint,
    dependsOn: [],
  } as JsonObject;
  const asDescribed = replaceContainers([web as JsonObject, described, envoy as JsonObject]);
  expect(withSensor(asDescribed, sensor)).toBe(asDescribed);
});

test('another sensor is replaced where it stands, and a second one goes', () => {
  const [web, envoy] = containersOf(rich) as [JsonObject, JsonObject];
  const byHand = { name: 'tap', image: 'registry.example:5000/mirror/pcap-sensor:0.0.9@sha256:abc', essential: false };
  const old = { ...sensor, image: 'levoai/pcap-sensor:0.0.1' };
  const after = withSensor(replaceContainers([web, byHand, envoy, old]), sensor);
  expect(containersOf(after)).toStrictEqual([web, sensor, envoy]);
});

test('taking it out restores what was there', () => {
  expect(withoutSensor(withSensor(rich, sensor))).toStrictEqual(rich);
  expect(withoutSensor(rich)).toBe(rich);
  expect(sensorsOf(rich)).toStrictEqual([]);
});

test('a dependency on the sensor goes with it, others stay', () => {
  const dependsOn = [
    { containerName: 'levo-pcap-sensor', condition: 'START' },
    { containerName: 'envoy', condition: 'HEALTHY' },
  ];
  const [web, envoy] = containersOf(rich) as [JsonObject, JsonObject];
  const after = withoutSensor(replaceContainers([{ ...web, dependsOn }, envoy, sensor]));
  expect(containersOf(after)[0]?.dependsOn).toStrictEqual([{ containerName: 'envoy', condition: 'HEALTHY' }]);
});

test.each<[string, JsonObject, RegExp]>([
  ['bridge network', { ...rich, networkMode: 'bridge' }, /network mode bridge: .* use awsvpc/],
  ['no network mode on EC2', { family: 'shop', containerDefinitions: [] }, /network mode bridge/],
  [
    'Windows',
    { ...rich, runtimePlatform: { operatingSystemFamily: 'WINDOWS_SERVER_2022_CORE' } },
    /runs on WINDOWS_SERVER_2022_CORE: the sensor needs Linux/,
  ],
  ['too little CPU', { ...rich, cpu: '1536' }, /has 1536 CPU units but with the sensor .* ask for 1792: .*--cpu/],
  ['too little CPU in vCPU', { ...rich, cpu: '1.5 vCPU' }, /has 1536 CPU units but/],
  ['too little memory', { ...rich, memory: '1.5 GB' }, /has 1536 MiB but with the sensor .* reserve 1792: .*--memory/],
  [
    'ten containers',
    replaceContainers(Array.from({ length: 10 }, (_, index) => ({ name: `c${index}`, image: 'x' }))),
    /already has 10 containers, and ECS allows 10/,
  ],
])('refused: %s', (_name, definition, message) => {
  expect(() => withSensor(definition, sensor)).toThrow(message);
});

test.each<[string, JsonObject]>([
  [
    'no task size',
    { family: 'shop', networkMode: 'host', containerDefinitions: [{ name: 'web', image: 'x', memory: 9000 }] },
  ],
  [
    'Fargate without a network mode',
    { family: 'shop', requiresCompatibilities: ['FARGATE'], containerDefinitions: [] },
  ],
  ['just enough', { ...rich, cpu: '1792', memory: '1792' }],
])('accepted: %s', (_name, definition) => {
  expect(sensorsOf(withSensor(definition, sensor))).toStrictEqual([sensor]);
});

test('removal is refused where it would leave a task that ECS refuses', () => {
  const [web] = containersOf(rich) as [JsonObject];
  const borrower = { ...web, volumesFrom: [{ sourceContainer: 'levo-pcap-sensor' }] };
  expect(() => withoutSensor(replaceContainers([borrower, sensor]))).toThrow(
    /container web mounts volumes of levo-pcap-sensor/,
  );
  expect(() => withoutSensor(replaceContainers([sensor]))).toThrow(/holds nothing but the sensor/);
});

test.each([
  ['levoai/pcap-sensor:0.1.0', true],
  ['pcap-sensor', true],
  ['host:5000/pcap-sensor@sha256:00', true],
  ['levoai/pcap-sensor-viewer:1', false],
  ['pcap-sensor/web:1', false],
  ['', false],
])('image %j is a sensor: %s', (image, expected) => {
  expect(isSensorContainer({ name: 'some', image })).toBe(expected);
});

test('the low-resource profile and further flags', () => {
  const low = sensorContainer({
    image: 'levoai/pcap-sensor:0.1.0',
    region: 'eu-west-1',
    satelliteUrl: 'http://satellite:9999',
    levoEnv: undefined,
    organizationId: undefined,
    profile: 'low-resource',
    cpuUnits: undefined,
    memoryMib: 256,
    logGroup: undefined,
    extraFlags: ['--rate-limit', '5', '--host-exclusions', 'a,b'],
  });
  expect(low.cpu).toBe(256);
  expect(low.memory).toBe(256);
  expect(low.logConfiguration).toBeUndefined();
  const words = low.entryPoint as string[];
  expect(words.slice(0, 4)).toStrictEqual(['./bin/init', 'apidump', '--satellite-url', 'http://satellite:9999']);
  expect(words.slice(-4)).toStrictEqual(['--rate-limit', '5', '--host-exclusions', 'a,b']);
  expect(words).not.toContain('--levo-env');
});
