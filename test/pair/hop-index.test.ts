/** Hops by their keys: what the index finds is what a plain list of all hops has. */
import { expect, it } from 'vitest';
import { HeaderList } from '../../src/http/header-list.js';
import { HopIndex } from '../../src/pair/hop-index.js';
import type { Hop } from '../../src/pair/hops.js';
import { Random, runSeed } from '../support/random.js';

const ALIKE_MAX = 4;

it('finds those with a key, oldest first, and forgets the oldest of too many', () => {
  const seed = runSeed();
  const random = new Random(seed);
  const index = new HopIndex(ALIKE_MAX);
  // Some share a place of the table, and are others all the same.
  const keys = [1, 2, 3, 1 + (1 << 12), 1 + (1 << 13), 2 + (1 << 12)];
  /** By key, oldest first. */
  const known = new Map<number, Hop[]>(keys.map((key) => [key, []]));
  const present: Hop[] = [];
  for (let round = 0; round < 5000; round++) {
    const what = `SEED=${seed} round ${round}`;
    if (random.chance(0.55)) {
      const hop = { keys: [...new Set([random.pick(keys), random.pick(keys)])] } as unknown as Hop;
      for (const key of hop.keys) {
        const alike = known.get(key) as Hop[];
        alike.push(hop);
        expect(index.add(hop, key), what).toBe(alike.length > ALIKE_MAX);
        if (alike.length > ALIKE_MAX) alike.shift();
      }
      present.push(hop);
    } else if (present.length > 0) {
      const [hop] = present.splice(random.between(0, present.length - 1), 1) as [Hop];
      for (const key of hop.keys) {
        index.remove(hop, key);
        known.set(
          key,
          (known.get(key) as Hop[]).filter((other) => other !== hop),
        );
      }
    }
    for (const key of keys) expect([...index.alike(key)], what).toEqual(known.get(key));
    // It may say no where a place is taken, but never yes where another has the key.
    for (const hop of present) {
      const others = hop.keys.flatMap((key) => (known.get(key) as Hop[]).filter((other) => other !== hop));
      if (others.length > 0) expect(index.isAlone(hop), what).toBe(false);
    }
  }
});

it('tells ids apart that differ at one end only, as those of one machine do', () => {
  const digest = (id: string) =>
    new HeaderList(`X-Request-Id: ${id}`, [0, 12, 14, 14 + id.length]).digest('x-request-id');
  const ids = [
    '1b4e28ba-2fa1-11d2-883f-0016d3cca427',
    '2b4e28ba-2fa1-11d2-883f-0016d3cca427',
    'host/a-000001',
    'host/a-000002',
    '7',
    '',
  ];
  expect(new Set(ids.map(digest)).size).toBe(ids.length);
});
