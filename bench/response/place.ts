/**
 * Where active response is measured: clients and servers in namespaces of their own, the sensor beside the servers, a capture beside it.
 *
 *     client 10.81.0.1, 10.81.0.9 ──── veth "wire" ──── server 10.81.0.2: nginx, Node.js, Go, the sensor, tcpdump
 *                                                          └──── veth ──── hub: the satellite
 *
 * in: a directory · out: the servers, sensors to start, and what they sent
 *
 * Needs root, iproute2, nginx, tcpdump and Go.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Hub, openHub } from '../fleet/hub.js';
import { createNamespace, joinNamespaces, type Namespace, type Program } from '../live/namespace.js';

export interface Server {
  readonly name: string;
  readonly http1: string;
  /** In clear, with prior knowledge (RFC 9113 §3.3). */
  readonly http2: string;
  /** Null where it has none. */
  readonly sockets: string | null;
  /** For how many milliseconds what is endless went on, of all that has ended. */
  ended(): number[];
}

export interface Place {
  readonly client: Namespace;
  readonly hub: Hub;
  readonly servers: readonly Server[];
  /** Enrolled, where `enrols`. */
  startSensor(options: readonly string[], enrols?: boolean): Promise<Sensor>;
  remove(): Promise<void>;
}

export interface Sensor {
  readonly program: Program;
  /** Resets that the servers' host has sent since it was started, to the client or to itself, as `tcpdump` prints them. */
  resets(): string[];
  /** Stops it. Out: what its summary counts. */
  stop(): Promise<Readonly<Record<string, number>>>;
}

export const CLIENT = '10.81.0.1';
/** The same host, by another address. */
export const OTHER_CLIENT = '10.81.0.9';
const SERVER = '10.81.0.2';
const PORTS = { nginx: 8081, node: 8083, go: 8085 };
const SETTLE_MILLIS = 500;
const ROOT = join(import.meta.dirname, '../..');
const PROGRAMS = join(import.meta.dirname, 'programs');

export async function openPlace(directory: string): Promise<Place> {
  const program = join(ROOT, 'bin/pcap-sensor');
  const [client, server] = [createNamespace('client'), createNamespace('server')];
  joinNamespaces(
    { namespace: client, device: 'wire', address: `${CLIENT}/24` },
    { namespace: server, device: 'wire', address: `${SERVER}/24` },
  );
  client.run('ip', 'addr', 'add', `${OTHER_CLIENT}/24`, 'dev', 'wire');
  client.run('sysctl', '-qw', 'net.ipv4.ip_local_port_range=1024 65535');
  server.run('sysctl', '-qw', 'net.core.somaxconn=4096');
  const hub = await openHub({ spokes: [server], directory, program });
  const servers = await startServers(server, directory);
  let started = 0;
  return {
    client,
    hub,
    servers,
    async startSensor(options, enrols = true) {
      const number = started++;
      const capture = server.start(
        `capture${number}`,
        ['tcpdump', '-n', '-l', '--immediate-mode', '-i', 'any', 'tcp[tcpflags] & tcp-rst != 0'],
        { directory },
      );
      await capture.said('listening on');
      const sensor = server.start(
        `sensor${number}`,
        [
          ...[program, 'apidump', '--interfaces', 'wire', '--filter', 'tcp portrange 8081-8086', '--max-cpu', 'none'],
          ...['--satellite-url', hub.urlFor(0), '--log-format', 'json', ...options],
          ...(enrols ? ['--enrolment-key-file', hub.keyFile] : []),
        ],
        { directory },
      );
      await sensor.said('capturing on');
      if (enrols) await sensor.said('the OpAMP server answers');
      return {
        program: sensor,
        // What comes in by the wire the client's host sends: it resets some connections that it has closed.
        resets: () => linesOf(capture.output).filter((line) => line.includes('Flags [') && !/ wire +In /.test(line)),
        async stop() {
          await sleep(SETTLE_MILLIS);
          await sensor.stop('SIGINT', 20_000);
          await sleep(SETTLE_MILLIS);
          await capture.stop('SIGINT');
          return countersOf(sensor);
        },
      };
    },
    async remove() {
      for (const one of [client, server, hub]) await one.remove();
    },
  };
}

async function startServers(server: Namespace, directory: string): Promise<Server[]> {
  const go = join(ROOT, 'build/response-server');
  execFileSync('go', ['build', '-o', go, '.'], { cwd: join(PROGRAMS, 'go'), stdio: 'inherit' });
  writeFileSync(join(directory, 'nginx.conf'), nginxConfiguration(directory));
  writeFileSync(join(directory, 'slow'), Buffer.alloc(8 << 20));
  writeFileSync(join(directory, 'short'), 'ok');
  const nginx = server.start('nginx', ['nginx', '-p', directory, '-c', join(directory, 'nginx.conf')], { directory });
  const node = server.start('node', [process.execPath, join(PROGRAMS, 'server.js'), SERVER, String(PORTS.node)], {
    directory,
  });
  const goServer = server.start('go', [go, `${SERVER}:${PORTS.go}`], { directory });
  await nginx.listening(PORTS.nginx);
  await node.listening(PORTS.node);
  await goServer.listening(PORTS.go);
  const url = (port: number): string => `http://${SERVER}:${port}`;
  const about = (name: string, port: number, http2: number, file: string): Omit<Server, 'sockets'> => ({
    ...{ name, http1: url(port), http2: url(http2) },
    ended: () =>
      linesOf(file)
        .filter((line) => line.startsWith('ended '))
        .map((line) => Number(line.slice('ended '.length))),
  });
  const socketsAt = (port: number): string => `ws://${SERVER}:${port}`;
  return [
    { ...about('nginx', PORTS.nginx, PORTS.nginx + 1, join(directory, 'ended')), sockets: socketsAt(PORTS.nginx) },
    { ...about('Node.js', PORTS.node, PORTS.node + 1, node.output), sockets: socketsAt(PORTS.node) },
    { ...about('Go', PORTS.go, PORTS.go, goServer.output), sockets: null },
  ];
}

/** Its times are in seconds. Its WebSockets are those of the server of Node.js. */
function nginxConfiguration(directory: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${directory}/${name};`)
    .join(' ');
  return `
    daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error.log;
    worker_rlimit_nofile 16384;
    events { worker_connections 8192; }
    http {
      ${temporary} access_log off;
      map $request_time $millis { ~^0\\.0*(?<digits>\\d+)$ $digits; default 99999; }
      log_format ended 'ended $millis';
      server {
        listen ${SERVER}:${PORTS.nginx} backlog=4096; listen ${SERVER}:${PORTS.nginx + 1} http2;
        location / { return 200 ok; }
        location /admin/short { return 200 ok; }
        location /admin/slow/socket {
          proxy_pass http://${SERVER}:${PORTS.node}; proxy_http_version 1.1; access_log ${directory}/ended ended;
          proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
        }
        location /socket {
          proxy_pass http://${SERVER}:${PORTS.node}; proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
        }
        location /admin/slow { root ${directory}; limit_rate 1k; try_files /slow =404; access_log ${directory}/ended ended; }
      }
    }`;
}

export function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch {
    return []; // It has written nothing yet.
  }
}

function countersOf({ errors }: Program): Readonly<Record<string, number>> {
  const line = linesOf(errors).find((one) => one.includes('"msg":"summary"'));
  return (JSON.parse(line ?? '{}') as { counters?: Record<string, number> }).counters ?? {};
}
