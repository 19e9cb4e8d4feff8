/**
 * The sensor: captures on all interfaces, and streams packets to a receiver or writes them to outputs of its own.
 *
 * in: a configuration · out: packets elsewhere; books that add up
 */
import { isIP } from 'node:net';
import { checkFilter, type ExcludedEndpoint, type FilterParts } from '../../capture/exclusions.js';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../../capture/link-types.js';
import { type LiveSource, openLive } from '../../capture/live.js';
import type { InterfaceStatistics } from '../../capture/packet-batch.js';
import { followSatellite, type SatelliteAddresses } from '../../capture/satellite-addresses.js';
import { UsageError } from '../../errors.js';
import { DEFAULT_LIMITS } from '../../limits.js';
import type { Clock } from '../../output/clock.js';
import { foldWarnings } from '../../output/fold.js';
import type { Log } from '../../output/log.js';
import type { PacketOrigin } from '../outputs/packet-output.js';
import { planCapture } from './capture-plan.js';
import type { StreamConfig } from './config.js';
import { createFrameEncoder, type FrameEncoder } from './frame-encoder.js';
import { FrameQueue } from './frame-queue.js';
import { type FrameSpool, openFrameSpool } from './frame-spool.js';
import { createGather, type Gather, type GatheredBlock } from './gather.js';
import { createSensorBooks, type SensorBooks } from './sensor-books.js';
import { openSensorConnection, type SensorConnection, type SensorTls } from './sensor-connection.js';
import { openStreamOutputs, type StreamOutputs } from './stream-outputs.js';
import { readTlsFiles } from './tls-files.js';

export interface StreamSensor {
  readonly books: SensorBooks;
  readonly outputs: StreamOutputs;
  readonly isConnected: boolean;
  readonly connections: number;
  /** Packets whose end was cut off so that a receiver takes the block. */
  readonly cut: number;
  statistics(): readonly InterfaceStatistics[];
  /** Rejects where nothing can be captured any more. */
  readonly done: Promise<void>;
  /** Sends what there is, waiting at most so long. */
  close(deadlineMillis: number): Promise<void>;
}

export interface SensorContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly onGone: () => void;
}

/** Each makes the kernel's filter longer. */
const OWN_ENDPOINTS_MAX = 32;

/** @throws UsageError, SensorError */
export async function startStreamSensor(config: StreamConfig, context: SensorContext): Promise<StreamSensor> {
  const { values } = config;
  const { log, clock, onGone } = context;
  checkExpression(values.filter);
  const tls = values['tls.enable'] ? openTls(config) : null;
  const books = createSensorBooks();
  const own = createOwnEndpoints();
  const outputs = await openStreamOutputs(config, {
    ...{ log, clock, onGone, connected: () => new Set<string>() },
    noteConnection: (address, port) => own.note(address, port),
  });
  const server = config.has('output.server')
    ? { host: hostOf(config), port: values['output.server.port'] as number }
    : null;
  const source = openSource(config, log, server);
  let sender: Sender | null = null;
  let followed: SatelliteAddresses | null = null;
  const exclude = () => source.setFilter(filterOf(config, [...(followed?.endpoints ?? []), ...own.all()]));
  own.onChange = exclude;
  try {
    if (server !== null) {
      followed = await followSatellite({ ...server, onChange: exclude });
      if (isIP(server.host) === 0) exclude();
      sender = openSender(config, context, { ...server, tls }, books, (address) => followed?.observe(address));
    }
  } catch (error) {
    source.stop();
    followed?.stop();
    await outputs.close(0);
    throw error;
  }
  const gather = openGather(config, source, books, outputs, sender);
  const done = source.run((batch) => {
    gather.add(batch);
    return sender === null ? outputs.drained() : undefined;
  });
  return {
    books,
    outputs,
    done,
    get isConnected() {
      return sender === null || sender.connection.isConnected;
    },
    get connections() {
      return sender?.connection.connections ?? 0;
    },
    get cut() {
      return sender?.encoder.cut ?? 0;
    },
    statistics: () => source.statistics(),
    async close(deadlineMillis) {
      source.stop();
      await done.catch(() => {});
      gather.flush();
      followed?.stop();
      await Promise.all([sender?.close(deadlineMillis), outputs.close(deadlineMillis)]);
    },
  };
}

/** What outputs connect to, the latest of it. */
interface OwnEndpoints {
  note(address: string, port: number): void;
  all(): ExcludedEndpoint[];
  onChange: () => void;
}

function createOwnEndpoints(): OwnEndpoints {
  /** The one connected to longest ago is the first. */
  const known = new Map<string, ExcludedEndpoint>();
  return {
    onChange() {},
    note(address, port) {
      const key = `${address} ${port}`;
      const isNew = !known.delete(key);
      known.set(key, { address, port });
      if (known.size > OWN_ENDPOINTS_MAX) known.delete(known.keys().next().value as string);
      if (isNew) this.onChange();
    },
    all: () => [...known.values()],
  };
}

