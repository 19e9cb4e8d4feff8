/**
 * HTTP/1 on a flow: a reader for each direction, and the end of HTTP where the connection goes on without it.
 *
 * in:  both streams of a flow · out: messages, to the sinks of its conversation
 */
import { EndCause as Cause, type Direction, type EndCause, type FlowConsumer } from '../../flow/flow-consumer.js';
import { MessageHead } from '../message-head.js';
import type { MessageSink } from '../message-sink.js';
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
import { ENDINGS, type ReadSide, StretchReader } from './stretch-reader.js';

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

class Http1Flow implements FlowConsumer, ReaderOwner {
  readonly #flow: DetectedFlow;
  readonly #context: ReaderContext;
  readonly #side0: ReadSide;
  readonly #side1: ReadSide;
  /** Reads on where it cannot be known yet which response answers which request. */
  #stretch: StretchReader | null = null;
  /** The same while that may still become known, of a flow that was joined in the middle: all that has come of it. */
  #joined: StretchReader | null = null;
  /** Looks for another protocol as long as that is so; null before there is a segment to look at. */
  #watch: MidstreamWatch | null = null;
  /** Whether nothing says yet that it is HTTP/1: it was joined in the middle, or bytes were lost before the first message. */
  #isUncertain: boolean;

  constructor(flow: DetectedFlow, context: ReaderContext, [sink0, sink1]: readonly [MessageSink, MessageSink]) {
    this.#flow = flow;
    this.#context = context;
    this.#isUncertain = flow.isMidstream;
    const { stream0, stream1 } = flow.flow;
    const place0 = { direction: 0, stream: stream0, peer: stream1, flow } as const;
    const place1 = { direction: 1, stream: stream1, peer: stream0, flow } as const;
    const reader0 = new MessageReader(context, this, sink0, place0);
    this.#side0 = { sink: sink0, reader: reader0, stream: stream0, ended: null };
    const reader1 = new MessageReader(context, this, sink1, place1);
    this.#side1 = { sink: sink1, reader: reader1, stream: stream1, ended: null };
    if (!flow.isMidstream) return;
    this.#joined = this.#joinAt(flow.flow.openedAt);
  }

