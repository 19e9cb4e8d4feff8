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
