/** The protocols this sensor knows. One more is a row in `known`, and a counter where its flows are counted. */
import { Http1 } from './h1/http1.js';
import { h2 } from './h2.js';
import { IGNORED_FLOW, type Protocol, type ProtocolContext, type Protocols, Recognition } from './protocol.js';
import { createTls } from './tls.js';

export function createProtocols(context: ProtocolContext): Protocols {
  const http1 = new Http1(context);
  return {
    known: [createTls(context), h2, http1],
    midstream: http1,
    unknown: countedOnly('unknown', 'flows_not_http'),
    upgraded: countedOnly('upgraded', 'flows_upgraded'),
  };
}

function countedOnly(name: string, counter: Protocol['counter']): Protocol {
  return { name, counter, isUnmistakable: false, recognise: () => Recognition.no, open: () => IGNORED_FLOW };
}
