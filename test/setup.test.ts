/**
 * `bin/setup` in a project of its own: its npm, compiler and package manager only write down what they were asked.
 */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needs } from './support/needs.js';

const ROOT = join(import.meta.dirname, '..');
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** What `bin/setup` and its steps take of the machine; nothing else of it is in their PATH. */
const OF_THE_MACHINE = 'sh dirname readlink env awk cat date sleep timeout mkdir rm touch cp'.split(' ');

const FAKE_NPM = `#!/bin/sh
echo "npm $*" >>"$CALLS"
case $* in
  ci*)
    if [ -e npm-is-broken ]; then echo 'fetching packages'; echo 'npm error code E500'; exit 1; fi
    mkdir -p node_modules/.bin node_modules/re2 node_modules/cap node_modules/node-gyp/bin
    echo '{"scripts":{"install":"install-from-cache --artifact build/Release/re2.node || node-gyp rebuild"}}' >node_modules/re2/package.json
    echo 'module.exports = {}' >node_modules/re2/index.js
    cp tools/node-gyp.js node_modules/node-gyp/bin/node-gyp.js
    cp tools/install-from-cache.js node_modules/.bin/install-from-cache
    ;;
  *build:native) mkdir -p native/build; [ ! -e native-is-broken ] ;;
  *build) mkdir -p dist/cli; echo built >dist/cli/cli.js ;;
esac
`;
const FAKE_GYP = `
const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs');
const name = process.cwd().split('/').at(-1);
appendFileSync(process.env.CALLS, 'compile ' + name + '\\n');
mkdirSync('build/Release', { recursive: true });
writeFileSync('build/Release/' + name + '.node', '');
`;
const NOTHING_TO_DOWNLOAD = 'process.exit(1)';
const DOWNLOADED = `
require('node:fs').mkdirSync('build/Release', { recursive: true });
require('node:fs').writeFileSync(process.argv[process.argv.indexOf('--artifact') + 1], '');
`;

/** Headers and libraries are where the machine has them; here they are programs, which the tests put there or not. */
const SIGNS = ['libpcap', 'pcap.h', 'linux/version.h', 'libasan'];
const asProgram = (sign: string) => `has-${sign.replace(/\W/g, '-')}`;
const SETUP = SIGNS.reduce(
  (text, sign) => text.replace(` ${sign.padEnd(17)}`, ` ${asProgram(sign).padEnd(17)}`),
  readFileSync(join(ROOT, 'bin/setup'), 'utf8'),
);

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'setup-'));
  for (const folder of ['bin', 'src/cli', 'native', 'tools', 'scripts'])
    mkdirSync(join(project, folder), { recursive: true });
  script('bin/setup', SETUP);
  cpSync(join(ROOT, 'scripts/setup'), join(project, 'scripts/setup'), { recursive: true });
  for (const file of ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'])
    writeFileSync(join(project, file), '{}');
  writeFileSync(join(project, 'package.json'), '{"type":"commonjs"}');
  writeFileSync(join(project, 'scripts/package.json'), '{"type":"module"}');
  writeFileSync(join(project, 'src/cli/cli.ts'), '');
  writeFileSync(join(project, 'native/binding.gyp'), '');
  for (const file of ['ring.c', 'raw.c', 'raw.h']) writeFileSync(join(project, 'native', file), '');
  writeFileSync(join(project, 'tools/node-gyp.js'), FAKE_GYP);
  writeFileSync(join(project, 'tools/install-from-cache.js'), NOTHING_TO_DOWNLOAD);
  for (const name of OF_THE_MACHINE) {
    const found = ['/usr/bin', '/bin'].map((place) => join(place, name)).find((path) => existsSync(path));
    if (found !== undefined) symlinkSync(found, join(project, 'tools', name));
  }
  symlinkSync(process.execPath, join(project, 'tools/node'));
  tool('npm', FAKE_NPM);
  tool('id', `#!/bin/sh\ncase $1 in -u) echo "\${FAKE_UID-0}" ;; *) echo nobody ;; esac\n`);
  for (const name of ['c++', 'cc', 'make', 'python3', ...SIGNS.map(asProgram)]) tool(name, '#!/bin/sh\n');
  script('bin/demo', '#!/bin/sh\necho own\n');
  script('scripts/unpack-packages', '#!/bin/sh\nshift\necho "unpack $*" >>"$CALLS"\n');
});
afterEach(() => rmSync(project, { recursive: true }));

