/**
 * Random conversations over WebSocket: messages of both sides in fragments, compressed or not, with control frames between them.
 *
 * However they are cut into segments and reordered, what is told of is what was sent. With losses each message that is told of is
 * one that was sent, in their order: whole, or its beginning, or without content; never another's bytes.
 */
import { describe, expect, it } from 'vitest';
import type { StreamMessage } from '../../src/http/stream-message.js';
import { Opcode } from '../../src/http/websocket/frame.js';
import { client, converse, fin, late, lost, type Side, type Step, server, twice } from '../support/conversation.js';
import { Random, runSeed } from '../support/random.js';
import { Deflater, frame } from '../support/websocket-frames.js';

const CASES = Number(process.env.CASES ?? 400);
const seed = runSeed();

interface Sent {
  from: Side;
  kind: StreamMessage['kind'];
  content: Buffer;
}

interface Talk {
  sent: Sent[];
  /** Frames in their order. */
  frames: { from: Side; bytes: Buffer }[];
  head: string;
}

const WORDS = ['{"price":', '"symbol":"', 'ACME', '","time":17', '}', '[1,2,3]', 'ü€', ' '];
const CONTROL = { ping: Opcode.ping, pong: Opcode.pong } as const;

function randomText(random: Random): Buffer {
  const words = random.between(0, random.chance(0.1) ? 2000 : 30);
  return Buffer.from(Array.from({ length: words }, () => `${random.pick(WORDS)}${random.between(0, 999)}`).join(''));
}

function randomTalk(random: Random): Talk {
  const isDeflated = random.chance(0.6);
  const keeps = { client: random.chance(0.6), server: random.chance(0.6) };
  const deflaters = { client: new Deflater(keeps.client), server: new Deflater(keeps.server) };
  const parameters = (['client', 'server'] as const)
    .filter((side) => !keeps[side])
    .map((side) => `; ${side}_no_context_takeover`);
  const talk: Talk = {
    sent: [],
    frames: [],
    head: isDeflated ? `Sec-WebSocket-Extensions: permessage-deflate${parameters.join('')}\r\n` : '',
  };
  const mask = (from: Side) =>
    from === 'client' ? { mask: Buffer.from([random.between(0, 255), 1, random.between(0, 255), 200]) } : {};
  for (let i = random.between(1, 14); i > 0; i--) {
    const from: Side = random.chance(0.5) ? 'client' : 'server';
    const content = randomText(random);
    const kind = random.chance(0.7) ? 'text' : 'binary';
    const isCompressed = isDeflated && random.chance(0.8);
    const payload = isCompressed ? deflaters[from].deflate(content) : content;
    const pieces = random.chance(0.3) ? random.between(2, 4) : 1;
    const size = Math.max(1, Math.ceil(payload.length / pieces));
    for (let n = 0; n < pieces; n++) {
      const isFinal = n === pieces - 1;
      const piece = payload.subarray(n * size, isFinal ? payload.length : (n + 1) * size);
      const opcode = n > 0 ? Opcode.continuation : kind === 'text' ? Opcode.text : Opcode.binary;
      const first = { opcode, isFinal, isCompressed: isCompressed && n === 0, ...mask(from) };
      talk.frames.push({ from, bytes: frame(piece, first) });
      if (isFinal) talk.sent.push({ from, kind, content });
      if (random.chance(0.15)) {
        const control = random.chance(0.5) ? 'ping' : 'pong';
        const note = Buffer.from(`note ${random.between(0, 1e9)}`);
        const sender: Side = isFinal && random.chance(0.5) ? (from === 'client' ? 'server' : 'client') : from;
        talk.frames.push({ from: sender, bytes: frame(note, { opcode: CONTROL[control], ...mask(sender) }) });
        talk.sent.push({ from: sender, kind: control, content: note });
      }
    }
  }
  return talk;
}

/** The frames as segments: several in one, one in several, now and then late or twice. */
function segments(random: Random, { frames }: Talk, disorder: boolean): Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < frames.length; ) {
    const { from } = frames[i] as Talk['frames'][number];
    const joined: Buffer[] = [];
    do joined.push((frames[i++] as Talk['frames'][number]).bytes);
    while (frames[i]?.from === from && random.chance(0.4));
    const bytes = Buffer.concat(joined);
    const size = random.chance(0.5) ? bytes.length : random.between(1, 1 + bytes.length);
    for (let at = 0; at < bytes.length; at += size) {
      const step = (from === 'client' ? client : server)(bytes.subarray(at, at + size));
      steps.push(
        disorder && random.chance(0.1)
          ? late(step, random.between(1, 2))
          : disorder && random.chance(0.1)
            ? twice(step)
            : step,
      );
    }
  }
  return steps;
}

function run(talk: Talk, steps: Step[]) {
  return converse(
    [
      client('GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
      server(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${talk.head}\r\n`),
      ...steps,
      fin('client'),
      fin('server'),
    ],
    { limits: { stream_messages_max: 1000 } },
  );
}

const text = ({ from, kind, content }: Sent) => `${from} ${kind} ${content}`;
const told = ({ isRequest, kind, content }: StreamMessage) =>
  text({ from: isRequest ? 'client' : 'server', kind, content: Buffer.from(content) });

describe(`random conversations over WebSocket (SEED=${seed})`, () => {
  it('are told of as they were, in whatever segments they come', () => {
    for (let i = 0; i < CASES; i++) {
      const random = new Random(seed + i);
      const talk = randomTalk(random);
      const { exchanges } = run(talk, segments(random, talk, true));
      const kept = exchanges[0]?.messages?.kept ?? [];
      for (const side of ['client', 'server'] as const) {
        const of = (texts: string[]) => texts.filter((one) => one.startsWith(side));
        expect(of(kept.map(told)), `seed ${seed + i}`).toEqual(of(talk.sent.map(text)));
      }
      expect(
        kept.every(({ truncated, codingError }) => !truncated && codingError === null),
        `seed ${seed + i}`,
      ).toBe(true);
    }
  });

  it('with losses are told of in part, and of nothing else', () => {
    let whole = 0;
    for (let i = 0; i < CASES; i++) {
      const random = new Random(seed + i);
      const talk = randomTalk(random);
      const share = random.next() / 4;
      const steps = segments(random, talk, false).map((step) => (random.chance(share) ? lost(step) : step));
      const { exchanges } = run(talk, steps);
      expect(exchanges, `seed ${seed + i}`).toHaveLength(1);
      for (const side of ['client', 'server'] as const) {
        const sent = talk.sent.filter(({ from }) => from === side);
        let next = 0;
        for (const message of exchanges[0]?.messages?.kept ?? []) {
          if (message.isRequest !== (side === 'client')) continue;
          const at = sent.findIndex((one, n) => n >= next && agrees(message, one));
          expect(at, `seed ${seed + i}: ${told(message).slice(0, 200)}`).toBeGreaterThanOrEqual(0);
          next = at + 1;
          if (!message.truncated) whole++;
        }
      }
    }
    expect(whole).toBeGreaterThan(CASES);
  });
});

/** Whether what is told of a message may be `sent`. */
function agrees({ kind, content, truncated }: StreamMessage, sent: Sent): boolean {
  if (kind !== sent.kind) return false;
  const isBeginning = sent.content.subarray(0, content.length).equals(content);
  return isBeginning && (truncated || content.length === sent.content.length);
}
