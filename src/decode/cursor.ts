/**
 * Where the decoder stands in a packet: one object for each decoder, moved from header to header.
 *
 * A header's reader takes it at the header's first byte, moves it behind the header, and returns what comes there.
 */
export class Cursor {
  /** The packet, or the datagram that its fragment completed. */
  bytes: Buffer = EMPTY;
  at = 0;
  /** Where the captured bytes of the innermost header's payload end. */
  end = 0;
  /** How many bytes of it behind `end` the capture left out. */
  cut = 0;
  /** The virtual network that the encapsulations so far name; 0 if they name none. */
  network = 0;
  /** Whether a switch mirrored the packet. */
  mirrored = false;
  /** Whether an 802.11 header is padded to four bytes, which the capture's own header says. */
  padded = false;

  /** Bytes from here on. */
  get left(): number {
    return this.end - this.at;
  }

  /** Notes the identifier of the virtual network that a header names. Networks in networks are others again. */
  enter(id: number): void {
    this.network = this.network === 0 ? id : (Math.imul(this.network, 0x9e3779b1) + id) | 0;
  }
}

const EMPTY = Buffer.alloc(0);

/** Reads the header at the cursor and moves the cursor behind it. Returns what comes next, `unread(…)` or `MALFORMED`. */
export type HeaderReader = (cursor: Cursor) => number;
