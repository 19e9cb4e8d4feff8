/**
 * Reads a connection of HTTP/1 on which bytes were lost while several requests were under way: nothing is paired then until
 * it is known which response answers which request, which only what follows can tell.
 *
 * in:  what follows on both streams · out: when they have ended, or enough has come, the messages, each request with its own
 *      response behind it, to the sinks of their conversation
 */
import type { Direction, EndCause, StreamPlace } from '../../flow/flow-consumer.js';
import { EndCause as Cause } from '../../flow/flow-consumer.js';
import { Ending, type MessageSink } from '../message-sink.js';
import { Recognition } from '../protocol.js';
import { HiddenMessages } from './hidden-messages.js';
import { matchingOf, type Stretched } from './matching.js';
import { Answers, type Chain, type ChainedMessage, MessageFinder } from './message-chain.js';
import { MessageReader } from './message-reader.js';
import type { Matches } from './numbering.js';
import { MessageKind } from './parsed-head.js';
import type { ReaderContext, ReaderOwner } from './reader-context.js';
import type { ReaderEnding } from './reader-state.js';
import { StreamReading } from './stream-reading.js';
import { Stretch, StretchSide } from './stretch.js';

/** How a message under way ends when its stream does, by `EndCause`. */
export const ENDINGS: Readonly<Record<EndCause, ReaderEnding>> = {
  [Cause.fin]: Ending.complete,
  [Cause.reset]: Ending.aborted,
  [Cause.forgotten]: Ending.unfinished,
};

/** One direction of the flow, as it is read otherwise. */
export interface ReadSide {
  readonly reader: MessageReader;
  readonly sink: MessageSink;
  readonly stream: StreamPlace;
  ended: EndCause | null;
}

export class StretchReader {
  readonly #context: ReaderContext;
  readonly #sides: readonly [ReadSide, ReadSide];
  #stretch: Stretch;
  /** Whether bytes of it were lost. */
  hasLoss = false;
  /** Whether the readers of the sides have come to the end of what they were reading. */
  readonly #isOpen: [boolean, boolean] = [false, false];

  constructor(context: ReaderContext, sides: readonly [ReadSide, ReadSide], time: number) {
    this.#context = context;
    this.#sides = sides;
    this.#stretch = new Stretch(context.budget, new StretchSide(0, false), new StretchSide(0, false), time);
  }

  /** Begins behind a loss after which the sides are deferred. */
  static behindLoss(context: ReaderContext, sides: readonly [ReadSide, ReadSide], loss: Loss): StretchReader {
    const one = new StretchReader(context, sides, loss.time);
    for (const direction of [0, 1] as const) one.#takeOver(direction, direction === loss.direction ? loss.length : 0);
    one.#stretch.isBased = true;
    return one;
  }

  /** Begins where a flow is joined in the middle. */
  static joined(context: ReaderContext, sides: readonly [ReadSide, ReadSide], time: number): StretchReader {
    const one = new StretchReader(context, sides, time);
    one.#isOpen.fill(true);
    return one;
  }

  #takeOver(direction: Direction, lost: number): void {
    const { reader, stream, ended } = this.#sides[direction];
    reader.messagesLeft = 0;
    const head = reader.takeHead();
    if (head !== null) {
      this.#open(direction, head.place, true);
      this.#stretch.append(direction, head.bytes, 0, head.bytes.length, head);
    } else if (reader.isAtRest || ended !== null) {
      this.#open(direction, stream.position, reader.isPlaced || ended !== null, stream.position - lost);
    }
    Object.assign(this.#stretch.side(direction), { ended, isWhole: ended === Cause.fin });
  }

  /** What it takes from the budget. */
  get reserved(): number {
    return this.#stretch.reserved;
  }

  /** Forgets all that has come. */
  release(): void {
    this.#stretch.release();
  }

