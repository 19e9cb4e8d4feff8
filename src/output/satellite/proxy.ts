/**
 * The proxy on the way to the satellite: that of `HTTPS_PROXY`, unless `NO_PROXY` excludes the host, and only for https,
 * as curl and Go do.
 */
import { getProxyForUrl } from 'proxy-from-env';
import { UsageError } from '../../errors.js';
import type { SatelliteAddress } from './satellite-url.js';

/**
 * Null where the satellite is reached directly.
 *
 * @throws UsageError if the environment names a proxy that is no URL
 */
export function proxyFor(satellite: SatelliteAddress): URL | null {
  if (!satellite.tls) return null;
  const proxy = getProxyForUrl(satellite.base);
  if (proxy === '') return null;
  try {
    return new URL(proxy);
  } catch {
    throw new UsageError('HTTPS_PROXY is not a URL; give http://HOST:PORT, or add the satellite to NO_PROXY');
  }
}