  data(direction: Direction, bytes: Buffer, start: number, end: number, time: number): void {
    if (this.#stretch !== null) {
      this.#stretch.data(direction, bytes, start, end, time);
      return;
    }
    this.#joined?.data(direction, bytes, start, end, time);
    this.#read(direction, bytes, start, end, time);
    if (this.#joined !== null) this.#judge(time);
  }

  #read(direction: Direction, bytes: Buffer, start: number, end: number, time: number): void {
    if (this.#isUncertain && this.#handOverJoined({ direction, bytes, start, end, time })) return;
    const behind = this.#side(direction).reader.data(bytes, start, end, time);
    if (behind === end) return;
    // HTTP has ended in the middle of the segment: the rest is for whoever reads the flow now.
    const { consumer } = this.#flow.flow;
    if (consumer !== this) consumer?.data(direction, bytes, behind, end, time);
  }

  gap(direction: Direction, length: number, time: number): void {
    if (this.#stretch !== null) {
      this.#stretch.gap(direction, length);
      return;
    }
    this.#joined?.gap(direction, length);
    this.#isUncertain ||= !this.#hasRead;
    this.#watch?.gap(direction);
    this.#side(direction).reader.gap(length);
    if (this.#joined !== null) this.#judge(time);
    else if (this.#side0.sink.isDeferred || this.#side1.sink.isDeferred)
      this.#stretch = StretchReader.behindLoss(this.#context, this.#sides, { direction, length, time });
  }

  end(direction: Direction, cause: EndCause, time: number): void {
    const isWhole = this.#isWhole(direction, cause);
    this.#joined?.noteEnd(direction, cause, isWhole);
    const side = this.#side(direction);
    const { reader, sink } = side;
    this.#endWatch();
    if (this.#stretch !== null) {
      this.#stretch.end(direction, cause, isWhole);
    } else {
      reader.end(ENDINGS[cause]);
      sink.onStreamEnd(cause, this.#isLacking(direction, cause));
      side.ended = cause;
      this.#judge(time);
    }
    if (this.#stretch?.hasEnded === true) {
      this.#stretch.tell();
      for (const one of [0, 1] as const)
        if (this.#side(one).ended === null) this.#side(one).sink.onStreamEnd(this.#stretch.causeOf(one), false);
      this.#stretch = null;
    } else if (this.#side0.ended !== null && this.#side1.ended !== null) {
      this.#leaveJoined();
    }
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

  /** Whether it has become known, of a flow joined in the middle, which response answers which request. */
  #judge(time: number): void {
    const joined = this.#joined;
    if (joined === null) return;
    const [{ sink: sink0 }, { sink: sink1 }] = this.#sides;
    if (!this.#isHopeless && (sink0.certainty === 'whole' || sink1.certainty === 'whole')) {
      this.#leaveJoined();
    } else if (joined.reserved > (this.#hasRead ? this.#context.limits.stretch_bytes_max : UNREAD_BYTES_MAX)) {
      this.#leaveJoined();
      if (!this.#hasRead) this.#joined = this.#joinAt(time);
    }
  }

  #joinAt(time: number): StretchReader {
    for (const { sink } of this.#sides) sink.withhold();
    return StretchReader.joined(this.#context, this.#sides, time);
  }

  /** Whether it can be told only from all that has come which response answers which request. */
  get #isHopeless(): boolean {
    return this.#side0.sink.certainty === 'none' || this.#side1.sink.certainty === 'none';
  }

  /** Whether what was not read as it came may be read by all that has come. */
  #isToBeTold({ hasLoss }: StretchReader): boolean {
    if (this.#isHopeless) return true;
    const [one, other] = this.#sides;
    const isOver = one.ended !== null && other.ended !== null;
    const isKnown = isOver || one.sink.certainty === 'whole' || other.sink.certainty === 'whole';
    return isKnown && (hasLoss || one.sink.isLacking || other.sink.isLacking);
  }

  /** Whether nothing is missing behind what has come of a stream that ends so. */
  #isWhole(direction: Direction, cause: EndCause): boolean {
    if (cause !== Cause.reset) return cause === Cause.fin;
    const { flow } = this.#flow;
    const { next } = flow.stream(direction);
    return flow.resetBy === direction ? next === flow.resetSequence : next === flow.resetAcknowledgement;
  }

  /** Whether a reset says that its stream had more than what has come. */
  #isLacking(direction: Direction, cause: EndCause): boolean {
    const { flow } = this.#flow;
    if (cause !== Cause.reset || flow.resetBy < 0) return false;
    const end = flow.resetBy === direction ? flow.resetSequence : flow.resetAcknowledgement;
    return ((end - flow.stream(direction).next) | 0) > 0;
  }

  /** What was read as it came is told of, and what is certain by all that has come. */
  #leaveJoined(): void {
    const joined = this.#joined;
    if (joined === null) return;
    this.#joined = null;
    if (this.#isToBeTold(joined)) joined.tell();
    else joined.release();
    for (const { sink } of this.#sides) sink.release();
  }

  get #sides(): readonly [ReadSide, ReadSide] {
    return [this.#side0, this.#side1];
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
    this.#leaveJoined();
    for (const { sink, reader } of [this.#side0, this.#side1]) {
      sink.onLeave();
      reader.close();
    }
  }

  #side(direction: Direction): ReadSide {
    return direction === 0 ? this.#side0 : this.#side1;
  }
}

/** Bytes kept of a flow joined in the middle of which nothing was read yet. */
const UNREAD_BYTES_MAX = 1 << 16;

/** Whether nobody wants what a connection goes on with, which says nothing to the next one either. */
function isUnkept({ to, exchange }: Upgrade): boolean {
  return to === 'websocket' && exchange === null;
}
