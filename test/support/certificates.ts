import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  cert: string;
  key: string;
}

/**
 * A certificate authority of our own, and certificates it signed, for so many days: for `localhost` and `address`, and for a
 * client.
 */
export function makeCertificates(
  address = '127.0.0.1',
  days = 2,
): { ca: string; server: Certificate; client: Certificate } {
  const directory = mkdtempSync(join(tmpdir(), 'certificates-'));
  const path = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  try {
    openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test authority');
    writeFileSync(path('names'), `subjectAltName=DNS:localhost,IP:${address}\n`);
    for (const name of ['server', 'client']) {
      openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
      const sign = ['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
      openssl(...sign, '-out', `${name}.pem`, '-days', String(days), '-extfile', 'names');
    }
    const read = (name: string): string => readFileSync(path(name), 'utf8');
    const pair = (name: string): Certificate => ({ cert: read(`${name}.pem`), key: read(`${name}.key`) });
    return { ca: read('ca.pem'), server: pair('server'), client: pair('client') };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
