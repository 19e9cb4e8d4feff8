/** Redis as a child process of a test, which takes `needs('redis-server')`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createClient } from '@redis/client';
import { freePort } from './free-port.js';

export interface Redis {
  readonly port: number;
  /** Publishes on a channel; resolves to how many received it. */
  publish(channel: string, message: string | object): Promise<number>;
  /** Runs any command. */
  command(...words: string[]): Promise<unknown>;
  /** Results that came on the channels of results so far. */
  readonly results: RedisResult[];
  /** Resolves when so many results fit. */
  resultsLike(fits: (result: RedisResult) => boolean, count?: number): Promise<RedisResult[]>;
  stop(): Promise<void>;
}

export interface RedisResult {
  readonly channel: string;
  readonly status: string;
  readonly node: string;
  readonly reason: string;
  readonly [name: string]: any;
}

export interface RedisServerSettings {
  readonly port?: number;
  readonly words?: readonly string[];
  readonly login?: { readonly username?: string; readonly password?: string };
  readonly tls?: { readonly ca: string };
}

/** The server alone. */
export async function startRedisServer({
  port,
  words = [],
}: RedisServerSettings = {}): Promise<{ port: number; stop(): Promise<void> }> {
  const own = port ?? (await freePort());
  const listen = words.includes('--tls-port') ? [] : ['--port', String(own)];
  const child: ChildProcess = spawn('redis-server', ['--save', '', '--appendonly', 'no', ...listen, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('Ready to accept connections')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`redis-server exited with ${code}: ${said}`)));
  });
  return {
    port: own,
    async stop() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** The server, and a client that publishes and listens for results. */
export async function startRedis(settings: RedisServerSettings = {}): Promise<Redis> {
  const server = await startRedisServer(settings);
  const { login = {}, tls } = settings;
  const socket = { host: '127.0.0.1', port: server.port };
  const client = createClient({
    RESP: 2,
    ...login,
    socket: tls === undefined ? socket : { ...socket, tls: true, ca: tls.ca },
  });
  client.on('error', () => {});
  const listener = client.duplicate();
  listener.on('error', () => {});
  await client.connect();
  await listener.connect();
  const results: RedisResult[] = [];
  const waiting = new Set<() => void>();
  await listener.pSubscribe(['*.results', 'answers'], (text, channel) => {
    results.push({ ...JSON.parse(text), channel });
    for (const look of waiting) look();
  });
  return {
    port: server.port,
    results,
    publish: (channel, message) =>
      client.publish(channel, typeof message === 'string' ? message : JSON.stringify(message)),
    command: (...words) => client.sendCommand(words),
    resultsLike: (fits, count = 1) =>
      new Promise((resolve) => {
        const look = () => {
          const found = results.filter(fits);
          if (found.length < count) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    async stop() {
      client.destroy();
      listener.destroy();
      await server.stop();
    },
  };
}
