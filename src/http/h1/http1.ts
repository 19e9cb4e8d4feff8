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
  type Opening,
  type Protocol,
  type ProtocolContext,
  Recognition,
} from '../protocol.js';
import { createHeadParser } from './head-parser.js';
import { MessageReader, type ReaderContext, type ReaderOwner } from './message-reader.js';
import { classifyStart, Start } from './message-start.js';

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
    return new Http1Flow(flow, this.#readers, this.#context.openConversation(flow.flow, flow.isMidstream));
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

  constructor(flow: DetectedFlow, context: ReaderContext, [sink0, sink1]: readonly [MessageSink, MessageSink]) {
    this.#flow = flow;
    this.#side0 = { sink: sink0, reader: new MessageReader(context, this, sink0, 0, flow.isMidstream) };
    this.#side1 = { sink: sink1, reader: new MessageReader(context, this, sink1, 1, flow.isMidstream) };
  }

  data(direction: Direction, bytes: Buffer, start: number, end: number, time: number): void {
    const behind = this.#side(direction).reader.data(bytes, start, end, time);
    if (behind === end) return;
    // HTTP has ended in the middle of the segment: the rest is for whoever reads the flow now.
    const { consumer } = this.#flow.flow;
    if (consumer !== this) consumer?.data(direction, bytes, behind, end, time);
  }

  gap(direction: Direction, length: number, time: number): void {
    this.#side(direction).reader.gap(length, time);
  }

  end(direction: Direction, cause: EndCause, time: number): void {
    const { reader, sink } = this.#side(direction);
    reader.end(ENDINGS[cause], time);
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
    if (this.#side0.reader.hasRead || this.#side1.reader.hasRead) return;
    this.#leave();
    this.#flow.handOver(this.#flow.protocols.unknown, emptyOpening(direction, time));
  }

  onUpgrade(direction: Direction, time: number): void {
    this.#leave();
    this.#flow.handOver(this.#flow.protocols.upgraded, emptyOpening(direction, time));
  }

  // ---

  #leave(): void {
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
