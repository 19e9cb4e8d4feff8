/**
 * One time for all interfaces of a capture, each of which has a clock of its own: what is waited for and what is forgotten
 * goes by it, so that a clock that is wrong or was set ends nothing.
 *
 * in:  packets' times by their interfaces' clocks · out: moments, nanoseconds in the same measure
 *
 * Packets come in the order in which they were captured, as far as interfaces are not behind one another. So an interface whose
 * first packet is far from the moment has another clock, and one that goes back, or forward by more than any wait, was set. A
 * moment is the packet's time less what its clock is ahead, in whole seconds.
 */

/** How far interfaces may be behind one another, and packets behind those before them. */
const APART_NANOS = 10e9;
/** A longer step forward is one of the clock: longer than anything is waited for, unless options say otherwise. */
const STEP_NANOS = 1800e9;
const SECOND_NANOS = 1e9;
const INTERFACES_MIN = 16;

/** The sensor's own clock, which says the moment while there are no packets. */
export const OWN_CLOCK = -1;

export class Clocks {
  /** The latest moment. */
  now = Number.NEGATIVE_INFINITY;
  /** By interface id plus one: how far its clock is ahead, in nanoseconds, and was before it was last set; NaN if not known. */
  #ahead = new Float64Array(INTERFACES_MIN).fill(Number.NaN);
  #before = new Float64Array(INTERFACES_MIN).fill(Number.NaN);
  /** What the clock of one of them was last found to be ahead. */
  #lastFound = 0;

  constructor() {
    this.#ahead[OWN_CLOCK + 1] = 0;
  }

  /** The moment of a packet that comes now, whose interface has the id `clock`; or that of `OWN_CLOCK`. */
  moment(clock: number, time: number): number {
    const moment = time - (this.#ahead[clock + 1] as number);
    const step = moment - this.now;
    // No comparison holds of NaN.
    if (step <= APART_NANOS && step >= -APART_NANOS) {
      if (step > 0) this.now = moment;
      return moment;
    }
    return this.#afterStep(clock, time);
  }

  /** Seconds that the clock is ahead of the moments. */
  secondsAhead(clock: number): number {
    const ahead = this.#ahead[clock + 1];
    return ahead === undefined || Number.isNaN(ahead) ? 0 : ahead / SECOND_NANOS;
  }

  #afterStep(clock: number, time: number): number {
    if (clock + 1 >= this.#ahead.length) this.#grow(clock + 2);
    const known = this.#ahead[clock + 1] as number;
    const before = this.#before[clock + 1] as number;
    if (this.now === Number.NEGATIVE_INFINITY) {
      this.#ahead[clock + 1] = 0;
    } else if (Number.isNaN(known)) {
      this.#ahead[clock + 1] = this.#isNow(time) ? 0 : this.#found(time);
    } else if (this.#isNow(time - before)) {
      // It was wrong for a while.
      this.#set(clock, before);
    } else if (this.#isNow(time - this.#lastFound)) {
      // A pause, behind which another interface had its first packet: that one's clock is the same.
      this.#set(clock, this.#lastFound);
    } else {
      const step = time - known - this.now;
      if (step < 0 || step > STEP_NANOS) this.#set(clock, this.#found(time));
    }
    const moment = time - (this.#ahead[clock + 1] as number);
    if (moment > this.now) this.now = moment;
    return moment;
  }

  #isNow(moment: number): boolean {
    return Math.abs(moment - this.now) <= APART_NANOS;
  }

  /** What a clock is ahead that says `time`. No time has passed. */
  #found(time: number): number {
    this.#lastFound = Math.ceil((time - this.now) / SECOND_NANOS) * SECOND_NANOS;
    return this.#lastFound;
  }

  #set(clock: number, ahead: number): void {
    this.#before[clock + 1] = this.#ahead[clock + 1] as number;
    this.#ahead[clock + 1] = ahead;
  }

  #grow(length: number): void {
    this.#ahead = grown(this.#ahead, length);
    this.#before = grown(this.#before, length);
  }
}

function grown(values: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(Math.max(values.length * 2, length)).fill(Number.NaN);
  larger.set(values);
  return larger;
}
