/**
 * The configuration in TOML, as pcapdaemon's users have it, and what flags change of it.
 *
 * in: the file's text, the flags, what is there on this machine · out: `TriggerSettings`, and notes for the log
 *
 * Defaults are those that pcapdaemon means to have and by mistake does not: there an absent `maxpackets` refuses every
 * message, an absent `maxbytes` ends every capture at its first packet.
 */
import { readFileSync } from 'node:fs';
import { reasonOf, systemReason, UsageError } from '../../../errors.js';
import type { FlagValues } from './flags.js';
import { type Listeners, readListeners } from './listeners.js';
import { type Outputs, readOutputs } from './outputs.js';
import type { InterfaceAliases, LookbackSettings, TriggerSettings } from './settings.js';
import type { TablesContext } from './tables.js';
import { bytesOf, ConfigurationTable, secondsOf } from './toml-table.js';

export interface Machine {
  readonly node: string;
  readonly interfaces: readonly string[];
  /** Bytes that this process may have; the default of `maxmemory` is a share of it. */
  readonly memoryBytes: number;
}

export interface Configuration {
  readonly settings: TriggerSettings;
  /** What the configuration has that nothing reads, and what else is worth a warning. */
  readonly notes: readonly string[];
}

/** A capture's time limits are timers, and a timer counts no more than 24 days. */
const SECONDS_MAX = 604_800;
const MEBIBYTE = 2 ** 20;
const COUNT_MAX = 2 ** 31 - 1;
const MEMORY_BYTES_DEFAULT_MAX = 512 * MEBIBYTE;
/** The share of the machine's memory that captures have where `maxmemory` does not say. */
const MEMORY_SHARE = 1 / 4;
/** How far back packets are kept where only their bytes are bounded, and the bytes where only the time is. */
const LOOKBACK_SECONDS_MAX = 86_400;
const LOOKBACK_BYTES_DEFAULT = 64 * MEBIBYTE;

/** @throws UsageError */
export async function readConfiguration(flags: FlagValues, machine: Machine): Promise<Configuration> {
  const tables = await parseFile(flags.config);
  const used: ConfigurationTable[] = [];
  const table = (name: string) => {
    const one = new ConfigurationTable(`[${name}]`, tables.get(name));
    used.push(one);
    return one;
  };
  const context = { flags, general: table('general'), table };
  const limits = readLimits(context, machine);
  const listeners = readListeners(context);
  const outputs = readOutputs(context);
  const aliases = readInterfaces(tables.get('interface'), machine, used);
  const settings: TriggerSettings = { node: machine.node, ...limits, ...listeners, ...outputs, aliases };
  return { settings, notes: [...unknownNames(tables, used), ...aliasNotes(aliases)] };
}

const TABLES = ['general', 'cloudshark', 'redis', 'kafka', 'syslog', 'interface', 's3', 'sqs'];

async function parseFile(path: string | null): Promise<Map<string, unknown>> {
  if (path === null) return new Map();
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`-config ${path}: ${systemReason(error)}; name a file that can be read`);
  }
  const { parse } = await loadToml();
  try {
    return new Map(
      Object.entries(parse(text, { integersAsBigInt: true })).map(([name, one]) => [name.toLowerCase(), one]),
    );
  } catch (error) {
    const { line } = error as { line?: number };
    const where = line === undefined ? '' : ` line ${line}`;
    throw new UsageError(`-config ${path}${where}: ${reasonOf(error)}; mend that line, as https://toml.io has it`);
  }
}

async function loadToml() {
  try {
    return await import('smol-toml');
  } catch {
    throw new UsageError(
      '-config: the package smol-toml is not installed, which reads it; npm install smol-toml, or take the image whose tag ends in -packets',
    );
  }
}

type Limits = Omit<TriggerSettings, 'node' | 'aliases' | keyof Listeners | keyof Outputs>;

