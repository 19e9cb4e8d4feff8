/**
 * Live capture: one ring (or one `cap`) per interface, opened as interfaces come up and drained as they go.
 *
 * A ring stays with its device: it goes on by itself when that was down and comes up again, and takes its packets under
 * whatever name. But nobody hears of them, so that the next scan opens another one, and drains the first behind that.
 *
 * in: which interfaces, the filter, the backend · out: a `PacketSource`
 *
 * Batches of different interfaces come in the order of their first packets, as far as they are ready: an interface is behind
 * another by no more than the time for which the kernel keeps a block open, however long the process was held up. Time runs
 * forward only within an interface. A packet that passes two interfaces (a bridge and its veth) is delivered once for each.
 * Both copies belong to one flow.
 */

import { openCap } from './cap.js';
import { DropLog } from './drop-log.js';
import { checkFilter, compileFilter, type FilterParts, filterOn } from './exclusions.js';
import { type CaptureEvents, deliverEarliest, type InterfaceCapture } from './interface-capture.js';
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
  /** How long the kernel keeps packets to itself under light traffic. */
  readonly retireMillis?: number;
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
/** How long a ring stays with a device that is down. */
const DOWN_MILLIS = 10_000;

interface OpenInterface {
  readonly network: NetworkInterface;
  readonly source: InterfaceCapture;
  readonly drops: DropLog;
  /** When it was found to be down, by `performance.now`; null while it is up. It says no more what is ready from then on. */
  downSince: number | null;
}

/**
 * Starts capturing on every interface wanted that is up; packets wait in the kernel until `run`. Throws a `UsageError`
 * for a wrong filter, pattern or interface, and a `SensorError` where nothing can be captured.
 */
