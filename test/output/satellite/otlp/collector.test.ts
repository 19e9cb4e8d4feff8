/** What a real OpenTelemetry Collector makes of what the relay sends. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../../support/needs.js';
import { type Collector, collectorBuilt, startCollector } from '../../../support/otel-collector.js';
import { satelliteSettings, startRelay } from '../../../support/relay.js';
import { sampleTrace, traceBody } from '../../../support/trace.js';

const string = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const int = (key: string, value: number) => ({ key, value: { intValue: String(value) } });
const list = (key: string, ...values: string[]) => ({
  key,
  value: { arrayValue: { values: values.map((stringValue) => ({ stringValue })) } },
});

describe('the OpenTelemetry Collector', needs({ 'OpenTelemetry Collector (.ci/full)': collectorBuilt }), () => {
  let collector: Collector;
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterAll(() => collector.close());

  it.each(['gzip', 'none'] as const)('takes every attribute as specified (compression %s)', async (compression) => {
    const serviceName = `shop-${compression}`;
    const under = await startRelay(collector.url, {
      ...satelliteSettings(collector.url),
      compression,
      serviceName,
      workspaceId: 'w-1',
      resource: { 'cloud.region': 'us-west-2', 'aws.ecs.task.family': 'checkout' },
    });
    under.counters.exchanges_seen = 3;
    under.relay.accept(sampleTrace({ parentSpanId: '00f067aa0ba902b7', marks: ['gap', 'aborted'] }));
    under.relay.accept(
      sampleTrace({
        kind: 'client',
        request: { method: 'BREW', body: traceBody('tea', { truncated: true }) },
        response: {
          status: 503,
          headers: [],
          body: traceBody(Buffer.from([0xff, 0]), { wireBytes: 9_007_199_254_740_991 }),
        },
      }),
    );
    under.relay.accept(sampleTrace({ response: null }));
    await under.relay.flush();
    expect(under.books()).toEqual([3, 3, 0, 0]);
    expect(under.relay.status.protocol).toBe('otlp');
    await under.relay.close(1000);

    const isOurs = (one: any): boolean =>
      one.resource.attributes.some(
        ({ key, value }: any) => key === 'service.name' && value.stringValue === serviceName,
      );
    let ours = (await collector.resourceSpans()).filter(isOurs);
    while (ours.length === 0) ours = (await collector.resourceSpans()).filter(isOurs);
    expect(ours.length).toBe(1);

    const [{ resource, scopeSpans }] = ours;
    expect(resource.attributes).toEqual([
      string('service.name', serviceName),
      { key: 'service.instance.id', value: { stringValue: expect.stringMatching(/^[0-9a-f-]{36}$/) } },
      { key: 'host.name', value: { stringValue: expect.any(String) } },
      string('telemetry.sdk.name', 'pcap-sensor'),
      string('telemetry.sdk.language', 'nodejs'),
      string('telemetry.sdk.version', '0.1.0'),
      string('deployment.environment.name', 'staging'),
      string('levo.env', 'staging'),
      string('levo.organization.id', 'org-1'),
      string('levo.workspace.id', 'w-1'),
      string('cloud.region', 'us-west-2'),
      string('aws.ecs.task.family', 'checkout'),
    ]);
    expect(scopeSpans[0].scope).toEqual({ name: 'pcap-sensor', version: '0.1.0' });
    const [server, client, unanswered] = scopeSpans[0].spans;
    expect(server).toMatchObject({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      parentSpanId: '00f067aa0ba902b7',
      name: 'GET',
      kind: 2,
      startTimeUnixNano: '1752000000123456789',
      endTimeUnixNano: '1752000000124956789',
      status: {},
    });
    expect(server.attributes).toEqual([
      string('http.request.method', 'GET'),
      string('url.scheme', 'http'),
      string('url.path', '/items'),
      string('url.query', 'limit=2'),
      string('server.address', 'api.example'),
      int('server.port', 8080),
      string('client.address', '192.0.2.7'),
      int('client.port', 40000),
      string('network.peer.address', '192.0.2.7'),
      int('network.peer.port', 40000),
      string('network.local.address', '10.0.0.5'),
      int('network.local.port', 8080),
      string('network.protocol.version', '1.1'),
      int('http.response.status_code', 200),
      list('http.request.header.host', 'api.example:8080'),
      list('http.request.header.accept', 'application/json', 'text/plain'),
      list('http.request.header.user-agent', 'curl/7.88.1'),
      string('user_agent.original', 'curl/7.88.1'),
      int('http.request.body.size', 0),
      list('http.response.header.content-type', 'application/json'),
      list('http.response.header.content-length', '8'),
      int('http.response.body.size', 8),
      string('http.response.body.content', '{"a":1}\n'),
      int('pcap.request_end', 1000),
      int('pcap.response_start', 1_200_000),
      string('pcap.interface', 'lo'),
      list('pcap.marks', 'gap', 'aborted'),
    ]);
    expect(client).toMatchObject({ name: 'HTTP', kind: 3, status: { code: 2 } });
    expect(client.attributes).toEqual(
      expect.arrayContaining([
        string('http.request.method', '_OTHER'),
        string('http.request.method_original', 'BREW'),
        string('url.full', 'http://api.example:8080/items?limit=2'),
        string('network.peer.address', '10.0.0.5'),
        string('error.type', '503'),
        string('http.request.body.content', 'tea'),
        { key: 'http.request.body.truncated', value: { boolValue: true } },
        int('http.response.body.size', 9_007_199_254_740_991),
        { key: 'http.response.body.content', value: { bytesValue: '/wA=' } },
      ]),
    );
    expect(unanswered).toMatchObject({ status: { code: 2 } });
    expect(unanswered.attributes).toEqual(expect.arrayContaining([string('error.type', 'no_response')]));
    expect(unanswered.attributes.map(({ key }: any) => key)).not.toContain('http.response.status_code');
  });
});
