/**
 * The messages that an exchange carries which goes on after its heads: frames of a WebSocket, server-sent events, lines, calls'
 * messages. The seam between whoever splits a stream and the exchange it belongs to.
 *
 * A protocol reads bytes of one direction, and gives each message to the exchange's `MessageTaker` when its last byte has come:
 *
 *     const room = taker.room(isRequest, time)   // when it begins: how many bytes of it to keep
 *     taker.take({ isRequest, kind: 'text', time, … })
 *     taker.lose(isRequest, bytes)               // bytes in which there may have been messages
 */

/** What a message is. `message`: one of a remote procedure call. */
export type MessageKind = 'text' | 'binary' | 'ping' | 'pong' | 'close' | 'event' | 'line' | 'message';

/** Plain data, as it may go to another thread. */
export interface StreamMessage {
  /** Whether the client sent it. */
  readonly isRequest: boolean;
  readonly kind: MessageKind;
  /** The moment of its last byte. */
  readonly time: number;
  /** Of its payload as transferred: masking undone, compression not. */
  readonly wireBytes: number;
  /** Of its content: compression undone, as far as that is known. */
  readonly bytes: number;
  /** At most as much as there was room for. */
  readonly content: Uint8Array;
  readonly truncated: boolean;
  /** Why its content could not be had; `content` is then empty, of a call as it was sent. Null where it could. */
  readonly codingError: string | null;
  /** The fields of a server-sent event beside its data (HTML Standard §9.2.6); absent where it has none. */
  readonly event?: EventFields;
  /** Why a WebSocket is closed (RFC 6455 §7.4); absent where its frame does not say. */
  readonly closeCode?: number;
}

export interface EventFields {
  readonly event?: string;
  readonly id?: string;
  /** Milliseconds. */
  readonly retry?: number;
}

export interface MessageTaker {
  /** Bytes of a message that begins at `time` which are kept; 0 where it is only counted. */
  room(isRequest: boolean, time: number): number;
  /** A message has ended. */
  take(message: StreamMessage): void;
  /** Bytes of messages that cannot be told of; `why`: what that says of the exchange, where nothing else says it. */
  lose(isRequest: boolean, bytes: number, why?: 'gap' | 'malformed'): void;
}

/** What was seen of one direction, kept or not. */
export interface SeenMessages {
  /** Messages, control frames left out. */
  count: number;
  /** Of their content; of those that could not be decoded, of what was transferred. */
  bytes: number;
  /** Ping, pong and close. */
  control: number;
  /** In which there may have been messages. */
  lostBytes: number;
}

/** Splits the bytes of one direction of a stream into its messages, for a `MessageTaker`. */
export interface MessageSplitter {
  data(bytes: Buffer, start: number, end: number, time: number): void;
  /** Bytes that are not here; 0 where nobody knows how many. */
  gap(length: number): void;
  /** The stream ends here as it should: what was read last may be a whole message. */
  finish(time: number): void;
  /** Nothing is taken any more: what is held is let go. */
  close(): void;
}

export function isControl(kind: MessageKind): boolean {
  return kind === 'ping' || kind === 'pong' || kind === 'close';
}
