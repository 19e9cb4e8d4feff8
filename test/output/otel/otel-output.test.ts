/**
 * `--output otel`: what arrives at a receiver, configured by OTEL_EXPORTER_OTLP_… alone, and what becomes of what does not.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { otelUrl, unspokenProtocol } from '../../../src/output/otel/endpoint.js';
import { captureFile, conversation } from '../../support/capture-file.js';
import { runCommand } from '../../support/command.js';
import { startScriptedSatellite } from '../../support/relay.js';

const folder = mkdtempSync(join(tmpdir(), 'otel-'));
afterAll(() => rmSync(folder, { recursive: true }));
const CAPTURE = join(folder, 'a.pcap');
writeFileSync(
  CAPTURE,
  captureFile(
    conversation([
      ['client', 'GET /cart?id=1 HTTP/1.1\r\nHost: shop.example\r\n\r\n'],
      ['server', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ]),
  ),
);
const ARGS = ['apidump', '--read', CAPTURE, '--output', 'otel', '--log-format', 'json'];
const countersOf = (stderr: string) =>
  JSON.parse(stderr.split('\n').find((line) => line.includes('"msg":"summary"')) ?? '{}').counters as Record<
    string,
    number
  >;

it.each([
  [{}, 'http://localhost:4318/v1/traces'],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector:4318/base/' }, 'https://collector:4318/base/v1/traces'],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://b/x' }, 'http://b/x'],
])('%j sends to %s', (environment, url) => {
  expect(otelUrl('traces', environment)).toBe(url);
});

it.each([
  [{}, null],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, null],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'OTEL_EXPORTER_OTLP_PROTOCOL "grpc" is not spoken: traces go as http/json'],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' }, null],
  [
    { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' },
    'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL "http/protobuf" is not',
  ],
])('%j: of another protocol it says %j', (environment, said) => {
  expect(unspokenProtocol('traces', environment)).toEqual(said === null ? null : expect.stringContaining(said));
});

describe('a span', () => {
  it('goes where the variables say, with their headers, and with the tags of ours', async () => {
    const receiver = await startScriptedSatellite();
    const { code, stderr } = await runCommand([...ARGS, '--levo-env', 'staging'], {
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-key=abc',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_SERVICE_NAME: 'cart',
        OTEL_RESOURCE_ATTRIBUTES: 'team=payments',
      },
    });
    await receiver.close();
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('which a receiver takes at its port for HTTP, mostly 4318');
    expect(receiver.requests.map(({ url, headers }) => [url, headers['x-key']])).toEqual([['/v1/traces', 'abc']]);
    const body = receiver.requests[0]?.body ?? '';
    for (const part of ['/cart', 'id=1', '"staging"', '"cart"', '"payments"', 'shop.example'])
      expect(body).toContain(part);
    expect(countersOf(stderr)).toMatchObject({ exchanges_seen: 1, exchanges_exported: 1 });
    expect(countersOf(stderr)).not.toHaveProperty('queue_traces');
  });

  it('goes beside the satellite, which keeps the books', async () => {
    const receiver = await startScriptedSatellite();
    const satellite = await startScriptedSatellite();
    const args = [...ARGS, '--output', 'satellite', '--satellite-url', satellite.url];
    const { code, stderr } = await runCommand(args, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } });
    await Promise.all([receiver.close(), satellite.close()]);
    expect(code, stderr).toBe(0);
    expect([receiver, satellite].map(({ requests }) => requests.some(({ body }) => body.includes('/cart')))).toEqual([
      true,
      true,
    ]);
    expect(countersOf(stderr)).toMatchObject({ exchanges_seen: 1, exchanges_exported: 1 });
  });

  it('is lost, counted and said where it is refused', async () => {
    const receiver = await startScriptedSatellite(() => ({ status: 400 }));
    const { code, stderr } = await runCommand(ARGS, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } });
    await receiver.close();
    expect(code).toBe(1);
    expect(stderr).toContain('the OTLP exporter gave traces up');
    expect(countersOf(stderr)).toMatchObject({ exchanges_seen: 1, exchanges_dropped_undeliverable: 1 });
  });

  it('is not sent to what is no URL', async () => {
    const { code, stderr } = await runCommand(ARGS, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector 4318' } });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('OTEL_EXPORTER_OTLP_ENDPOINT') });
  });

  it('leaves the satellite as it is: the variables are nothing to that', async () => {
    const satellite = await startScriptedSatellite();
    const args = ['apidump', '--read', CAPTURE, '--satellite-url', satellite.url];
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_HEADERS: 'x-key=abc' };
    const { code, stderr } = await runCommand(args, { env });
    await satellite.close();
    expect(code, stderr).toBe(0);
    expect(satellite.requests.filter(({ headers }) => 'x-key' in headers)).toEqual([]);
  });
});
