/** Where the sensor's packets come from, by its settings: a file, or live interfaces without the satellite's traffic. */
import { isIP } from 'node:net';
import type { ExcludedEndpoint } from './capture/exclusions.js';
import { FileSource } from './capture/file-source.js';
import { localAddresses } from './capture/interfaces.js';
import { type LiveSource, openLive } from './capture/live.js';
import type { PacketSource } from './capture/packet-source.js';
import { followSatellite, type SatelliteAddresses } from './capture/satellite-addresses.js';
import type { Limits } from './limits.js';
import type { Logger } from './log.js';
import type { Settings } from './options.js';
import type { Gate } from './policy/governor.js';
import { proxyFor } from './relay/agent.js';
import { parseSatelliteUrl } from './satellite-url.js';

export interface OpenedSource {
  source: PacketSource;
  /** Of a live source; null where packets alone tell the time. */
  timeBaseSeconds: number | null;
  /** Whether an address belongs to this task. */
  isLocal(address: string): boolean;
  /** Shuts and opens the capture; null where packets wait for whoever reads them. */
  gate: Gate | null;
  /** What was wrong with the source, at its end. */
  warning(): string | null;
  /** Ends what was started beside the source. */
  close(): void;
}

/** GSO packets on loopback have up to 64 KiB, and BIG TCP more. */
const SNAP_LENGTH = 262_144;
/** Interfaces and their addresses may come and go. */
const REFRESH_MILLIS = 30_000;

export async function openSource(
  settings: Settings,
  limits: Limits,
  log: Logger,
  onDrops: (time: number) => void,
): Promise<OpenedSource> {
  if (settings.read !== null) {
    const source = await FileSource.open(settings.read);
    // A file does not say whose side it was taken on: every exchange is seen as its server sees it.
    return {
      source,
      timeBaseSeconds: null,
      isLocal: () => true,
      gate: null,
      warning: () => source.warning,
      close: () => {},
    };
  }
  const own = ownEndpoints(settings);
  let live: LiveSource | null = null;
  const satellite = await followSatelliteOf(settings, (endpoints) => {
    live?.setFilter({ user: settings.filter, satellite: [...endpoints, ...own] });
  });
  let local = localAddresses();
  const source = openLive({
    backend: settings.captureBackend,
    interfaces: {
      names: settings.interfaces,
      include: settings.interfaceInclude,
      exclude: settings.interfaceExclude,
    },
    filter: { user: settings.filter, satellite: [...(satellite?.endpoints ?? []), ...own] },
    ringMebibytes: settings.ringSize,
    snapLength: SNAP_LENGTH,
    interfacesMax: limits.interfaces_max,
    log: { info: (message) => log.info(message), warn: (message) => log.warn(message) },
    onDrops: (_interface, _count, time) => onDrops(time),
  });
  live = source;
  const refresh = setInterval(() => {
    local = localAddresses();
  }, REFRESH_MILLIS);
  refresh.unref();
  return {
    source,
    timeBaseSeconds: source.timeBaseSeconds,
    isLocal: (address) => local.has(address),
    gate: { open: () => source.setGate(true), close: () => source.setGate(false) },
    warning: () => null,
    close() {
      clearInterval(refresh);
      satellite?.stop();
    },
  };
}

/** Where the sensor itself listens: its health and metrics are nobody's traffic. */
function ownEndpoints({ healthPort }: Settings): ExcludedEndpoint[] {
  if (healthPort === null || healthPort.port === 0 || isIP(healthPort.host) === 0) return [];
  return [{ address: healthPort.host, port: healthPort.port }];
}

/** Follows whom the relay connects to: the satellite, or the proxy on the way to it. Null without a satellite. */
async function followSatelliteOf(
  settings: Settings,
  onChange: (endpoints: readonly ExcludedEndpoint[]) => void,
): Promise<SatelliteAddresses | null> {
  if (settings.satelliteUrl === null) return null;
  const satellite = parseSatelliteUrl(settings.satelliteUrl);
  const proxy = proxyFor(satellite);
  if (proxy === null) return followSatellite({ host: satellite.host, port: satellite.port, onChange });
  const port = Number(proxy.port) || (proxy.protocol === 'https:' ? 443 : 80);
  return followSatellite({ host: proxy.hostname.replace(/^\[|\]$/g, ''), port, onChange });
}
