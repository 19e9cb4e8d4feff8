/**
 * The receiver's end of one connection: authentication, frames, blocks, records.
 *
 * in: pieces of bytes from anybody · out: runs of packets, an announcement; the reply and acknowledgements
 *
 * Nothing here throws, whatever comes. What makes no sense ends the connection, except for a block that cannot be decoded,
 * which is dropped as the stock receiver drops it.
 */
import type { FrameNumber, PacketOrigin } from '../outputs/packet-output.js';
import { type Announcement, parseAnnouncement } from './announcement.js';
import type { BlockMemory } from './block-memory.js';
import { beginsTls, TLS_NOT_HERE } from './failure-words.js';
import { createFrameReader, type FrameError, type FrameReader } from './frame-reader.js';
import { checkRecords } from './records.js';
import { decodeS2, s2DecodedLength } from './s2-decode.js';
import { AUTH_ACCEPTED, AUTH_BYTES, beginsAuthentication, carriesKey, hasMagic, readEmptyBlock } from './wire.js';

export interface ReceivedBlock {
  readonly linkType: number;
  /** In memory of `ReceiverConnectionContext.memory`, which is the taker's to give back. */
  readonly records: Buffer;
  readonly packets: number;
  readonly frame: FrameNumber | null;
}

export interface ReceiverConnectionContext {
  /** Most bytes of a block, and of what it decodes to. */
  readonly blockBytesMax: number;
  readonly decodedBytesMax: number;
  /** For what blocks decode to. */
  readonly memory: BlockMemory;
  /** The key that a sensor has to send; null where it has to send none. */
  readonly authKey: string | null;
  /** Whether what comes has to wait, until `resume` is called. */
  readonly isBehind: () => boolean;
  readonly reply: (bytes: Buffer) => void;
  readonly onAnnouncement: (announcement: Announcement) => void;
  readonly onBlock: (block: ReceivedBlock) => void;
  /** That frame has no packets that could be taken. */
  readonly onEmptyFrame: (frame: FrameNumber) => void;
  /** Something was dropped, and the connection goes on. */
  readonly onBadBlock: (reason: string) => void;
  readonly onNote: (message: string) => void;
}

export interface ReceiverConnection {
  /** Takes a piece and returns null, or why the connection is to be closed. */
  push(piece: Buffer): string | null;
  /** Goes on with what has come, where it was stopped by `isBehind`; returns as `push`. */
  resume(): string | null;
  /** Whether the sensor has shown its key, where it has to. */
  readonly isAuthenticated: boolean;
  /** Bytes of memory for what has come and is no whole frame. */
  readonly memory: number;
}

const LINKTYPE_ETHERNET = 1;
const HEAD_BYTES = 8;
const NOTHING = { packets: 0, end: 0 };

