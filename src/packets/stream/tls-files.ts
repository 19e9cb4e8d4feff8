/**
 * Certificates and keys that a configuration names, read and looked at before anything is opened: one that OpenSSL does not take
 * would otherwise show at the first connection, and at every one after it.
 *
 * in: keys of the configuration and the paths they have · out: what TLS takes, or a `UsageError` that names the key
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { UsageError } from '../../errors.js';

export interface TlsFiles {
  /** Both null where none is shown to the other end. */
  readonly certfile: string | null;
  readonly keyfile: string | null;
  readonly ca: { readonly key: 'tls.ca' | 'tls.clientCA'; readonly path: string | null };
}

/** @throws UsageError */
export function readTlsFiles({ certfile, keyfile, ca }: TlsFiles): SecureContextOptions {
  const options: SecureContextOptions = {};
  if (certfile !== null) {
    options.cert = readPem('tls.certfile', certfile);
    check('tls.certfile', certfile, 'name a certificate (PEM)', { cert: options.cert });
    options.key = readPem('tls.keyfile', keyfile ?? '');
    check('tls.keyfile', keyfile, 'name a private key without a passphrase (PEM)', { key: options.key });
    check('tls.keyfile', keyfile, `name the key of tls.certfile ${certfile}`, { cert: options.cert, key: options.key });
  }
  if (ca.path !== null) {
    options.ca = readPem(ca.key, ca.path);
    checkAuthority(ca.key, ca.path, options.ca as Buffer);
  }
  return options;
}

function readPem(key: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`${key} ${path}: ${(error as Error).message}; name a file with certificates or a key (PEM)`);
  }
}

function check(key: string, path: string | null, wayOut: string, options: SecureContextOptions): void {
  try {
    createSecureContext(options);
  } catch (error) {
    throw new UsageError(`${key} ${path}: ${plain(error as Error)}; ${wayOut}`);
  }
}

/** OpenSSL takes a file without certificates for no authority at all, of which nothing is ever trusted. */
function checkAuthority(key: string, path: string, bytes: Buffer): void {
  try {
    new X509Certificate(bytes);
  } catch (error) {
    throw new UsageError(`${key} ${path}: ${plain(error as Error)}; name the certificate of an authority (PEM)`);
  }
}

/** `error:05800074:x509 certificate routines::key values mismatch` → what stands last. */
function plain({ message }: Error): string {
  return message.replace(/^error:[0-9A-F]+:.*::/, '');
}
