/**
 * What `bin/setup` does once there is a Node.js that will do: looks at what is missing, and makes that in steps, side by
 * side where they do not wait for each other.
 *
 *   in:  mode, list of system packages · out: node_modules, native addons, dist/ · exit code 0, or 1 with the way out
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createPackages } from './packages.js';
import { createSteps, succeeds } from './steps.js';
import { takeTurns } from './turns.js';

const [mode = 'development', list = ''] = process.argv.slice(2);
const root = join(import.meta.dirname, '../..');
const at = (...path) => join(root, ...path);

/** Groups of the list that each mode wants beside what building and running take. */
const EXTRA_GROUPS = { test: ['test'], ci: ['test', 'ci'], readme: ['test', 'ci', 'readme'] };
/** No more than this is waited for a prebuilt addon: compiling is sure to end. */
const PREBUILT_SECONDS = 30;

const RE2 = at('node_modules/re2/build/Release/re2.node');
const CAP = at('node_modules/cap/build/Release/cap.node');
/** That building `cap` was tried: it is optional and not to be tried each time. */
const CAP_TRIED = at('node_modules/cap/.setup-tried');
const RING_STAMP = at('native/build/.setup-stamp');
const BUILD_STAMP = at('dist/.setup-stamp');
const NPM_NOTE = at('node_modules/.setup-note');
/** Packages of the tests that could not be had; they are not tried again unless other ones are missing. */
const TRIED = at('build/setup/could-not-install');

const unpacked = at('build/packages');
if (existsSync(unpacked)) useUnpacked();

/** What the npm packages are for. Its second word is what the program compares with the Node.js that runs it. */
const npmState = [
  mode === 'production' ? 'production' : 'development',
  `${process.versions.modules}-${process.arch}`,
  process.version,
  createHash('sha256')
    .update(readFileSync(at('package.json')))
    .update(readFileSync(at('package-lock.json')))
    .digest('hex'),
].join(' ');

/** Without the version: another one of the same ABI runs what was built for this. */
function withoutVersion(state) {
  return state.split(' ').toSpliced(2, 1).join(' ');
}

const packages = createPackages(list, unpacked);
/** What is missing now. */
function look() {
  const npm = !existsSync(NPM_NOTE) || withoutVersion(readFileSync(NPM_NOTE, 'utf8')) !== withoutVersion(npmState);
  const extra = packages.missing(...(EXTRA_GROUPS[mode] ?? []));
  return {
    npm,
    re2: npm || !existsSync(RE2),
    cap: mode !== 'start' && (npm || !(existsSync(CAP) || existsSync(CAP_TRIED))),
    ring:
      !hasPrebuiltRing() && isStale(RING_STAMP, 'native/binding.gyp', 'native/ring.c', 'native/raw.c', 'native/raw.h'),
    build: isStale(BUILD_STAMP, 'src', 'tsconfig.json', 'tsconfig.build.json', 'package.json'),
    run: packages.missing('run').length > 0,
    extra: existsSync(TRIED) && readFileSync(TRIED, 'utf8') === extra.join(' ') ? [] : extra,
  };
}

function isAnythingToDo({ extra, ...parts }) {
  return extra.length > 0 || Object.values(parts).includes(true);
}

async function setUp() {
  if (mode === 'start') {
    // Said before a minute is spent on what could not be shown.
    const { status } = spawnSync(at('bin/demo'), ['--rights'], { stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) return 1;
  }
  const steps = createSteps(root);
  const release = await takeTurns(at('build/setup/lock'), steps.say);
  for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
    process.once(signal, async () => {
      await steps.stop();
      release();
      process.exit(code);
    });
  }
  try {
    return await makeWhatIsMissing(steps, look());
  } finally {
    await steps.stop();
    release();
  }
}

