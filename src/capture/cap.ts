/**
 * The portable fallback: the npm package `cap` 0.2.1, an optional dependency that needs libpcap's headers to build.
 *
 * in: an interface, a filter · out: `PacketBatch`es, gathered from one callback per packet
 *
 * What it cannot do, and says so instead of guessing:
 * - no timestamps: a packet's time is that of its delivery to this process, later than it was on the wire;
 * - no drop counter: `dropped` and `freezes` are `null`, and under load it does lose packets;
 * - no length beyond its 65 535 captured bytes: a longer packet seems to have that length;
 * - timers wait under a flood, as it calls back until the kernel's buffer is empty;
 * - its filter cannot be swapped: the interface is closed and opened again, and what passes in between is lost.
 */

import { createRequire } from 'node:module';
import { SensorError } from '../errors.js';
import { type FilterParts, filterError, kernelFilter } from './exclusions.js';
import type { CaptureEvents, InterfaceCapture } from './interface-capture.js';
import type { NetworkInterface } from './interfaces.js';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from './link-types.js';
import { type CaptureInterface, createPacketBatch, type InterfaceStatistics } from './packet-batch.js';
import { permissionError } from './permission.js';

interface Cap {
  open(device: string, filter: string, bufferSize: number, buffer: Buffer): string;
  close(): void;
  on(event: 'packet', listener: (length: number, truncated: boolean) => void): void;
}

/** Bytes libpcap captures of a packet at most, as `cap` asks it to. */
const PACKET_BYTES_MAX = 65_535;
/** Bytes and packets gathered before the consumer has them, or at the end of the event loop's turn. */
const GATHER_BYTES = 1 << 18;
const GATHER_PACKETS = 1024;

/**
 * Every Cap ever opened. It leaves libuv's loop pointing into an object that has been closed, and destroys one that
 * failed to open by stopping a poll it never started: neither must be collected.
 */
const opened: Cap[] = [];

function loadCap(): new () => Cap {
  try {
    return (createRequire(import.meta.url)('cap') as { Cap: new () => Cap }).Cap;
  } catch (error) {
    const reason = (error as Error).message.split('\n', 1)[0];
    throw new SensorError(
      `capture backend cap: ${reason}; install libpcap's headers (Debian: libpcap-dev) and \`npm install cap@0.2.1\``,
    );
  }
}

export interface CapContext {
  /** Gives the interface its id, once libpcap has named its link type. */
  readonly identify: (linkType: number) => CaptureInterface;
  readonly network: NetworkInterface;
  readonly filter: FilterParts;
  /** Bytes of libpcap's kernel buffer. */
  readonly bufferBytes: number;
  /** What the times of packets count from; see `PacketBatch`. */
  readonly timeBaseSeconds: number;
  readonly events: CaptureEvents;
}

/**
 * Opens `network` through libpcap. Throws a `SensorError` that names the interface, a `UsageError` for a filter libpcap
 * does not take.
 */
export function openCap(context: CapContext): InterfaceCapture {
  return new CapCapture(context);
}

class CapCapture implements InterfaceCapture {
  readonly capture: CaptureInterface;
  readonly #network: NetworkInterface;
  readonly #bufferBytes: number;
  readonly #events: CaptureEvents;
  /** `cap` writes every packet here. */
  readonly #packet = Buffer.allocUnsafe(PACKET_BYTES_MAX);
  readonly #batch = createPacketBatch(GATHER_PACKETS);
  /** Milliseconds from the time base to the origin of `performance.now`. */
  readonly #clockOrigin: number;
  #cap: Cap;
  #gathered = 0;
  #flushing: NodeJS.Immediate | null = null;
  #packets = 0;
  #started = false;
  #closed = false;
  #gateOpen = true;

