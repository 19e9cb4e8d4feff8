/** TLS: recognised by its first record (RFC 8446 §5.1), read for the server name that the client asks for. */
import { IGNORED_FLOW, type Protocol, type ProtocolContext, Recognition } from './protocol.js';
import { serverNameOf } from './tls-client-hello.js';

// The types of records, and the major version of all of them.
const CHANGE_CIPHER_SPEC = 20;
const APPLICATION_DATA = 23;
const VERSION_MAJOR = 3;

export function createTls({ tlsNames }: ProtocolContext): Protocol {
  return {
    name: 'tls',
    counter: 'flows_tls',
    isUnmistakable: false,
    recognise(bytes, start, end) {
      const type = bytes[start] as number;
      if (type < CHANGE_CIPHER_SPEC || type > APPLICATION_DATA) return Recognition.no;
      if (end - start < 2) return Recognition.maybe;
      return bytes[start + 1] === VERSION_MAJOR ? Recognition.yes : Recognition.no;
    },
    open(_flow, { bytes, start, end }) {
      const name = serverNameOf(bytes, start, end);
      if (name !== null) tlsNames.add(name);
      return IGNORED_FLOW;
    },
  };
}
