/** The outputs that a configuration asks for, opened. Clients of services are loaded only where one is asked for. */
import { LINKTYPE_ETHERNET } from '../../capture/link-types.js';
import type { Clock } from '../../output/clock.js';
import type { Log } from '../../output/log.js';
import { openFileOutput } from '../outputs/file-output.js';
import { createOrderWindow } from '../outputs/order-window.js';
import type { NoteConnection } from '../outputs/own-connections.js';
import { createOutputBook, type PacketOutput } from '../outputs/packet-output.js';
import { joinOutputs, type PacketOutputs } from '../outputs/packet-outputs.js';
import { openSensorFiles } from '../outputs/sensor-files.js';
import type { StreamConfig } from './config.js';

export interface StreamOutputs extends PacketOutputs {
  /** The next frame of a run that the files do not hold; null where that is not known. */
  next(run: string): number | null;
}

export interface StreamOutputsContext {
  readonly log: Log;
  readonly clock: Clock;
  /** The sensors that are connected, by the keys of their origins. */
  readonly connected: () => ReadonlySet<string>;
  /** The reader of standard output has gone. */
  readonly onGone: () => void;
  /** Told of what outputs connect to, where packets are captured beside them. */
  readonly noteConnection?: NoteConnection;
}

/** @throws UsageError, SensorError where one cannot be opened */
export async function openStreamOutputs(config: StreamConfig, context: StreamOutputsContext): Promise<StreamOutputs> {
  const file = await openFile(config, context);
  const all: PacketOutput[] = file === null ? [] : [file.output];
  if (config.has('output.plugins.s3')) all.push(await openS3(config, context));
  if (config.has('output.plugins.kafka')) all.push(await openKafka(config, context));
  const outputs = joinOutputs(all);
  return { ...outputs, next: (run) => file?.next(run) ?? null };
}

interface OpenedFile {
  readonly output: PacketOutput;
  readonly next: StreamOutputs['next'];
}

async function openFile({ values }: StreamConfig, context: StreamOutputsContext): Promise<OpenedFile | null> {
  const path = values['output.file.path'];
  if (path === null) return null;
  const order = values['output.file.order'];
  const { log, clock, onGone, connected } = context;
  const fileContext = {
    settings: {
      path,
      format: values['output.file.format'],
      snapLength: values.inputPacketLen,
      rotateBytes: values['output.file.rotateSize'] ?? 0,
      rotateMillis: values['output.file.rotateTime'],
      keep: values['output.file.keep'],
      queueBytesMax: values.queueSize,
    },
    linkType: LINKTYPE_ETHERNET,
    book: createOutputBook(),
    log,
    clock,
    onGone,
  };
  const windowed = (output: PacketOutput) =>
    order === 0 ? output : createOrderWindow({ output, windowMillis: order, clock, connected });
  if (values['output.file.perSensor']) {
    const files = openSensorFiles(fileContext);
    return { output: windowed(files), next: (run) => files.next(run) };
  }
  const file = await openFileOutput(fileContext);
  return { output: windowed(file), next: (run) => file.next(run) };
}

async function openS3({ values }: StreamConfig, context: StreamOutputsContext): Promise<PacketOutput> {
  const { openS3Output } = await import('../outputs/s3-output.js');
  const settings = {
    bucket: values['output.plugins.s3.bucket'] as string,
    region: values['output.plugins.s3.region'],
    endpoint: values['output.plugins.s3.endpoint'],
    key: values['output.plugins.s3.key'],
    acl: values['output.plugins.s3.cannedACL'],
    sse: values['output.plugins.s3.sse'],
    kmsKeyId: values['output.plugins.s3.kmsKeyId'],
    objectBytes: values['output.plugins.s3.totalFileSize'],
    partBytes: values['output.plugins.s3.uploadChunkSize'],
    quietMillis: values['output.plugins.s3.uploadTimeout'],
    format: values['output.file.format'],
    snapLength: values.inputPacketLen,
    queueBytesMax: Math.max(values.queueSize, 4 * values['output.plugins.s3.uploadChunkSize']),
  };
  return openS3Output({ ...context, settings });
}

async function openKafka({ values }: StreamConfig, context: StreamOutputsContext): Promise<PacketOutput> {
  const { openKafkaOutput } = await import('../outputs/kafka-output.js');
  const settings = {
    brokers: values['output.plugins.kafka.brokers'] ?? [],
    clientId: values['output.plugins.kafka.clientId'],
    topic: values['output.plugins.kafka.topic'],
    messageBytes: values['output.plugins.kafka.messageSize'],
    fileBytes: values['output.plugins.kafka.fileSize'],
    acks: values['output.plugins.kafka.acks'],
    timeoutMillis: values['output.plugins.kafka.timeout'],
    waitMillis: values['output.plugins.kafka.maxWait'],
    tls: values['output.plugins.kafka.tls'],
    ca: values['output.plugins.kafka.ca'],
    sasl: values['output.plugins.kafka.sasl'],
    username: values['output.plugins.kafka.username'],
    password: values['output.plugins.kafka.password'],
    queueBytesMax: values.queueSize,
  };
  return openKafkaOutput({ ...context, settings });
}
