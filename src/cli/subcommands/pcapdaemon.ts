/**
 * `pcapdaemon`: waits for messages and captures packets when one asks for them. Its flags are those of the program of that
 * name: one dash, and a file in TOML behind `-config`.
 */
import { hostname, totalmem } from 'node:os';
import { interfaceNames } from '../../capture/interfaces.js';
import { UsageError } from '../../errors.js';
import { createLogger } from '../../log.js';
import { type ListenAddress, listenAddress } from '../../options/option-values.js';
import { systemClock } from '../../output/clock.js';
import { readConfiguration } from '../../packets/trigger/configuration/configuration.js';
import { flagsHelp, readFlags } from '../../packets/trigger/configuration/flags.js';
import type { TriggerSettings } from '../../packets/trigger/configuration/settings.js';
import { startDaemon } from '../../packets/trigger/daemon.js';
import { type TriggerCounters, triggerMetrics } from '../../packets/trigger/trigger-counters.js';
import { startHealthServer } from '../../task/health-server.js';
import { readSurroundings } from '../../task/surroundings.js';
import { interrupted } from './signals.js';

const REPORT_MILLIS = 60_000;

/** Resolves to the exit code. */
export async function pcapdaemon(words: readonly string[]): Promise<number> {
  const flags = readFlags(words);
  if (flags === 'help') {
    process.stdout.write(
      `usage: pcapdaemon -config FILE [FLAG …]; docs/pcapdaemon.md has the file's keys\n\n${flagsHelp()}`,
    );
    return 0;
  }
  const memoryBytes = Math.min(totalmem(), readSurroundings().memoryLimitBytes);
  const { settings, notes } = await readConfiguration(flags, {
    node: hostname(),
    interfaces: interfaceNames(),
    memoryBytes,
  });
  const address = healthAddress(settings.health);
  const log = createLogger({ logLevel: 'info', logFormat: 'auto' });
  for (const note of notes) log.warn(note);
  const daemon = await startDaemon(settings, log);
  let isReady = false;
  const served =
    address === null
      ? null
      : await startHealthServer({
          ...{ address, publicHosts: [], isReady: () => isReady },
          metrics: async () => triggerMetrics(daemon.counters),
        });
  if (address !== null && served !== null) log.info(`health and metrics on ${address.host} port ${served.port}`);
  log.info(startText(settings));
  void daemon.ready.then(() => {
    isReady = true;
    log.info('waiting for messages');
  });
  const cancel = systemClock.every(REPORT_MILLIS, () => log.info({ ...daemon.counters }, 'so far'));
  const signal = await interrupted();
  cancel();
  log.info(`${signal}: ending the captures under way`);
  const counters = await daemon.stop();
  await served?.close();
  log.info({ ...counters }, 'summary');
  return isLossy(counters) ? 1 : 0;
}

function healthAddress(given: string): ListenAddress | null {
  if (given === '') return null;
  try {
    return listenAddress.parse(given);
  } catch (error) {
    throw new UsageError(`health ${JSON.stringify(given)} in [general]: ${(error as Error).message}`);
  }
}

function startText({ node, local, cloudshark, s3, lookback }: TriggerSettings): string {
  const places = [
    ...(local === null ? [] : [local.directory]),
    ...(cloudshark === null
      ? []
      : [`CloudShark at ${cloudshark.host}${cloudshark.isVerified ? '' : ', its certificate unchecked'}`]),
    ...(s3 === null ? [] : [`s3://${s3.bucket}`]),
  ];
  const kept = lookback === null ? '' : `; the last ${lookback.bytesMax >> 20} MiB of each interface are kept`;
  return `node ${node}: packets go, raw and unredacted, to ${places.join(', ')}, when a message asks for them${kept}`;
}

function isLossy({ uploads_failed, results_lost }: TriggerCounters): boolean {
  return uploads_failed + results_lost > 0;
}
