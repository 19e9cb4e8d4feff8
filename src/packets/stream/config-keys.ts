/**
 * The keys of a PacketStreamer configuration, a row each: what reads its value, its default, and what documents say of it.
 * The types of the settings come from the rows.
 */
import { type CannedAcl, S3_ACLS, SASL_MECHANISMS } from '../outputs/service-words.js';
import {
  choice,
  duration,
  flag,
  integer,
  interfacePorts,
  type Kind,
  port,
  ports,
  size,
  text,
  texts,
} from './config-kinds.js';

export interface KeyRow<T> {
  readonly kind: Kind<T>;
  readonly default: T;
  /** Which program reads it. */
  readonly of: 'sensor' | 'receiver' | 'both';
  /** Whether stock PacketStreamer has no such key. */
  readonly isOurs: boolean;
  readonly help: string;
}

type Of = KeyRow<unknown>['of'];
const stock = <T, D extends T | null>(of: Of, kind: Kind<T>, value: D, help: string): KeyRow<T | Extract<D, null>> => ({
  kind: kind as Kind<T | Extract<D, null>>,
  default: value as T | Extract<D, null>,
  of,
  isOurs: false,
  help,
});
const ours = <T, D extends T | null>(of: Of, kind: Kind<T>, value: D, help: string): KeyRow<T | Extract<D, null>> => ({
  ...stock(of, kind, value, help),
  isOurs: true,
});

const MEBIBYTE = 1 << 20;
const ACL: CannedAcl = 'bucket-owner-full-control';

