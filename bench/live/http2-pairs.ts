/**
 * A server and a client of HTTP/2 in clear in a network namespace of their own, the sensor beside them, and each exchange against what
 * the client logged: its target, status and bytes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNamespace, type Namespace, type Program } from './namespace.js';
import { ENVOY, GO, PROGRAMS } from './places.js';
import { createScratch } from './scratch.js';
import { type SeenTrace, startSensor } from './sensor.js';

const REQUESTS = 5;
const PORT = 8080;
/** Of what a proxy passes requests on to. */
const ORIGIN_PORT = 8081;
const BASE = `http://127.0.0.1:${PORT}`;
const MILLIS_MAX = 60_000;
const H2LOAD_CONNECTIONS = 20;
/** Requests a second on each: what is compared is what is seen, not what is lost. */
const H2LOAD_RATE = 50;
const SIZES = [0, 1, 100, 1000, 5000, 9000, 12_000, 16_384, 16_385, 40_000];
const node = (script: string) => [process.execPath, join(PROGRAMS, 'node', script)];

interface Plan {
  readonly connections: number;
  readonly targets: readonly string[];
}

interface Server {
  readonly name: string;
  readonly needs: string;
  command(directory: string, files: string): string[];
}

interface Client {
  readonly name: string;
  readonly needs: string;
  /** Whether it can pause between rounds on the same connections. */
  readonly canPause: boolean;
  command(plan: Plan, go: string | null, directory: string): string[];
  /** `TARGET STATUS BYTES` of each request. */
  truth(output: string): string[];
}

