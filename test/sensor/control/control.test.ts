/** Control against a server of a few lines, under a clock that is set: what is asked for, in force or refused, and for how long. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as wire from '@bufbuild/protobuf/wire';
import { afterAll, describe, expect, it } from 'vitest';
import { createCounters } from '../../../src/counters.js';
import { createOpampCodec } from '../../../src/enrolment/opamp/codec.js';
import type { SensorCapability } from '../../../src/enrolment/opamp/custom.js';
import type { AgentToServer, ServerToAgent } from '../../../src/enrolment/opamp/messages.js';
import type { Narrowing } from '../../../src/enrolment/remote-configuration.js';
import type { Client } from '../../../src/output/satellite/enrolment.js';
import { type ControlContext, openControl } from '../../../src/sensor/control/control.js';
import { newInstance, openStateDirectory, type StateDirectory } from '../../../src/sensor/control/state-directory.js';
import { recordingLog } from '../../support/relay.js';

const codec = createOpampCodec(wire);
const directory = mkdtempSync(join(tmpdir(), 'control-'));
afterAll(() => rmSync(directory, { recursive: true }));

type Answer = ServerToAgent | Error | number;
const asking = (configuration: unknown, hash = 'h'): ServerToAgent => ({
  remoteConfig: {
    config: { configMap: new Map([['', { body: Buffer.from(JSON.stringify(configuration)) }]]) },
    configHash: Buffer.from(hash),
  },
});

/** Runs control until each poll has had its answer; a number is so many milliseconds without a poll. */
async function run(answers: readonly Answer[], given: Partial<ControlContext> = {}) {
  const told: AgentToServer[] = [];
  const steered: (Narrowing | null)[] = [];
  const waits: number[] = [];
  const { log, lines } = recordingLog();
  const counters = createCounters();
  const clock = { now: 1_700_000_000_000 };
  const script = [...answers];
  let isOver: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    isOver = resolve;
  });
  const client: Client = {
    async post({ body }) {
      told.push(codec.readAgentToServer(body) as AgentToServer);
      if (typeof script[0] === 'number') clock.now += script.shift() as number;
      const answer = script.shift() ?? {};
      if (script.length === 0) isOver();
      if (answer instanceof Error) throw answer;
      return { status: 200, headers: {}, body: Buffer.from(codec.writeServerToAgent(answer as ServerToAgent)) };
    },
    close() {},
  };
  const control = openControl({
    url: 'http://satellite/v1/opamp',
    client,
    headers: {},
    codec,
    instance: newInstance(),
    description: { identifyingAttributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
    capabilities: [],
    steering: { steer: (by) => void steered.push(by), effective: {} },
    state: null,
    health: () => ({ healthy: true }),
    isSigned: () => true,
    mayBeUnsigned: false,
    takesOtherId: false,
    isOver: () => false,
    counters,
    log,
    clock: {
      now: () => clock.now,
      random: () => 0.5,
      after: () => () => {},
      every: () => () => {},
      sleep: async (millis, signal) => {
        waits.push(millis);
        clock.now += millis;
        // What ends the test has its turn.
        await new Promise((resolve) => setImmediate(resolve));
        if (script.length === 0 && !signal.aborted)
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    },
    pollMillis: 5000,
    ...given,
  });
  await over;
  await control.close(1000);
  return { told, steered, waits, lines: lines.map(({ message }) => message), counters, clock };
}

const statuses = (told: readonly AgentToServer[]) =>
  told.flatMap(({ remoteConfigStatus: one }) =>
    one === undefined ? [] : [{ status: one.status ?? 0, error: one.errorMessage ?? '' }],
  );

describe('control', () => {
  it('tells all at first, what has changed afterwards, and says goodbye', async () => {
    const { told, waits } = await run([{}, {}, { flags: 1 }, {}, new Error('away'), {}, {}]);
    expect(told.map(({ sequenceNum }) => sequenceNum)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const all = told.map(({ agentDescription, effectiveConfig, health }) =>
      [agentDescription, effectiveConfig, health].every((one) => one !== undefined),
    );
    expect(all).toEqual([true, false, false, true, false, true, false, false]);
    expect(told.at(-1)).toHaveProperty('agentDisconnect');
    expect(waits.slice(0, 4)).toEqual([5000, 5000, 5000, 5000]);
  });

  it('takes what the server says by itself without a message, and answers what is to be answered', async () => {
    const said: ServerToAgent[] = [{}, asking({ 'rate-limit': 5 }), {}, { flags: 1 }, {}];
    const pushes = {
      nextPushed: () =>
        said.length === 0 ? null : Buffer.from(codec.writeServerToAgent(said.shift() as ServerToAgent)),
      takeEnd: () => null,
      onPush: (pushed: () => void) => (said.length === 0 ? undefined : pushed()),
    };
    const { told, steered, clock } = await run([{}, {}, {}, {}, {}], { pushes });
    expect(steered).toEqual([expect.objectContaining({ rateLimit: 5 })]);
    // At first; that it tries, that it has done so; all that it is; at its time.
    expect(statuses(told.slice(1, 4))).toEqual([
      { status: 2, error: '' },
      { status: 1, error: '' },
      { status: 1, error: '' },
    ]);
    const all = told.map(({ agentDescription }) => agentDescription !== undefined);
    expect(all.slice(0, 5)).toEqual([true, false, false, true, false]);
    expect(clock.now - 1_700_000_000_000).toBeGreaterThanOrEqual(5000);
  });

  it('asks again soon where the connection ends, later each time, and tells all again', async () => {
    let polls = 0;
    let ends = 0;
    const isOver = () => ends < 4 && ends < polls;
    const pushes = {
      nextPushed: () => null,
      takeEnd: () => (isOver() ? `reset ${++ends}` : null),
      onPush: (pushed: () => void) => (isOver() ? pushed() : undefined),
    };
    const health = () => ({ healthy: ++polls > 0 });
    const { told, waits, lines } = await run([{}, {}, {}, {}, {}, {}], { pushes, health, pollMillis: 30_000 });
    // Half of 1, 2, 4 and 8 s, less the 100 ms for which a server that goes on speaking is not heard; then the usual time.
    const byTurn = waits.filter((millis) => millis !== 100 && millis > 0);
    expect(byTurn.slice(0, 9)).toEqual([29_900, 400, 29_900, 900, 29_900, 1900, 29_900, 3900, 29_900]);
    const all = told.map(({ agentDescription }) => agentDescription !== undefined);
    expect(all.slice(0, 6)).toEqual([true, true, true, true, true, false]);
    expect(lines.filter((line) => line.startsWith('the OpAMP server does not answer'))).toHaveLength(4);
  });

  it('is asked for packets by a server that signs, and by no other that may steer', async () => {
    const wanted = asking({ 'packets-on': ['status>=500'] });
    const signed = await run([{}, wanted, {}, {}]);
    expect(signed.steered).toEqual([expect.objectContaining({ packetsOn: ['status>=500'] })]);
    const unsigned = await run([{}, wanted, {}, {}], { isSigned: () => false, mayBeUnsigned: true });
    expect(unsigned.steered).toEqual([]);
    expect(statuses(unsigned.told).at(-1)?.error).toContain(
      'cannot be pushed by a server whose answers are not signed',
    );
  });

  it('takes what is empty but for blanks for nothing, and goes on', async () => {
    const blank = { remoteConfig: { config: { configMap: new Map([['', { body: Buffer.from(' \n') }]]) } } };
    const { told, steered } = await run([blank, {}, {}]);
    expect(steered).toHaveLength(1);
    expect(told).toHaveLength(4);
  });

  it('puts in force what is asked for, and says so at once', async () => {
    const { told, steered, waits, counters } = await run([{}, asking({ 'rate-limit': 5 }), {}, {}]);
    expect(steered).toEqual([expect.objectContaining({ rateLimit: 5 })]);
    // It says that it tries before it does.
    expect(statuses(told)).toEqual([
      { status: 2, error: '' },
      { status: 1, error: '' },
    ]);
    expect(waits).toEqual([5000, 5000]);
    expect(counters).toMatchObject({ control_configurations_applied: 1, control_polls: 4 });
  });

  it('applies what was asked for each time, also where it could not say so before', async () => {
    const { steered, told } = await run([
      asking({ 'rate-limit': 5 }, 'a'),
      asking({ 'rate-limit': 6 }, 'b'),
      new Error('away'),
      {},
      new Error('away'),
      {},
    ]);
    expect(steered).toEqual([5, 6].map((rateLimit) => expect.objectContaining({ rateLimit })));
    expect(statuses(told).at(-1)).toEqual({ status: 1, error: '' });
  });

  it('refuses with a reason, once, and what was in force stays', async () => {
    const { told, steered, counters, lines } = await run([
      asking({ 'rate-limit': 5 }, 'a'),
      {},
      {},
      asking({ output: 'x' }, 'b'),
      asking({ output: 'x' }, 'b'),
      {},
      {},
    ]);
    expect(steered).toHaveLength(1);
    expect(statuses(told).at(-1)).toEqual({
      status: 3,
      error: '"output" cannot be pushed: where data goes is the sensor’s own',
    });
    expect(counters.control_configurations_refused).toBe(1);
    expect(lines).toContain('what the server asks for is refused, and what was in force stays');
  });

  it('refuses what the sensor cannot do', async () => {
    const steering = {
      effective: {},
      steer: () => {
        throw new Error('--filter "port port": syntax error');
      },
    };
    const { told } = await run([asking({ filter: 'port 1' }), {}, {}], { steering });
    expect(statuses(told).slice(1)).toEqual([{ status: 3, error: '--filter "port port": syntax error' }]);
  });

  it('is steered by nobody who is not known', async () => {
    const { steered, told } = await run([asking({ pause: true }), {}], { isSigned: () => false });
    expect(steered).toEqual([]);
    expect(statuses(told)[0]?.error).toContain('are not signed');
    expect(
      (await run([asking({ pause: true }), {}, {}], { isSigned: () => false, mayBeUnsigned: true })).steered,
    ).toHaveLength(1);
  });

  it('goes by its own options again when the server was not heard of for long enough', async () => {
    const away = Array.from({ length: 12 }, () => new Error('away'));
    const { steered, told, lines } = await run([
      asking({ pause: true, 'ttl-seconds': 60 }),
      {},
      30_000,
      {},
      ...away,
      {},
    ]);
    expect(steered).toEqual([expect.objectContaining({ pause: true }), null]);
    expect(lines.filter((line) => line.startsWith('the server was not heard of'))).toHaveLength(1);
    expect(statuses(told).at(-1)).toEqual({ status: 0, error: '' });
  });

  it('waits as long as the server asks it to, and no longer than it should', async () => {
    const busy = (seconds: number): ServerToAgent => ({
      errorResponse: { type: 2, errorMessage: 'busy', retryInfo: { retryAfterNanoseconds: seconds * 1e9 } },
    });
    const { waits } = await run([busy(20), busy(1e6), {}]);
    expect(waits.slice(0, 2)).toEqual([22_500, 300_000]);
  });

  it('carries custom messages, one with each poll, and polls again at once for those that wait', async () => {
    const heard: string[] = [];
    const capability: SensorCapability = {
      name: 'com.example.quota',
      handle(type, data, { isSigned }) {
        if (type === 'bad') throw new Error('no');
        heard.push(`${type} ${Buffer.from(data).toString()} ${isSigned}`);
        return { type: 'thanks', data };
      },
      report: () => ({ type: 'seen', data: Buffer.from('1') }),
    };
    const message = (type: string, name = 'com.example.quota'): ServerToAgent => ({
      customCapabilities: { capabilities: ['com.example.quota'] },
      customMessage: { capability: name, type, data: Buffer.from('q') },
    });
    const { told, counters } = await run(
      [message('quota'), message('bad'), message('quota', 'com.example.other'), {}, {}],
      { capabilities: [capability] },
    );
    expect(heard).toEqual(['quota q true']);
    expect(told[0]?.customCapabilities?.capabilities).toEqual(['dev.pcap-sensor.steering', 'com.example.quota']);
    expect(told.map(({ customMessage }) => customMessage?.type).slice(0, 3)).toEqual(['seen', 'thanks', 'seen']);
    expect(counters.control_messages_dropped).toBe(1);
  });

  it('reports to a server that has the capability, once it is known, and polls as often as that asks for', async () => {
    const capability: SensorCapability = {
      name: 'com.example.quota',
      handle: () => null,
      report: () => ({ type: 'seen', data: Buffer.from('1') }),
      pollMillis: () => 2000,
    };
    const lacks = await run([{}, {}, {}], { capabilities: [capability] });
    expect(lacks.told.map(({ customMessage }) => customMessage?.type).slice(0, 3)).toEqual([
      'seen',
      undefined,
      undefined,
    ]);
    expect(lacks.waits.slice(0, 2)).toEqual([2000, 2000]);
    const has = await run([{ customCapabilities: { capabilities: ['com.example.quota'] } }, {}, {}], {
      capabilities: [capability],
    });
    expect(has.told.map(({ customMessage }) => customMessage?.type).slice(0, 3)).toEqual(['seen', 'seen', 'seen']);
  });

  it('takes neither connections, packages, a restart nor another id', async () => {
    const { told, steered } = await run([
      {
        connectionSettings: {},
        packagesAvailable: {},
        command: {},
        agentIdentification: { newInstanceUid: new Uint8Array(16) },
      },
      {},
    ]);
    expect(steered).toEqual([]);
    expect(told[1]?.instanceUid).toEqual(told[0]?.instanceUid);
  });
});

describe('a state directory', () => {
  const open = (): Promise<StateDirectory> => openStateDirectory(join(directory, 'state'));
  const URL = 'http://satellite/v1/opamp';

  it('keeps who the sensor is, and what it was asked for while that counts', async () => {
    const state = await open();
    const { instance } = state;
    await run([asking({ 'rate-limit': 5, 'ttl-seconds': 60 }), {}], { state });
    await state.close();
    const again = await open();
    expect(again.instance).toBe(instance);
    const at = (now: number) => again.configuration(URL, now)?.text ?? null;
    const since = again.configuration(URL, 1_700_000_030_000)?.since ?? 0;
    expect(at(since + 59_999)).toBe('{"rate-limit":5,"ttl-seconds":60}');
    expect(at(since + 60_000)).toBeNull();
    expect(at(since - 1)).toBeNull();
    expect(again.configuration('http://other/v1/opamp', since)).toBeNull();

    const { steered, told } = await run([{}, {}], { state: again });
    expect(steered).toEqual([expect.objectContaining({ rateLimit: 5 })]);
    expect(statuses(told)).toEqual([{ status: 1, error: '' }]);
    await again.close();
  });

  it('forgets what has expired, and begins anew where its files are damaged', async () => {
    const away = Array.from({ length: 12 }, () => new Error('away'));
    const state = await open();
    await run([asking({ pause: true, 'ttl-seconds': 20 }), ...away], { state });
    expect(() => readFileSync(join(directory, 'state/configuration.json'))).toThrow('ENOENT');
    writeFileSync(join(directory, 'state/configuration.json'), '{"url":');
    writeFileSync(join(directory, 'state/identity.json'), '{"instance":"../x"}');
    const again = await open();
    expect(again.instance).not.toBe(state.instance);
    expect(again.configuration(URL, 0)).toBeNull();
    await state.close();
    await again.close();
  });

  it('that is none is refused with the way out', async () => {
    writeFileSync(join(directory, 'file'), '');
    await expect(openStateDirectory(join(directory, 'file'))).rejects.toThrow(
      /^--state-dir .*file: ENOTDIR; name a directory/,
    );
  });
});
