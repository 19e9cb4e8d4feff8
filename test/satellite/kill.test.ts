/** A satellite that is killed while traces come: every one that it has answered for is there when it is back, and once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { COMMAND, withoutOptions } from '../support/command.js';
import { Random, runSeed } from '../support/random.js';
import { sendSpans, spanOf } from '../support/spans.js';

/** As many as are to be shown take half a minute. */
const KILLS = Number(process.env.KILLS ?? 3);

async function start(directory: string): Promise<{ child: ChildProcess; url: string }> {
  const args = ['satellite', '--port', '0', '--data', directory, '--log-format', 'text'];
  const child = spawn(COMMAND, args, { env: withoutOptions(process.env), stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for await (const chunk of child.stderr as AsyncIterable<Buffer>) {
    said += chunk;
    const url = /satellite at (\S+);/.exec(said)?.[1];
    if (url === undefined) continue;
    expect(said).not.toContain('damaged');
    return { child, url };
  }
  throw new Error(said);
}

const seed = runSeed();
it(`loses and doubles nothing that it answered for, killed ${KILLS} times (seed ${seed})`, {
  timeout: 120_000,
}, async () => {
  const random = new Random(seed);
  const directory = mkdtempSync(join(tmpdir(), 'killed-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const answered = new Set<string>();
  let unanswered: ReturnType<typeof spanOf>[] = [];
  const send = async (url: string, spans: ReturnType<typeof spanOf>[]): Promise<void> => {
    const { status } = await sendSpans(url, spans);
    expect(status).toBe(200);
    for (const { traceId } of spans) answered.add(traceId);
  };
  for (let kill = 0; kill < KILLS; kill++) {
    const { child, url } = await start(directory);
    // As a sensor does: what was not answered is sent again.
    if (unanswered.length > 0) await send(url, unanswered);
    unanswered = [];
    let isKilled = false;
    const sender = async (): Promise<void> => {
      while (!isKilled) {
        const spans = Array.from({ length: random.between(1, 60) }, () =>
          spanOf({ path: '/kept', answered: 'kept body' }),
        );
        try {
          await send(url, spans);
        } catch (error) {
          if (!isKilled) throw error;
          unanswered.push(...spans);
        }
      }
    };
    const senders = [sender(), sender(), sender()];
    await sleep(random.between(50, 600));
    isKilled = true;
    child.kill('SIGKILL');
    await once(child, 'exit');
    await Promise.all(senders);
  }
  const { url } = await start(directory);
  const found: string[] = [];
  const words: string[] = [];
  for (const [filter, into] of [
    ['', found],
    ['body:"kept body"', words],
  ] as const) {
    let next: number | null = null;
    do {
      const page = `${url}/api/traces?limit=1000&filter=${encodeURIComponent(filter)}${next === null ? '' : `&before=${next}`}`;
      const answer = (await (await fetch(page)).json()) as { rows: { traceId: string }[]; next: number | null };
      into.push(...answer.rows.map(({ traceId }) => traceId));
      next = answer.next;
    } while (next !== null);
  }
  const kept = new Set(found);
  expect(answered.size).toBeGreaterThan(KILLS * 3);
  expect([...answered].filter((id) => !kept.has(id))).toEqual([]);
  expect(found.length).toBe(kept.size);
  expect(words.length).toBe(found.length);
});
