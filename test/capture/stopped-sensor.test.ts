/**
 * The sensor is stopped (SIGSTOP) while traffic flows and goes on later: what the ring could not hold is counted, what
 * that damaged is marked, and what comes after is right.
 */
import { spawn } from 'node:child_process';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { needs } from '../support/needs.js';

interface Line {
  request: { target: string };
  response: null | { status: number; body: { bytes: number; truncated: boolean; content: string } };
  marks: string[];
}

it('counts, marks and recovers', { ...needs('capture'), timeout: 120_000 }, async () => {
  const body = (target: string) => target.repeat(Math.ceil(60_000 / target.length)).slice(0, 60_000);
  const server = createServer((asked, answer) => answer.end(body(asked.url!)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const get = (path: string) =>
    new Promise<void>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, agent }, (answer) => answer.resume().on('end', resolve))
        .on('error', reject)
        .end();
    });
  const many = (name: string, count: number) =>
    Promise.all(Array.from({ length: count }, (_, i) => get(`/${name}/${i}`)));

  const sensor = spawn(
    process.execPath,
    [
      ...[join(import.meta.dirname, '../../dist/cli/cli.js'), 'apidump', '--output', 'ndjson', '--rate-limit', '0'],
      ...[
        '--interfaces',
        'lo',
        '--capture-backend',
        'ring',
        '--ring-size',
        '4',
        '--log-format',
        'text',
        '--max-cpu',
        'none',
      ],
      ...['--filter', `port ${port}`],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const lines: Line[] = [];
  const waiting: { until: () => boolean; resolve: () => void }[] = [];
  createInterface(sensor.stdout).on('line', (line) => {
    lines.push(JSON.parse(line));
    for (const wait of waiting.splice(0)) wait.until() ? wait.resolve() : waiting.push(wait);
  });
  const of = (name: string) => lines.filter((line) => line.request.target.startsWith(`/${name}/`));
  const seen = (name: string, count: number) =>
    new Promise<void>((resolve) => {
      const until = () => of(name).length >= count;
      until() ? resolve() : waiting.push({ until, resolve });
    });
  let errors = '';
  sensor.stderr.on('data', (text) => {
    errors += text;
  });
  const exited = new Promise((resolve) => sensor.on('close', resolve));
  onTestFinished(() => void sensor.kill('SIGKILL'));

  // Send until it captures, since nothing shows from outside that it does.
  const asking = setInterval(() => void get('/warm/up'), 100);
  await seen('warm', 1);
  clearInterval(asking);

  await many('before', 20);
  await seen('before', 20);
  sensor.kill('SIGSTOP');
  await many('during', 400); // 24 MB into 4 MiB
  sensor.kill('SIGCONT');
  // The first of these find streams with a hole in them; they and what is in flight may be the worse for it.
  const asking2 = setInterval(() => void get('/recovering/x'), 100);
  await seen('recovering', 3);
  clearInterval(asking2);
  await many('after', 50);
  await seen('after', 50);
  sensor.kill('SIGTERM');
  expect(await exited).toBe(0);
  agent.destroy();
  server.close();

  const whole = (line: Line) =>
    line.response?.body.content === body(line.request.target) && !line.response.body.truncated;
  const damage = ['gap', 'drops', 'midstream', 'no-response', 'aborted', 'timeout', 'malformed'];
  for (const name of ['before', 'after']) {
    expect(
      of(name)
        .map((line) => line.request.target)
        .sort(),
    ).toEqual(Array.from({ length: name === 'before' ? 20 : 50 }, (_, i) => `/${name}/${i}`).sort());
    expect(of(name).filter((line) => !whole(line))).toEqual([]);
  }
  const during = of('during');
  expect(during.length).toBeLessThan(400);
  // A trace that is not exactly what was sent is marked.
  const unmarked = during.filter((line) => !whole(line) && !line.marks.some((mark) => damage.includes(mark)));
  expect(unmarked).toEqual([]);
  expect(lines.some((line) => line.marks.includes('drops') || line.marks.includes('gap'))).toBe(true);
  // No request gets the answer of another.
  for (const line of lines) {
    const content = line.response?.body.content ?? '';
    expect(content.slice(0, line.request.target.length)).toBe(content === '' ? '' : line.request.target);
  }
  const dropped = Number(/lo, lost by the kernel +(\d+)/.exec(errors)?.[1]);
  expect(dropped).toBeGreaterThan(0);
  expect(errors).toMatch(/interface lo: the kernel dropped \d+ packets, .*--ring-size/);
});
