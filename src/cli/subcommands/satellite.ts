/**
 * `satellite`: receives traces, keeps them, prints a line for each, and answers what is asked of them.
 */
import { readFileSync } from 'node:fs';
import { InvalidValue, UsageError } from '../../errors.js';
import { isLoopback } from '../../host-check.js';
import { createLogger, type Logger } from '../../log.js';
import { readKeySource } from '../../options/control-options.js';
import type { SettingsOf } from '../../options/option-row.js';
import { SATELLITE_OPTIONS } from '../../options/options.js';
import { type FlagValues, resolveSettings } from '../../options/settings.js';
import type { FleetRate } from '../../satellite/fleet/fleet-budget.js';
import type { Grant } from '../../satellite/receive/grants.js';
import { type SatelliteSettings, startSatellite } from '../../satellite/satellite.js';
import { documentOf } from '../../satellite/store/drift-of.js';
import { findSqlite, SQLITE_PACKAGE } from '../../satellite/store/sqlite.js';
import { interrupted } from './signals.js';

type Settings = SettingsOf<typeof SATELLITE_OPTIONS>;

export async function satellite(flags: FlagValues): Promise<number> {
  const settings = resolveSettings(SATELLITE_OPTIONS, flags, process.env);
  const log = createLogger(settings);
  if (settings.readToken !== null && settings.readTokenFile !== null)
    throw new UsageError('--read-token and --read-token-file both give the token; leave one of them out');
  if ((settings.tlsCert === null) !== (settings.tlsKey === null))
    throw new UsageError(`--tls-${settings.tlsCert === null ? 'cert' : 'key'} is missing; HTTPS takes both`);
  const readToken = settings.readToken ?? settings.readTokenFile;
  const kept = storeOf(settings, log);
  const organisations = grantsOf(settings, kept);
  const ending = interrupted();
  const running = await startSatellite({
    host: settings.host,
    port: settings.port,
    traces_max: settings.tracesMax,
    trace_bytes_max: settings.tracesMaxBytes,
    packet_bytes_max: settings.packetsMaxBytes,
    readToken,
    ingestToken: settings.ingestTokenFile,
    readKeys: readKeysOf(settings),
    fleetRates: fleetRatesOf(settings),
    publicHosts: settings.publicHost,
    ...certificateOf(settings),
    ...organisations,
    ...fromOf(settings),
    ...kept,
    ...notifyOf(settings, kept),
    spec: specOf(settings, kept),
    onLines: (lines) => void process.stdout.write(lines),
    onNotice: (notice) => log.warn(notice),
  });
  process.stdout.on('error', () => process.exit(0));
  const page = running.hasPage ? `, and its page is at ${running.url}/` : '';
  log.info(`satellite at ${running.url}; the traces it holds are at ${running.url}/traces${page}`);
  if (organisations.grants !== undefined) log.info(sayOrganisations(organisations.grants));
  else if (!isLoopback(settings.host)) sayWhoMay(settings, readToken !== null, running.port, log);
  log.info(`${await ending}: closing`);
  await running.close();
  return 0;
}

/** Tokens of organisations, which leave no room for those that are of none. */
function grantsOf(
  { tokensFile, readToken, readTokenFile, ingestTokenFile, notify }: Settings,
  { store }: Pick<SatelliteSettings, 'store'>,
): Pick<SatelliteSettings, 'grants'> {
  if (tokensFile === null) return {};
  const others = {
    '--read-token': readToken,
    '--read-token-file': readTokenFile,
    '--ingest-token-file': ingestTokenFile,
  };
  for (const [name, given] of Object.entries(others))
    if (given !== null)
      throw new UsageError(`--tokens-file has all tokens, and ${name} gives one of no organisation; leave it out`);
  if (notify !== null)
    throw new UsageError('--notify tells one URL of all organisations; leave out it or --tokens-file');
  if (store === undefined)
    throw new UsageError(`--tokens-file takes SQLite; npm install ${SQLITE_PACKAGE}@1.2.1, or leave it out`);
  return { grants: tokensFile };
}

function fromOf({ from, setAside, tokensFile }: Settings): Pick<SatelliteSettings, 'from'> {
  if (from === null) {
    if (setAside !== null)
      throw new UsageError('--set-aside has no meaning without --from, whose messages it is for; leave it out');
    return {};
  }
  const { organisation } = from;
  const names = tokensFile?.map((grant) => grant.organisation);
  if (names === undefined && organisation !== '')
    throw new UsageError(`--from has organisation=${organisation}, and there is no --tokens-file; leave it out`);
  if (names !== undefined && !names.includes(organisation))
    throw new UsageError(
      `--from has ${organisation === '' ? 'no organisation' : `organisation=${organisation}`}, and --tokens-file has ${[...new Set(names)].slice(0, 10).join(', ')}; name the one whose traces the topic holds`,
    );
  return { from: { target: from, setAside } };
}

