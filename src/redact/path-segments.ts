/**
 * Segments of a path that are tokens because of what stands before them: `/reset/…`, `/invite/…`, `/services/T…/B…/…`,
 * `/api_key/…`; numbers of cards, and sessions without cookies.
 */
import { cardContext, cardEnd } from './cards.js';
import { REDACTED } from './edits.js';
import type { Redactions } from './redactions.js';
import type { SensitiveNames } from './sensitive-names.js';
import { isOpaque } from './value-shapes.js';

/** Words after which a segment of a path is a token, if it looks like one. */
const TOKEN_WORDS =
  /^(?:(?:password|pwd|passwd|account|email|user|users|auth|oauth2?)[-_]?)?(?:reset|forgot|recover|recovery|invite|invites|invitation|invitations|magic|magiclink|verify|verification|confirm|confirmation|activate|activation|unsubscribe|unlock|token|tokens|session|sessions|callback|sso|saml|login|signin|onboarding|accept|join|approve|authorize|share|shared|s|k|key|keys|apikey|apikeys|secret|secrets|hook|hooks|webhook|webhooks|incoming|bot|otp|jwt|authenticate|auth|unseal|wrap|impersonate|preview|optout|opt-out|pay)(?:[-_]?(?:password|link|token|email|account|user|complete|confirm|key|login))?$/i;
/** Those of a link in a mail, behind which a UUID is the token; behind others it is the id of a thing. */
const LINK_WORDS =
  /^(?:(?:password|account|email|user)[-_]?)?(?:reset|forgot|recover|invite|magic|magiclink|verify|confirm|activate|unsubscribe|unlock)(?:[-_]?(?:password|link|token|email|account))?$/i;
const CARD_WORDS = /^(?:cards?|credit-?cards?|pan|payments?|pay|charge|charges|tokeni[sz]e)$/i;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
/** Slack's: `T…`, `B…`, `A…`. */
const SLACK_ID = /^[TBA][A-Z0-9]{7,12}$/;

export function redactSegments(path: string, names: SensitiveNames, redactions: Redactions): string {
  const segments = path.split('/');
  let wordAt = -9;
  let slackAt = -9;
  for (let i = 0; i < segments.length && i < SEGMENTS_MAX; i++) {
    const segment = segments[i] as string;
    const word = segments[wordAt] ?? '';
    const note = (rule: string, name: string | null, after: string): void => {
      segments[i] = after;
      redactions.note('path', { rule, name }, segment, after);
    };
    if (i - wordAt <= (/^(?:hooks?|webhooks?)$/i.test(word) ? 3 : 2) && isTokenSegment(segment)) {
      note('looks:path-token', word, REDACTED);
      continue;
    }
    if (i - wordAt === 1 && UUID.test(segment) && LINK_WORDS.test(word)) {
      note('looks:path-token', word, REDACTED);
      continue;
    }
    // Slack's, and its likes': /services/T…/B…/token, /workflows/T…/A…/1/token
    if (segment.length >= 20 && i - slackAt <= 2 && isOpaque(segment)) {
      note('looks:webhook', null, REDACTED);
      continue;
    }
    // A calendar that whoever has its address may read.
    if (/^private-[0-9a-f]{16,64}$/.test(segment)) {
      note('looks:path-token', 'private', `private-${REDACTED}`);
      continue;
    }
    // ASP.NET's session without cookies: `/(X(1)S(…)F(…))/`.
    if (segment.startsWith('(') && /^\((?:[A-Z]\([^()]{1,512}\))+\)$/.test(segment)) {
      const after = segment.replace(/([SF])\([^()]{16,}\)/g, `$1(${REDACTED})`);
      if (after !== segment) note('name:session', null, after);
      continue;
    }
    if (SLACK_ID.test(segment)) slackAt = i;
    if (segment.length <= 48 && (TOKEN_WORDS.test(segment) || names.ofText('query', segment) !== null)) wordAt = i;
    if (isCardBehind(segments[i - 1] ?? '', segment)) note('looks:card', segments[i - 1] ?? null, REDACTED);
  }
  return segments.join('/');
}

function isCardBehind(word: string, segment: string): boolean {
  if (!CARD_WORDS.test(word) || !/^\d{12,19}$/.test(segment)) return false;
  const bytes = Buffer.from(segment);
  return cardEnd(bytes, 0, bytes.length, { name: cardContext('card'), isInProse: false }) > 0;
}

const SEGMENTS_MAX = 256;
/** A card has twelve digits and more, and what else is looked for is longer. */
const LOOKED_SEGMENT_MIN = 12;

export function hasLongSegment(path: string): boolean {
  if (path.length < 20) return false;
  let start = 0;
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', start)) {
    if (end - start >= LOOKED_SEGMENT_MIN) return true;
    start = end + 1;
  }
  return path.length - start >= LOOKED_SEGMENT_MIN;
}

/** Words and numbers joined as titles are in paths: `how-to-reset-your-password-in-2026`. */
const SLUG = /^(?:[A-Z]?[a-z]{1,24}|\d{1,8}|v\d{1,3})(?:[-_.](?:[A-Z]?[a-z]{1,24}|\d{1,8}|v\d{1,3}))+$/;

function isTokenSegment(segment: string): boolean {
  if (segment.length < 16 || segment.length > 4096 || SLUG.test(segment)) return false;
  // `MQ:1abc…`: the id of a user, and the token.
  const colon = segment.lastIndexOf(':');
  const last = colon < 0 ? segment : segment.slice(colon + 1);
  const plain = last.includes('.') && /\.[a-z]{2,5}$/.test(last) ? last.slice(0, last.lastIndexOf('.')) : last;
  return (
    isOpaque(plain) || (!UUID.test(plain) && /^[A-Za-z0-9_-]{20,}$/.test(plain) && isOpaque(plain.replace(/-/g, '')))
  );
}
