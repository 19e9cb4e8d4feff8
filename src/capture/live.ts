/**
 * Live capture: one ring (or one `cap`) per interface, opened as interfaces come up and drained as they go.
 *
 * in: which interfaces, the filter, the backend · out: a `PacketSource`
 *
 * Batches of different interfaces interleave block by block, so that time runs forward only within an interface. A
 * packet that passes two interfaces (a bridge and its veth) is delivered once for each. Both copies belong to one flow,
 * for which the second is a retransmission.
 */

import { openCap } from './cap.js';
import { DropLog } from './drop-log.js';
import { checkFilter, compileFilter, type FilterParts } from './exclusions.js';
import type { CaptureEvents, InterfaceCapture } from './interface-capture.js';
import { InterfaceRegister } from './interface-register.js';
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
import { openRing, type RingGeometry, ringGeometry, ringObstacle } from './ring.js';
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
  /** Interfaces remembered at once, including those that are gone. */
  readonly interfacesMax: number;
  /** How often interfaces are looked for and drops are looked at. */
  readonly scanMillis?: number;
  readonly log: CaptureLog;
  /**
   * The kernel dropped packets of an interface: `count` more than reported before, between those consumed so far and those
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
  /** Puts another filter in place on every interface, while packets flow. Throws a `UsageError` for a wrong one. */
  setFilter(filter: FilterParts): void;
  /** Opens or shuts the gate on every interface. While it is shut nothing is captured, at no cost a packet. */
  setGate(isOpen: boolean): void;
}

const SCAN_MILLIS = 500;

interface OpenInterface {
  readonly network: NetworkInterface;
  readonly source: InterfaceCapture;
  readonly drops: DropLog;
  draining: Promise<void> | null;
}

/**
 * Starts capturing on every interface wanted that is up; packets wait in the kernel until `run`. Throws a `UsageError`
 * for a wrong filter, pattern or interface, and a `SensorError` where nothing can be captured.
 */
export function openLive(settings: LiveSettings): LiveSource {
  const wanted = interfaceSelector(settings.interfaces);
  checkInterfaceNames(settings.interfaces.names);
  // The ring is not tried first: that would cost a start two of the kernel's grace periods, some 40 ms. If this kernel
  // cannot have one, opening it says so.
  const backend =
    settings.backend === 'auto' && ringAddonPresent() ? 'ring' : chooseBackend(settings.backend, settings.log);
  const live = new LiveCapture(settings, wanted, backend);
  live.open();
  return live;
}

class LiveCapture implements LiveSource {
  readonly timeBaseSeconds = Math.floor(Date.now() / 1000);
  readonly #settings: LiveSettings;
  readonly #wanted: (name: string) => boolean;
  readonly #geometry: RingGeometry;
  readonly #register: InterfaceRegister;
  readonly #open = new Map<string, OpenInterface>();
  /** Interfaces that cannot be captured, each named once for as long as it is there. */
  readonly #skipped = new Set<string>();
  #backend: 'ring' | 'cap';
  #filter: FilterParts;
  #gateOpen = true;
  #consume: BatchConsumer | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopping = false;
  /** Ends the promise of `run`. */
  #running: { resolve(): void; reject(error: unknown): void } | null = null;

  constructor(settings: LiveSettings, wanted: (name: string) => boolean, backend: 'ring' | 'cap') {
    this.#settings = settings;
    this.#wanted = wanted;
    this.#backend = backend;
    this.#filter = settings.filter;
    this.#geometry = ringGeometry(settings.ringMebibytes, settings.snapLength);
    this.#register = new InterfaceRegister(settings.interfacesMax);
  }

  get backend(): 'ring' | 'cap' {
    return this.#backend;
  }

  get interfaces(): readonly CaptureInterface[] {
    return this.#register.interfaces;
  }

