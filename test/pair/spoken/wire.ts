/**
 * A script's connections as packets, by playing it: two endpoints, the path between them, and the place on it where a
 * capture sees what passes (RFC 9293: sequence numbers, cumulative acknowledgements, retransmissions).
 *
 * in: a `Connection` · out: its packets in the order they pass the capture's place, and where each message lies in its
 * stream
 */
import { Random } from '../../support/random.js';
import { MinHeap } from './min-heap.js';
import type { Connection, SpokenExchange } from './script.js';

export const TcpBit = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

export interface WirePacket {
  /** Names the packet, the same whatever else is taken out of the script. */
  key: string;
  connection: number;
  fromClient: boolean;
  flags: number;
  sequence: number;
  acknowledgement: number;
  payload: Buffer;
  /** Place of the payload in its stream. */
  at: number;
  /** When it passes the capture, in nanoseconds. */
  time: number;
}

/** Where an exchange's messages lie, in bytes of their streams. */
export interface SpokenPlace {
  exchange: SpokenExchange;
  connection: number;
  requestStart: number;
  /** Of what was sent of it. */
  requestEnd: number;
  /** Bytes of the request that were sent; a refused one stays without its body. */
  requestSent: number;
  responseStart: number;
  responseEnd: number;
  responseSent: number;
}

export interface Played {
  packets: WirePacket[];
  places: SpokenPlace[];
  /** Lengths of both streams. */
  clientLength: number;
  serverLength: number;
  endTime: number;
}

export function play(connection: Connection, index: number, startTime: number): Played {
  return new Player(connection, index, startTime).play();
}

class Endpoint {
  readonly isn: number;
  readonly isClient: boolean;
  /** Bytes put into the stream. */
  sent = 0;
  /** When the next segment can leave. */
  free = 0;
  /** Bytes of the other's stream that are here without a hole. */
  received = 0;
  /** What is here behind a hole. */
  #ahead: [number, number][] = [];
  /** What happens once that much is here. */
  waiting: { at: number; run: (time: number) => void }[] = [];
  finReceived = false;

  constructor(isn: number, isClient: boolean) {
    this.isn = isn;
    this.isClient = isClient;
  }

  receive(from: number, to: number): void {
    this.#ahead.push([from, to]);
    this.#ahead.sort(([a], [b]) => a - b);
    while (this.#ahead.length > 0 && (this.#ahead[0] as [number, number])[0] <= this.received) {
      this.received = Math.max(this.received, (this.#ahead.shift() as [number, number])[1]);
    }
  }
}

class Player {
  readonly #connection: Connection;
  readonly #index: number;
  readonly #random: Random;
  readonly #events = new MinHeap<(time: number) => void>();
  readonly #packets: WirePacket[] = [];
  readonly #places: SpokenPlace[] = [];
  readonly #client: Endpoint;
  readonly #server: Endpoint;
  readonly #oneWay: number;
  #isReset = false;
  #isOver = false;
  /** Next request to be sent, and how many are under way. */
  #next = 0;
  #underWay = 0;
  #isHeld = false;
  /** Next exchange to be answered, and those that may be. */
  #answering = 0;
  #isAnswering = false;
  readonly #ready = new Set<number>();
  #now: number;

  constructor(connection: Connection, index: number, startTime: number) {
    this.#connection = connection;
    this.#index = index;
    this.#random = new Random(connection.seed);
    this.#oneWay = connection.roundTrip / 2;
    this.#now = startTime;
    // Now and then right before the numbers wrap.
    const isn = () =>
      this.#random.chance(0.1) ? -this.#random.between(1, 3000) : this.#random.between(-(2 ** 31), 2 ** 31 - 1);
    this.#client = new Endpoint(isn(), true);
    this.#server = new Endpoint(isn(), false);
  }

  play(): Played {
    const opener = this.#connection.clientOpens ? this.#client : this.#server;
    const accepter = this.#other(opener);
    this.#put(opener, 'syn', TcpBit.syn, EMPTY, this.#now);
    this.#at(this.#now + this.#oneWay, (time) => this.#put(accepter, 'synack', TcpBit.syn | TcpBit.ack, EMPTY, time));
    this.#at(this.#now + 2 * this.#oneWay, (time) => {
      this.#put(opener, 'ack', TcpBit.ack, EMPTY, time);
      this.#at(time + this.#oneWay, (later) => this.#pump(later));
    });
    for (let event = this.#events.pop(); event !== null; event = this.#events.pop()) {
      this.#now = Math.max(this.#now, event.key);
      event.value(this.#now);
    }
    this.#packets.sort((a, b) => a.time - b.time);
    return {
      packets: this.#packets,
      places: this.#places,
      clientLength: this.#client.sent,
      serverLength: this.#server.sent,
      endTime: this.#now,
    };
  }

  #at(time: number, run: (time: number) => void): void {
    this.#events.push(time, run);
  }

