/**
 * What a reader could pair that has nothing but the captured packets, and makes no mistake with them: the measure for what
 * the engine leaves unanswered.
 *
 * in:  a conversation and what was captured of it · out: the exchanges whose response can be known to be theirs
 *
 * The reader is given more than any can have: it knows each message whose head was captured from the text of one. What it
 * does not know is how many messages lie in lost bytes. Each message has a number in its stream, and what is known of the
 * numbers are differences: messages between two others are at least and at most so many, as many bytes as were lost; a
 * response answers what its server had received, as it acknowledges (RFC 9293 §3.4); a client has no more requests under
 * way than its depth; and both sides have said as many when they part in peace. A pair is certain where the numbers of
 * both are equal in every solution, which shortest paths tell.
 */
import { ChunkedDecoder } from '../../src/http/h1/chunked-decoder.js';
import { Differences } from '../../src/http/h1/differences.js';
import type { Message } from '../../test/pair/spoken/messages.js';
import type { Trial } from '../../test/pair/spoken/oracle.js';
import { type SpokenPlace, TcpBit, type WirePacket } from '../../test/pair/spoken/wire.js';

/** What is taken for granted beyond the numbers of TCP. */
export interface Assumptions {
  /** The client keeps to the number of requests under way that it has. */
  readonly depth: boolean;
  /** What was asked has been answered when both sides have closed. */
  readonly end: boolean;
}

/** `GET / HTTP/1.1`, `Host: a` and the empty line; `HTTP/1.1 200 ` and the empty line. */
const REQUEST_BYTES_MIN = 27;
const RESPONSE_BYTES_MIN = 17;

interface Known {
  readonly node: number;
  readonly start: number;
  /** Infinite where the reader cannot know it. */
  readonly end: number;
  /** What the segment with its first byte acknowledges. */
  readonly acknowledges: number;
  readonly place: SpokenPlace;
}

/** The exchanges of a trial that were captured whole and whose response is certain. */
export function certainPairs({ script, spoken, packets }: Trial, assumptions: Assumptions): Set<SpokenPlace> {
  const certain = new Set<SpokenPlace>();
  script.connections.forEach((connection, index) => {
    const own = spoken.packets.filter((packet) => packet.connection === index);
    const places = spoken.places.filter((place) => place.connection === index);
    const reader = new Reader(
      own,
      packets.filter((packet) => packet.connection === index),
      places,
    );
    const depth = assumptions.depth ? connection.depth : Number.POSITIVE_INFINITY;
    for (const place of reader.certain(depth, assumptions.end)) certain.add(place);
  });
  return certain;
}

class Reader {
  readonly #places: readonly SpokenPlace[];
  readonly #client: Side;
  readonly #server: Side;
  readonly #isWhole: boolean;

  constructor(spoken: readonly WirePacket[], captured: readonly WirePacket[], places: readonly SpokenPlace[]) {
    this.#places = places;
    this.#client = new Side(true, spoken, captured);
    this.#server = new Side(false, spoken, captured);
    this.#isWhole = captured.some(({ flags }) => (flags & TcpBit.syn) !== 0);
  }

  certain(depth: number, isEndKnown: boolean): SpokenPlace[] {
    const [client, server] = [this.#client, this.#server];
    const requests = this.#known(client, 4);
    const responses = this.#known(server, 4 + requests.length);
    const bounds = new Differences(4 + requests.length + responses.length);
    // The nodes of both streams' beginnings and ends.
    this.#chain(client, requests, bounds, 0, 2);
    this.#chain(server, responses, bounds, 1, 3);
    if (this.#isWhole) between(bounds, 0, 1, 0, 0);
    else between(bounds, 1, 0, 0, depth);
    for (const response of responses) this.#causality(response, requests, bounds);
    for (const request of requests) this.#turn(request, responses, bounds, depth);
    if (isEndKnown && client.isOver && server.isOver && this.#endsInPeace()) between(bounds, 2, 3, 0, 0);
    bounds.close();
    const answers = new Map(responses.map((response) => [response.place, response.node]));
    return requests
      .filter(({ node, place }) => {
        const answer = answers.get(place);
        return answer !== undefined && bounds.most(node, answer) === 0 && bounds.least(node, answer) === 0;
      })
      .map(({ place }) => place);
  }

  /** The messages of a side whose heads were captured. */
  #known(side: Side, firstNode: number): Known[] {
    const known: Known[] = [];
    for (const place of this.#places) {
      const { exchange, requestStart, requestSent, responseStart, responseSent } = place;
      const message = side.isClient ? exchange.request : exchange.response;
      const start = side.isClient ? requestStart : responseStart;
      const sent = side.isClient ? requestSent : responseSent;
      if (start < 0 || sent < message.head || !side.has(start, start + message.head)) continue;
      const isAsking = side.isClient && exchange.expectation !== 'none';
      const end = isAsking ? Number.POSITIVE_INFINITY : endOf(side, message, start);
      known.push({ node: firstNode + known.length, start, end, acknowledges: side.acknowledgedAt(start), place });
    }
    return known;
  }

  #chain(side: Side, known: readonly Known[], bounds: Differences, startNode: number, endNode: number): void {
    let before: Pick<Known, 'node' | 'end' | 'start'> = { node: startNode, start: side.first, end: side.first };
    let number = 0;
    for (const message of known) {
      const [least, most] = this.#hidden(side, before, message.start);
      between(bounds, before.node, message.node, least + number, most + number);
      before = message;
      number = 1;
    }
    const [least, most] = this.#hidden(side, before, side.last);
    between(bounds, before.node, endNode, least + number, most + number);
  }

  /** How many messages may begin in the lost bytes between a message and `to`: at least, at most. */
  #hidden(side: Side, { start, end }: Pick<Known, 'end' | 'start'>, to: number): [number, number] {
    const from = Math.max(start, Number.isFinite(end) ? end : start);
    const shortest = side.isClient ? REQUEST_BYTES_MIN : RESPONSE_BYTES_MIN;
    let [least, most] = [0, 0];
    for (const [first, last] of side.holes(from, to)) {
      const isStraddled = this.#straddles(side, first, last);
      least += isStraddled || (side.isClient && first === end) ? 1 : 0;
      most += Math.floor((last - first - (isStraddled ? 1 : 0)) / shortest) + (isStraddled ? 1 : 0);
    }
    return [Math.min(least, most), most];
  }

