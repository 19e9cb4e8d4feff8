/** Where the sensor's packets come from, by its settings: a file, or live interfaces without the satellite's traffic. */
import { isIP } from 'node:net';
import type { ExcludedEndpoint, FilterParts } from '../capture/exclusions.js';
import { localAddresses } from '../capture/interfaces.js';
import { type LiveSource, openLive } from '../capture/live.js';
import type { PacketSource } from '../capture/packet-source.js';
import { followSatellite, type SatelliteAddresses } from '../capture/satellite-addresses.js';
import type { Limits } from '../limits.js';
import type { Logger } from '../log.js';
import type { Settings } from '../options/options.js';
import { proxyFor } from '../output/satellite/agent.js';
import { parseSatelliteUrl } from '../output/satellite/satellite-url.js';
import type { Gate } from '../policy/governor.js';

export interface OpenedSource {
  source: PacketSource;
  /** What the times of a live source count from; null where packets alone give the time. */
  timeBaseSeconds: number | null;
  /** Whether an address belongs to this task. */
  isLocal(address: string): boolean;
  /** Takes an address that traces are sent to: the traffic with it is the sensor's own, and is not captured. */
  noteSatellite(address: string): void;
  /** Opens and shuts the capture; null for a file, whose packets wait until they are read. */
  gate: Gate | null;
  /** What was wrong with the source, known at its end. */
  warning(): string | null;
  /** Ends what was started beside the source. */
  close(): void;
}

/** GSO packets on loopback have up to 64 KiB, and those of BIG TCP more. */
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
    const { FileSource } = await import('../capture/file-source.js');
    const source = await FileSource.open(settings.read);
    // A file does not say on which side it was captured: every exchange is taken for the server's.
    return {
      source,
      timeBaseSeconds: null,
      isLocal: () => true,
      noteSatellite: () => {},
      gate: null,
      warning: () => source.warning,
      close: () => {},
    };
  }
  const own = ownEndpoints(settings);
  const receiver = receiverOf(settings);
  const filterWith = (endpoints: readonly ExcludedEndpoint[]) => ({
    user: settings.filter,
    satellite: [...endpoints, ...own],
  });
  let local = localAddresses();
  // Packets are taken while the receiver's name is resolved, which may take long. Nothing is sent to it before that.
  const known = receiver === null || isIP(receiver.host) === 0 ? [] : [{ address: receiver.host, port: receiver.port }];
  const source = openLive({
    backend: settings.captureBackend,
    interfaces: {
      names: settings.interfaces,
      include: settings.interfaceInclude,
      exclude: settings.interfaceExclude,
    },
    filter: filterWith(known),
    ringMebibytes: settings.ringSize,
    snapLength: SNAP_LENGTH,
    interfacesMax: limits.interfaces_max,
    log: { info: (message) => log.info(message), warn: (message) => log.warn(message) },
    onDrops: (_interface, _count, time) => onDrops(time),
  });
  let satellite: SatelliteAddresses | null;
  try {
    satellite = await follow(receiver, source, filterWith);
  } catch (error) {
    source.stop();
    throw error;
  }
  const refresh = setInterval(() => {
    local = localAddresses();
  }, REFRESH_MILLIS);
  refresh.unref();
  return {
    source,
    timeBaseSeconds: source.timeBaseSeconds,
    isLocal: (address) => local.has(address),
    // Called before the connection is made: the name may have moved since it was last resolved here.
    noteSatellite: (address) => satellite?.observe(address),
    gate: { open: () => source.setGate(true), close: () => source.setGate(false) },
    warning: () => null,
    close() {
      clearInterval(refresh);
      satellite?.stop();
    },
  };
}

/** Where the sensor itself listens: requests for its health and metrics are not the task's traffic. */
function ownEndpoints({ healthPort }: Settings): ExcludedEndpoint[] {
  if (healthPort === null || healthPort.port === 0 || isIP(healthPort.host) === 0) return [];
  return [{ address: healthPort.host, port: healthPort.port }];
}

interface Receiver {
  readonly host: string;
  readonly port: number;
}

/** The peer that the relay connects to: the satellite, or the proxy on the way to it. Null without a satellite. */
function receiverOf({ satelliteUrl }: Settings): Receiver | null {
  if (satelliteUrl === null) return null;
  const satellite = parseSatelliteUrl(satelliteUrl);
  const proxy = proxyFor(satellite);
  if (proxy === null) return { host: satellite.host, port: satellite.port };
  const port = Number(proxy.port) || (proxy.protocol === 'https:' ? 443 : 80);
  return { host: proxy.hostname.replace(/^\[|\]$/g, ''), port };
}

/** Keeps the receiver out of the capture, now and when its name resolves to other addresses. */
async function follow(
  receiver: Receiver | null,
  source: LiveSource,
  filterWith: (endpoints: readonly ExcludedEndpoint[]) => FilterParts,
): Promise<SatelliteAddresses | null> {
  if (receiver === null) return null;
  const exclude = (endpoints: readonly ExcludedEndpoint[]) => source.setFilter(filterWith(endpoints));
  const satellite = await followSatellite({ ...receiver, onChange: exclude });
  if (isIP(receiver.host) === 0) exclude(satellite.endpoints);
  return satellite;
}
