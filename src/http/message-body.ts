/**
 * A message's body as transferred: chunk framing removed, content codings still on.
 */
export interface MessageBody {
  /** Bytes transferred, counted whether kept or not. */
  wireBytes: number;
  /** The kept pieces, in order: at most the configured cap in all; the rest was only counted. */
  chunks: Uint8Array[];
  /** Sum of the lengths of `chunks`. */
  keptBytes: number;
  /** Whether bytes were counted but not kept (cap, memory budget, or a gap in the capture). */
  truncated: boolean;
}

/** Shared by every message without a body; replaced when there are bytes to keep. */
export const NO_BODY: Readonly<MessageBody> = { wireBytes: 0, chunks: [], keptBytes: 0, truncated: false };

/** The kept bytes in one piece; not a copy where they are in one already. */
export function bodyBytes(body: MessageBody): Uint8Array {
  if (body.chunks.length === 1) return body.chunks[0] as Uint8Array;
  return body.chunks.length === 0 ? EMPTY : Buffer.concat(body.chunks, body.keptBytes);
}

const EMPTY = new Uint8Array(0);
