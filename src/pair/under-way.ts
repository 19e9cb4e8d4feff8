/**
 * How many requests a client has under way: a client that pipelines keeps to a number of its own.
 *
 * in:  requests and ends of responses, while it is known which answers which · out: the most there were
 */

/** How often that many must have been seen. */
const SEEN_MIN = 3;
/** The same where that many requests were seen, as if the client had sent so many twice. */
const SEEN_MIN_OF_MANY = 2;
const manyOf = (most: number): number => 2 * most + 4;
/** Ends of responses that are remembered: no client has this many on their way. */
const ENDS_MAX = 256;
const NO_ENDS: number[] = [];
const NOWHERE = -1;

export class UnderWay {
  #most = 0;
  #seen = 0;
  #count = 0;
  /** Where responses end that no request has acknowledged yet: nearly always one at most, so that no list is made. */
  #end = NOWHERE;
  #ends: number[] = NO_ENDS;
  /** The furthest that a request has acknowledged. */
  #acknowledged = 0;

  /**
   * A request comes that acknowledges the responses up to `acknowledges`, while `waiting` others wait for theirs. One that
   * acknowledges less than another in front of it was sent before that was sent again (RFC 9293 §3.8.1): until a request
   * acknowledges as much, there were more under way than are counted, and what was seen until then says nothing.
   */
  note(waiting: number, acknowledges: number): void {
    const isTooFew = acknowledges < this.#acknowledged;
    if (isTooFew) this.#seen = 0;
    else this.#acknowledged = acknowledges;
    while (this.#end !== NOWHERE && this.#end <= acknowledges) this.#end = this.#ends.shift() ?? NOWHERE;
    this.#count++;
    const underWay = waiting + (this.#end === NOWHERE ? 0 : 1 + this.#ends.length);
    if (underWay < this.#most) return;
    if (underWay > this.#most) this.#seen = 0;
    this.#most = underWay;
    if (!isTooFew) this.#seen++;
  }

  noteAnswered(place: number): void {
    if (this.#end === NOWHERE) this.#end = place;
    else if (this.#ends === NO_ENDS) this.#ends = [place];
    else if (this.#ends.length < ENDS_MAX - 1) this.#ends.push(place);
  }

  /** The most that were under way when another was sent; -1 where that was not seen often enough. */
  get max(): number {
    const isSeen = this.#seen >= SEEN_MIN || (this.#seen >= SEEN_MIN_OF_MANY && this.#count >= manyOf(this.#most));
    return isSeen ? this.#most : -1;
  }
}
