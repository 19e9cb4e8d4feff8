import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  describeOutput,
  isRemote,
  OUTPUT_FORMS,
  OUTPUT_FORMS_TEXT,
  type OutputOptions,
  outputEndpoints,
  parseOutput,
} from '../../src/output/registry.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const to = (satelliteUrl: string | null) => ({ satelliteUrl }) as OutputOptions;

const FORMS =
  'satellite, otel (OTLP/HTTP by the SDK of OpenTelemetry, as OTEL_EXPORTER_OTLP_… say), text (a line an exchange, on standard output), ndjson (standard output), ndjson:FILE or har:FILE';

it('parses every way to write a target that it names', () => {
  expect(OUTPUT_FORMS.map(parseOutput)).toEqual([
    { to: 'satellite' },
    { to: 'otel' },
    { to: 'text' },
    { to: 'ndjson', file: null },
    { to: 'ndjson', file: 'FILE' },
    { to: 'har', file: 'FILE' },
  ]);
  expect(OUTPUT_FORMS_TEXT).toBe(FORMS);
});

it('takes a file name with a colon in it', () => {
  expect(parseOutput('har:a:b')).toEqual({ to: 'har', file: 'a:b' });
});

it.each([
  ['kafka', `is not an output; give ${FORMS}`],
  ['', `is not an output; give ${FORMS}`],
  ['har', 'names no file; give har:FILE'],
  ['har:', 'names no file; give har:FILE'],
  ['ndjson:', 'names no file; give ndjson:FILE, or ndjson for standard output'],
  ['satellite:http://h', 'has more than the name; give satellite, and --satellite-url URL'],
])('refuses %s', (given, message) => {
  expect(() => parseOutput(given)).toThrow(message);
});

it.each([
  ['satellite', 'http://h:4318', true],
  ['ndjson', 'standard output', false],
  ['ndjson:a', 'a', false],
  ['har:b', 'b', false],
])('says where %s goes, and whether that may be away', (given, place, mayBeAway) => {
  expect(describeOutput(parseOutput(given), to('http://h:4318'))).toBe(place);
  expect(isRemote(parseOutput(given))).toBe(mayBeAway);
});

describe('what is left out of the capture', () => {
  const satellite = [parseOutput('satellite')];

  it.each([
    ['http://h:4318/base', { host: 'h', port: 4318 }],
    ['http://[2001:db8::1]:9999', { host: '2001:db8::1', port: 9999 }],
    ['https://h', { host: 'h', port: 443 }],
  ])('is the satellite: %s', async (url, endpoint) => {
    vi.stubEnv('HTTPS_PROXY', '');
    vi.stubEnv('https_proxy', '');
    expect(await outputEndpoints(satellite, to(url))).toEqual([endpoint]);
  });

  it.each([
    ['http://proxy:3128', { host: 'proxy', port: 3128 }],
    ['http://proxy', { host: 'proxy', port: 80 }],
    ['https://[2001:db8::2]', { host: '2001:db8::2', port: 443 }],
  ])('is the proxy on the way to it: %s', async (proxy, endpoint) => {
    vi.stubEnv('HTTPS_PROXY', proxy);
    vi.stubEnv('NO_PROXY', '');
    vi.stubEnv('no_proxy', '');
    expect(await outputEndpoints(satellite, to('https://h'))).toEqual([endpoint]);
    // Plain http is not sent through it.
    expect(await outputEndpoints(satellite, to('http://h'))).toEqual([{ host: 'h', port: 80 }]);
  });

  it('is a satellite that is only asked whether it is there, and nothing for files', async () => {
    expect(await outputEndpoints([], to('http://h:1'))).toEqual([{ host: 'h', port: 1 }]);
    expect(await outputEndpoints([parseOutput('ndjson'), parseOutput('har:x')], to(null))).toEqual([]);
  });
});
