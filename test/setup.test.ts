/**
 * `bin/setup` in a project of its own, with an npm that only writes down what it was asked.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const SETUP = join(import.meta.dirname, '../bin/setup');
const FAKE_NPM = `#!/bin/sh
echo "npm $*" >>calls
case $* in
  ci*) mkdir -p node_modules ;;
  *build:native) mkdir -p native/build; [ ! -e native-is-broken ] ;;
  *build) mkdir -p dist/cli; echo built >dist/cli/cli.js ;;
esac
`;

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'setup-'));
  for (const folder of ['bin', 'src/cli', 'native', 'tools']) mkdirSync(join(project, folder), { recursive: true });
  cpSync(SETUP, join(project, 'bin/setup'));
  for (const file of ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']) {
    writeFileSync(join(project, file), '{}');
  }
  writeFileSync(join(project, 'src/cli/cli.ts'), '');
  writeFileSync(join(project, 'native/binding.gyp'), '');
  writeFileSync(join(project, 'native/ring.c'), '');
  tool('npm', FAKE_NPM);
  // Nothing is to be installed on the machine that runs the tests.
  for (const name of ['c++', 'make', 'python3', 'apt-get', 'apk', 'dnf', 'yum']) tool(name, '#!/bin/sh\nexit 1\n');
});
afterEach(() => rmSync(project, { recursive: true }));

function tool(name: string, script: string): void {
  writeFileSync(join(project, 'tools', name), script);
  chmodSync(join(project, 'tools', name), 0o755);
}

/** Runs `bin/setup`; out: its exit code, what it said, and which npm commands it gave. */
function setup(...args: string[]): { code: number | null; said: string; calls: string[] } {
  writeFileSync(join(project, 'calls'), '');
  const { status, stderr } = spawnSync(join(project, 'bin/setup'), args, {
    cwd: '/',
    encoding: 'utf8',
    env: { ...process.env, PATH: `${join(project, 'tools')}:${process.env.PATH}` },
  });
  const calls = readFileSync(join(project, 'calls'), 'utf8').trim().split('\n');
  return { code: status, said: stderr, calls: calls.filter((call) => call !== '') };
}

const INSTALL = expect.stringMatching(/^npm ci --include=dev/);
const BUILD = 'npm run --silent build';
const BUILD_NATIVE = 'npm run --silent build:native';

function touchLater(file: string): void {
  const later = new Date(Date.now() + 5000);
  utimesSync(join(project, file), later, later);
}

it('installs and builds the first time, and does nothing the second time', () => {
  expect(setup()).toMatchObject({ code: 0, calls: [INSTALL, BUILD_NATIVE, BUILD] });
  expect(setup()).toEqual({ code: 0, said: '', calls: [] });
});

it('builds again what changed, and no more', () => {
  setup();
  touchLater('src/cli/cli.ts');
  expect(setup().calls).toEqual([BUILD]);
  touchLater('native/ring.c');
  expect(setup().calls).toContain(BUILD_NATIVE);
});

it('installs again when the lock file changed', () => {
  setup();
  writeFileSync(join(project, 'package-lock.json'), '{"lockfileVersion":3}');
  expect(setup().calls[0]).toEqual(INSTALL);
});

it('goes on without the native addon, saying so', () => {
  writeFileSync(join(project, 'native-is-broken'), '');
  const { code, said, calls } = setup();
  expect(code).toBe(0);
  expect(said).toContain('the capture ring could not be built');
  expect(calls).toContain(BUILD);
});

it('prunes what only development needs when told so, and brings it back when not', () => {
  expect(setup('--production').calls.at(-1)).toMatch(/^npm prune --omit=dev/);
  expect(setup('--production').calls).toEqual([]);
  expect(setup().calls[0]).toEqual(INSTALL);
});

it('says what to install where it may not, and goes on', () => {
  tool('id', '#!/bin/sh\necho 1000\n');
  tool('sudo', '#!/bin/sh\nexit 1\n');
  writeFileSync(join(project, 'bin/setup'), readFileSync(SETUP, 'utf8').replace('/usr/include/pcap.h', '/nowhere'));
  const { code, said, calls } = setup();
  expect({ code, calls }).toEqual({ code: 0, calls: [INSTALL, BUILD_NATIVE, BUILD] });
  expect(said).toContain('to have them: sudo apt-get install g++ make python3 libpcap-dev');
});

it('names the version of node it needs', () => {
  tool('node', '#!/bin/sh\n[ "$1" = --version ] && echo v18.20.4\nexit 1\n');
  const { code, said, calls } = setup();
  expect({ code, calls }).toEqual({ code: 1, calls: [] });
  expect(said).toMatch(/v18\.20\.4.*20\.19/);
});

it('refuses an option it does not have', () => {
  expect(setup('--prod')).toMatchObject({ code: 2, said: 'setup: --prod is no option; there is only --production\n' });
});
