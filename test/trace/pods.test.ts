/** What a trace says of the pods at both ends, in every form. */
import { expect, it } from 'vitest';
import { encodeNdjson } from '../../src/output/ndjson.js';
import { toReadableSpan } from '../../src/output/satellite/otlp/span.js';
import type { Pod } from '../../src/pair/pod.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import type { Trace } from '../../src/trace/trace.js';
import { createTraceBuilder } from '../../src/trace/trace-builder.js';
import { client, converse, server } from '../support/conversation.js';

const cart: Pod = {
  namespace: 'shop',
  name: 'cart-6d4-x',
  workload: { kind: 'Deployment', name: 'cart' },
  labels: {},
  containers: [{ name: 'app', ports: [] }],
};
const page: Pod = { namespace: 'web', name: 'page "1"', workload: null, labels: {}, containers: [] };

async function traceOf(podOf: (address: string) => Pod | null): Promise<Trace> {
  const { exchanges } = converse([
    client('GET / HTTP/1.1\r\nHost: h\r\n\r\n'),
    server('HTTP/1.1 204 No Content\r\n\r\n'),
  ]);
  const ids = createTraceIds((bytes) => bytes.fill(0xab));
  return createTraceBuilder({ ids, bodyBytesMax: 1e7, isLocal: () => false, podOf })(exchanges[0] as never);
}
const attributesOf = (trace: Trace) => toReadableSpan(trace, {} as never, { name: '', version: '' }).attributes;
const serverOf = (trace: Trace) => trace.network.server.address;

it('names both, and takes a server that is a pod of the node for local', async () => {
  const address = serverOf(await traceOf(() => null));
  const trace = await traceOf((one) => (one === address ? cart : page));
  expect(trace.kind).toBe('server');
  const workload = { kind: 'Deployment', name: 'cart' };
  expect(JSON.parse(encodeNdjson(trace)).kubernetes).toEqual({
    client: { namespace: 'web', workload: null, pod: 'page "1"', container: null },
    server: { namespace: 'shop', workload, pod: 'cart-6d4-x', container: 'app' },
  });
  expect(attributesOf(trace)).toMatchObject({
    'k8s.namespace.name': 'shop',
    'k8s.deployment.name': 'cart',
    'k8s.pod.name': 'cart-6d4-x',
    'k8s.container.name': 'app',
    'pcap.peer.k8s.namespace.name': 'web',
    'pcap.peer.k8s.pod.name': 'page "1"',
  });
});

it('names the one that is known, whose span it is', async () => {
  const address = serverOf(await traceOf(() => null));
  const trace = await traceOf((one) => (one === address ? null : page));
  expect(trace).toMatchObject({ kind: 'client', kubernetes: { server: null, client: { namespace: 'web' } } });
  expect(attributesOf(trace)['k8s.namespace.name']).toBe('web');
  expect(Object.keys(attributesOf(trace)).filter((name) => name.startsWith('pcap.peer'))).toEqual([]);
});

it('says nothing where neither is known', async () => {
  expect(await traceOf(() => null)).not.toHaveProperty('kubernetes');
});
