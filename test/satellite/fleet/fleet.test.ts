import { randomBytes } from 'node:crypto';
import * as wire from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import { uuidBytes, uuidText, uuidVersion7 } from '../../../src/enrolment/identity.js';
import { createOpampCodec } from '../../../src/enrolment/opamp/codec.js';
import type { CustomSender, ServerCapability } from '../../../src/enrolment/opamp/custom.js';
import type { AgentToServer } from '../../../src/enrolment/opamp/messages.js';
import { STEERING_CAPABILITY } from '../../../src/enrolment/remote-configuration.js';
import { parseConfigurations } from '../../../src/satellite/fleet/configurations.js';
import { Fleet, type FleetContext } from '../../../src/satellite/fleet/fleet.js';
import { Random, runSeed } from '../../support/random.js';

const ID = '01932c07-209b-7abc-8def-0123456789ab';
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

function fleetWith(context: Partial<FleetContext> = {}) {
  const clock = { now: 1_700_000_000_000 };
  return { clock, fleet: new Fleet({ now: () => clock.now, ...context }) };
}

function first(
  id = ID,
  {
    service = 'shop',
    environment = 'prod',
    ...rest
  }: Partial<Record<'service' | 'environment', string>> & AgentToServer = {},
): AgentToServer {
  return {
    instanceUid: uuidBytes(id),
    sequenceNum: 1,
    capabilities: 0x3807,
    agentDescription: {
      identifyingAttributes: [text('service.name', service)],
      nonIdentifyingAttributes: [text('deployment.environment.name', environment)],
    },
    customCapabilities: { capabilities: [STEERING_CAPABILITY] },
    ...rest,
  };
}

const next = (sequenceNum: number, rest: AgentToServer = {}): AgentToServer => ({
  instanceUid: uuidBytes(ID),
  sequenceNum,
  capabilities: 0x3807,
  ...rest,
});

describe('what an agent says', () => {
  it('is put together from messages that leave out what has not changed', () => {
    const { fleet, clock } = fleetWith();
    fleet.take(first(), ID);
    clock.now += 5000;
    const answer = fleet.take(
      next(2, {
        health: {
          healthy: false,
          lastError: 'x',
          componentHealthMap: new Map([
            ['a', { healthy: true, componentHealthMap: new Map([['b', { healthy: false }]]) }],
          ]),
        },
      }),
      ID,
    );
    expect(answer.flags).toBeUndefined();
    fleet.take(next(3), ID);
    expect(fleet.rows()).toEqual([
      expect.objectContaining({
        id: ID,
        service: 'shop',
        environment: 'prod',
        isSigned: true,
        healthy: false,
        lastError: 'x',
        components: [
          { name: 'a', healthy: true, status: '', lastError: '' },
          { name: 'a/b', healthy: false, status: '', lastError: '' },
        ],
        firstSeen: 1_700_000_000_000_000,
        lastSeen: 1_700_000_005_000_000,
      }),
    ]);
  });

  it('is asked for in full where the satellite has not heard it, or missed some', () => {
    const { fleet } = fleetWith();
    expect(fleet.take(next(7), null).flags).toBe(1);
    expect(fleet.take(first(), null).flags).toBeUndefined();
    expect(fleet.take(next(2), null).flags).toBeUndefined();
    expect(fleet.take(next(4), null).flags).toBe(1);
  });

  it('is refused under an id that is none, or another one’s', () => {
    const { fleet } = fleetWith();
    const error = (message: AgentToServer, by: string | null) => fleet.take(message, by).errorResponse?.errorMessage;
    expect(error({}, null)).toBe('instance_uid has 0 bytes, not 16');
    expect(error(first(), ID.replace('01', '02'))).toMatch(/is not the instance that signed/);
    expect(error(first(), ID)).toBeUndefined();
    expect(error(next(2), null)).toMatch(/is that of an agent that signs/);
    expect(fleet.rows()).toHaveLength(1);
  });

  it('ends when it says so, and is forgotten after a day', () => {
    const gone: string[] = [];
    const capability: ServerCapability = {
      name: STEERING_CAPABILITY,
      handle: () => null,
      gone: ({ id }) => gone.push(id),
    };
    const { fleet, clock } = fleetWith({ capabilities: [capability] });
    fleet.take(first(), ID);
    fleet.take(next(2, { agentDisconnect: {} }), ID);
    expect(fleet.rows()[0]).toMatchObject({ hasEnded: true });
    expect(gone).toEqual([ID]);
    clock.now += 25 * 3600e3;
    expect(fleet.rows()).toEqual([]);
    expect(gone).toEqual([ID]);
  });

  it('takes no more room than there is: those that sign nothing go first', () => {
    const { fleet } = fleetWith({ agentsMax: 10 });
    for (let index = 0; index < 5; index++) {
      const id = uuidVersion7(index, randomBytes(10));
      fleet.take(first(id), id);
    }
    for (let index = 0; index < 50; index++) fleet.take(first(uuidVersion7(index, randomBytes(10))), null);
    expect(fleet.rows()).toHaveLength(10);
    expect(fleet.rows().filter(({ isSigned }) => isSigned)).toHaveLength(5);
    expect(fleet.evicted).toBe(45);
    const small = fleetWith({ bytesMax: 200_000 }).fleet;
    const body = Buffer.alloc(16_000, 'x');
    for (let index = 0; index < 50; index++)
      small.take(
        first(uuidVersion7(index, randomBytes(10)), {
          effectiveConfig: { configMap: { configMap: new Map([['', { body }]]) } },
        }),
        null,
      );
    expect(small.rows().length).toBeLessThan(10);
  });

  it('is bounded by what it may hold', () => {
    const { fleet } = fleetWith();
    const many = Array.from({ length: 1000 }, (_, index) => text(`k${index}`, 'v'.repeat(10_000)));
    const map = new Map(Array.from({ length: 1000 }, (_, index) => [`c${index}`, { status: 'x'.repeat(10_000) }]));
    fleet.take(
      first(ID, { agentDescription: { identifyingAttributes: many }, health: { componentHealthMap: map } }),
      null,
    );
    expect(JSON.stringify(fleet.rows()).length).toBeLessThan(200_000);
  });
});

