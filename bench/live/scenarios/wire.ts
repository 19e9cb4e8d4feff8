/**
 * Wires that are not loopback: loss and delay, jumbo frames, many connections, large bodies over a long fast path. Every byte
 * reaches the programs, so every byte must be in the traces, at both ends.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { joinNamespaces, type Namespace } from '../namespace.js';
import { GO } from '../places.js';
import { bytesOf, type PlanItem } from '../plan.js';
import { type Scenario, type Stage, somePlan } from '../scenario.js';

const NEAR = '10.95.0.1';
const FAR = '10.95.0.2';

/** What a busy machine makes the ring lose is not the question here. */
const ROOM = ['--ring-size', '128'];

/** Two namespaces joined by a wire of `live-go link`. */
async function makeLink(stage: Stage, delay: string, loss: number): Promise<{ near: Namespace; far: Namespace }> {
  const near = stage.namespace('near');
  const far = stage.namespace('far');
  const ends = [`${near.name}:tun0`, `${far.name}:tun0`];
  const wire = near.start('link', [GO, 'link', '-delay', delay, '-loss', String(loss), ...ends], {
    directory: stage.directory,
  });
  await wire.said('linked');
  for (const [namespace, own, other] of [
    [near, NEAR, FAR],
    [far, FAR, NEAR],
  ] as const) {
    namespace.run('ip', 'addr', 'add', own, 'peer', other, 'dev', 'tun0');
    namespace.run('ip', 'link', 'set', 'tun0', 'up', 'txqueuelen', '10000');
    // Windows as hosts on fast paths have them.
    namespace.run('sysctl', '-qw', 'net.ipv4.tcp_rmem=4096 131072 33554432');
    namespace.run('sysctl', '-qw', 'net.ipv4.tcp_wmem=4096 131072 33554432');
  }
  return { near, far };
}

export const loss: Scenario = {
  name: 'loss of 2 % at 10 ms, 20 connections',
  needs: [GO],
  async run(stage) {
    const { near, far } = await makeLink(stage, '5ms', 0.02);
    const application = await stage.serve(far, 8080);
    const sensors = [
      await stage.placeSensor(near, 'near', { options: ROOM }),
      await stage.placeSensor(far, 'far', { options: ROOM }),
    ];
    const exchanges = await stage.converse({
      from: near,
      to: `http://${FAR}:8080`,
      plan: somePlan('l', stage.site, 600),
      route: { client: NEAR, server: FAR, port: 8080 },
      application,
      connections: 20,
    });
    for (const sensor of sensors) sensor.expect(exchanges);
  },
};

export const jumbo: Scenario = {
  name: 'MTU 9001',
  needs: ['ethtool', GO],
  async run(stage) {
    const near = stage.namespace('near');
    const far = stage.namespace('far');
    joinNamespaces(
      { namespace: near, device: 'eth1', address: `${NEAR}/24` },
      { namespace: far, device: 'eth1', address: `${FAR}/24` },
      9001,
    );
    // Frames as they are on a wire, not as the kernel joins them before.
    for (const namespace of [near, far])
      namespace.run('ethtool', '-K', 'eth1', 'tso', 'off', 'gso', 'off', 'gro', 'off');
    const application = await stage.serve(far, 8080);
    const sensors = [
      await stage.placeSensor(near, 'near', { options: ROOM }),
      await stage.placeSensor(far, 'far', { options: ROOM }),
    ];
    const exchanges = await stage.converse({
      from: near,
      to: `http://${FAR}:8080`,
      plan: somePlan('j', stage.site, 180),
      route: { client: NEAR, server: FAR, port: 8080 },
      application,
      connections: 4,
    });
    for (const sensor of sensors) sensor.expect(exchanges);
  },
};

export const manyConnections: Scenario = {
  name: '500 connections',
  needs: [GO],
  isHeavy: true,
  async run(stage) {
    const task = stage.namespace('task');
    const application = await stage.serve(task, 8080);
    const sensor = await stage.placeSensor(task, 'task', { options: ROOM });
    sensor.expect(
      await stage.converse({
        from: task,
        to: 'http://127.0.0.1:8080',
        plan: somePlan('m', stage.site, 4500),
        route: { client: '127.0.0.1', server: '127.0.0.1', port: 8080 },
        application,
        connections: 500,
        // Flat out it would be a question of how fast the machine is.
        pause: '1s',
      }),
    );
  },
};

