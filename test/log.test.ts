import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const LOG_MODULE = join(import.meta.dirname, '../dist/log.js');

/** What a process logs to standard error with `statements`, given `log` and the settings. */
function logged(settings: object, statements: string): string[] {
  const program = `
    import { createLogger } from ${JSON.stringify(LOG_MODULE)};
    const log = createLogger(${JSON.stringify(settings)});
    ${statements}`;
  const { stderr, stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
  return stderr.split('\n').slice(0, -1);
}

it('writes JSON with level and time in words, and nothing about the process', () => {
  const lines = logged({ logLevel: 'info', logFormat: 'json' }, "log.warn({ queue: 3 }, 'full'); log.debug('no')");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 'warn', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), queue: 3, msg: 'full' },
  ]);
});

it('writes text that a person can read', () => {
  const lines = logged(
    { logLevel: 'debug', logFormat: 'text' },
    `log.debug({ name: 'a b', n: 1, list: [1] }, 'said'); log.error({ err: new Error('broken') }, 'failed')`,
  );
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} DEBUG said name="a b" n=1 list=\[1\]$/);
  expect(lines[1]).toMatch(/ ERROR failed$/);
  expect(lines[2]).toBe('Error: broken');
});

it('is JSON off a terminal unless an option says otherwise', () => {
  expect(logged({ logLevel: 'info', logFormat: 'auto' }, "log.info('x')")[0]).toMatch(/^\{/);
});

it('has its last line written even when the process exits at once', () => {
  expect(logged({ logLevel: 'info', logFormat: 'text' }, "log.info('last'); process.exit(0)")).toHaveLength(1);
});

it('says nothing when silent', () => {
  expect(logged({ logLevel: 'silent', logFormat: 'text' }, "log.fatal('x')")).toEqual([]);
});

const HOSTILE = '\u001b]0;x\u0007\r\nFAKE\u0085\u009b31m\u202e\u200b\ufeff\ud800';

it.each(['text', 'json'])('shows nothing of a stranger that would steer a terminal, as %s', (logFormat) => {
  const lines = logged(
    { logLevel: 'info', logFormat },
    `const hostile = ${JSON.stringify(HOSTILE)};
    log.warn({ reason: hostile, [hostile]: [hostile], deep: { [hostile]: hostile } }, hostile);
    log.error({ err: new Error(hostile) }, 'failed')`,
  );
  expect(lines.join('')).toMatch(/^[ -~]+$/);
  expect(lines.filter((line) => line.startsWith('FAKE'))).toEqual([]);
  if (logFormat === 'json') expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: HOSTILE, reason: HOSTILE });
});

it.each([
  ['a long message', "log.info('x'.repeat(1e6))"],
  ['a long field', "log.info({ body: 'ä'.repeat(1e5), n: 7 }, 'said')"],
  ['much that is escaped', "log.info({ body: '\\u202e'.repeat(1e5), n: 7 }, 'said')"],
  ['long names', "log.info({ one: { ['k'.repeat(1e5)]: 1 }, n: 7 }, 'said')"],
  ['long lists', "log.info({ list: Array.from({ length: 90 }, (_, i) => 'name'.repeat(40) + i), n: 7 }, 'said')"],
  ['many fields', "log.info(Object.fromEntries(Array.from({ length: 3000 }, (_, i) => ['field' + i, i])), 'said')"],
  ['a long stack', "log.info({ err: new Error('line\\n'.repeat(1e4)), n: 7 }, 'said')"],
])('bounds a record in bytes: %s', (_what, statement) => {
  const [json = '', ...more] = logged({ logLevel: 'info', logFormat: 'json' }, statement);
  expect(more).toEqual([]);
  expect(Buffer.byteLength(json)).toBeLessThan(8192);
  const record = JSON.parse(json) as Record<string, unknown>;
  expect(record).toMatchObject({ level: 'info', time: expect.any(String), msg: expect.stringMatching(/^(said|x+…)$/) });
  expect(record.cut).toBe(true);
  if (statement.includes('n: 7')) expect(record.n).toBe(7);

  const text = logged({ logLevel: 'info', logFormat: 'text' }, statement).join('\n');
  expect(Buffer.byteLength(text)).toBeLessThan(8192);
  expect(text).toContain('…');
});
