/** Where the sensor's packets come from, by its settings: a file, or live interfaces without the satellite's traffic. */
import { lookup } from 'node:dns/promises';
import type { ExcludedEndpoint } from './capture/exclusions.js';
import { FileSource } from './capture/file-source.js';
import { localAddresses } from './capture/interfaces.js';
import { openLive } from './capture/live.js';
import type { PacketSource } from './capture/packet-source.js';
import type { Limits } from './limits.js';
import type { Logger } from './log.js';
import type { Settings } from './options.js';
import { ownPeers } from './relay/open-outputs.js';

export interface OpenedSource {
  source: PacketSource;
  /** Of a live source; null where packets alone tell the time. */
  timeBaseSeconds: number | null;
  /** Whether an address belongs to this task. */
  isLocal(address: string): boolean;
  /** What was wrong with the source, at its end. */
  warning(): string | null;
  /** Ends what was started beside the source. */
  close(): void;
}

const RING_MEBIBYTES = 16;
/** GSO packets on loopback have up to 64 KiB, and BIG TCP more. */
const SNAP_LENGTH = 262_144;
const INTERFACES_MAX = 256;
/** The satellite may move, and interfaces may come and go. */
const REFRESH_MILLIS = 30_000;

export async function openSource(
  settings: Settings,
  _limits: Limits,
  log: Logger,
  onDrops: () => void,
): Promise<OpenedSource> {
  if (settings.read !== null) {
    const source = await FileSource.open(settings.read);
    // A file does not say whose side it was taken on: every exchange is seen as its server sees it.
    return { source, timeBaseSeconds: null, isLocal: () => true, warning: () => source.warning, close: () => {} };
  }
  let satellite = await ownEndpoints(settings, [], log);
  let local = localAddresses();
  const source = openLive({
    backend: 'auto',
    interfaces: { names: settings.interfaces, include: [], exclude: [] },
    filter: { user: settings.filter, satellite },
    ringMebibytes: RING_MEBIBYTES,
    snapLength: SNAP_LENGTH,
    interfacesMax: INTERFACES_MAX,
    log: { info: (message) => log.info(message), warn: (message) => log.warn(message) },
    onDrops,
  });
  const refresh = setInterval(async () => {
    local = localAddresses();
    const now = await ownEndpoints(settings, satellite, log);
    if (JSON.stringify(now) === JSON.stringify(satellite)) return;
    satellite = now;
    source.setFilter({ user: settings.filter, satellite });
  }, REFRESH_MILLIS);
  refresh.unref();
  return {
    source,
    timeBaseSeconds: source.timeBaseSeconds,
    isLocal: (address) => local.has(address),
    warning: () => null,
    close: () => clearInterval(refresh),
  };
}

/**
 * Where the sensor itself talks and is talked to: every address of the satellite, or of the proxy before it, and the
 * health port. `known` where a name does not resolve just now.
 */
async function ownEndpoints(
  settings: Settings,
  known: readonly ExcludedEndpoint[],
  log: Logger,
): Promise<readonly ExcludedEndpoint[]> {
  try {
    const found: ExcludedEndpoint[] = [];
    for (const { host, port } of ownPeers(settings)) {
      const hosts = UNSPECIFIED.has(host) ? [...localAddresses()] : (await lookup(host, { all: true })).map(addressOf);
      for (const address of hosts) found.push({ address, port });
    }
    return found.sort((a, b) => (a.address < b.address ? -1 : 1));
  } catch (error) {
    const { code, hostname: host } = error as NodeJS.ErrnoException & { hostname?: string };
    log.warn({ host, reason: code }, "the satellite's name does not resolve yet");
    return known;
  }
}

const UNSPECIFIED = new Set(['0.0.0.0', '::']);
const addressOf = ({ address }: { address: string }): string => address;
