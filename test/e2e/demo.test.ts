import { once } from 'node:events';
import { expect, it } from 'vitest';
import { COMMAND, runCommand, startCommand } from '../support/command.js';
import { needs } from '../support/needs.js';

it('shows traffic as traces, with books that add up, and ends', needs('capture'), async () => {
  const { code, stdout, stderr } = await runCommand(['demo'], { env: { LEVO_RATE_LIMIT: '1' } });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.split('\n').filter((line) => /^\d{3} [A-Z]+ 127\.0\.0\.1:\d+\//.test(line));
  const asked = lines.map((line) =>
    line
      .replace(/127\.0\.0\.1:\d+/, '')
      .split(' ')
      .slice(0, 3)
      .join(' '),
  );
  const visit = [
    '200 GET /books?limit=2',
    '200 GET /books/2',
    '201 POST /orders',
    '200 HEAD /books/1',
    '404 GET /books/99',
    '200 GET /catalogue',
  ];
  expect(asked).toEqual([...visit, ...visit, ...visit]);
  expect(stdout).not.toMatch(/GET 127\S+\/status/);
  expect(count(stdout, 'exchanges seen')).toBe(21);
  expect(count(stdout, 'exported')).toBe(18);
  expect(count(stdout, 'dropped: path rule')).toBe(3);
  expect(stdout).not.toContain('in flight');
});

it('goes on with --keep-running until it is interrupted', needs('capture'), async () => {
  const child = startCommand(['demo', '--keep-running']);
  let text = '';
  let isInterrupted = false;
  for await (const chunk of child.stdout) {
    text += chunk;
    // In its fourth visit: one more than it makes by itself.
    if (isInterrupted || text.split(' POST ').length < 5) continue;
    isInterrupted = true;
    child.kill('SIGINT');
  }
  if (child.exitCode === null) await once(child, 'close');
  expect(child.exitCode).toBe(0);
  const seen = count(text, 'exchanges seen');
  expect(seen).toBeGreaterThanOrEqual(24);
  expect(count(text, 'exported') + count(text, 'dropped: path rule')).toBe(seen);
});

it('says what is missing where it may not capture', needs('root', 'setpriv'), async () => {
  const without = ['--bounding-set', '-net_raw', '--inh-caps', '-net_raw', COMMAND, 'demo'];
  const { code, stderr } = await runCommand(without, { command: 'setpriv' });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^pcap-sensor: [^\n]*CAP_NET_RAW[^\n]*docker run --cap-add NET_RAW[^\n]*\n$/);
});

function count(text: string, label: string): number {
  const found = new RegExp(`^ *${label} +(\\d+)$`, 'm').exec(text)?.[1];
  expect(found, label).toBeDefined();
  return Number(found);
}
