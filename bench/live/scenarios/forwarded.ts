/**
 * A chain as CloudFront and an ALB make it: each proxy appends its peer to X-Forwarded-For. The client claims an address of
 * its own in front. The trusted proxies decide which address is the client's, read from the right.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { joinNamespaces, type Namespace } from '../namespace.js';
import { GO } from '../places.js';
import { type Scenario, type Stage, somePlan } from '../scenario.js';

const CLAIMED = '203.0.113.66';
const CLIENT = '198.51.100.7';
const EDGE = '10.97.0.2';
const BALANCER = '10.97.0.3';
const APPLICATION = '10.97.0.4';

async function startProxy(stage: Stage, namespace: Namespace, bind: string, next: string): Promise<void> {
  const directory = join(stage.directory, namespace.name);
  const file = `${directory}.conf`;
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    file,
    `
daemon off; worker_processes 1; user root; error_log stderr error; pid ${directory}.pid;
events { worker_connections 256; }
http {
  access_log off; client_max_body_size 10m;
  ${paths.map((name) => `${name}_temp_path ${directory}-${name};`).join(' ')}
  server {
    listen ${bind};
    location / {
      proxy_pass http://${next}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`,
  );
  const command = ['nginx', '-p', stage.directory, '-c', file];
  await namespace.start(`proxy-${bind}`, command, { directory: stage.directory }).listening(80);
}

function chain(name: string, options: readonly string[], origin: string): Scenario {
  return {
    name: `X-Forwarded-For of two proxies, ${name}`,
    needs: ['nginx', GO],
    async run(stage) {
      const client = stage.namespace('client');
      const edge = stage.namespace('edge');
      const balancer = stage.namespace('balancer');
      const task = stage.namespace('task');
      joinNamespaces(
        { namespace: client, device: 'eth0', address: `${CLIENT}/24` },
        { namespace: edge, device: 'eth0', address: '198.51.100.1/24' },
      );
      balancer.run('ip', 'link', 'add', 'br0', 'type', 'bridge');
      balancer.run('ip', 'link', 'set', 'br0', 'up');
      balancer.run('ip', 'addr', 'add', `${BALANCER}/24`, 'dev', 'br0');
      for (const [namespace, device, address] of [
        [edge, 'veth-edge', EDGE],
        [task, 'veth-task', APPLICATION],
      ] as const) {
        joinNamespaces(
          { namespace: balancer, device, address: '' },
          { namespace, device: 'eth1', address: `${address}/24` },
        );
        balancer.run('ip', 'link', 'set', device, 'master', 'br0');
      }
      const application = await stage.serve(task, 8080);
      await startProxy(stage, balancer, `${BALANCER}:80`, `${APPLICATION}:8080`);
      await startProxy(stage, edge, '198.51.100.1:80', BALANCER);
      const sensor = await stage.placeSensor(task, 'task', { hasSatellite: true, options });
      const exchanges = await stage.converse({
        from: client,
        to: 'http://198.51.100.1',
        plan: somePlan('x', stage.site, 9, () => [['X-Forwarded-For', CLAIMED]]),
        route: { client: BALANCER, server: APPLICATION, port: 8080, origin },
        application,
      });
      // The claim stays in its header, with what the proxies made of it.
      const header = ['X-Forwarded-For', `${CLAIMED}, ${CLIENT}, ${EDGE}`] as const;
      const isClaim = ([other]: readonly [string, string]) => other === 'X-Forwarded-For';
      sensor.expect(
        exchanges.map((exchange) => ({
          ...exchange,
          requestHeaders: exchange.requestHeaders.map((pair) => (isClaim(pair) ? header : pair)),
          // The proxies frame and name things anew; the client's word is of the outermost hop.
          responseHeaders: null,
        })),
      );
    },
  };
}

export const trustedPrivate = chain('private ranges trusted', [], CLIENT);
export const trustedNone = chain('none trusted', ['--trusted-proxies', 'none'], BALANCER);
export const trustedLast = chain('the last trusted', ['--trusted-proxies', `${BALANCER}/32`], EDGE);
export const trustedBoth = chain('both trusted by name', ['--trusted-proxies', '10.97.0.0/29'], CLIENT);
