/**
 * The ring of one interface: walks the kernel's blocks in place and gives each back when its packets are consumed.
 *
 * in: an interface, a filter, a geometry · out: `PacketBatch`es of a block each or of parts of it, drops in their place among the
 * blocks
 *
 * A block (include/uapi/linux/if_packet.h; all little-endian here, as every machine Node runs Linux on but s390x):
 *
 *     struct tpacket_block_desc            struct tpacket3_hdr, chained by tp_next_offset
 *      0 version                            0 tp_next_offset   from this header
 *      4 offset_to_priv                     4 tp_sec
 *      8 block_status    USER: ours         8 tp_nsec
 *     12 num_pkts                          12 tp_snaplen       bytes captured
 *     16 offset_to_first_pkt               16 tp_len           bytes on the wire
 *     20 blk_len                           20 tp_status
 *     24 seq_num (u64)                     24 tp_mac, tp_net   u16 each, from this header
 *                                          32 tp_vlan_tci, 36 tp_vlan_tpid (u16)
 *
 * The kernel writes the packets, then `block_status` behind a barrier; reading it through `Atomics` orders our loads
 * after that, and storing it through `Atomics` orders the kernel's next writes after our last load.
 *
 * A VLAN tag that the kernel has taken off (TP_STATUS_VLAN_VALID) stands beside the packet, which without it is plain
 * Ethernet: the network that a connection ran over matters only to those who want packets as they were.
 */

import { endianness } from 'node:os';
import { SensorError } from '../errors.js';
import { compileFilter, type FilterParts } from './exclusions.js';
import type { CaptureEvents, InterfaceCapture } from './interface-capture.js';
import type { NetworkInterface } from './interfaces.js';
import {
  type CaptureInterface,
  createPacketBatch,
  type InterfaceStatistics,
  type PacketBatch,
} from './packet-batch.js';
import { permissionError } from './permission.js';
import { type FilterProgram, loadRingAddon, type RingAddon, type RingHandle } from './ring-addon.js';

export interface RingGeometry {
  /** Bytes of a block, a power of two not smaller than a page; a longer packet is cut. */
  readonly blockBytes: number;
  readonly blockCount: number;
  /** How long the kernel keeps a block open that does not fill up. */
  readonly retireMillis: number;
  /** Bytes captured of each packet. */
  readonly snapLength: number;
}

/**
 * The geometry for a ring of `mebibytes`. Blocks hold the largest packet loopback sends (64 KiB) several times over.
 * Under light traffic the timeout closes each block with little in it, so that a ring of n blocks bridges a pause of
 * n × 60 ms. Trace times are the kernel's and do not suffer from that. Where the timeout is shorter there are more blocks, and the
 * largest packet still fits into one.
 */
export function ringGeometry(mebibytes: number, snapLength: number, retireMillis = RETIRE_MILLIS): RingGeometry {
  const blockBytes = retireMillis < RETIRE_MILLIS ? 1 << 17 : 1 << 18;
  const blockCount = Math.max(4, Math.round((mebibytes * (1 << 20)) / blockBytes));
  return { blockBytes, blockCount, retireMillis, snapLength };
}

const RETIRE_MILLIS = 60;

export interface RingContext {
  readonly capture: CaptureInterface;
  readonly network: NetworkInterface;
  readonly filter: FilterParts;
  readonly geometry: RingGeometry;
  /** What the times of packets count from; see `PacketBatch`. */
  readonly timeBaseSeconds: number;
  readonly events: CaptureEvents;
}

const STATUS_USER = 1;
const STATUS_LOSING = 4;
const STATUS_VLAN_VALID = 1 << 4;
const STATUS_VLAN_TPID_VALID = 1 << 6;
const TPID_8021Q = 0x8100;
/** What is delivered at once: so many packets, or as many as have so many bytes; then it is looked at how long the turn has been. */
const BATCH_PACKETS_MAX = 64;
const BATCH_BYTES = 1 << 15;
/** How long a turn may deliver packets, in milliseconds. */
const TURN_MILLIS = 5;
/** The filter that takes nothing: `ret #0` as a struct sock_filter. */
const TAKE_NOTHING: FilterProgram = new Uint8Array([6, 0, 0, 0, 0, 0, 0, 0]).buffer;

/**
 * Opens a ring on `network`; packets are captured from here on. Throws a `SensorError` that names the interface and,
 * where a capability is missing, the command that grants it.
 */
export function openRing(context: RingContext): InterfaceCapture {
  const addon = loadRingAddon();
  if (endianness() !== 'LE') throw new SensorError('capture backend ring: this machine is big-endian; use cap');
  return new Ring(addon, context);
}

