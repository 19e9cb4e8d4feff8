/**
 * Says who may read, and who may send: by the name asked for, by where a page comes from, by a token.
 *
 * A program sends the token as `Authorization: Bearer`. A browser trades it once, by `POST /api/session`, for a cookie that no
 * script can read and that no other site's request carries.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createHostCheck, isLoopback, MISDIRECTED, MISDIRECTED_REASON } from '../../host-check.js';
import { foreignClaim, type Grant, SOLE } from '../receive/grants.js';
import { Refused } from './reply.js';

export interface AccessSettings {
  readonly host: string;
  /** What reading takes; without one nothing is read beyond loopback. */
  readonly readToken?: string | null;
  /** What sending takes; without one anybody may send. */
  readonly ingestToken?: string | null;
  /** Tokens of organisations, in place of those two. */
  readonly grants?: readonly Grant[];
  readonly publicHosts?: readonly string[];
  readonly isEncrypted?: boolean;
}

const COOKIE = 'pcap_sensor_satellite';
const SESSION_SECONDS = 12 * 3600;
/** One more ends the oldest. */
const SESSIONS_MAX = 1000;

/** In which organisation a token may do what. */
type Right = Omit<Grant, 'token'>;
/** Without organisations, whoever may read may do all that the page can. */
const SOLE_RIGHT: Right = { organisation: SOLE, role: 'steer' };

export class Access {
  readonly #settings: AccessSettings;
  readonly #isNamed: ReturnType<typeof createHostCheck>;
  /** By the digests of what cookies hold. */
  readonly #sessions = new Map<string, { readonly until: number; readonly right: Right }>();
  /** By the digests of tokens; null where there are no organisations. */
  readonly #rights: ReadonlyMap<string, Right> | null;

  constructor(settings: AccessSettings) {
    this.#settings = settings;
    this.#isNamed = createHostCheck(settings.host, settings.publicHosts ?? []);
    const { grants } = settings;
    this.#rights =
      grants === undefined
        ? null
        : new Map(grants.map(({ token, organisation, role }) => [keyOf(token), { organisation, role }]));
  }

  /** @throws Refused where a page of another site may be asking: by a name of its own, or by ours */
  checkOrigin(request: IncomingMessage): void {
    if (!this.#isNamed(request)) throw new Refused(MISDIRECTED, MISDIRECTED_REASON);
    const site = request.headers['sec-fetch-site'];
    const isNavigation = request.headers['sec-fetch-mode'] === 'navigate' && request.method === 'GET';
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isNavigation)
      throw new Refused(403, 'a page of another site may not read or change what is here');
  }

  /** Out: the organisation that it may read. @throws Refused */
  checkReader({ headers }: IncomingMessage, role: 'read' | 'steer' = 'read'): string {
    const right = this.#reader(headers.authorization, headers.cookie);
    if (right.role === 'ingest')
      throw new Refused(403, 'this token is for sending; reading takes one whose role is read');
    if (role === 'steer' && right.role !== 'steer')
      throw new Refused(403, 'this token is for reading; changing something takes one whose role is steer');
    return right.organisation;
  }

  #reader(authorization: string | undefined, cookie: string | undefined): Right {
    const { host, readToken = null } = this.#settings;
    const session = this.#session(cookie);
    if (this.#rights !== null) {
      const right = this.#rightOf(bearerOf(authorization)) ?? session;
      if (right !== undefined) return right;
      throw new Refused(401, 'reading takes a token: send Authorization: Bearer and one that --tokens-file has');
    }
    if (readToken === null) {
      if (isLoopback(host)) return SOLE_RIGHT;
      throw new Refused(
        401,
        `listening on ${host}, traces are read with a token alone: start it with --read-token or --read-token-file`,
      );
    }
    if (isSame(bearerOf(authorization), readToken) || session !== undefined) return SOLE_RIGHT;
    throw new Refused(
      401,
      'reading takes the token: send Authorization: Bearer and what --read-token or --read-token-file gave',
    );
  }

  /** Out: the organisation that it sends to. @throws Refused */
  checkSender({ headers }: IncomingMessage): string {
    const { ingestToken = null } = this.#settings;
    if (this.#rights === null) {
      if (ingestToken === null || isSame(bearerOf(headers.authorization), ingestToken)) return SOLE;
      throw new Refused(401, `${SENDING} with what --ingest-token-file holds`);
    }
    const right = this.#rightOf(bearerOf(headers.authorization));
    if (right === undefined) throw new Refused(401, `${SENDING} that --tokens-file has`);
    const { organisation, role } = right;
    if (role !== 'ingest') throw new Refused(403, `this token may ${role}; sending takes one whose role is ingest`);
    const foreign = foreignClaim(organisation, {
      organisation: textOf(headers['x-levo-organization-id']),
      workspace: textOf(headers['x-levo-workspace-id']),
    });
    if (foreign !== null) throw new Refused(403, `this token is of ${organisation}, and these traces of ${foreign}`);
    return organisation;
  }

  #rightOf(token: string | undefined): Right | undefined {
    return token === undefined ? undefined : this.#rights?.get(keyOf(token));
  }

  /** The cookie for a token. @throws Refused */
  openSession(token: unknown): string {
    const { readToken = null } = this.#settings;
    if (readToken === null && this.#rights === null) throw new Refused(400, 'reading takes no token here');
    const right = typeof token === 'string' ? this.#rightOfSession(token) : undefined;
    if (right === undefined) throw new Refused(401, 'this is not the token');
    if (right.role === 'ingest')
      throw new Refused(403, 'this token is for sending; reading takes one whose role is read');
    const session = randomBytes(24).toString('base64url');
    this.#sessions.set(keyOf(session), { until: Date.now() + SESSION_SECONDS * 1000, right });
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > SESSIONS_MAX && oldest !== undefined) this.#sessions.delete(oldest);
    return this.#cookie(session, SESSION_SECONDS);
  }

  #rightOfSession(token: string): Right | undefined {
    const { readToken = null } = this.#settings;
    if (this.#rights !== null) return this.#rightOf(token);
    return readToken !== null && isSame(token, readToken) ? SOLE_RIGHT : undefined;
  }

  /** The cookie that takes the other's place. */
  closeSession({ headers }: IncomingMessage): string {
    const session = sessionOf(headers.cookie);
    if (session !== null) this.#sessions.delete(keyOf(session));
    return this.#cookie('', 0);
  }

  #cookie(value: string, seconds: number): string {
    const secure = this.#settings.isEncrypted === true ? '; Secure' : '';
    return `${COOKIE}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${seconds}${secure}`;
  }

  #session(cookies: string | undefined): Right | undefined {
    const session = sessionOf(cookies);
    if (session === null) return undefined;
    const key = keyOf(session);
    const held = this.#sessions.get(key);
    if (held === undefined || held.until > Date.now()) return held?.right;
    this.#sessions.delete(key);
    return undefined;
  }
}

const SENDING = "sending takes a token: give the sensor --satellite-header 'Authorization=Bearer TOKEN'";

const textOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(',') : header;

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

/** What a secret is looked up by: how long that takes tells nothing of the secret. */
const keyOf = (secret: string): string => digest(secret).toString('hex');

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
