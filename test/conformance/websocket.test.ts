/**
 * Captures of WebSockets that others made, with what tshark 4.0.17 saw in them: opcode and length of each frame, here joined to
 * messages, and their text. They stand beside the repository, not in it; without them this suite says that it was skipped.
 */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { needs } from '../support/needs.js';
import { readCapture, tracesOf } from '../support/read-capture.js';
import { sharedConformance } from '../support/shared-conformance.js';

/** `↑ opcode length "beginning of its text"`, lengths as transferred. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'sv__websocket-compressed_example_websocket.pcap': [
    '↓ 1 38 "KEY=07cb9559eff21e3e"',
    '↓ 1 23 "TOGGLE=2d80b22edb3af"',
    '↓ 1 18 "TOGGLE=4500a7ffb4898"',
    '↓ 1 18 "TOGGLE=76d45e8edea30"',
    '↓ 1 20 "TOGGLE=10888608d2d9f"',
    '↓ 1 19 "TOGGLE=152841e843cbe"',
    '↓ 1 20 "TOGGLE=95dc61fbd33e5"',
    '↓ 1 20 "TOGGLE=00eccbb15c844"',
    '↓ 1 15 "TOGGLE=c300e6a7ccf4"',
    '↓ 1 20 "TOGGLE=5659131662f54"',
  ],
  'sv__websocket-control-frag_input.pcap': ['↑ 9 4 "ping"', '↑ 1 48 "MALWARE_DOWNLOAD cmd"', '↓ 10 4 "ping"'],
  'zeek__broker-websocket.pcap': [
    '↑ 1 24 "["/zeek/event/my_top"',
    '↓ 1 91 "{"type": "ack", "end"',
    '↓ 1 533 "{"type": "data-messa"',
    '↑ 1 361 "{"type": "data-messa"',
    '↓ 1 533 "{"type": "data-messa"',
    '↑ 1 361 "{"type": "data-messa"',
    '↓ 1 533 "{"type": "data-messa"',
    '↑ 1 361 "{"type": "data-messa"',
    '↑ 8 2 ""',
  ],
  'zeek__jupyter-websocket.pcap': [
    '↑ 2 262',
    ...[539, 527, 1647, 540, 540, 515, 515, 540, 540, 540, 540].map((length) => `↓ 2 ${length}`),
    '↑ 8 0 ""',
    '↓ 8 0 ""',
  ],
  'zeek__reply-ping-coalesced.pcap': [
    '↓ 9 4 "Zeek"',
    '↑ 10 4 "Zeek"',
    '↑ 1 11 "Hello Zeek!"',
    '↓ 1 12 "Hello there!"',
    '↑ 8 2 ""',
    '↓ 8 2 ""',
  ],
  'zeek__two-binary-fragments.pcap': ['↓ 9 4', '↑ 10 4', '↑ 2 11', '↓ 2 12', '↑ 8 2 ""', '↓ 8 2 ""'].map((text) =>
    text.replace(/^(.) (9|10) 4$/, '$1 $2 4 "Zeek"'),
  ),
};
const OPCODES: Readonly<Record<string, number>> = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

const folder = sharedConformance('websocket');

describe('conformance with tshark', () => {
  if (!existsSync(folder)) {
    it(`has captures at ${folder}`, needs({ 'captures of WebSockets': false }), () => {});
    return;
  }

  it.each(Object.entries(EXPECTED))('%s', async (name, expected) => {
    const { exchanges } = await readCapture(`${folder}/${name}`);
    const traces = await tracesOf(exchanges);
    expect(traces).toHaveLength(1);
    const messages = traces[0]?.messages ?? [];
    expect(
      messages.map(({ direction, kind, wireBytes, content }) => {
        const text = kind === 'binary' ? '' : ` "${Buffer.from(content).toString('utf8', 0, 20)}"`;
        return `${direction === 'request' ? '↑' : '↓'} ${OPCODES[kind]} ${wireBytes}${text}`;
      }),
    ).toEqual(expected);
    expect(messages.every(({ truncated, codingError }) => !truncated && codingError === null)).toBe(true);
  });
});
