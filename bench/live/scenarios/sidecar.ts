/**
 * A real Envoy beside the application behind iptables REDIRECT, wired as ECS Service Connect is: names of other services are
 * addresses of 127.255.0.0/16 that are redirected to Envoy's listener, and what arrives for the application goes to Envoy's
 * other listener first. On `lo` requests go to the listener's address, and responses come from the address that was called.
 *
 * A call goes to the address that the application called, and is reported once where both hops carry the same id.
 */
import { joinNamespaces } from '../namespace.js';
import { ENVOY, GO } from '../places.js';
import { type Scenario, type Stage, somePlan } from '../scenario.js';
import type { Route, TrueExchange } from '../truth.js';

const TASK = '10.94.0.2';
const PEER = '10.94.0.3';
/** What Service Connect has `orders` stand for in the task's /etc/hosts. */
const SERVICE = '127.255.0.1';
const OUTBOUND = 15001;
const INBOUND = 15000;
/** The group that Envoy runs in, whose own connections are left alone. */
const ENVOY_GROUP = '1337';
const EXCHANGES = 30;

function envoyConfig(): string {
  const listener = (name: string, address: string, port: number, cluster: string) => ({
    name,
    address: { socket_address: { address, port_value: port } },
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
              stat_prefix: name,
              preserve_external_request_id: true,
              http_filters: [
                {
                  name: 'envoy.filters.http.router',
                  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
                },
              ],
              route_config: {
                virtual_hosts: [{ name, domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster } }] }],
              },
            },
          },
        ],
      },
    ],
  });
  const cluster = (name: string, address: string) => ({
    name,
    type: 'STATIC',
    connect_timeout: '5s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address, port_value: 8080 } } } }] }],
    },
  });
  return JSON.stringify({
    static_resources: {
      listeners: [
        listener('outbound', '127.0.0.1', OUTBOUND, 'orders'),
        listener('inbound', '0.0.0.0', INBOUND, 'application'),
      ],
      clusters: [cluster('orders', PEER), cluster('application', '127.0.0.1')],
    },
  });
}

async function makeTask(stage: Stage) {
  const task = stage.namespace('task');
  const peer = stage.namespace('peer');
  joinNamespaces(
    { namespace: task, device: 'eth1', address: `${TASK}/24` },
    { namespace: peer, device: 'eth1', address: `${PEER}/24` },
    9001,
  );
  const nat = (...rule: string[]) => task.run('iptables', '-t', 'nat', '-A', ...rule);
  nat('OUTPUT', '-m', 'owner', '--gid-owner', ENVOY_GROUP, '-j', 'RETURN');
  nat('OUTPUT', '-p', 'tcp', '-d', '127.255.0.0/16', '-j', 'REDIRECT', '--to-ports', String(OUTBOUND));
  nat('PREROUTING', '-p', 'tcp', '-i', 'eth1', '--dport', '8080', '-j', 'REDIRECT', '--to-ports', String(INBOUND));
  const group = ['setpriv', '--regid', ENVOY_GROUP, '--clear-groups'];
  const options = ['--disable-hot-restart', '--log-level', 'warn'];
  const envoy = task.start('envoy', [...group, ENVOY, '--config-yaml', envoyConfig(), ...options], {
    directory: stage.directory,
  });
  const applications = { own: await stage.serve(task, 8080), orders: await stage.serve(peer, 8080) };
  await envoy.listening(OUTBOUND);
  await envoy.listening(INBOUND);
  return { task, peer, applications };
}

function sidecar(name: string, hasIds: boolean, options: readonly string[] = []): Scenario {
  const isOnce = hasIds && options.length === 0;
  return {
    name: `Envoy behind REDIRECT, ${name}`,
    needs: ['iptables', 'setpriv', ENVOY, GO],
    async run(stage) {
      const { task, peer, applications } = await makeTask(stage);
      const sensor = await stage.placeSensor(task, 'task', { options });
      const ids = (prefix: string) => (i: number) =>
        hasIds
          ? ([
              ['X-Request-Id', `${prefix}-request-${i}`],
              [
                'Traceparent',
                `00-${'0'.repeat(27)}${prefix === 'o' ? 1 : 2}${String(i).padStart(4, '0')}-00000000000000aa-01`,
              ],
            ] as const)
          : [];
      const outbound = await stage.converse({
        from: task,
        to: `http://${SERVICE}:8080`,
        plan: somePlan('o', stage.site, EXCHANGES, ids('o')),
        route: { client: '127.0.0.1', server: SERVICE, port: 8080 },
        application: applications.orders,
      });
      const inbound = await stage.converse({
        from: peer,
        to: `http://${TASK}:8080`,
        plan: somePlan('i', stage.site, EXCHANGES, ids('i')),
        route: { client: PEER, server: TASK, port: 8080 },
        application: applications.own,
      });
      const inner = isOnce
        ? []
        : [
            ...innerHop(outbound, { client: TASK, server: PEER, port: 8080 }),
            ...innerHop(inbound, { client: '127.0.0.1', server: '127.0.0.1', port: 8080 }),
          ];
      // What is known to be two hops of one call is named.
      const named = (leg: 'outer' | 'inner', exchanges: readonly TrueExchange[]) =>
        hasIds ? exchanges.map((exchange) => ({ ...exchange, route: { ...exchange.route, leg } })) : exchanges;
      sensor.expect([...named('outer', [...outbound, ...inbound]), ...named('inner', inner)]);
    },
  };
}

/** The hop between Envoy and the application, whose heads Envoy has written. */
function innerHop(exchanges: readonly TrueExchange[], route: Route) {
  return exchanges.map((exchange) => ({ ...exchange, responseHeaders: null, route }));
}

export const sidecarWithIds = sidecar('ids that both hops carry', true);
export const sidecarWithoutIds = sidecar('no ids: both hops', false);
export const sidecarDuplicates = sidecar('--keep-duplicates: both hops', true, ['--keep-duplicates']);
