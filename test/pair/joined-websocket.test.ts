/** WebSockets that were joined behind their handshake: known by their frames, and by nothing less. */
import { describe, expect, it } from 'vitest';
import { Opcode } from '../../src/http/websocket/frame.js';
import type { Exchange } from '../../src/pair/exchange.js';
import {
  type ConversationOptions,
  client,
  converse,
  fin,
  lost,
  rst,
  type Step,
  server,
} from '../support/conversation.js';
import { Random, runSeed } from '../support/random.js';
import { line } from '../support/run-packets.js';
import { Deflater, type FrameOptions, frame } from '../support/websocket-frames.js';

let keys = 0;
/** A key of its own, as every frame of a client has (RFC 6455 §5.3). */
const key = () => {
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE((0x9e37_79b1 * ++keys) >>> 0);
  return mask;
};
const says = (text: string | Buffer, options: FrameOptions = {}) => client(frame(text, { mask: key(), ...options }));
const tells = (text: string | Buffer, options: FrameOptions = {}) => server(frame(text, options));
const ends = [fin('client'), fin('server')];

const join = (steps: readonly (Step | Step[])[], options: ConversationOptions = {}) =>
  converse(steps, { handshake: false, ...options });

const messages = ({ messages: log }: Exchange) =>
  (log?.kept ?? []).map(
    ({ isRequest, kind, content, codingError }) =>
      `${isRequest ? '↑' : '↓'} ${kind} "${Buffer.from(content)}"${codingError === null ? '' : ` (${codingError})`}`,
  );

describe('a WebSocket joined behind its handshake', () => {
  it('is an exchange without a path, with the messages since, those before it was certain among them', () => {
    const { exchanges, counters } = join([
      says('one'),
      tells('1'),
      says('two'),
      tells('2'),
      tells('', { opcode: Opcode.ping }),
      says('', { opcode: Opcode.pong }),
      says('three'),
      tells('3'),
      ...ends,
    ]);
    expect(exchanges.map(line)).toEqual(['GET ""… of 35 → 101 ""… of 11 {midstream, upgraded, headers-unknown}']);
    expect(messages(exchanges[0] as Exchange)).toEqual([
      '↑ text "one"',
      '↓ text "1"',
      '↑ text "two"',
      '↓ text "2"',
      '↓ ping ""',
      '↑ pong ""',
      '↑ text "three"',
      '↓ text "3"',
    ]);
    expect(counters).toMatchObject({ flows_websocket: 1, requests_without_path: 1, messages_websocket: 6 });
  });

  it('is known where the first segment is the rest of a frame, from the next one on', () => {
    const { exchanges } = join([
      client('rest of a frame'),
      ...['a', 'b', 'c'].flatMap((text) => [says(text), tells(text)]),
      ...ends,
    ]);
    expect(messages(exchanges[0] as Exchange)).toEqual(
      ['a', 'b', 'c'].flatMap((t) => [`↑ text "${t}"`, `↓ text "${t}"`]),
    );
  });

  it('tells what its compressed messages hold as far as they refer to ones that were seen', () => {
    const before = Buffer.from('a sentence that was sent before anybody listened');
    const deflater = new Deflater(true);
    deflater.deflate(before);
    const compressed = (text: string | Buffer) => tells(deflater.deflate(Buffer.from(text)), { isCompressed: true });
    const { exchanges } = join([
      says('a'),
      compressed(before),
      says('b'),
      compressed('nothing of the kind: 0123456789'),
      says('c'),
      compressed('0123456789, nothing of the kind'),
      ...ends,
    ]);
    const from = messages(exchanges[0] as Exchange).filter((text) => text.startsWith('↓'));
    expect(from[0]).toMatch(/^↓ text "" \(permessage-deflate: it refers to earlier messages/);
    expect(from.at(-1)).toBe('↓ text "0123456789, nothing of the kind"');
  });

  it('holds so much before it is certain, and no more', () => {
    const long = 'x'.repeat(9000);
    const { exchanges, budgetPeak } = join([
      says(long),
      tells(long),
      says('b'),
      says('c'),
      tells('2'),
      tells('3'),
      says('d'),
      ...ends,
    ]);
    const found = messages(exchanges[0] as Exchange);
    expect(found.at(-1)).toBe('↑ text "d"');
    expect(found.join()).not.toContain('xxx');
    expect(budgetPeak).toBeLessThan(64 << 10);
  });

  it.each<[string, (Step | Step[])[]]>([
    ['one side alone', [tells('1'), tells('2'), tells('3'), tells('4'), tells('5')]],
    ['keys that are the same', ['a', 'b', 'c', 'd'].flatMap((t) => [says(t, { mask: Buffer.from('abcd') }), tells(t)])],
    ['both sides masked', ['a', 'b', 'c', 'd'].flatMap((t) => [says(t), server(frame(t, { mask: key() }))])],
    ['text that is none', ['a', 'b', 'c', 'd'].flatMap((t) => [says(t), tells(Buffer.from([0xff, 0xc0]))])],
    [
      'a fragment of nothing',
      ['a', 'b', 'c', 'd'].flatMap((t) => [says(t), tells(t), tells(t, { opcode: Opcode.continuation })]),
    ],
    [
      'lost bytes again and again',
      ['a', 'b', 'c', 'd'].flatMap((t) => [says(t), lost(says(t)), tells(t), lost(tells(t))]),
    ],
  ])('is not known by %s', (_what, steps) => {
    expect(join([...steps, ...ends]).exchanges).toEqual([]);
  });

  it('ends as aborted where its connection is reset', () => {
    const talk = ['a', 'b', 'c'].flatMap((text) => [says(text), tells(text)]);
    const { exchanges } = join([...talk, rst('server')]);
    expect(exchanges.map(line)).toEqual([
      'GET ""… of 21 → 101 ""… of 9 {midstream, aborted, upgraded, headers-unknown}',
    ]);
  });

  it('is never found in bytes that mean nothing, however much they begin like frames', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let i = 0; i < 300; i++) {
      const steps = Array.from({ length: 20 }, () => {
        const bytes = Buffer.from(Array.from({ length: random.between(2, 200) }, () => random.between(0, 255)));
        // What frames begin with, half of the time.
        if (random.chance(0.5)) bytes[0] = 0x80 | random.between(0, 2);
        const isClient = random.chance(0.5);
        if (random.chance(0.5)) bytes[1] = (isClient ? 0x80 : 0) | ((bytes[1] as number) & 0x7f);
        return (isClient ? client : server)(bytes);
      });
      expect(join([...steps, ...ends]).counters.flows_websocket, `seed ${seed}, case ${i}`).toBe(0);
    }
  });
});
