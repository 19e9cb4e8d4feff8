/**
 * What is seen of each protocol beside HTTP/1, in words.
 *
 * in: counts · out: a part for each protocol that was seen · pure
 */
import type { Counters } from '../counters.js';

export interface ProtocolSeen {
  readonly what: string;
  readonly found: string;
}

export function protocolsSeen(counters: Readonly<Counters>): ProtocolSeen[] {
  const seen: ProtocolSeen[] = [];
  const add = (what: string, ...found: (string | null)[]) => {
    const parts = found.filter((part) => part !== null);
    if (parts.length > 0) seen.push({ what, found: parts.join(', ') });
  };
  add('HTTP/2', counted(counters.flows_h2, 'connection'));
  add('WebSocket', counted(counters.flows_websocket, 'connection'), counted(counters.messages_websocket, 'message'));
  add('server-sent events', counted(counters.messages_events, 'event'));
  add('lines of JSON', counted(counters.messages_lines, 'line'));
  add('gRPC', counted(counters.messages_rpc, 'message'));
  add('streams', counted(counters.stream_windows, 'later window'));
  return seen;
}

/** `HTTP/2: 3 connections; WebSocket: 1 connection, 7 messages`; empty where there is nothing but HTTP/1. */
export function protocolsText(counters: Readonly<Counters>): string {
  return protocolsSeen(counters)
    .map(({ what, found }) => `${what}: ${found}`)
    .join('; ');
}

function counted(count: number, what: string): string | null {
  if (count === 0) return null;
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