  data(direction: Direction, bytes: Buffer, start: number, end: number, time: number): void {
    const { reader, stream } = this.#sides[direction];
    let at = start;
    if (!this.#isOpen[direction]) {
      at = reader.data(bytes, start, end, time);
      if (!reader.isAtRest) return;
      this.#open(direction, stream.position - end + at, reader.isPlaced);
    }
    if (at === end) return;
    const { position, acknowledges } = stream;
    this.#stretch.append(direction, bytes, at, end, { place: position - end + at, acknowledges, time });
    const { stretch_bytes_max, response_timeout_nanos } = this.#context.limits;
    const isDeferred = this.#sides[0].sink.isDeferred || this.#sides[1].sink.isDeferred;
    if (!isDeferred) return;
    if (this.#stretch.reserved > stretch_bytes_max || time - this.#stretch.startTime > response_timeout_nanos)
      this.#goOn(time);
  }

  gap(direction: Direction, length: number): void {
    this.hasLoss = true;
    const { reader, stream } = this.#sides[direction];
    if (this.#isOpen[direction]) {
      this.#stretch.side(direction).position = stream.position;
      return;
    }
    reader.gap(length);
    if (reader.isAtRest) this.#open(direction, stream.position, reader.isPlaced, stream.position - length);
  }

  /** `isWhole`: nothing is missing behind what has come. */
  end(direction: Direction, cause: EndCause, isWhole: boolean): void {
    if (!this.#isOpen[direction]) this.#sides[direction].reader.end(ENDINGS[cause]);
    this.noteEnd(direction, cause, isWhole);
  }

  noteEnd(direction: Direction, cause: EndCause, isWhole: boolean): void {
    Object.assign(this.#stretch.side(direction), { ended: cause, isWhole });
  }

  /** Whether both streams have ended. */
  get hasEnded(): boolean {
    return this.#stretch.hasEnded;
  }

  causeOf(direction: Direction): EndCause {
    return this.#stretch.side(direction).ended ?? Cause.forgotten;
  }

  #open(direction: Direction, place: number, isPlaced: boolean, lostFrom = place): void {
    this.#isOpen[direction] = true;
    const side = this.#stretch.side(direction);
    Object.assign(side, { first: place, position: place, isPlaced, lostFrom });
  }

  /** Tells that, and begins anew behind it. */
  #goOn(time: number): void {
    this.tell();
    const [{ stream: stream0 }, { stream: stream1 }] = this.#sides;
    const { side0, side1 } = this.#stretch;
    const next0 = new StretchSide(stream0.position, false);
    const next1 = new StretchSide(stream1.position, false);
    next0.ended = side0.ended;
    next1.ended = side1.ended;
    next0.isWhole = side0.isWhole;
    next1.isWhole = side1.isWhole;
    this.#stretch = new Stretch(this.#context.budget, next0, next1, time);
  }

  /** Tells what is certain of what has come. */
  tell(): void {
    const stretch = this.#stretch;
    const [{ sink: sink0 }, { sink: sink1 }] = this.#sides;
    const isOwn = sink0.isDeferred || (!sink1.isDeferred && sink0.withheld >= sink1.withheld);
    const client: Direction = isOwn ? 0 : 1;
    const server: Direction = client === 0 ? 1 : 0;
    const { sink } = this.#sides[client];
    // What goes on to the end in one message has no other.
    for (const one of [0, 1] as const) if (!this.#isOpen[one]) this.#open(one, this.#sides[one].stream.position, false);
    const { requests, responses, matches } = matchingOf(
      this.#stretched(stretch.side(client), stretch.side(server), sink),
    );
    this.#replay(client, requests, responses, matches);
    stretch.release();
  }

  #stretched(client: StretchSide, server: StretchSide, sink: MessageSink): Stretched {
    const { side0, side1, isBased } = this.#stretch;
    const requests = this.#requests(client, sink);
    const finder = this.#responses(server, client, requests.chains);
    return {
      requests,
      responses: () => new StreamReading(server, finder, new HiddenMessages(server, MessageKind.response), []),
      finder,
      from: { requests: client.lostFrom, responses: server.lostFrom },
      to: { requests: client.position, responses: server.position },
      believed: sink.isDeferred ? [] : sink.believed(),
      underWayMax: sink.underWayMax,
      mayBeSingle: sink.mayBeSingle,
      isBased,
      isOver: side0.isWhole && side1.isWhole,
      isClosed: side0.ended === Cause.fin && side1.ended === Cause.fin,
    };
  }

  /** Those that wait for their responses since before the stretch, and those in it. */
  #requests(side: StretchSide, sink: MessageSink): StreamReading {
    const waiting = sink.isDeferred ? sink.awaited().map(waitingRequest) : [];
    const { parser } = this.#context;
    const reader = { kind: MessageKind.request, parser, mayBeHead: true, goneOnAt: -1, methodOf: () => '' };
    const hidden = new HiddenMessages(side, MessageKind.request);
    return new StreamReading(side, new MessageFinder(side, reader), hidden, waiting);
  }

