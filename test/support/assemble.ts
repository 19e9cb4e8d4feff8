/** Runs a batch of packets through the pure engine, and checks that the books add up; needs no test runner. */
import type { PacketBatch } from '../../src/capture/packet-batch.js';
import { type Counters, createCounters, DropReason, exchangesInFlight } from '../../src/counters.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import type { Exchange } from '../../src/pair/exchange.js';
import { ExchangeAssembler } from '../../src/pair/exchange-assembler.js';

export function assemble(batch: PacketBatch): { exchanges: Exchange[]; counters: Counters } {
  const counters = createCounters();
  const budget = new MemoryBudget(DEFAULT_LIMITS.memory_bytes_max);
  const exchanges: Exchange[] = [];
  const assembler = new ExchangeAssembler({
    limits: DEFAULT_LIMITS,
    counters,
    budget,
    interfaces: [{ id: 0, name: 'eth1', linkType: 1 }],
    hashSeed: 1,
    hooks: {
      admit: () => DropReason.none,
      complete: (exchange) => {
        counters.exchanges_exported++;
        exchanges.push(exchange);
      },
    },
  });
  assembler.push(batch);
  assembler.finish();
  const left = { bytes: budget.used, exchanges: exchangesInFlight(counters), flows: assembler.flowCount };
  if (left.bytes !== 0 || left.exchanges !== 0 || left.flows !== 0) {
    throw new Error(`at the end of the capture there is something left: ${JSON.stringify(left)}`);
  }
  return { exchanges, counters };
}
