/**
 * HAProxy in front of an application, passing connections on with the PROXY protocol. Beside the application the client is
 * the one that HAProxy names; where both hops are seen, they are one exchange.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { joinNamespaces, type Namespace } from '../namespace.js';
import { GO } from '../places.js';
import { bothLegs, type Scenario, type Stage, somePlan } from '../scenario.js';

const CLIENT = '198.51.100.7';
const FRONT = '198.51.100.1';
const BACK = '10.96.1.1';
const APPLICATION = '10.96.1.2';
const EXCHANGES = 18;

/** `bind` and `server` are addresses of HAProxy's two sides; `send` is `send-proxy` or `send-proxy-v2`. */
async function startHaproxy(stage: Stage, namespace: Namespace, bind: string, server: string, send: string) {
  const config = `
global
  maxconn 1000
defaults
  mode tcp
  timeout client 30s
  timeout server 30s
  timeout connect 5s
listen front
  bind ${bind}
  server application ${server} ${send}
`;
  const file = join(stage.directory, `haproxy-${namespace.name}.cfg`);
  writeFileSync(file, config);
  const program = namespace.start('haproxy', ['haproxy', '-db', '-f', file], { directory: stage.directory });
  await program.listening(80);
}

/** HAProxy again, taking the PROXY protocol off for an application that knows nothing of it, over a Unix socket. */
async function startReceiver(stage: Stage, namespace: Namespace, bind: string) {
  const file = join(stage.directory, `receiver-${namespace.name}.cfg`);
  const socket = join(stage.directory, 'application.sock');
  const log = join(stage.directory, 'application.log');
  writeFileSync(
    file,
    `
global
  maxconn 1000
defaults
  mode tcp
  timeout client 30s
  timeout server 30s
  timeout connect 5s
listen back
  bind ${bind} accept-proxy
  server application unix@${socket}
`,
  );
  const { directory, site } = stage;
  const env = { LIVE_PAGE: site.page, LIVE_LOG: log };
  const application = namespace.start('application', [GO, 'serve', `unix:${socket}`], { directory, env });
  await application.said('serving');
  await namespace.start('receiver', ['haproxy', '-db', '-f', file], { directory }).listening(8080);
  return { log, program: application };
}

function besideApplication(version: 'v1' | 'v2', send: string): Scenario {
  return {
    name: `PROXY protocol ${version}, sensor beside the application`,
    needs: ['haproxy', GO],
    async run(stage) {
      const client = stage.namespace('client');
      const balancer = stage.namespace('balancer');
      const task = stage.namespace('task');
      joinNamespaces(
        { namespace: client, device: 'eth0', address: `${CLIENT}/24` },
        { namespace: balancer, device: 'eth0', address: `${FRONT}/24` },
      );
      joinNamespaces(
        { namespace: balancer, device: 'eth1', address: `${BACK}/24` },
        { namespace: task, device: 'eth1', address: `${APPLICATION}/24` },
      );
      const application = await startReceiver(stage, task, `${APPLICATION}:8080`);
      await startHaproxy(stage, balancer, `${FRONT}:80`, `${APPLICATION}:8080`, send);
      const sensor = await stage.placeSensor(task, 'task', { hasSatellite: true });
      sensor.expect(
        await stage.converse({
          from: client,
          to: `http://${FRONT}`,
          plan: somePlan('p', stage.site, EXCHANGES),
          route: { client: null, server: APPLICATION, port: 8080, origin: CLIENT },
          application,
          connections: 2,
        }),
      );
    },
  };
}

function onOneHost(version: 'v1' | 'v2', send: string, hasBoth = false): Scenario {
  return {
    name: `PROXY protocol ${version}, ${hasBoth ? '--keep-duplicates: ' : ''}both hops on one host`,
    needs: ['haproxy', GO],
    async run(stage) {
      const client = stage.namespace('client');
      const host = stage.namespace('host');
      joinNamespaces(
        { namespace: client, device: 'eth0', address: `${CLIENT}/24` },
        { namespace: host, device: 'eth0', address: `${FRONT}/24` },
      );
      const application = await startReceiver(stage, host, '127.0.0.1:8080');
      await startHaproxy(stage, host, `${FRONT}:80`, '127.0.0.1:8080', send);
      const options = hasBoth ? ['--keep-duplicates'] : [];
      const sensor = await stage.placeSensor(host, 'host', { hasSatellite: true, options });
      const exchanges = await stage.converse({
        from: client,
        to: `http://${FRONT}`,
        plan: somePlan('h', stage.site, EXCHANGES),
        route: { client: CLIENT, server: FRONT, port: 80, origin: CLIENT },
        application,
        connections: 2,
      });
      sensor.expect(
        hasBoth ? bothLegs(exchanges, { client: '127.0.0.1', server: '127.0.0.1', port: 8080 }) : exchanges,
      );
    },
  };
}

export const proxyV1 = besideApplication('v1', 'send-proxy');
export const proxyV2 = besideApplication('v2', 'send-proxy-v2');
export const proxyV1OneHost = onOneHost('v1', 'send-proxy');
export const proxyV2OneHost = onOneHost('v2', 'send-proxy-v2');
export const proxyV1Duplicates = onOneHost('v1', 'send-proxy', true);
