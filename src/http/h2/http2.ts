/**
 * HTTP/2 in clear on a flow (RFC 9113): with prior knowledge, from the client's preface or the SETTINGS of a server that speaks
 * first; behind the Upgrade of HTTP/1.1 (RFC 7540 §3.2); and on a connection joined in the middle, from frames that fill a segment.
 *
 * in:  both streams of a flow · out: exchanges, to an `ExchangeSink`
 */
import type { Direction, EndCause, FlowConsumer } from '../../flow/flow-consumer.js';
import type { MemoryBudget } from '../../memory-budget.js';
import { MessageHead } from '../message-head.js';
import { type DetectedFlow, type Opening, type Protocol, type ProtocolContext, Recognition } from '../protocol.js';
import { FieldTexts } from './field-texts.js';
import { areFrames, isPreface, PREFACE, recognisePreface, recogniseSettings } from './frame.js';
import { HeadFields } from './head-fields.js';
import { Side, type SideContext } from './side.js';
import { Streams } from './streams.js';

export class Http2 implements Protocol {
  readonly name = 'h2';
  readonly counter = 'flows_h2';
  readonly isUnmistakable = true;
  readonly #context: ProtocolContext;
  readonly #sides: SideContext;

  constructor(context: ProtocolContext) {
    const { limits, counters, budget } = context;
    const fields = new HeadFields(limits.h2_field_list_bytes_max);
    this.#context = context;
    this.#sides = { limits, counters, budget, head: new MessageHead(), fields, texts: new FieldTexts() };
  }

  recognise(bytes: Buffer, start: number, end: number): Recognition {
    if (bytes[start] === PREFACE.charCodeAt(0)) return recognisePreface(bytes, start, end);
    return recogniseSettings(bytes, start, end);
  }

  recogniseMidstream(bytes: Buffer, start: number, end: number): boolean {
    return areFrames(bytes, start, end);
  }

  open(detected: DetectedFlow, opening: Opening): FlowConsumer {
    const { flow, isMidstream } = detected;
    const { direction, bytes, start, end, upgrade } = opening;
    const isStart = upgrade !== undefined || this.recognise(bytes, start, end) === Recognition.yes;
    // Where the other direction of a connection joined in the middle was seen first need not be a frame's beginning.
    const isLost = (side: Direction) => !isStart || (isMidstream && side !== direction);
    const lost = [isLost(0), isLost(1)] as const;
    const streams = new Streams(this.#sides, this.#context.openExchanges(flow, isMidstream), isMidstream, lost);
    if (upgrade !== undefined) streams.beginUpgraded(direction === 0 ? 1 : 0, upgrade.request);
    else if (isPreface(bytes, start, end)) streams.client = direction;
    for (const side of [0, 1] as const) if (flow.stream(side).ended) streams.noteEnded(side);
    const sides = ([0, 1] as const).map((side) => new Side(this.#sides, streams, side, lost[side]));
    const openSides = ([0, 1] as const).filter((side) => !flow.stream(side).ended).length;
    return new Http2Flow(streams, sides as [Side, Side], openSides, this.#context.budget);
  }
}

/** What a connection takes beside its table of fields and its streams. */
const CONNECTION_BYTES = 4096;

class Http2Flow implements FlowConsumer {
  readonly #streams: Streams;
  readonly #side0: Side;
  readonly #side1: Side;
  readonly #budget: MemoryBudget;
  #openSides: number;

  constructor(streams: Streams, [side0, side1]: readonly [Side, Side], openSides: number, budget: MemoryBudget) {
    this.#budget = budget;
    this.#openSides = openSides;
    if (openSides > 0) budget.add(CONNECTION_BYTES);
    this.#streams = streams;
    this.#side0 = side0;
    this.#side1 = side1;
    side0.peer = side1;
    side1.peer = side0;
  }

  data(direction: Direction, bytes: Buffer, start: number, end: number, time: number): void {
    this.#side(direction).reader.data(bytes, start, end, time);
  }

  gap(direction: Direction, length: number): void {
    this.#side(direction).reader.gap(length);
  }

  end(direction: Direction, cause: EndCause, time: number): void {
    this.#side(direction).close();
    this.#streams.onStreamEnd(direction, cause, time);
    if (--this.#openSides === 0) this.#budget.remove(CONNECTION_BYTES);
  }

  #side(direction: Direction): Side {
    return direction === 0 ? this.#side0 : this.#side1;
  }
}
