/**
 * Address translation on one host, as Docker and kube-proxy do it: the sensor on the host sees a connection on both sides of
 * it. Each exchange is reported once, from its real client, to the address that the client called.
 */

import { joinNamespaces, type Namespace } from '../namespace.js';
import { GO } from '../places.js';
import { bothLegs, type Scenario, type Stage, somePlan } from '../scenario.js';

const CLIENT = '10.90.1.2';
const HOST = '10.90.1.1';
const BRIDGE = '172.31.0.1';
const POD = '172.31.0.2';
const EXCHANGES = 18;
/** Each packet is captured on three interfaces; what a busy machine makes a ring lose is not the question here. */
const ROOM = ['--ring-size', '64'];

/** A client, a host that forwards, and a container on a bridge of the host. */
function makeHost(stage: Stage): { client: Namespace; host: Namespace; pod: Namespace } {
  const client = stage.namespace('client');
  const host = stage.namespace('host');
  const pod = stage.namespace('pod');
  joinNamespaces(
    { namespace: client, device: 'eth0', address: `${CLIENT}/24` },
    { namespace: host, device: 'eth0', address: `${HOST}/24` },
  );
  joinNamespaces(
    { namespace: host, device: 'veth1', address: '' },
    { namespace: pod, device: 'eth0', address: `${POD}/24` },
  );
  host.run('ip', 'link', 'add', 'br0', 'type', 'bridge');
  host.run('ip', 'link', 'set', 'veth1', 'master', 'br0');
  host.run('ip', 'addr', 'add', `${BRIDGE}/24`, 'dev', 'br0');
  host.run('ip', 'link', 'set', 'br0', 'up');
  host.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  client.run('ip', 'route', 'add', 'default', 'via', HOST);
  pod.run('ip', 'route', 'add', 'default', 'via', BRIDGE);
  return { client, host, pod };
}

interface Published {
  readonly name: string;
  translate(host: Namespace): void;
  /** The address that the container is called from, where both legs are asked for. */
  readonly inner?: string;
  readonly connections?: number;
}

function publishedPort({ name, translate, inner, connections = 1 }: Published): Scenario {
  return {
    name,
    needs: ['nft', 'iptables', GO],
    async run(stage) {
      const { client, host, pod } = makeHost(stage);
      translate(host);
      const application = await stage.serve(pod, 80);
      const options = [...ROOM, ...(inner === undefined ? [] : ['--keep-duplicates'])];
      const sensor = await stage.placeSensor(host, 'host', { options });
      const exchanges = await stage.converse({
        from: client,
        to: `http://${HOST}:8080`,
        plan: somePlan('n', stage.site, EXCHANGES * connections),
        route: { client: CLIENT, server: HOST, port: 8080 },
        application,
        connections,
      });
      sensor.expect(inner === undefined ? exchanges : bothLegs(exchanges, { client: inner, server: POD, port: 80 }));
    },
  };
}

function dnat(host: Namespace): void {
  host.run('nft', 'add table ip nat');
  host.run('nft', 'add chain ip nat pre { type nat hook prerouting priority dstnat; }');
  host.run('nft', `add rule ip nat pre iifname eth0 tcp dport 8080 dnat to ${POD}:80`);
}

function dnatAndMasquerade(host: Namespace): void {
  dnat(host);
  host.run('nft', 'add chain ip nat post { type nat hook postrouting priority srcnat; }');
  host.run('nft', 'add rule ip nat post oifname br0 masquerade');
}

export const dockerPublished = publishedPort({ name: 'NAT: published port, DNAT by nftables', translate: dnat });

export const dockerPublishedOften = publishedPort({
  name: 'NAT: published port, 12 connections at once',
  translate: dnat,
  connections: 12,
});

export const dockerPublishedIptables = publishedPort({
  name: 'NAT: published port, DNAT by iptables',
  translate(host) {
    const rule = ['-A', 'PREROUTING', '-i', 'eth0', '-p', 'tcp', '--dport', '8080'];
    host.run('iptables', '-t', 'nat', ...rule, '-j', 'DNAT', '--to-destination', `${POD}:80`);
  },
});

export const nodePort = publishedPort({ name: 'NAT: node port, DNAT and masquerade', translate: dnatAndMasquerade });

export const publishedDuplicates = publishedPort({
  name: 'NAT: published port, --keep-duplicates: both legs',
  translate: dnat,
  inner: CLIENT,
});

export const nodePortDuplicates = publishedPort({
  name: 'NAT: node port, --keep-duplicates: both legs',
  translate: dnatAndMasquerade,
  inner: BRIDGE,
});

/** Pods with a wire of their own each, routed by the node. */
export const clusterIp: Scenario = {
  name: 'NAT: cluster address, both pods on the node',
  needs: ['nft', GO],
  async run(stage) {
    const node = stage.namespace('node');
    const caller = stage.namespace('caller');
    const callee = stage.namespace('callee');
    node.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    const pods = [
      { namespace: caller, address: '10.244.0.3', device: 'cali3' },
      { namespace: callee, address: '10.244.0.4', device: 'cali4' },
    ];
    for (const { namespace, address, device } of pods) {
      joinNamespaces({ namespace: node, device, address: '' }, { namespace, device: 'eth0', address: `${address}/32` });
      node.run('ip', 'addr', 'add', '10.244.0.1/32', 'dev', device);
      node.run('ip', 'route', 'add', `${address}/32`, 'dev', device);
      namespace.run('ip', 'route', 'add', '10.244.0.1', 'dev', 'eth0');
      namespace.run('ip', 'route', 'add', 'default', 'via', '10.244.0.1');
    }
    node.run('nft', 'add table ip nat');
    node.run('nft', 'add chain ip nat pre { type nat hook prerouting priority dstnat; }');
    node.run('nft', 'add rule ip nat pre ip daddr 10.96.0.10 tcp dport 80 dnat to 10.244.0.4:8080');
    const application = await stage.serve(callee, 8080);
    const sensor = await stage.placeSensor(node, 'node');
    const exchanges = await stage.converse({
      from: caller,
      to: 'http://10.96.0.10:80',
      plan: somePlan('c', stage.site, EXCHANGES),
      route: { client: '10.244.0.3', server: '10.96.0.10', port: 80 },
      application,
    });
    sensor.expect(exchanges);
  },
};
