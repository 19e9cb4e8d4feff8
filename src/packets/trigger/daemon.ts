/**
 * The daemon on one screen: messages → captures → uploads → results.
 *
 *     sources/ ──→ desk ──→ message/ (admitted) ──→ capture/ (taps, jobs) ──→ uploads/ (delivery, spool) ──→ results
 *
 * It writes and sends raw packets, which no redaction can act on, and only where the configuration says so in words.
 */

import { describeFromSys, interfaceNames, listInterfaces } from '../../capture/interfaces.js';
import { openLive } from '../../capture/live.js';
import { loadRingAddon, ringAddonPresent } from '../../capture/ring-addon.js';
import { followSatellite, type SatelliteAddresses } from '../../capture/satellite-addresses.js';
import type { Logger } from '../../log.js';
import { Captures } from './capture/captures.js';
import { MemoryLedger } from './capture/memory-ledger.js';
import type { TapSource } from './capture/tap.js';
import { Taps } from './capture/taps.js';
import type { TriggerSettings } from './configuration/settings.js';
import { Desk, outcomeText } from './desk.js';
import { SNAP_LENGTH_MAX } from './message/admission.js';
import { Results } from './results.js';
import { createKafkaSource } from './sources/kafka.js';
import { createRedisSource } from './sources/redis.js';
import type { MessageSource, ReplyTarget } from './sources/source.js';
import { createSqsSource } from './sources/sqs.js';
import { createTriggerCounters, type TriggerCounters } from './trigger-counters.js';
import { openTriggerLog, type TriggerLog } from './trigger-log.js';
import { CaptureSpool } from './uploads/capture-spool.js';
import { createCloudSharkUploader } from './uploads/cloudshark.js';
import { Delivery } from './uploads/delivery.js';
import { createDirectoryUploader } from './uploads/directory.js';
import { createS3Uploader } from './uploads/s3.js';
import type { Uploader } from './uploads/uploader.js';

export interface TriggerDaemon {
  readonly counters: TriggerCounters;
  /** Resolves when a source is ready for messages, each; one whose broker is away does not yet. */
  readonly ready: Promise<void>;
  /** Ends the captures under way, delivers what they have, and resolves to the books. Idempotent. */
  stop(): Promise<TriggerCounters>;
}

/** How long uploads and results may take at the end. */
const CLOSE_MILLIS = 8000;
const RESULT_MILLIS = 1000;
const INTERFACES_MAX = 256;

/** @throws SensorError */
export async function startDaemon(settings: TriggerSettings, logger: Logger): Promise<TriggerDaemon> {
  const counters = createTriggerCounters();
  const log = openTriggerLog(logger, settings.syslog);
  const warn = (message: string) => log.warn(message);
  const uploaders = await openUploaders(settings);
  const sources = await openSources(settings, log);
  const results = new Results(sources, counters, warn);
  const spool = await openSpool(settings, counters, log);
  const ledger = new MemoryLedger(settings.memoryBytesMax);
  const taps = new Taps({
    openSource: (names, filter) => openTapSource(names, filter, settings, log),
    lookback: settings.lookback,
    takesMetadata: settings.takesMetadata,
    warn,
    onFailure: (error) => log.warn(`capture: ${(error as Error).message}`),
  });
  const { node, format, capturesMax, retrySeconds } = settings;
  const captures = new Captures({ node, format, capturesMax, ledger, taps, counters, linkTypeOf });
  const delivery = new Delivery({
    ...{ uploaders, spool, retrySeconds, ledger, counters, warn },
    onSpooledOutcome: ({ file, replyTo }, outcome) => {
      log.info(`${file.name}, from the spool: ${outcomeText(outcome)}`);
      const status = outcome.state === 'done' ? 'uploaded' : 'failed';
      results.tell(replyTo as ReplyTarget | null, {
        status,
        node,
        file: file.name,
        reason: 'spool',
        uploads: [outcome],
      });
    },
  });
  const desk = new Desk({
    settings,
    captures,
    delivery,
    results,
    counters,
    log,
    interfaceNames: () => interfaceNames(),
  });
  const followed = await followOwn(settings, taps);
  const ready = Promise.all(sources.map((source) => source.start((message) => desk.accept(message)))).then(() => {});
  ready.catch((error) => log.warn(`messages: ${(error as Error).message}`));

  async function end(): Promise<TriggerCounters> {
    await Promise.all(sources.map((source) => source.stop()));
    await captures.close();
    await Promise.all([delivery.close(CLOSE_MILLIS), desk.finish()]);
    await results.close(RESULT_MILLIS);
    await Promise.all(sources.map((source) => source.close()));
    for (const one of followed) one.stop();
    await log.close();
    return counters;
  }
  let ended: Promise<TriggerCounters> | null = null;
  return { counters, ready, stop: () => (ended ??= end()) };
}

