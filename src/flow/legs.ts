/**
 * The legs of connections: the ways that packets of one connection take under different addresses.
 *
 * in:  segments that belong to no flow by their addresses · out: the flow they belong to all the same, and its own addresses
 * in the segment
 *
 * A connection that is redirected on its host (iptables REDIRECT, as sidecar proxies have it) shows requests to the proxy's
 * address and responses from the one that was called; others have another virtual network there than back. The other
 * direction is found by the endpoint that both have in common, and by numbers that only the two directions of one connection
 * agree in (RFC 9293 §3.4). A connection whose addresses are translated, or that goes through a tunnel, is seen twice on one
 * host: its copies agree in both numbers at the same time. Where two flows could be meant, none is chosen.
 */
import type { Counters } from '../counters.js';
import { type Segment, TcpFlag } from '../decode/segment.js';
import type { MemoryBudget } from '../memory-budget.js';
import { Addresses } from './addresses.js';
import { type Flow, FlowPhase } from './flow.js';
import type { Direction } from './flow-consumer.js';
import { addressesHash, destinationHash, sourceHash } from './flow-hash.js';
import { OneWayFlows } from './one-way.js';
import { type Sighting, Sightings } from './sightings.js';
import type { TcpStream } from './tcp-stream.js';

/** How far the numbers of one direction may be from what the other says: bytes under way, or lost. */
const AGREEMENT_BYTES = 1 << 20;
/** Legs of one flow, its own among them. */
export const LEGS_MAX = 8;
/**
 * Segments of a stream with a payload by which copies of it are known: some, as one of a copy may have been lost, and more where
 * the capture began in the middle, as it may have begun between the copies of the first ones.
 */
const SIGHTINGS_MAX = 3;
const SIGHTINGS_MIDSTREAM_MAX = 8;
/** What a leg takes from the budget. */
const LEG_BYTES = 320;

export class Leg {
  readonly flow: Flow;
  readonly addresses: Addresses;
  /** Whether endpoint 0 of these addresses is the flow's endpoint 1. */
  readonly isReversed: boolean;
  readonly hash: number;
  /** From 1 on among those of the flow. */
  readonly number: number;

  constructor(flow: Flow, addresses: Addresses, isReversed: boolean, hash: number) {
    this.flow = flow;
    this.addresses = addresses;
    this.isReversed = isReversed;
    this.hash = hash;
    this.number = flow.legs.length + 1;
  }
}

export class Legs {
  /** Whether the copies of a connection stay connections of their own. */
  keepsCopies = false;
  /** Where the segment at hand was captured: which interface, and which leg of its flow. */
  place = 0;
  readonly #seed: number;
  readonly #counters: Counters;
  readonly #budget: MemoryBudget;
  readonly #oneWay: OneWayFlows;
  readonly #sightings: Sightings;
  /** By `addressesHash`. */
  readonly #legs = new Map<number, Leg[]>();
  /** What the segment at hand is a copy of, whose flow is to be one of its own. */
  #copyToOpen: { readonly of: Flow; readonly isOuter: boolean } | null = null;
  /** The segment at hand, or the flow, for what is searched for. */
  #segment: Segment | null = null;
  #answered: Flow | null = null;
  #answers: Flow | null = null;

  constructor(seed: number, counters: Counters, budget: MemoryBudget) {
    this.#seed = seed;
    this.#counters = counters;
    this.#budget = budget;
    this.#oneWay = new OneWayFlows(counters);
    this.#sightings = new Sightings(counters);
  }

  /** A segment of this interface is at hand, of no other leg than its flow's own yet. */
  enter(interfaceId: number): void {
    this.place = interfaceId * LEGS_MAX;
  }

  /** The segment at hand held nothing new for its stream. */
  countRepeated(stream: TcpStream): void {
    if (stream.seenAt === this.place) this.#counters.segments_retransmitted++;
    else this.#counters.segments_copied++;
  }

