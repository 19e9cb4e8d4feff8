/**
 * A message's body as transferred: chunk framing removed, content codings still on.
 */
export interface MessageBody {
  /** Bytes transferred, counted whether kept or not. */
  wireBytes: number;
  /** The kept pieces, in order: at most the configured cap in all; the rest was only counted. */
  readonly chunks: readonly Uint8Array[];
  /** Sum of the lengths of `chunks`. */
  keptBytes: number;
  /** Whether bytes were counted but not kept (cap, memory budget, or a gap in the capture). */
  truncated: boolean;
  /** For each piece that came, how many bytes were kept with it, and when; null where nobody asks. */
  notes: readonly number[] | null;
}

/** Shared by every message without a body; replaced when there are bytes to keep. */
export const NO_BODY: Readonly<MessageBody> = { wireBytes: 0, chunks: [], keptBytes: 0, truncated: false, notes: null };

const CUT_BODY: Readonly<MessageBody> = { ...NO_BODY, truncated: true };

/** `body`, marked as truncated: its message had not ended. */
export function cutShort(body: MessageBody): MessageBody {
  if (body === NO_BODY) return CUT_BODY;
  body.truncated = true;
  return body;
}

/** The kept bytes in one piece; not a copy where they are in one already. */
export function bodyBytes(body: { readonly chunks: readonly Uint8Array[]; readonly keptBytes: number }): Uint8Array {
  const { chunks } = body;
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  return chunks.length === 0 ? EMPTY : Buffer.concat(chunks, body.keptBytes);
}

/** The first `bytesMax` of them. */
export function bodyBeginning(body: MessageBody, bytesMax: number): Uint8Array {
  if (body.keptBytes <= bytesMax) return bodyBytes(body);
  const { chunks } = body;
  const [first] = chunks;
  if (first !== undefined && first.length >= bytesMax) return first.subarray(0, bytesMax);
  return Buffer.concat(chunks, bytesMax);
}

const EMPTY = new Uint8Array(0);
