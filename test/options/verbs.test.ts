/**
 * Every option of the verbs that do not sense acts: with it something is printed, or asked for, that is not without it. Those of
 * the verbs that sense are in `modes.test.ts`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { runSubcommand, SUBCOMMANDS } from '../../src/cli/commands.js';
import { SENSOR_CONTAINER_OPTIONS } from '../../src/options/ecs-options.js';
import type { FlagValues } from '../../src/options/settings.js';
import { captureFile, conversation } from '../support/capture-file.js';
import { runCommand } from '../support/command.js';
import { greeterDescriptors } from '../support/greeter.js';
import { optionValues } from '../support/option-values.js';

/** What a verb asked of what it is for. */
const asked = vi.hoisted((): unknown[] => []);
const record =
  (name: string) =>
  (...given: unknown[]) => {
    asked.push(name, given);
  };
vi.mock('../../src/satellite/satellite.js', () => ({
  startSatellite: async (settings: object) => {
    asked.push(settings);
    throw new Error('a satellite is asked for, and none is started');
  },
}));
vi.mock('../../src/satellite/store/upkeep.js', () => ({ backUp: record('copied'), forget: record('forgotten') }));
vi.mock('../../src/satellite/mcp/server.js', () => ({ serveMcp: record('served') }));

const folder = mkdtempSync(join(tmpdir(), 'verbs-'));
afterAll(() => rmSync(folder, { recursive: true }));
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
const post = (target: string, type: string, body: string): string =>
  `POST ${target} HTTP/1.1\r\nHost: shop.example\r\nX-Tenant: 2024-01-31\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const BODY =
  '{"email":"z@example","password":"p","account":"DE89370400440532013000","note":"to DE89370400440532013000"}';
const UPLOAD =
  '--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nhello\r\n' +
  '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\x00\x01\x02\x03\r\n--b--\r\n';
const CAPTURE = file(
  'capture.pcap',
  captureFile(
    conversation([
      ['client', post('/a?x=1', 'application/json', BODY)],
      ['server', 'HTTP/1.1 201 Created\r\nContent-Type: application/x-archive\r\nContent-Length: 4\r\n\r\nPK\x03\x04'],
      ['client', post('/upload', 'multipart/form-data; boundary=b', UPLOAD)],
      ['server', 'HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n'],
    ]),
  ),
);
const OTHER = file(
  'other.pcap',
  captureFile(
    conversation([
      ['client', 'GET /other HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer x\r\n\r\n'],
      ['server', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ]),
  ),
);
/** None of the values that were sent is among those described, so that each that can be read is drift. */
const WRONG = '{type: string, enum: [z]}';
const SPEC = file(
  'spec.yaml',
  `openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /a:
    post:
      parameters:
        - {name: x, in: query, schema: ${WRONG}}
        - {name: X-Tenant, in: header, schema: ${WRONG}}
      requestBody:
        content:
          application/json:
            schema: {type: object, properties: {email: ${WRONG}, password: ${WRONG}, account: ${WRONG}, note: {}}}
      responses: {"201": {description: created}}
  /upload:
    post:
      requestBody:
        content: {multipart/form-data: {schema: {type: object, properties: {title: ${WRONG}, file: {}}}}}
      responses: {"201": {description: created}}
  /never: {get: {responses: {"200": {description: seen by nobody}}}}
