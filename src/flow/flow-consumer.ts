/** 0: from the side whose packet was seen first, 1: from the other. */
export type Direction = 0 | 1;

/** How a stream ended. */
export const EndCause = {
  /** The sender said that it is done. */
  fin: 0,
  /** Either side reset the connection. */
  reset: 1,
  /** The flow was forgotten: it was idle, evicted, replaced by a new one on its ports, or the capture ended. */
  forgotten: 2,
} as const;
export type EndCause = (typeof EndCause)[keyof typeof EndCause];

/** Where a stream stands. Places are counted in its bytes, lost ones included, from the first place on that is known. */
export interface StreamPlace {
  /** Behind the bytes or the gap being delivered. */
  readonly position: number;
  /** Whether the gap being delivered is the end of a segment, which the snap length cut off. */
  readonly isCut: boolean;
  /** What the segment being delivered acknowledges: a place in the other stream. */
  readonly acknowledges: number;
  /** Whether it is one that was sent again, and may have acknowledged less at first. */
  readonly isSentAgain: boolean;
  /** When its latest bytes were captured, or found to be lost; nanoseconds. */
  readonly carriedAt: number;
}

/**
 * Takes the bytes of both streams of a flow, each in its order. What a segment acknowledges is delivered before it,
 * so a request always comes before the response that answers it.
 */
export interface FlowConsumer {
  /** The next bytes of a stream, `bytes[start, end)`: valid during the call only. */
  data(direction: Direction, bytes: Buffer, start: number, end: number, time: number): void;
  /** `length` bytes of the stream were on the wire and not in the capture. */
  gap(direction: Direction, length: number, time: number): void;
  /** The stream carries no more bytes. Called once for each direction. */
  end(direction: Direction, cause: EndCause, time: number): void;
}
