import * as wire from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import { createOpampCodec } from '../../../src/enrolment/opamp/codec.js';
import type { AgentToServer, AnyValue, ComponentHealth, ServerToAgent } from '../../../src/enrolment/opamp/messages.js';
import { Random, runSeed } from '../../support/random.js';

const codec = createOpampCodec(wire);
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));

describe('OpAMP messages as bytes', () => {
  it('are those of opamp.proto', () => {
    const message: AgentToServer = {
      instanceUid: hex('0190aabbccdd7eeeafff000102030405'),
      sequenceNum: 300,
      agentDescription: { identifyingAttributes: [{ key: 'a', value: { stringValue: 'b' } }] },
      capabilities: 0x2807,
      health: { healthy: true, startTimeUnixNano: 1n, componentHealthMap: new Map([['c', { healthy: false }]]) },
      remoteConfigStatus: { lastRemoteConfigHash: hex('ff'), status: 3, errorMessage: 'no' },
      agentDisconnect: {},
      customMessage: { capability: 'x', type: 'y', data: hex('00') },
    };
    const bytes = hex(`
      0a 10 0190aabbccdd7eeeafff000102030405
      10 ac02
      1a 0a 0a08 0a0161 1203 0a0162
      20 8750
      2a 14 0801 11 0100000000000000 32 07 0a0163 1202 0800
      3a 09 0a01ff 1003 1a026e6f
      4a 00
      6a 09 0a0178 120179 1a0100`);
    expect(Buffer.from(codec.writeAgentToServer(message)).toString('hex')).toBe(Buffer.from(bytes).toString('hex'));
    expect(codec.readAgentToServer(bytes)).toEqual(message);
  });

  it('pass over what is unknown, of another wire type, or offered and not taken', () => {
    // Unknown field 200; flags as bytes; packages with content.
    const bytes = hex('c20c 03 010203 32 01 00 2a 04 0a020a00 3801');
    expect(codec.readServerToAgent(bytes)).toEqual({ packagesAvailable: {}, capabilities: 1 });
  });

  it('are refused in words where they are cut, or have too many fields', () => {
    expect(codec.readServerToAgent(hex('0a05 00'))).toMatch(/^no OpAMP message: premature EOF/);
    expect(codec.readServerToAgent(hex('1a02 0a 05'))).toMatch(/^no OpAMP message: /);
    expect(codec.readAgentToServer(Buffer.alloc(40_002, hex('2801')))).toMatch(/more than 20000 fields/);
  });

  it('end where they are nested too deep', () => {
    let nested: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 100; depth++) {
      const entry = new wire.BinaryWriter().tag(1, 2).string('k').tag(2, 2).bytes(nested).finish();
      nested = Buffer.from(new wire.BinaryWriter().tag(6, 2).bytes(entry).finish());
    }
    const read = codec.readAgentToServer(new wire.BinaryWriter().tag(5, 2).bytes(nested).finish()) as AgentToServer;
    let levels = 0;
    for (let one: ComponentHealth | undefined = read.health; one !== undefined; levels++)
      one = one.componentHealthMap?.get('k');
    expect(levels).toBeLessThan(20);
  });

  it('come back as they were written, whatever they hold', () => {
    const random = new Random(runSeed());
    for (let round = 0; round < 500; round++) {
      const toServer = randomToServer(random);
      expect(codec.readAgentToServer(codec.writeAgentToServer(toServer))).toEqual(toServer);
      const toAgent = randomToAgent(random);
      expect(codec.readServerToAgent(codec.writeServerToAgent(toAgent))).toEqual(toAgent);
    }
  });

  it('neither throw nor grow on random bytes', () => {
    const random = new Random(runSeed());
    const rounds = Number(process.env.OPAMP_MESSAGES ?? 5000);
    for (let round = 0; round < rounds; round++) {
      const bytes = random.chance(0.3)
        ? Buffer.from(Array.from({ length: random.between(0, 60) }, () => random.between(0, 255)))
        : damaged(Buffer.from(codec.writeAgentToServer(randomToServer(random))), random);
      const read = [codec.readAgentToServer(bytes), codec.readServerToAgent(bytes)];
      for (const one of read) {
        if (typeof one === 'string') expect(one).toMatch(/^no OpAMP message: /);
        else expect(valuesOf(one)).toBeLessThanOrEqual(2 * bytes.length);
      }
    }
  });
});

