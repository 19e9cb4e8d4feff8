/**
 * How a client takes turns with its server: in each it sends one request or several, most often when it has received all that was
 * asked before.
 *
 * in:  turns as they pass · out: whether it was seen to do nothing but send one request and wait for its response
 */
import { areSingle, SINGLE_TURNS_MIN } from './proof.js';

export class Turns {
  /** Whether the client was seen to send a request before it had the response to one of an earlier turn. */
  overlap = false;
  /** Whether it was seen to send several requests in one turn. */
  batch = false;
  /** Those without a doubt. */
  clean = 0;
  /** Those that passed as expected, whatever was lost between them. */
  passed = 0;

  /** See `MessageSink.mayBeSingle`. */
  get mayBeSingle(): boolean {
    return !this.overlap && !this.batch;
  }

  /** Whether enough were seen of a client that has done nothing else. */
  get areSingle(): boolean {
    return this.clean >= SINGLE_TURNS_MIN;
  }

  /** See `MessageSink.underWayMax`. `counted`: as many as were counted; `isOver`: no more follow. */
  underWayMax(counted: number, isOver: boolean): number {
    return this.mayBeSingle && (this.areSingle || areSingle(this.passed, isOver)) ? 0 : counted;
  }
}