  #other(endpoint: Endpoint): Endpoint {
    return endpoint === this.#client ? this.#server : this.#client;
  }

  // --- the client

  #pump(time: number): void {
    const { exchanges, depth } = this.#connection;
    while (!this.#isReset && !this.#isHeld && this.#next < exchanges.length && this.#underWay < depth) this.#ask(time);
    if (this.#next < exchanges.length || this.#underWay > 0 || this.#isOver) return;
    this.#isOver = true;
    this.#afterHttp(time);
  }

  #ask(time: number): void {
    const number = this.#next++;
    const exchange = this.#connection.exchanges[number] as SpokenExchange;
    const { request, expectation, id } = exchange;
    this.#underWay++;
    const start = this.#client.sent;
    const end = start + request.bytes.length;
    const place = { ...NOWHERE, exchange, connection: this.#index, requestStart: start, requestEnd: end };
    place.requestSent = request.bytes.length;
    this.#places.push(place);
    if (expectation === 'none') {
      this.#write(this.#client, `${id}q`, request.bytes, request.cuts, time);
      const early = exchange.isEarly ? start + request.head + ((request.bytes.length - request.head) >> 1) : end;
      this.#once(this.#server, early, (then) => this.#serve(number, then));
      // An early answer does not end the upload; the next request waits for both.
      this.#once(this.#server, end, () => {});
      return;
    }
    this.#expect(number, exchange, place, time);
  }

  /** RFC 9110 §10.1.1: the head first. */
  #expect(number: number, exchange: SpokenExchange, place: SpokenPlace, time: number): void {
    const { request, expectation, id } = exchange;
    const client = this.#client;
    const server = this.#server;
    const sendBody = (then: number) => {
      this.#write(
        client,
        `${id}qb`,
        request.bytes.subarray(request.head),
        request.cuts.map((cut) => cut - request.head),
        then,
      );
      this.#isHeld = false;
    };
    this.#isHeld = true;
    this.#write(client, `${id}q`, request.bytes.subarray(0, request.head), [], time);
    const headEnd = place.requestStart + request.head;
    if (expectation === 'refused') {
      place.requestEnd = headEnd;
      place.requestSent = request.head;
      this.#isHeld = false;
      this.#once(server, headEnd, (then) => this.#serve(number, then));
    } else if (expectation === 'refused, body sent') {
      this.#once(server, headEnd, (then) => this.#serve(number, then));
      this.#at(time + this.#random.between(0, 2) * this.#oneWay, sendBody);
    } else {
      this.#once(server, headEnd, (then) => {
        const interim = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');
        if (server.received < place.requestEnd) {
          this.#write(server, `${id}i`, interim, [], then);
          if (expectation === 'continued') this.#once(client, server.sent, sendBody);
        } else if (expectation === 'continued') sendBody(then);
      });
      if (expectation === 'impatient') this.#at(time + this.#oneWay, sendBody);
      this.#once(server, place.requestEnd, (then) => this.#serve(number, then));
    }
  }

  // --- the server

  #serve(number: number, time: number): void {
    this.#ready.add(number);
    this.#answer(time);
  }

  #answer(time: number): void {
    if (this.#isAnswering || this.#isReset || !this.#ready.has(this.#answering)) return;
    this.#isAnswering = true;
    const exchange = this.#connection.exchanges[this.#answering] as SpokenExchange;
    const place = this.#places[this.#answering] as SpokenPlace;
    this.#at(time + exchange.service, (then) => {
      const { id, interims, response, abortsAt } = exchange;
      if (interims.length > 0) this.#write(this.#server, `${id}j`, interims, [], then);
      place.responseStart = this.#server.sent;
      place.responseSent = abortsAt < 0 ? response.bytes.length : abortsAt;
      this.#write(this.#server, `${id}r`, response.bytes.subarray(0, place.responseSent), response.cuts, then);
      place.responseEnd = this.#server.sent;
      this.#isAnswering = false;
      this.#answering++;
      if (abortsAt >= 0 || response.framing === 'close') {
        this.#isOver = true;
        const isClients = this.#connection.end.startsWith('client');
        if (isClients) this.#once(this.#client, place.responseEnd, (done) => this.#end(done));
        else this.#at(this.#server.free, (end) => this.#end(end));
        return;
      }
      this.#once(this.#client, place.responseEnd, (done) => this.#afterResponse(exchange, place, done));
      this.#answer(then);
    });
  }

  #afterResponse(exchange: SpokenExchange, place: SpokenPlace, time: number): void {
    // Its request may still be on its way, where the answer came early.
    const whenAsked = (then: number) => {
      this.#underWay--;
      this.#at(then + exchange.think, (later) => this.#pump(later));
    };
    if (this.#client.sent >= place.requestEnd) whenAsked(Math.max(time, this.#client.free));
    else this.#once(this.#server, place.requestEnd, whenAsked);
  }

  // --- what follows

  #afterHttp(time: number): void {
    const turns = this.#connection.tail;
    const say = (turn: number, then: number): void => {
      const part = turns[turn];
      if (part === undefined) {
        this.#at(then + this.#oneWay, (end) => this.#end(end));
        return;
      }
      const speaker = part.fromClient ? this.#client : this.#server;
      this.#write(speaker, `t${turn}`, part.body.bytes, part.body.cuts, then);
      this.#once(this.#other(speaker), speaker.sent, (later) => say(turn + 1, later + this.#oneWay));
    };
    say(0, time);
  }

  #end(time: number): void {
    const { end } = this.#connection;
    if (this.#isReset || end === 'none') return;
    const endpoint = end.startsWith('client') ? this.#client : this.#server;
    const other = this.#other(endpoint);
    if (end.endsWith('rst')) {
      this.#put(endpoint, 'rst', TcpBit.rst | TcpBit.ack, EMPTY, time);
      this.#isReset = true;
      return;
    }
    this.#put(endpoint, 'fin', TcpBit.fin | TcpBit.ack, EMPTY, Math.max(time, endpoint.free));
    this.#at(Math.max(time, endpoint.free) + this.#oneWay, (then) => {
      other.finReceived = true;
      this.#put(other, 'fin', TcpBit.fin | TcpBit.ack, EMPTY, Math.max(then, other.free));
      this.#at(then + this.#oneWay, (last) => {
        endpoint.finReceived = true;
        this.#put(endpoint, 'last', TcpBit.ack, EMPTY, last);
      });
    });
  }

  // --- TCP

  #once(endpoint: Endpoint, at: number, run: (time: number) => void): void {
    if (endpoint.received >= at) this.#at(this.#now, run);
    else endpoint.waiting.push({ at, run });
  }

  /** Puts bytes into the stream, in segments that begin at `cuts` more often than not. */
  #write(endpoint: Endpoint, label: string, bytes: Buffer, cuts: readonly number[], time: number): void {
    const random = new Random(hash(`${this.#connection.seed} ${label}`));
    const borders = cuts.filter((cut) => cut > 0 && cut < bytes.length && random.chance(0.6));
    const first = endpoint.sent;
    endpoint.sent += bytes.length;
    endpoint.free = Math.max(endpoint.free, time);
    for (let at = 0; at < bytes.length; ) {
      const border = borders.find((cut) => cut > at) ?? bytes.length;
      const length = Math.min(
        border - at,
        random.chance(0.1) ? random.between(1, this.#connection.segment) : this.#connection.segment,
      );
      const payload = bytes.subarray(at, at + length);
      const key = `${label}+${at}`;
      const place = first + at;
      const isLostOnce = random.chance(this.#connection.networkLoss);
      const isSpurious = random.chance(this.#connection.spurious);
      this.#at(endpoint.free, (then) => this.#segment(endpoint, key, payload, place, then, isLostOnce));
      if (isLostOnce || isSpurious) {
        const delay = Math.max(2 * this.#connection.roundTrip, random.between(1, 200) * 1e6);
        this.#at(endpoint.free + delay, (then) => this.#segment(endpoint, `${key}~`, payload, place, then, false));
      }
      endpoint.free += random.between(1, 30) * 1000;
      at += length;
    }
  }

  #segment(endpoint: Endpoint, key: string, payload: Buffer, place: number, time: number, isLost: boolean): void {
    if (this.#isReset) return;
    // Lost in front of the capture, or behind it.
    const isSeen = !isLost || new Random(hash(key)).chance(0.5);
    if (isSeen) this.#put(endpoint, key, TcpBit.ack | TcpBit.psh, payload, time, place);
    if (isLost) return;
    const other = this.#other(endpoint);
    this.#at(time + this.#oneWay, (then) => {
      if (this.#isReset) return;
      other.receive(place, place + payload.length);
      if (this.#random.chance(0.5)) this.#put(other, `ack ${key}`, TcpBit.ack, EMPTY, then);
      const due = other.waiting.filter(({ at }) => at <= other.received);
      other.waiting = other.waiting.filter(({ at }) => at > other.received);
      for (const { run } of due) run(then);
    });
  }

  #put(endpoint: Endpoint, key: string, flags: number, payload: Buffer, time: number, place = endpoint.sent): void {
    const other = this.#other(endpoint);
    const path = endpoint.isClient ? this.#connection.place : 1 - this.#connection.place;
    const isSyn = (flags & TcpBit.syn) !== 0;
    // A SYN and a FIN take a sequence number each (RFC 9293 §3.4).
    const sequence = endpoint.isn + (isSyn ? 0 : 1 + place + (key === 'last' ? 1 : 0));
    const acknowledgement = other.isn + 1 + endpoint.received + (endpoint.finReceived ? 1 : 0);
    this.#packets.push({
      key: `${this.#connection.seed}${endpoint.isClient ? '>' : '<'}${key}`,
      connection: this.#index,
      fromClient: endpoint.isClient,
      flags,
      sequence: sequence | 0,
      acknowledgement: flags & TcpBit.ack ? acknowledgement | 0 : 0,
      payload,
      at: place,
      time: time + this.#oneWay * path,
    });
  }
}

const EMPTY = Buffer.alloc(0);
const NOWHERE = { requestSent: 0, responseStart: -1, responseEnd: -1, responseSent: 0 };

/** FNV-1a. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