`,
);
const TOKEN = file('token', 'abc');
const PEM = file('a.pem', '-----BEGIN CERTIFICATE-----\n');
const MANIFEST = file(
  'pod.yaml',
  'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}\n',
);
const OTHER_MANIFEST = file(
  'other.yaml',
  'apiVersion: v1\nkind: Pod\nmetadata: {name: z}\nspec: {containers: [{name: a, image: b}]}\n',
);

const VALUES = optionValues({
  folder,
  PEM,
  DESCRIPTORS: file('greeter.protoset', greeterDescriptors()),
  CONFIG: '',
  CAPTURE,
  KEYS: file('a.keys', 'first-key-of-the-fleet\n'),
});

interface Row {
  readonly value: string;
  /** What else is given, with it and without it, in place of the verb's base. */
  readonly beside?: FlagValues;
}
const row = (value: string, beside?: FlagValues): Row => (beside === undefined ? { value } : { value, beside });

/** Logged through a descriptor, or said by whatever catches an error: not seen from inside the process. */
const SEEN_ELSEWHERE = new Set(['log-level', 'log-format']);

const REDACTION: Record<string, Row> = {
  'redact-header': row('X-Tenant'),
  'redact-query': row('x'),
  'redact-field': row('email'),
  'redact-pattern': row('z@example'),
  'redact-allow': row('password'),
  'redact-pii': row('true'),
  'opaque-bodies': row('drop'),
  'no-default-redaction': row('true'),
  'no-bodies': row('true'),
};

const CONTAINER: Record<string, Row> = {
  image: row('shop/sensor:1'),
  size: row('low-resource'),
  ...Object.fromEntries(Object.keys(SENSOR_CONTAINER_OPTIONS).map((name) => [name, row(VALUES[name] ?? '')])),
};
const ECS_CONTAINER = {
  ...CONTAINER,
  cpu: row('256'),
  memory: row('300'),
  'log-group': row('/shop'),
  region: row('eu-west-1'),
};

const VERBS: Readonly<Record<string, { base: FlagValues; rows: Readonly<Record<string, Row>> }>> = {
  openapi: {
    base: { read: [CAPTURE] },
    rows: {
      read: row(OTHER),
      host: row('nowhere.example'),
      templates: row(file('templates.yaml', 'templates: [/{word}]\n')),
      'no-examples': row('true'),
      format: row('json'),
      ...REDACTION,
    },
  },
  drift: {
    base: { read: [CAPTURE], spec: [SPEC] },
    rows: {
      read: row(OTHER),
      host: row('nowhere.example'),
      spec: row(CAPTURE),
      format: row('json'),
      all: row('true'),
      ...REDACTION,
    },
  },
  redact: {
    base: { explain: [CAPTURE] },
    rows: {
      explain: row(OTHER),
      output: row('json'),
      config: row(file('c.yaml', 'redact-field: [email]\n')),
      ...REDACTION,
    },
  },
  satellite: {
    base: {},
    rows: {
      host: row('0.0.0.0'),
      port: row('80'),
      'traces-max': row('5'),
      'traces-max-bytes': row('1MiB'),
      'packets-max-bytes': row('1MiB'),
      data: row(folder),
      retention: row('1h', { data: [folder] }),
      'read-token': row('abc'),
      'enrolment-key-file': row(file('b.keys', 'second-key-of-the-fleet\n')),
      'fleet-rate': row('service=checkout:2000'),
      'read-token-file': row(TOKEN),
      'ingest-token-file': row(TOKEN),
      'tokens-file': row(file('tokens', 'acme read 0123456789abcdef')),
      store: row('clickhouse://user:word@host/database'),
      from: row('kafka://broker/topic?group=g'),
      'set-aside': row(folder, { from: ['kafka://broker/topic?group=g'] }),
      'tls-cert': row(PEM),
      'tls-key': row(PEM),
      spec: row(SPEC),
      notify: row('https://example.com/hook'),
      'notify-format': row('slack', { notify: ['https://example.com/hook'] }),
      'notify-secret-file': row(file('secret', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'), {
        notify: ['https://example.com/hook'],
      }),
      'notify-silence': row('1h', { notify: ['https://example.com/hook'] }),
      'public-host': row('satellite.example'),
    },
  },
  'satellite backup': {
    base: { data: [folder], to: ['copy'] },
    rows: { data: row('elsewhere'), to: row('another') },
  },
  'satellite delete': {
    base: { data: [folder], 'older-than': ['1h'] },
    rows: {
      data: row('elsewhere'),
      trace: row('0af7651916cd43dd8448eb211c80319c'),
      where: row('host:shop'),
      'older-than': row('2h'),
    },
  },
  'satellite mcp': { base: {}, rows: { url: row('http://127.0.0.1:1'), 'token-file': row(TOKEN) } },
  'ecs cf-fragment': { base: { 'satellite-url': ['http://a'] }, rows: { ...ECS_CONTAINER, json: row('true') } },
  'ecs tf-fragment': { base: { 'satellite-url': ['http://a'] }, rows: ECS_CONTAINER },
  'kube inject': {
    base: { file: [MANIFEST], 'satellite-url': ['http://a'] },
    rows: { ...CONTAINER, file: row(OTHER_MANIFEST) },
  },
};

/** Verbs whose options are looked at elsewhere, and where. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  apidump: 'modes.test.ts',
  watch: 'modes.test.ts',
  doctor: 'modes.test.ts',
  'ecs add': 'modes.test.ts, and ../deploy/ecs-command.test.ts for its own',
  'ecs remove': '../deploy/ecs-command.test.ts',
  'ecs status': '../deploy/ecs-command.test.ts',
  demo: '../e2e/demo.test.ts',
  ossensor: 'ossensor.test.ts',
  'packetstreamer sensor': '../packets/stream/config.test.ts, since they are keys of a file',
  'packetstreamer receiver': '../packets/stream/config.test.ts',
};

it('knows every verb', () =>
  expect([...Object.keys(VERBS), ...Object.keys(ELSEWHERE)].sort()).toEqual(Object.keys(SUBCOMMANDS).sort()));

let said = '';
beforeEach(() => {
  said = '';
  asked.length = 0;
  const write = (text: string | Uint8Array, ...rest: unknown[]) => {
    said += text;
    const done = rest.at(-1);
    if (typeof done === 'function') done();
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(write as typeof process.stdout.write);
  vi.spyOn(process.stderr, 'write').mockImplementation(write as typeof process.stderr.write);
  return () => void vi.restoreAllMocks();
});

/** What it printed and asked for, and how it ended. */
async function outcome(verb: string, flags: FlagValues): Promise<string> {
  said = '';
  asked.length = 0;
  const subcommand = SUBCOMMANDS[verb];
  if (subcommand === undefined) throw new Error(`${verb} is no verb`);
  const quiet = Object.hasOwn(subcommand.options, 'log-level') ? { 'log-level': ['silent'] } : {};
  const end = await runSubcommand(subcommand, { ...quiet, ...flags }).catch((error: Error) => error.message);
  return JSON.stringify([end, said.replaceAll(/[0-9a-f]{32}/g, ''), asked], (_, value) =>
    typeof value === 'function' ? '' : value,
  );
}

describe.each(Object.entries(VERBS))('%s', (verb, { base, rows }) => {
  it('has a row for every option', () => {
    const options = Object.keys(SUBCOMMANDS[verb]?.options ?? {}).filter(
      (name) => Object.hasOwn(rows, name) || !SEEN_ELSEWHERE.has(name),
    );
    expect(Object.keys(rows).sort()).toEqual(options.sort());
  });

  const plain = new Map<string, Promise<string>>();
  it.each(Object.entries(rows))('--%s', async (name, { value, beside }) => {
    const flags = beside ?? base;
    const key = JSON.stringify(flags);
    if (!plain.has(key)) plain.set(key, outcome(verb, flags));
    const without = await plain.get(key);
    expect(await outcome(verb, { ...flags, [name]: [value] })).not.toBe(without);
  });
});

describe('what is logged follows --log-level and --log-format', () => {
  it.each([
    ['openapi', '--read'],
    ['redact', '--explain'],
  ])('of %s', async (verb, option) => {
    const args = [verb, option, CAPTURE];
    expect((await runCommand([...args, '--log-level', 'silent'])).stderr).toBe('');
    const { stderr } = await runCommand([...args, '--log-format', 'json', '--log-level', 'debug']);
    expect(stderr).not.toBe('');
    for (const line of stderr.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('level');
  });
});
