/**
 * What a word in a path is like by itself: whether APIs are made of it, whether it is an action, a member of an enumeration, a code.
 */
import { singular, tokensOf } from '../../trace/parameter-name.js';
import { isVersion, splitSuffix } from '../../trace/path-values.js';
import { wordLevel } from './path-words.js';

export interface Lexical {
  /** 0 to 4, as `wordLevel`, in the mean of its tokens. */
  readonly level: number;
  /** Which share of its tokens no API is known by. */
  readonly unknown: number;
  readonly tokens: readonly string[];
  readonly hasDigit: boolean;
  readonly hasCapital: boolean;
  readonly hasPunctuation: boolean;
  readonly isPlural: boolean;
  /** Begins with a verb. */
  readonly isAction: boolean;
  /** Mostly a member of an enumeration where APIs have it. */
  readonly isMember: boolean;
  /** Has the form of a language, country, locale or currency. */
  readonly isCode: boolean;
}

export function lexicalOf(word: string): Lexical {
  const { stem, suffix } = splitSuffix(word);
  const tokens = tokensOf(stem);
  const levels = tokens.map(wordLevel);
  const last = tokens.at(-1) ?? '';
  const unknown = isVersion(stem)
    ? 0
    : levels.length === 0
      ? 1
      : levels.filter((level) => level === 0).length / levels.length;
  return {
    level: levels.length === 0 ? 0 : levels.reduce((sum, level) => sum + level, 0) / levels.length,
    unknown,
    tokens: tokens.map(singular),
    hasDigit: /\d/.test(stem) && !isVersion(stem),
    hasCapital: /[A-Z]/.test(stem),
    hasPunctuation: /[-_. ~%]/.test(stem) || suffix.startsWith('.'),
    isPlural: last.length > 3 && last.endsWith('s') && !/(?:ss|us|is)$/.test(last),
    isAction: ACTIONS.has(tokens[0] ?? ''),
    isMember: MEMBERS.has(stem.toLowerCase().replace(/_/g, '-')),
    isCode: CODE.test(stem) && !NO_CODES.has(stem),
  };
}

/** `de`, `DE`, `pt-BR`, `zh_Hans`, `USD`. */
const CODE = /^(?:[a-z]{2}|[A-Z]{2,3}|[a-z]{2,3}[-_](?:[A-Za-z]{2}|[A-Z][a-z]{3}))$/;
const NO_CODES = new Set([
  'me',
  'my',
  'id',
  'ip',
  'tv',
  'ui',
  'qr',
  'db',
  'op',
  'ok',
  'ad',
  'ai',
  'ml',
  'vm',
  'hr',
  'up',
  'io',
]);

const ACTIONS = new Set(
  `abort accept acknowledge activate add adjust allow analyze approve archive assign associate attach authenticate authorize block
  book bulk calculate cancel capture change check claim clear clone close commit compare complete compute configure confirm connect
  convert copy count create deactivate decline delete deny deploy describe destroy detach detect disable disassociate disconnect
  dismiss download drop duplicate edit enable encode enqueue estimate evaluate exchange execute export extend extract fetch find
  finalize finish flush follow forget generate get give grant hide ignore import index initialize initiate insert install invalidate
  invite invoke issue join kick leave list load lock login logout lookup make mark match merge migrate move mute notify open order
  patch pause pay perform pin ping play post preview process promote provision publish purge push put query read reboot receive
  recover redeem refresh refund regenerate register reject release reload remove rename renew reopen reorder replace reply report
  request resend reset resize resolve restart restore resume retrieve retry return reverse revert revoke rollback rotate run save
  scale scan schedule search select send set share shuffle sign simulate skip snooze sort split start stop submit subscribe suggest
  suspend swap switch sync synchronize tag terminate test toggle track transfer transform translate trigger unarchive unassign
  unblock uninstall unlink unlock unmute unpin unpublish unregister unsubscribe update upgrade upload upsert use validate verify
  view void watch withdraw write`.split(/\s+/),
);

/** Of some 700 providers more have them as members of an enumeration than as words of a path. */
const MEMBERS = new Set(
  `accepted active adult album all android any archived article artist ascending approved asc assigned authorized banned basic
  blocked business cancelled canceled cash child city closed color completed created-at critical csv daily day day-ahead december
  default deleted delivered desc descending desktop disabled draft east en-us enabled english enterprise episode error expired
  failed false female fortnightly france friday full global google gif hour hourly high inactive inbound individual in-progress ios
  january jira jpeg jpg json jsonp large left linux local low macos male medium mobile monday month monthly movie never newest none
  normal north object oldest open other outbound paid partial pdf pending person png popular pre-release private processing public
  quarter quarterly queued received region rejected relevance right running saturday scheduled second season sent show
  small south started submitted success sunday svg tablet thursday title track true tuesday txt undefined unknown updated-at user
  waiting web wednesday week weekly west windows world xls xlsx xml yaml year yearly yes yml zip`.split(/\s+/),
);
