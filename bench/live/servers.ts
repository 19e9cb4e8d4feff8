/** The servers: what each needs, how it starts, where it writes down what it received. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Namespace, Program } from './namespace.js';
import { CADDY, GO, JAVA_CLASSES, PROGRAMS, PYTHON } from './places.js';
import type { Site } from './plan.js';
import {
  apacheConfig,
  caddyConfig,
  haproxyConfig,
  lighttpdConfig,
  nginxConfig,
  nginxLocations,
  phpFpmConfig,
  phpFpmLocations,
  type ServerPlace,
} from './server-configs.js';
import { jsonLines, type ServerRecord } from './truth.js';

export interface Server {
  readonly name: string;
  /** Programs and files without which its rows are left out. */
  readonly needs: readonly string[];
  /**
   * Whether requests may come before the one in front is answered; gunicorn's gthread worker
   * waits for ever then, and PHP's own server ends the connection.
   */
  readonly hasPipelining?: boolean;
  /** Files to be written, and the programs to be started in order; the last one listens. */
  prepare(place: ServerPlace): ServerStart;
}

interface ServerStart {
  readonly files?: Readonly<Record<string, string>>;
  readonly commands: readonly (readonly string[])[];
  /** Whether it passes on to the application on `place.origin`. */
  readonly hasOrigin?: boolean;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Reads the log where it is not lines of a `ServerRecord` in `server.log`. */
  readonly readLog?: () => ServerRecord[];
}

export interface RunningServer {
  /** Ends it; some write their logs only then. */
  stop(): Promise<void>;
  readonly serverLog: () => ServerRecord[];
  readonly originLog: () => ServerRecord[];
}

const python = join(PROGRAMS, 'python');

export const SERVERS: readonly Server[] = [
  {
    name: 'nginx',
    needs: ['nginx'],
    prepare: (place) => ({
      files: { 'nginx.conf': nginxConfig(place, nginxLocations(place)) },
      commands: [['nginx', '-p', place.directory, '-c', join(place.directory, 'nginx.conf')]],
      hasOrigin: true,
    }),
  },
  {
    name: 'apache',
    needs: ['apache2'],
    prepare: (place) => ({
      files: { 'apache.conf': apacheConfig(place) },
      commands: [['apache2', '-DFOREGROUND', '-f', join(place.directory, 'apache.conf')]],
      hasOrigin: true,
      readLog: () => readRequestLines(join(place.directory, 'server.log')),
    }),
  },
  {
    name: 'lighttpd',
    needs: ['lighttpd'],
    prepare: (place) => ({
      files: { 'lighttpd.conf': lighttpdConfig(place) },
      commands: [['lighttpd', '-D', '-f', join(place.directory, 'lighttpd.conf')]],
      hasOrigin: true,
      readLog: () => readRequestLines(join(place.directory, 'server.log')),
    }),
  },
  {
    name: 'haproxy',
    needs: ['haproxy'],
    prepare: (place) => ({
      files: { 'haproxy.cfg': haproxyConfig(place) },
      commands: [['haproxy', '-db', '-f', join(place.directory, 'haproxy.cfg')]],
      hasOrigin: true,
      // A connection that ends without a request has a line too.
      readLog: () =>
        jsonLines<ServerRecord>(text(join(place.directory, 'server0.out'))).filter(
          ({ method }) => method !== '<BADREQ>',
        ),
    }),
  },
  {
    name: 'caddy',
    needs: [CADDY],
    prepare: (place) => ({
      files: { Caddyfile: caddyConfig(place) },
      commands: [[CADDY, 'run', '--adapter', 'caddyfile', '--config', join(place.directory, 'Caddyfile')]],
      hasOrigin: true,
      env: { HOME: place.directory },
      readLog: () =>
        jsonLines<CaddyRecord>(text(join(place.directory, 'server.log'))).map(({ request, status }) => ({
          method: request.method,
          target: request.uri,
          status,
        })),
    }),
  },
  {
    name: 'tomcat',
    needs: ['java', JAVA_CLASSES.split(':')[0] ?? ''],
    prepare: ({ port, directory }) => ({ commands: [java('TomcatServer', String(port), directory)] }),
  },
  {
    name: 'jetty',
    needs: ['java', JAVA_CLASSES.split(':')[0] ?? ''],
    prepare: ({ port }) => ({ commands: [java('JettyServer', String(port))] }),
  },
  {
    name: 'node',
    needs: [],
    prepare: ({ port }) => ({ commands: [[process.execPath, join(PROGRAMS, 'node/server.js'), String(port)]] }),
  },
  { name: 'go', needs: [GO], prepare: ({ port }) => ({ commands: [[GO, 'serve', String(port)]] }) },
  {
    name: 'gunicorn',
    hasPipelining: false,
    needs: [PYTHON],
    prepare: ({ port }) => ({
      commands: [
        [
          PYTHON,
          '-m',
          'gunicorn',
          '-b',
          `0.0.0.0:${port}`,
          '-k',
          'gthread',
          '--threads',
          '8',
          '--keep-alive',
          '60',
          'wsgi:app',
        ],
      ],
      cwd: python,
    }),
  },
  {
    name: 'uvicorn',
    needs: [PYTHON],
    prepare: ({ port }) => ({
      commands: [
        [
          PYTHON,
          '-m',
          'uvicorn',
          '--host',
          '0.0.0.0',
          '--port',
          String(port),
          '--no-access-log',
          '--timeout-keep-alive',
          '60',
          'asgi:app',
        ],
      ],
      cwd: python,
    }),
  },
  {
    name: 'aiohttp',
    needs: [PYTHON],
    prepare: ({ port }) => ({ commands: [[PYTHON, 'aiohttp_server.py', String(port)]], cwd: python }),
  },
  {
    name: 'http.server',
    needs: [PYTHON],
    prepare: ({ port }) => ({ commands: [[PYTHON, 'http_server.py', String(port)]], cwd: python }),
  },
  {
    name: 'php -S',
    hasPipelining: false,
    needs: ['php'],
    prepare: ({ port }) => ({ commands: [['php', '-q', '-S', `0.0.0.0:${port}`, join(PROGRAMS, 'php/index.php')]] }),
  },
  {
    name: 'php-fpm',
    needs: ['nginx', 'php-fpm8.2'],
    prepare: (place) => ({
      files: { 'nginx.conf': nginxConfig(place, phpFpmLocations(place)), 'fpm.conf': phpFpmConfig(place) },
      commands: [
        ['php-fpm8.2', '-F', '-R', '-y', join(place.directory, 'fpm.conf')],
        ['nginx', '-p', place.directory, '-c', join(place.directory, 'nginx.conf')],
      ],
      env: { LIVE_LOG: join(place.directory, 'origin.log') },
    }),
  },
];

