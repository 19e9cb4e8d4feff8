/**
 * Live capture: one ring (or one `cap`) per interface, opened as interfaces come up and drained as they go.
 *
 * in: which interfaces, the filter, the backend · out: a `PacketSource`
 *
 * Batches of different interfaces interleave block by block, so that time runs forward within an interface only. A
 * packet that passes two interfaces (a bridge and its veth) is delivered once for each; the flow it belongs to is the
 * same, and the second copy is a retransmission to it.
 */

import { SensorError } from '../errors.js';
import { openCap } from './cap.js';
import { checkFilter, compileFilter, type FilterParts } from './exclusions.js';
import type { CaptureEvents, InterfaceCapture } from './interface-capture.js';
import {
  checkInterfaceNames,
  type DescribeInterface,
  describeFromSys,
  type InterfaceSelection,
  interfaceSelector,
  listInterfaces,
  type NetworkInterface,
} from './interfaces.js';
import { LINKTYPE_ETHERNET } from './link-types.js';
import type { CaptureInterface, InterfaceStatistics, PacketBatch } from './packet-batch.js';
import type { BatchConsumer, PacketSource } from './packet-source.js';
import { openRing, ringGeometry, ringObstacle } from './ring.js';
import { loadRingAddon, ringAddonPresent } from './ring-addon.js';

export interface LiveSettings {
  /** `auto` takes the ring, and `cap` where the ring cannot work. */
  readonly backend: 'auto' | 'ring' | 'cap';
  readonly interfaces: InterfaceSelection;
  readonly filter: FilterParts;
  /** MiB of kernel buffer for each interface. */
  readonly ringMebibytes: number;
  /** Bytes captured of each packet; the rest is cut. */
  readonly snapLength: number;
  /** Interfaces remembered at once, the gone ones included. */
  readonly interfacesMax: number;
  /** How often interfaces are looked for and drops are looked at. */
  readonly scanMillis?: number;
  readonly log: CaptureLog;
  /**
   * The kernel lost packets of an interface: `count` more than reported before, between those consumed so far and those
   * consumed next; 0 where an earlier report covered them. `time` in nanoseconds since `LiveSource.timeBaseSeconds`.
   */
  readonly onDrops?: (interfaceName: string, count: number, time: number) => void;
}

export interface CaptureLog {
  info(message: string): void;
  warn(message: string): void;
}

export interface LiveSource extends PacketSource {
  readonly backend: 'ring' | 'cap';
  readonly timeBaseSeconds: number;
  /** Puts another filter in place on every interface, while packets flow. Throws a `UsageError` if it is wrong. */
  setFilter(filter: FilterParts): void;
  /** Shut, nothing is captured on any interface until it is opened again, at no cost a packet. */
  setGate(isOpen: boolean): void;
}

const SCAN_MILLIS = 500;
/** At most one line about drops for each interface in this time. */
const DROP_LOG_MILLIS = 10_000;

interface OpenInterface {
  readonly network: NetworkInterface;
  readonly source: InterfaceCapture;
  draining: Promise<void> | null;
  droppedLogged: number;
  dropLogTime: number;
}

/**
 * Starts capturing on every interface wanted that is up; packets wait in the kernel until `run`. Throws a `UsageError`
 * for a wrong filter, pattern or interface, and a `SensorError` where nothing can be captured.
 */