  /** The flow with a leg of these addresses; `segment` has the flow's own then. */
  find(segment: Segment): Flow | null {
    if (this.#legs.size === 0) return null;
    const legs = this.#legs.get(addressesHash(this.#seed, segment));
    if (legs === undefined) return null;
    for (const leg of legs) {
      const along = leg.addresses.directionOf(segment);
      if (along === -1) continue;
      const direction = directionIn(leg, along);
      const stream = leg.flow.stream(direction);
      const isSyn = (segment.flags & TcpFlag.syn) !== 0;
      if (isSyn && stream.hasSyn && stream.synSequence !== segment.sequence) {
        // The ports are used again, by another connection.
        this.#remove(leg);
        return null;
      }
      return this.#follow(leg, direction, segment);
    }
    return null;
  }

  /**
   * The flow that a segment of unknown addresses belongs to: as the other direction of one that was seen in one direction
   * only, or as the copy of a segment seen elsewhere. Its leg is known then, and `segment` has the flow's own addresses.
   */
  join(segment: Segment, interfaceId: number, time: number): Flow | null {
    // The first SYN agrees with nothing yet.
    if ((segment.flags & TcpFlag.ack) === 0) return null;
    const flow = this.#otherDirection(segment);
    if (flow !== null) return this.#joinOtherDirection(flow, segment, interfaceId);
    const copied = this.#copied(segment, interfaceId, time);
    if (copied === null) return null;
    const isOuter = isNearerClient(segment, time, copied);
    if (this.keepsCopies) {
      this.#copyToOpen = { of: copied.flow, isOuter };
      return null;
    }
    return this.#joinCopy(copied, new Addresses(segment, interfaceId), segment, isOuter);
  }

  /**
   * The flow whose copy `flow` is, as its first payload shows; null if there is none. `flow`, of which nothing has been read, is to
   * be removed then, what it holds is the other's, and `segment` has the other's addresses.
   */
  joinKnown(flow: Flow, segment: Segment, time: number): Flow | null {
    if (flow.phase === FlowPhase.closed) return null;
    const copied = this.#copied(segment, flow.interfaceId, time);
    if (copied === null || copied.flow === flow) return null;
    const answered = this.keepsCopies && flow.isOneWay ? this.#answeredElsewhere(flow, segment) : null;
    if (answered !== null) {
      this.#add(answered, new Addresses(segment, flow.interfaceId), true, segment);
      answered.writeTo(segment, 1);
      return answered;
    }
    const hasBothBegun = !flow.midstream && !copied.flow.midstream && flow.openedAt !== copied.flow.openedAt;
    const isOuter = hasBothBegun ? flow.openedAt < copied.flow.openedAt : isNearerClient(segment, time, copied);
    if (this.keepsCopies) {
      namePlaces(flow, copied.flow, isOuter);
      return null;
    }
    return this.#joinFlow(copied, flow, segment, isOuter);
  }

  noteOpened(flow: Flow, segment: Segment): Flow {
    flow.endpointHash0 = sourceHash(this.#seed, segment);
    flow.endpointHash1 = destinationHash(this.#seed, segment);
    this.#oneWay.add(flow, flow.endpointHash0);
    this.#oneWay.add(flow, flow.endpointHash1);
    if (this.#copyToOpen !== null) namePlaces(flow, this.#copyToOpen.of, this.#copyToOpen.isOuter);
    this.#copyToOpen = null;
    return flow;
  }

  /**
   * Notes a segment of `flow` by which its copies are known. Returns the flow that shows nothing but the answers of this one, as they
   * look elsewhere; null if there is none. Its addresses are a leg from here on, and it is to be forgotten.
   */
  noteSeen(flow: Flow, direction: Direction, segment: Segment, time: number): Flow | null {
    const stream = direction === 1 ? flow.stream1 : flow.stream0;
    if (stream.sightings >= (flow.midstream ? SIGHTINGS_MIDSTREAM_MAX : SIGHTINGS_MAX)) return null;
    // Its copies say the same.
    if (stream.sightings > 0 && ((segment.sequence - stream.sighted) | 0) <= 0) return null;
    stream.sightings++;
    stream.sighted = segment.sequence;
    const answers = flow.isOneWay ? null : this.#answersElsewhere(flow, direction, segment, time);
    this.#sightings.note(flow, direction, segment, time);
    if (answers !== null) this.#joinAnswers(flow, answers, direction, segment);
    return answers;
  }

  /** `flow` has answers: the first that come from where it was sent to are not those of a flow joined to it. */
  noteAnswer(flow: Flow): void {
    flow.isOneWay = false;
    if (!flow.isAnsweredElsewhere || this.place % LEGS_MAX !== 0) return;
    flow.isAnsweredElsewhere = false;
    // Its addresses are translated, and these are what its client sees.
    flow.place = 'outer';
    flow.show(null, null);
  }

  /** `flow` is remembered no longer. */
  forget(flow: Flow): void {
    flow.isForgotten = true;
    this.#sightings.forget(flow);
    this.#oneWay.remove(flow, flow.endpointHash0);
    this.#oneWay.remove(flow, flow.endpointHash1);
    for (const leg of flow.legs) this.#remove(leg);
  }

  /** Where the other copy of `segment` was seen. */
  #copied(segment: Segment, interfaceId: number, time: number): Sighting | null {
    // What is mirrored from several places of a network was asked for at each of them.
    if (segment.isMirrored || segment.payloadEnd === segment.payloadStart) return null;
    const copied = this.#sightings.find(segment, time);
    if (copied === null) return null;
    const { flow } = copied;
    // Two connections may have the same numbers by chance, or by how a capture was made. A translation keeps the client's
    // port if it can; if it cannot, the other side of it is another interface.
    const isElsewhere = flow.interfaceId !== interfaceId || flow.tunnelId !== segment.tunnelId;
    const clientPort = Math.max(segment.sourcePort, segment.destinationPort);
    return isElsewhere || clientPort === Math.max(flow.port0, flow.port1) ? copied : null;
  }

  /** The flow whose answers alone, not its requests, are those of `flow`, a segment of which is at hand. */
  #answersElsewhere(flow: Flow, direction: Direction, segment: Segment, time: number): Flow | null {
    if (flow.legs.length + 1 >= LEGS_MAX) return null;
    if (this.keepsCopies) {
      this.#answered = flow;
      const answers = this.#oneWay.only(direction === 1 ? flow.endpointHash0 : flow.endpointHash1, this.#isOfAnswers);
      this.#answered = null;
      return answers;
    }
    const answers = this.#copied(segment, Math.floor(this.place / LEGS_MAX), time)?.flow ?? null;
    return answers !== null && answers !== flow && isOfAnswersAlone(answers) ? answers : null;
  }

  /** The flow that has the requests to the answers of `flow`, to the same client. */
  #answeredElsewhere(flow: Flow, segment: Segment): Flow | null {
    this.#answers = flow;
    const answered = this.#oneWay.any(destinationHash(this.#seed, segment), this.#hasAnswers);
    this.#answers = null;
    return answered;
  }

  readonly #isOfAnswers = (flow: Flow): boolean => {
    const answered = this.#answered;
    return answered !== null && isOfAnswersAlone(flow) && areAnswersOf(flow, answered);
  };

