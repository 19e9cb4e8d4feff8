/**
 * A PacketStreamer configuration, as documented and as implemented: keys in any case, both ways to write what has two, and
 * an error that names the keys where two of them contradict.
 *
 * in: the text of a YAML file, whether it is for a sensor or a receiver · out: settings and notes; or a `UsageError` of one line
 */
import { hostname } from 'node:os';
import { InvalidValue, UsageError } from '../../errors.js';
import { PACKET_BYTES_MAX } from '../packet-bounds.js';
import { sensorName } from './announcement.js';
import { KEY_ALIASES, KEY_ROWS, type KeyName, type KeyRow, type KeyValues } from './config-keys.js';
import { AUTH_KEY_BYTES_MAX } from './wire.js';

export type StreamRole = 'sensor' | 'receiver';

export interface StreamConfig {
  readonly values: KeyValues;
  /** Which of the groups `output.server`, `output.plugins.s3` and `output.plugins.kafka` the file has. */
  readonly has: (group: string) => boolean;
  /** What a person should know about them. */
  readonly notes: readonly string[];
}

type Tree = Readonly<Record<string, unknown>>;

const NAMES = Object.keys(KEY_ROWS) as KeyName[];
const GROUPS = new Set(
  NAMES.flatMap((name) => {
    const parts = name.split('.');
    return parts.slice(1).map((_, i) =>
      parts
        .slice(0, i + 1)
        .join('.')
        .toLowerCase(),
    );
  }),
);
const BY_LOWER = new Map<string, KeyName>([
  ...NAMES.map((name) => [name.toLowerCase(), name] as const),
  ...Object.entries(KEY_ALIASES).map(([alias, name]) => [alias.toLowerCase(), name] as const),
]);

/** @throws UsageError */
export function readStreamConfig(source: string, tree: unknown, role: StreamRole): StreamConfig {
  const reading = new Reading(source);
  if (tree !== null && tree !== undefined) reading.walk(tree, '');
  const values = reading.values;
  const has = (group: string) => reading.groups.has(group.toLowerCase());
  const notes = [...reading.notes];
  checkOutputs(source, values, has, role, reading.notes);
  checkTls(source, values, role, notes);
  checkAuth(source, values);
  if (role === 'sensor') checkCapture(source, values, reading.given, notes);
  const idle = NAMES.filter((name) => reading.given.has(name) && ![role, 'both'].includes(KEY_ROWS[name].of));
  for (const name of idle) notes.push(`${name} does nothing in a ${role}`);
  return { values: completed(values, notes), has, notes };
}

class Reading {
  readonly #source: string;
  readonly #values: Record<string, unknown>;
  /** By key, as it was written. */
  readonly given = new Map<KeyName, string>();
  readonly groups = new Set<string>();
  readonly notes: string[] = [];

  constructor(source: string) {
    this.#source = source;
    this.#values = Object.fromEntries(NAMES.map((name) => [name, KEY_ROWS[name].default]));
  }

  get values(): KeyValues {
    return this.#values as unknown as KeyValues;
  }

  walk(tree: unknown, above: string): void {
    if (typeof tree !== 'object' || tree === null || Array.isArray(tree))
      throw new UsageError(`${this.#source}: ${above === '' ? 'it' : above} is no map of keys; give one`);
    for (const [key, value] of Object.entries(tree as Tree)) {
      const path = above === '' ? key : `${above}.${key}`;
      const lower = path.toLowerCase();
      const name = BY_LOWER.get(lower);
      if (name !== undefined) this.#take(name, path, value);
      else if (GROUPS.has(lower)) {
        if (value === null) continue;
        this.groups.add(lower);
        this.walk(value, path);
      } else this.notes.push(`${path} is no key that anything reads; docs/packetstreamer.md has those there are`);
    }
  }

