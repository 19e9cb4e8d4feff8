/**
 * The portable fallback: the npm package `cap` 0.2.1, an optional dependency that needs libpcap's headers to build.
 *
 * in: an interface, a filter · out: `PacketBatch`es, gathered from one callback per packet
 *
 * What it cannot do, said rather than guessed:
 * - no timestamps: a packet's time is that of its delivery to this process, later than it was on the wire;
 * - no drop counter: `dropped` and `freezes` are `null`, and under load it does lose packets;
 * - no length beyond its 65 535 captured bytes: a longer packet seems to have that length;
 * - it calls back until the kernel's buffer is empty, so that under a flood timers wait;
 * - its filter cannot be swapped: the interface is closed and opened again, which loses what passes in between.
 */

import { createRequire } from 'node:module';
import { SensorError } from '../errors.js';
import { type FilterParts, filterError, kernelFilter } from './exclusions.js';
import type { CaptureEvents, InterfaceCapture } from './interface-capture.js';
import type { NetworkInterface } from './interfaces.js';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from './link-types.js';
import { type CaptureInterface, createPacketBatch } from './packet-batch.js';
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

/**
 * Opens `network` through libpcap. Throws a `SensorError` that names the interface, a `UsageError` for a filter libpcap
 * does not take.
 */
export function openCap(
  identify: (linkType: number) => CaptureInterface,
  network: NetworkInterface,
  filter: FilterParts,
  bufferBytes: number,
  timeBaseSeconds: number,
  events: CaptureEvents,
): InterfaceCapture {
  const packet = Buffer.allocUnsafe(PACKET_BYTES_MAX);
  const batch = createPacketBatch(GATHER_PACKETS);
  batch.bytes = Buffer.allocUnsafe(GATHER_BYTES);
  batch.timeBaseSeconds = timeBaseSeconds;
  const clockOrigin = performance.timeOrigin - timeBaseSeconds * 1e3;
  let gathered = 0;
  let flushing: NodeJS.Immediate | null = null;
  let packets = 0;
  let started = false;
  let closed = false;
  let gateOpen = true;

  const first = open(network, filter, bufferBytes, packet);
  let cap = first.cap;
  const capture = identify(first.linkType);
  batch.interfaceId.fill(capture.id);
  cap.on('packet', take);

  function take(length: number): void {
    // Without a consumer yet; libpcap's buffer cannot be told to wait once the loop runs.
    if (closed || !started || !gateOpen) return;
    if (batch.count === GATHER_PACKETS || gathered + length > GATHER_BYTES) flush();
    if (closed) return;
    const { count } = batch;
    packet.copy(batch.bytes, gathered, 0, length); // the one buffer `cap` writes every packet to
    batch.offset[count] = gathered;
    batch.capturedLength[count] = length;
    batch.wireLength[count] = length;
    batch.time[count] = (clockOrigin + performance.now()) * 1e6;
    batch.count = count + 1;
    gathered += length;
    flushing ??= setImmediate(flush);
  }

  function flush(): void {
    if (flushing !== null) clearImmediate(flushing);
    flushing = null;
    const { count } = batch;
    if (count === 0) return;
    packets += count;
    events.packets(batch);
    batch.count = 0;
    gathered = 0;
  }

  function close(): void {
    if (closed) return;
    closed = true;
    if (flushing !== null) clearImmediate(flushing);
    cap.close();
  }

  return {
    capture,
    start() {
      started = true;
    },
    setFilter(next) {
      if (closed) return;
      cap.close();
      cap = open(network, next, bufferBytes, packet).cap;
      cap.on('packet', take);
    },
    // To swap the filter would cost more than is saved: packets still arrive here, but no further.
    setGate(isOpen) {
      gateOpen = isOpen;
    },
    async drain() {
      // What libpcap holds is delivered by the loop's next turns.
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (closed) return;
      flush();
      close();
    },
    close,
    statistics: () => ({ name: network.name, packets, dropped: null, freezes: null }),
  };
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
    // Without a filter it can tell which of the two is at fault.
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