  readonly #hasAnswers = (flow: Flow): boolean => {
    const answers = this.#answers;
    return answers !== null && flow.legs.length + 1 < LEGS_MAX && areAnswersOf(answers, flow);
  };

  #joinAnswers(flow: Flow, answers: Flow, direction: Direction, segment: Segment): void {
    answers.writeTo(segment, 0);
    this.#add(flow, new Addresses(segment, answers.interfaceId), direction === 1, segment);
    flow.writeTo(segment, direction);
    this.#counters.flows_copied++;
    if (!this.keepsCopies) flow.place = 'outer';
  }

  #otherDirection(segment: Segment): Flow | null {
    this.#segment = segment;
    const flow =
      this.#oneWay.only(destinationHash(this.#seed, segment), this.#isAnsweredAt0) ??
      this.#oneWay.only(sourceHash(this.#seed, segment), this.#isAnsweredBy1);
    this.#segment = null;
    return flow;
  }

  readonly #isAnsweredAt0 = (flow: Flow): boolean => {
    const segment = this.#segment;
    return segment !== null && flow.isDestination0(segment) && isClient0(flow, segment) && agrees(flow, segment);
  };

  readonly #isAnsweredBy1 = (flow: Flow): boolean => {
    const segment = this.#segment;
    return segment !== null && flow.isSource1(segment) && isClient1(flow, segment) && agrees(flow, segment);
  };

  #joinOtherDirection(flow: Flow, segment: Segment, interfaceId: number): Flow {
    const isFromKnown = flow.isSource1(segment);
    const leg = this.#add(flow, new Addresses(segment, interfaceId), true, segment);
    this.#counters.flows_joined++;
    // A side is called by the address that it answers from.
    if (!isFromKnown) {
      flow.isAnsweredElsewhere = true;
      flow.show(null, leg);
    }
    return this.#follow(leg, 1, segment);
  }

  #joinCopy(copied: Sighting, addresses: Addresses, segment: Segment, isOuter: boolean): Flow | null {
    const { flow, direction } = copied;
    if (flow.legs.length + 1 >= LEGS_MAX) {
      this.#counters.legs_evicted++;
      return null;
    }
    const leg = this.#add(flow, addresses, direction === 1, segment);
    this.#counters.flows_copied++;
    flow.place = 'outer';
    if (isOuter) flow.show(leg, leg);
    return this.#follow(leg, direction, segment);
  }

  /** The same of a flow that has begun, whose legs are the other's from here on. */
  #joinFlow(copied: Sighting, flow: Flow, segment: Segment, isOuter: boolean): Flow | null {
    const other = copied.flow;
    if (other.legs.length + flow.legs.length + 1 >= LEGS_MAX) {
      this.#counters.legs_evicted++;
      return null;
    }
    const isReversed = (flow.directionOf(segment) === 1) !== (copied.direction === 1);
    const { legs } = flow;
    const joined = this.#joinCopy(copied, new Addresses(segment, flow.interfaceId), segment, isOuter);
    for (const leg of legs) {
      this.#remove(leg);
      this.#addLeg(new Leg(other, leg.addresses, leg.isReversed !== isReversed, leg.hash));
    }
    return joined;
  }

  #follow(leg: Leg, direction: Direction, segment: Segment): Flow {
    leg.flow.writeTo(segment, direction);
    this.place += leg.number;
    return leg.flow;
  }

  #add(flow: Flow, addresses: Addresses, isReversed: boolean, segment: Segment): Leg {
    return this.#addLeg(new Leg(flow, addresses, isReversed, addressesHash(this.#seed, segment)));
  }

  #addLeg(leg: Leg): Leg {
    leg.flow.legs = [...leg.flow.legs, leg];
    const others = this.#legs.get(leg.hash);
    if (others === undefined) this.#legs.set(leg.hash, [leg]);
    else others.push(leg);
    this.#budget.add(LEG_BYTES);
    return leg;
  }

  #remove(leg: Leg): void {
    const legs = this.#legs.get(leg.hash);
    const at = legs?.indexOf(leg) ?? -1;
    if (legs === undefined || at < 0) return;
    legs.splice(at, 1);
    if (legs.length === 0) this.#legs.delete(leg.hash);
    leg.flow.legs = leg.flow.legs.filter((other) => other !== leg);
    this.#budget.remove(LEG_BYTES);
  }
}