  /** Opens what is up. The backend `auto` falls back to `cap` if the ring opens nothing and cannot. */
  open(): void {
    const { backend, log } = this.#settings;
    // A wrong filter is an error here, even if no interface is up yet.
    checkFilter(this.#filter.user);
    let failures = this.#scan();
    if (this.#open.size === 0 && backend === 'auto' && this.#backend === 'ring') {
      this.#backend = chooseBackend('auto', log);
      if (this.#backend === 'cap') {
        this.#skipped.clear();
        failures = this.#scan();
      }
    }
    if (failures.length > 0 && this.#open.size === 0) {
      this.#closeAll();
      throw failures[0];
    }
    for (const error of failures) log.warn(`${(error as Error).message}; skipped`);
    if (this.#open.size === 0) log.warn('no interface to capture on is up yet; waiting for one');
  }

  run(consumer: BatchConsumer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#running = { resolve, reject };
      this.#consume = consumer;
      if (this.#stopping) {
        void this.#finish();
        return;
      }
      this.#timer = setInterval(() => this.#tick(), this.#settings.scanMillis ?? SCAN_MILLIS);
      for (const { source } of this.#open.values()) source.start();
    });
  }

  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    if (this.#running !== null) void this.#finish();
  }

  setFilter(next: FilterParts): void {
    checkFilter(next.user);
    for (const linkType of new Set(this.interfaces.map((capture) => capture.linkType))) {
      if (this.#backend === 'ring') compileFilter(next, linkType, this.#settings.snapLength);
    }
    this.#filter = next;
    // An interface that is draining takes nothing more.
    for (const { source, draining } of this.#open.values()) if (draining === null) source.setFilter(next);
  }

  setGate(isOpen: boolean): void {
    this.#gateOpen = isOpen;
    for (const { source, draining } of this.#open.values()) if (draining === null) source.setGate(isOpen);
  }

  statistics(): InterfaceStatistics[] {
    return this.#register.statistics(this.#sources());
  }

  #sources(): InterfaceCapture[] {
    return [...this.#open.values()].map(({ source }) => source);
  }

  /** Opens what has come up, drains what has gone. Returns what could not be opened. */
  #scan(): unknown[] {
    const { log } = this.#settings;
    const failures: unknown[] = [];
    const present = this.#present();
    for (const key of this.#open.keys()) if (!present.has(key)) this.#retire(key);
    for (const key of this.#skipped) if (!present.has(key)) this.#skipped.delete(key);
    for (const [key, network] of present) {
      if (this.#open.has(key) || this.#skipped.has(key)) continue;
      if (network.reading === null) {
        this.#skipped.add(key);
        log.warn(`interface ${network.name}: skipped, packets of hardware type ${network.hardwareType} cannot be read`);
        continue;
      }
      try {
        this.#openInterface(key, network);
        if (this.#consume !== null) log.info(`interface ${network.name}: capturing`);
      } catch (error) {
        const [now] = listInterfaces(this.#describe, [network.name]);
        if (now?.index !== network.index) continue; // gone in the meantime
        this.#skipped.add(key);
        failures.push(error);
      }
    }
    return failures;
  }

  /** The interfaces wanted that are up. */
  #present(): Map<string, NetworkInterface> {
    const present = new Map<string, NetworkInterface>();
    for (const network of listInterfaces(this.#describe)) {
      if (network.up && this.#wanted(network.name)) present.set(`${network.name}#${network.index}`, network);
    }
    return present;
  }

  readonly #describe: DescribeInterface = (name) =>
    this.#backend === 'ring' ? loadRingAddon().describe(name) : describeFromSys(name);

  #openInterface(key: string, network: NetworkInterface): void {
    const { log, onDrops } = this.#settings;
    const source = this.#openSource(network, {
      packets: (batch) => this.#deliver(batch),
      drops: (count, time) => onDrops?.(network.name, count, time),
      down: () => this.#retire(key),
    });
    this.#open.set(key, { network, source, drops: new DropLog((message) => log.warn(message)), draining: null });
    if (!this.#gateOpen) source.setGate(false);
    if (this.#consume !== null) source.start();
  }

  #openSource(network: NetworkInterface, events: CaptureEvents): InterfaceCapture {
    const identify = (linkType: number) => this.#register.identify(network.name, linkType, this.#sources());
    const context = { network, filter: this.#filter, timeBaseSeconds: this.timeBaseSeconds, events };
    return this.#backend === 'ring'
      ? openRing({
          ...context,
          capture: identify(network.reading?.linkType ?? LINKTYPE_ETHERNET),
          geometry: this.#geometry,
        })
      : openCap({ ...context, identify, bufferBytes: this.#settings.ringMebibytes << 20 });
  }

  #deliver(batch: PacketBatch): void {
    try {
      void this.#consume?.(batch);
    } catch (error) {
      this.#fail(error);
    }
  }

  #retire(key: string): void {
    const one = this.#open.get(key);
    if (one !== undefined && one.draining === null) one.draining = this.#drain(key, one);
  }

  async #drain(key: string, { network, source, drops }: OpenInterface): Promise<void> {
    try {
      await source.drain();
    } catch (error) {
      this.#fail(error);
    }
    if (this.#open.get(key)?.source !== source) return; // everything was closed in the meantime
    drops.note(source.statistics(), true);
    this.#register.noteClosed(source);
    this.#open.delete(key);
    if (!this.#stopping) this.#settings.log.info(`interface ${network.name}: gone`);
  }

  #tick(): void {
    for (const error of this.#scan()) this.#settings.log.warn(`${(error as Error).message}; skipped`);
    for (const { source, drops } of this.#open.values()) drops.note(source.statistics());
  }

  #fail(error: unknown): void {
    this.#stopping = true;
    this.#closeAll();
    this.#running?.reject(error);
  }

  async #finish(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const key of [...this.#open.keys()]) this.#retire(key);
    await Promise.all([...this.#open.values()].map(({ draining }) => draining));
    this.#running?.resolve();
  }

  #closeAll(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const source of this.#sources()) {
      source.close();
      this.#register.noteClosed(source);
    }
    this.#open.clear();
  }
}

function chooseBackend(wanted: LiveSettings['backend'], log: CaptureLog): 'ring' | 'cap' {
  if (wanted !== 'auto') return wanted;
  const obstacle = ringObstacle();
  if (obstacle === null) return 'ring';
  log.warn(`capture backend cap: no packet times of the kernel and no drop counter, because ${obstacle}`);
  return 'cap';
}
