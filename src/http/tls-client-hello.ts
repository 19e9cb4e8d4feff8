/**
 * The name a TLS client asks for, from the first bytes it sends: all of an encrypted connection that is in clear text.
 *
 * in: bytes that begin with a TLS record · out: the name, lower case, or null
 *
 *     record     0 type 22 │ 1 version │ 3 length │ 5 …                                       RFC 8446 §5.1
 *     handshake  5 type 1  │ 6 length  │ 9 version │ 11 random │ 43 session id …              RFC 8446 §4, §4.1.2
 *     then       cipher suites, compression methods, extensions, each behind its length
 *     extension  0 type 0  │ 2 length  │ 4 list length │ 6 name type 0 │ 7 length │ 9 name    RFC 6066 §3
 *
 * A name behind the end of the segment is not waited for: clients put it near the front.
 */

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SESSION_ID_AT = 43;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const EXTENSION_HEADER_BYTES = 4;
const NAME_AT = 9;
/** RFC 1035 §2.3.4. */
const NAME_BYTES_MAX = 255;
/** What may stand in a certificate and is harmless in a log. */
const NAME = /^[a-z0-9_.-]+$/;

export function serverNameOf(bytes: Buffer, start: number, end: number): string | null {
  const hello = bytes.subarray(start, end);
  if (hello.length <= SESSION_ID_AT || hello[0] !== HANDSHAKE || hello[5] !== CLIENT_HELLO) return null;
  let at = SESSION_ID_AT;
  at += 1 + (hello[at] as number);
  if (at + 2 > hello.length) return null;
  at += 2 + hello.readUInt16BE(at);
  if (at + 1 > hello.length) return null;
  at += 1 + (hello[at] as number);
  // Past the length of all extensions; each step goes forward, so this ends.
  for (at += 2; at + EXTENSION_HEADER_BYTES <= hello.length; ) {
    if (hello.readUInt16BE(at) === SERVER_NAME) return nameIn(hello, at);
    at += EXTENSION_HEADER_BYTES + hello.readUInt16BE(at + 2);
  }
  return null;
}

/** The first name of the extension at `at`, which holds at most one of this type. */
function nameIn(hello: Buffer, at: number): string | null {
  if (at + NAME_AT > hello.length || hello[at + 6] !== HOST_NAME) return null;
  const length = hello.readUInt16BE(at + 7);
  const begin = at + NAME_AT;
  if (length > NAME_BYTES_MAX || begin + length > hello.length) return null;
  const name = hello.toString('latin1', begin, begin + length).toLowerCase();
  return NAME.test(name) ? name : null;
}