async function makeWhatIsMissing(steps, todo) {
  const began = Date.now();
  if (todo.re2)
    steps.say('the first time: two minutes where everything is compiled, less where prebuilt addons are to be had');
  if (mode === 'test' && process.getuid() !== 0) steps.say('tests that take root are skipped, and counted at the end');
  const system = createInstaller(steps);
  // Where compiling is certain, the compiler is fetched while npm is busy.
  const first = todo.ring ? system.need('build', 'run', ...(todo.cap ? ['cap'] : [])) : system.need('run');
  const extra = todo.extra.length === 0 ? true : first.then(() => installExtra(steps, system, todo.extra));

  if (todo.npm && !(await installNpmPackages(steps))) {
    await first;
    steps.say('npm could not install its packages: see that `npm ping` succeeds, and run bin/setup again');
    return 1;
  }
  if (mode !== 'production') writeFileSync(NPM_NOTE, npmState);
  const build = todo.build ? buildProgram(steps) : true;
  if (todo.re2 && !(await fetchRe2(steps))) {
    await system.need('build');
    if (!(await compileRe2(steps))) {
      const missing = packages.missing('build');
      const wayOut = missing.length === 0 ? 'mend what build/setup/re2.log says' : packages.advice(missing);
      steps.say(
        `re2 has no prebuilt addon for Node.js ${process.version} here and was not compiled: ${wayOut}, then bin/setup`,
      );
      return 1;
    }
  }
  await first;
  const hasRing = !todo.ring || (await buildRing(steps));
  if (!hasRing)
    steps.say('the capture ring could not be built; live capture falls back to libpcap, files are read as ever');
  if (todo.cap || !hasRing) await compileCap(steps, system);
  await extra;
  if (!(await build)) {
    steps.say('the program could not be built: mend what is said above, and run bin/setup again');
    return 1;
  }
  if (mode === 'production') {
    spawnSync('npm', ['prune', '--omit=dev', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
    writeFileSync(NPM_NOTE, npmState);
  }
  if (todo.re2) steps.say(`ready after ${Math.round((Date.now() - began) / 1000)} s`);
  return 0;
}

/** Installs system packages of building and running when they are needed, one set after the other. */
function createInstaller(steps) {
  let asRoot;
  const rights = () => {
    asRoot ??= { words: packages.rights(steps.clearForQuestion) };
    return asRoot.words;
  };
  async function install(groups) {
    const names = packages.missing(...groups);
    // Debian's own node comes without its headers; every other brings them.
    if (groups.includes('build') && !headersOfNode() && succeeds('dpkg', '-S', process.execPath))
      names.push('libnode-dev');
    if (names.length === 0) return;
    const log = 'system-packages';
    if (rights() !== null) {
      await steps.run({ ...packages.installation(rights(), names), log, name: `packages: ${names.join(' ')}` });
    } else if (packages.canUnpack) {
      const command = [at('scripts/unpack-packages'), unpacked, ...names];
      const name = `packages, unpacked in build/: ${names.join(' ')}`;
      if (await steps.run({ command, log, name })) useUnpacked();
    } else {
      steps.say(`this user may not install ${names.join(' ')}; what has no prebuilt addon cannot be built`);
    }
  }
  let last = Promise.resolve();
  return {
    rights,
    /** Resolves when what can be had of these groups is there. */
    need: (...groups) => {
      last = last.then(() => install(groups));
      return last;
    },
  };
}

function useUnpacked() {
  process.env.PATH = addPath(process.env.PATH, join(unpacked, 'bin'));
  process.env.LD_LIBRARY_PATH = addPath(process.env.LD_LIBRARY_PATH, join(unpacked, 'lib'));
}

function isStale(stamp, ...sources) {
  return !existsSync(stamp) || newest(sources) > statSync(stamp).mtimeMs;
}

function addPath(paths = '', path) {
  return [...paths.split(':').filter((one) => one !== '' && one !== path), path].join(':');
}

function installNpmPackages(steps) {
  // Scripts of packages would compile re2 before a compiler is there, and say 90 lines about it.
  const command =
    'npm ci --include=dev --include=optional --ignore-scripts --loglevel=error --no-update-notifier'.split(' ');
  return steps.run({ command, log: 'npm', name: 'npm packages' });
}

async function buildProgram(steps) {
  rmSync(at('dist'), { recursive: true, force: true });
  const done = await steps.run({ command: ['npm', 'run', '--silent', 'build'], log: 'build', name: 'the program' });
  if (done) writeFileSync(BUILD_STAMP, '');
  return done;
}

async function buildRing(steps) {
  const command = ['npm', 'run', '--silent', 'build:native'];
  const done = await steps.run({ command, log: 'ring', name: 'the capture ring', env: headersForGyp() });
  if (done) {
    mkdirSync(dirname(RING_STAMP), { recursive: true });
    writeFileSync(RING_STAMP, '');
  }
  return done;
}

/** re2's own installer, without its way of compiling where there is nothing to download: that would go through npm. */
async function fetchRe2(steps) {
  const install = JSON.parse(readFileSync(at('node_modules/re2/package.json'), 'utf8')).scripts.install;
  const [, options = ''] = /install-from-cache (.*?) \|\|/.exec(install) ?? [];
  const installer = at('node_modules/.bin/install-from-cache');
  const command = ['timeout', String(PREBUILT_SECONDS), process.execPath, installer, ...options.split(' ')];
  const cwd = at('node_modules/re2');
  // It compiles by npm_execpath, and would verify by it too unless the platform is given. It compares a digest anyway.
  const env = { npm_package_json: 'package.json', npm_execpath: 'false', npm_config_platform_arch: process.arch };
  const step = { command, log: 're2-prebuilt', name: 're2, prebuilt', env, cwd, isOptional: true };
  return (await steps.run(step)) && succeeds(process.execPath, '-e', `require(${JSON.stringify(cwd)})`);
}

/** Its own flags are `-O3 -g`; symbols that nobody reads are a third of the time a new machine waits, `-O3` an eighth. */
function compileRe2(steps) {
  return steps.run({
    command: gyp(),
    log: 're2',
    name: 're2, compiled',
    cwd: at('node_modules/re2'),
    env: { ...headersForGyp(), CXXFLAGS: `-g0 -O2 ${process.env.CXXFLAGS ?? ''}` },
  });
}

/** The fallback for capture. Its package is optional, and so is this. */
async function compileCap(steps, system) {
  const cwd = at('node_modules/cap');
  if (!existsSync(cwd)) return;
  await system.need('build', 'cap');
  if (packages.missing('build', 'cap').length === 0) {
    await steps.run({ command: gyp(), log: 'cap', name: 'cap, the fallback for capture', cwd, env: headersForGyp() });
  }
  writeFileSync(CAP_TRIED, '');
}

async function installExtra(steps, system, names) {
  const asRoot = system.rights();
  const log = 'test-packages';
  if (asRoot === null) {
    steps.say(`this user may not install ${names.join(' ')}; the tests that take them are skipped`);
  } else {
    const all = await steps.run({
      ...packages.installation(asRoot, names),
      log,
      name: `packages: ${names.join(' ')}`,
    });
    // One that is not to be had is not to keep the others away.
    for (const name of all ? [] : packages.missing(...EXTRA_GROUPS[mode])) {
      await steps.run({ ...packages.installation(asRoot, [name]), log, name });
    }
  }
  mkdirSync(dirname(TRIED), { recursive: true });
  writeFileSync(TRIED, packages.missing(...EXTRA_GROUPS[mode]).join(' '));
}

// --- What there is --------------------------------------------------------------------------------------------------

function hasPrebuiltRing() {
  return existsSync(at('native/prebuilds', `linux-${process.arch}`)) && !existsSync(at('native/build'));
}

function gyp() {
  return [process.execPath, at('node_modules/node-gyp/bin/node-gyp.js'), 'rebuild', '--jobs', 'max'];
}

/** Headers that came with this Node.js, so that native packages are built without a download. */
function headersOfNode() {
  const prefix = dirname(dirname(process.execPath));
  return [process.env.npm_config_nodedir ?? '', prefix, '/usr', '/usr/local'].find((candidate) => {
    const header = join(candidate, 'include/node/node_version.h');
    if (candidate === '' || !existsSync(header)) return false;
    const major = /^#define NODE_MAJOR_VERSION (\d+)/m.exec(readFileSync(header, 'utf8'))?.[1];
    return major === process.versions.node.split('.')[0];
  });
}

function headersForGyp() {
  const found = headersOfNode();
  return found === undefined ? {} : { npm_config_nodedir: found };
}

/** When the last of these files, or of the files in these directories, was changed. */
function newest(paths) {
  const times = paths.flatMap((path) => {
    if (!existsSync(at(path))) return [];
    const inside = statSync(at(path)).isDirectory() ? readdirSync(at(path), { recursive: true }) : [];
    return [path, ...inside.map((name) => join(path, name))].map((name) => statSync(at(name)).mtimeMs);
  });
  return Math.max(0, ...times);
}

if (isAnythingToDo(look())) process.exitCode = await setUp();
