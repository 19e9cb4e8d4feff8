import { expect, it } from 'vitest';
import { errorLine } from '../../src/cli/start-error.js';
import { UsageError } from '../../src/errors.js';
import { LINE_BYTES_MAX } from '../../src/printable.js';
import { runCommand } from '../support/command.js';

const ERROR = new UsageError('--filter "x" is wrong; mend it');
const NOW = () => new Date(0);
const AS_TEXT = 'pcap-sensor: --filter "x" is wrong; mend it\n';
const AS_JSON = `{"level":"error","time":"1970-01-01T00:00:00.000Z","msg":"--filter \\"x\\" is wrong; mend it"}\n`;

it.each([
  [[], {}, AS_TEXT],
  [['apidump', '--log-format', 'json'], {}, AS_JSON],
  [['apidump', '--log-format=json'], {}, AS_JSON],
  [['apidump'], { LEVO_LOG_FORMAT: 'json' }, AS_JSON],
  [['apidump', '--log-format', 'text'], { LEVO_LOG_FORMAT: 'json' }, AS_TEXT],
  [['apidump', '--log-format', 'xml'], {}, AS_TEXT],
  [['apidump', '--log-format'], {}, AS_TEXT],
])('is JSON where JSON logs are asked for: %j %j', (words, environment, line) => {
  expect(errorLine(ERROR, words, environment, NOW)).toBe(line);
});

it.each([[], ['--log-format', 'json']])('says of a bug that it is one, in bounded printable lines: %j', (...words) => {
  const line = errorLine(new Error(`\u001b[2J${'x'.repeat(100_000)}`), words, {});
  expect(line).toContain('this is a bug');
  expect(line).not.toContain('\u001b');
  expect(Buffer.byteLength(line)).toBeLessThanOrEqual(LINE_BYTES_MAX);
});

it.each([
  ['an option that does not exist', ['apidump', '--nonsense', '1'], 2],
  ['no output', ['apidump'], 2],
  ['a file that does not exist', ['apidump', '--read', '/does/not/exist', '--output', 'ndjson'], 2],
])('%s', async (_name, words, code) => {
  const result = await runCommand([...words, '--log-format', 'json']);
  expect(result.code).toBe(code);
  const lines = result.stderr.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).level)).toEqual(['error']);
});
