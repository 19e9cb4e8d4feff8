#!/usr/bin/env node
/**
 * Copies what the sensor needs to run, and nothing else, into a directory: the built program, the native addons, the
 * production packages without files that only serve to build or read them, and an SBOM (CycloneDX) of those packages.
 *
 * usage: node scripts/runtime-tree.js DIRECTORY                in: a built checkout with its node_modules
 *        node scripts/runtime-tree.js DIRECTORY --packets      with the clients that bin/pcapdaemon and its kin load
 *        node scripts/runtime-tree.js DIRECTORY --satellite    with what the satellite takes to keep traces and show its page
 *        node scripts/runtime-tree.js DIRECTORY --npm          with all of it, as a package that installs what it brings
 *   RE2_ADDON   re2's addon for another Node.js than this one, as scripts/addon-for makes it
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [target = 'runtime', ...flags] = process.argv.slice(2);
const out = resolve(target);
const isNpm = flags.includes('--npm');
const isSatellite = isNpm || flags.includes('--satellite');
const hasPackets = isNpm || flags.includes('--packets');

/** What bin/pcapdaemon loads when its configuration asks for it. */
const LOADED_BY_PACKETS = [
  '@aws-sdk/client-s3',
  '@aws-sdk/client-sqs',
  '@platformatic/kafka',
  '@redis/client',
  'smol-toml',
];

/** Listed as dependencies by packages that compile themselves on installation; nothing loads them afterwards. */
const BUILD_ONLY = new Set(['node-gyp', 'nan', 'node-addon-api', 'install-artifact-from-github', 'prebuild-install']);

/** Optional packages that options of the sensor load. */
const LOADED_BY_OPTIONS = [
  '@bufbuild/protobuf',
  '@opentelemetry/exporter-metrics-otlp-http',
  '@opentelemetry/sdk-metrics',
  'ws',
];

/** Optional packages that the satellite loads; the sensor's image has none of them. */
const LOADED_BY_SATELLITE = [
  '@clickhouse/client',
  '@modelcontextprotocol/sdk',
  '@photostructure/sqlite',
  '@platformatic/kafka',
  'htm',
  'uplot',
  'ws',
  'zod',
];

/** Optional packages that `ecs` loads on the machine of who installs the sensor; no image has them. */
const LOADED_BY_ECS = ['@aws-sdk/client-ec2', '@aws-sdk/client-ecs', '@inquirer/prompts'];

/** As Node.js calls it; an image for another machine says which by TARGETARCH, as Docker does. */
const arch = process.env.TARGETARCH?.replace('amd64', 'x64') ?? process.arch;

/** What runs in a browser, and addons for other systems. */
const isLeftOut = (path) =>
  path.endsWith('.map') ||
  (!isSatellite && /\/dist\/satellite\/page\/browser$/.test(path)) ||
  (/\/prebuilds\/[^/]+$/.test(path) && !path.endsWith(`/linux-${arch}`));

const SKIPPED_DIRECTORIES = new Set([
  'node_modules',
  'test',
  'tests',
  '__tests__',
  'docs',
  'example',
  'examples',
  'bench',
  'benchmark',
  'benchmarks',
  'vendor',
  'deps',
  'obj.target',
  '.deps',
  '.github',
]);
const SKIPPED_FILES =
  /\.(map|md|markdown|ts|mts|cts|flow|a|o|d|gyp|gypi|cc|h|hpp|cpp|c)$|^(Makefile|\.npmignore|\.gitignore|\.eslintrc.*|\.editorconfig)$/;

const manifestOf = (directory) => JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));

/** Directories of all packages that `directory` needs at run time, by Node's own look-up rule. */
function runtimePackages(directory, found = new Map()) {
  const flavour = [
    ...(isSatellite ? LOADED_BY_SATELLITE : []),
    ...(hasPackets ? LOADED_BY_PACKETS : []),
    ...(isNpm ? LOADED_BY_ECS : []),
  ];
  const more = directory === root ? [...LOADED_BY_OPTIONS, ...flavour] : [];
  for (const name of [...Object.keys(manifestOf(directory).dependencies ?? {}), ...more]) {
    if (BUILD_ONLY.has(name)) {
      continue;
    }
    const place = lookUp(directory, name);
    if (place === undefined) {
      throw new Error(`${name}, needed by ${relative(root, directory) || 'the sensor'}, is not installed: npm ci`);
    }
    if (!found.has(place)) {
      found.set(place, manifestOf(place));
      runtimePackages(place, found);
    }
  }
  return found;
}

function lookUp(from, name) {
  for (let at = from; at.startsWith(root); at = dirname(at)) {
    const place = join(at, 'node_modules', name);
    if (existsSync(join(place, 'package.json'))) {
      return realpathSync(place);
    }
  }
  return undefined;
}

/** Whether a package's build for bundlers (`build/esm`, `build/esnext`) can be reached from Node. */
function bundlerBuilds(manifest) {
  const entry = JSON.stringify(manifest.exports ?? '');
  return ['build/esm', 'build/esnext'].filter((path) => !entry.includes(path));
}

