/**
 * The tables of what messages come through: [redis], [sqs], [kafka]. One of them has to listen.
 */
import { UsageError } from '../../../errors.js';
import type { KafkaSettings, RedisSettings, SqsSettings } from './settings.js';
import { awsKeys, type TablesContext, tlsSettings } from './tables.js';
import type { ConfigurationTable } from './toml-table.js';

export interface Listeners {
  readonly redis: RedisSettings | null;
  readonly sqs: SqsSettings | null;
  readonly kafka: KafkaSettings | null;
}

const PORT = { min: 1, max: 65_535 };

export function readListeners(context: TablesContext): Listeners {
  const listeners = { redis: readRedis(context), sqs: readSqs(context), kafka: readKafka(context) };
  if (Object.values(listeners).some((one) => one !== null)) return listeners;
  throw new UsageError('no messages can come: set listen = true in [redis], [sqs] or [kafka]');
}

/** The flags make a listener of their own: without a file there is no other way to say so. */
function readRedis({ flags, table: tableOf }: TablesContext): RedisSettings | null {
  const table = tableOf('redis');
  const host = flags.redisnode ?? table.text('host');
  const channels = flags.redischannel === null ? table.texts('channel') : [flags.redischannel];
  const patterns = table.texts('patterns');
  const isWanted = table.flag('listen') ?? (flags.redisnode !== null && flags.redischannel !== null);
  const settings = {
    port: flags.redisport ?? table.integer('port', PORT) ?? 6379,
    user: table.text('user'),
    password: table.text('auth') || null,
    tls: tlsSettings(table),
  };
  if (!isWanted) return null;
  if (host === null || host === '') throw missing(table, 'host', 'the name or address of Redis');
  if (channels.length + patterns.length === 0 || [...channels, ...patterns].includes(''))
    throw missing(table, 'channel', 'the channel that messages come through, or patterns');
  if (settings.user !== null && settings.password === null)
    throw missing(table, 'auth', `the password of the user ${settings.user}`);
  return { ...settings, host, channels, patterns };
}

function readSqs({ table: tableOf }: TablesContext): SqsSettings | null {
  const table = tableOf('sqs');
  const isWanted = table.flag('listen') ?? false;
  const url = table.text('url');
  const region = table.text('region') ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? '';
  const endpoint = table.text('endpoint');
  const settings = {
    keys: awsKeys(table),
    waitSeconds: table.integer('waitseconds', { min: 0, max: 20 }) ?? 20,
    chunkSize: table.integer('chunksize', { min: 1, max: 10 }) ?? 10,
  };
  if (!isWanted) return null;
  if (url === null || !URL.canParse(url)) throw missing(table, 'url', "the queue's address, https://…");
  if (region === '') throw missing(table, 'region', 'such as "eu-central-1"');
  if (endpoint !== null && !URL.canParse(endpoint))
    throw table.fault('endpoint', endpoint, 'give http(s)://host[:port]');
  return { ...settings, url, region, endpoint: endpoint ?? new URL(url).origin };
}

function readKafka({ table: tableOf }: TablesContext): KafkaSettings | null {
  const table = tableOf('kafka');
  const isWanted = table.flag('listen') ?? false;
  const servers = table.texts('server');
  const topic = table.text('topic');
  const tls = tlsSettings(table);
  const user = table.text('user');
  const password = table.text('password');
  const mechanism = (table.text('mechanism') ?? 'PLAIN').toUpperCase();
  if (!isWanted) return null;
  if (servers.length === 0) throw missing(table, 'server', 'brokers such as ["broker:9092"]');
  for (const server of servers) if (!/^.+:\d{1,5}$/.test(server)) throw table.fault('server', server, 'give host:port');
  if (topic === null || topic === '') throw missing(table, 'topic', 'the topic that messages come through');
  if (!['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'].includes(mechanism))
    throw table.fault('mechanism', mechanism, 'give PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512');
  if ((user === null) !== (password === null))
    throw missing(table, user === null ? 'user' : 'password', 'both or neither');
  const sasl = user === null || password === null ? null : { mechanism, user, password };
  return { servers, topic, tls, sasl };
}

export function missing(table: ConfigurationTable, key: string, what: string): UsageError {
  return new UsageError(`${table.name} ${key}: is missing; give ${what}`);
}
