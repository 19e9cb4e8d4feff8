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