  #responses(side: StretchSide, client: StretchSide, asked: readonly Chain[]): MessageFinder {
    const [first] = asked;
    const isWhole = first?.isPlaced === true && first.isLast;
    const mayBeHead = !isWhole || first.messages.some(({ method }) => method === 'HEAD');
    const goneOnAt = client.pieces.at(-1)?.acknowledges ?? -1;
    const methods = first?.isPlaced === true ? first.messages.map(({ method }) => method) : [];
    const { parser } = this.#context;
    const methodOf = (number: number) => methods[number] ?? '';
    return new MessageFinder(side, { kind: MessageKind.response, parser, mayBeHead, goneOnAt, methodOf });
  }

  #replay(client: Direction, asked: readonly Chain[], answers: readonly Chain[], matches: Matches): void {
    const server: Direction = client === 0 ? 1 : 0;
    const { sink } = this.#sides[client];
    sink.settle(true);
    let waiting = sink.awaited().length;
    let unmatched = 0;
    for (const { messages } of answers) unmatched += messages.length;
    for (const { messages } of asked) {
      for (const request of messages) {
        const isWaiting = 'isWaiting' in request;
        const response = matches.get(request);
        if (!isWaiting && !this.#isToBeRead(sink, request, response !== undefined)) continue;
        const reader = isWaiting ? null : this.#read(client, request);
        if (response !== undefined) {
          this.#read(server, response)?.end(this.#endingOf(server));
          unmatched--;
        }
        reader?.end(this.#endingOf(client));
        if (isWaiting) waiting--;
        sink.passOver(waiting);
      }
    }
    sink.settle(false);
    if (!sink.isDeferred) {
      const places = asked.flatMap(({ messages }) => messages.map(({ place }) => place));
      // A connection of which only one side was captured says nothing of what its requests were.
      if (matches.size > 0 && sink.certainty === 'none') sink.refute(new Set(places));
      return;
    }
    this.#context.counters.responses_seen += unmatched;
    this.#context.counters.responses_unpaired += unmatched;
  }

  /** Whether a request is to be read from what was kept: one that was read as it came only for the sake of its response. */
  #isToBeRead(sink: MessageSink, { place }: ChainedMessage, isAnswered: boolean): boolean {
    return sink.isDeferred || (isAnswered && sink.withdraw(place));
  }

  #endingOf(direction: Direction): ReaderEnding {
    return ENDINGS[this.#stretch.side(direction).ended ?? Cause.forgotten];
  }

  /** Reads one message. Returns its reader, which may wait for more. */
  #read(direction: Direction, { place, end, method, unclearFrom }: ChainedMessage): MessageReader {
    const stream = { position: place, acknowledges: 0, isSentAgain: false, isCut: false, carriedAt: 0 };
    const flow = { isMidstream: false };
    const { sink } = this.#sides[direction];
    const reader = new MessageReader(this.#context, NO_OWNER, sink, { direction, stream, peer: stream, flow });
    reader.messagesLeft = 1;
    // Of a response it is known by the request that it answers.
    const isUnclear = method !== '' && unclearFrom < Number.POSITIVE_INFINITY;
    const limit = isUnclear ? unclearFrom : end < place ? Number.POSITIVE_INFINITY : end;
    for (const piece of this.#stretch.side(direction).pieces) {
      const { bytes, time } = piece;
      const behind = piece.place + bytes.length;
      if (behind <= place) continue;
      if (piece.place >= limit) break;
      if (piece.place > stream.position) {
        const length = piece.place - stream.position;
        stream.position = piece.place;
        reader.gap(length);
      }
      if (reader.hasRead && reader.isAtRest) break;
      const to = Math.min(behind, limit) - piece.place;
      const from = Math.max(0, place - piece.place);
      stream.position = piece.place + to;
      reader.data(bytes, from, to, time);
    }
    if (isUnclear) reader.end(Ending.unfinished);
    const { position } = this.#stretch.side(direction);
    const lost = Math.min(limit, position) - stream.position;
    if (lost > 0 && !(reader.hasRead && reader.isAtRest)) {
      stream.position += lost;
      reader.gap(lost);
    }
    return reader;
  }
}

export interface Loss {
  readonly direction: Direction;
  readonly length: number;
  readonly time: number;
}

interface Waiting extends ChainedMessage {
  readonly isWaiting: true;
}

function waitingRequest({ method, position }: { readonly method: string; readonly position: number }): Waiting {
  const nowhere = { status: 0, acknowledges: Number.POSITIVE_INFINITY, unclearFrom: Number.POSITIVE_INFINITY };
  const known = { answers: Answers.any, closes: false, isCut: false, isWaiting: true } as const;
  return { place: position, end: position, method, ...nowhere, ...known };
}

/** What is read again begins no other protocol, and says nothing of the other stream. */
const NO_OWNER: ReaderOwner = {
  onForeign: () => Recognition.no,
  onUnreadable: () => {},
  onTurn: () => {},
  onUpgrade: () => {},
};