async function openUploaders({ local, cloudshark, s3 }: TriggerSettings): Promise<Uploader[]> {
  const uploaders: Uploader[] = [];
  if (local !== null) uploaders.push(createDirectoryUploader(local.directory));
  if (cloudshark !== null) uploaders.push(createCloudSharkUploader(cloudshark));
  if (s3 !== null) uploaders.push(await createS3Uploader(s3.keys));
  return uploaders;
}

async function openSources(settings: TriggerSettings, log: TriggerLog): Promise<MessageSource[]> {
  const { redis, sqs, kafka, node } = settings;
  const sources: MessageSource[] = [];
  if (redis !== null) sources.push(await createRedisSource(redis, log));
  if (sqs !== null) sources.push(await createSqsSource(sqs, log));
  if (kafka !== null) sources.push(await createKafkaSource(kafka, node, log));
  return sources;
}

async function openSpool(
  settings: TriggerSettings,
  counters: TriggerCounters,
  log: TriggerLog,
): Promise<CaptureSpool | null> {
  if (settings.spool === null) return null;
  const spool = new CaptureSpool(settings.spool, ({ file, pending }) => {
    counters.uploads_spooled -= pending.length;
    counters.uploads_failed += pending.length;
    log.warn(`${file.name}: lost from the spool, which is full`);
  });
  const pending = await spool.open();
  counters.uploads_due += pending;
  counters.uploads_spooled += pending;
  if (spool.size > 0) log.info(`spool: ${spool.size} captures of an earlier run wait to be uploaded`);
  return spool;
}

function openTapSource(
  names: readonly string[],
  filter: Parameters<TapSource['setFilter']>[0],
  settings: TriggerSettings,
  log: TriggerLog,
): TapSource {
  return openLive({
    backend: 'auto',
    interfaces: { names, include: [], exclude: [] },
    filter,
    ringMebibytes: settings.ringMebibytes,
    snapLength: SNAP_LENGTH_MAX,
    interfacesMax: INTERFACES_MAX,
    log: { info: (message) => log.debug(message), warn: (message) => log.warn(message) },
  });
}

/** Null for an interface whose packets cannot be read. */
function linkTypeOf(name: string): number | null {
  const describe = ringAddonPresent() ? loadRingAddon().describe : describeFromSys;
  return listInterfaces(describe, [name])[0]?.reading?.linkType ?? null;
}

/**
 * Uploads are not captured: they would push what is kept from before a message out of its memory, and they carry tokens. What
 * messages come through is captured like all else, since that may be just what is looked for.
 */
async function followOwn(settings: TriggerSettings, taps: Taps): Promise<SatelliteAddresses[]> {
  const followed: SatelliteAddresses[] = [];
  const exclude = () => taps.exclude(followed.flatMap(({ endpoints }) => endpoints));
  for (const { host, port } of uploadEndpoints(settings))
    followed.push(await followSatellite({ host, port, onChange: exclude }));
  if (followed.length > 0) exclude();
  return followed;
}

function uploadEndpoints({ cloudshark, s3 }: TriggerSettings): { host: string; port: number }[] {
  const ends = cloudshark === null ? [] : [{ host: cloudshark.host, port: cloudshark.port }];
  if (s3 === null) return ends;
  const given = s3.endpoint ?? `https://s3.${s3.region}.amazonaws.com`;
  const url = new URL(given.includes('://') ? given : `https://${given}`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return [...ends, { host, port: Number(url.port) || (url.protocol === 'http:' ? 80 : 443) }];
}