describe('what sensors are asked for', () => {
  const SET = parseConfigurations({
    configurations: [
      { configuration: { 'rate-limit': 1 } },
      { environment: 'prod', configuration: { 'rate-limit': 2 } },
      { service: 'shop', configuration: { 'rate-limit': 3 } },
      { service: 'shop', environment: 'prod', configuration: { 'rate-limit': 4 } },
    ],
  });
  const askedOf = (fleet: Fleet, message: AgentToServer): unknown => {
    const body = fleet.take(message, null).remoteConfig?.config?.configMap?.get('')?.body;
    return body === undefined ? undefined : JSON.parse(Buffer.from(body).toString());
  };

  it.each([
    ['shop', 'prod', 4],
    ['shop', 'test', 3],
    ['cart', 'prod', 2],
    ['cart', 'test', 1],
  ])('is the narrowest that fits %s in %s', (service, environment, limit) => {
    const { fleet } = fleetWith();
    fleet.configurations.set(SET);
    expect(askedOf(fleet, first(ID, { service, environment }))).toEqual({ 'rate-limit': limit });
  });

  it('is sent until the sensor has had a word on it, and taken back when it is taken away', () => {
    const { fleet } = fleetWith();
    expect(askedOf(fleet, first())).toBeUndefined();
    fleet.configurations.set(SET);
    const { remoteConfig } = fleet.take(next(2), null);
    const lastRemoteConfigHash = remoteConfig?.configHash ?? new Uint8Array();
    expect(askedOf(fleet, next(3))).toEqual({ 'rate-limit': 4 });
    expect(
      askedOf(fleet, next(4, { remoteConfigStatus: { lastRemoteConfigHash, status: 3, errorMessage: 'no' } })),
    ).toBeUndefined();
    expect(fleet.rows()[0]?.configuration).toMatchObject({ status: 'failed', refused: 'no' });
    fleet.configurations.set([]);
    expect(askedOf(fleet, next(5))).toEqual({});
  });

  it('is not sent to agents that are no sensors, or take none', () => {
    const { fleet } = fleetWith();
    fleet.configurations.set(SET);
    expect(askedOf(fleet, first(ID, { customCapabilities: {} }))).toBeUndefined();
    expect(askedOf(fleet, first(ID, { capabilities: 0x1 }))).toBeUndefined();
  });

  it.each([
    [null, 'send {"configurations"'],
    [{ configurations: [{ configuration: { output: 'x' } }] }, 'configuration 1: "output" cannot be pushed'],
    [{ configurations: [{}] }, 'configuration 1: the configuration is no JSON object'],
    [{ configurations: [{ configuration: {} }, { configuration: {} }] }, 'configuration 2: there is another one'],
    [{ configurations: [{ service: 5, configuration: {} }] }, 'service and environment are texts'],
    [{ configurations: Array.from({ length: 501 }, () => ({})) }, '501 configurations; 500 may be set'],
  ])('%j is refused', (given, why) => {
    expect(() => parseConfigurations(given)).toThrow(why);
  });
});

