/**
 * The variables of osSensor through the entry point of the image: each with a right, a wrong and a missing value.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { OSSENSOR_VARIABLES } from '../../src/options/ossensor.js';
import { runCommand, startCommand } from '../support/command.js';
import { networkName, run } from '../support/namespace.js';
import { needs } from '../support/needs.js';
import { startScriptedSatellite } from '../support/relay.js';

const INIT = join(import.meta.dirname, '../../bin/init');
const folder = mkdtempSync(join(tmpdir(), 'ossensor-'));
afterAll(() => rmSync(folder, { recursive: true }));

const KEY = 'js84ld9vm3hff';
const CONFIG = join(folder, 'ossensor.cfg');
const REQUIRED = { VSENSOR_HOSTNAME: '127.0.0.1', VSENSOR_HMAC_KEY: KEY };

/** A wrong value of each, and what the line says. */
const WRONG: Readonly<Record<string, readonly [value: string, says: string]>> = {
  VSENSOR_HOSTNAME: ['10.0.0.1:443', 'holds a colon'],
  VSENSOR_PORT: ['https', 'is not a number; give a port such as 443'],
  VSENSOR_HMAC_KEY: ['two words', 'holds spaces'],
  OSSENSOR_NETWORK_DEVICE: ['nope0', 'is no interface of this machine; there are'],
  NETWORK_DEVICE_INCLUDELIST: ['^eth (', 'is not an RE2 pattern'],
  NETWORK_DEVICE_EXCLUDELIST: ['[', 'is not an RE2 pattern'],
  NETWORK_DEVICE_ANY: ['perhaps', 'is neither true nor false'],
  INTERFACE_WAIT_SECS: ['soon', 'is not a number'],
  INTERFACE_WAIT_ATTEMPTS: ['0', 'is out of range 1 to 1000'],
  BPF: ['port 80) or (port 81', 'has unbalanced parentheses'],
  OSSENSOR_DEBUG: ['6', 'is out of range 0 to 5'],
  OSSENSOR_CONFIG_PATH: ['/', 'cannot be read'],
  ANTIGENA_ENABLED: ['maybe', 'is neither true nor false'],
  ANTIGENA_TIME_PERIOD: ['0', 'is out of range'],
};

it('has a wrong value for every variable but the one that does nothing', () => {
  expect(Object.keys(WRONG).sort()).toEqual(
    Object.keys(OSSENSOR_VARIABLES)
      .filter((name) => name !== 'OSSENSOR_LOGFILE_PATH')
      .sort(),
  );
});

it.each(Object.entries(WRONG))('%s wrong ends with one clear line', async (name, [value, says]) => {
  const { code, stdout, stderr } = await runCommand([], { command: INIT, env: { ...REQUIRED, [name]: value } });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(`^pcap-sensor: ${name} `)]);
  expect(stderr).toContain(says);
  if (name === 'VSENSOR_HMAC_KEY') expect(stderr).not.toContain(value);
});

it.each(['VSENSOR_HOSTNAME', 'VSENSOR_HMAC_KEY'])('%s missing or empty ends with one clear line', async (name) => {
  const { [name as keyof typeof REQUIRED]: _, ...others } = REQUIRED;
  for (const [environment, is] of [
    [others, 'not set'],
    [{ ...others, [name]: '' }, 'empty'],
  ] as const) {
    const { code, stderr } = await runCommand([], { command: INIT, env: environment });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(`^pcap-sensor: ${name} is required, and is ${is}; .*\n$`),
    });
  }
});

it('a slip in a name, and no interface left, end with one clear line', async () => {
  const slip = await runCommand([], { command: INIT, env: { ...REQUIRED, NETWORK_DEVICE_EXCLUDLIST: 'x' } });
  expect(slip).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean NETWORK_DEVICE_EXCLUDELIST?') });
  const none = await runCommand([], {
    command: INIT,
    env: { ...REQUIRED, NETWORK_DEVICE_EXCLUDELIST: '.', INTERFACE_WAIT_SECS: '0', INTERFACE_WAIT_ATTEMPTS: '2' },
  });
  expect(none.code).toBe(1);
  expect(none.stderr.trimEnd().split('\n')).toEqual([
    expect.stringContaining('looking again in 0 s'),
    expect.stringMatching(/^pcap-sensor: no interface is left to capture on of lo/),
  ]);
});

it('a filter that libpcap refuses is called BPF', needs('capture'), async () => {
  const { code, stderr } = await runCommand([], {
    command: INIT,
    env: { ...REQUIRED, BPF: 'porte 80', OSSENSOR_NETWORK_DEVICE: 'lo', OSSENSOR_CONFIG_PATH: CONFIG },
  });
  expect({ code, last: stderr.trimEnd().split('\n').at(-1) }).toEqual({
    code: 2,
    last: expect.stringMatching(/^pcap-sensor: BPF /),
  });
});

