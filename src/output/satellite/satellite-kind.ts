/** The satellite as an output: `--output satellite`, which is the default. */
import { InvalidValue } from '../../errors.js';
import type { NetworkEndpoint, OutputKind } from '../output.js';
import { parseSatelliteUrl } from './satellite-url.js';
import type { SatelliteOptions } from './settings.js';

export interface SatelliteTarget {
  readonly to: 'satellite';
}

export const SATELLITE_OUTPUT: OutputKind<SatelliteTarget, SatelliteOptions> = {
  name: 'satellite',
  forms: [{ form: 'satellite' }],
  isRemote: true,
  parse(rest) {
    if (rest !== null) throw new InvalidValue('has more than the name; give satellite, and --satellite-url URL');
    return { to: 'satellite' };
  },
  describe: (_target, { satelliteUrl }) => satelliteUrl ?? '',
  // Also where no trace goes there: doctor asks it.
  endpoints: async (_targets, { satelliteUrl }) =>
    satelliteUrl === null ? [] : [await satelliteEndpoint(satelliteUrl)],
  async examine(_target, { spoolDir, spoolMaxBytes }) {
    if (spoolDir === null) return null;
    const { examineSpool } = await import('../relay/spool/examine-spool.js');
    return examineSpool(spoolDir, spoolMaxBytes);
  },
  async open(_target, { options, task, sensorVersion, onConnect, ...context }) {
    const { satelliteSettings } = await import('./settings.js');
    const { openSatelliteRelay } = await import('./satellite-relay.js');
    const given = satelliteSettings(options, task, sensorVersion);
    const { enrolment } = context;
    const settings = enrolment
      ? { ...given, resource: { 'service.instance.id': enrolment.instance, ...given.resource } }
      : given;
    const endpoint = await satelliteEndpoint(settings.satellite.base);
    return openSatelliteRelay(settings, {
      ...context,
      onAddress: (address) => onConnect(endpoint, address),
      // A file ends before anybody could act on it.
      probesAtStart: options.read === null,
    });
  },
};

/** What is connected to: the satellite, or the proxy on the way to it. */
export async function satelliteEndpoint(satelliteUrl: string): Promise<NetworkEndpoint> {
  const satellite = parseSatelliteUrl(satelliteUrl);
  const { proxyFor } = await import('./proxy.js');
  const proxy = proxyFor(satellite);
  if (proxy === null) return { host: satellite.host, port: satellite.port };
  const port = Number(proxy.port) || (proxy.protocol === 'https:' ? 443 : 80);
  return { host: proxy.hostname.replace(/^\[|\]$/g, ''), port };
}
