/**
 * The deb and the rpm of scripts/package: installed, run, upgraded, removed and purged in a Debian that has neither Node.js nor a
 * compiler, and what systemd and rpm say of them.
 *
 * PCAP_SENSOR_PACKAGES names a directory with the packages of this version and of a later one, as .ci/full makes it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CONFIG_KEYS, configFile } from '../../src/options/config-file.js';
import { resolveSensorSettings } from '../../src/options/settings.js';
import { needs } from '../support/needs.js';
import { startScriptedSatellite } from '../support/relay.js';

describe('the configuration file', () => {
  it('says nothing as it is, and every key of it can be set', () => {
    expect(parse(configFile())).toBeNull();
    const uncommented = configFile().replaceAll(/^#(?=[a-z-]+: )/gm, '');
    expect(Object.keys(parse(uncommented))).toEqual(CONFIG_KEYS.map(([name]) => name));
    const folder = mkdtempSync(join(tmpdir(), 'config-'));
    const path = join(folder, 'config.yaml');
    writeFileSync(path, uncommented.replace('satellite-url: ""', 'satellite-url: http://collector.levo.ai'));
    const settings = resolveSensorSettings({ config: [path] }, {});
    rmSync(folder, { recursive: true });
    const plain = resolveSensorSettings({ 'satellite-url': ['http://collector.levo.ai'] }, {});
    expect({ ...settings, config: null }).toEqual(plain);
  });
});

const directory = process.env.PCAP_SENSOR_PACKAGES ?? '';
const packages = existsSync(directory) ? readdirSync(directory).sort() : [];
const needed = needs('namespaces', 'setpriv', 'debootstrap', { PCAP_SENSOR_PACKAGES: packages.length > 0 });
const UNIT = '/usr/lib/systemd/system/levo-pcap-sensor.service';
const CONFIG = '/etc/levo/config/pcap-sensor/config.yaml';
const NAME = 'levo-pcap-sensor';

function run(command: string, ...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}

describe('in a bare Debian', needed, () => {
  const [deb = '', laterDeb = ''] = packages
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(directory, name));
  const [rpm = '', laterRpm = ''] = packages
    .filter((name) => name.endsWith('.rpm'))
    .map((name) => join(directory, name));
  let root: string;
  const inside = (path: string) => join(root, path);
  const chroot = (...words: string[]) => run('chroot', root, ...words);
  const dpkg = (...words: string[]) => chroot('env', 'DEBIAN_FRONTEND=noninteractive', 'dpkg', ...words);

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'packages-'));
    const cache = join(import.meta.dirname, '../../build/debian-root.tar');
    if (!existsSync(cache)) {
      const mirror = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org/debian';
      const include = '--include=ca-certificates,libpcap0.8,libstdc++6,passwd,systemd';
      run('debootstrap', '--variant=minbase', include, 'bookworm', root, mirror);
      run('tar', '--create', '--file', cache, '--directory', root, '.');
    } else run('tar', '--extract', '--file', cache, '--directory', root);
    // The sensor's user goes in.
    chmodSync(root, 0o755);
    for (const file of [deb, laterDeb, rpm, laterRpm]) run('cp', file, inside(`/tmp/${file.split('/').at(-1)}`));
    run('mount', '--bind', '/dev', inside('/dev'));
    run('mount', '-t', 'proc', 'proc', inside('/proc'));
  }, 600_000);
  afterAll(() => {
    for (const mounted of ['/dev', '/proc']) spawnSync('umount', [inside(mounted)]);
    rmSync(root, { recursive: true, force: true });
  });

  it('installs without Node.js and a compiler', () => {
    for (const absent of ['node', 'cc', 'gcc', 'make', 'python3'])
      expect(spawnSync('chroot', [root, 'sh', '-c', `command -v ${absent}`]).status).not.toBe(0);
    expect(dpkg('--install', `/tmp/${deb.split('/').at(-1)}`)).toContain('set satellite-url in');
    expect(chroot('levo-pcap-sensor', '--version')).toMatch(/^pcap-sensor 0\.\d+\.\d+ .*24\./s);
    expect(readFileSync(inside(CONFIG), 'utf8')).toBe(configFile());
    expect(statSync(inside(CONFIG)).mode & 0o777).toBe(0o640);
    expect(chroot('stat', '--format', '%U %G', CONFIG).trim()).toBe(`root ${NAME}`);
    expect(chroot('getent', 'passwd', NAME)).toContain(':/usr/sbin/nologin');
    expect(chroot('systemctl', 'is-enabled', NAME).trim()).toBe('enabled');
  });

  it('has a unit that systemd takes, and finds little exposed in', () => {
    const { status, stderr } = spawnSync('systemd-analyze', ['--man=no', 'verify', `--root=${root}`, UNIT], {
      encoding: 'utf8',
    });
    expect({ status, stderr: stderr.split('\n').filter((line) => line.includes(NAME)) }).toEqual({
      status: 0,
      stderr: [],
    });
    // SIGHUP ends one that is just starting, which would be a clean end to Restart=on-failure.
    expect(readFileSync(inside(UNIT), 'utf8')).toMatch(/^RestartForceExitStatus=SIGHUP$/m);
    const said = run('systemd-analyze', 'security', '--offline=true', `--root=${root}`, `${NAME}.service`);
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
    expect(exposure).toBeLessThan(2.5);
  });

  it('captures as its user with CAP_NET_RAW and nothing else', async () => {
    const satellite = await startScriptedSatellite();
    const server = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const settings = `satellite-url: ${satellite.url}\ntrace-export-interval: 0.1\ninterfaces: [lo]\nfilter: port ${port}\n`;
    writeFileSync(inside(CONFIG), `${configFile()}${settings}`);
    const rights = [
      '--inh-caps=-all,+net_raw',
      '--ambient-caps=-all,+net_raw',
      '--bounding-set=-all,+net_raw',
      '--no-new-privs',
    ];
    const user = [
      `--reuid=${chroot('id', '-u', NAME).trim()}`,
      `--regid=${chroot('id', '-g', NAME).trim()}`,
      '--clear-groups',
    ];
    const child = spawn('chroot', [
      root,
      'setpriv',
      ...user,
      ...rights,
      '/usr/bin/levo-pcap-sensor',
      'apidump',
      '--config',
      CONFIG,
    ]);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    try {
      await expect.poll(() => said, { timeout: 60_000 }).toContain('capturing on');
      await (await fetch(`http://127.0.0.1:${port}/wanted`)).text();
      await expect
        .poll(() => satellite.requests.some(({ body }) => body.includes('/wanted')), { timeout: 60_000 })
        .toBe(true);
      writeFileSync(inside(CONFIG), `${configFile()}${settings}rate-limit: 7\n`);
      child.kill('SIGHUP');
      await expect.poll(() => said, { timeout: 60_000 }).toContain('--rate-limit was 1000 and is 7');
    } finally {
      child.kill('SIGTERM');
    }
    expect(await once(child, 'close')).toEqual([0, null]);
    server.close();
    await satellite.close();
  });

  it('keeps the configuration in an upgrade and when it is removed, and leaves nothing behind a purge', () => {
    const own = 'satellite-url: http://satellite.example:9999\n';
    writeFileSync(inside(CONFIG), own);
    dpkg('--force-confdef', '--force-confold', '--install', `/tmp/${laterDeb.split('/').at(-1)}`);
    expect(readFileSync(inside(CONFIG), 'utf8')).toBe(own);
    expect(chroot('dpkg-query', '--show', `--showformat=$\{Version}`, NAME)).not.toContain('0.1.0');
    expect(chroot('systemctl', 'is-enabled', NAME).trim()).toBe('enabled');
    dpkg('--remove', NAME);
    expect(readFileSync(inside(CONFIG), 'utf8')).toBe(own);
    expect(
      [UNIT, '/usr/bin/levo-pcap-sensor', '/usr/lib/levo-pcap-sensor'].filter((path) => existsSync(inside(path))),
    ).toEqual([]);
    expect(existsSync(inside('/etc/systemd/system/multi-user.target.wants/levo-pcap-sensor.service'))).toBe(false);
    // What a removal left is no upgrade: it starts again, unless somebody had decided that it does not.
    dpkg('--install', `/tmp/${laterDeb.split('/').at(-1)}`);
    expect(readFileSync(inside(CONFIG), 'utf8')).toBe(own);
    expect(chroot('systemctl', 'is-enabled', NAME).trim()).toBe('enabled');
    chroot('systemctl', 'disable', NAME);
    dpkg('--remove', NAME);
    dpkg('--install', `/tmp/${laterDeb.split('/').at(-1)}`);
    expect(spawnSync('chroot', [root, 'systemctl', 'is-enabled', NAME], { encoding: 'utf8' }).stdout.trim()).toBe(
      'disabled',
    );
    dpkg('--remove', NAME);
    dpkg('--purge', NAME);
    expect(existsSync(inside('/etc/levo'))).toBe(false);
    expect(existsSync(inside('/var/lib/levo-pcap-sensor'))).toBe(false);
    expect(spawnSync('chroot', [root, 'getent', 'passwd', NAME]).status).not.toBe(0);
  });

  it('is the same as an rpm', () => {
    const query = (...words: string[]) => run('rpm', '--query', '--package', ...words, rpm);
    expect(query('--queryformat', '%{NAME} %{LICENSE}')).toBe(`${NAME} Apache-2.0`);
    expect(query('--configfiles').trim()).toBe(CONFIG);
    expect(query('--requires')).toMatch(/^libpcap$/m);
    const files = query('--list').split('\n');
    for (const file of [UNIT, CONFIG, '/usr/bin/levo-pcap-sensor', '/usr/lib/levo-pcap-sensor/node'])
      expect(files).toContain(file);
    const scripts = query('--scripts');
    for (const name of ['postinstall', 'preuninstall', 'postuninstall']) expect(scripts).toContain(`${name} scriptlet`);

    const rpmIn = (...words: string[]) => run('rpm', '--root', root, '--dbpath', '/var/lib/rpm', '--nodeps', ...words);
    rpmIn('--install', rpm);
    expect(chroot('levo-pcap-sensor', '--version')).toContain('pcap-sensor');
    expect(chroot('stat', '--format', '%U %G %a', CONFIG).trim()).toBe(`root ${NAME} 640`);
    const own = 'satellite-url: http://satellite.example:9999\n';
    writeFileSync(inside(CONFIG), own);
    rpmIn('--upgrade', laterRpm);
    expect(readFileSync(inside(CONFIG), 'utf8')).toBe(own);
    expect(chroot('systemctl', 'is-enabled', NAME).trim()).toBe('enabled');
    rpmIn('--erase', NAME);
    expect(existsSync(inside('/usr/bin/levo-pcap-sensor'))).toBe(false);
    expect(readFileSync(inside(`${CONFIG}.rpmsave`), 'utf8')).toBe(own);
  });
});