function copyPackage(place, manifest) {
  const unreached = manifest.name.startsWith('@opentelemetry/') ? bundlerBuilds(manifest) : [];
  cpSync(place, join(out, relative(root, place)), {
    recursive: true,
    dereference: true,
    filter: (source) => {
      const path = relative(place, source);
      if (path === '') {
        return true;
      }
      if (unreached.includes(path.split(sep).join('/'))) {
        return false;
      }
      if (isLeftOut(source)) {
        return false;
      }
      const name = basename(source);
      const parent = path.includes(sep) ? undefined : name;
      return (
        !(parent !== undefined && SKIPPED_DIRECTORIES.has(parent)) &&
        !/obj\.target|\.deps$/.test(name) &&
        !SKIPPED_FILES.test(name)
      );
    },
  });
}

/**
 * npm's SBOM of the lock file, reduced to the packages copied. (With --omit, npm leaves out production packages that
 * are also a peer of something omitted.)
 */
function writeSbom(packages) {
  const sbom = JSON.parse(
    execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 << 20,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  const copied = new Set([...packages.values()].map(({ name, version }) => `${name}@${version}`));
  const nameOf = ({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`;
  sbom.components = sbom.components.filter((component) => copied.has(nameOf(component)));
  const kept = new Set([
    sbom.metadata.component['bom-ref'],
    ...sbom.components.map((component) => component['bom-ref']),
  ]);
  sbom.dependencies = sbom.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => kept.has(one)) }));
  if (sbom.components.length !== copied.size) {
    throw new Error(
      `the SBOM lists ${sbom.components.length} of ${copied.size} packages: is package-lock.json current?`,
    );
  }
  writeFileSync(join(out, 'sbom.cdx.json'), `${JSON.stringify(sbom, null, 2)}\n`);
}

/**
 * Lets npm take the packages beside the program as part of it, fetch no other, and run no script of any: what they compile is there.
 * https://docs.npmjs.com/cli/configuring-npm/package-json#bundledependencies
 */
function bundle() {
  const bundled = new Set([...packages.values()].map(({ name }) => name));
  const onlyBundled = (named = {}) => Object.fromEntries(Object.entries(named).filter(([name]) => bundled.has(name)));
  for (const place of packages.keys()) {
    const directory = join(out, relative(root, place));
    // What `files` names was published; npm would leave out what has been compiled since.
    const { scripts: _scripts, files: _files, ...manifest } = manifestOf(directory);
    manifest.gypfile = false;
    for (const kind of ['dependencies', 'optionalDependencies', 'peerDependencies']) {
      manifest[kind] = onlyBundled(manifest[kind]);
    }
    writeFileSync(join(directory, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  }
  const own = manifestOf(root);
  const dependencies = onlyBundled({ ...own.dependencies, ...own.optionalDependencies });
  const { name, version, description, license, type, engines, bin } = own;
  const manifest = {
    name,
    version,
    description,
    license,
    type,
    engines,
    bin,
    os: ['linux'],
    cpu: [arch],
    libc: ['glibc'],
  };
  writeFileSync(
    join(out, 'package.json'),
    `${JSON.stringify({ ...manifest, dependencies, bundleDependencies: Object.keys(dependencies) }, null, 2)}\n`,
  );
}

const packages = runtimePackages(root);
mkdirSync(out, { recursive: true });
for (const [place, manifest] of packages) {
  copyPackage(place, manifest);
}
const documents = ['README.md', 'docs', 'kubernetes', 'packaging', 'task-definitions', 'terraform'];
for (const name of [
  ...(isNpm ? documents : []),
  'package.json',
  'LICENSE',
  'levo_pcap_sensor.sh',
  'bin/init',
  'bin/pcap-sensor',
  'bin/packetstreamer',
  'bin/pcapdaemon',
  'dist',
]) {
  if (existsSync(join(root, name))) {
    cpSync(join(root, name), join(out, name), { recursive: true, filter: (source) => !isLeftOut(source) });
  }
}
// The addon was built here, or before for this architecture; one is enough.
const addons = ['native/build/Release', `native/prebuilds/linux-${process.arch}`];
for (const directory of addons.filter((place) => existsSync(join(root, place))).slice(0, 1)) {
  for (const name of existsSync(join(root, directory)) ? readdirSync(join(root, directory), { recursive: true }) : []) {
    if (name.endsWith('.node') && !name.includes('obj.target')) {
      mkdirSync(dirname(join(out, directory, name)), { recursive: true });
      cpSync(join(root, directory, name), join(out, directory, name));
    }
  }
}
if (process.env.RE2_ADDON) {
  cpSync(process.env.RE2_ADDON, join(out, 'node_modules/re2/build/Release/re2.node'));
}
if (isNpm) {
  bundle();
}
writeSbom(packages);
process.stdout.write(`${packages.size} packages in ${out}\n`);
