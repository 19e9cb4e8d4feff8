/** HTTP/2 with prior knowledge: recognised by its connection preface (RFC 9113 §3.4), counted, not read. */
import { IGNORED_FLOW, matchPrefix, type Protocol, Recognition } from './protocol.js';

const PREFACE = 'PRI * HTTP/2.0\r\n';

/** Whether `bytes[start, end)` begin with the preface, which no message of HTTP/1 does: its method is reserved (§11.6). */
export function isPreface(bytes: Uint8Array, start: number, end: number): boolean {
  return matchPrefix(bytes, start, end, PREFACE) === Recognition.yes;
}

export const h2: Protocol = {
  name: 'h2',
  counter: 'flows_h2',
  isUnmistakable: true,
  recognise: (bytes, start, end) => matchPrefix(bytes, start, end, PREFACE),
  open: () => IGNORED_FLOW,
};