interface CaddyRecord {
  readonly request: { readonly method: string; readonly uri: string };
  readonly status: number;
}

/** A log of request lines, for servers that have method and target as they were sent nowhere else. */
function readRequestLines(file: string): ServerRecord[] {
  return jsonLines<{ line: string; status: number }>(text(file)).map(({ line, status }) => {
    const [method = '', target = ''] = line.split(' ');
    return { method, target, status };
  });
}

function java(main: string, ...args: string[]): string[] {
  return ['java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto', '-cp', JAVA_CLASSES, main, ...args];
}

/** Starts the server, listening on every address of the namespace. */
export async function startServer(
  server: Server,
  namespace: Namespace,
  settings: { readonly port: number; readonly directory: string; readonly site: Site },
): Promise<RunningServer> {
  const directory = join(settings.directory, 'server');
  mkdirSync(directory, { recursive: true });
  const place = {
    port: settings.port,
    directory,
    site: settings.site.directory,
    origin: join(directory, 'origin.sock'),
  };
  const { files = {}, commands, hasOrigin = false, cwd, env = {}, readLog } = server.prepare(place);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  const logs = { server: join(directory, 'server.log'), origin: join(directory, 'origin.log') };
  const common = { LIVE_PAGE: settings.site.page, PYTHONDONTWRITEBYTECODE: '1' };
  if (hasOrigin) {
    const command = [process.execPath, join(PROGRAMS, 'node/server.js'), place.origin];
    namespace.start('origin', command, { directory, env: { ...common, LIVE_LOG: logs.origin } });
    await appeared(place.origin);
  }
  const started: Program[] = [];
  for (const command of commands) {
    started.push(
      namespace.start(`server${started.length}`, command, {
        directory,
        env: { ...common, LIVE_LOG: logs.server, ...env },
        ...(cwd === undefined ? {} : { cwd }),
      }),
    );
  }
  await started.at(-1)?.listening(settings.port);
  return {
    stop: async () => void (await Promise.all(started.map((program) => program.stop()))),
    serverLog: readLog ?? (() => jsonLines(text(logs.server))),
    originLog: () => jsonLines(text(logs.origin)),
  };
}

async function appeared(file: string): Promise<void> {
  const latest = Date.now() + 10_000;
  while (!existsSync(file)) {
    if (Date.now() > latest) throw new Error(`${file} did not appear`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function text(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
