/**
 * The compression of messages undone, permessage-deflate (RFC 7692), for one direction.
 *
 * in:  a message's payload, compressed, in the order they were sent · out: its content, or why there is none
 *
 * Where the sender keeps its context, messages refer to the 32 KiB in front of them (§7.1.1). What is known of those is given to the
 * decoder, and no more: it refuses a message that refers beyond, so that what it gives is certain, behind a loss too.
 */
import * as zlib from 'node:zlib';
import type { InflateWindows, WindowOwner } from '../inflate-windows.js';

/** What the sender leaves out at the end of each message (§7.2.1). */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** RFC 1951 §2: how far back references go. */
const WINDOW_BYTES = 32 << 10;

/**
 * The most that messages may give together: so much, and this for each byte of them. Honest ones stay far below, bombs come to a
 * thousand for each.
 */
const FREE_BYTES = 1 << 20;
const RATIO_MAX = 128;
/** The most that one may give. */
const CONTENT_BYTES_MAX = 4 << 20;
/** Of a message that gives too much: how often less of it is tried for its beginning. */
const ATTEMPTS = 4;

const REFERS_BACK = 'it refers to earlier messages that are not known';
const TOO_LARGE = 'it gives more than such a message may';

export interface Inflated {
  readonly content: Uint8Array;
  /** Whether there is more of it. */
  readonly isCut: boolean;
  /** Why there is no content; null where there is. */
  readonly error: string | null;
}

export class MessageInflater implements WindowOwner {
  /** Whether messages refer to those in front of them: then none may be left out. */
  readonly keepsContext: boolean;
  readonly #windows: InflateWindows;
  /** What the last messages held, the last 32 KiB of it at `#window[… , #windowEnd)`. */
  #window: Buffer = NOTHING;
  #windowEnd = 0;
  /** Bytes that messages may still give. */
  #allowance = FREE_BYTES;
  /** Whether something is missing in front of what is known. */
  #isPartial: boolean;

  /** `isPartial`: messages came before that are not known. */
  constructor(keepsContext: boolean, windows: InflateWindows, isPartial = false) {
    this.keepsContext = keepsContext;
    this.#isPartial = isPartial;
    this.#windows = windows;
  }

  /** `isWhole`: nothing of it is missing behind `payload`. */
  inflate(payload: Buffer, isWhole: boolean): Inflated {
    this.#allowance = Math.min(CONTENT_BYTES_MAX, this.#allowance + RATIO_MAX * payload.length);
    const most = this.#allowance;
    const input = isWhole ? Buffer.concat([payload, TAIL]) : payload;
    const inflated = this.#try(input, most);
    if (inflated.error === TOO_LARGE) {
      const beginning = this.#beginning(payload, most);
      this.#allowance = 0;
      this.forget();
      return beginning;
    }
    this.#allowance -= inflated.content.length;
    if (inflated.error !== null || !isWhole) this.forget();
    else if (this.keepsContext) this.#remember(inflated.content);
    return isWhole ? inflated : { ...inflated, isCut: true };
  }

  /** Messages may be missing: what comes next may refer to what is not known. */
  forget(): void {
    this.#windowEnd = 0;
    this.#isPartial = true;
  }

  release(): void {
    this.#windows.release(this);
    this.#window = NOTHING;
    this.#windowEnd = 0;
  }

  onWindowEvicted(): void {
    this.#window = NOTHING;
    this.forget();
  }

  #try(input: Buffer, most: number): Inflated {
    const known = this.#window.subarray(Math.max(0, this.#windowEnd - WINDOW_BYTES), this.#windowEnd);
    try {
      const content = zlib.inflateRawSync(input, {
        finishFlush: zlib.constants.Z_SYNC_FLUSH,
        maxOutputLength: most,
        ...(known.length === 0 ? {} : { dictionary: known }),
      });
      return { content, isCut: false, error: null };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ERR_BUFFER_TOO_LARGE') return { content: NOTHING, isCut: true, error: TOO_LARGE };
      const reason = this.#isPartial && message.includes('too far back') ? REFERS_BACK : message;
      return { content: NOTHING, isCut: false, error: `permessage-deflate: ${reason}` };
    }
  }

  /** As much of one that gives too much as a part of its payload gives. */
  #beginning(payload: Buffer, most: number): Inflated {
    for (let length = payload.length >> 2, i = 0; length > 0 && i < ATTEMPTS; length >>= 2, i++) {
      const inflated = this.#try(payload.subarray(0, length), most);
      if (inflated.error === null) return { ...inflated, isCut: true };
    }
    return { content: NOTHING, isCut: true, error: `permessage-deflate: ${TOO_LARGE}` };
  }

  #remember(content: Uint8Array): void {
    const last = content.subarray(Math.max(0, content.length - WINDOW_BYTES));
    if (this.#windowEnd + last.length > this.#window.length && !this.#makeRoom(last.length)) {
      this.forget();
      return;
    }
    this.#windows.touch(this);
    this.#window.set(last, this.#windowEnd);
    this.#windowEnd += last.length;
  }

  /** Room for `length` bytes more; false where there is no memory for them. */
  #makeRoom(length: number): boolean {
    const start = Math.max(0, this.#windowEnd - WINDOW_BYTES);
    const kept = this.#windowEnd - start;
    const size = Math.min(2 * WINDOW_BYTES, Math.max(2 * this.#window.length, kept + length));
    if (size > this.#window.length) {
      if (!this.#windows.take(this, size - this.#window.length)) return false;
      const grown = Buffer.allocUnsafeSlow(size);
      this.#window.copy(grown, 0, start, this.#windowEnd);
      this.#window = grown;
    } else {
      this.#window.copyWithin(0, start, this.#windowEnd);
    }
    this.#windowEnd = kept;
    return true;
  }
}

const NOTHING = Buffer.alloc(0);

/** What both sides agreed on, of the response's Sec-WebSocket-Extensions (RFC 7692 §7.1). */
export interface Deflate {
  readonly clientKeepsContext: boolean;
  readonly serverKeepsContext: boolean;
}

/** Null where messages are not compressed, or by an extension that is not known. */
export function agreedDeflate(extensions: readonly string[]): Deflate | null {
  for (const extension of extensions.join(',').toLowerCase().split(',')) {
    const [name, ...parameters] = extension.split(';').map((part) => part.trim());
    if (name !== 'permessage-deflate') continue;
    return {
      clientKeepsContext: !parameters.includes('client_no_context_takeover'),
      serverKeepsContext: !parameters.includes('server_no_context_takeover'),
    };
  }
  return null;
}
