/**
 * What a capture makes of the packets that pass it: some it loses, singly or in bursts, some it has twice or too late,
 * and it may begin in the middle.
 */
import { Random } from '../../support/random.js';
import type { Script } from './script.js';
import { type Played, play, type SpokenPlace, TcpBit, type WirePacket } from './wire.js';

/** What the capture did, packet by packet; packets that are not named were captured once, in time. */
export interface Effects {
  /** Keys of lost packets. */
  lost: Set<string>;
  twice: Set<string>;
  /** By how many places a packet is late. */
  late: Map<string, number>;
  /** Packets that passed before the capture began. */
  skipped: number;
}

export interface Spoken {
  /** In the order they passed. */
  packets: WirePacket[];
  places: SpokenPlace[];
  /** Lengths of the streams, by connection: the client's, the server's. */
  lengths: [number, number][];
}

/** Plays all connections of a script, one after the other on the same ports. */
export function speak(script: Script): Spoken {
  const spoken: Spoken = { packets: [], places: [], lengths: [] };
  let time = 1e9;
  script.connections.forEach((connection, index) => {
    const played: Played = play(connection, index, time);
    spoken.packets.push(...played.packets);
    spoken.places.push(...played.places);
    spoken.lengths.push([played.clientLength, played.serverLength]);
    // Ports are used again at once, or a while later.
    time = played.endTime + (new Random(connection.seed + 1).chance(0.5) ? 1e6 : 30e9);
  });
  return spoken;
}

export function randomEffects(script: Script, { packets }: Spoken): Effects {
  const random = new Random(script.seed + 1);
  const effects: Effects = { lost: new Set(), twice: new Set(), late: new Map(), skipped: 0 };
  if (script.start === 'middle') effects.skipped = random.between(3, Math.max(3, Math.floor(packets.length / 2)));
  const { rate, burst } = script.loss;
  let isLosing = false;
  packets.forEach(({ key, flags }, i) => {
    isLosing = isLosing ? !random.chance(1 / burst) : random.chance(rate / burst);
    const isOpening = i === 0 && (flags & TcpBit.syn) !== 0 && script.start === 'syn-ack';
    if (isLosing || isOpening) effects.lost.add(key);
    if (random.chance(script.twice)) effects.twice.add(key);
    if (script.lateWindow > 0 && random.chance(script.lateShare))
      effects.late.set(key, random.between(1, script.lateWindow));
  });
  return effects;
}

/** How late a packet may be: rings and queues of an interface are handed over within milliseconds. */
const LATE_NANOS_MAX = 5e6;

/** Where packet `i` comes, `places` behind its own, and not too long after its time. */
function placeOf(packets: readonly WirePacket[], i: number, places: number): number {
  const until = (packets[i]?.time ?? 0) + LATE_NANOS_MAX;
  let at = i;
  while (at < i + places && (packets[at + 1]?.time ?? Number.POSITIVE_INFINITY) <= until) at++;
  return at;
}

/** The packets as captured, their times in the order of the capture. */
export function captured({ packets }: Spoken, { lost, twice, late, skipped }: Effects): WirePacket[] {
  const entries: { packet: WirePacket; at: number; order: number }[] = [];
  packets.forEach((packet, i) => {
    if (i < skipped || lost.has(packet.key)) return;
    entries.push({ packet, at: placeOf(packets, i, late.get(packet.key) ?? 0), order: i });
    if (twice.has(packet.key)) entries.push({ packet, at: i + 1, order: i });
  });
  // What is late comes behind what it is late for.
  entries.sort((a, b) => a.at - b.at || b.order - a.order);
  let time = 0;
  return entries.map(({ packet }) => {
    time = Math.max(time, packet.time);
    return { ...packet, time };
  });
}
