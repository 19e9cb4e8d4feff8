/** A Kafka broker as a child process of a test: KRaft, one process, for `needs({ kafka: kafkaInstalled })`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from './certificates.js';
import { freePort } from './free-port.js';

const tools = process.env.PCAP_SENSOR_TOOLS ?? join(homedir(), '.cache', 'pcap-sensor');
const libraries = join(tools, 'kafka', 'lib');

/** test/support/install-kafka installs it. */
export const kafkaInstalled =
  existsSync(libraries) && spawnSync('java', ['-version'], { stdio: 'ignore' }).status === 0;

export interface Kafka {
  /** host:port. */
  readonly broker: string;
  /** host:port of the listener with TLS that asks who one is; empty where there is none. */
  readonly guarded: string;
  /** Ends it as a kill does; what it has written stays. */
  kill(): Promise<void>;
  /** Starts it again, on the same ports and files. */
  start(): Promise<void>;
  /** Ends it, and takes its files. */
  stop(): Promise<void>;
}

/** Who may use the guarded listener, by PLAIN and SCRAM, and what the broker shows there. */
export interface KafkaGuard {
  readonly certificate: Certificate;
  readonly user: string;
  readonly password: string;
}

export interface KafkaSettings {
  /** The address can be had before the broker is there. */
  readonly port?: number;
  readonly controller?: number;
  readonly guard?: KafkaGuard;
}

export async function startKafka(settings: KafkaSettings = {}): Promise<Kafka> {
  const { guard } = settings;
  const port = settings.port ?? (await freePort());
  const controller = settings.controller ?? (await freePort());
  const guarded = guard === undefined ? 0 : await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'kafka-'));
  const properties = join(folder, 'server.properties');
  writeFileSync(
    properties,
    [
      'process.roles=broker,controller',
      'node.id=1',
      `controller.quorum.voters=1@127.0.0.1:${controller}`,
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}${guard ? `,SASL_SSL://127.0.0.1:${guarded}` : ''}`,
      `advertised.listeners=PLAINTEXT://127.0.0.1:${port}${guard ? `,SASL_SSL://localhost:${guarded}` : ''}`,
      'controller.listener.names=CONTROLLER',
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
      ...(guard === undefined ? [] : guardLines(guard, folder)),
      `log.dirs=${join(folder, 'logs')}`,
      'offsets.topic.replication.factor=1',
      'offsets.topic.num.partitions=1',
      'transaction.state.log.replication.factor=1',
      'transaction.state.log.min.isr=1',
      'group.initial.rebalance.delay.ms=0',
      'num.partitions=3',
      'auto.create.topics.enable=true',
    ].join('\n'),
  );
  const java = ['-Xmx256m', '-cp', `${libraries}/*`];
  const format = ['kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qk', '-c', properties];
  if (guard !== undefined)
    for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'])
      format.push('--add-scram', `${mechanism}=[name=${guard.user},password=${guard.password}]`);
  const formatted = spawnSync('java', [...java, ...format], { encoding: 'utf8' });
  if (formatted.status !== 0) throw new Error(`kafka: ${formatted.stdout}${formatted.stderr}`);
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn('java', [...java, 'kafka.Kafka', properties], {
      stdio: ['ignore', 'ignore', 'ignore'],
      env: { ...process.env, KAFKA_LOG4J_OPTS: '' },
    });
    await listening(child, port);
  };
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  await start();
  return {
    broker: `127.0.0.1:${port}`,
    guarded: guard === undefined ? '' : `localhost:${guarded}`,
    kill,
    start,
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function guardLines({ certificate, user, password }: KafkaGuard, folder: string): string[] {
  const store = join(folder, 'store.pem');
  writeFileSync(store, `${certificate.key}${certificate.cert}`);
  const of = 'listener.name.sasl_ssl';
  const login = (name: string, more: string) =>
    `org.apache.kafka.common.security.${name} required username="${user}" password="${password}"${more};`;
  return [
    `${of}.ssl.keystore.type=PEM`,
    `${of}.ssl.keystore.location=${store}`,
    `${of}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512`,
    `${of}.plain.sasl.jaas.config=${login('plain.PlainLoginModule', ` user_${user}="${password}"`)}`,
    ...['256', '512'].map((bits) => `${of}.scram-sha-${bits}.sasl.jaas.config=${login('scram.ScramLoginModule', '')}`),
  ];
}

/** Without a configuration of its log the broker says nothing, so that its port is asked. */
async function listening(child: ChildProcess, port: number): Promise<void> {
  const { connect } = await import('node:net');
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the broker exited with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
