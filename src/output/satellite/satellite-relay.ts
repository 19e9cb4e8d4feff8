/** A relay to the satellite: the pieces that know it, put behind the ones that serve any receiver. */
import { type Books, createBooks } from '../books.js';
import { openRelay, type Relay, type RelayContext } from '../relay/relay.js';
import type { Trouble } from '../relay/sender.js';
import { createConnector } from './connector.js';
import { createEncoders } from './encoders.js';
import type { Enrolment } from './enrolment.js';
import { HttpClient } from './http-client.js';
import { SatelliteSender } from './satellite-sender.js';
import type { SatelliteSettings } from './settings.js';

export interface SatelliteContext extends Omit<RelayContext, 'sender' | 'books'> {
  /** Those of all exchanges, if absent. */
  books?: Books;
  /** Takes each address that exports go to, before they do. */
  onAddress?: (address: string) => void;
  /** Whether to say at once, before there is a trace, that the satellite takes none. */
  probesAtStart?: boolean;
  /** As `OutputContext.enrolment`. */
  enrolment?: Enrolment | null;
}

/** What is wrong is said within two seconds, which is soon enough for a person who waits. */
const PROBE_TIMEOUT_MILLIS = 1800;

/** @throws UsageError if a certificate, a key or the spool's directory is not usable */
export async function openSatelliteRelay(settings: SatelliteSettings, context: SatelliteContext): Promise<Relay> {
  const {
    counters,
    limits,
    log,
    clock,
    onAddress,
    probesAtStart = false,
    enrolment = null,
    books = createBooks(counters),
  } = context;
  const client = new HttpClient({
    connector: await createConnector(settings.satellite, settings.tls),
    timeoutMillis: settings.timing.attemptTimeoutMillis,
    response_bytes_max: limits.response_bytes_max,
    now: clock.now,
    ...(onAddress === undefined ? {} : { onAddress }),
  });
  const sender = new SatelliteSender(settings, {
    encoders: await createEncoders(settings),
    client: enrolment?.signing(client) ?? client,
    ...{ clock, log, counters },
  });
  return openRelay(settings, {
    ...{ counters, limits, log, clock, books, sender },
    ...(probesAtStart ? { askAtStart: (signal) => probe(settings, { signal, onAddress, enrolment }) } : {}),
  });
}

interface ProbeAtStart {
  readonly signal: AbortSignal;
  readonly onAddress: ((address: string) => void) | undefined;
  readonly enrolment: Enrolment | null;
}

/** Over a connection of its own, so that no batch waits for it. */
async function probe(
  settings: SatelliteSettings,
  { signal, onAddress, enrolment }: ProbeAtStart,
): Promise<(Trouble & { isAway: boolean }) | null> {
  const { probeSatellite } = await import('./probe.js');
  const timeoutMillis = PROBE_TIMEOUT_MILLIS;
  const { problem, advice, isAway } = await probeSatellite(settings, {
    ...{ timeoutMillis, signal, enrolment },
    ...(onAddress === undefined ? {} : { onAddress }),
  });
  return problem === null ? null : { reason: problem, advice, isAway };
}
