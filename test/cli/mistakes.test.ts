/**
 * What people get wrong, each answered in one line that names the option, the value and the way out.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { patternForGlob } from '../../src/options/glob.js';
import { nearest, nearestOption } from '../../src/options/names.js';
import { SENSOR_OPTIONS } from '../../src/options/options.js';
import { statusPattern } from '../../src/options/status-pattern.js';
import { unknownVariables } from '../../src/options/variables.js';
import { captureFile, conversation } from '../support/capture-file.js';
import { runCommand } from '../support/command.js';

const folder = mkdtempSync(join(tmpdir(), 'mistakes-'));
afterAll(() => rmSync(folder, { recursive: true }));
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const CAPTURE = file(
  'a.pcap',
  captureFile(
    conversation([
      ['client', 'GET /admin/users HTTP/1.1\r\nHost: h\r\n\r\n'],
      ['server', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ]),
  ),
);
const GZIP = file('a.pcap.gz', Buffer.from('1f8b0800000000000003', 'hex'));
const NOT_A_CAPTURE = file('notes.txt', 'these are not packets');
const URL_FLAG = ['--satellite-url', 'http://127.0.0.1:9'];
const READ = ['--read', CAPTURE, '--output', 'ndjson'];

interface Mistake {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What the line has to name; the value as it was given. */
  readonly option: string;
  readonly value: string;
  readonly wayOut: string;
  /** 2 where nothing was done; 0 where it is a warning. */
  readonly code?: 0 | 1;
}

