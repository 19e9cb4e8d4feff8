/** What it takes until what a lane has paired is believed. */

/**
 * Turns after which a place that had to be found is believed, or silence: of a client that was seen to send one request at
 * a time, and of any other, which may have had more requests under way than were seen.
 */
export const TURNS_TO_PROVE_SINGLE = 1;
export const TURNS_TO_PROVE = 4;
/** Turns after which it is likely enough where the turns are not seen to go on. */
const TURNS_LIKELY = 2;
/** Silence of a server that owes nothing, or of both sides, that shows that nothing is under way. */
export const SILENCE_NANOS = 1e9;
/** Exchanges that wait to be proven. */
export const UNPROVEN_MAX = 32;
/** Turns without a doubt after which a client that sent one request in each is taken to do nothing else. */
export const SINGLE_TURNS_MIN = 2;
/** Requests in a row, each right behind the one before, that are no text in a body. */
export const FOUND_IN_ROW = 3;

/** Whether so many turns are left to prove that enough have passed. */
export const isLikely = (turnsToProve: number): boolean => turnsToProve <= TURNS_TO_PROVE - TURNS_LIKELY;
