/**
 * Every option in every mode: it acts, is refused, or is said to do nothing. No option is ignored in silence.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { ECS_ADD_OPTIONS } from '../../src/options/ecs-options.js';
import { SENSOR_OPTIONS } from '../../src/options/options.js';
import { APIDUMP, DOCTOR, WATCH } from '../../src/options/sensor-verbs.js';
import { type FlagValues, resolveSensor } from '../../src/options/settings.js';
import { captureFile, conversation } from '../support/capture-file.js';
import { runCommand } from '../support/command.js';
import { greeterDescriptors } from '../support/greeter.js';
import { MODE_ROWS, MODES, type Outcome } from '../support/option-modes.js';
import { optionValues } from '../support/option-values.js';
import { startScriptedSatellite } from '../support/relay.js';

const folder = mkdtempSync(join(tmpdir(), 'modes-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
const PEM = file('a.pem', '-----BEGIN CERTIFICATE-----\n');
const DESCRIPTORS = file('greeter.protoset', greeterDescriptors());
const CONFIG = file('config.yaml', 'log-level: debug\n');

const ONE = (
  head = '',
  path = '/a?x=1',
  body = '{"email":"z@example.com","password":"p","account":"DE89370400440532013000"}',
): Parameters<typeof conversation>[0] => [
  [
    'client',
    `POST ${path} HTTP/1.1\r\nHost: shop.example\r\nX-Tenant: t1\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`,
  ],
  // An archive, which is sent only where one asks for what nobody can look into.
  ['server', 'HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nPK\x03\x04'],
];
const SAMPLED_OUT = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\n';
const PROBE = 'User-Agent: ELB-HealthChecker/2.0\r\n';
const CAPTURE = file(
  'capture.pcap',
  captureFile(conversation([...ONE(), ...ONE(SAMPLED_OUT, '/b'), ...ONE(PROBE, '/c')])),
);
const OTHER = file('other.pcap', captureFile(conversation(ONE('', '/other'))));

const KEYS = file('a.keys', 'first-key-of-the-fleet\n');

const VALUES = optionValues({ folder, PEM, DESCRIPTORS, CONFIG, CAPTURE, KEYS });

it('has a row and a value for every option', () => {
  expect(Object.keys(MODE_ROWS).sort()).toEqual(Object.keys(SENSOR_OPTIONS).sort());
  expect(Object.keys(VALUES).sort()).toEqual(Object.keys(SENSOR_OPTIONS).sort());
  for (const { outcomes } of Object.values(MODE_ROWS)) expect(outcomes).toHaveLength(MODES.length);
});

function outcomeOf(name: string, mode: (typeof MODES)[number]): { outcome: Outcome; said: string } {
  const flags: FlagValues = {
    ...('reads' in mode ? { read: [CAPTURE] } : {}),
    ...mode.flags,
    ...MODE_ROWS[name]?.beside,
    [name]: [...(name === 'output' && 'satellite-url' in mode.flags ? ['satellite'] : []), VALUES[name] as string],
  };
  if (mode.verb === 'ecs add') return { outcome: Object.hasOwn(ECS_ADD_OPTIONS, name) ? 'a' : 'r', said: `--${name}` };
  try {
    const { notes } = resolveSensor(flags, {}, { apidump: APIDUMP, watch: WATCH, doctor: DOCTOR }[mode.verb]);
    const said = notes.find(({ message }) => message.split(/[ ,]+/).includes(`--${name}`));
    return { outcome: said === undefined ? 'a' : 'n', said: said?.message ?? '' };
  } catch (error) {
    if (error instanceof UsageError) return { outcome: 'r', said: error.message };
    throw error;
  }
}

describe.each(MODES)('$name', (mode) => {
  const index = MODES.indexOf(mode);
  it.each(Object.entries(MODE_ROWS).map(([name, { outcomes }]) => [name, outcomes[index]] as const))(
    '--%s: %s',
    (name, expected) => {
      const { outcome, said } = outcomeOf(name, mode);
      expect(outcome, said).toBe(expected);
      if (outcome !== 'a') expect(said).toContain(`--${name}`);
      if (outcome === 'n') expect(said).toMatch(/nothing here: \S/);
    },
  );
});

describe('said on the command line', () => {
  it('at WARN for what was given for this run, at INFO for what the environment has for all', async () => {
    const asJson = ['--output', 'ndjson', '--log-format', 'json'];
    const args = ['apidump', '--read', CAPTURE, ...asJson, '--compression', 'none', '--ring-size', '4'];
    const { stderr } = await runCommand(args, { env: { LEVO_SATELLITE_URL: 'http://a', LEVO_MAX_CPU: '0.5' } });
    const said = stderr.split('\n').flatMap((line) => {
      if (!line.includes('nothing here')) return [];
      const { level, msg } = JSON.parse(line) as { level: string; msg: string };
      return [[level, msg]];
    });
    expect(said).toEqual([
      [
        'warn',
        '--satellite-url, --compression do nothing here: no trace goes to a satellite; --output satellite sends them there',
      ],
      ['warn', '--ring-size, --max-cpu do nothing here: --read reads a file, and no interface is captured'],
    ]);
    const quiet = await runCommand(['watch', '-r', CAPTURE, '--log-level', 'warn'], { env: { LEVO_ENV: 'x' } });
    expect(quiet.stderr).not.toContain('nothing here');
  });

  it('by ecs add, with the reason', async () => {
    for (const name of [
      'output',
      'command',
      'config',
      'read',
      'interfaces',
      'health-port',
      'write',
      'count',
      'packets-on',
      'public-host',
    ]) {
      const { code, stderr } = await runCommand(['ecs', 'add', `--${name}`, VALUES[name] as string]);
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: `pcap-sensor: --${name} has no place in a container that runs elsewhere; leave it out, or edit the task definition\n`,
      });
    }
  });

  it.each(['satellite', 'demo', 'ecs status', 'ecs remove'])(
    'by %s, which has none of them but its own',
    async (verb) => {
      const { code, stderr } = await runCommand([...verb.split(' '), '--path-exclusions', 'x']);
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('--path-exclusions is no option') });
    },
  );
});

/** That an option which is said to act does: with it, something is printed, logged or sent that is not without it. */
describe('acts', () => {
  const run = async (path: string, flags: readonly string[]) => {
    const base = ['apidump', '--read', path, '--output', 'ndjson', '--log-format', 'json', '--log-level', 'info'];
    const { code, stdout, stderr } = await runCommand([...base, ...flags]);
    expect(code, stderr).toBe(0);
    const traces = stdout
      .replaceAll(/"(?:traceId|spanId)":"\w+"/g, '')
      .trimEnd()
      .split('\n');
    return { traces, stderr: stderr.replaceAll(/"time":"[^"]*"/g, '') };
  };
  let plain: Promise<Awaited<ReturnType<typeof run>>>;

  const IN_TRACES = [
    'filter',
    'max-http-length',
    'rate-limit',
    'sample-rate',
    'host-allow',
    'path-allow',
    'host-exclusions',
    'path-exclusions',
    'method-allow',
    'status-allow',
    'keep-health-checks',
    'sample-by-parent',
    'redact-header',
    'redact-query',
    'redact-field',
    'redact-pattern',
    'redact-allow',
    'redact-pii',
    'opaque-bodies',
    'no-default-redaction',
    'no-bodies',
    'no-routes',
    'count',
    'read',
  ];
  it.each(IN_TRACES)('--%s, in what is printed', async (name) => {
    plain ??= run(CAPTURE, []);
    const flags = name === 'read' ? ['--read', OTHER] : [`--${name}=${VALUES[name]}`];
    expect((await run(CAPTURE, flags)).traces).not.toEqual((await plain).traces);
  });

  it.each(['log-level', 'log-format', 'config', 'health-port'])('--%s, in what is logged', async (name) => {
    plain ??= run(CAPTURE, []);
    const value = name === 'log-level' ? 'error' : name === 'config' ? file('c.yaml', 'count: 1\n') : VALUES[name];
    expect((await run(CAPTURE, [`--${name}=${value}`])).stderr).not.toBe((await plain).stderr);
  });

  const SENT = [
    'levo-env',
    'levoai-org-id',
    'levoai-workspace-id',
    'service-name',
    'resource-attribute',
    'aws-region',
    'satellite-header',
    'compression',
    'otlp-encoding',
  ];
  let sentPlain: Promise<unknown>;
  it.each([...SENT, 'satellite-protocol'])('--%s, in what the satellite gets', async (name) => {
    const sent = async (flags: readonly string[]) => {
      const satellite = await startScriptedSatellite();
      const { code, stderr } = await runCommand([
        'apidump',
        '--read',
        CAPTURE,
        '--satellite-url',
        satellite.url,
        ...flags,
      ]);
      await satellite.close();
      expect(code, stderr).toBe(0);
      return satellite.requests.map(({ url, headers, body }) => ({
        url,
        headers: { ...headers, host: '', 'content-length': '', date: '' },
        body: body.replaceAll(/"(?:traceId|spanId|trace_id|span_id)":"[\w-]+"/g, ''),
      }));
    };
    const value = name === 'satellite-protocol' ? 'levo' : VALUES[name];
    sentPlain ??= sent([]);
    expect(await sent([`--${name}=${value}`])).not.toEqual(await sentPlain);
  });
});