function readLimits({ flags, general }: TablesContext, machine: Machine): Limits {
  const seconds = { min: 1, max: SECONDS_MAX };
  const maxTimeout = general.seconds('maxtimeout', seconds) ?? 3600;
  const timeout = general.seconds('defaulttimeout', seconds) ?? Math.min(60, maxTimeout);
  if (timeout > maxTimeout)
    throw general.fault(
      'defaulttimeout',
      timeout,
      `is above maxtimeout, which is ${maxTimeout}; lower one, or raise the other`,
    );
  const lookback = readLookback(general);
  const maxPackets = general.integer('maxpackets', { min: 1, max: COUNT_MAX }) ?? 10_000;
  const caps = {
    packetsMax: flags.maxpackets ?? maxPackets,
    bytesMax: general.integer('maxbytes', { min: 1, max: COUNT_MAX }) ?? 100_000_000,
    timeoutSecondsMax: maxTimeout,
    timeoutSeconds: timeout,
    durationSecondsMax: general.seconds('maxduration', seconds) ?? 3600,
    snapLength: general.integer('snaplength', { min: 0, max: COUNT_MAX }) ?? 512,
    beforeSecondsMax: lookback === null ? 0 : lookback.secondsMax,
  };
  const format = general.text('format') ?? 'pcap';
  if (format !== 'pcap' && format !== 'pcap-nano' && format !== 'pcapng')
    throw general.fault('format', format, 'give "pcap", "pcap-nano" or "pcapng"');
  const memory = Math.min(MEMORY_BYTES_DEFAULT_MAX, Math.floor(machine.memoryBytes * MEMORY_SHARE));
  return {
    caps,
    format,
    lookback,
    memoryBytesMax: general.bytes('maxmemory', 1, { min: 65_536, max: 2 ** 40 }) ?? memory,
    capturesMax: general.integer('maxcaptures', { min: 1, max: 65_536 }) ?? 256,
    ringMebibytes: general.integer('ringsize', { min: 1, max: 1024 }) ?? 8,
    health: general.text('health') ?? '',
    packetDebug: general.flag('packetdebug') ?? false,
    logRequests: general.flag('logrequests') ?? false,
    takesMetadata: general.flag('metadata') ?? false,
  };
}

/** `lookback = "64MiB"`, `"30s"`, both in a list, or a number of MiB. */
function readLookback(general: ConfigurationTable): LookbackSettings | null {
  const given = general.sizesOrTimes('lookback');
  if (given.length === 0) return null;
  let bytesMax: number | null = null;
  let secondsMax: number | null = null;
  for (const one of given) {
    const bytes = typeof one === 'number' ? one * MEBIBYTE : /b$/i.test(one) ? bytesOf(one) : null;
    const seconds = typeof one === 'number' ? null : secondsOf(one);
    if (bytes !== null && bytes >= MEBIBYTE && bytes <= 2 ** 36) bytesMax = bytes;
    else if (seconds !== null && seconds >= 1 && seconds <= LOOKBACK_SECONDS_MAX) secondsMax = seconds;
    else
      throw general.fault(
        'lookback',
        one,
        'give MiB from 1 to 65536 such as "64MiB", seconds up to a day such as "30s", or both in a list',
      );
  }
  return { bytesMax: bytesMax ?? LOOKBACK_BYTES_DEFAULT, secondsMax: secondsMax ?? LOOKBACK_SECONDS_MAX };
}

function readInterfaces(tables: unknown, machine: Machine, used: ConfigurationTable[]): InterfaceAliases[] {
  if (tables === undefined) return [];
  if (!Array.isArray(tables))
    throw new UsageError('[interface]: is one table; write [[interface]], for each interface');
  return tables.map((one: unknown) => {
    const table = new ConfigurationTable('[[interface]]', one);
    used.push(table);
    const name = table.text('name');
    if (name === null || name === '') throw new UsageError('[[interface]]: has no name; give name = "eth0"');
    if (name !== 'any' && !machine.interfaces.includes(name))
      throw table.fault('name', name, `no such interface; there are ${machine.interfaces.join(', ')}`);
    return { name, aliases: table.texts('alias') };
  });
}

function aliasNotes(aliases: readonly InterfaceAliases[]): string[] {
  return aliases
    .filter((one) => one.aliases.length === 0)
    .map(({ name }) => `[[interface]] ${name}: has no alias, so that no message can name it by one`);
}

function unknownNames(tables: ReadonlyMap<string, unknown>, used: readonly ConfigurationTable[]): string[] {
  const unknown = [...tables.keys()].filter((name) => !TABLES.includes(name)).map((name) => `[${name}]`);
  const keys = used.flatMap(({ name, unknownKeys }) => unknownKeys.map((key) => `${key} in ${name}`));
  return [...unknown, ...keys].map((name) => `the configuration has ${name}, which nothing reads`);
}
