/**
 * Three namespaces on a bridge, a sensor in each, as tasks of a bridge network have them: each sensor sees what its own
 * namespace says and hears, and nothing of what the others say to each other.
 */

import { joinNamespaces, type Namespace } from '../namespace.js';
import { GO } from '../places.js';
import { type Scenario, somePlan } from '../scenario.js';

const MEMBERS = { a: '10.93.0.1', b: '10.93.0.2', c: '10.93.0.3' } as const;
type Member = keyof typeof MEMBERS;
const CALLS: readonly (readonly [Member, Member])[] = [
  ['c', 'a'],
  ['c', 'b'],
  ['a', 'b'],
];

export const bridge: Scenario = {
  name: 'bridge, three namespaces, three sensors',
  needs: [GO],
  async run(stage) {
    const host = stage.namespace('bridge');
    host.run('ip', 'link', 'add', 'br0', 'type', 'bridge');
    host.run('ip', 'link', 'set', 'br0', 'up');
    const join = (name: Member): Namespace => {
      const namespace = stage.namespace(name);
      joinNamespaces(
        { namespace: host, device: `veth-${name}`, address: '' },
        { namespace, device: 'eth0', address: `${MEMBERS[name]}/24` },
      );
      host.run('ip', 'link', 'set', `veth-${name}`, 'master', 'br0');
      return namespace;
    };
    const namespaces = { a: join('a'), b: join('b'), c: join('c') };
    const applications = { a: await stage.serve(namespaces.a, 8080), b: await stage.serve(namespaces.b, 8080) };
    const sensors = {
      a: await stage.placeSensor(namespaces.a, 'a'),
      b: await stage.placeSensor(namespaces.b, 'b'),
      c: await stage.placeSensor(namespaces.c, 'c'),
    };
    const calls = CALLS.map(async ([from, to]) => ({
      from,
      to,
      exchanges: await stage.converse({
        from: namespaces[from],
        to: `http://${MEMBERS[to]}:8080`,
        plan: somePlan(`${from}${to}`, stage.site, 27),
        route: { client: MEMBERS[from], server: MEMBERS[to], port: 8080 },
        application: applications[to as 'a' | 'b'],
        connections: 3,
      }),
    }));
    const held = await Promise.all(calls);
    for (const name of ['a', 'b', 'c'] as const) {
      sensors[name].expect(
        held.filter(({ from, to }) => from === name || to === name).flatMap(({ exchanges }) => exchanges),
      );
    }
  },
};
