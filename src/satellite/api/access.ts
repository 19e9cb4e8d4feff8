/**
 * Says who may read, and who may send: by the name asked for, by where a page comes from, by a token.
 *
 * A program sends the token as `Authorization: Bearer`. A browser trades it once, by `POST /api/session`, for a cookie that no
 * script can read and that no other site's request carries.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createHostCheck, isLoopback, MISDIRECTED, MISDIRECTED_REASON } from '../../host-check.js';
import { Refused } from './reply.js';

export interface AccessSettings {
  readonly host: string;
  /** What reading takes; without one nothing is read beyond loopback. */
  readonly readToken?: string | null;
  /** What sending takes; without one anybody may send. */
  readonly ingestToken?: string | null;
  readonly publicHosts?: readonly string[];
  readonly isEncrypted?: boolean;
}

const COOKIE = 'pcap_sensor_satellite';
const SESSION_SECONDS = 12 * 3600;
/** One more ends the oldest. */
const SESSIONS_MAX = 1000;

export class Access {
  readonly #settings: AccessSettings;
  readonly #isNamed: ReturnType<typeof createHostCheck>;
  /** Digests of what cookies hold, and when they end. */
  readonly #sessions = new Map<string, number>();

  constructor(settings: AccessSettings) {
    this.#settings = settings;
    this.#isNamed = createHostCheck(settings.host, settings.publicHosts ?? []);
  }

  /** @throws Refused where a page of another site may be asking: by a name of its own, or by ours */
  checkOrigin(request: IncomingMessage): void {
    if (!this.#isNamed(request)) throw new Refused(MISDIRECTED, MISDIRECTED_REASON);
    const site = request.headers['sec-fetch-site'];
    const isNavigation = request.headers['sec-fetch-mode'] === 'navigate' && request.method === 'GET';
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isNavigation)
      throw new Refused(403, 'a page of another site may not read or change what is here');
  }

  /** @throws Refused */
  checkReader({ headers }: IncomingMessage): void {
    const { host, readToken = null } = this.#settings;
    if (readToken === null) {
      if (isLoopback(host)) return;
      throw new Refused(
        401,
        `listening on ${host}, traces are read with a token alone: start it with --read-token or --read-token-file`,
      );
    }
    if (isSame(bearerOf(headers.authorization), readToken) || this.#hasSession(headers.cookie)) return;
    throw new Refused(
      401,
      'reading takes the token: send Authorization: Bearer and what --read-token or --read-token-file gave',
    );
  }

  /** @throws Refused */
  checkSender({ headers }: IncomingMessage): void {
    const { ingestToken = null } = this.#settings;
    if (ingestToken === null || isSame(bearerOf(headers.authorization), ingestToken)) return;
    throw new Refused(
      401,
      "sending takes a token: give the sensor --satellite-header 'Authorization=Bearer TOKEN' with what --ingest-token-file holds",
    );
  }

  /** The cookie for a token. @throws Refused */
  openSession(token: unknown): string {
    const { readToken = null } = this.#settings;
    if (readToken === null) throw new Refused(400, 'reading takes no token here');
    if (typeof token !== 'string' || !isSame(token, readToken)) throw new Refused(401, 'this is not the token');
    const session = randomBytes(24).toString('base64url');
    this.#sessions.set(digest(session).toString('hex'), Date.now() + SESSION_SECONDS * 1000);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > SESSIONS_MAX && oldest !== undefined) this.#sessions.delete(oldest);
    return this.#cookie(session, SESSION_SECONDS);
  }

  /** The cookie that takes the other's place. */
  closeSession({ headers }: IncomingMessage): string {
    const session = sessionOf(headers.cookie);
    if (session !== null) this.#sessions.delete(digest(session).toString('hex'));
    return this.#cookie('', 0);
  }

  #cookie(value: string, seconds: number): string {
    const secure = this.#settings.isEncrypted === true ? '; Secure' : '';
    return `${COOKIE}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${seconds}${secure}`;
  }

  #hasSession(cookies: string | undefined): boolean {
    const session = sessionOf(cookies);
    if (session === null) return false;
    const key = digest(session).toString('hex');
    const until = this.#sessions.get(key);
    if (until === undefined) return false;
    if (until > Date.now()) return true;
    this.#sessions.delete(key);
    return false;
  }
}

function sessionOf(cookies: string | undefined): string | null {
  for (const pair of (cookies ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2);
    if (name === COOKIE && value !== undefined && value !== '') return value;
  }
  return null;
}

/** RFC 6750 §2.1; the scheme is case-insensitive. */
function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
}

/** Digests are of one length, and tell nothing by the time that comparing them takes. */
function isSame(given: string | undefined, expected: string): boolean {
  return given !== undefined && timingSafeEqual(digest(given), digest(expected));
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