const MISTAKES: readonly Mistake[] = [
  { args: ['apidmp', ...URL_FLAG], option: 'command', value: 'apidmp', wayOut: 'did you mean apidump?' },
  {
    args: ['apidump'],
    option: '--satellite-url',
    value: 'is required',
    wayOut: 'give it such as http://127.0.0.1:9999',
  },
  { args: ['apidump', '--satellite-url', 'host:4317'], option: '--satellite-url', value: 'host:4317', wayOut: '4318' },
  {
    args: ['apidump', '--satellite-url', 'ftp://host'],
    option: '--satellite-url',
    value: 'ftp://host',
    wayOut: 'http',
  },
  {
    args: ['apidump', '--satellite-url', '<satellite url>'],
    option: '--satellite-url',
    value: '<satellite url>',
    wayOut: 'give URL',
  },
  {
    args: ['apidump', '--url', 'http://h'],
    option: '--url',
    value: 'is no option',
    wayOut: 'did you mean --satellite-url?',
  },
  {
    args: ['apidump', ...URL_FLAG, '--host-exclude', 'x'],
    option: '--host-exclude',
    value: 'is no option',
    wayOut: 'did you mean --host-exclusions?',
  },
  {
    args: ['apidump', ...URL_FLAG, '--exclude-path', 'x'],
    option: '--exclude-path',
    value: 'is no option',
    wayOut: 'did you mean --path-exclusions?',
  },
  {
    args: ['apidump', ...URL_FLAG, '--interface', 'lo'],
    option: '--interface',
    value: 'is no option',
    wayOut: 'did you mean --interfaces?',
  },
  {
    args: ['apidump', ...URL_FLAG, '--org-id', 'x'],
    option: '--org-id',
    value: 'is no option',
    wayOut: 'did you mean --levoai-org-id?',
  },
  {
    args: ['apidump', ...URL_FLAG, '-c', '5'],
    option: '--command',
    value: '"5" is a number',
    wayOut: '--count for so many exchanges',
  },
  { args: ['apidump', ...URL_FLAG, '-i', 'eth9'], option: '--interfaces', value: 'eth9', wayOut: 'there are' },
  {
    args: ['watch', '--filter', 'port eighty'],
    option: '--filter',
    value: 'port eighty',
    wayOut: 'see man pcap-filter',
  },
  {
    args: ['apidump', ...URL_FLAG, 'port', '8080'],
    option: '--filter',
    value: '"port"',
    wayOut: 'quote values with spaces',
  },
  {
    args: ['apidump', ...READ, '--filter', 'prot 80'],
    option: '--filter',
    value: 'prot 80',
    wayOut: 'see man pcap-filter',
  },
  { args: ['apidump', ...READ, '-i', 'lo'], option: '--interfaces', value: '--read', wayOut: 'leave one of them out' },
  { args: ['watch', '-r', 'no.pcap'], option: '--read', value: 'no.pcap', wayOut: 'give the path of a file' },
  { args: ['watch', '-r', GZIP], option: '--read', value: GZIP, wayOut: 'gzip -dc' },
  { args: ['watch', '-r', NOT_A_CAPTURE], option: '--read', value: NOT_A_CAPTURE, wayOut: 'no pcap or pcapng file' },
  {
    args: ['watch', '-r', CAPTURE, '-w', 'out.txt'],
    option: '--write',
    value: 'out.txt',
    wayOut: 'ends in .pcap, .har or .ndjson',
  },
  { args: ['watch', '-r', CAPTURE, '-w', CAPTURE], option: '--read', value: CAPTURE, wayOut: 'write to another one' },
  {
    args: ['watch', '-r', CAPTURE, '-w', '/no/such/dir/a.pcap'],
    option: '--write',
    value: '/no/such/dir/a.pcap',
    wayOut: 'or name another file',
  },
  {
    args: ['apidump', ...URL_FLAG, '--rate-limit', '1,000'],
    option: '--rate-limit',
    value: '1,000',
    wayOut: 'such as 1000',
  },
  { args: ['apidump', ...URL_FLAG, '--sample-rate', '50%'], option: '--sample-rate', value: '50%', wayOut: '0 to 1' },
  { args: ['apidump', ...URL_FLAG, '--max-cpu', '200%'], option: '--max-cpu', value: '200%', wayOut: 'such as 5%' },
  {
    args: ['apidump', ...URL_FLAG, '--host-exclusions', '*.internal'],
    option: '--host-exclusions',
    value: '*.internal',
    wayOut: 'give "\\\\.internal$"',
  },
  {
    args: ['apidump', ...READ, '--path-exclusions', '/admin/*'],
    option: '--path-exclusions',
    value: '/admin/*',
    wayOut: 'give "^/admin/"',
    code: 0,
  },
  {
    args: ['apidump', ...URL_FLAG, '--path-allow', '(?=a)'],
    option: '--path-allow',
    value: '(?=a)',
    wayOut: 're2/wiki/Syntax',
  },
  {
    args: ['apidump', ...URL_FLAG, '--output', 'stdout'],
    option: '--output',
    value: 'stdout',
    wayOut: 'give satellite, otel',
  },
  {
    args: ['apidump', ...URL_FLAG, '--output', 'ndjson'],
    option: '--satellite-url',
    value: 'http://127.0.0.1:9',
    wayOut: 'add --output satellite, or leave the URL out',
  },
  {
    args: ['apidump', ...READ, '--levo-env', 'staging'],
    option: '--levo-env',
    value: 'does nothing here',
    wayOut: '--output satellite sends them there',
    code: 0,
  },
  {
    args: ['apidump', ...READ, '--opamp-url', 'ftp://me:hunter2@opamp.example/'],
    option: '--opamp-url',
    value: '"ftp://***@opamp.example/"',
    wayOut: 'give one such as https://opamp.example/v1/opamp',
  },
  {
    args: ['apidump', '--opamp-unsigned', '--opamp-url', 'http://opamp.example/?token=hunter2'],
    option: '--opamp-unsigned',
    value: '"http://opamp.example/?***"',
    wayOut: 'name it by https',
  },
  {
    args: [
      ...['apidump', '--satellite-url', 'https://satellite.example', '--enrolment-key-file', 'env:FLEET_KEY'],
      ...['--opamp-unsigned', '--opamp-url', 'https://satellite.example/v1/opamp'],
    ],
    env: { FLEET_KEY: 'a-key-that-nobody-guesses' },
    option: '--opamp-unsigned',
    value: '--enrolment-key-file',
    wayOut: 'leave --opamp-unsigned out',
  },
  {
    args: ['watch'],
    env: { LEVO_PATH_EXCLUSION: '^/x' },
    option: 'LEVO_PATH_EXCLUSION',
    value: 'environment variable',
    wayOut: 'did you mean LEVO_PATH_EXCLUSIONS?',
  },
  {
    args: ['apidump', ...READ],
    env: { LEVO_SOMETHING_ELSE: 'x' },
    option: 'LEVO_SOMETHING_ELSE',
    value: 'no option reads',
    wayOut: 'docs/options.md',
    code: 0,
  },
  {
    args: ['apidump', ...URL_FLAG],
    env: { LEVO_AWS_REGION: '< INSERT AWS REGION (us-west-2) >' },
    option: '--aws-region',
    value: '< INSERT AWS REGION (us-west-2) >',
    wayOut: 'give REGION',
  },
  {
    args: ['apidump', ...URL_FLAG, '--config', file('d.yaml', 'interfaces: [lo]\nrate-limit: [1\n')],
    option: '--config',
    value: 'd.yaml" line 3 is not YAML (BAD_INDENT): Flow sequence',
    wayOut: 'mend that line',
  },
  {
    args: ['apidump', ...URL_FLAG, '--config', file('c.yaml', 'rate_limit: 5\n')],
    option: 'rate_limit',
    value: 'c.yaml',
    wayOut: 'did you mean rate-limit?',
  },
  {
    args: ['apidump', ...URL_FLAG, '--health-port', 'http'],
    option: '--health-port',
    value: 'http',
    wayOut: 'give PORT',
  },
  {
    args: ['doctor', '--read', CAPTURE],
    option: '--read',
    value: CAPTURE,
    wayOut: 'give the file to pcap-sensor watch',
  },
  { args: ['satellite', '--port', '80800'], option: '--port', value: '80800', wayOut: 'such as 9999' },
  { args: ['satellite', '--data', NOT_A_CAPTURE], option: '--data', value: NOT_A_CAPTURE, wayOut: 'give a directory' },
  {
    args: ['satellite', '--satellite-url', 'http://h'],
    option: '--satellite-url',
    value: 'is no option',
    wayOut: 'apidump and watch have it',
  },
  { args: ['satellite', '9999'], option: '"9999"', value: 'no option', wayOut: 'did you mean --port 9999?' },
  {
    args: ['satellite', 'backup', 'copy', '--data', 'no-such-directory'],
    option: '--data',
    value: 'no-such-directory',
    wayOut: 'give the --data of a satellite',
  },
  {
    args: ['kube', 'inject', '-f', 'x.yaml', '-o', 'y.yaml'],
    option: '-o',
    value: 'no option',
    wayOut: 'end the command with > FILE',
  },
  { args: ['watch', CAPTURE], option: CAPTURE, value: 'no option', wayOut: `did you mean --read ${CAPTURE}?` },
  { args: ['watch', 'lo'], option: '"lo"', value: 'no option', wayOut: 'did you mean --interfaces lo?' },
  { args: ['redact', CAPTURE], option: CAPTURE, value: 'no option', wayOut: `did you mean --explain ${CAPTURE}?` },
  {
    args: ['doctor', 'satellite:9999'],
    option: '"satellite:9999"',
    value: 'no option',
    wayOut: 'did you mean --satellite-url satellite:9999?',
  },
  {
    args: ['watch', '--redact-pii', 'everything'],
    option: '--redact-pii',
    value: 'everything',
    wayOut: 'give --redact-pii alone',
  },
  {
    args: ['watch', '--path-exclusions', '^/a', '^/b'],
    option: '--path-exclusions',
    value: '"^/b"',
    wayOut: '--path-exclusions ^/a --path-exclusions ^/b',
  },
  { args: ['watch', '-nn'], option: '-n', value: 'is no option', wayOut: 'leave it out' },
  { args: ['watch', '-A'], option: '-A', value: 'is no option', wayOut: '-vv shows bodies' },
  { args: ['watch', '-i', 'any'], option: '--interfaces', value: '"any"', wayOut: 'without the option every one' },
  {
    args: ['apidump', ...READ, '--metrics', 'otlp,emf'],
    option: '--metrics',
    value: '"otlp,emf"',
    wayOut: 'give each alone: --metrics otlp --metrics emf',
  },
  {
    args: ['apidump', ...READ],
    env: { LEVO_METRICS: 'otlp, emf' },
    option: '--metrics',
    value: 'environment variable LEVO_METRICS',
    wayOut: 'give each in a line of its own',
  },
  {
    args: ['watch', '-r', CAPTURE, '--status-allow', '5xx'],
    option: '--status-allow',
    value: '5xx',
    wayOut: 'give "^5"',
  },
  {
    args: ['watch', '-r', CAPTURE, '--method-allow', 'GET,POST'],
    option: '--method-allow',
    value: 'GET,POST',
    wayOut: 'give "^(GET|POST)$"',
    code: 0,
  },
  {
    args: ['watch', '-r', CAPTURE, '--method-allow', 'get'],
    option: '--method-allow',
    value: 'get',
    wayOut: 'give "^GET$"',
    code: 0,
  },
  {
    args: ['watch', '-r', CAPTURE, '--host-exclusions', 'a.example,b.example'],
    option: '--host-exclusions',
    value: 'a.example,b.example',
    wayOut: 'give "^(a\\\\.example|b\\\\.example)"',
    code: 0,
  },
  {
    args: ['openapi', '--read', CAPTURE, '--output', 'api.yaml'],
    option: '--output',
    value: 'is no option',
    wayOut: 'end the command with > FILE',
  },
  {
    args: ['openapi', '--read', file('no-trace.json', '{"a":1}')],
    option: '--read',
    value: 'no-trace.json',
    wayOut: 'give what --output ndjson writes',
    code: 1,
  },
  {
    args: ['openapi', '--read', CAPTURE, '--templates', file('t.yaml', 'a: [1\n')],
    option: '--templates',
    value: 't.yaml',
    wayOut: 'write templates: and, below it',
  },
  { args: ['kube', 'inject', 'no.yaml', ...URL_FLAG], option: '--file', value: 'no.yaml', wayOut: 'give a manifest' },
  { args: ['completion', 'tcsh'], option: 'completion', value: 'tcsh', wayOut: 'give one of bash, zsh, fish' },
  {
    args: ['watch', '-r', NOT_A_CAPTURE, '-r', CAPTURE],
    option: '--read',
    value: CAPTURE,
    wayOut: 'the last one counts',
    code: 0,
  },
  { args: ['watch', '-r', CAPTURE, 'b.pcap'], option: '--read', value: '"b.pcap"', wayOut: 'once for each' },
  {
    args: ['apidump', '\u2014satellite-url', 'http://h'],
    option: '\u2014satellite-url',
    value: 'no hyphen',
    wayOut: 'did you mean --satellite-url?',
  },
  {
    args: ['watch', '--filter', '\u201cport', '80\u201d'],
    option: '80\u201d',
    value: 'curly quotes',
    wayOut: 'type straight ones',
  },
  {
    args: ['watch', '--no-keep-health-checks'],
    option: '--no-keep-health-checks',
    value: 'is no option',
    wayOut: 'give --keep-health-checks=false',
  },
  { args: ['sniff'], option: 'command', value: 'sniff', wayOut: 'did you mean watch?' },
  { args: ['kube', 'install'], option: 'command', value: 'kube install', wayOut: 'did you mean inject?' },
  { args: ['-V'], option: '-V', value: 'before the command', wayOut: 'did you mean --version?' },
];