function sayOrganisations(grants: readonly Grant[]): string {
  const names = new Set(grants.map(({ organisation }) => organisation));
  return `${names.size} organisations by ${grants.length} tokens; sending and reading take one of them`;
}

/** Read again while it runs. @throws UsageError where a key is of an organisation that is not there */
function readKeysOf({ enrolmentKeyFile: source, tokensFile }: Settings): SatelliteSettings['readKeys'] {
  if (source === null) return null;
  const known = new Set(tokensFile?.map(({ organisation }) => organisation));
  const read = () => {
    const keys = readKeySource(source, process.env);
    const foreign = keys.find(({ organisation }) => organisation !== null && !known.has(organisation));
    if (foreign === undefined) return keys;
    const why =
      tokensFile === null
        ? 'and there is no --tokens-file, which has organisations; leave the name out'
        : `which --tokens-file does not have; name one of ${[...known].slice(0, 10).join(', ')}, or leave the name out`;
    throw new InvalidValue(`has a key of ${foreign.organisation}, ${why}`);
  };
  try {
    read();
  } catch (error) {
    throw error instanceof InvalidValue ? new UsageError(`--enrolment-key-file ${source} ${error.message}`) : error;
  }
  return read;
}

/** They are for sensors that enrol. */
function fleetRatesOf({ fleetRate, enrolmentKeyFile }: Settings): readonly FleetRate[] {
  if (fleetRate.length > 0 && enrolmentKeyFile === null)
    throw new UsageError('--fleet-rate is shared among sensors that enrol; give --enrolment-key-file, or leave it out');
  return fleetRate;
}

function certificateOf({ tlsCert, tlsKey }: Settings): Pick<SatelliteSettings, 'certificate'> {
  if (tlsCert === null || tlsKey === null) return {};
  return { certificate: { cert: readFileSync(tlsCert, 'utf8'), key: readFileSync(tlsKey, 'utf8') } };
}

/** Without SQLite, which only keeping takes, it still receives. */
function storeOf({ data, store, retention, tracesMaxBytes }: Settings, log: Logger): Pick<SatelliteSettings, 'store'> {
  if (store !== null && data !== null)
    throw new UsageError('--store and --data both say where traces are kept; leave one of them out');
  if (store !== null) return { store: { clickHouse: store, retention } };
  if (data !== null) return { store: { directory: data, retention } };
  if (findSqlite() !== null) return { store: { directory: null, retention: { ...retention, bytes: tracesMaxBytes } } };
  log.warn(
    `the newest traces are held, and cannot be searched: that takes SQLite, which Node.js has from 22.16 on; npm install ${SQLITE_PACKAGE}@1.2.1`,
  );
  return {};
}

/** Its text, when it is a document. */
function specOf({ spec }: Settings, { store }: Pick<SatelliteSettings, 'store'>): string | null {
  if (spec === null) return null;
  if (store === undefined)
    throw new UsageError(`--spec takes SQLite; npm install ${SQLITE_PACKAGE}@1.2.1, or leave it out`);
  const text = readFileSync(spec, 'utf8');
  try {
    documentOf(text);
  } catch (error) {
    throw new UsageError(`--spec ${JSON.stringify(spec)}: ${(error as Error).message}; give an OpenAPI document`);
  }
  return text;
}

function notifyOf(
  { notify, notifyFormat, notifySecretFile, notifySilence }: Settings,
  { store }: Pick<SatelliteSettings, 'store'>,
): Pick<SatelliteSettings, 'notify'> {
  if (notify === null) {
    if (notifySecretFile !== null)
      throw new UsageError('--notify-secret-file has no meaning without --notify, which names who is told');
    return {};
  }
  if (store === undefined)
    throw new UsageError(`--notify takes SQLite; npm install ${SQLITE_PACKAGE}@1.2.1, or leave it out`);
  const isSlack = notifyFormat === 'slack' || (notifyFormat === 'auto' && new URL(notify).hostname === SLACK_HOST);
  const form = isSlack ? 'slack' : 'json';
  return { notify: { url: notify, form, secret: notifySecretFile, silence_millis: notifySilence } };
}

const SLACK_HOST = 'hooks.slack.com';

function sayWhoMay({ host, ingestTokenFile }: Settings, isRead: boolean, port: number, log: Logger): void {
  const sent =
    ingestTokenFile === null
      ? `whoever reaches ${host} port ${port} may send traces`
      : `whoever reaches ${host} port ${port} may send traces with the token`;
  if (isRead) log.info(`${sent}; reading them takes the token`);
  else log.warn(`${sent}, and nobody may read them: --read-token or --read-token-file gives reading a token`);
}
