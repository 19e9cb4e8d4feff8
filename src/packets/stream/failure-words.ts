/**
 * Why two ends of a stream do not come together, in words, and what to do about it. Most often one of them speaks TLS and the other
 * does not, which neither says: it just closes the connection.
 *
 * in: errors of Node.js, the first bytes of a connection · out: words · pure
 */

/** Content types of TLS records (RFC 8446 §5.1), and the major version behind them. */
const TLS_ALERT = 0x15;
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 3;
/** OpenSSL's reasons where what comes is no record of TLS. */
const NOT_TLS = /wrong.version.number|(packet|record).length.too.long|http.request|unknown.protocol/i;
/** The alerts by which a receiver asks for a certificate that it was not shown, or does not take (RFC 8446 §6.2). */
const CLIENT_CERTIFICATE =
  /alert.(certificate.required|bad.certificate|unknown.ca|certificate.unknown|handshake.failure)/i;
const CLOSED = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

/** Whether a connection begins as TLS does; `bytes` has two at least. */
export function beginsTls(bytes: Buffer): boolean {
  return (bytes[0] === TLS_HANDSHAKE || bytes[0] === TLS_ALERT) && bytes[1] === TLS_MAJOR;
}

export const TLS_NOT_HERE =
  'it speaks TLS, and tls.enable is not true here; set it here, with tls.certfile and tls.keyfile, or tls.enable: false at the sensor';

export const RECEIVER_SPEAKS_TLS =
  'the receiver speaks TLS, and tls.enable is not true here; set tls.enable: true here, or false at the receiver';

/** Why a connection to a TLS receiver did not come about, as its log says it. */
export function tlsRefusalInWords({ code = '', message }: NodeJS.ErrnoException): string {
  if (NOT_TLS.test(`${code} ${message}`))
    return 'it does not speak TLS, and tls.enable is true here; set tls.enable: true at the sensor, or false here';
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT')
    return 'it began no TLS in time, and tls.enable is true here; set tls.enable: true at the sensor';
  if (/peer.did.not.return.a.certificate/i.test(`${code} ${message}`))
    return 'it showed no certificate, and tls.clientCA is given here; give tls.certfile and tls.keyfile at the sensor';
  return `TLS failed: ${message}`;
}

/** The receiver ended the connection before TLS was agreed. */
export const NO_TLS_THERE =
  'the receiver closed the connection where TLS was to begin; set tls.enable: true there, or false here';

/** Why a sensor's connection over TLS did not come about. */
export function handshakeInWords(error: NodeJS.ErrnoException): string {
  const { code = '', message } = error;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `${message}; give the name that it is for as tls.serverName`;
  if (/CERT|SIGNATURE/.test(code) && !code.startsWith('ERR_'))
    return `the receiver's certificate is not trusted (${message}); give that of its authority as tls.ca`;
  if (NOT_TLS.test(`${code} ${message}`) || CLOSED.has(code)) return NO_TLS_THERE;
  return lostInWords(error);
}

/** Why a sensor lost its connection. */
export function lostInWords({ code = '', message }: NodeJS.ErrnoException): string {
  return CLIENT_CERTIFICATE.test(`${code} ${message}`)
    ? 'the receiver asks for a certificate that it trusts; give tls.certfile and tls.keyfile'
    : message;
}
