/**
 * The tables of where captures go: a directory, [cloudshark], [s3]. One of them has to be on, since nothing leaves unless it is
 * asked for in words. Beside them what has to do with their ends: the spool, replies, [syslog].
 */
import { UsageError } from '../../../errors.js';
import type { AllowedNames } from '../message/admission.js';
import { missing } from './listeners.js';
import type { CloudSharkSettings, LocalSettings, S3Settings, SpoolSettings, SyslogSettings } from './settings.js';
import { awsKeys, pemFile, requireDirectory, type TablesContext } from './tables.js';

export interface Outputs {
  readonly local: LocalSettings | null;
  readonly cloudshark: CloudSharkSettings | null;
  readonly s3: S3Settings | null;
  readonly spool: SpoolSettings | null;
  readonly retrySeconds: number;
  readonly syslog: SyslogSettings | null;
  readonly allowed: AllowedNames;
}

export function readOutputs(context: TablesContext): Outputs {
  const { general } = context;
  const local = readLocal(context);
  const cloudshark = readCloudShark(context);
  const { s3, buckets, endpoints, acls } = readS3(context);
  if (local === null && cloudshark === null && s3 === null) {
    throw new UsageError(
      'captures have nowhere to go: set writelocal in [general], or upload in [cloudshark] or [s3], to true',
    );
  }
  const spoolDirectory = general.text('spooldir');
  const spoolBytes = general.bytes('spoolmaxbytes', 1, { min: 1 << 20, max: 2 ** 44 }) ?? 2 ** 30;
  return {
    ...{ local, cloudshark, s3 },
    spool:
      spoolDirectory === null
        ? null
        : { directory: requireDirectory(general, 'spooldir', spoolDirectory), bytesMax: spoolBytes },
    retrySeconds: general.seconds('retryseconds', { min: 0, max: 86_400 }) ?? 600,
    syslog: readSyslog(context),
    allowed: { buckets, endpoints, acls, replyTo: general.texts('replyto') },
  };
}

function readLocal({ flags, general }: TablesContext): LocalSettings | null {
  const isWanted = flags.writelocal || (general.flag('writelocal') ?? false);
  const configured = general.text('localdir');
  if (!isWanted) return null;
  // pcapdaemon has the flag replace the key only where -writelocal is given as well.
  const directory = (flags.writelocal ? flags.destdir : null) ?? configured ?? flags.destdir;
  if (directory === null || directory === '') throw missing(general, 'localdir', 'the directory for captures');
  return { directory: requireDirectory(general, 'localdir', directory) };
}

function readCloudShark({ flags, table: tableOf }: TablesContext): CloudSharkSettings | null {
  const table = tableOf('cloudshark');
  const isWanted = flags.upload || (table.flag('upload') ?? false);
  const host = flags.cshost ?? table.text('host');
  const token = flags.cstoken ?? table.text('token');
  const scheme = flags.csscheme ?? table.text('scheme') ?? 'https';
  const rest = {
    port: flags.csport ?? table.integer('port', { min: 1, max: 65_535 }),
    timeoutSeconds: flags.cstimeout ?? table.seconds('timeout', { min: 0, max: 86_400 }) ?? 0,
    ca: pemFile(table, 'ca'),
    isVerified: !(table.flag('insecure') ?? false),
  };
  if (!isWanted) return null;
  if (host === null || host === '') throw missing(table, 'host', 'the name of the CloudShark host');
  if (!/^[\w.:[\]-]+$/.test(host))
    throw table.fault('host', host, 'give a name or an address, without scheme and port');
  if (token === null || token === '') throw missing(table, 'token', 'the token of the CloudShark API');
  if (scheme !== 'http' && scheme !== 'https') throw table.fault('scheme', scheme, 'give "http" or "https"');
  return { ...rest, host, token, scheme, port: rest.port ?? (scheme === 'http' ? 80 : 443) };
}

interface S3Tables {
  readonly s3: S3Settings | null;
  readonly buckets: readonly string[];
  readonly endpoints: readonly string[];
  readonly acls: readonly string[];
}

/** A message may name what the configuration names already, and what its lists allow. */
function readS3({ table: tableOf }: TablesContext): S3Tables {
  const table = tableOf('s3');
  const isWanted = table.flag('upload') ?? false;
  const bucket = table.text('bucket');
  const endpoint = table.text('endpoint');
  const region = table.text('region') ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? '';
  const acl = table.text('acl') ?? 'private';
  const rest = {
    keys: awsKeys(table),
    encryption: table.flag('encryption') ?? false,
    // pcapdaemon's documents say `folder` and its program reads `pcaps`.
    folder: table.text('folder') ?? table.text('pcaps') ?? '',
  };
  table.text('pcaps');
  const buckets = [...new Set([...(bucket === null ? [] : [bucket]), ...table.texts('buckets')])];
  const endpoints = [...new Set([...(endpoint === null ? [] : [endpoint]), ...table.texts('endpoints')])];
  const acls = [...new Set([acl, ...table.texts('acls')])];
  if (!isWanted) return { s3: null, buckets, endpoints, acls };
  if (bucket === null || bucket === '') throw missing(table, 'bucket', 'the bucket for captures');
  if (region === '') throw missing(table, 'region', 'such as "eu-central-1"');
  for (const one of endpoints) {
    // pcapdaemon takes one without a scheme for https.
    if (!URL.canParse(one.includes('://') ? one : `https://${one}`))
      throw table.fault('endpoint', one, 'give http(s)://host[:port]');
  }
  return { s3: { ...rest, bucket, region, acl, endpoint: endpoint || null }, buckets, endpoints, acls };
}

/** Only where it is asked for: pcapdaemon without the table sends every line as kern.emerg, to every terminal. */
function readSyslog({ table: tableOf }: TablesContext): SyslogSettings | null {
  const table = tableOf('syslog');
  const priority = table.integer('priority', { min: 0, max: 191 }) ?? 85;
  const tag = table.text('tag') ?? 'pcapdaemon';
  const socket = table.text('socket');
  if (!table.isPresent) return null;
  if (!/^[\x21-\x7e]{1,32}$/.test(tag)) throw table.fault('tag', tag, 'give up to 32 letters, without spaces');
  return { priority, tag, socket };
}