/** Values within a value, as an allowance of its bytes. */
function valuesOf(one: unknown): number {
  if (typeof one !== 'object' || one === null) return 1;
  if (ArrayBuffer.isView(one)) return one.byteLength;
  const values = one instanceof Map ? [...one.keys(), ...one.values()] : Object.values(one);
  return values.reduce<number>((sum, value) => sum + valuesOf(value), 0);
}

function damaged(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  for (let count = random.between(0, 4); count > 0 && copy.length > 0; count--)
    copy[random.between(0, copy.length - 1)] = random.between(0, 255);
  return random.chance(0.3) ? copy.subarray(0, random.between(0, copy.length)) : copy;
}

function maybe<K extends string, V>(random: Random, key: K, make: () => V): Partial<Record<K, V>> {
  return random.chance(0.5) ? ({ [key]: make() } as Record<K, V>) : {};
}

const text = (random: Random): string => random.pick(['', 'a', 'ä€😀', '__proto__', 'x'.repeat(200)]);
const bytesOf = (random: Random): Uint8Array =>
  Uint8Array.from({ length: random.between(0, 40) }, () => random.between(0, 255));

function anyValue(random: Random, depth = 0): AnyValue {
  const kind = random.between(0, depth < 3 ? 6 : 4);
  if (kind === 0) return { stringValue: text(random) };
  if (kind === 1) return { boolValue: random.chance(0.5) };
  if (kind === 2) return { intValue: BigInt(random.between(-1000, 1000)) * 10n ** BigInt(random.between(0, 15)) };
  if (kind === 3) return { doubleValue: random.next() };
  if (kind === 4) return { bytesValue: bytesOf(random) };
  const values = Array.from({ length: random.between(1, 3) }, () => anyValue(random, depth + 1));
  return kind === 5
    ? { arrayValue: { values } }
    : { kvlistValue: { values: values.map((value) => ({ key: text(random), value })) } };
}

function health(random: Random, depth = 0): ComponentHealth {
  return {
    ...maybe(random, 'healthy', () => random.chance(0.5)),
    ...maybe(random, 'startTimeUnixNano', () => BigInt(random.between(0, 1e9)) * 1_000_000_000n),
    ...maybe(random, 'lastError', () => text(random)),
    ...(depth < 3
      ? maybe(random, 'componentHealthMap', () => new Map([[text(random), health(random, depth + 1)]]))
      : {}),
  };
}

function randomToServer(random: Random): AgentToServer {
  const attributes = () => [{ key: text(random), value: anyValue(random) }];
  return {
    ...maybe(random, 'instanceUid', () => bytesOf(random)),
    ...maybe(random, 'sequenceNum', () => random.between(0, 2 ** 31)),
    ...maybe(random, 'agentDescription', () => ({
      ...maybe(random, 'identifyingAttributes', attributes),
      ...maybe(random, 'nonIdentifyingAttributes', attributes),
    })),
    ...maybe(random, 'capabilities', () => random.between(0, 0xffff)),
    ...maybe(random, 'health', () => health(random)),
    ...maybe(random, 'effectiveConfig', () => ({
      configMap: { configMap: new Map([[text(random), { body: bytesOf(random), contentType: text(random) }]]) },
    })),
    ...maybe(random, 'customCapabilities', () => ({ capabilities: [text(random), text(random)] })),
    ...maybe(random, 'customMessage', () => ({ capability: text(random), type: text(random), data: bytesOf(random) })),
  };
}

function randomToAgent(random: Random): ServerToAgent {
  return {
    ...maybe(random, 'instanceUid', () => bytesOf(random)),
    ...maybe(random, 'errorResponse', () => ({
      type: 2,
      errorMessage: text(random),
      retryInfo: { retryAfterNanoseconds: random.between(0, 1e9) },
    })),
    ...maybe(random, 'remoteConfig', () => ({
      config: { configMap: new Map([[text(random), { body: bytesOf(random) }]]) },
      configHash: bytesOf(random),
    })),
    ...maybe(random, 'flags', () => random.between(0, 3)),
    ...maybe(random, 'command', () => ({})),
    ...maybe(random, 'agentIdentification', () => ({ newInstanceUid: bytesOf(random) })),
  };
}