  #take(name: KeyName, path: string, value: unknown): void {
    if (value === null) return;
    const row = KEY_ROWS[name] as unknown as KeyRow<unknown>;
    let read: unknown;
    try {
      read = row.kind(value);
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      throw new UsageError(`${this.#source}: ${path} ${JSON.stringify(value)} ${error.message}`);
    }
    const before = this.given.get(name);
    if (before !== undefined && JSON.stringify(this.#values[name]) !== JSON.stringify(read))
      throw new UsageError(
        `${this.#source}: ${before} and ${path} are the same key with two values; leave one of them out`,
      );
    this.given.set(name, path);
    this.#values[name] = read;
  }
}

function checkOutputs(
  source: string,
  values: KeyValues,
  has: StreamConfig['has'],
  role: StreamRole,
  unread: readonly string[],
): void {
  // A key that is mistyped is why another is missing, more often than not.
  const fail = (message: string) => {
    throw new UsageError(`${source}: ${[message, ...unread].join('; ')}`);
  };
  if (role === 'receiver') {
    if (values['input.port'] === null)
      fail(has('input') ? 'no port configured for input; give input.port' : 'no input configured; give input.port');
    if (has('output.server'))
      fail('output.server has no meaning in a receiver, which streams to nobody; give output.file.path or a plugin');
  } else if (has('output.server') && values['output.server.port'] === null)
    fail('no port configured for server output; give output.server.port');
  else if (has('output.server') && values['output.server.address'] === '')
    fail('no address configured for server output; give output.server.address');
  const isAnywhere =
    has('output.server') ||
    values['output.file.path'] !== null ||
    has('output.plugins.s3') ||
    has('output.plugins.kafka');
  if (!isAnywhere)
    fail(
      `no output configured; give ${role === 'sensor' ? 'output.server, ' : ''}output.file.path or one of output.plugins`,
    );
  if (has('output.plugins.s3') && values['output.plugins.s3.bucket'] === null)
    fail('output.plugins.s3 has no bucket; give output.plugins.s3.bucket');
  if (has('output.plugins.kafka') && (values['output.plugins.kafka.brokers'] ?? []).length === 0)
    fail('output.plugins.kafka has no brokers; give output.plugins.kafka.brokers');
  const part = values['output.plugins.s3.uploadChunkSize'];
  if (has('output.plugins.s3') && part < 5 << 20)
    fail(`output.plugins.s3.uploadChunkSize ${part} is less than a part of S3 may have; give 5MB or more`);
  if (values.whenAway === 'spool' && values.spoolDir === null)
    fail('whenAway spool keeps packets in files; give spoolDir');
  if (values['output.file.perSensor'] && ['stdout', '-'].includes(values['output.file.path'] ?? ''))
    fail('output.file.perSensor and output.file.path stdout contradict each other; name a file');
  if (
    values['output.file.keep'] > 0 &&
    values['output.file.rotateSize'] === null &&
    values['output.file.rotateTime'] === 0
  )
    fail('output.file.keep counts files that are rotated; give output.file.rotateSize or output.file.rotateTime');
}

function checkTls(source: string, values: KeyValues, role: StreamRole, notes: string[]): void {
  const { 'tls.enable': enable, 'tls.certfile': certificate, 'tls.keyfile': key } = values;
  const given = NAMES.filter(
    (name) => name.startsWith('tls.') && name !== 'tls.enable' && values[name] !== KEY_ROWS[name].default,
  );
  if (!enable) {
    if (given.length > 0) notes.push(`${given.join(', ')} do nothing: tls.enable is not true`);
    return;
  }
  if ((certificate === null) !== (key === null)) {
    const [is, isNot] = certificate === null ? ['keyfile', 'certfile'] : ['certfile', 'keyfile'];
    throw new UsageError(`${source}: tls.${is} is given without tls.${isNot}; give both`);
  }
  if (role === 'receiver' && certificate === null)
    throw new UsageError(`${source}: tls.enable takes tls.certfile and tls.keyfile in a receiver; give both`);
}

function checkAuth(source: string, values: KeyValues): void {
  if (!values['auth.enable']) return;
  const bytes = Buffer.byteLength(values['auth.key']);
  if (bytes === 0) throw new UsageError(`${source}: auth.enable takes auth.key; give it`);
  if (bytes > AUTH_KEY_BYTES_MAX)
    throw new UsageError(`${source}: auth.key has ${bytes} bytes, and ${AUTH_KEY_BYTES_MAX} fit; give a shorter one`);
}

function checkCapture(source: string, values: KeyValues, given: ReadonlyMap<KeyName, string>, notes: string[]): void {
  const { pcapMode, capturePorts, captureInterfacesPorts, ignorePorts } = values;
  const listed = [
    ...(capturePorts.length > 0 ? ['capturePorts'] : []),
    ...(Object.keys(captureInterfacesPorts ?? {}).length > 0 ? ['captureInterfacesPorts'] : []),
  ];
  if (pcapMode === 'all' && listed.length > 0)
    throw new UsageError(
      `${source}: pcapMode all and ${listed.join(' and ')} contradict each other; give pcapMode allow or deny, or leave the ports out`,
    );
  if (pcapMode === null && listed.length > 0) notes.push(`${listed.join(' and ')} without pcapMode: taken as allow`);
  if (pcapMode === 'deny') return;
  const wanted = [...capturePorts, ...Object.values(captureInterfacesPorts ?? {}).flat()];
  const both = wanted.filter((port) => ignorePorts.includes(port));
  if (both.length > 0)
    throw new UsageError(
      `${source}: ${listed.join(', ')} and ignorePorts both have ${both.join(', ')}; leave it out of one of them`,
    );
  if (given.has('gatherMaxWaitSec') && values.gatherMaxWaitSec < 0)
    notes.push('gatherMaxWaitSec below 0 is taken as 0');
}

/** Values as they are used: whole packets where no length, or an impossible one, is given. */
function completed(values: KeyValues, notes: string[]): KeyValues {
  const length = values.inputPacketLen;
  const isWhole = length <= 0 || length > PACKET_BYTES_MAX;
  if (isWhole) notes.push(`inputPacketLen ${length} is taken as ${PACKET_BYTES_MAX}: whole packets`);
  return {
    ...values,
    inputPacketLen: isWhole ? PACKET_BYTES_MAX : length,
    gatherMaxWaitSec: Math.max(0, values.gatherMaxWaitSec),
    name: sensorName(values.name) || sensorName(hostname()) || 'sensor',
  };
}