function hostOf({ values }: StreamConfig): string {
  return values['output.server.address'].replace(/^\[(.*)\]$/, '$1');
}

function filterOf(config: StreamConfig, endpoints: readonly ExcludedEndpoint[]): FilterParts {
  const plan = planCapture(config.values);
  return { user: '', userOn: plan.expression, satellite: endpoints, everyProtocol: true };
}

function checkExpression(filter: string): void {
  try {
    checkFilter(filter);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(error.message.replace(/^--filter/, 'filter'));
  }
}

function openSource(config: StreamConfig, log: Log, server: { host: string; port: number } | null): LiveSource {
  const { values } = config;
  const known = server !== null && isIP(server.host) !== 0 ? [{ address: server.host, port: server.port }] : [];
  return openLive({
    backend: 'auto',
    interfaces: planCapture(values).interfaces,
    filter: filterOf(config, known),
    ringMebibytes: values.ringSize,
    snapLength: values.inputPacketLen,
    interfacesMax: DEFAULT_LIMITS.interfaces_max,
    log: { info: (message) => log.info({}, message), warn: (message) => log.warn({}, message) },
  });
}

interface Sender {
  readonly encoder: FrameEncoder;
  readonly connection: SensorConnection;
  take(block: GatheredBlock): void;
  close(deadlineMillis: number): Promise<void>;
}

function openSender(
  config: StreamConfig,
  { log, clock }: SensorContext,
  server: { host: string; port: number; tls: SensorTls | null },
  books: SensorBooks,
  onAddress: (address: string) => void,
): Sender {
  const { values } = config;
  const warnings = foldWarnings(log, clock);
  const spool = values.whenAway === 'spool' ? openSpool(config, log, warnings.warn) : null;
  const queue = new FrameQueue({
    bytesMax: values.queueSize,
    drops: values.whenAway === 'drop-newest' ? 'newest' : 'oldest',
    spool,
    onConfirmed: ({ counts }) => books.send(counts),
    onDropped: ({ counts }, reason) => {
      books.drop(counts, reason);
      warnings.warn(reason, { whenAway: values.whenAway }, `packets are lost: ${reason}`);
    },
  });
  // What an earlier run left counts as captured by this one, so that the books add up.
  if (spool !== null) for (const counts of spool.leftBehind()) books.capture(counts);
  const connection = openSensorConnection({
    ...server,
    authKey: values['auth.enable'] ? values['auth.key'] : null,
    name: values.announce ? values.name : null,
    linkTypes: [LINKTYPE_ETHERNET, LINKTYPE_RAW],
    keepAliveMillis: values.keepAliveSec * 1000,
    queue,
    onAddress,
    log,
    clock,
  });
  const encoder = createFrameEncoder(values.compressBlockSize * 1024);
  return {
    encoder,
    connection,
    take(block) {
      queue.push(encoder.encode(block));
      connection.wake();
    },
    async close(deadlineMillis) {
      await connection.close(deadlineMillis);
      queue.close('not-acknowledged');
      spool?.close();
    },
  };
}

function openSpool(
  { values }: StreamConfig,
  log: Log,
  warn: (kind: string, fields: object, text: string) => void,
): FrameSpool {
  const directory = values.spoolDir as string;
  const spool = openFrameSpool({
    directory,
    bytesMax: values.spoolSize,
    onError: (error) => warn('spool', { spoolDir: directory }, `the spool failed: ${error.message}`),
  });
  const { files, bytes } = spool.found;
  if (files > 0)
    log.info({ spoolDir: directory, bytes }, 'the spool has packets of an earlier run, which are sent first');
  return spool;
}

function openTls({ values }: StreamConfig): SensorTls {
  const ca = values['tls.ca'];
  return {
    verifies: ca !== null,
    serverName: values['tls.serverName'],
    certificate: readTlsFiles({
      certfile: values['tls.certfile'],
      keyfile: values['tls.keyfile'],
      ca: { key: 'tls.ca', path: ca },
    }),
  };
}

function openGather(
  { values }: StreamConfig,
  source: LiveSource,
  books: SensorBooks,
  outputs: StreamOutputs,
  sender: Sender | null,
): Gather {
  const origin: PacketOrigin = { name: values.name, key: values.name };
  return createGather({
    // So much less than is configured that a receiver with the same size takes what cannot be compressed.
    blockBytes: values.compressBlockSize * 1024 - 16,
    snapLength: values.inputPacketLen,
    waitMillis: values.gatherMaxWaitSec * 1000,
    interfacesMax: DEFAULT_LIMITS.interfaces_max,
    interfaces: source.interfaces,
    onBlock(block) {
      const { linkType, records, packets, counts } = block;
      books.capture(counts);
      sender?.take(block);
      // It has been encoded.
      if (outputs.all.length === 0) return true;
      outputs.take({ origin, linkType, records, packets, frame: null }, () => {
        if (sender === null) books.send(counts);
      });
      return false;
    },
  });
}
