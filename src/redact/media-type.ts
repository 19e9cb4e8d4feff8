/**
 * What the media type of a body says of how it is searched. Types are few, and what they say is found out once for each.
 *
 * in: a header's value · out: a `MediaType`
 */

export interface MediaType {
  /** As it was sent. */
  readonly text: string;
  /** What of a body goes on from event to event, or from line to line; null of others. */
  readonly streamed: 'events' | 'lines' | null;
  /** Whether names and forms cannot be seen in such text: UTF-7, UTF-32, EBCDIC and the like. */
  readonly isUnreadable: boolean;
  /** Messages of gRPC-Web in base64. */
  readonly isGrpcWebText: boolean;
  /** Whether it says that text is UTF-16. */
  readonly isUtf16: boolean;
}

const TYPES_MAX = 256;
const TYPE_LENGTH_MAX = 128;

const UNREADABLE =
  /charset\s{0,8}=\s{0,8}["']?(?:utf-?7|utf-?32|ucs-?4|scsu|bocu|ebcdic|ibm-?\d|cp-?(?:037|273|297|500|1047|1140))/i;
const EVENTS = /^\s{0,16}text\/event-stream/i;
const LINES = /^\s{0,16}application\/(?:x-)?(?:ndjson|jsonl|json-seq|stream\+json)/i;
const GRPC_WEB_TEXT = /^\s{0,8}application\/grpc-web-text/i;

export class MediaTypes {
  readonly #known = new Map<string, MediaType>();

  of(text: string): MediaType {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const type = mediaType(text);
    // Whoever sends more of them has each looked at anew.
    if (text.length <= TYPE_LENGTH_MAX && this.#known.size < TYPES_MAX) this.#known.set(type.text, type);
    return type;
  }
}

function mediaType(text: string): MediaType {
  return {
    // A copy, as a slice would keep the head it is from.
    text: Buffer.from(text).toString(),
    streamed: EVENTS.test(text) ? 'events' : LINES.test(text) ? 'lines' : null,
    isUnreadable: text.length > 8 && UNREADABLE.test(text.slice(0, 256)),
    isGrpcWebText: GRPC_WEB_TEXT.test(text),
    isUtf16: /utf-?16/i.test(text.slice(0, 256)),
  };
}
