/** Exchanges as the assembler hands them to the policy, from the few things a test is about. */
import { DropReason } from '../../src/counters.js';
import { HeaderList } from '../../src/http/header-list.js';
import { NO_BODY } from '../../src/http/message-body.js';
import type { Exchange, HeaderPair } from '../../src/pair/exchange.js';

export interface ExchangeParts {
  method?: string;
  target?: string;
  headers?: HeaderPair[];
  status?: number | null;
  client?: string;
  clientPort?: number;
  server?: string;
  port?: number;
  /** Bits of `Mark`. */
  marks?: number;
  stream?: Exchange['stream'];
  /** Milliseconds. */
  time?: number;
}

export function makeExchange(parts: ExchangeParts = {}): Exchange {
  const time = (parts.time ?? 0) * 1e6;
  const status = parts.status === undefined ? 200 : parts.status;
  return {
    route: { interfaceName: 'lo', place: null, openedAt: 0, secondsAhead: 0, firstSequence: () => 0 },
    client: { address: parts.client ?? '10.0.0.1', port: parts.clientPort ?? 40_000 },
    server: { address: parts.server ?? '10.0.0.2', port: parts.port ?? 8080 },
    protocol: '1.1',
    position: 0,
    timeBaseSeconds: 0,
    startTime: time,
    requestEndTime: time,
    responseStartTime: status === null ? -1 : time,
    endTime: time,
    request: {
      method: parts.method ?? 'GET',
      target: parts.target ?? '/',
      headers: headerList(parts.headers ?? [['Host', 'api.example.com']]),
      body: NO_BODY,
      trailers: [],
    },
    response:
      status === null
        ? null
        : { status, reason: '', version: '1.1', headers: headerList([]), body: NO_BODY, trailers: [] },
    marks: parts.marks ?? 0,
    ...(parts.stream === undefined ? {} : { stream: parts.stream }),
    dropReason: DropReason.none,
    context: null,
    permit: null,
    standsFor: 1,
    hop: null,
  };
}

function headerList(pairs: HeaderPair[]): HeaderList {
  const spans: number[] = [];
  let text = '';
  for (const [name, value] of pairs) {
    spans.push(text.length, text.length + name.length);
    text += `${name}: `;
    const bytes = Buffer.from(value).toString('latin1');
    spans.push(text.length, text.length + bytes.length);
    text += `${bytes}\r\n`;
  }
  return new HeaderList(text, spans);
}
