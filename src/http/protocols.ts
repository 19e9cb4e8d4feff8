/** The protocols this sensor knows. One more is a row in `known`, and a counter where its flows are counted. */
import { Http1 } from './h1/http1.js';
import { Http2 } from './h2/http2.js';
import { IGNORED_FLOW, type Protocol, type ProtocolContext, type Protocols, Recognition } from './protocol.js';
import { socks } from './socks.js';
import { createTls } from './tls.js';
import { WebSocketProtocol } from './websocket/websocket.js';

export function createProtocols(context: ProtocolContext): Protocols {
  const http1 = new Http1(context);
  const http2 = new Http2(context);
  const websocket = new WebSocketProtocol(context);
  return {
    known: [createTls(context), http2, socks, http1],
    midstream: http1,
    unknown: countedOnly('unknown', 'flows_not_http'),
    upgraded: countedOnly('upgraded', 'flows_upgraded'),
    watched: websocket,
    upgrades: { h2c: http2, websocket },
  };
}

function countedOnly(name: string, counter: Protocol['counter']): Protocol {
  return { name, counter, isUnmistakable: false, recognise: () => Recognition.no, open: () => IGNORED_FLOW };
}
