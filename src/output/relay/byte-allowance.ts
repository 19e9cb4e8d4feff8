/**
 * How many bytes a relay may send in a minute.
 *
 * in: the sizes of traces as they come and of batches as they are sent, the time · out: whether there is room, and from when on
 *
 * Two accounts, each of which gets nine tenths of the minute's bytes as time passes and holds the last tenth at most, so that no minute
 * has more than all. One admits traces: each is charged at once by what such traces have come to on the wire so far, and by what it did
 * come to once that is known. The other lets batches go, whatever they are: the first attempt and the tenth, compressed or not.
 */
const SAVED_SHARE = 0.1;
const PACE_SHARE = 1 - SAVED_SHARE;
/** What a request takes beside its body: the line, headers, the framing of TLS. */
const REQUEST_BYTES = 512;
/** How much a batch counts for what the next ones are expected to come to. */
const FRESH = 0.2;

export class ByteAllowance {
  readonly #savedMax: number;
  readonly #perMilli: number;
  readonly #now: () => number;
  #time: number;
  #admissible: number;
  #sendable: number;
  /** Mean bytes of a trace, encoded. */
  #encodedBytes = 0;
  /** Bytes on the wire for a byte that is encoded. */
  #ratio = 1;

  /** `now` in milliseconds; a clock that is set moves nothing. */
  constructor(perMinute: number, now: () => number) {
    this.#savedMax = perMinute * SAVED_SHARE;
    this.#perMilli = (perMinute * PACE_SHARE) / 60_000;
    this.#now = now;
    this.#time = now();
    this.#admissible = this.#savedMax;
    this.#sendable = this.#savedMax;
  }

  /** Bytes of a batch, encoded, beyond which it would have to be saved up for. */
  get batchBytesMax(): number {
    return Math.floor(this.#savedMax) - REQUEST_BYTES;
  }

  /** Whether a trace of so many bytes, encoded, may come. */
  admit(encodedBytes: number): boolean {
    this.#advance();
    const expected = encodedBytes * this.#ratio;
    if (expected > this.#admissible) return false;
    this.#admissible -= expected;
    this.#encodedBytes += (encodedBytes - this.#encodedBytes) * (this.#encodedBytes === 0 ? 1 : FRESH);
    return true;
  }

  /** Milliseconds until `bytes` may be sent. */
  waitMillis(bytes: number): number {
    this.#advance();
    const lacking = Math.min(bytes + REQUEST_BYTES, this.#savedMax) - this.#sendable;
    return lacking <= 0 ? 0 : Math.ceil(lacking / this.#perMilli);
  }

  /** A batch of `traces` goes out, for the first time or once more. */
  noteSent(bytes: number, traces: number, isFirst: boolean): void {
    this.#advance();
    const sent = bytes + REQUEST_BYTES;
    this.#sendable -= sent;
    const encoded = traces * this.#encodedBytes;
    // Those that an earlier run admitted, and all that is sent once more, nobody has paid for.
    this.#admissible -= isFirst ? sent - encoded * this.#ratio : sent;
    if (isFirst && encoded > 0) this.#ratio += (Math.min(1.5, bytes / encoded) - this.#ratio) * FRESH;
  }

  #advance(): void {
    const now = this.#now();
    const passed = Math.max(0, now - this.#time);
    this.#time = now;
    this.#admissible = Math.min(this.#savedMax, this.#admissible + passed * this.#perMilli);
    this.#sendable = Math.min(this.#savedMax, this.#sendable + passed * this.#perMilli);
  }
}