export function openLive(settings: LiveSettings): LiveSource {
  const { log } = settings;
  const wanted = interfaceSelector(settings.interfaces);
  checkInterfaceNames(settings.interfaces.names);
  // Whether the ring works on this kernel shows when it is opened. To try it first costs a start two of the kernel's grace
  // periods, some 40 ms.
  let backend = settings.backend === 'auto' && ringAddonPresent() ? 'ring' : chooseBackend(settings.backend, log);
  const describe: DescribeInterface = (name) =>
    backend === 'ring' ? loadRingAddon().describe(name) : describeFromSys(name);
  const geometry = ringGeometry(settings.ringMebibytes, settings.snapLength);
  const timeBaseSeconds = Math.floor(Date.now() / 1000);

  let filter = settings.filter;
  let gateOpen = true;
  const interfaces: CaptureInterface[] = [];
  const open = new Map<string, OpenInterface>();
  /** Interfaces that cannot be captured, each named once for as long as it is there. */
  const skipped = new Set<string>();
  /** What the closed captures of each interface id had counted. */
  const before = new Map<number, InterfaceStatistics>();

  let consume: BatchConsumer | null = null;
  let timer: NodeJS.Timeout | null = null;
  let stopping = false;
  let settle: { resolve(): void; reject(error: unknown): void } | null = null;

  function identify(name: string, linkType: number): CaptureInterface {
    const known = interfaces.find((other) => other.name === name && other.linkType === linkType);
    if (known !== undefined) return known;
    if (interfaces.length < settings.interfacesMax) {
      const added = { id: interfaces.length, name, linkType };
      interfaces.push(added);
      return added;
    }
    const inUse = new Set([...open.values()].map(({ source }) => source.capture.id));
    const free = interfaces.find(({ id }) => !inUse.has(id));
    if (free === undefined) {
      throw new SensorError(`interface ${name}: ${settings.interfacesMax} interfaces are captured already`);
    }
    const replaced = { id: free.id, name, linkType };
    interfaces[free.id] = replaced;
    before.delete(free.id);
    return replaced;
  }

  function openInterface(network: NetworkInterface): void {
    const key = keyOf(network);
    const events: CaptureEvents = {
      packets: deliver,
      drops: (count, time) => settings.onDrops?.(network.name, count, time),
      down: () => retire(key),
    };
    const source =
      backend === 'ring'
        ? openRing(
            identify(network.name, network.reading?.linkType ?? LINKTYPE_ETHERNET),
            network,
            filter,
            geometry,
            timeBaseSeconds,
            events,
          )
        : openCap(
            (linkType) => identify(network.name, linkType),
            network,
            filter,
            settings.ringMebibytes << 20,
            timeBaseSeconds,
            events,
          );
    open.set(key, { network, source, draining: null, droppedLogged: 0, dropLogTime: Number.NEGATIVE_INFINITY });
    if (!gateOpen) source.setGate(false);
    if (consume !== null) source.start();
  }

  /** Opens what has come up, drains what has gone. Returns what could not be opened. */
  function scan(): unknown[] {
    const failures: unknown[] = [];
    const present = new Map<string, NetworkInterface>();
    for (const network of listInterfaces(describe)) {
      if (network.up && wanted(network.name)) present.set(keyOf(network), network);
    }
    for (const key of open.keys()) if (!present.has(key)) retire(key);
    for (const key of skipped) if (!present.has(key)) skipped.delete(key);
    for (const [key, network] of present) {
      if (open.has(key) || skipped.has(key)) continue;
      if (network.reading === null) {
        skipped.add(key);
        log.warn(`interface ${network.name}: skipped, packets of hardware type ${network.hardwareType} cannot be read`);
        continue;
      }
      try {
        openInterface(network);
        if (consume !== null) log.info(`interface ${network.name}: capturing`);
      } catch (error) {
        if (listInterfaces(describe, [network.name])[0]?.index !== network.index) continue; // gone in the meantime
        skipped.add(key);
        failures.push(error);
      }
    }
    return failures;
  }

  function retire(key: string): void {
    const interface_ = open.get(key);
    if (interface_ === undefined || interface_.draining !== null) return;
    interface_.draining = interface_.source
      .drain()
      .catch(fail)
      .then(() => {
        logDrops(interface_, true);
        remember(interface_.source);
        open.delete(key);
        if (!stopping) log.info(`interface ${interface_.network.name}: gone`);
      });
  }

  function remember(source: InterfaceCapture): void {
    const { id } = source.capture;
    before.set(id, sum(before.get(id), source.statistics()));
  }

  function deliver(batch: PacketBatch): void {
    try {
      void consume?.(batch);
    } catch (error) {
      fail(error);
    }
  }

  function logDrops(interface_: OpenInterface, last = false): void {
    const { name, dropped, freezes } = interface_.source.statistics();
    const now = performance.now();
    if (dropped === null || dropped === interface_.droppedLogged) return;
    if (!last && now - interface_.dropLogTime < DROP_LOG_MILLIS) return;
    const grown = dropped - interface_.droppedLogged;
    log.warn(
      `interface ${name}: the kernel dropped ${grown} packets, ${dropped} so far, with the ring full ${freezes} times; ` +
        'give the sensor more CPU or a larger --ring-size, or narrow --filter',
    );
    interface_.droppedLogged = dropped;
    interface_.dropLogTime = now;
  }

  function tick(): void {
    for (const error of scan()) log.warn(`${(error as Error).message}; skipped`);
    for (const interface_ of open.values()) logDrops(interface_);
  }

  function closeAll(): void {
    if (timer !== null) clearInterval(timer);
    for (const { source } of open.values()) {
      source.close();
      remember(source);
    }
    open.clear();
  }

  function fail(error: unknown): void {
    stopping = true;
    closeAll();
    settle?.reject(error);
  }

  async function finish(): Promise<void> {
    if (timer !== null) clearInterval(timer);
    for (const key of [...open.keys()]) retire(key);
    await Promise.all([...open.values()].map(({ draining }) => draining));
    settle?.resolve();
  }

  // A wrong filter ends it here, even if no interface is up yet.
  checkFilter(filter.user);
  let failures = scan();
  if (open.size === 0 && settings.backend === 'auto' && backend === 'ring') {
    backend = chooseBackend('auto', log);
    if (backend === 'cap') {
      skipped.clear();
      failures = scan();
    }
  }
  if (failures.length > 0 && open.size === 0) {
    closeAll();
    throw failures[0];
  }
  for (const error of failures) log.warn(`${(error as Error).message}; skipped`);
  if (open.size === 0) log.warn('no interface to capture on is up yet; waiting for one');

  return {
    backend,
    interfaces,
    timeBaseSeconds,
    run(consumer) {
      return new Promise((resolve, reject) => {
        settle = { resolve, reject };
        consume = consumer;
        if (stopping) {
          void finish();
          return;
        }
        timer = setInterval(tick, settings.scanMillis ?? SCAN_MILLIS);
        for (const { source } of open.values()) source.start();
      });
    },
    stop() {
      if (stopping) return;
      stopping = true;
      if (settle !== null) void finish();
    },
    setFilter(next) {
      checkFilter(next.user);
      for (const linkType of new Set(interfaces.map((capture) => capture.linkType))) {
        if (backend === 'ring') compileFilter(next, linkType, settings.snapLength);
      }
      filter = next;
      // Not on those draining: they take nothing more.
      for (const { source, draining } of open.values()) if (draining === null) source.setFilter(next);
    },
    setGate(isOpen) {
      gateOpen = isOpen;
      for (const { source, draining } of open.values()) if (draining === null) source.setGate(isOpen);
    },
    statistics() {
      const current = new Map(before);
      for (const { source } of open.values()) {
        const { id } = source.capture;
        current.set(id, sum(current.get(id), source.statistics()));
      }
      return [...current].sort(([a], [b]) => a - b).map(([, statistics]) => statistics);
    },
  };
}

function chooseBackend(wanted: LiveSettings['backend'], log: CaptureLog): 'ring' | 'cap' {
  if (wanted !== 'auto') return wanted;
  const obstacle = ringObstacle();
  if (obstacle === null) return 'ring';
  log.warn(`capture backend cap: no packet times of the kernel and no drop counter, because ${obstacle}`);
  return 'cap';
}

function keyOf(network: NetworkInterface): string {
  return `${network.name}#${network.index}`;
}

function sum(a: InterfaceStatistics | undefined, b: InterfaceStatistics): InterfaceStatistics {
  if (a === undefined) return b;
  return {
    name: b.name,
    packets: a.packets + b.packets,
    dropped: a.dropped === null || b.dropped === null ? null : a.dropped + b.dropped,
    freezes: a.freezes === null || b.freezes === null ? null : a.freezes + b.freezes,
  };
}
