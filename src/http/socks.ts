/**
 * SOCKS in front of another protocol: 4 and 4A (Ying-Da Lee's memos), 5 (RFC 1928) without and with a password (RFC 1929).
 *
 * in:  both streams of a flow · out: the flow to whoever reads what is relayed, once the handshake has succeeded
 *
 *     5   client  5 │ count (1) │ methods                                server  5 │ method (1)
 *         client  1 │ user: length (1), text │ password: the same       server  1 │ status (1)
 *         client  5 │ command (1) │ 0 │ address: type (1), value │ port (2)     server  the same with a status
 *     4   client  4 │ command (1) │ port (2) │ address (4) │ user, NUL │ of 4A: name, NUL     server  0 │ status (1) │ 6 more
 */
import type { Direction, FlowConsumer } from '../flow/flow-consumer.js';
import { type DetectedFlow, emptyOpening, type Opening, type Protocol, Recognition } from './protocol.js';

const CONNECT = 1;
const METHOD_NONE = 0;
const METHOD_PASSWORD = 2;
const GRANTED_4 = 0x5a;

/** Bytes of one side that are held until its message is whole; no handshake has more. */
const HELD_BYTES_MAX = 1024;

/** The length of the message that begins with `bytes`: more than there are if it is not whole; 0 if it is none. */
type Measure = (bytes: Buffer) => number;

/** A message of the handshake. */
interface Step {
  readonly from: 'client' | 'server';
  readonly measure: Measure;
  /** What comes behind the whole message; null if the handshake has failed. */
  next(message: Buffer): Step | 'relay' | null;
}

const LONGER = Number.MAX_SAFE_INTEGER;

const atLeast = (length: number, bytes: Buffer): number => (bytes.length < length ? LONGER : length);
const startsWith = (first: number, length: Measure): Measure => {
  return (bytes) => (bytes[0] === first ? length(bytes) : 0);
};

/** Where an address of SOCKS 5 with its port ends, which begins with its type at byte 3. */
function behindAddress(bytes: Buffer): number {
  if (bytes.length < 5) return LONGER;
  const valueLength = { 1: 4, 3: 1 + (bytes[4] as number), 4: 16 }[bytes[3] as number];
  return valueLength === undefined ? 0 : atLeast(4 + valueLength + 2, bytes);
}

function behindTexts(bytes: Buffer, start: number, count: number): number {
  let at = start;
  for (let i = 0; i < count; i++) {
    const nul = bytes.indexOf(0, at);
    if (nul < 0) return LONGER;
    at = nul + 1;
  }
  return at;
}

const REPLY_5: Step = {
  from: 'server',
  measure: startsWith(5, behindAddress),
  next: (message) => (message[1] === 0 ? 'relay' : null),
};
const REQUEST_5: Step = {
  from: 'client',
  measure: startsWith(5, behindAddress),
  next: (message) => (message[1] === CONNECT ? REPLY_5 : null),
};
const VERDICT: Step = {
  from: 'server',
  measure: startsWith(1, (bytes) => atLeast(2, bytes)),
  next: (message) => (message[1] === 0 ? REQUEST_5 : null),
};
const PASSWORD: Step = {
  from: 'client',
  measure: startsWith(1, (bytes) => {
    const passwordAt = 2 + (bytes[1] ?? LONGER);
    return passwordAt >= bytes.length ? LONGER : atLeast(passwordAt + 1 + (bytes[passwordAt] as number), bytes);
  }),
  next: () => VERDICT,
};
const METHOD: Step = {
  from: 'server',
  measure: startsWith(5, (bytes) => atLeast(2, bytes)),
  next: (message) => {
    if (message[1] === METHOD_PASSWORD) return PASSWORD;
    return message[1] === METHOD_NONE ? REQUEST_5 : null;
  },
};
const GREETING: Step = {
  from: 'client',
  measure: startsWith(5, (bytes) => {
    if (bytes.length < 2) return LONGER;
    return bytes[1] === 0 ? 0 : atLeast(2 + (bytes[1] as number), bytes);
  }),
  next: () => METHOD,
};
const REPLY_4: Step = {
  from: 'server',
  measure: startsWith(0, (bytes) => atLeast(8, bytes)),
  next: (message) => (message[1] === GRANTED_4 ? 'relay' : null),
};
const REQUEST_4: Step = {
  from: 'client',
  measure: startsWith(4, (bytes) => {
    if (bytes.length < 2) return LONGER;
    if (bytes[1] !== CONNECT) return 0;
    if (bytes.length < 9) return LONGER;
    // 4A: an address that nobody has says that a name follows.
    const hasName = bytes.readUInt32BE(4) >>> 8 === 0 && bytes[7] !== 0;
    return behindTexts(bytes, 8, hasName ? 2 : 1);
  }),
  next: () => REPLY_4,
};

const FIRST_STEPS = [GREETING, REQUEST_4] as const;

export const socks: Protocol = {
  name: 'socks',
  counter: null,
  isUnmistakable: false,
  recognise(bytes, start, end) {
    const given = bytes.subarray(start, end);
    for (const { measure } of FIRST_STEPS) {
      const length = measure(given);
      // A client waits for the answer.
      if (length === given.length) return Recognition.yes;
      if (length > given.length && given.length < HELD_BYTES_MAX) return Recognition.maybe;
    }
    return Recognition.no;
  },
  open: (flow, opening) => new SocksFlow(flow, opening),
};

class SocksFlow implements FlowConsumer {
  readonly #flow: DetectedFlow;
  readonly #client: Direction;
  #step: Step;
  /** What came of either side and is not read yet. */
  readonly #held: [Buffer, Buffer] = [NO_BYTES, NO_BYTES];

  constructor(flow: DetectedFlow, { direction, bytes, start }: Opening) {
    this.#flow = flow;
    this.#client = direction;
    this.#step = bytes[start] === 5 ? GREETING : REQUEST_4;
  }

  data(direction: Direction, bytes: Buffer, start: number, end: number, time: number): void {
    const held = this.#held[direction];
    if (held.length + end - start > HELD_BYTES_MAX) {
      this.#fail(direction, time);
      return;
    }
    // A copy: the bytes are waited for longer than the packet lives.
    this.#held[direction] = Buffer.concat([held, bytes.subarray(start, end)]);
    this.#advance(direction, time);
  }

  gap(direction: Direction, length: number, time: number): void {
    const { flow, protocols } = this.#flow;
    this.#flow.handOver(protocols.midstream, emptyOpening(direction, time));
    flow.consumer?.gap(direction, length, time);
  }

  end(): void {}

  #advance(direction: Direction, time: number): void {
    for (;;) {
      const from = this.#step.from === 'client' ? this.#client : this.#client === 0 ? 1 : 0;
      const held = this.#held[from];
      const length = held.length === 0 ? LONGER : this.#step.measure(held);
      if (length > held.length) return;
      const next = length === 0 ? null : this.#step.next(held.subarray(0, length));
      if (next === null) {
        this.#fail(direction, time);
        return;
      }
      this.#held[from] = held.subarray(length);
      if (next === 'relay') {
        this.#relay(time);
        return;
      }
      this.#step = next;
    }
  }

  #relay(time: number): void {
    this.#flow.detectAgain();
    for (const direction of [0, 1] as const) {
      const held = this.#held[direction];
      if (held.length > 0) this.#flow.flow.consumer?.data(direction, held, 0, held.length, time);
    }
  }

  #fail(direction: Direction, time: number): void {
    this.#flow.handOver(this.#flow.protocols.unknown, emptyOpening(direction, time));
  }
}

const NO_BYTES = Buffer.alloc(0);