export const HTTP2_SERVERS: readonly Server[] = [
  {
    name: 'nghttpd',
    needs: 'nghttpd',
    command: (_, files) => ['nghttpd', '--no-tls', '-a', '127.0.0.1', '-d', files, String(PORT)],
  },
  {
    name: 'nginx',
    needs: 'nginx',
    command(directory, files) {
      const config = join(directory, 'nginx.conf');
      writeFileSync(
        config,
        `daemon off; pid ${directory}/nginx.pid; error_log ${directory}/nginx.log; user root;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 100000; default_type application/octet-stream;
  server { listen 127.0.0.1:${PORT} http2; root ${files}; } }`,
      );
      return ['nginx', '-c', config];
    },
  },
  {
    name: 'HAProxy, by HTTP/2 to nghttpd',
    needs: 'haproxy',
    command(directory, files) {
      const config = join(directory, 'haproxy.cfg');
      writeFileSync(
        config,
        `global
  maxconn 1000
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend in
  bind 127.0.0.1:${PORT} proto h2
  default_backend out
backend out
  server origin 127.0.0.1:${ORIGIN_PORT} proto h2
`,
      );
      const origin = `nghttpd --no-tls -m 10000 -a 127.0.0.1 -d ${files} ${ORIGIN_PORT}`;
      return ['sh', '-c', `${origin} & exec haproxy -q -f ${config}`];
    },
  },
  {
    name: 'Envoy, by HTTP/2 to nghttpd',
    needs: ENVOY,
    command(directory, files) {
      const config = join(directory, 'envoy.json');
      writeFileSync(config, JSON.stringify(envoyConfig()));
      const origin = `nghttpd --no-tls -m 10000 -a 127.0.0.1 -d ${files} ${ORIGIN_PORT}`;
      const envoy = `${ENVOY} --config-path ${config} --concurrency 1 --disable-hot-restart --log-level error`;
      return ['sh', '-c', `${origin} & exec ${envoy}`];
    },
  },
  {
    name: 'Go net/http',
    needs: GO,
    command: (_, files) => [GO, 'http2-serve', String(PORT), files],
  },
  {
    name: 'node:http2',
    needs: process.execPath,
    command: (_, files) => [...node('http2-server.js'), String(PORT), files],
  },
];

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/bootstrap/v3/bootstrap.proto, HTTP/2 on either hop. */
function envoyConfig() {
  const at = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const options = 'type.googleapis.com/envoy.extensions';
  const manager = {
    '@type': `${options}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'in',
    codec_type: 'HTTP2',
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'origin' } }] },
      ],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': `${options}.filters.http.router.v3.Router` } }],
  };
  const cluster = {
    name: 'origin',
    type: 'STATIC',
    // The defaults, 1024 each, would have it answer some itself.
    circuit_breakers: { thresholds: [{ max_requests: 100_000, max_pending_requests: 100_000 }] },
    load_assignment: {
      cluster_name: 'origin',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: at(ORIGIN_PORT) } }] }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${options}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
  const filters = [{ name: 'http', typed_config: manager }];
  return {
    static_resources: {
      listeners: [{ name: 'in', address: at(PORT), filter_chains: [{ filters }] }],
      clusters: [cluster],
    },
  };
}

const logged = (output: string) => output.split('\n').filter((line) => line.startsWith('/f-'));

export const HTTP2_CLIENTS: readonly Client[] = [
  {
    name: 'node:http2',
    needs: process.execPath,
    canPause: true,
    command: ({ connections }, go) => [
      ...node('http2-client.js'),
      ...[BASE, String(connections), String(REQUESTS), ...(go === null ? [] : [go])],
    ],
    truth: logged,
  },
  {
    name: 'Go net/http',
    needs: GO,
    canPause: true,
    command: ({ connections }, go) => [
      ...[GO, 'http2-client', BASE, String(connections), String(REQUESTS)],
      ...(go === null ? [] : [go]),
    ],
    truth: logged,
  },
  {
    name: 'h2load',
    needs: 'h2load',
    canPause: false,
    // Each of the connections asks for every target, ten at a time; the log has the status of each, but not its target.
    command({ targets }, _, directory) {
      writeFileSync(join(directory, 'uris'), targets.map((target) => `${BASE}${target}\n`).join(''));
      const load = `h2load -c ${H2LOAD_CONNECTIONS} -m 10 --rps ${H2LOAD_RATE} -n ${H2LOAD_CONNECTIONS * targets.length}`;
      const script = `${load} -i ${directory}/uris --log-file ${directory}/h2load.log >/dev/null && cat ${directory}/h2load.log ${directory}/uris`;
      return ['sh', '-c', script];
    },
    // `microseconds status microseconds`, and then the targets.
    truth(output) {
      const statuses = [...output.matchAll(/^\d+\t(\d+)\t\d+$/gm)].map(([, status]) => status);
      if (statuses.some((status) => status !== '200'))
        throw new Error(`h2load was answered with ${[...new Set(statuses)]}`);
      const targets = [...output.matchAll(/^http:\/\/[^/]+(\/f-(\d)\S*)$/gm)];
      const lines = targets.map(([, target, file]) => `${target} 200 ${SIZES[Number(file)]}`);
      return Array.from({ length: statuses.length / targets.length }, () => lines).flat();
    },
  },
  {
    name: 'curl',
    needs: 'curl',
    canPause: false,
    // A connection each: version 7.88 cannot use one again that it opened with prior knowledge.
    command: ({ targets }) => [
      'sh',
      '-c',
      `for target; do curl -s --http2-prior-knowledge -o /dev/null -w '%{url_effective} %{http_code} %{size_download}\\n' "$target"; done`,
      'sh',
      ...targets.map((target) => `${BASE}${target}`),
    ],
    truth: (output) => logged(output.replaceAll(BASE, '')),
  },
  {
    name: 'nghttp',
    needs: 'nghttp',
    canPause: false,
    command: ({ targets }) => ['nghttp', '--null-out', '--stat', ...targets.map((target) => `${BASE}${target}`)],
    // `id responseEnd requestStart process code size request path`, sizes in K where they are long: those of the files are.
    truth: (output) =>
      output.split('\n').flatMap((line) => {
        const [, , , , code, , path] = line.trim().split(/\s+/);
        return path?.startsWith('/f-') ? [`${path} ${code} ${SIZES[Number(path[3])]}`] : [];
      }),
  },
];

/** How many are as the client logged them, how many have no target or no status, and what is wrong with others. */
interface Row {
  right: number;
  unknown: number;
  /** With target and bytes as logged, but no status. */
  withoutStatus: number;
  wrong: string[];
}

function atPort(traces: readonly SeenTrace[], port: number): SeenTrace[] {
  return traces.filter(({ network }) => network.server.port === port);
}

/** Early requests may be in it as well, in part: the sensor came in the middle of them. */
function compareAll(truth: readonly string[], traces: readonly SeenTrace[]): Row {
  const row: Row = { right: 0, unknown: 0, withoutStatus: 0, wrong: [] };
  const left = new Map<string, number>();
  for (const line of truth) left.set(line, (left.get(line) ?? 0) + 1);
  for (const { request, response, marks } of traces) {
    if (request.target.includes('early=')) continue;
    if (request.target === '') {
      row.unknown++;
      if (!marks.includes('headers-unknown') || ![200, 0].includes(response?.status ?? 200))
        row.wrong.push('an unknown one');
      continue;
    }
    const bytes = response?.body.wireBytes ?? 0;
    const line = `${request.target} ${response?.status ?? 0} ${bytes}`;
    const count = left.get(line) ?? 0;
    if (count === 0 && response?.status === 0 && marks.includes('headers-unknown')) {
      // Its status stands in the dynamic table of before the sensor came.
      const other = [...left].find(([one, times]) => times > 0 && matches(one, request.target, bytes));
      if (other === undefined) row.wrong.push(`${line} {${marks.join()}}`);
      else {
        left.set(other[0], other[1] - 1);
        row.withoutStatus++;
      }
    } else if (count === 0) row.wrong.push(`${line} {${marks.join()}}`);
    else {
      left.set(line, count - 1);
      row.right++;
    }
  }
  const missing = [...left].flatMap(([line, count]) => (count > 0 ? [line] : []));
  if (missing.length > row.unknown)
    row.wrong.push(...missing.slice(0, missing.length - row.unknown).map((line) => `missing: ${line}`));
  return row;
}

function matches(line: string, target: string, bytes: number): boolean {
  const [ofTarget, , ofBytes] = line.split(' ');
  return ofTarget === target && Number(ofBytes) === bytes;
}

interface Http2Result extends Row {
  readonly asked: number;
}

export interface Http2Settings {
  readonly sensor: string;
  readonly connections: number;
  /** Whether the sensor is started in the middle of the connections. */
  readonly isJoined: boolean;
}

export async function runHttp2Pair(server: Server, client: Client, settings: Http2Settings): Promise<Http2Result> {
  const { connections, isJoined } = settings;
  const scratch = createScratch();
  const directory = scratch.path;
  const namespace = createNamespace(`h2-${server.name}-${client.name}`.replace(/[^a-z0-9-]/gi, ''));
  try {
    for (const [i, size] of SIZES.entries()) writeFileSync(join(directory, `f-${i}`), Buffer.alloc(size, i + 97));
    const options = { directory };
    const running = namespace.start('server', server.command(directory, directory), options);
    await running.listening(PORT);
    const targets = Array.from({ length: connections }, (_, i) => `/f-${i % 10}?id=${i}`);
    const go = isJoined ? join(directory, 'go') : null;
    const sensor = () => startSensor(namespace, { entry: settings.sensor, directory, options: ['--ring-size', '64'] });
    const { started, user } = await start(
      namespace,
      client.command({ connections, targets }, go, directory),
      sensor,
      go,
      directory,
    );
    await user.ended(MILLIS_MAX);
    const truth = client.truth(readFileSync(user.output, 'utf8'));
    await started.settled(truth.length);
    const traces = await started.stop();
    await running.stop();
    const front = compareAll(truth, atPort(traces, PORT));
    const behind = atPort(traces, ORIGIN_PORT);
    // A proxy's own requests are those of its clients.
    const wrong = behind.length === 0 ? [] : compareAll(truth, behind).wrong.map((one) => `behind the proxy: ${one}`);
    return { ...front, wrong: [...front.wrong, ...wrong], asked: truth.length };
  } finally {
    await namespace.remove();
    scratch.remove();
  }
}

/** The sensor first, or when the client has said that it is ready. */
async function start(
  namespace: Namespace,
  command: string[],
  open: () => ReturnType<typeof startSensor>,
  go: string | null,
  directory: string,
): Promise<{ started: Awaited<ReturnType<typeof startSensor>>; user: Program }> {
  if (go === null) {
    const started = await open();
    return { started, user: namespace.start('client', command, { directory }) };
  }
  const user = namespace.start('client', command, { directory });
  while (!readFileSync(user.output, 'utf8').includes('ready')) await new Promise((resolve) => setTimeout(resolve, 20));
  const started = await open();
  writeFileSync(go, '');
  return { started, user };
}