  constructor({ identify, network, filter, bufferBytes, timeBaseSeconds, events }: CapContext) {
    this.#network = network;
    this.#bufferBytes = bufferBytes;
    this.#events = events;
    this.#clockOrigin = performance.timeOrigin - timeBaseSeconds * 1e3;
    const { cap, linkType } = open(network, filter, bufferBytes, this.#packet);
    this.#cap = cap;
    this.capture = identify(linkType);
    this.#batch.bytes = Buffer.allocUnsafe(GATHER_BYTES);
    this.#batch.timeBaseSeconds = timeBaseSeconds;
    this.#batch.interfaceId.fill(this.capture.id);
    this.#listen();
  }

  start(): void {
    this.#started = true;
  }

  // libpcap gives its packets as they come.
  readyTime(): number {
    return Number.POSITIVE_INFINITY;
  }

  deliver(): void {}

  setFilter(parts: FilterParts): void {
    if (this.#closed) return;
    this.#cap.close();
    this.#cap = open(this.#network, parts, this.#bufferBytes, this.#packet).cap;
    this.#listen();
  }

  // Swapping the filter would cost more than it saves: packets still arrive here, but go no further.
  setGate(isOpen: boolean): void {
    this.#gateOpen = isOpen;
  }

  async drain(): Promise<void> {
    // What libpcap holds is delivered by the loop's next turns.
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (this.#closed) return;
    this.#flush();
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#flushing !== null) clearImmediate(this.#flushing);
    this.#cap.close();
  }

  statistics(): InterfaceStatistics {
    return { name: this.#network.name, packets: this.#packets, dropped: null, freezes: null };
  }

  #listen(): void {
    this.#cap.on('packet', (length) => this.#take(length));
  }

  #take(length: number): void {
    // Before `start` too: nothing makes libpcap's buffer wait once the event loop runs.
    if (this.#closed || !this.#started || !this.#gateOpen) return;
    const batch = this.#batch;
    if (batch.count === GATHER_PACKETS || this.#gathered + length > GATHER_BYTES) this.#flush();
    if (this.#closed) return;
    const { count } = batch;
    this.#packet.copy(batch.bytes, this.#gathered, 0, length); // the one buffer `cap` writes every packet to
    batch.offset[count] = this.#gathered;
    batch.capturedLength[count] = length;
    batch.wireLength[count] = length;
    batch.time[count] = (this.#clockOrigin + performance.now()) * 1e6;
    batch.count = count + 1;
    this.#gathered += length;
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  #flush(): void {
    if (this.#flushing !== null) clearImmediate(this.#flushing);
    this.#flushing = null;
    const { count } = this.#batch;
    if (count === 0) return;
    this.#packets += count;
    this.#events.packets(this.#batch);
    this.#batch.count = 0;
    this.#gathered = 0;
  }
}

function open(
  network: NetworkInterface,
  filter: FilterParts,
  bufferBytes: number,
  buffer: Buffer,
): { cap: Cap; linkType: number } {
  const { name } = network;
  const expression = kernelFilter(filter, network.reading?.linkType ?? LINKTYPE_RAW);
  let cap = newCap();
  let link: string;
  try {
    link = cap.open(name, expression, bufferBytes, buffer);
  } catch (error) {
    const message = (error as Error).message.replace(/\s*\n\s*/g, ' ');
    if (/permi/i.test(message)) throw permissionError(name);
    // Opening without a filter shows whether the filter or the interface is at fault.
    cap = newCap();
    try {
      cap.open(name, 'less 0', bufferBytes, buffer);
    } catch {
      throw new SensorError(`interface ${name}: ${message}`);
    }
    cap.close();
    throw filterError(filter.user, message);
  }
  const linkType = linkTypeOf(link);
  if (linkType !== null) return { cap, linkType };
  cap.close();
  throw new SensorError(`interface ${name}: cannot read packets of link type ${link}`);
}

function newCap(): Cap {
  const cap = new (loadCap())();
  opened.push(cap);
  return cap;
}

/** The LINKTYPE_ value for the name `cap` gives a link type. */
function linkTypeOf(link: string): number | null {
  switch (link) {
    case 'ETHERNET':
      return LINKTYPE_ETHERNET;
    case 'NULL':
      return 0;
    case 'RAW':
      return LINKTYPE_RAW;
    case 'LINKTYPE_LINUX_SLL':
      return 113;
    case 'Unknown linktype 276':
      return 276; // LINKTYPE_LINUX_SLL2
    default:
      return null;
  }
}