it('are thirty and more', () => expect(MISTAKES.length).toBeGreaterThanOrEqual(30));

it.each(MISTAKES.map((mistake) => [[...Object.keys(mistake.env ?? {}), ...mistake.args].join(' '), mistake] as const))(
  '%s',
  async (_, { args, env = {}, option, value, wayOut, code = 2 }) => {
    const result = await runCommand(args, { env });
    const line = result.stderr.split('\n').find((one) => one.includes(option)) ?? result.stderr;
    const said = line.startsWith('{') ? (JSON.parse(line) as { msg: string }).msg : line;
    expect(said).toContain(option);
    expect(said).toContain(value);
    expect(said).toContain(wayOut);
    expect(result.code).toBe(code);
    if (code !== 0) expect(result.stderr.trimEnd().split('\n').at(-1)).toMatch(/^pcap-sensor: /);
  },
);

describe('globs', () => {
  it.each([
    ['/admin/*', '^/admin/'],
    ['/users/*/orders', '^/users/[^/]*/orders$'],
    ['*.example.com', '\\.example\\.com$'],
    ['api*', '^api'],
    ['*', ''],
  ])('%s is for %s', (glob, meant) => expect(patternForGlob(glob)).toBe(meant));

  it.each(['^/admin/', '/admin/.*', '/v[12]/*$', '\\.js$', '/a*b', '/(a|b)/*', 'GET', ''])('%j is none', (pattern) => {
    expect(patternForGlob(pattern)).toBeNull();
  });
});