/** A sensor that was stopped under load twice reports less, but nothing that was not so. */
export const overrun: Scenario = {
  name: 'ring run over twice, bodies of HTTP text: nothing made up',
  needs: [GO],
  isHeavy: true,
  async run(stage) {
    const task = stage.namespace('task');
    const application = await stage.serve(task, 8080);
    const sensor = await stage.placeSensor(task, 'task', { options: ['--ring-size', '1'], isLossy: true });
    const [exchanges] = await Promise.all([
      stage.converse({
        from: task,
        to: 'http://127.0.0.1:8080',
        plan: somePlan('r', stage.site, 3600),
        route: { client: '127.0.0.1', server: '127.0.0.1', port: 8080 },
        application,
        connections: 12,
      }),
      (async () => {
        for (const millis of [400, 400]) {
          await sleep(millis);
          await sensor.pause(200);
        }
      })(),
    ]);
    sensor.expect(exchanges);
  },
};

interface LargeSettings {
  readonly name: string;
  readonly bytes: number;
  readonly congestion: string;
  readonly options?: readonly string[];
  readonly bodyBytesMax?: number;
}

/** Uploads and downloads of `bytes` each, at the same time, over 80 ms with 0.05 % loss. */
function largeBodies({ name, bytes, congestion, options = [], bodyBytesMax }: LargeSettings): Scenario {
  return {
    name,
    needs: [GO],
    isHeavy: true,
    async run(stage) {
      const { near, far } = await makeLink(stage, '40ms', 0.0005);
      for (const namespace of [near, far]) {
        namespace.run('sysctl', '-qw', `net.ipv4.tcp_congestion_control=${congestion}`);
      }
      const file = join(stage.directory, 'large');
      writeFileSync(file, bytesOf(bytes, 11));
      const application = await stage.serve(far, 8080, file);
      const limit = bodyBytesMax === undefined ? {} : { bodyBytesMax };
      const sensors = [
        await stage.placeSensor(near, 'near', { options: [...ROOM, ...options], ...limit }),
        await stage.placeSensor(far, 'far', { options: [...ROOM, ...options], ...limit }),
      ];
      const exchanges = await stage.converse({
        from: near,
        to: `http://${FAR}:8080`,
        plan: [
          large('u0', 'PUT', '/store', file),
          large('d0', 'GET', '/page.txt', null),
          large('u1', 'PUT', '/store', file),
        ],
        route: { client: NEAR, server: FAR, port: 8080 },
        application,
        connections: 3,
        millisMax: 300_000,
      });
      for (const sensor of sensors) sensor.expect(exchanges);
    },
  };
}

function large(id: string, method: string, path: string, body: string | null): PlanItem {
  const headers = body === null ? [] : [['Content-Type', 'application/octet-stream'] as const];
  return {
    id,
    method,
    target: `${path}?id=${id}`,
    headers,
    body,
    isChunked: false,
    isFollowed: false,
    isClosing: false,
  };
}

const MEGABYTE = 1_000_000;
export const nineMegabytes = largeBodies({
  name: '9 MB bodies, 80 ms, 0.05 %, reno',
  bytes: 9 * MEGABYTE,
  congestion: 'reno',
});
export const nineMegabytesFast = largeBodies({
  name: '9 MB bodies, 80 ms, 0.05 %, bbr',
  bytes: 9 * MEGABYTE,
  congestion: 'bbr',
});
export const fiftyMegabytes = largeBodies({
  name: '50 MB bodies, 80 ms, 0.05 %, as it ships',
  bytes: 50 * MEGABYTE,
  congestion: 'bbr',
  bodyBytesMax: 10 * MEGABYTE,
});
export const fiftyMegabytesWhole = largeBodies({
  name: '50 MB bodies, 80 ms, 0.05 %, kept whole',
  bytes: 50 * MEGABYTE,
  congestion: 'bbr',
  options: ['--max-http-length', '60000000', '--max-memory', '1073741824'],
});
