/**
 * Clients whose connections match, and for how long they went on after they had asked for what matches.
 *
 * in: a server, how many · out: milliseconds for each connection that was ended, at the client and at the server
 */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CLIENT, linesOf, OTHER_CLIENT, type Place, type Sensor, type Server } from './place.js';

export interface Outcome {
  /** Connections that match. */
  readonly asked: number;
  /** Empty where the client does not say. */
  readonly atClient: readonly number[];
  readonly atServer: readonly number[];
}

type Case = (place: Place, server: Server, count: number) => Promise<Outcome>;

const ROOT = import.meta.dirname;
const SERVER_MILLIS = 1000;
const LINGER_MILLIS = 8000;

export const CASES: Readonly<Record<string, Case>> = {
  curl,
  /** All at once. It says for how long all of them went on, with what it took to connect. */
  'h2load, HTTP/2': (place, server, count) =>
    timed(server, count, async () => {
      const { output } = await h2load(place, `${server.http2}/admin/slow`, count, ['-T', '5s', '-N', '5s']);
      const [, taken = '', unit] = /finished in ([\d.]+)(us|ms|s)/.exec(output) ?? [];
      const { failed = 0 } = requestsOf(output);
      const millis = Number(taken) * (unit === 's' ? 1000 : unit === 'us' ? 0.001 : 1);
      return Array.from({ length: failed }, () => Math.round(millis));
    }),
  'a WebSocket': (place, server, count) =>
    timed(server, count, async () => {
      const { output } = await inClient(
        place,
        socketsCommand(`${server.sockets}/admin/slow/socket`, count, CLIENT, 500),
      );
      return endsIn(output).map(({ asked, ended }) => ended - asked);
    }),
};

/** One after the other. */
export async function curl(place: Place, server: Server, count: number): Promise<Outcome> {
  return timed(server, count, async () => {
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const format = '%{exitcode} %{time_pretransfer} %{time_total}';
      const { output } = await inClient(place, [
        ...['curl', '-s', '-m', '5', '-o', '/dev/null', '-w', format, `${server.http1}/admin/slow`],
      ]);
      const [code, asked = 0, ended = 0] = output.split(' ').map(Number);
      // CURLE_RECV_ERROR; what is not ended by others runs into the time for all.
      if (code === 56) times.push(Math.round((ended - asked) * 1000));
    }
    return times;
  });
}

/** WebSockets that are there already, when the satellite orders their client's to be ended. */
export async function orderedSockets(place: Place, sensor: Sensor, server: Server, count: number): Promise<Outcome> {
  const command = socketsCommand(`${server.sockets}/socket`, count, OTHER_CLIENT, LINGER_MILLIS);
  const others = inClient(place, socketsCommand(`${server.sockets}/socket`, count, CLIENT, LINGER_MILLIS));
  const going = inClient(place, command);
  await sleep(1500);
  const id = `o-${Date.now()}`;
  place.hub.ask('/api/fleet/orders', 'PUT', { id, match: `client=${OTHER_CLIENT}`, seconds: 60 });
  const [{ output }, { output: kept }] = await Promise.all([going, others]);
  place.hub.ask(`/api/fleet/orders?id=${id}`, 'DELETE');
  await sensor.program.said(`"order":"${id}","msg":"active response: an order is taken back"`);
  if (!kept.includes(`kept ${count}\n`)) throw new Error(`WebSockets of another client were ended: ${kept}`);
  const line = linesOf(sensor.program.errors).find((one) => one.includes('gives an order') && one.includes(id));
  const { time } = JSON.parse(line ?? '{}') as { time?: number | string };
  const ordered = typeof time === 'number' ? time : Date.parse(String(time));
  return { asked: count, atClient: endsIn(output).map(({ ended }) => ended - ordered), atServer: [] };
}

/** Connections of one request each, so many a second. Out: how many had their answer. */
export async function untouched(
  place: Place,
  server: Server,
  { connections, perSecond }: { readonly connections: number; readonly perSecond: number },
): Promise<number> {
  const pace = ['--rate-period', '100ms', '-r', String(Math.ceil(perSecond / 10))];
  const { output } = await h2load(place, `${server.http1}/ok`, connections, ['--h1', ...pace]);
  return requestsOf(output).succeeded ?? 0;
}

/** What matches a rule, and ends by itself. */
export async function shortOnes(place: Place, server: Server): Promise<void> {
  for (let i = 0; i < 5; i++) await inClient(place, ['curl', '-s', '-o', '/dev/null', `${server.http1}/admin/short`]);
  await h2load(place, `${server.http2}/admin/short`, 5, []);
  if (server.sockets === null) return;
  await inClient(place, socketsCommand(`${server.sockets}/admin/slow/socket`, 5, OTHER_CLIENT, 100));
}

async function timed(server: Server, count: number, run: () => Promise<number[]>): Promise<Outcome> {
  const before = server.ended().length;
  const atClient = await run();
  const latest = Date.now() + SERVER_MILLIS;
  while (server.ended().length < before + count && Date.now() < latest) await sleep(20);
  return { asked: count, atClient, atServer: server.ended().slice(before) };
}

function h2load(place: Place, url: string, connections: number, options: readonly string[]) {
  const count = String(connections);
  return inClient(place, ['h2load', '-c', count, '-n', count, '-m', '1', ...options, url]);
}

function requestsOf(output: string): Readonly<Record<string, number>> {
  const line = /^requests: (.*)$/m.exec(output)?.[1] ?? '';
  return Object.fromEntries([...line.matchAll(/(\d+) (\w+)/g)].map(([, number, name]) => [name, Number(number)]));
}

function socketsCommand(url: string, count: number, address: string, millis: number): string[] {
  return [process.execPath, `${ROOT}/programs/sockets.js`, url, String(count), address, String(millis)];
}

function endsIn(output: string): { asked: number; ended: number }[] {
  return [...output.matchAll(/^ended (\d+) (\d+)$/gm)].map(([, asked, ended]) => ({
    ...{ asked: Number(asked), ended: Number(ended) },
  }));
}

/** A client that is hung up on ends with a failure, which is no failure here. */
async function inClient({ client }: Place, command: readonly string[]): Promise<{ output: string }> {
  const words = ['netns', 'exec', client.name, ...command];
  try {
    const { stdout } = await promisify(execFile)('ip', words, { maxBuffer: 1 << 26 });
    return { output: stdout };
  } catch (error) {
    return { output: String((error as { stdout?: string }).stdout ?? '') };
  }
}
