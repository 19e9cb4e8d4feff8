/**
 * A TCP connection as a transcript that reads like a conversation:
 *
 *     converse([client('GET / HTTP/1.1…'), lost(server('HTTP/1.1 200 OK…')), fin('server')])
 *
 * Steps stand in the order they were sent. Each is a segment; sequence numbers, acknowledgements and times follow from
 * the order, and every step has reached its receiver, whether the capture has it or not.
 */
import { ethernet, Flag, ipv4, tcp } from './packets.js';
import { line, type Packet, type RunOptions, type RunResult, runPackets } from './run-packets.js';

export type Side = 'client' | 'server';

export interface Step {
  from: Side;
  payload: Buffer;
  flags: number;
  /** Place in its stream, in bytes behind the SYN, if not the next. */
  at?: number;
  /** What it acknowledges of the other stream, if not all. */
  acknowledges?: number;
  /** Whether it acknowledges at all. */
  bare?: boolean;
  lost?: boolean;
  /** How many steps later it was captured. */
  late?: number;
  /** How often it was captured. */
  copies?: number;
  /** Payload bytes the snap length left. */
  kept?: number;
  /** Nanoseconds that pass before it. */
  pause?: number;
}

export type StepOptions = Partial<Pick<Step, 'at' | 'acknowledges' | 'bare' | 'kept' | 'flags'>>;

const bytesOf = (data: string | Buffer) => (typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
const data =
  (from: Side) =>
  (payload: string | Buffer, options: StepOptions = {}): Step => ({
    from,
    payload: bytesOf(payload),
    flags: Flag.ack | Flag.psh,
    ...options,
  });

export const client = data('client');
export const server = data('server');

export const syn = (from: Side, payload: string | Buffer = ''): Step => ({
  from,
  payload: bytesOf(payload),
  flags: from === 'client' ? Flag.syn : Flag.syn | Flag.ack,
});
export const fin = (from: Side, payload: string | Buffer = '', options: StepOptions = {}): Step => ({
  from,
  payload: bytesOf(payload),
  flags: Flag.fin | Flag.ack,
  ...options,
});
export const rst = (from: Side, options: StepOptions = {}): Step => ({
  from,
  payload: Buffer.alloc(0),
  flags: Flag.rst | Flag.ack,
  ...options,
});
/** An acknowledgement and nothing else. */
export const ack = (from: Side, options: StepOptions = {}): Step => ({
  from,
  payload: Buffer.alloc(0),
  flags: Flag.ack,
  ...options,
});

/** On the wire, not in the capture. */
export const lost = (step: Step): Step => ({ ...step, lost: true });
/** Captured `steps` steps too late. */
export const late = (step: Step, steps = 1): Step => ({ ...step, late: steps });
/** Captured twice, as from a second interface. */
export const twice = (step: Step): Step => ({ ...step, copies: 2 });
/** `seconds` pass before it. */
export const pause = (seconds: number, step: Step): Step => ({ ...step, pause: seconds * 1e9 });
/** In segments of `size` bytes. */
export function split(step: Step, size: number): Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < step.payload.length; i += size) {
    steps.push({ ...step, payload: step.payload.subarray(i, i + size) });
  }
  return steps;
}

export interface ConversationOptions extends RunOptions {
  /** Whether the capture has the handshake; true by default. */
  handshake?: boolean;
  clientPort?: number;
  clientIsn?: number;
  serverIsn?: number;
  /** Of the first packet, in nanoseconds. */
  start?: number;
  /** Between packets, in nanoseconds. */
  interval?: number;
}

export const CLIENT_ISN = 1000;
export const SERVER_ISN = 500_000;

/** The packets of a transcript, as captured. */
export function packetsOf(steps: readonly (Step | Step[])[], options: ConversationOptions = {}): Packet[] {
  const { clientPort = 40_000, handshake = true, start = 0, interval = 1e6 } = options;
  const isn = { client: options.clientIsn ?? CLIENT_ISN, server: options.serverIsn ?? SERVER_ISN };
  const next = { client: 0, server: 0 };
  const all: Step[] = steps.flat();
  if (handshake && !all.some((step) => step.flags & Flag.syn)) {
    all.unshift(syn('client'), syn('server'), ack('client'));
  }
  let time = start;
  const captured: { packet: Packet; order: number; isLate: boolean }[] = [];
  all.forEach((step, i) => {
    const { from, payload, flags } = step;
    const to = from === 'client' ? 'server' : 'client';
    const isSyn = (flags & Flag.syn) !== 0;
    const place = step.at ?? next[from];
    time += interval + (step.pause ?? 0);
    const segment = tcp(
      {
        from: from === 'client' ? clientPort : 80,
        to: from === 'client' ? 80 : clientPort,
        sequence: isn[from] + place + (isSyn ? 0 : 1),
        acknowledgement: step.bare ? 0 : isn[to] + 1 + (step.acknowledges ?? next[to]),
        flags: step.bare ? flags & ~Flag.ack : flags,
      },
      payload,
    );
    next[from] = Math.max(next[from], place + payload.length + (flags & Flag.fin ? 1 : 0));
    if (step.lost) return;
    const [source, destination] = from === 'client' ? ['10.9.0.1', '10.9.0.2'] : ['10.9.0.2', '10.9.0.1'];
    const frame = ethernet(0x0800, ipv4({ protocol: 6, source, destination }, segment));
    const packet: Packet = { frame, time };
    if (step.kept !== undefined) packet.captured = frame.length - payload.length + step.kept;
    for (let copy = 0; copy < (step.copies ?? 1); copy++)
      captured.push({ packet, order: i + (step.late ?? 0), isLate: step.late !== undefined });
  });
  // What is late comes behind the step it is late for.
  return captured.sort((a, b) => a.order - b.order || Number(a.isLate) - Number(b.isLate)).map(({ packet }) => packet);
}

export interface ConversationResult extends RunResult {
  lines: string[];
}

export function converse(steps: readonly (Step | Step[])[], options: ConversationOptions = {}): ConversationResult {
  const result = runPackets(packetsOf(steps, options), options);
  return { ...result, lines: result.exchanges.map(line) };
}