function directionIn({ isReversed }: Leg, along: Direction): Direction {
  return isReversed === (along === 0) ? 1 : 0;
}

function namePlaces(flow: Flow, copied: Flow, isOuter: boolean): void {
  flow.place = isOuter ? 'outer' : 'inner';
  copied.place = isOuter ? 'inner' : 'outer';
}

/** Clients use the higher port, nearly always. */
function isNearerClient({ sourcePort, destinationPort }: Segment, time: number, copied: Sighting): boolean {
  return sourcePort < destinationPort ? time > copied.time : time < copied.time;
}

// Only the client's endpoint is the same in both directions where one is redirected. It sent the SYN, or has the higher port.
function isClient0({ stream0, port0, port1 }: Flow, { flags, sourcePort }: Segment): boolean {
  const isAnswer = (flags & TcpFlag.syn) !== 0;
  return stream0.hasSyn && !stream0.hasSynAck ? true : !isAnswer && port0 > port1 && port0 > sourcePort;
}

function isClient1({ stream0, port0 }: Flow, { flags, sourcePort, destinationPort }: Segment): boolean {
  const isServer0 = !stream0.hasSyn || stream0.hasSynAck;
  return isServer0 && (flags & TcpFlag.syn) === 0 && sourcePort > destinationPort && sourcePort > port0;
}

/** Whether nothing was seen of a flow but its server's bytes, none of which has been read. */
function isOfAnswersAlone({ isOneWay, stream0, consumer, phase }: Flow): boolean {
  return isOneWay && consumer === null && phase !== FlowPhase.closed && (stream0.hasSynAck || !stream0.hasSyn);
}

/** Whether the only direction of `answers` is the second one of `flow`, by where it goes and both numbers that it begins with. */
function areAnswersOf(answers: Flow, flow: Flow): boolean {
  const { stream0, stream1 } = answers;
  if (flow === answers || !stream0.hasSynAck || !flow.stream1.hasSynAck || !isEndpoint0Of(flow, answers)) return false;
  return stream0.synSequence === flow.stream1.synSequence && stream1.first === flow.stream0.first;
}

/** Whether endpoint 1 of `answers` is endpoint 0 of `flow`. */
function isEndpoint0Of(flow: Flow, answers: Flow): boolean {
  return (
    flow.port0 === answers.port1 &&
    flow.word00 === answers.word10 &&
    flow.word01 === answers.word11 &&
    flow.word02 === answers.word12 &&
    flow.word03 === answers.word13
  );
}

/** Whether `segment` can be of the direction of `flow` that was not seen. */
function agrees({ phase, stream0, stream1 }: Flow, { flags, sequence, acknowledgement }: Segment): boolean {
  if (phase === FlowPhase.closed) return false;
  if ((flags & TcpFlag.syn) !== 0) {
    return stream0.hasSyn && ((stream0.synSequence + 1) | 0) === acknowledgement;
  }
  const acknowledged = (acknowledgement - stream0.next) | 0;
  if (!stream1.started) return acknowledged === 0;
  const ahead = (sequence - stream1.next) | 0;
  if (Math.abs(acknowledged) > AGREEMENT_BYTES || Math.abs(ahead) > AGREEMENT_BYTES) return false;
  return acknowledged === 0 || ahead === 0 || (stream1.hasAcknowledged && sequence === stream1.acknowledged);
}