export function createReceiverConnection(context: ReceiverConnectionContext): ReceiverConnection {
  const { blockBytesMax } = context;
  const frames: FrameReader = createFrameReader(blockBytesMax, (block) => {
    takeBlock(block);
    return context.isBehind() ? 'stop' : undefined;
  });
  let isAuthenticated = false;
  let first: Buffer | null = Buffer.alloc(0);
  let announcement: Announcement | null = null;
  let linkType = LINKTYPE_ETHERNET;
  let number = 0;

  function takeBlock(block: Buffer): void {
    const length = block.length === 0 ? -1 : s2DecodedLength(block, 0, block.length);
    if (length < 0) context.onBadBlock(block.length === 0 ? 'a frame without a block' : 'a block without a length');
    else if (length === 0) takeEmptyBlock(block);
    else takePackets(block, length);
  }

  function takePackets(block: Buffer, length: number): void {
    const frame = announcement === null ? null : { run: announcement.run, number: number++ };
    const records = decode(block, length);
    const { packets, end } = records === null ? NOTHING : checkRecords(records);
    if (records !== null && end < length) context.onBadBlock(`${length - end} bytes of a block that are no packets`);
    if (records !== null && packets > 0)
      context.onBlock({ linkType, records: end === length ? records : records.subarray(0, end), packets, frame });
    else {
      if (records !== null) context.memory.give(records);
      if (frame !== null) context.onEmptyFrame(frame);
    }
  }

  function decode(block: Buffer, length: number): Buffer | null {
    const { decodedBytesMax, memory, onBadBlock } = context;
    if (length > decodedBytesMax) {
      onBadBlock(`a block that says it decodes to ${length} bytes, of which maxBlockSize allows ${decodedBytesMax}`);
      return null;
    }
    const records = memory.take(length);
    if (decodeS2(block, 0, block.length, records) >= 0) return records;
    memory.give(records);
    onBadBlock('a block that cannot be decoded');
    return null;
  }

  function takeEmptyBlock(block: Buffer): void {
    const empty = readEmptyBlock(block);
    if (empty === null) context.onBadBlock('a block that decodes to nothing, and is no announcement');
    else if (empty.text !== null) announce(empty.text);
    else if (empty.linkTypeIndex !== null) linkType = announcement?.linkTypes[empty.linkTypeIndex] ?? linkType;
  }

  /** Once a connection: what follows is read by it. */
  function announce(text: Buffer): void {
    const said = announcement === null ? parseAnnouncement(text) : null;
    if (said === null) {
      context.onBadBlock('an announcement that makes no sense');
      return;
    }
    announcement = said;
    linkType = said.linkTypes[0] as number;
    number = said.next;
    context.onAnnouncement(said);
  }

  return {
    get isAuthenticated() {
      return isAuthenticated;
    },
    get memory() {
      return frames.memory;
    },
    push(piece) {
      let rest = piece;
      if (first !== null) {
        first = Buffer.concat([first, piece]);
        const begun = begin(context, first);
        if (typeof begun === 'string') return begun;
        if (begun === null) return null;
        first = null;
        isAuthenticated = true;
        rest = begun;
      }
      return inWords(frames.push(rest));
    },
    resume: () => inWords(frames.resume()),
  };

  function inWords(error: FrameError | null): string | null {
    if (error === 'no-magic') return 'what should be a frame begins with other bytes';
    if (error === 'block-too-large')
      return `a block of ${frames.refused} bytes is more than maxBlockSize allows (${blockBytesMax})`;
    return null;
  }
}

/** Looks at how the connection begins. Returns what follows, null while that is not known, or what is wrong. */
function begin(
  { blockBytesMax, authKey, reply, onNote }: ReceiverConnectionContext,
  bytes: Buffer,
): Buffer | null | string {
  if (bytes.length < HEAD_BYTES) return null;
  if (!hasMagic(bytes, 0)) return beginsTls(bytes) ? TLS_NOT_HERE : 'it does not speak this protocol';
  const hasKey = beginsAuthentication(bytes, blockBytesMax);
  if (authKey === null) {
    if (!hasKey) return bytes;
    if (bytes.length < AUTH_BYTES) return null;
    onNote('the sensor sent a key, and auth.enable is not true here: it was not looked at');
  } else {
    // A key of one character looks like the head of a large frame.
    if (!hasKey && Buffer.byteLength(authKey) > 1) return 'it sent no key, and auth.enable is true here';
    if (bytes.length < AUTH_BYTES) return null;
    if (!carriesKey(bytes.subarray(0, AUTH_BYTES), authKey)) return 'its key is another one than auth.key';
  }
  reply(AUTH_ACCEPTED);
  return bytes.subarray(AUTH_BYTES);
}

/** A sensor, as it is known by its announcement or, without one, its address. */
export function originOf(address: string, announcement: Announcement | null): PacketOrigin {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '');
  return announcement === null
    ? { name: plain, key: plain }
    : { name: announcement.sensor, key: `${announcement.sensor} ${plain}` };
}
