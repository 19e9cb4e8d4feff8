/**
 * The package of scripts/npm-tarball: installed by npm with no registry, no compiler and no script, and run.
 *
 * PCAP_SENSOR_PACKAGES names a directory that has it, as .ci/full makes it.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { captureFile, conversation } from '../support/capture-file.js';
import { needs } from '../support/needs.js';

const directory = process.env.PCAP_SENSOR_PACKAGES ?? '';
const tarball = (existsSync(directory) ? readdirSync(directory) : []).find((name) => name.endsWith('.tgz')) ?? '';
const needed = needs({ PCAP_SENSOR_PACKAGES: tarball !== '' });
/** Releases of Node.js that were brought for the package. */
const releases = existsSync('build/node') ? readdirSync('build/node').map((name) => `build/node/${name}/bin/node`) : [];

describe('the package for npm', needed, () => {
  const folder = mkdtempSync(join(tmpdir(), 'npm-'));
  const prefix = join(folder, 'prefix');
  const command = join(prefix, 'bin/pcap-sensor');
  /** The programs there are: no compiler, no make, no Python. */
  const path = join(folder, 'bin');

  function run(file: string, ...words: string[]) {
    const env = { PATH: path, HOME: folder, npm_config_registry: 'http://127.0.0.1:9/', npm_config_prefix: prefix };
    return spawnSync(file, words, { encoding: 'utf8', env, cwd: folder, maxBuffer: 64 << 20 });
  }

  beforeAll(() => {
    mkdirSync(path);
    mkdirSync(prefix);
    for (const name of ['sh', 'env', 'dirname', 'readlink', 'uname', 'cat', 'sed', 'basename', 'id']) {
      const { stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
      symlinkSync(stdout.trim(), join(path, name));
    }
    symlinkSync(process.execPath, join(path, 'node'));
    const npm = join(dirname(process.execPath), 'npm');
    const { status, stderr } = run(process.execPath, npm, 'install', '--global', join(directory, tarball));
    expect(stderr).not.toMatch(/npm (error|ERR)/);
    expect(status).toBe(0);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reads a capture file, with patterns', () => {
    const packets = conversation([
      ['client', 'GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n'],
      ['server', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ]);
    writeFileSync(join(folder, 'one.pcap'), captureFile(packets));
    const words = ['apidump', '--read', 'one.pcap', '--output', 'ndjson', '--host-allow', '^a[.]'];
    const { stdout, stderr, status } = run(command, ...words);
    expect(stderr).not.toMatch(/rror/);
    expect(JSON.parse(stdout.split('\n')[0] ?? '').request.method).toBe('GET');
    expect(status).toBe(0);
  });

  it('brings what the satellite, the other programs and their outputs load', () => {
    const place = join(prefix, 'lib/node_modules/pcap-sensor');
    const { dependencies } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
    for (const name of Object.keys(dependencies))
      expect(existsSync(join(place, 'node_modules', name)), name).toBe(true);
    for (const name of ['pcapdaemon', 'packetstreamer']) {
      expect(run(join(prefix, 'bin', name), '--help').stdout).toContain(name);
    }
  });

  it.each(releases)('has an RE2 for %s', (node) => {
    const script = `require(${JSON.stringify(join(prefix, 'lib/node_modules/pcap-sensor/node_modules/re2'))})('a').test('a')`;
    expect(spawnSync(node, ['-p', script], { encoding: 'utf8' })).toMatchObject({ stdout: 'true\n', status: 0 });
  });
});