  /** Whether a message begins within lost bytes and goes on behind them. */
  #straddles(side: Side, first: number, last: number): boolean {
    return this.#places.some(({ requestStart, requestEnd, responseStart, responseEnd }) => {
      const [start, end] = side.isClient ? [requestStart, requestEnd] : [responseStart, responseEnd];
      return start >= first && start < last && end > last;
    });
  }

  /** A response answers a request of which its server had received something. */
  #causality({ node, acknowledges }: Known, requests: readonly Known[], bounds: Differences): void {
    for (const request of requests) if (request.start >= acknowledges) bounds.atMost(request.node, node, -1);
    const before = requests.findLast(({ start }) => start < acknowledges);
    const from = before ?? { start: this.#client.first, end: this.#client.first, node: 0 };
    const [, most] = this.#hidden(this.#client, from, acknowledges);
    bounds.atMost(from.node, node, most - (before === undefined ? 1 : 0));
  }

  /** A client sends no request more than its depth before it has received a response. */
  #turn({ node, acknowledges }: Known, responses: readonly Known[], bounds: Differences, depth: number): void {
    if (depth === Number.POSITIVE_INFINITY) return;
    for (const response of responses) {
      if (response.start >= acknowledges) bounds.atMost(response.node, node, depth - 1);
      else if (response.end > acknowledges && Number.isFinite(response.end))
        bounds.atMost(response.node, node, depth - 1);
    }
    const before = responses.findLast(({ end, start }) => (Number.isFinite(end) ? end : start + 1) <= acknowledges);
    const from = before ?? { start: this.#server.first, end: this.#server.first, node: 1 };
    const [, most] = this.#hidden(this.#server, from, acknowledges);
    bounds.atMost(from.node, node, most + depth - 1 + (before === undefined ? 0 : 1));
  }

  #endsInPeace(): boolean {
    return this.#places.every(({ responseStart, exchange }) => responseStart >= 0 && exchange.abortsAt < 0);
  }
}

function between(bounds: Differences, from: number, to: number, least: number, most: number): void {
  bounds.atLeast(from, to, least);
  bounds.atMost(from, to, most);
}

/** Where a message ends, as far as its captured bytes tell. */
function endOf(side: Side, { framing, bytes, head }: Message, start: number): number {
  const end = start + bytes.length;
  if (framing === 'none' || framing === 'length') return end;
  if (framing === 'close') return Number.POSITIVE_INFINITY;
  const decoder = new ChunkedDecoder(1 << 16);
  for (let at = head; at < bytes.length; ) {
    const hole = side.holes(start + at, end)[0] ?? [end, end];
    const to = Math.min(bytes.length, hole[0] - start);
    while (at < to) at = decoder.next(bytes, at, to);
    if (at < bytes.length && !decoder.skip(Math.min(hole[1], end) - hole[0])) return Number.POSITIVE_INFINITY;
    at = hole[1] - start;
  }
  return end;
}

/** One stream as it was captured. */
class Side {
  readonly isClient: boolean;
  /** The first place that is known, and the one behind the last. */
  readonly first: number;
  readonly last: number;
  /** Whether it is known where it ends. */
  readonly isOver: boolean;
  readonly #has: Uint8Array;
  readonly #captured: readonly WirePacket[];
  readonly #isnOther: number;

  constructor(isClient: boolean, spoken: readonly WirePacket[], captured: readonly WirePacket[]) {
    this.isClient = isClient;
    this.#captured = captured.filter(({ fromClient }) => fromClient === isClient);
    const syn = spoken.find(({ fromClient, flags }) => fromClient !== isClient && (flags & TcpBit.syn) !== 0);
    this.#isnOther = syn?.sequence ?? 0;
    const sent = spoken.filter(({ fromClient, payload }) => fromClient === isClient && payload.length > 0);
    this.#has = new Uint8Array(Math.max(0, ...sent.map(({ at, payload }) => at + payload.length)));
    for (const { at, payload } of this.#captured) this.#has.fill(1, at, at + payload.length);
    const isWhole = captured.some(({ flags }) => (flags & TcpBit.syn) !== 0);
    this.first = isWhole ? 0 : Math.max(0, this.#has.indexOf(1));
    this.last = this.#has.length;
    this.isOver = this.#captured.some(({ flags }) => (flags & TcpBit.fin) !== 0);
  }

  has(from: number, to: number): boolean {
    return !this.#has.subarray(from, to).includes(0);
  }

  /** Ranges of lost bytes in a range. */
  holes(from: number, to: number): [number, number][] {
    const holes: [number, number][] = [];
    for (let at = this.#has.indexOf(0, from); at >= 0 && at < to; ) {
      const next = this.#has.indexOf(1, at);
      const end = next < 0 || next > to ? to : next;
      holes.push([at, end]);
      at = this.#has.indexOf(0, end);
    }
    return holes;
  }

  acknowledgedAt(place: number): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { at, payload, acknowledgement } of this.#captured) {
      if (at > place || at + payload.length <= place) continue;
      least = Math.min(least, (acknowledgement - this.#isnOther - 1) | 0);
    }
    return least;
  }
}
