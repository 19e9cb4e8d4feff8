/**
 * What it takes until what a lane has paired is believed.
 *
 * What the numbers cannot show is whether other requests were under way that nobody saw: a client that was joined in the
 * middle, or whose requests were lost, may have sent some before. Then each response belongs to an earlier request than the
 * one it seems to answer, and there is one too many in the end. So what was paired is believed only after `TURNS_TO_PROVE`
 * turns without a contradiction, or when the server falls silent or ends with nothing owed. A response that nobody waits for,
 * one that begins before its request has ended, or one cut off, which may have swallowed the next, is a contradiction.
 * A client whose requests were all seen, or that has taken turns one request at a time before, needs one turn. So does one whose
 * connection was seen from its start, behind a pause with everything received: then it can be paired again what answers what.
 */
import { Ending } from '../http/message-sink.js';
import type { PendingExchange } from './pending-exchanges.js';

/**
 * Turns after which a place that had to be found is believed, or silence: of a client that was seen to send one request at
 * a time, and of any other, which may have had more requests under way than were seen.
 */
export const TURNS_TO_PROVE_SINGLE = 1;
export const TURNS_TO_PROVE = 8;
/** Turns after which it is likely enough where the turns are not seen to go on. */
const TURNS_LIKELY = 4;
/**
 * Silence of a server that owes nothing, or of both sides, that shows that nothing is under way: of a client that was seen to
 * send one request at a time, and of any other. A request that nobody saw may wait for its response for as long as proxies
 * do, which is a minute where it was not set.
 */
const SILENCE_SINGLE_NANOS = 1e9;
const SILENCE_NANOS = 65e9;
/** Exchanges that wait to be proven. */
export const UNPROVEN_MAX = 32;
/** Turns without a doubt after which a client that sent one request in each is taken to do nothing else. */
export const SINGLE_TURNS_MIN = 2;

export const silenceNanos = (isSingle: boolean): number => (isSingle ? SILENCE_SINGLE_NANOS : SILENCE_NANOS);

/** Whether so many turns are left to prove that enough have passed. */
export const isLikely = (turnsToProve: number): boolean => turnsToProve <= TURNS_TO_PROVE - TURNS_LIKELY;

/** Whether so many turns that passed as expected are enough to take the client for one that sends one request in each. */
export const areSingle = (turns: number, isOver: boolean): boolean => turns >= (isOver ? TURNS_LIKELY : TURNS_TO_PROVE);

/** A response that is as short as can be: a status line without a reason, and its empty line. */
const RESPONSE_BYTES_MIN = 17;

/**
 * Whether `lost` bytes of the responses may hold what would have shown that there are too many, while so many turns are left
 * to prove.
 */
export const mayHide = (turnsToProve: number, lost: number): boolean =>
  turnsToProve > TURNS_TO_PROVE_SINGLE && lost >= RESPONSE_BYTES_MIN;

/**
 * Whether a response that ends so may be another's, and may have swallowed what followed, while so many turns are left to
 * prove. `isOnlyOne`: it may be all there is of its connection.
 */
export function maySwallow(
  { exchange, isLast, responseBody }: PendingExchange,
  ending: Ending,
  turnsToProve: number,
  isOnlyOne: boolean,
): boolean {
  const isSingle = turnsToProve === TURNS_TO_PROVE_SINGLE;
  const isCut = ending === Ending.aborted || ending === Ending.unfinished;
  if (turnsToProve === 0 || (isSingle && !isCut)) return false;
  // One of one segment has swallowed none, if nothing was lost behind that.
  const isOneSegment = exchange?.endTime === exchange?.responseStartTime && responseBody?.truncated !== true;
  // One that lasts as long as its connection has swallowed all, if it answers a HEAD that was not seen.
  if (ending === Ending.complete || ending === Ending.lost) return isLast && !isOneSegment;
  return ending !== Ending.unfinished || !isOneSegment || !isOnlyOne;
}

/**
 * Whether the end of its connection proves what was paired, while so many turns are left to prove. `isOwed`: a response is
 * missing, which may have been lost; `isEarly`: the connection did not end as both sides agreed to, so that others may have
 * been on their way; `isLacking`: and some were, as its reset says.
 */
export function endProves(turnsToProve: number, isOwed: boolean, isEarly: boolean, isLacking: boolean): boolean {
  if (isLikely(turnsToProve)) return true;
  return !isOwed && !(isEarly && isLacking);
}
