/** Frames of a WebSocket, as a sender writes them: RFC 6455 §5, and RFC 7692 for their compression. */
import { constants, deflateRawSync } from 'node:zlib';
import { Opcode } from '../../src/http/websocket/frame.js';

export interface FrameOptions {
  opcode?: number;
  isFinal?: boolean;
  isCompressed?: boolean;
  /** Four bytes; unmasked without. */
  mask?: Buffer;
}

export function frame(payload: string | Buffer, options: FrameOptions = {}): Buffer {
  const { opcode = Opcode.text, isFinal = true, isCompressed = false, mask } = options;
  const bytes = Buffer.from(payload);
  const first = (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode;
  const masked = mask === undefined ? 0 : 0x80;
  const header =
    bytes.length < 126
      ? Buffer.from([first, masked | bytes.length])
      : bytes.length < 1 << 16
        ? Buffer.from([first, masked | 126, bytes.length >> 8, bytes.length & 255])
        : Buffer.from([first, masked | 127, 0, 0, 0, 0, ...lengthBytes(bytes.length)]);
  if (mask === undefined) return Buffer.concat([header, bytes]);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) ^ (mask[i & 3] as number);
  return Buffer.concat([header, mask, bytes]);
}

function lengthBytes(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

/** The compression of one direction, with its context kept or not. */
export class Deflater {
  readonly #keepsContext: boolean;
  #window = Buffer.alloc(0);

  constructor(keepsContext: boolean) {
    this.#keepsContext = keepsContext;
  }

  deflate(payload: Buffer): Buffer {
    const compressed = deflateRawSync(payload, {
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(this.#window.length > 0 ? { dictionary: this.#window } : {}),
    });
    if (this.#keepsContext) this.#window = Buffer.concat([this.#window, payload]).subarray(-32_768);
    return compressed.length < 4 ? Buffer.from([0]) : compressed.subarray(0, -4);
  }
}