export const KEY_ROWS = {
  'input.address': stock('receiver', text, '', 'address to listen on; empty for all, IPv6 with or without brackets'),
  'input.port': stock('receiver', port, null, 'port to listen on; required'),
  'output.server.address': stock('sensor', text, '', 'receiver to stream to: a name or an address'),
  'output.server.port': stock('sensor', port, null, 'its port; required where `output.server` is given'),
  'output.file.path': stock(
    'both',
    text,
    null,
    'capture file; `stdout` and `-` are standard output, and a FIFO is written whenever somebody reads it',
  ),
  'output.file.format': ours(
    'both',
    choice('pcap', 'pcapng'),
    'pcap',
    'pcapng has an interface for each sensor and link type',
  ),
  'output.file.perSensor': ours(
    'receiver',
    flag,
    false,
    "a file for each sensor, with the sensor's name before its ending",
  ),
  'output.file.rotateSize': ours(
    'both',
    size,
    null,
    'begins another file when this one would grow beyond; the old one gets its time as a name',
  ),
  'output.file.rotateTime': ours('both', duration, 0, 'begins another file when this one is so old; 0 for never'),
  'output.file.keep': ours('both', integer(0, 100_000), 0, 'old files that are kept; the oldest goes first; 0 for all'),
  'output.file.order': ours(
    'receiver',
    duration,
    0,
    'puts packets of all sensors in the order of their times, and waits so long for one that is behind; 0 writes them as they come',
  ),
  'output.plugins.s3.bucket': stock('both', text, null, 'bucket; required where `output.plugins.s3` is given'),
  'output.plugins.s3.region': stock('both', text, '', 'its region'),
  'output.plugins.s3.totalFileSize': stock('both', size, 10 * MEBIBYTE, 'size at which an object is complete'),
  'output.plugins.s3.uploadChunkSize': stock(
    'both',
    size,
    5 * MEBIBYTE,
    'size of one part; S3 takes none below 5MB, but for the last',
  ),
  'output.plugins.s3.uploadTimeout': stock(
    'both',
    duration,
    60_000,
    'an object is complete when nothing came for so long',
  ),
  'output.plugins.s3.cannedACL': stock('both', choice(...S3_ACLS), ACL, 'ACL of an object; `none` sends none'),
  'output.plugins.s3.endpoint': ours('both', text, '', 'another service that speaks S3, as a URL'),
  'output.plugins.s3.key': ours(
    'both',
    text,
    '{year}-{month}-{day}-{hour}-{minute}-{second}-{id}.pcap',
    'name of an object: {year} {month} {day} {hour} {minute} {second} of UTC, {id}, {sensor}',
  ),
  'output.plugins.s3.sse': ours('both', choice('AES256', 'aws:kms'), null, 'server-side encryption'),
  'output.plugins.s3.kmsKeyId': ours('both', text, '', 'key of `aws:kms`'),
  'output.plugins.kafka.brokers': stock(
    'both',
    texts,
    null,
    'HOST:PORT, and more with commas between; required where `output.plugins.kafka` is given',
  ),
  'output.plugins.kafka.clientId': stock('both', text, 'packetstreamer', 'name by which brokers know this client'),
  'output.plugins.kafka.topic': stock('both', text, 'packetstreamer', 'topic'),
  'output.plugins.kafka.messageSize': stock(
    'both',
    size,
    65 * 1024,
    'most bytes of a message, which has whole packets',
  ),
  'output.plugins.kafka.fileSize': stock(
    'both',
    size,
    MEBIBYTE,
    'messages with so many bytes together have the same key',
  ),
  'output.plugins.kafka.acks': stock(
    'both',
    choice('all', 'none', 'one', '-1', '0', '1'),
    'all',
    'which brokers have to have a message',
  ),
  'output.plugins.kafka.timeout': stock('both', duration, 0, 'how long a broker may take; 0 for 30 s'),
  'output.plugins.kafka.maxWait': ours('both', duration, 1000, 'a message that is not full is sent after so long'),
  'output.plugins.kafka.tls': ours('both', flag, false, 'TLS to the brokers, whose certificates are verified'),
  'output.plugins.kafka.ca': ours('both', text, null, 'file of certificates that those of the brokers are verified by'),
  'output.plugins.kafka.sasl': ours('both', choice(...SASL_MECHANISMS), null, 'how the user is authenticated'),
  'output.plugins.kafka.username': ours('both', text, '', 'user'),
  'output.plugins.kafka.password': ours('both', text, '', 'password; the variable KAFKA_PASSWORD gives it as well'),
  'tls.enable': stock('both', flag, false, 'TLS from the first byte on'),
  'tls.certfile': stock('both', text, null, 'certificate (PEM); a receiver has to have one, a sensor may'),
  'tls.keyfile': stock('both', text, null, 'its key (PEM)'),
  'tls.ca': ours(
    'sensor',
    text,
    null,
    "certificates that the receiver's is verified by; without, none is verified, and a line says so",
  ),
  'tls.serverName': ours(
    'sensor',
    text,
    '',
    "name that the receiver's certificate has to have, if not that of its address",
  ),
  'tls.clientCA': ours(
    'receiver',
    text,
    null,
    'certificates that those of sensors are verified by; without one a sensor is refused',
  ),
  'auth.enable': stock('both', flag, false, 'a shared key, which a sensor sends and a receiver compares'),
  'auth.key': stock(
    'both',
    text,
    '',
    'the key, of at most 58 bytes; it is sent as it is, so that it takes TLS to be a secret',
  ),
  compressBlockSize: stock(
    'both',
    integer(1, 4096),
    65,
    'KiB of packets that are compressed at once; that of a receiver says nothing here',
  ),
  inputPacketLen: stock(
    'both',
    integer(-1_000_000_000, 1_000_000_000),
    65_535,
    'bytes captured of each packet; in the head of a receiver’s file',
  ),
  gatherMaxWaitSec: stock(
    'sensor',
    integer(-1_000_000_000, 3600),
    5,
    'seconds for which packets may wait for more of them',
  ),
  logFilename: stock('both', text, '', 'file that the log goes to instead of standard error'),
  pcapMode: stock(
    'sensor',
    choice('allow', 'deny', 'all'),
    null,
    'whether the ports are those captured or those left out; `Allow`, `Deny` and `All` too',
  ),
  capturePorts: stock('sensor', ports, [], 'ports on every interface'),
  captureInterfacesPorts: stock(
    'sensor',
    interfacePorts,
    null,
    'ports of interfaces by their names; no port of one is every port',
  ),
  ignorePorts: stock('sensor', ports, [], 'ports that are never captured'),
  filter: ours('sensor', text, '', 'expression as of tcpdump that packets have to match as well'),
  loopback: ours('sensor', flag, false, 'captures loopback like other interfaces'),
  ringSize: ours('sensor', integer(1, 1024), 16, 'MiB of kernel buffer for each interface'),
  name: ours('sensor', text, '', 'name that a receiver of this project knows the sensor by; the host name'),
  announce: ours(
    'sensor',
    flag,
    true,
    'tells the receiver the name and link types, which a stock receiver drops with one line of its log',
  ),
  whenAway: ours(
    'sensor',
    choice('drop-oldest', 'drop-newest', 'spool'),
    'drop-oldest',
    'which packets go, once the queue is full, while the receiver is away or slow; `spool` keeps them in files',
  ),
  queueSize: ours(
    'both',
    size,
    16 * MEBIBYTE,
    'packets that may wait in memory for the receiver, compressed, or for one output',
  ),
  spoolDir: ours('sensor', text, null, 'directory of those files'),
  spoolSize: ours('sensor', size, 1024 * MEBIBYTE, 'bytes of them; the newest packets go when it is full'),
  keepAliveSec: ours('sensor', integer(1, 50), 20, 'seconds of silence after which an empty block is sent'),
  maxConnections: ours('receiver', integer(1, 65_535), 1024, 'connections at once; one more is refused'),
  maxBlockSize: ours('receiver', integer(64, 16_384), 1024, 'KiB of the largest block, and of what it may decode to'),
  idleTimeoutSec: ours(
    'receiver',
    integer(0, 86_400),
    0,
    'seconds of silence after which a connection is closed; 0 for never, as a stock sensor is silent while there is nothing to send',
  ),
  health: ours(
    'both',
    text,
    '',
    '[HOST:]PORT that answers GET /healthz, /readyz and /metrics; on loopback unless a host is named',
  ),
  logLevel: ours('both', choice('debug', 'info', 'warn', 'error'), 'info', 'least severe level that is logged'),
  logFormat: ours('both', choice('auto', 'json', 'text'), 'auto', 'how log lines look'),
} as const satisfies Readonly<Record<string, KeyRow<never> | KeyRow<unknown>>>;

export type KeyName = keyof typeof KEY_ROWS;
export type KeyValues = { readonly [Name in KeyName]: (typeof KEY_ROWS)[Name] extends KeyRow<infer T> ? T : never };

/** Other names that stock documents, charts and people use for a key; all are compared without regard to case. */
export const KEY_ALIASES: Readonly<Record<string, KeyName>> = {
  'output.plugins.s3.acl': 'output.plugins.s3.cannedACL',
  'output.plugins.s3.totalfilesize': 'output.plugins.s3.totalFileSize',
  'tls.certificate': 'tls.certfile',
  'tls.cafile': 'tls.ca',
};
