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

it('sets aside no more than sixteen times what has come, then a mebibyte, then as much again', () => {
  const { body, budget } = bodyOf(1 << 24);
  const sent = Buffer.alloc(1448, 'x');
  const length = 9_000_000;
  for (let come = 0; come < 5_000_000; come += sent.length) {
    body.append(sent, 0, sent.length, length - come);
    const allowed = Math.max(Math.min(16 * (come + sent.length), 1 << 20), 2 * (come + sent.length));
    expect(budget.used, `${come}`).toBeLessThanOrEqual(allowed);
  }
  expect(body.chunks.length).toBe(1);
  expect(bodyBytes(body).every((byte) => byte === 0x78)).toBe(true);
});

it('keeps no more than the cap of a body of known length, in one piece', () => {
  const { body, budget } = bodyOf(100_000);
  for (let come = 0; come < 200_000; come += 1000) body.append(Buffer.alloc(1000, 'x'), 0, 1000, 200_000 - come);
  expect([body.chunks.length, body.keptBytes, body.truncated, budget.used]).toEqual([1, 100_000, true, 100_000]);
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

it.each([20_000, 70_000, 300_000, 3_000_001])(
  'keeps a body of %i bytes in one piece, and takes no more than it needs',
  (size) => {
    const { body, budget } = bodyOf(1 << 22);
    const sent = Buffer.from(Array.from({ length: size }, (_, i) => i % 251));
    for (let at = 0; at < sent.length; at += 1448)
      body.append(sent, at, Math.min(at + 1448, sent.length), sent.length - at);
    expect(Buffer.compare(Buffer.from(bodyBytes(body)), sent)).toBe(0);
    expect(body.chunks.length).toBeLessThanOrEqual(size === 70_000 ? 2 : 1);
    expect(budget.used).toBe(sent.length);
    body.release();
    expect(budget.used).toBe(0);
  },
);
