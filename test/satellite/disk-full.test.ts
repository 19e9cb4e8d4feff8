/**
 * A satellite whose disk is full: it says so, keeps what it has answered for, is read meanwhile, and goes on when there is room.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { COMMAND, withoutOptions } from '../support/command.js';
import { needs } from '../support/needs.js';
import { sendSpans, spanOf } from '../support/spans.js';

it('refuses what it has no room for, and loses nothing', {
  ...needs('namespaces', 'unshare'),
  timeout: 60_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'disk-full-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const disk = join(directory, 'disk');
  const script =
    'mkdir "$1" && mount -t tmpfs -o size=12m none "$1" && dd if=/dev/zero of="$1/ballast" bs=1M count=6 2>/dev/null && ' +
    'exec "$2" satellite --port 0 --data "$1/data" --log-format text';
  const child = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', disk, COMMAND], {
    env: withoutOptions(process.env),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  let said = '';
  child.stderr.on('data', (data) => (said += data));
  while (!/satellite at \S+;/.test(said)) await Promise.race([once(child.stderr, 'data'), ended]);
  const url = /satellite at (\S+);/.exec(said)?.[1] ?? '';

  const answered = new Set<string>();
  const send = async (): Promise<Response> => {
    const spans = Array.from({ length: 50 }, (_, i) => spanOf({ answered: `word${i} `.repeat(400) }));
    const answer = await sendSpans(url, spans);
    if (answer.status === 200) for (const { traceId } of spans) answered.add(traceId);
    return answer;
  };
  const held = async (): Promise<string[]> => {
    const found: string[] = [];
    for (let before: number | null = null; ; ) {
      const page = `${url}/api/traces?limit=1000${before === null ? '' : `&before=${before}`}`;
      const { rows, next } = (await (await fetch(page)).json()) as { rows: { traceId: string }[]; next: number | null };
      found.push(...rows.map(({ traceId }) => traceId));
      if (next === null) return found;
      before = next;
    }
  };

  let answer = await send();
  for (let i = 0; i < 200 && answer.status === 200; i++) answer = await send();
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await answer.text()).toContain('there is no room for traces');
  expect((await held()).sort()).toEqual([...answered].sort());
  expect((await (await fetch(`${url}/api/traces?filter=body:word7&limit=1`)).json()) as object).toMatchObject({
    rows: [expect.anything()],
  });
  // What it said is true of the next one as well, and it is still there.
  expect((await send()).status).toBe(503);
  rmSync(`/proc/${child.pid}/root${disk}/ballast`);
  expect((await send()).status).toBe(200);
  expect((await held()).sort()).toEqual([...answered].sort());
  expect(said).not.toContain('damaged');
});
