/** What runs in the thread of a store in ClickHouse: it asks many things at once, and answers each when it is there. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Asked, failureOf, type Said } from '../store-thread.js';
import { type Answers, ClickHouseEngine, type ClickHouseSettings } from './engine.js';

function say(said: Said): void {
  parentPort?.postMessage(said);
}

async function answer(engine: ClickHouseEngine, { id, name, given }: Asked): Promise<void> {
  try {
    say({ id, value: await answerOf(engine, name, given) });
  } catch (error) {
    say({ id, failure: failureOf(error) });
  }
  // Then nothing holds the thread any more, and it ends by itself.
  if (name === 'close') parentPort?.close();
}

function answerOf(engine: ClickHouseEngine, name: string, given: readonly unknown[]): unknown {
  if (name === 'close') return engine.close();
  if (name === 'before') return engine.before(given[0] as number);
  const { answers } = engine;
  if (!Object.hasOwn(answers, name)) throw new Error(`${name} is nothing that a store is asked`);
  return (answers[name as keyof Answers] as (...given: readonly unknown[]) => unknown)(...given);
}

async function run(settings: ClickHouseSettings): Promise<void> {
  try {
    const engine = await ClickHouseEngine.open(settings, (notice) => say({ id: null, notice }));
    parentPort?.on('message', (asked: Asked) => void answer(engine, asked));
    say({ id: null });
  } catch (error) {
    say({ id: null, failure: failureOf(error) });
  }
}

await run(workerData as ClickHouseSettings);
