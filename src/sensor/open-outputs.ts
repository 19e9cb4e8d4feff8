/**
 * The outputs that `--output` asks for, as one.
 *
 * in: settings, what the task says of itself · out: a `TraceOutput`, and how long exports take where traces leave the task
 *
 * Exactly one output keeps the books, so that an exchange is counted once however many take it: the first that may be
 * away, else the first.
 */
import { statSync } from 'node:fs';
import type { CaptureInterface } from '../capture/packet-batch.js';
import { UsageError } from '../errors.js';
import type { Settings } from '../options/options.js';
import { createBooks, createSideBooks } from '../output/books.js';
import { systemClock } from '../output/clock.js';
import type { PacketFile } from '../output/file/packet-file.js';
import type { OutputContext, TraceOutput } from '../output/output.js';
import { joinOutputs } from '../output/outputs.js';
import { isRemote, type OutputOptions, openOutput, outputEndpoints } from '../output/registry.js';
import type { Histogram } from '../output/relay/histogram.js';
import type { PacketsPost } from '../output/satellite/packets-post.js';
import { mayBePushed, type PacketRule } from '../policy/packet-rule.js';
import { SENSOR_VERSION } from '../version.js';

export interface OutputsContext
  extends Omit<OutputContext<OutputOptions>, 'options' | 'books' | 'clock' | 'sensorVersion'> {
  settings: Settings;
  /** What the packets that are written come from; may grow. */
  interfaces: readonly CaptureInterface[];
}

export interface Outputs {
  output: TraceOutput;
  /** Milliseconds of each attempt to export; null where every output is on this machine. */
  exportLatency: Histogram | null;
  /** The files that packets are written to as they come, as one. */
  packets: Packets;
}

interface Packets extends PacketFile {
  /** Has `--packets-on pushed` stand for these; left out where the satellite may not ask for packets. */
  usePushed?(rules: readonly PacketRule[]): void;
}

/** @throws SensorError where a file cannot be opened */
async function openPackets({ settings, ...context }: OutputsContext): Promise<PacketFile> {
  const { write, read, outputReplace: replace } = settings;
  const paths = write.flatMap((target) => (target.to === 'pcap' ? [target.file] : []));
  if (paths.length === 0) return NO_PACKETS;
  const { openPacketFile } = await import('../output/file/packet-file.js');
  const queue_bytes_max = context.limits.queue_bytes_max / paths.length;
  const files: PacketFile[] = [];
  for (const path of paths)
    files.push(await openPacketFile({ ...context, path, replace, read, queue_bytes_max, clock: systemClock }));
  context.log.warn({ files: paths }, '--write: packets are written as they were captured, with all secrets in them');
  return {
    write(batch) {
      for (const file of files) file.write(batch);
    },
    drained: () => files.map((file) => file.drained()).find((wait) => wait !== undefined),
    async close(deadlineMillis) {
      await Promise.all(files.map((file) => file.close(deadlineMillis)));
    },
  };
}

const NO_PACKETS: PacketFile = { write() {}, drained: () => undefined, close: async () => {} };

const OWN = { clock: systemClock, sensorVersion: SENSOR_VERSION };

/** @throws SensorError, UsageError where an output cannot be opened as told */
export async function openOutputs(given: OutputsContext): Promise<Outputs> {
  const { settings, interfaces: _, ...context } = given;
  const { counters } = context;
  refuseMissingDirectory(settings);
  const keeper = settings.output.find(isRemote) ?? settings.output[0];
  const outputs: TraceOutput[] = [];
  let packets = NO_PACKETS;
  let exportLatency: Histogram | null = null;
  try {
    for (const target of settings.output) {
      const books = target === keeper ? createBooks(counters) : createSideBooks(counters);
      const output = await openOutput(target, { ...context, ...OWN, options: settings, books });
      outputs.push(output);
      if (target === keeper) exportLatency = output.latency ?? null;
    }
    packets = await openPackets(given);
  } catch (error) {
    await Promise.all(outputs.map((output) => output.close(0)));
    throw error;
  }
  const [only, ...others] = outputs;
  const output = only !== undefined && others.length === 0 ? only : joinOutputs(outputs);
  return withPacketsOn(given, { output, exportLatency, packets });
}

function refuseMissingDirectory({ packetsOn, packetsDir }: Settings): void {
  if (packetsOn.length === 0 || packetsDir === null) return;
  if (statSync(packetsDir, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new UsageError(`--packets-dir ${packetsDir}: no such directory; make it, or name another`);
}

/** Joins `--packets-on` to both rivers, where there is a rule and a place. */
async function withPacketsOn({ settings, ...context }: OutputsContext, outputs: Outputs): Promise<Outputs> {
  const { packetsOn: rules, packetsDir: directory, packetsMaxBytes: bytesMax, read } = settings;
  // Where no trace goes, there is nothing that packets could be beside.
  const isSent = settings.packetsToSatellite && settings.output.some(({ to }) => to === 'satellite');
  if (rules.length === 0 || (directory === null && !isSent)) return outputs;
  const { PacketsOn } = await import('./packets-on.js');
  const post = isSent ? await openPost(settings, context) : null;
  const keeper = new PacketsOn({ ...context, rules, directory, post, bytesMax, isFile: read !== null });
  const where = {
    ...(directory === null ? {} : { directory }),
    ...(post === null ? {} : { to: settings.satelliteUrl }),
  };
  const verb = post === null ? 'written' : directory === null ? 'sent' : 'written and sent';
  context.log.warn(where, `--packets-on: packets are ${verb} as they were captured, with all secrets in them`);
  const { packets } = outputs;
  return {
    ...outputs,
    output: keeper.before(outputs.output),
    packets: {
      ...packets,
      ...(mayBePushed(rules) ? { usePushed: (pushed: readonly PacketRule[]) => keeper.usePushed(pushed) } : {}),
      write(batch) {
        keeper.note(batch);
        packets.write(batch);
      },
      async close(deadlineMillis) {
        await Promise.all([keeper.close(deadlineMillis), packets.close(deadlineMillis)]);
      },
    },
  };
}

type PostContext = Pick<OutputsContext, 'task' | 'limits' | 'onConnect' | 'enrolment'>;

async function openPost(
  settings: Settings,
  { task, limits, onConnect, enrolment = null }: PostContext,
): Promise<PacketsPost> {
  const { satelliteSettings } = await import('../output/satellite/settings.js');
  const { openPacketsPost } = await import('../output/satellite/packets-post.js');
  const [endpoint] = await outputEndpoints([{ to: 'satellite' }], settings);
  return openPacketsPost(satelliteSettings(settings, task, SENSOR_VERSION), {
    ...{ limits, clock: systemClock, enrolment },
    onAddress: (address) => endpoint !== undefined && onConnect(endpoint, address),
  });
}
