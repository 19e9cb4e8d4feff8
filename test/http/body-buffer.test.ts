import { expect, it } from 'vitest';
import { BodyBuffer, BodyMemory } from '../../src/http/body-buffer.js';
import { bodyBytes } from '../../src/http/message-body.js';
import { MemoryBudget } from '../../src/memory-budget.js';

function bodyOf(bytesMax = 1 << 20) {
  const budget = new MemoryBudget(1 << 24);
  return { body: new BodyBuffer(new BodyMemory(bytesMax, budget)), budget };
}

it('sets aside eight times what has come of a body that claims to be long', () => {
  const { body, budget } = bodyOf();
  body.append(Buffer.alloc(900, 'x'), 0, 900, 99_999);
  expect(budget.used).toBe(7200);
});

it('keeps what comes in small frames in one piece, whenever somebody looks at it', () => {
  const sent = Buffer.from(Array.from({ length: 1200 }, (_, i) => i % 251));
  for (const size of [1, 7, 100, 400, 511, 512, 513]) {
    const { body, budget } = bodyOf();
    for (let at = 0; at < sent.length; at += size) {
      const end = Math.min(sent.length, at + size);
      body.append(sent, at, end, end - at);
      if (at % 3 === 0) expect(Buffer.from(bodyBytes(body)).equals(sent.subarray(0, end))).toBe(true);
      if (end <= 512) expect(body.chunks.length).toBe(1);
    }
    expect(Buffer.from(bodyBytes(body)).equals(sent)).toBe(true);
    expect(budget.used).toBeGreaterThanOrEqual(sent.length);
    body.release();
    expect(budget.used).toBe(0);
  }
});

it('keeps no more than the cap of what comes in small frames', () => {
  const { body } = bodyOf(40);
  for (let i = 0; i < 10; i++) body.append(Buffer.from('0123456789'), 0, 10, 10);
  expect([Buffer.from(bodyBytes(body)).toString(), body.truncated, body.wireBytes]).toEqual([
    '0123456789'.repeat(4),
    true,
    100,
  ]);
});

it('keeps a body of known length in few pieces, and takes little more than it needs', () => {
  const { body, budget } = bodyOf();
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
  for (let at = 0; at < sent.length; at += 1448)
    body.append(sent, at, Math.min(at + 1448, sent.length), sent.length - at);
  expect(Buffer.compare(Buffer.from(bodyBytes(body)), sent)).toBe(0);
  expect(body.chunks.length).toBeLessThan(8);
  expect(budget.used - sent.length).toBeLessThan(512);
  body.release();
  expect(budget.used).toBe(0);
});
