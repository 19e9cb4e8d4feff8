/**
 * HTTP/1 on a flow: a reader for each direction, and the end of HTTP where the connection goes on without it.
 *
 * in:  both streams of a flow · out: messages, to the sinks of its conversation
 */
import { type Direction, EndCause, type FlowConsumer } from '../../flow/flow-consumer.js';
import { MessageHead } from '../message-head.js';
import { Ending, type MessageSink } from '../message-sink.js';
import {
  type DetectedFlow,
  emptyOpening,
  type MidstreamWatch,
  type Opening,
  type Protocol,
  type ProtocolContext,
  Recognition,
  type Upgrade,
} from '../protocol.js';
import { createHeadParser } from './head-parser.js';
import { MessageReader } from './message-reader.js';
import { classifyStart, Start } from './message-start.js';
import type { ReaderContext, ReaderOwner } from './reader-context.js';

/** One for all flows: a head is parsed in one call, and nothing is kept of it in the parser. */
const parser = createHeadParser();

export class Http1 implements Protocol {
  readonly name = 'http/1';
  readonly counter = null;
  readonly isUnmistakable = false;
  readonly #context: ProtocolContext;
  readonly #readers: ReaderContext;

  constructor(context: ProtocolContext) {
    const { limits, counters, budget } = context;
    this.#context = context;
    this.#readers = { limits, counters, budget, parser, head: new MessageHead() };
  }

  recognise(bytes: Buffer, start: number, end: number): Recognition {
    const found = classifyStart(bytes, start, end);
    if (found === Start.undecided) return Recognition.maybe;
    return found === Start.unknown ? Recognition.no : Recognition.yes;
  }

  open(flow: DetectedFlow): FlowConsumer {
    return new Http1Flow(flow, this.#readers, this.#context.openConversation(flow.flow));
  }
}

/** A direction of the flow. */
interface Side {
  readonly reader: MessageReader;
  readonly sink: MessageSink;
}

class Http1Flow implements FlowConsumer, ReaderOwner {
  readonly #flow: DetectedFlow;
  readonly #side0: Side;
  readonly #side1: Side;
  /** Looks for another protocol as long as that is so; null before there is a segment to look at. */
  #watch: MidstreamWatch | null = null;
  /** Whether nothing says yet that it is HTTP/1: it was joined in the middle, or bytes were lost before the first message. */
  #isUncertain: boolean;

  constructor(flow: DetectedFlow, context: ReaderContext, [sink0, sink1]: readonly [MessageSink, MessageSink]) {
    this.#flow = flow;
    this.#isUncertain = flow.isMidstream;
    const { stream0, stream1 } = flow.flow;
    const place0 = { direction: 0, stream: stream0, peer: stream1, flow } as const;
    const place1 = { direction: 1, stream: stream1, peer: stream0, flow } as const;
    this.#side0 = { sink: sink0, reader: new MessageReader(context, this, sink0, place0) };
    this.#side1 = { sink: sink1, reader: new MessageReader(context, this, sink1, place1) };
  }

  data(direction: Direction, bytes: Buffer, start: number, end: number, time: number): void {
    if (this.#isUncertain && this.#handOverJoined({ direction, bytes, start, end, time })) return;
    const behind = this.#side(direction).reader.data(bytes, start, end, time);
    if (behind === end) return;
    // HTTP has ended in the middle of the segment: the rest is for whoever reads the flow now.
    const { consumer } = this.#flow.flow;
    if (consumer !== this) consumer?.data(direction, bytes, behind, end, time);
  }

  gap(direction: Direction, length: number): void {
    this.#isUncertain ||= !this.#hasRead;
    this.#watch?.gap(direction);
    this.#side(direction).reader.gap(length);
  }

  end(direction: Direction, cause: EndCause): void {
    const { reader, sink } = this.#side(direction);
    this.#endWatch();
    reader.end(ENDINGS[cause]);
    sink.onStreamEnd(cause);
  }

  // --- ReaderOwner

  onForeign(opening: Opening, isStart: boolean): Recognition {
    const verdict = this.#flow.identify(opening.bytes, opening.start, opening.end, isStart);
    if (verdict === 'undecided') return Recognition.maybe;
    if (verdict === 'none') return Recognition.no;
    this.#leave();
    this.#flow.handOver(verdict, opening);
    return Recognition.yes;
  }

  onUnreadable(direction: Direction, time: number): void {
    // The other side speaks HTTP, so this one may yet.
    if (this.#hasRead) return;
    this.#leave();
    this.#flow.handOver(this.#flow.protocols.unknown, emptyOpening(direction, time));
  }

  onTurn(direction: Direction): void {
    this.#side(direction === 0 ? 1 : 0).reader.beginAnew();
  }

  onUpgrade(direction: Direction, time: number): void {
    const upgrade = this.#side(direction).sink.upgrade();
    const { upgrades, upgraded } = this.#flow.protocols;
    const next = upgrade === null || isUnkept(upgrade) ? undefined : upgrades[upgrade.to];
    this.#leave();
    if (upgrade === null || next === undefined) this.#flow.handOver(upgraded, emptyOpening(direction, time));
    else this.#flow.handOver(next, { ...emptyOpening(direction, time), upgrade });
  }

  // ---

  /** Whether a message was read, whichever side sent it. */
  get #hasRead(): boolean {
    return this.#side0.reader.hasRead || this.#side1.reader.hasRead;
  }

  /** Hands the flow over where a segment shows that it is not HTTP/1 that was joined in the middle. */
  #handOverJoined(segment: Opening): boolean {
    this.#isUncertain = !this.#hasRead;
    if (!this.#isUncertain) {
      this.#endWatch();
      return false;
    }
    const { direction, bytes, start, end, time } = segment;
    const next = this.#flow.joined(bytes, start, end);
    if (next !== undefined) {
      this.#leave();
      this.#flow.handOver(next, segment);
      return true;
    }
    const { watched } = this.#flow.protocols;
    this.#watch ??= watched.watchMidstream?.() ?? null;
    const joined = this.#watch?.segment(direction, bytes, start, end, time) ?? null;
    if (joined === null) return false;
    this.#leave();
    this.#flow.handOver(watched, { ...emptyOpening(direction, time), joined });
    return true;
  }

  #endWatch(): void {
    this.#watch?.release();
    this.#watch = null;
  }

  #leave(): void {
    this.#endWatch();
    for (const { sink, reader } of [this.#side0, this.#side1]) {
      sink.onLeave();
      reader.close();
    }
  }

  #side(direction: Direction): Side {
    return direction === 0 ? this.#side0 : this.#side1;
  }
}

/** How a message under way ends when its stream does, by `EndCause`. */
const ENDINGS = {
  [EndCause.fin]: Ending.complete,
  [EndCause.reset]: Ending.aborted,
  [EndCause.forgotten]: Ending.unfinished,
} as const;

/** Whether nobody wants what a connection goes on with, which says nothing to the next one either. */
function isUnkept({ to, exchange }: Upgrade): boolean {
  return to === 'websocket' && exchange === null;
}
