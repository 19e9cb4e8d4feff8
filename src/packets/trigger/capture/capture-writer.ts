/**
 * The file of a capture, in memory: packets of one interface under its own link type, or of all of them.
 *
 * in: packets · out: the file in pieces, with the link type that the packets have and the snap length they were cut to
 */
import { type CaptureFormat, createPacketEncoder, type PacketEncoder } from '../../../capture/packet-encoder.js';
import type { PacketView } from '../../../capture/packet-view.js';
import { createCooker, LINKTYPE_LINUX_SLL } from './cooked-view.js';

export interface CaptureWriterSettings {
  readonly format: CaptureFormat;
  readonly snapLength: number;
  /** Whether packets of interfaces of several link types come. */
  readonly isOfAny: boolean;
}

/** An interface, as the source numbers it. */
export interface PacketOrigin {
  readonly name: string;
  readonly linkType: number;
}

const PIECE_BYTES = 65_536;

export class CaptureWriter {
  readonly #encoder: PacketEncoder;
  readonly #snapLength: number;
  readonly #isCooked: boolean;
  readonly #cook = createCooker();
  readonly #full: Buffer[] = [];
  /** pcapng: the number that each interface has in the file. */
  readonly #numbers = new Map<string, number>();
  #piece = Buffer.alloc(0);
  #used = 0;
  #bytes = 0;
  #packets = 0;
  #linkType: number | null = null;

  constructor({ format, snapLength, isOfAny }: CaptureWriterSettings) {
    this.#encoder = createPacketEncoder(format, snapLength);
    this.#snapLength = snapLength;
    // pcapng says of each interface which link type it has; pcap has one for the whole file.
    this.#isCooked = isOfAny && format !== 'pcapng';
  }

  get packets(): number {
    return this.#packets;
  }

  /** Bytes of the file so far. */
  get bytes(): number {
    return this.#bytes;
  }

  get linkType(): number | null {
    return this.#linkType;
  }

  /** False for a packet that this file cannot hold, as it has another link type. */
  write(view: PacketView, origin: PacketOrigin): boolean {
    const number = this.#begin(origin);
    if (number === null) return false;
    const shown = this.#isCooked ? this.#cook(view, origin.linkType) : view;
    const most = this.#encoder.room(Math.min(shown.captured, this.#snapLength));
    this.#need(most);
    const end = this.#encoder.write(shown, number, this.#piece, this.#used);
    this.#bytes += end - this.#used;
    this.#used = end;
    this.#packets++;
    return true;
  }

  /** The file; nothing is written behind it. */
  finish(): Buffer[] {
    return [...this.#full, this.#piece.subarray(0, this.#used)];
  }

  /** The number of the interface in the file, whose head is written with its first packet. */
  #begin(origin: PacketOrigin): number | null {
    const linkType = this.#isCooked ? LINKTYPE_LINUX_SLL : origin.linkType;
    if (this.#linkType === null) {
      this.#linkType = linkType;
      this.#append(this.#encoder.head(linkType));
    }
    if (this.#encoder.format !== 'pcapng') return linkType === this.#linkType ? 0 : null;
    const key = `${linkType} ${origin.name}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(key, number);
      this.#append(this.#encoder.describe(origin));
    }
    return number;
  }

  #append(bytes: Buffer): void {
    this.#need(bytes.length);
    this.#used += bytes.copy(this.#piece, this.#used);
    this.#bytes += bytes.length;
  }

  #need(bytes: number): void {
    if (this.#used + bytes <= this.#piece.length) return;
    if (this.#used > 0) this.#full.push(this.#piece.subarray(0, this.#used));
    // The first pieces are small, since most captures are.
    const size = this.#bytes < PIECE_BYTES ? PIECE_BYTES / 8 : PIECE_BYTES;
    this.#piece = Buffer.allocUnsafeSlow(Math.max(size, bytes));
    this.#used = 0;
  }
}
