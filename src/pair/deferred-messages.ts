/**
 * Calls that are over in a moment: most are, and what splits their bodies into messages would cost more than all else about them.
 * So their bodies are only kept, with the times of their pieces, and split when they become traces. One that lasts, is long, or
 * loses bytes is split from then on as it goes (`openDeferred` in `exchange-parts.ts`).
 *
 * in:  an exchange whose bodies are whole, up to where they go on · out: the messages in them
 */
import type { HeaderList } from '../http/header-list.js';
import { InflateWindows } from '../http/inflate-windows.js';
import { bodyBytes, type MessageBody } from '../http/message-body.js';
import { splitterRow } from '../http/splitters.js';
import type { MessageSplitter, MessageTaker } from '../http/stream-message.js';
import type { Limits } from '../limits.js';
import { MemoryBudget } from '../memory-budget.js';
import { type Exchange, Mark } from './exchange.js';
import { MessageLog } from './message-log.js';

/** Longer bodies, or ones in more pieces, are split as they come. */
const DEFERRED_BYTES_MAX = 1 << 15;
const DEFERRED_PIECES_MAX = 128;

/** Whether `length` more bytes of a body may wait with what is kept of it. */
export function mayDefer({ keptBytes, notes, truncated }: MessageBody, length: number, bytesMax: number): boolean {
  return (
    !truncated &&
    keptBytes + length <= Math.min(DEFERRED_BYTES_MAX, bytesMax) &&
    (notes === null || notes.length < 2 * DEFERRED_PIECES_MAX)
  );
}

/** Gives what is kept of a body to its splitter, each piece with its time. */
export function replay(body: MessageBody, splitter: MessageSplitter): void {
  const { notes } = body;
  if (notes === null || body.keptBytes === 0) return;
  const kept = bodyBytes(body);
  const bytes = Buffer.from(kept.buffer, kept.byteOffset, kept.byteLength);
  for (let i = 0, from = 0; i < notes.length; i += 2) {
    const to = Math.min(notes[i] as number, bytes.length);
    splitter.data(bytes, from, to, notes[i + 1] as number);
    from = to;
  }
}

/** The messages of an exchange that has ended and was not split. */
export function splitMessages(exchange: Exchange, limits: Limits): MessageLog {
  const { request, response, requestEndTime, endTime } = exchange;
  const isOver = (exchange.marks & (Mark.aborted | Mark.unfinished)) === 0;
  const budget = new MemoryBudget(Number.POSITIVE_INFINITY);
  const log = new MessageLog(limits, budget);
  const taker: MessageTaker = {
    room: (isRequest) => log.room(isRequest),
    take: (message) => log.take(message),
    lose: (isRequest, bytes) => log.lose(isRequest, bytes),
  };
  const side = (headers: HeaderList, body: MessageBody, isRequest: boolean, ended: number): void => {
    const windows = new InflateWindows(0, budget, { windows_evicted: 0 });
    const context = { headers, budget, windows, trailerBytesMax: limits.trailer_bytes_max, onTrailers: () => {} };
    const splitter = splitterRow(headers, true)?.open(taker, isRequest, context);
    if (splitter === undefined) return;
    replay(body, splitter);
    if (isOver && !body.truncated) splitter.finish(ended);
    splitter.close();
  };
  side(request.headers, request.body, true, requestEndTime);
  if (response !== null) side(response.headers, response.body, false, endTime);
  log.sort();
  return log;
}