class Ring implements InterfaceCapture {
  readonly capture: CaptureInterface;
  readonly #addon: RingAddon;
  readonly #events: CaptureEvents;
  readonly #geometry: RingGeometry;
  readonly #handle: RingHandle;
  /** The mapped blocks, as the words of their headers. */
  readonly #words: Int32Array;
  readonly #batch: PacketBatch;
  #program: FilterProgram;
  #gateOpen = true;
  /** Whether the kernel asks about packets, and whether that is being changed. */
  #hooked = true;
  #hooking = false;
  #closed = false;
  /** Index of the block that comes next. */
  #block = 0;
  /** Packets of it that have been delivered, and the word where the header of the next one begins. */
  #taken = 0;
  #header = 0;
  /** Packets delivered. */
  #walked = 0;
  /** The kernel's counts since the ring was opened: packets taken or dropped, packets dropped, times the ring was full. */
  #offered = 0;
  #dropped = 0;
  #freezes = 0;
  /** Of `#dropped`, those that `events.drops` has not been given yet. */
  #dropsUnreported = 0;
  /** The kernel's counts since they were last read: offered, dropped, freezes. */
  readonly #delta = new Uint32Array(3);

  constructor(addon: RingAddon, { capture, network, filter, geometry, timeBaseSeconds, events }: RingContext) {
    this.capture = capture;
    this.#addon = addon;
    this.#events = events;
    this.#geometry = geometry;
    this.#program = compileFilter(filter, capture.linkType, geometry.snapLength);
    this.#handle = open(addon, network, this.#program, geometry);
    const memory = addon.map(this.#handle);
    this.#words = new Int32Array(memory);
    this.#batch = createPacketBatch(BATCH_PACKETS_MAX);
    this.#batch.bytes = Buffer.from(memory);
    this.#batch.interfaceId.fill(capture.id);
    this.#batch.timeBaseSeconds = timeBaseSeconds;
  }

  start(): void {
    this.#addon.poll(this.#handle, (status) => {
      // One block a turn, or as much of it as there is time for. libuv calls again while there are more, after the other rings, timers and sockets had their turn.
      if (status === 0) this.#events.ready(false);
      else this.#events.down(); // the interface went down or away; libuv polls no more
    });
  }

  setFilter(parts: FilterParts): void {
    this.#program = compileFilter(parts, this.capture.linkType, this.#geometry.snapLength);
    if (!this.#closed && this.#gateOpen) this.#addon.setFilter(this.#handle, this.#program);
  }

  setGate(isOpen: boolean): void {
    this.#gateOpen = isOpen;
    if (this.#closed) return;
    this.#addon.setFilter(this.#handle, isOpen ? this.#program : TAKE_NOTHING);
    this.#hook();
  }

  /**
   * Has the kernel ask about packets while the gate is open, and about none while it is shut: a filter that takes nothing would be
   * run for each of them all the same. Takes some 10 ms, during which nothing waits.
   */
  #hook(): void {
    const isHooked = this.#gateOpen;
    if (this.#closed || this.#hooking || this.#hooked === isHooked) return;
    this.#hooking = true;
    this.#addon.hook(this.#handle, isHooked, (status) => {
      this.#hooking = false;
      if (this.#closed) return;
      this.#hooked = isHooked;
      if (status === 0) this.#hook();
      else this.#events.down(); // the interface is gone
    });
  }

  async drain(): Promise<void> {
    if (this.#closed) return;
    this.#addon.setFilter(this.#handle, TAKE_NOTHING);
    // The last block is closed by its timeout; the kernel's counts say when its last packet has been delivered.
    const deadline = Date.now() + 10 * this.#geometry.retireMillis + 1000;
    for (;;) {
      while (this.readyTime() < Number.POSITIVE_INFINITY) this.#events.ready(true);
      if (this.#closed) return;
      this.#readStatistics();
      if (this.#walked + this.#dropped >= this.#offered || Date.now() > deadline) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (this.#closed) return;
    }
    if (this.#dropsUnreported > 0) this.#reportDrops((Date.now() - this.#batch.timeBaseSeconds * 1e3) * 1e6);
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#readStatistics();
    this.#closed = true;
    this.#addon.close(this.#handle);
  }

  statistics(): InterfaceStatistics {
    // While blocks wait, drops lie behind them, and the block that follows the drops says so.
    const blockWaits = !this.#closed && this.#isReady(this.#block);
    if (!this.#closed && !blockWaits) this.#readStatistics();
    return { name: this.capture.name, packets: this.#walked, dropped: this.#dropped, freezes: this.#freezes };
  }

  /** The time of the packet whose header begins at that word. */
  #timeOf(header: number): number {
    const words = this.#words;
    return ((words[header + 1] as number) - this.#batch.timeBaseSeconds) * 1e9 + (words[header + 2] as number);
  }

  /** The tag that was taken off the packet whose header begins at that word. */
  #vlanTagOf(header: number): number {
    const words = this.#words;
    const hasTpid = ((words[header + 5] as number) & STATUS_VLAN_TPID_VALID) !== 0;
    const tpid = hasTpid ? (words[header + 9] as number) & 0xffff : TPID_8021Q;
    return (tpid << 16) | ((words[header + 8] as number) & 0xffff);
  }

  /** Where a block's status is among the words. */
  #statusIndex(block: number): number {
    return (block * this.#geometry.blockBytes + 8) >> 2;
  }

  /** Whether the kernel has handed the block over. */
  #isReady(block: number): boolean {
    return (Atomics.load(this.#words, this.#statusIndex(block)) & STATUS_USER) !== 0;
  }

  readyTime(): number {
    const words = this.#words;
    if (this.#closed || !this.#isReady(this.#block)) return Number.POSITIVE_INFINITY;
    if (words[this.#statusIndex(this.#block) + 1] === 0) return Number.NEGATIVE_INFINITY;
    // Not the block's own time: that is when it was opened, which on a quiet interface is long before its first packet.
    return this.#timeOf(this.#nextHeader());
  }

  deliver(): void {
    if (this.#closed || !this.#isReady(this.#block)) return;
    const words = this.#words;
    const at = this.#statusIndex(this.#block);
    const count = words[at + 1] as number;
    this.#header = this.#nextHeader();
    if (this.#taken === 0) this.#noteLosses(Atomics.load(words, at));
    const began = performance.now();
    do this.#deliverSome(count - this.#taken);
    while (!this.#closed && this.#taken < count && performance.now() - began < TURN_MILLIS);
    if (this.#closed || this.#taken < count) return; // closed by the consumer: the map is gone
    this.#taken = 0;
    Atomics.store(words, at, 0);
    this.#block = this.#blockBehind;
  }

  /** The word where the header of the packet begins that comes next. */
  #nextHeader(): number {
    if (this.#taken > 0) return this.#header;
    const first = this.#words[this.#statusIndex(this.#block) + 2] as number;
    return (this.#block * this.#geometry.blockBytes + first) >> 2;
  }

  get #blockBehind(): number {
    return (this.#block + 1) % this.#geometry.blockCount;
  }

  /** The kernel sets a bit in each block that it closes between a drop and the next reading of the statistics. */
  #noteLosses(status: number): void {
    const isLosing = (status & STATUS_LOSING) !== 0;
    if (isLosing) this.#readStatistics();
    if (isLosing || this.#dropsUnreported > 0) this.#reportDrops(this.#timeOf(this.#header));
  }

  /** The next packets of the block, of which `left` are left. */
  #deliverSome(left: number): void {
    const words = this.#words;
    const batch = this.#batch;
    const { offset, capturedLength, wireLength, time, vlanTag } = batch;
    const countMax = Math.min(left, BATCH_PACKETS_MAX);
    let header = this.#header;
    let count = 0;
    for (let bytes = 0; count < countMax && bytes < BATCH_BYTES; count++) {
      const captured = words[header + 3] as number;
      offset[count] = (header << 2) + ((words[header + 6] as number) & 0xffff);
      capturedLength[count] = captured;
      wireLength[count] = words[header + 4] as number;
      time[count] = this.#timeOf(header);
      vlanTag[count] = ((words[header + 5] as number) & STATUS_VLAN_VALID) === 0 ? 0 : this.#vlanTagOf(header);
      header += (words[header] as number) >> 2;
      bytes += captured;
    }
    this.#header = header;
    this.#taken += count;
    this.#walked += count;
    batch.count = count;
    batch.isBehind = this.#isReady(this.#blockBehind);
    if (count > 0) this.#events.packets(batch);
  }

  #readStatistics(): void {
    const delta = this.#delta;
    this.#addon.statistics(this.#handle, delta); // reading sets the kernel's counts to zero
    this.#offered += delta[0] as number;
    this.#dropped += delta[1] as number;
    this.#dropsUnreported += delta[1] as number;
    this.#freezes += delta[2] as number;
  }

  #reportDrops(time: number): void {
    const count = this.#dropsUnreported;
    this.#dropsUnreported = 0;
    this.#events.drops(count, time);
  }
}

function open(addon: RingAddon, network: NetworkInterface, program: FilterProgram, geometry: RingGeometry): RingHandle {
  const { name, index, loopback, reading } = network;
  const { blockBytes, blockCount, retireMillis } = geometry;
  if (reading === null) throw new SensorError(`interface ${name}: cannot read packets of its hardware type`);
  try {
    // On loopback each packet would otherwise be seen twice: going out and coming in.
    return addon.open(index, reading.cooked, program, blockBytes, blockCount, retireMillis, loopback);
  } catch (error) {
    throw openError(name, blockBytes * blockCount, error as NodeJS.ErrnoException);
  }
}

function openError(name: string, bytes: number, error: NodeJS.ErrnoException): SensorError {
  if (error.code === 'EPERM' || error.code === 'EACCES') return permissionError(name);
  if (error.code === 'ENOMEM') {
    return new SensorError(
      `interface ${name}: no memory for a ring of ${bytes / (1 << 20)} MiB; give a smaller --ring-size (${error.message})`,
    );
  }
  return new SensorError(`interface ${name}: ${error.message} (${error.code ?? 'unknown error'})`);
}

/**
 * Why the ring cannot be used on this machine, or `null` if it can. A missing permission is no reason: every backend
 * needs it, and the error of opening the ring says so best.
 */
export function ringObstacle(): string | null {
  try {
    const addon = loadRingAddon();
    const loopback = addon.describe('lo');
    if (loopback !== undefined) addon.close(addon.open(loopback[0], false, TAKE_NOTHING, 1 << 18, 1, 60, true));
    return null;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'EPERM' || code === 'EACCES' ? null : message;
  }
}
