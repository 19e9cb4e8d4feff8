/**
 * The compression of one message of a call undone, by the `grpc-encoding` of its direction.
 *
 * in:  a message as it was sent · out: its content up to a cap, or why there is none
 */
import { type DecodedContent, decodeContent, decodeSmall } from '../content-coding.js';
import { decodeSnappy } from '../snappy.js';
import { isWholeEmptyZstd, zstdNow } from '../zstd.js';

/** Longer messages are decoded where there is time for them. */
const NOW_BYTES_MAX = 32 << 10;
const NOW_CONTENT_BYTES_MAX = 64 << 10;

/** What can be had in a moment; null where that takes longer. */
export function decodeMessageNow(
  message: Buffer,
  coding: string,
  bytesMax: number,
  isPartial: boolean,
): DecodedContent | null {
  if (coding === 'snappy') return message.length > NOW_BYTES_MAX ? null : snappy(message, bytesMax, isPartial);
  if (coding !== 'zstd' || message.length === 0) return decodeSmall(message, [coding], bytesMax, isPartial);
  if (message.length > NOW_BYTES_MAX) return null;
  try {
    const most = Math.min(bytesMax, NOW_CONTENT_BYTES_MAX);
    const content = zstdNow(message, most + 1);
    if (content?.length === 0 && !isPartial && !isWholeEmptyZstd(message))
      throw new Error('it ends before its first byte');
    if (content === null || (content.length > most && most < bytesMax)) return null;
    return { content: content.subarray(0, most), truncated: content.length > most, error: null };
  } catch (error) {
    return { content: message, truncated: false, error: `zstd: ${(error as Error).message}` };
  }
}

/** The same, however long it takes. */
export async function decodeMessage(
  message: Buffer,
  coding: string,
  bytesMax: number,
  isPartial: boolean,
): Promise<DecodedContent> {
  return coding === 'snappy'
    ? snappy(message, bytesMax, isPartial)
    : await decodeContent(message, [coding], bytesMax, isPartial);
}

function snappy(message: Buffer, bytesMax: number, isPartial: boolean): DecodedContent {
  if (message.length === 0) return { content: message, truncated: false, error: null };
  try {
    return { ...decodeSnappy(message, bytesMax, isPartial), error: null };
  } catch (error) {
    return { content: message, truncated: false, error: `snappy: ${(error as Error).message}` };
  }
}
