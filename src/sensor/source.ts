/** Where the sensor's packets come from, by its settings: a file, or live interfaces without the sensor's own traffic. */
import { isIP } from 'node:net';
import { type ExcludedEndpoint, type FilterParts, openFileFilter } from '../capture/exclusions.js';
import { localAddresses } from '../capture/interfaces.js';
import { type LiveSource, openLive } from '../capture/live.js';
import type { PacketSource } from '../capture/packet-source.js';
import { followSatellite, type SatelliteAddresses } from '../capture/satellite-addresses.js';
import type { Limits } from '../limits.js';
import type { Logger } from '../log.js';
import { httpOriginOf } from '../options/control-options.js';
import type { Settings } from '../options/options.js';
import { otelEndpoint } from '../output/otel/endpoint.js';
import type { NetworkEndpoint } from '../output/output.js';
import { outputEndpoints } from '../output/registry.js';
import { satelliteEndpoint } from '../output/satellite/satellite-kind.js';
import type { Gate } from '../policy/governor.js';
import { opampUrlOf } from './control/opamp-url.js';

export interface OpenedSource {
  source: PacketSource;
  /** What the times of a live source count from; null where packets alone give the time. */
  timeBaseSeconds: number | null;
  /** Whether an address belongs to this task. */
  isLocal(address: string): boolean;
  /** Takes an address by which an output's endpoint is connected to: the traffic with it is the sensor's own, and is not captured. */
  noteConnection(endpoint: NetworkEndpoint, address: string): void;
  /** Opens and shuts the capture; null for a file, whose packets wait until they are read. */
  gate: Gate | null;
  /** Takes another expression in place of `--filter`. @throws UsageError where it is none; a file is read by what it was opened with */
  setUserFilter(user: string): void;
  /** Whether nothing is captured, whatever the gate is. */
  setPaused(isPaused: boolean): void;
  /** What was wrong with the source, known at its end. */
  warning(): string | null;
  /** Ends what was started beside the source. */
  close(): void;
}

/** GSO packets on loopback have up to 64 KiB, and those of BIG TCP more. */
const SNAP_LENGTH = 262_144;
/** How long packets may wait in the kernel where the sensor acts on them. */
const RESPONSE_RETIRE_MILLIS = 8;
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
    const source = await FileSource.open(settings.read, openFileFilter(settings.filter));
    // A file does not say on which side it was captured: every exchange is taken for the server's.
    return {
      source,
      timeBaseSeconds: null,
      isLocal: () => true,
      noteConnection: () => {},
      gate: null,
      setUserFilter: () => {},
      setPaused: () => {},
      warning: () => source.warning,
      close: () => {},
    };
  }
  const own = ownEndpoints(settings);
  const receivers = await receiversOf(settings);
  let user = settings.filter;
  const filterWith = (endpoints: readonly ExcludedEndpoint[]) => ({
    user,
    satellite: [...endpoints, ...own],
    countsQuic: true,
  });
  let local = localAddresses();
  // Packets are taken while names are resolved, which may take long. Nothing is sent to a receiver before that.
  const known = receivers.flatMap(({ host, port }) => (isIP(host) === 0 ? [] : [{ address: host, port }]));
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
    // A connection that is to end should do so before it has gone on for long.
    ...(settings.activeResponse === 'off' ? {} : { retireMillis: RESPONSE_RETIRE_MILLIS }),
    interfacesMax: limits.interfaces_max,
    log: { info: (message) => log.info(message), warn: (message) => log.warn(message) },
    onDrops: (_interface, _count, time) => onDrops(time),
  });
  let followed: FollowedReceivers;
  try {
    followed = await follow(receivers, source, filterWith);
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
    noteConnection: followed.observe,
    ...gates(source),
    setUserFilter(next) {
      if (next === user) return;
      const before = user;
      user = next;
      try {
        followed.exclude();
      } catch (error) {
        user = before;
        throw error;
      }
    },
    warning: () => null,
    close() {
      clearInterval(refresh);
      followed.stop();
    },
  };
}

/** The gate of the CPU budget, and that of a pause: packets are taken where both are open. */
function gates(source: LiveSource): Pick<OpenedSource, 'setPaused'> & { gate: Gate } {
  let isOpen = true;
  let isPaused = false;
  const use = (): void => source.setGate(isOpen && !isPaused);
  const set = (next: boolean): void => {
    isOpen = next;
    use();
  };
  return {
    gate: { open: () => set(true), close: () => set(false) },
    setPaused(next) {
      isPaused = next;
      use();
    },
  };
}

/** Everything that the sensor sends to. */
async function receiversOf(settings: Settings): Promise<NetworkEndpoint[]> {
  const receivers = [...(await outputEndpoints(settings.output, settings))];
  const add = ({ host, port }: NetworkEndpoint): void => {
    if (!receivers.some((one) => one.host === host && one.port === port)) receivers.push({ host, port });
  };
  if (settings.metrics.includes('otlp')) add(otelEndpoint('metrics', process.env));
  const opamp = opampUrlOf(settings);
  if (opamp !== null) add(await satelliteEndpoint(httpOriginOf(opamp)));
  return receivers;
}

/** Where the sensor itself listens: requests for its health and metrics are not the task's traffic. */
function ownEndpoints({ healthPort }: Settings): ExcludedEndpoint[] {
  if (healthPort === null || healthPort.port === 0 || isIP(healthPort.host) === 0) return [];
  return [{ address: healthPort.host, port: healthPort.port }];
}

interface FollowedReceivers {
  /** Puts the filter in place again. */
  exclude(): void;
  observe(endpoint: NetworkEndpoint, address: string): void;
  stop(): void;
}

/** Keeps what outputs connect to out of the capture, now and when a name resolves to other addresses. */
async function follow(
  receivers: readonly NetworkEndpoint[],
  source: LiveSource,
  filterWith: (endpoints: readonly ExcludedEndpoint[]) => FilterParts,
): Promise<FollowedReceivers> {
  const followed: SatelliteAddresses[] = [];
  const exclude = () => source.setFilter(filterWith(followed.flatMap(({ endpoints }) => endpoints)));
  for (const receiver of receivers) followed.push(await followSatellite({ ...receiver, onChange: exclude }));
  if (receivers.some(({ host }) => isIP(host) === 0)) exclude();
  return {
    exclude,
    observe({ host, port }, address) {
      const index = receivers.findIndex((receiver) => receiver.host === host && receiver.port === port);
      followed[index]?.observe(address);
    },
    stop() {
      for (const one of followed) one.stop();
    },
  };
}