describe('custom messages', () => {
  it('go to their capability and back, one with each answer, and a failure costs nothing else', () => {
    const heard: [CustomSender, string, string][] = [];
    const echo: ServerCapability = {
      name: 'com.example.echo',
      handle(agent, type, data) {
        if (type === 'bad') throw new Error('no');
        heard.push([agent, type, Buffer.from(data).toString()]);
        return { type: 'echo', data };
      },
      pending: () => ({ type: 'news', data: Buffer.from('n') }),
    };
    const { fleet } = fleetWith({ capabilities: [echo] });
    const capabilities = [STEERING_CAPABILITY, 'com.example.echo'];
    const hello = fleet.take(first(ID, { customCapabilities: { capabilities } }), ID);
    expect(hello.customCapabilities).toEqual({ capabilities });
    expect(hello.customMessage).toMatchObject({ capability: 'com.example.echo', type: 'news' });
    const say = (sequence: number, type: string, capability = 'com.example.echo') =>
      fleet.take(next(sequence, { customMessage: { capability, type, data: Buffer.from('x') } }), ID).customMessage;
    expect(say(2, 'ask')).toMatchObject({ type: 'echo' });
    expect(say(3, 'bad')).toMatchObject({ type: 'news' });
    expect(say(4, 'ask', 'com.example.other')).toMatchObject({ type: 'news' });
    expect(heard).toEqual([[{ id: ID, service: 'shop', environment: 'prod', isSigned: true }, 'ask', 'x']]);
    expect(fleet.customFailures).toBe(1);
  });
});

it('says to a capability that an agent tells all of itself, as at its start and where it had no answer', () => {
  const said: string[] = [];
  const capability: ServerCapability = {
    name: 'com.example.echo',
    handle: () => null,
    began: ({ id }) => void said.push(`began ${id}`),
    gone: ({ id }) => void said.push(`gone ${id}`),
  };
  const { fleet } = fleetWith({ capabilities: [capability] });
  const all = { customCapabilities: { capabilities: ['com.example.echo'] } };
  fleet.take(first(ID, all), ID);
  fleet.take(next(2, {}), ID);
  fleet.take(next(3, all), ID);
  fleet.take(next(4, { agentDisconnect: {} }), ID);
  expect(said).toEqual([`began ${ID}`, `began ${ID}`, `gone ${ID}`]);
});

describe('random messages', () => {
  it('neither throw nor take more room than there is', () => {
    const codec = createOpampCodec(wire);
    const random = new Random(runSeed());
    const { fleet, clock } = fleetWith({ agentsMax: 50 });
    const rounds = Number(process.env.OPAMP_MESSAGES ?? 3000);
    for (let round = 0; round < rounds; round++) {
      clock.now += random.between(0, 10_000);
      const id = uuidText(Uint8Array.from({ length: 16 }, () => random.between(0, 3)));
      const bytes = Buffer.from(
        codec.writeAgentToServer(
          first(id, {
            sequenceNum: random.between(0, 3),
            health: { lastError: 'e', componentHealthMap: new Map([['c', {}]]) },
            remoteConfigStatus: { status: random.between(0, 5) },
          }),
        ),
      );
      for (let count = random.between(0, 3); count > 0; count--)
        bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
      const read = codec.readAgentToServer(bytes);
      if (typeof read === 'string') continue;
      expect(codec.writeServerToAgent(fleet.take(read, random.chance(0.5) ? id : null)).length).toBeLessThan(2000);
    }
    expect(fleet.rows().length).toBeLessThanOrEqual(50);
  });
});
