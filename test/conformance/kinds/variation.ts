/**
 * The language in which the captures of this folder are written: a kind of fault, and variations of it, each a
 * transcript with what has to come out of it and the section that says so.
 */
import {
  type ConversationOptions,
  client,
  fin,
  packetsOf,
  type Side,
  type Step,
  type StepOptions,
  server,
} from '../../support/conversation.js';
import { ethernet, ipv4, ipv6 } from '../../support/packets.js';
import type { SensorReading } from '../../support/read-with-sensor.js';
import type { Claim } from '../claims.js';

/** A packet as it stands in the file. */
export interface CapturedPacket {
  frame: Buffer;
  /** Nanoseconds since the capture's beginning. */
  time: number;
  linkType?: number;
  /** Bytes that the snap length left. */
  captured?: number;
  /** Number of the interface it was captured on. */
  interfaceId?: number;
}

export interface Variation {
  readonly name: string;
  /** The section from which the expectation follows, or the reason. */
  readonly why: string;
  readonly packets: readonly CapturedPacket[];
  /** The exchanges in order, with what is claimed of each. */
  readonly right: readonly Claim[];
  /** Exchanges that may be among them or not. */
  readonly may?: readonly Claim[];
  readonly also?: (reading: SensorReading) => void;
}

export interface Kind {
  readonly kind: string;
  readonly variations: readonly Variation[];
}

type Steps = readonly (Step | Step[])[];
type Rest = Partial<Pick<Variation, 'may' | 'also'>> & { options?: ConversationOptions };

/** A variation that is one connection. */
export function variation(
  name: string,
  why: string,
  steps: Steps,
  right: readonly Claim[],
  rest: Rest = {},
): Variation {
  const { options, ...more } = rest;
  return { name, why, packets: packetsOf(steps, options), right, ...more };
}

/** A variation made of packets. */
export function capture(
  name: string,
  why: string,
  packets: readonly CapturedPacket[],
  right: readonly Claim[],
  rest: Omit<Rest, 'options'> = {},
): Variation {
  return { name, why, packets, right, ...rest };
}

// --- messages

export function request(method: string, target: string, headers: readonly string[] = [], body = ''): string {
  return `${method} ${target} HTTP/1.1\r\nHost: a\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n${body}`;
}

export const get = (target: string, options?: StepOptions): Step => client(request('GET', target), options);
export const ask = (method: string, target: string, headers: readonly string[] = [], body = ''): Step =>
  client(request(method, target, headers, body));
export const post = (target: string, body: string, headers: readonly string[] = []): Step =>
  ask('POST', target, [...headers, `Content-Length: ${Buffer.byteLength(body)}`], body);

export function response(status: string, headers: readonly string[], body = ''): string {
  return `HTTP/1.1 ${status}\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n${body}`;
}

export const ok = (body: string, headers: readonly string[] = []): Step =>
  server(response('200 OK', [...headers, `Content-Length: ${Buffer.byteLength(body)}`], body));
export const answer = (status: string, headers: readonly string[] = [], body = ''): Step =>
  server(response(status, headers, body));

/** Both directions closed, the client first. */
export const CLOSE: readonly Step[] = [fin('client'), fin('server')];

/** An exchange that was answered. */
export const said = (target: string, body: string, more: Claim = {}): Claim => ({ target, status: 200, body, ...more });

// --- packets

/** The IP packet in an Ethernet frame, and who sent it. */
export function ipOf({ frame }: CapturedPacket): { ip: Buffer; from: Side } {
  const ip = frame.subarray(14);
  // The client is 10.9.0.1.
  return { ip, from: ip.readUInt8(15) === 1 ? 'client' : 'server' };
}

/** Each frame made anew from its IP packet. */
export function rewrapped(
  packets: readonly CapturedPacket[],
  wrap: (ip: Buffer, from: Side, index: number) => Buffer,
  linkType = 1,
): CapturedPacket[] {
  return packets.map((packet, index) => {
    const { ip, from } = ipOf(packet);
    const frame = wrap(ip, from, index);
    const cut = packet.frame.length - (packet.captured ?? packet.frame.length);
    return { ...packet, frame, linkType, captured: frame.length - cut };
  });
}

/** With other addresses and ports: `to` is given what the packet has and says what it gets. */
export interface Addressing {
  client?: string;
  server?: string;
  clientPort?: number;
  serverPort?: number;
}

export function readdressed(packets: readonly CapturedPacket[], to: Addressing): CapturedPacket[] {
  return redirected(packets, to, to);
}

/** `responses`: what the packets of the server carry, where it is not the mirror of `to`. */
export function redirected(
  packets: readonly CapturedPacket[],
  to: Addressing,
  responses: Addressing,
): CapturedPacket[] {
  return rewrapped(packets, (ip, from) => framed(readdress(ip, from, from === 'client' ? to : responses)));
}

/** An Ethernet frame of an IP packet of either version. */
export const framed = (ip: Buffer): Buffer => ethernet(ip.readUInt8(0) >> 4 === 6 ? 0x86dd : 0x0800, ip);

function readdress(ip: Buffer, from: Side, to: Addressing): Buffer {
  const { client: c = '10.9.0.1', server: s = '10.9.0.2' } = to;
  const segment = Buffer.from(ip.subarray(20));
  if (to.clientPort !== undefined) segment.writeUInt16BE(to.clientPort, from === 'client' ? 0 : 2);
  if (to.serverPort !== undefined) segment.writeUInt16BE(to.serverPort, from === 'client' ? 2 : 0);
  const [source, destination] = from === 'client' ? [c, s] : [s, c];
  return c.includes(':')
    ? ipv6({ protocol: 6, source, destination }, segment)
    : ipv4({ protocol: 6, source, destination }, segment);
}

/** The same connection over IPv6. */
export const overIpv6 = (packets: readonly CapturedPacket[]): CapturedPacket[] =>
  readdressed(packets, { client: '2001:db8::1', server: '2001:db8::2' });

/** Several captures as one, by time. */
export const merged = (...captures: readonly (readonly CapturedPacket[])[]): CapturedPacket[] =>
  captures.flat().sort((a, b) => a.time - b.time);

export const later = (packets: readonly CapturedPacket[], seconds: number): CapturedPacket[] =>
  packets.map((packet) => ({ ...packet, time: packet.time + seconds * 1e9 }));
