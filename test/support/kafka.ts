/** A Kafka broker as a child process of a test: KRaft, one process, for `needs({ kafka: kafkaInstalled })`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';

const tools = process.env.PCAP_SENSOR_TOOLS ?? join(homedir(), '.cache', 'pcap-sensor');
const libraries = join(tools, 'kafka', 'lib');

/** test/support/install-kafka installs it. */
export const kafkaInstalled =
  existsSync(libraries) && spawnSync('java', ['-version'], { stdio: 'ignore' }).status === 0;

export interface Kafka {
  /** host:port. */
  readonly broker: string;
  stop(): Promise<void>;
}

/** The address can be had before the broker is there. */
export async function startKafka(address: { port: number; controller: number } | null = null): Promise<Kafka> {
  const port = address?.port ?? (await freePort());
  const controller = address?.controller ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'kafka-'));
  const properties = join(folder, 'server.properties');
  writeFileSync(
    properties,
    [
      'process.roles=broker,controller',
      'node.id=1',
      `controller.quorum.voters=1@127.0.0.1:${controller}`,
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
      `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
      'controller.listener.names=CONTROLLER',
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
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
  const formatted = spawnSync('java', [...java, ...format], { encoding: 'utf8' });
  if (formatted.status !== 0) throw new Error(`kafka: ${formatted.stdout}${formatted.stderr}`);
  const child: ChildProcess = spawn('java', [...java, 'kafka.Kafka', properties], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, KAFKA_LOG4J_OPTS: '' },
  });
  await listening(child, port);
  return {
    broker: `127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
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
