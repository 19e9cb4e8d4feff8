/**
 * The time of day that is never set back while a process runs.
 *
 * in: the time of day; a clock that nobody sets, both in milliseconds · out: whole milliseconds since 1970
 *
 * Nothing signed is taken twice because nothing is taken that is earlier than what was forgotten (`nonces.ts`). A satellite whose clock
 * was set back by an hour would therefore take nothing for an hour; and one whose clock was wrong by years for a moment, nothing any
 * more. Its sensors go by the time that it says, so it may as well go on from where it was.
 */
export function steadyClock(timeOfDay: () => number, elapsed: () => number): () => number {
  let time = timeOfDay();
  let at = elapsed();
  return () => {
    const now = elapsed();
    time = Math.max(timeOfDay(), time + now - at);
    at = now;
    return Math.floor(time);
  };
}
