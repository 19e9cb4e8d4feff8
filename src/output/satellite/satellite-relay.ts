/** A relay to the satellite: the pieces that know it, put behind the ones that serve any receiver. */
import { type Books, createBooks } from '../books.js';
import { openRelay, type Relay, type RelayContext } from '../relay/relay.js';
import { createConnector } from './connector.js';
import { createEncoders } from './encoders.js';
import { HttpClient } from './http-client.js';
import { SatelliteSender } from './satellite-sender.js';
import type { SatelliteSettings } from './settings.js';

export interface SatelliteContext extends Omit<RelayContext, 'sender' | 'books'> {
  /** Those of all exchanges, if absent. */
  books?: Books;
  /** Takes each address that exports go to, before they do. */
  onAddress?: (address: string) => void;
}

/** @throws UsageError if a certificate, a key or the spool's directory is not usable */
export async function openSatelliteRelay(settings: SatelliteSettings, context: SatelliteContext): Promise<Relay> {
  const { counters, limits, log, clock, onAddress, books = createBooks(counters) } = context;
  const client = new HttpClient({
    connector: await createConnector(settings.satellite, settings.tls),
    timeoutMillis: settings.timing.attemptTimeoutMillis,
    response_bytes_max: limits.response_bytes_max,
    now: clock.now,
    ...(onAddress === undefined ? {} : { onAddress }),
  });
  const sender = new SatelliteSender(settings, { encoders: await createEncoders(settings), client, clock, log });
  return openRelay(settings, { counters, limits, log, clock, books, sender });
}
