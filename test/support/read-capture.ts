/** Runs a capture file, or packets made by a test, through the whole pure pipeline. */
import { FileSource } from '../../src/capture/file-source.js';
import { type Counters, createCounters, DropReason } from '../../src/counters.js';
import { DEFAULT_LIMITS, type Limits } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import type { Exchange } from '../../src/pair/exchange.js';
import { ExchangeAssembler } from '../../src/pair/exchange-assembler.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import type { Trace } from '../../src/trace/trace.js';
import { createTraceBuilder } from '../../src/trace/trace-builder.js';

export async function readCapture(
  path: string,
  limits: Limits = DEFAULT_LIMITS,
): Promise<{ exchanges: Exchange[]; counters: Counters; budget: MemoryBudget; warning: string | null }> {
  const source = await FileSource.open(path);
  const counters = createCounters();
  const exchanges: Exchange[] = [];
  const budget = new MemoryBudget(limits.memory_bytes_max);
  const assembler = new ExchangeAssembler({
    limits,
    counters,
    budget,
    interfaces: source.interfaces,
    hashSeed: 1,
    hooks: { admit: () => DropReason.none, complete: (exchange) => exchanges.push(exchange) },
  });
  await source.run((batch) => assembler.push(batch));
  assembler.finish();
  return { exchanges, counters, budget, warning: source.warning };
}

export async function tracesOf(exchanges: readonly Exchange[]): Promise<Trace[]> {
  let next = 0;
  const ids = createTraceIds((bytes) => bytes.fill(1 + (next++ % 255)));
  const build = createTraceBuilder({ ids, bodyBytesMax: 10_000_000, isLocal: () => true });
  return Promise.all(exchanges.map((exchange) => build(exchange)));
}