describe('statuses', () => {
  it.each([
    ['5xx', '^5'],
    ['4xx,5xx', '^[45]'],
    ['>=400', '^[4-5]'],
    ['<400', '^[1-3]'],
    ['<=499', '^[1-4]'],
    ['500-599', '^5'],
    ['404,410', '^(404|410)$'],
    ['error', '^5'],
  ])('%s is for %s', (given, meant) => {
    expect(() => statusPattern.parse(given)).toThrow(`matches no status; give ${JSON.stringify(meant)}`);
    expect(statusPattern.parse(meant)).toBe(meant);
  });
});

describe('names', () => {
  it.each([
    ['host-exclude', 'host-exclusions'],
    ['PATH_EXCLUSIONS', 'path-exclusions'],
    ['satelite-url', 'satellite-url'],
    ['satellite-uri', 'satellite-url'],
    ['redact-headers', 'redact-header'],
    ['interface-excluded', 'interface-exclude'],
    ['zebra', null],
    ['', null],
  ])('--%s is near %s', (name, meant) => expect(nearestOption(name, SENSOR_OPTIONS)).toBe(meant));

  it('are taken for others only when close', () => {
    expect(nearest('abc', ['xyz'])).toBeNull();
    expect(nearest('rate', ['rate-limit', 'ring-size'])).toBe('rate-limit');
  });

  it('of variables are slips when close, and strangers when not', () => {
    const environment = {
      LEVO_SATELITE_URL: 'x',
      LEVO_AWS_REGION: 'x',
      LEVO_RATE_LIMIT: '1',
      LEVOAI_ORG_IDS: 'x',
      LEVO_SATELLITE_PORT_9999_TCP: 'tcp://10.0.0.1:9999',
      LEVO_EMPTY: '',
      PATH: '/',
    };
    expect(unknownVariables(environment, [SENSOR_OPTIONS])).toEqual([
      { name: 'LEVO_SATELITE_URL', meant: 'LEVO_SATELLITE_URL' },
      { name: 'LEVOAI_ORG_IDS', meant: 'LEVOAI_ORG_ID' },
      { name: 'LEVO_SATELLITE_PORT_9999_TCP', meant: null },
    ]);
  });
});
