import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultText, environmentNames, type OptionTable } from '../../src/options/option-row.js';
import { DEMO_OPTIONS, REDACT_OPTIONS, SATELLITE_OPTIONS, SENSOR_OPTIONS } from '../../src/options/options.js';
import { COMMAND, runCommand } from '../support/command.js';

const directory = mkdtempSync(join(tmpdir(), 'cli-'));
afterAll(() => rmSync(directory, { recursive: true }));

const URL_FLAG = ['--satellite-url', 'http://127.0.0.1:9'];

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

describe('help', () => {
  it.each<[string, OptionTable]>([
    ['apidump', SENSOR_OPTIONS],
    ['watch', SENSOR_OPTIONS],
    ['satellite', SATELLITE_OPTIONS],
    ['demo', DEMO_OPTIONS],
    ['redact', REDACT_OPTIONS],
  ])('of %s has every option under its heading, with variable and default', async (command, table) => {
    const { code, stdout, stderr } = await runCommand([command, '--help', 'all']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const [name, option] of Object.entries(table)) {
      const section = sectionOf(stdout, option.group);
      expect(section).toMatch(
        new RegExp(`^ {2}(${option.letter === undefined ? ' {4}' : `-${option.letter}, `})?--${name} `, 'm'),
      );
      expect(section).toContain(`$${environmentNames(name, option)[0]}`);
      const words = defaultText(option);
      if (words !== null) expect(section.replace(/\s+/g, ' ')).toContain(`[default: ${words}]`);
    }
    expect(stdout).not.toContain('Options:');
  });

  it('is short without all: the options of its own first, and what a newcomer needs', async () => {
    const { code, stdout } = await runCommand(['doctor', '--help']);
    expect(code).toBe(0);
    expect(stdout.indexOf('\nDoctor:\n')).toBeLessThan(stdout.indexOf('\nSatellite:\n'));
    expect(stdout).toContain('--satellite-url');
    expect(stdout).not.toContain('--spool-max-bytes');
    expect(stdout).toMatch(/There are \d+ more options: pcap-sensor doctor --help all/);
    const whole = await runCommand(['apidump', '--help', 'all']);
    const short = await runCommand(['apidump', '--help']);
    expect(short.stdout.split('\n').length * 2).toBeLessThan(whole.stdout.split('\n').length);
  });

  it('completes commands and every option', async () => {
    const script = await runCommand(['completion'], { env: { SHELL: '/bin/bash' } });
    expect(script).toMatchObject({ code: 0, stderr: '' });
    expect(script.stdout).toContain('complete -o bashdefault -o default -F');
    const options = await runCommand(['--get-yargs-completions', 'pcap-sensor', 'apidump', '--']);
    expect(options.stdout.split('\n')).toEqual(
      expect.arrayContaining(Object.keys(SENSOR_OPTIONS).map((name) => `--${name}`)),
    );
  });

  it('lists the commands', async () => {
    const { code, stdout } = await runCommand(['--help']);
    expect(code).toBe(0);
    for (const command of ['apidump', 'satellite', 'demo']) expect(stdout).toContain(`pcap-sensor ${command} `);
  });

  it('is what a call without a command gets, on standard error', async () => {
    const { code, stdout, stderr } = await runCommand([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Commands:');
  });
});

/** What stands under a heading, up to the next one. */
function sectionOf(help: string, heading: string): string {
  const start = help.indexOf(`\n${heading}\n`);
  expect(start, heading).toBeGreaterThan(0);
  const end = help.indexOf('\n\n', start);
  return help.slice(start, end < 0 ? undefined : end);
}

it('says its version and what it runs on', async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  const { code, stdout } = await runCommand(['--version']);
  expect(code).toBe(0);
  expect(stdout.startsWith(`pcap-sensor ${version} `)).toBe(true);
  expect(stdout).toContain(process.versions.node);
});

describe('starts', () => {
  it('from any directory and through links', async () => {
    const far = join(directory, 'far');
    symlinkSync(COMMAND, far);
    symlinkSync('far', join(directory, 'near'));
    for (const command of [far, join(directory, 'near')]) {
      expect((await runCommand(['--version'], { command, cwd: '/' })).code).toBe(0);
    }
  });

  it('as bin/init', async () => {
    const init = join(COMMAND, '../init');
    expect((await runCommand(['apidump', '--help'], { command: init, cwd: '/' })).code).toBe(0);
    expect((await runCommand(['apidump'], { command: init, cwd: '/' })).code).toBe(2);
  });
});

const EMPTY = file('empty.pcap', '');

describe('a wrong call ends with 2 and one line', () => {
  it.each<[args: string[], says: string, env?: Record<string, string>]>([
    [['apidmp'], 'did you mean apidump?'],
    [['apidump'], '--satellite-url is required'],
    [['apidump', '--read', EMPTY], '--output text or ndjson'],
    [['apidump', ...URL_FLAG, '--rate', '5'], '--rate is no option; did you mean --rate-limit?'],
    [['apidump', ...URL_FLAG, '-i', 'nope0'], '--interfaces "nope0" is no interface'],
    [['apidump', ...URL_FLAG, '-x', 'lo'], '-x is no option'],
    [['apidump', ...URL_FLAG, 'port', '80'], '"port"'],
    [['apidump', ...URL_FLAG, '--', '--rate-limit'], '"--rate-limit"'],
    [['apidump', ...URL_FLAG, '--rate-limit'], '--rate-limit needs a value'],
    [['apidump', ...URL_FLAG, '--path-allow'], '--path-allow needs a value'],
    [['apidump', ...URL_FLAG, '--levo-env', '--rate-limit', '5'], '--levo-env needs a value'],
    [['apidump', ...URL_FLAG, '--path-allow', '-x'], '--path-allow=RE2 if it begins with a dash'],
    [['apidump', ...URL_FLAG, '--rate-limit', '50.5'], '--rate-limit "50.5" is not a whole number'],
    [['apidump', ...URL_FLAG, '--rate-limit', '-5'], '--rate-limit "-5" is out of range'],
    [['apidump', ...URL_FLAG, '--host-allow', '(?=a)'], '--host-allow "(?=a)" is not an RE2 pattern'],
    [['apidump', ...URL_FLAG, '--interfaces', 'nope0'], '--interfaces "nope0"'],
    [['apidump', ...URL_FLAG, '--interfaces', 'lo,nope0'], '--interfaces "lo,nope0"'],
    [['apidump', '--satellite-url', '< INSERT SATELLITE URL >'], 'placeholder'],
    [['apidump', '--satellite-url', 'h:4317'], '4318'],
    [['apidump', ...URL_FLAG, '--sample-rate', '2'], '--sample-rate "2"'],
    [['apidump', ...URL_FLAG, '--no-such-thing'], '--no-such-thing is no option'],
    [['apidump', ...URL_FLAG, '--rate-limit.x', '5'], '--rate-limit.x is no option'],
    [['apidump', ...URL_FLAG], 'LEVO_RATE_LIMIT', { LEVO_RATE_LIMIT: 'fast' }],
    [['apidump', ...URL_FLAG], 'LEVOAI_ORG_ID', { LEVOAI_ORG_ID: '<org id>' }],
    [['apidump', ...URL_FLAG], 'LEVO_PATH_EXCLUSIONS', { LEVO_PATH_EXCLUSIONS: '["ok","("]' }],
    [['apidump', '--config', file('typo.yaml', 'rate_limit: 5\n')], 'did you mean rate-limit?'],
    [['apidump', '--config', '/does/not/exist'], '--config "/does/not/exist" does not exist'],
    [['satellite', '--port', '70000'], '--port "70000" is out of range'],
    [['satellite', '--port', 'x'], '--port "x" is not a number'],
    [['satellite', '--satellite-url', 'x'], '--satellite-url is no option'],
    [['demo', '--keep-running=maybe'], '--keep-running "maybe" is neither true nor false'],
  ])('%j', async (args, says, env = {}) => {
    const { code, stdout, stderr } = await runCommand(args, { env });
    expect(stderr).toContain(says);
    expect(stderr).toMatch(/^pcap-sensor: [^\n]+\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('never shows a secret', async () => {
    for (const args of [
      ['--satellite-url', 'http://user:hunter2@satellite'],
      ['--satellite-url', 'http://satellite/?key=hunter2'],
      [...URL_FLAG, '--satellite-header', 'authorization hunter2'],
      [...URL_FLAG, '--satellite-header', 'authorization: hunter2=='],
    ]) {
      const { code, stderr } = await runCommand(['apidump', ...args]);
      expect(code).toBe(2);
      expect(stderr).not.toContain('hunter2');
    }
  });
});
