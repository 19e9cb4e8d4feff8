/**
 * A VXLAN between two hosts. A sensor on a host sees the connection inside the tunnel on one interface and the tunnel itself
 * on the other; each exchange is reported once, with the addresses inside.
 */

import { joinNamespaces } from '../namespace.js';
import { GO } from '../places.js';
import { type Scenario, somePlan } from '../scenario.js';

function tunnel(name: string, port: number): Scenario {
  return {
    name,
    needs: [GO],
    async run(stage) {
      const near = stage.namespace('near');
      const far = stage.namespace('far');
      joinNamespaces(
        { namespace: near, device: 'eth0', address: '10.92.0.1/24' },
        { namespace: far, device: 'eth0', address: '10.92.0.2/24' },
        1550,
      );
      const ends = [
        { namespace: near, remote: '10.92.0.2', address: '10.240.0.1/24' },
        { namespace: far, remote: '10.92.0.1', address: '10.240.0.2/24' },
      ];
      for (const { namespace, remote, address } of ends) {
        const type = ['type', 'vxlan', 'id', '42', 'remote', remote, 'dstport', String(port), 'dev', 'eth0'];
        namespace.run('ip', 'link', 'add', 'vxlan42', 'mtu', '1500', ...type);
        namespace.run('ip', 'addr', 'add', address, 'dev', 'vxlan42');
        namespace.run('ip', 'link', 'set', 'vxlan42', 'up');
      }
      const application = await stage.serve(far, 8080);
      const sensors = [await stage.placeSensor(near, 'near'), await stage.placeSensor(far, 'far')];
      const exchanges = await stage.converse({
        from: near,
        to: 'http://10.240.0.2:8080',
        plan: somePlan('v', stage.site, 18),
        route: { client: '10.240.0.1', server: '10.240.0.2', port: 8080 },
        application,
      });
      for (const sensor of sensors) sensor.expect(exchanges);
    },
  };
}

export const vxlan = tunnel('VXLAN inside and outside, port 4789', 4789);
export const flannel = tunnel('VXLAN inside and outside, port 8472', 8472);
