/**
 * Capture files that sensors send with `--packets-to-satellite`, each of one exchange: the newest of so many bytes, in memory.
 *
 * in: `POST /1.0/packets/TRACEID/SPANID`, a pcap file · out: the file of a trace
 *
 * Packets are as they were captured: nothing in them is redacted. So they are taken and shown, and never searched or written.
 */

export interface PacketFilesSettings {
  /** Bytes of all files; 0 takes none. */
  readonly bytes_max: number;
}

export interface PacketsPath {
  readonly traceId: string;
  readonly spanId: string;
}

export const PCAP_TYPE = 'application/vnd.tcpdump.pcap';
const PATH = /^\/1\.0\/packets\/([0-9a-f]{32})\/([0-9a-f]{16})$/;
/** Magic, version and what follows: https://www.ietf.org/archive/id/draft-gharris-opsawg-pcap-01.html#section-4. */
const HEAD_BYTES = 24;
const MAGICS: ReadonlySet<number> = new Set([0xa1b2c3d4, 0xa1b23c4d]);

/** Whose packets a path is for; null where it is none of them. */
export function packetsPath(path: string): PacketsPath | null {
  const [, traceId, spanId] = PATH.exec(path) ?? [];
  return traceId === undefined || spanId === undefined ? null : { traceId, spanId };
}

/** Whether it begins as a capture file does, in the order of bytes of a sensor. */
export function isPcap(bytes: Buffer): boolean {
  return bytes.length >= HEAD_BYTES && MAGICS.has(bytes.readUInt32LE(0));
}

export class PacketFiles {
  readonly bytesMax: number;
  /** By trace and span; the oldest is the first. */
  readonly #files = new Map<string, Buffer>();
  #bytes = 0;

  constructor({ bytes_max }: PacketFilesSettings) {
    this.bytesMax = bytes_max;
  }

  get count(): number {
    return this.#files.size;
  }

  /** False where there is no room for it, however much goes. */
  add({ traceId, spanId }: PacketsPath, bytes: Buffer): boolean {
    if (bytes.length > this.bytesMax) return false;
    const key = `${traceId} ${spanId}`;
    this.#bytes += bytes.length - (this.#files.get(key)?.length ?? 0);
    this.#files.delete(key);
    this.#files.set(key, bytes);
    for (const [oldest, { length }] of this.#files) {
      if (this.#bytes <= this.bytesMax) break;
      this.#files.delete(oldest);
      this.#bytes -= length;
    }
    return true;
  }

  get({ traceId, spanId }: PacketsPath): Buffer | null {
    return this.#files.get(`${traceId} ${spanId}`) ?? null;
  }
}
