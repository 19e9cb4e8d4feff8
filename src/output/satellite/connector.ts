/**
 * How the satellite is reached: directly or through the proxy the environment names, with which certificates.
 *
 * The roots that Node.js brings are trusted, those that the system keeps, and `--satellite-ca`.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import type { Agent as TlsAgent } from 'node:https';
import type { SecureContext } from 'node:tls';
import { UsageError } from '../../errors.js';
import type { Destination } from './failure-words.js';
import { proxyFor } from './proxy.js';
import type { SatelliteAddress } from './satellite-url.js';
import type { TlsSettings } from './settings.js';

/** One connection, kept open between batches. */
const AGENT_OPTIONS = { keepAlive: true, maxSockets: 1 };

export interface Connector {
  /** Makes a new agent, with no connection of the one before. */
  createAgent(): Agent | TlsAgent;
  /** Given with each request: an agent that goes through a proxy takes its TLS settings only from there. */
  readonly requestOptions: { readonly secureContext?: SecureContext };
  /** The one of `node:http` or `node:https`, by the satellite's scheme. */
  readonly request: typeof request;
  readonly destination: Destination;
}

/** @throws UsageError if a certificate or key cannot be read as PEM */
export async function createConnector(satellite: SatelliteAddress, tls: TlsSettings): Promise<Connector> {
  if ((tls.clientCertificate === null) !== (tls.clientKey === null))
    throw new UsageError('--satellite-client-cert and --satellite-client-key need each other; give both or neither');
  const proxy = proxyFor(satellite);
  const destination = { ...satellite, proxy: proxy === null ? null : proxy.host };
  if (!satellite.tls) return { createAgent: () => new Agent(AGENT_OPTIONS), requestOptions: {}, request, destination };
  const https = await import('node:https');
  const tlsParts = { requestOptions: { secureContext: await createContext(tls) }, request: https.request, destination };
  if (proxy === null) return { createAgent: () => new https.Agent(AGENT_OPTIONS), ...tlsParts };
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  return { createAgent: () => new HttpsProxyAgent(proxy, AGENT_OPTIONS), ...tlsParts };
}

async function createContext({ ca, clientCertificate, clientKey }: TlsSettings): Promise<SecureContext> {
  const { createSecureContext, rootCertificates } = await import('node:tls');
  const trusted = [...rootCertificates, ...systemRoots()];
  try {
    if (ca !== null) trusted.push(...certificatesOf(ca));
    return createSecureContext({
      ca: trusted,
      ...(clientCertificate !== null && clientKey !== null ? { cert: clientCertificate, key: clientKey } : {}),
    });
  } catch (error) {
    throw new UsageError(
      `--satellite-ca, --satellite-client-cert or --satellite-client-key is not usable PEM: ${(error as Error).message}`,
    );
  }
}

/** A CA that is no certificate would be passed over in silence. */
function certificatesOf(pem: string): string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error('no certificate in it');
  return blocks.map((block) => new X509Certificate(block).toString());
}

/** Where distributions keep the bundle of the roots they trust: `SSL_CERT_FILE`, Debian and Alpine, Fedora and Amazon Linux. */
const SYSTEM_BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

function systemRoots(): string[] {
  for (const path of [process.env.SSL_CERT_FILE, ...SYSTEM_BUNDLES]) {
    if (path === undefined || path === '') continue;
    try {
      return [readFileSync(path, 'utf8')];
    } catch {
      // Not this distribution; Node's own roots are there in any case.
    }
  }
  return [];
}