export function openLive(settings: LiveSettings): LiveSource {
  const wanted = interfaceSelector(settings.interfaces);
  if (!settings.interfaces.awaitsNames) checkInterfaceNames(settings.interfaces.names);
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
  readonly #wanted: (one: NetworkInterface) => boolean;
  readonly #geometry: RingGeometry;
  readonly #register: InterfaceRegister;
  /** By name and index. */
  readonly #open = new Map<string, OpenInterface>();
  /** Those that are gone, or have a successor, and are read to their end. */
  readonly #draining = new Map<OpenInterface, Promise<void>>();
  /** Interfaces that cannot be captured, each named once for as long as it is there. */
  readonly #skipped = new Set<string>();
  #backend: 'ring' | 'cap';
  #filter: FilterParts;
  #gateOpen = true;
  #consume: BatchConsumer | null = null;
  /** What the consumer asked to wait for; null where it takes the next batch. */
  #wait: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopping = false;
  /** Ends the promise of `run`. */
  #running: { resolve(): void; reject(error: unknown): void } | null = null;

  constructor(settings: LiveSettings, wanted: (one: NetworkInterface) => boolean, backend: 'ring' | 'cap') {
    this.#settings = settings;
    this.#wanted = wanted;
    this.#backend = backend;
    this.#filter = settings.filter;
    this.#geometry = ringGeometry(settings.ringMebibytes, settings.snapLength, settings.retireMillis);
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
    for (const { source } of this.#open.values()) source.setFilter(filterOn(next, source.capture.name));
  }

  setGate(isOpen: boolean): void {
    this.#gateOpen = isOpen;
    for (const { source } of this.#open.values()) source.setGate(isOpen);
  }

  statistics(): InterfaceStatistics[] {
    return this.#register.statistics(this.#sources());
  }

  #sources(): InterfaceCapture[] {
    return [...this.#open.values(), ...this.#draining.keys()].map(({ source }) => source);
  }

  /** Opens what has come up, drains what has gone. Returns what could not be opened. */
  #scan(): unknown[] {
    const { log } = this.#settings;
    const failures: unknown[] = [];
    const all = listInterfaces(this.#describe);
    const present = new Map(all.filter((one) => one.up && this.#wanted(one)).map((one) => [keyOf(one), one]));
    const succeeded = [...this.#open].filter(([key, one]) => this.#isOver(key, one, all, present));
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
    for (const [, one] of succeeded) this.#retire(one);
    return failures;
  }

  /**
   * Whether a capture ends with this scan. One that has a successor leaves its place to that, and is drained when that has
   * been opened, so that no packet falls between them.
   */
  #isOver(
    key: string,
    one: OpenInterface,
    all: readonly NetworkInterface[],
    present: ReadonlyMap<string, NetworkInterface>,
  ): boolean {
    if (present.has(key) && one.downSince === null) return false;
    const now = all.find(({ index }) => index === one.network.index);
    if (now?.up === false && this.#backend === 'ring') {
      one.downSince ??= performance.now();
      this.#deliverReady(one);
      if (performance.now() - one.downSince < DOWN_MILLIS) return false;
    }
    this.#open.delete(key);
    this.#draining.set(one, Promise.resolve());
    return true;
  }

  /** Delivers what is ready of an interface that says so no more, and what of others is older. */
  #deliverReady({ source }: OpenInterface): void {
    while (this.#consume !== null && source.readyTime() < Number.POSITIVE_INFINITY) deliverEarliest(this.#sources());
  }

  readonly #describe: DescribeInterface = (name) =>
    this.#backend === 'ring' ? loadRingAddon().describe(name) : describeFromSys(name);

  #openInterface(key: string, network: NetworkInterface): void {
    const { log, onDrops } = this.#settings;
    const source = this.#openSource(network, {
      packets: (batch) => this.#deliver(batch),
      ready: (isLast) => {
        if (isLast || this.#wait === null) deliverEarliest(this.#sources());
      },
      drops: (count, time) => onDrops?.(network.name, count, time),
      down: () => {
        one.downSince ??= performance.now();
        this.#deliverReady(one);
      },
    });
    const one: OpenInterface = {
      network,
      source,
      drops: new DropLog((message) => log.warn(message)),
      downSince: null,
    };
    this.#open.set(key, one);
    if (!this.#gateOpen) source.setGate(false);
    if (this.#consume !== null) source.start();
  }

  #openSource(network: NetworkInterface, events: CaptureEvents): InterfaceCapture {
    const identify = (linkType: number) => this.#register.identify(network.name, linkType, this.#sources());
    const context = {
      network,
      filter: filterOn(this.#filter, network.name),
      timeBaseSeconds: this.timeBaseSeconds,
      events,
    };
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
      const wait = this.#consume?.(batch);
      if (wait !== undefined && wait !== this.#wait) void this.#holdUp(wait);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Packets wait in the kernel meanwhile. */
  async #holdUp(wait: Promise<void>): Promise<void> {
    this.#wait = wait;
    await wait;
    if (this.#wait === wait) this.#wait = null;
  }

  #retire(one: OpenInterface): void {
    this.#draining.set(one, Promise.resolve());
    const drained = this.#drain(one);
    // Unless its last packets ended everything.
    if (this.#draining.has(one)) this.#draining.set(one, drained);
  }

  async #drain(one: OpenInterface): Promise<void> {
    const { network, source, drops } = one;
    try {
      await source.drain();
    } catch (error) {
      this.#fail(error);
    }
    if (!this.#draining.delete(one)) return; // everything was closed in the meantime
    drops.note(source.statistics(), true);
    this.#register.noteClosed(source);
    const isStillThere = [...this.#open.values()].some((other) => other.network.name === network.name);
    if (!this.#stopping && !isStillThere) this.#settings.log.info(`interface ${network.name}: gone`);
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
    for (const one of this.#open.values()) this.#retire(one);
    this.#open.clear();
    await Promise.all(this.#draining.values());
    this.#running?.resolve();
  }

  #closeAll(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const source of this.#sources()) {
      source.close();
      this.#register.noteClosed(source);
    }
    this.#open.clear();
    this.#draining.clear();
  }
}

function keyOf({ name, index }: NetworkInterface): string {
  return `${name}#${index}`;
}

function chooseBackend(wanted: LiveSettings['backend'], log: CaptureLog): 'ring' | 'cap' {
  if (wanted !== 'auto') return wanted;
  const obstacle = ringObstacle();
  if (obstacle === null) return 'ring';
  log.warn(`capture backend cap: no packet times of the kernel and no drop counter, because ${obstacle}`);
  return 'cap';
}
