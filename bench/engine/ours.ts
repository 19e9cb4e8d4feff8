/**
 * Reads a capture file with the engine, headers and bodies materialised, and prints one line of JSON: exchanges, seconds,
 * CPU seconds, peak resident memory in MiB.
 *
 *     npm run build:bench && node build/bench/bench/engine/ours.js FILE [dropped]
 *
 * `dropped`: every exchange is dropped at its request's head, as rules, the sample rate and the rate limit do, and only counted.
 */
import { resourceUsage } from 'node:process';
import { FileSource } from '../../src/capture/file-source.js';
import { createCounters, DropReason } from '../../src/counters.js';
import { bodyBytes } from '../../src/http/message-body.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import type { Exchange } from '../../src/pair/exchange.js';
import { ExchangeAssembler } from '../../src/pair/exchange-assembler.js';

const isDropped = process.argv[3] === 'dropped';
const source = await FileSource.open(process.argv[2] as string);
const counters = createCounters();
let exchanges = 0;
let answered = 0;
let materialised = 0;

function complete(exchange: Exchange): void {
  exchanges++;
  // What any consumer would look at: every header's text, the bodies' bytes.
  const { request, response } = exchange;
  materialised += request.headers.pairs().length + bodyBytes(request.body).length;
  if (response === null) return;
  answered++;
  materialised += response.headers.pairs().length + bodyBytes(response.body).length;
}

const assembler = new ExchangeAssembler({
  limits: DEFAULT_LIMITS,
  counters,
  budget: new MemoryBudget(DEFAULT_LIMITS.memory_bytes_max),
  interfaces: source.interfaces,
  hashSeed: 1,
  hooks: { admit: () => (isDropped ? DropReason.pathRule : DropReason.none), complete },
});
// What Node.js takes to start is no rate of the engine.
const before = process.cpuUsage();
const begun = process.hrtime.bigint();
await source.run((batch) => assembler.push(batch));
assembler.finish();
const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
const { user, system } = process.cpuUsage(before);
const { maxRSS } = resourceUsage();
process.stdout.write(
  `${JSON.stringify({
    exchanges: isDropped ? counters.exchanges_seen : exchanges,
    answered: isDropped ? counters.responses_seen : answered,
    materialised,
    packets: counters.packets_seen,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakMebibytes: Math.round(maxRSS / 1024),
  })}\n`,
);
