/** `bin/demo`: with whose right to capture the demo runs, and what is said where there is none. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needs } from './support/needs.js';
import { mayCapture } from './support/permission.js';

const DEMO = join(import.meta.dirname, '../bin/demo');
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
  version: string;
};
/** Root's children without the capability; those of others have not got it. */
const WITHOUT = mayCapture ? ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw'] : [];

let tools: string;
beforeEach(() => {
  tools = mkdtempSync(join(tmpdir(), 'demo-rights-'));
});
afterEach(() => rmSync(tools, { recursive: true }));

function tool(name: string, script: string): void {
  writeFileSync(join(tools, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(tools, name), 0o755);
}

function demo(words: readonly string[], before: readonly string[] = WITHOUT) {
  const [command = '', ...rest] = [...before, DEMO, ...words];
  const env = { ...process.env, PATH: `${tools}:${process.env.PATH}` };
  const { status, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8', env });
  return { code: status, stdout, stderr };
}

it('runs with the right that the user has', needs('capture'), () => {
  expect(demo(['--rights'], [])).toEqual({ code: 0, stdout: 'own\n', stderr: '' });
});

describe('a user who may not capture', needs('setpriv'), () => {
  it('has it in a network namespace, where that may be made', () => {
    tool('unshare', 'while [ "$1" != sh ]; do shift; done; exec "$@"');
    tool('ip', '[ "$*" = "link set lo up" ]');
    expect(demo(['--rights'])).toEqual({ code: 0, stdout: 'namespace\n', stderr: '' });
  });

  it('has it where loopback is brought up without the package iproute2', () => {
    tool('unshare', 'while [ "$1" != sh ]; do shift; done; exec "$@"');
    tool('ip', 'exit 127');
    tool('perl', '[ "$1" = -e ]');
    expect(demo(['--rights']).stdout).toBe('namespace\n');
  });

  it('runs it with sudo, where that asks for nothing, and with the options given', () => {
    tool('unshare', 'exit 1');
    tool('sudo', 'if [ "$2" = true ]; then exit; fi; shift 3; echo "$@"');
    const { code, stdout, stderr } = demo(['--keep-running']);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'demo: this user may not capture, so this runs as root, with sudo\n',
    });
    expect(stdout).toMatch(/\/bin\/pcap-sensor demo --keep-running\n$/);
  });

  it('is told what works without, and the ways that take neither sudo nor setcap', () => {
    tool('unshare', 'exit 1');
    tool('sudo', 'exit 1');
    const { code, stdout, stderr } = demo(['--rights']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('demo: without: reading capture files, the satellite and npm test work');
    expect(stderr).toContain(`docker run --rm --cap-add NET_RAW levoai/pcap-sensor:${version} demo\n`);
    expect(stderr).toMatch(/demo: with: as root, sudo env "PATH=\$PATH" npm start\n$/);
  });
});