it('without words and variables the image shows its help', async () => {
  const { code, stdout } = await runCommand([], { command: INIT });
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('pcap-sensor <command> [options]') });
});

describe('all of them right', needs('capture'), () => {
  it('captures, filters, sends, logs packets, and leaves the file', async () => {
    const satellite = await startScriptedSatellite();
    const server = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
    const other = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
    await Promise.all([once(server, 'listening'), once(other, 'listening')]);
    const portOf = (one: typeof server) => (one.address() as AddressInfo).port;
    const child = startCommand([], INIT, {
      ...REQUIRED,
      VSENSOR_PORT: new URL(satellite.url).port,
      OSSENSOR_NETWORK_DEVICE: 'lo',
      NETWORK_DEVICE_INCLUDELIST: '^lo$ ^eth',
      NETWORK_DEVICE_EXCLUDELIST: '^veth',
      NETWORK_DEVICE_ANY: '0',
      INTERFACE_WAIT_SECS: '1',
      INTERFACE_WAIT_ATTEMPTS: '1',
      BPF: `port ${portOf(server)}`,
      OSSENSOR_DEBUG: '5',
      OSSENSOR_CONFIG_PATH: CONFIG,
      ANTIGENA_ENABLED: 'true',
      ANTIGENA_TIME_PERIOD: '5',
      LEVO_TRACE_EXPORT_INTERVAL: '0.1',
      LEVO_LOG_FORMAT: 'json',
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    try {
      await expect.poll(() => said, { timeout: 30_000 }).toContain('capturing on lo');
      await fetch(`http://127.0.0.1:${portOf(other)}/other`).then((response) => response.text());
      await fetch(`http://127.0.0.1:${portOf(server)}/wanted`).then((response) => response.text());
      await expect
        .poll(() => satellite.requests.some(({ body }) => body.includes('/wanted')), { timeout: 30_000 })
        .toBe(true);
    } finally {
      child.kill('SIGTERM');
    }
    const [code] = await once(child, 'close');
    server.close();
    other.close();
    await satellite.close();
    expect(code).toBe(0);
    const bodies = satellite.requests.map(({ body }) => body).join('');
    expect(bodies).not.toContain('/other');
    expect(said).not.toContain(KEY);
    expect(said).toContain('OSSENSOR_DEBUG 5: the log holds the bytes of packets from here on');
    expect(said).toContain('connections that a signed order of the satellite matches are reset');
    expect(said).toContain('packets: a batch was taken');
    expect(said).toContain(Buffer.from('GET /wanted HTTP/1.1').toString('hex'));
    expect(said).toContain('export: a batch was sent');
    const file = readFileSync(CONFIG, 'utf8');
    expect(file).toContain(`key=${KEY}\ndevice=lo\n`);
    expect(statSync(CONFIG).mode & 0o777).toBe(0o600);
  });
});

it('keeps to its lists, the exclude list before the other, with interfaces that come up later too', {
  ...needs('capture', 'namespaces', 'ip'),
  timeout: 60_000,
}, async () => {
  const namespace = networkName('');
  run('ip', 'netns', 'add', namespace);
  onTestFinished(() => void run('ip', 'netns', 'del', namespace));
  const comesUp = (name: string, peer: string) => {
    run('ip', '-n', namespace, 'link', 'add', name, 'type', 'veth', 'peer', 'name', peer);
    for (const one of [name, peer]) run('ip', '-n', namespace, 'link', 'set', one, 'up');
  };
  comesUp('eth0', 'veth0');
  comesUp('eth7', 'veth7');
  const child = startCommand(['netns', 'exec', namespace, INIT], 'ip', {
    ...REQUIRED,
    NETWORK_DEVICE_ANY: '1',
    NETWORK_DEVICE_INCLUDELIST: '^eth',
    NETWORK_DEVICE_EXCLUDELIST: 'eth7',
    OSSENSOR_CONFIG_PATH: join(folder, 'lists.cfg'),
    LEVO_LOG_FORMAT: 'json',
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await expect.poll(() => said, { timeout: 30_000 }).toContain('capturing on every interface');
  expect(said).toContain('captured on eth0 and what comes up later');
  expect(said).toContain(
    'capturing on every interface that is or comes up and matches ^eth, but for those that match eth7, ^lo$',
  );
  comesUp('eth71', 'veth1');
  comesUp('eth5', 'veth5');
  await expect.poll(() => said, { timeout: 30_000 }).toContain('interface eth5: capturing');
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(said.match(/interface \w+: capturing/g)).toEqual(['interface eth5: capturing']);
});