function script(path: string, text: string): void {
  writeFileSync(join(project, path), text);
  chmodSync(join(project, path), 0o755);
}

const tool = (name: string, text: string) => script(`tools/${name}`, text);
const removeTool = (name: string) => rmSync(join(project, 'tools', name));

function environment(): Record<string, string> {
  return { PATH: join(project, 'tools'), HOME: project, CALLS: join(project, 'calls') };
}

interface Run {
  readonly code: number | null;
  readonly said: string;
  /** What the package manager, npm and the compiler were asked. */
  readonly calls: readonly string[];
}

/** Runs `bin/setup`, as root where the tests have it and `as` does not say otherwise. */
function setup(args: readonly string[] = [], as: { uid?: number; env?: Record<string, string> } = {}): Run {
  writeFileSync(join(project, 'calls'), '');
  const { uid } = as;
  if (uid !== undefined) giveTo(project, uid);
  const { status, stderr }: SpawnSyncReturns<string> = spawnSync(join(project, 'bin/setup'), args, {
    cwd: '/',
    encoding: 'utf8',
    env: { ...environment(), ...as.env },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const calls = readFileSync(join(project, 'calls'), 'utf8').trim().split('\n');
  return { code: status, said: stderr, calls: calls.filter((call) => call !== '') };
}

function giveTo(directory: string, uid: number): void {
  chownSync(directory, uid, uid);
  for (const entry of readdirSync(directory, { recursive: true, encoding: 'utf8', withFileTypes: true })) {
    if (!entry.isSymbolicLink()) chownSync(join(entry.parentPath, entry.name), uid, uid);
  }
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? '';

const INSTALL = 'npm ci --include=dev --include=optional --ignore-scripts --loglevel=error --no-update-notifier';
const BUILD = 'npm run --silent build';
const BUILD_NATIVE = 'npm run --silent build:native';
function touchLater(file: string): void {
  const later = new Date(Date.now() + 5000);
  utimesSync(join(project, file), later, later);
}

beforeEach(() => {
  tool('apt-get', '#!/bin/sh\necho "apt-get $*" >>"$CALLS"\n');
  tool('dpkg-deb', '#!/bin/sh\n');
  tool('dpkg', '#!/bin/sh\nexit 1\n');
});

describe('what is done', () => {
  it('is all of it the first time, and nothing the second time', () => {
    const { code, calls } = setup();
    expect(code).toBe(0);
    expect(calls.toSorted()).toEqual(['compile cap', 'compile re2', INSTALL, BUILD, BUILD_NATIVE].sort());
    expect(setup()).toEqual({ code: 0, said: '', calls: [] });
  });

  it('is to build what changed, and no more', () => {
    setup();
    touchLater('src/cli/cli.ts');
    expect(setup().calls).toEqual([BUILD]);
    touchLater('native/ring.c');
    expect(setup().calls).toContain(BUILD_NATIVE);
  });

  it('is to install again when the lock file changed', () => {
    setup();
    writeFileSync(join(project, 'package-lock.json'), '{"lockfileVersion":3}');
    expect(setup().calls).toContain(INSTALL);
  });

  it('is to take re2 as it was built elsewhere, where that can be had', () => {
    writeFileSync(join(project, 'tools/install-from-cache.js'), DOWNLOADED);
    expect(setup().calls).not.toContain('compile re2');
  });

  it('is to fetch no compiler where everything was built elsewhere', () => {
    for (const name of ['c++', 'cc', 'make', 'python3']) removeTool(name);
    writeFileSync(join(project, 'tools/install-from-cache.js'), DOWNLOADED);
    mkdirSync(join(project, `native/prebuilds/linux-${process.arch}`), { recursive: true });
    const { code, calls } = setup(['--start']);
    expect(code).toBe(0);
    expect(calls.join('\n')).not.toMatch(/g\+\+|compile|build:native/);
  });

  it('is to go on without the ring, saying so', () => {
    writeFileSync(join(project, 'native-is-broken'), '');
    const { code, said, calls } = setup();
    expect(code).toBe(0);
    expect(said).toContain('the capture ring could not be built');
    expect(calls).toContain(BUILD);
  });

  it('leaves the fallback for capture out for npm start', () => {
    expect(setup(['--start']).calls).not.toContain('compile cap');
    expect(setup().calls).toEqual(['compile cap']);
  });

  it('is to prune what only development needs when asked to, and to bring it back when not', () => {
    expect(setup(['--production']).calls.at(-1)).toMatch(/^npm prune --omit=dev/);
    expect(setup(['--production']).calls).toEqual([]);
    expect(setup().calls).toContain(INSTALL);
  });

  it('waits for another setup of the same clone, and then finds nothing to do', async () => {
    tool('npm', FAKE_NPM.replace('case $* in', 'sleep 0.3\ncase $* in'));
    writeFileSync(join(project, 'calls'), '');
    const both = [1, 2].map(() => spawn(join(project, 'bin/setup'), { env: environment(), stdio: 'ignore' }));
    const codes = await Promise.all(both.map(async (child) => (await once(child, 'exit'))[0]));
    expect(codes).toEqual([0, 0]);
    const calls = readFileSync(join(project, 'calls'), 'utf8').split('\n');
    expect(calls.filter((call) => call === INSTALL)).toHaveLength(1);
  });
});

describe('system packages', () => {
  it('are installed by root, before what takes them', needs('root'), () => {
    removeTool('c++');
    removeTool('make');
    const { calls, said } = setup(['--start']);
    expect(calls).toContainEqual(expect.stringMatching(/^apt-get -q .*update$/));
    const install = calls.findIndex((call) => /^apt-get .*install -y .*g\+\+ make/.test(call));
    expect(install).toBeGreaterThan(-1);
    expect(calls.indexOf('compile re2')).toBeGreaterThan(install);
    expect(said).toMatch(/^setup: packages: g\+\+ make.* \d+ s$/m);
  });

  it('are no more than libpcap where nothing has to be compiled', needs('root'), () => {
    removeTool('c++');
    removeTool('has-libpcap');
    writeFileSync(join(project, 'tools/install-from-cache.js'), DOWNLOADED);
    mkdirSync(join(project, `native/prebuilds/linux-${process.arch}`), { recursive: true });
    const { calls } = setup(['--start']);
    expect(calls).toContainEqual(expect.stringMatching(/^apt-get .*install -y --no-install-recommends libpcap0\.8$/));
    expect(calls.join('\n')).not.toMatch(/g\+\+|compile/);
  });

  it('are unpacked beside the clone for who may not install', () => {
    removeTool('c++');
    const { code, calls } = setup([], isRoot ? { uid: NOBODY } : {});
    expect(code).toBe(0);
    expect(calls).toContainEqual(expect.stringMatching(/^unpack .*g\+\+/));
    expect(calls.filter((call) => call.startsWith('apt-get'))).toEqual([]);
  });

  it('are named where they can be neither', () => {
    removeTool('c++');
    removeTool('apt-get');
    tool('apk', '#!/bin/sh\nexit 1\n');
    const { code, said } = setup([], isRoot ? { uid: NOBODY } : {});
    expect(code).toBe(0);
    expect(said).toMatch(/this user may not install .*g\+\+.*cannot be built/);
  });

  it('of the tests are asked for once, and not again when they are not to be had', () => {
    const as = isRoot ? { uid: NOBODY } : {};
    expect(setup(['--test'], as).said).toContain('tcpreplay');
    expect(setup(['--test'], as)).toEqual({ code: 0, said: '', calls: [] });
  });

  it('of the tests are installed by root', needs('root'), () => {
    const { calls, said } = setup(['--test']);
    expect(calls).toContainEqual(expect.stringMatching(/^apt-get .*install -y .*tcpdump tcpreplay/));
    expect(said).toMatch(/^setup: packages: .*tcpdump tcpreplay.* \d+ s$/m);
  });

  it('are listed with what they are for', () => {
    const { stdout } = spawnSync(join(project, 'bin/setup'), ['--list'], { env: environment(), encoding: 'utf8' });
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining(['build c++ g++', 'test ip iproute2', 'cap has-pcap-h libpcap-dev']),
    );
  });
});

describe('a step that fails', () => {
  it('names its log, shows what it says of errors, and ends with the way out', () => {
    writeFileSync(join(project, 'npm-is-broken'), '');
    const { code, said, calls } = setup();
    expect(code).toBe(1);
    expect(calls).toEqual([INSTALL]);
    expect(said).toMatch(
      /^setup: npm packages failed after \d+ s \(1\); from build\/setup\/npm\.log:\nsetup: {3}npm error code E500$/m,
    );
    expect(lastLine(said)).toMatch(/^setup: npm could not install its packages: .*run bin\/setup again$/);
    expect(readFileSync(join(project, 'build/setup/npm.log'), 'utf8')).toContain('fetching packages');
  });

  it('of compiling names the packages that it takes', () => {
    removeTool('c++');
    removeTool('apt-get');
    tool('apk', '#!/bin/sh\nexit 1\n');
    writeFileSync(join(project, 'tools/node-gyp.js'), 'console.error("gyp ERR! no c++"); process.exit(1)');
    const { code, said } = setup([], isRoot ? { uid: NOBODY } : {});
    expect(code).toBe(1);
    expect(lastLine(said)).toMatch(/^setup: re2 has no prebuilt addon .* sudo apk add .*g\+\+.*, then bin\/setup$/);
  });

  it('leaves no process behind when it is interrupted', async () => {
    // npm starts what goes on for an hour, and says that it has.
    tool('npm', '#!/bin/sh\nsleep 3600 &\necho $! >"$CALLS.new"\nmv "$CALLS.new" "$CALLS"\nwait\n');
    symlinkSync('/bin/mv', join(project, 'tools/mv'));
    const started = new Promise<void>((resolve) => {
      const watcher = watch(project, (_event, name) => {
        if (name !== 'calls') return;
        watcher.close();
        resolve();
      });
    });
    const child = spawn(join(project, 'bin/setup'), { env: environment(), stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(child, 'close');
    await started;
    const sleeper = Number(readFileSync(join(project, 'calls'), 'utf8'));
    child.kill('SIGINT');
    expect((await ended)[0]).toBe(130);
    expect(isRunning(sleeper)).toBe(false);
    expect(existsSync(join(project, 'build/setup/lock'))).toBe(false);
  });
});

/** Whether there is such a process that is not only waiting to be reaped. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

it('says before anything is built that npm start will not be able to capture', () => {
  script('bin/demo', '#!/bin/sh\necho "demo: run it as root: …" >&2\nexit 1\n');
  expect(setup(['--start'])).toEqual({ code: 1, said: 'demo: run it as root: …\n', calls: [] });
  expect(setup().code).toBe(0);
});

it('refuses an option it does not have', () => {
  const { code, said } = setup(['--prod']);
  expect({ code, said }).toEqual({
    code: 2,
    said: 'setup: --prod is no option; there are --start, --test, --ci, --readme, --production and --list\n',
  });
});

describe('where Node.js is too old, the first line', () => {
  const NODESOURCE = 'curl -fsSL https://deb.nodesource.com/setup_22.x | sudo bash - && sudo apt-get install -y nodejs';
  const ARCHIVE =
    /^curl -fsSL https:\/\/nodejs\.org\/dist\/v22\.\d+\.\d+\/node-v22\S+-linux-x64\.tar\.gz \| tar -xz -C ~ && export PATH=~\/node-v22\S+\/bin:\$PATH$/;
  const table: [string, string, { uid: number; sudo: boolean; curl?: boolean }, string | RegExp][] = [
    ['debian 12', 'Debian GNU/Linux 12 (bookworm)', { uid: 1000, sudo: true }, NODESOURCE],
    ['debian 12', 'Debian GNU/Linux 12 (bookworm)', { uid: 0, sudo: false }, NODESOURCE.replaceAll('sudo ', '')],
    [
      'debian 12',
      'Debian GNU/Linux 12 (bookworm)',
      { uid: 1000, sudo: true, curl: false },
      `sudo apt-get update && sudo apt-get install -y curl ca-certificates && ${NODESOURCE}`,
    ],
    ['debian 12', 'Debian GNU/Linux 12 (bookworm)', { uid: 1000, sudo: false }, ARCHIVE],
    [
      'debian 13',
      'Debian GNU/Linux 13 (trixie)',
      { uid: 1000, sudo: true },
      'sudo apt-get update && sudo apt-get install -y nodejs npm',
    ],
    ['debian 13', 'Debian GNU/Linux 13 (trixie)', { uid: 1000, sudo: false }, ARCHIVE],
    ['ubuntu 24.04', 'Ubuntu 24.04 LTS', { uid: 1000, sudo: true }, NODESOURCE],
    ['ubuntu 24.04', 'Ubuntu 24.04 LTS', { uid: 1000, sudo: false }, ARCHIVE],
    ['ubuntu 26.04', 'Ubuntu 26.04 LTS', { uid: 0, sudo: false }, 'apt-get update && apt-get install -y nodejs npm'],
    ['alpine 3.22.1', 'Alpine Linux v3.22', { uid: 0, sudo: false }, 'apk add nodejs npm'],
    ['fedora 43', 'Fedora Linux 43', { uid: 1000, sudo: true }, 'sudo dnf install -y nodejs npm'],
    ['arch ', 'Arch Linux', { uid: 1000, sudo: true }, ARCHIVE],
  ];

  it.each(table)('says how to get it on %s (%s, %o)', (system, pretty, { uid, sudo, curl = true }, way) => {
    const [id, version] = system.split(' ');
    writeFileSync(join(project, 'os-release'), `ID=${id}\nVERSION_ID="${version}"\nPRETTY_NAME="${pretty}"\n`);
    const here = join(project, 'os-release');
    script('bin/setup', SETUP.replaceAll('/etc/os-release', here));
    removeTool('node');
    tool('node', '#!/bin/sh\n[ "$1" = --version ] && echo v18.20.4 && exit\nexit 1\n');
    tool('uname', '#!/bin/sh\necho x86_64\n');
    if (sudo) tool('sudo', '#!/bin/sh\nexit 1\n');
    if (curl) tool('curl', '#!/bin/sh\n');
    const { code, said, calls } = setup([], { env: { FAKE_UID: String(uid) } });
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
    const [, about, command = ''] =
      /^setup: (Node\.js 20\.19 or newer is needed, and is v18\.20\.4; on (?:.*?)): (.*)\n$/.exec(said) ?? [];
    expect(about).toContain(`on ${pretty}`);
    expect(command).toEqual(typeof way === 'string' ? way : expect.stringMatching(way));
  });

  it('says so where there is none at all, and where only npm is missing', () => {
    removeTool('npm');
    expect(setup().said).toMatch(/^setup: Node\.js 20\.19 or newer is needed, and is there without npm; /);
    removeTool('node');
    expect(setup().said).toMatch(/^setup: Node\.js 20\.19 or newer is needed, and is missing; /);
  });
});
