/**
 * What a sensor was allotted of a budget that it shares with others: so many traces a minute, a number that changes.
 *
 * In no minute are there more grants than the allotment was worth over that minute, ∫ rate dt. So what all sensors send
 * together keeps to the sum of their allotments at every moment, also while these move from one to another, and one that
 * has just been given its part cannot spend a minute's worth at once.
 *
 *     ┌ quarter of a second ┐            entitled: rate · 250 ms, once the quarter is over
 *     │  │  │  │  │  │  │  │  … 240 …    granted:  grants in it, the quarter under way included
 *
 * What is sent is paced, with room for a short burst. As much as endpoints that had less than an equal share lately asked for is
 * kept back for them, up to a quarter, and needs no turn: rare ones are not starved.
 *
 * Times are in milliseconds; one that runs backwards counts as the latest seen.
 */
import { type EndpointRecord, recentGrants } from './endpoint-ledger.js';
import type { Pace, PaceGrant } from './pace.js';

const SLOT_MILLIS = 250;
const MINUTE_SLOTS = 60_000 / SLOT_MILLIS;
const SLOTS = MINUTE_SLOTS + 1;
/** What may be kept back for endpoints that had little. */
const RARE_SHARE = 0.25;
/** Of a minute's worth, at least one. */
const BURST_SHARE = 0.1;
/** A sum of parts of an allotment of 1 is 1. */
const ROUNDING = 1e-6;

export class Allotment implements Pace {
  readonly #entitled = new Float64Array(SLOTS);
  readonly #granted = new Int32Array(SLOTS);
  /** Asked for by endpoints that had little, and granted them. */
  readonly #askedRare = new Int32Array(SLOTS);
  readonly #grantedRare = new Int32Array(SLOTS);
  #entitledTotal = 0;
  #grantedTotal = 0;
  #askedRareTotal = 0;
  #grantedRareTotal = 0;
  /** The quarter of a second under way, and the time that its entitlement is entered up to. */
  #slot = Number.NEGATIVE_INFINITY;
  #entered = Number.NEGATIVE_INFINITY;
  /** Entitlement of the quarter under way. */
  #current = 0;
  #tokens = 0;
  #perMinute = 0;

  /** Traces a minute, from `now` on. */
  set(perMinute: number, now: number): void {
    this.#advance(now);
    this.#perMinute = perMinute;
  }

  take(record: EndpointRecord, activeEndpoints: number, now: number): PaceGrant | null {
    this.#advance(now);
    const at = place(this.#slot);
    const isRare = recentGrants(record, now) < this.#entitledTotal / activeEndpoints;
    if (isRare) {
      (this.#askedRare[at] as number)++;
      this.#askedRareTotal++;
    }
    const worth = Math.floor(this.#entitledTotal + ROUNDING);
    if (this.#grantedTotal >= worth) return null;
    const keptBack = Math.floor(worth * RARE_SHARE);
    if (isRare && this.#grantedRareTotal < Math.max(1, keptBack)) return this.#grant(at, true);
    // One more is kept back for an endpoint that nobody has asked for yet.
    const reserved = Math.min(keptBack, this.#askedRareTotal + 1);
    const isOver = this.#grantedTotal - this.#grantedRareTotal >= worth - reserved;
    return isOver || this.#tokens < 1 ? null : this.#grant(at, false);
  }

  async close(): Promise<void> {}

  #grant(at: number, isRare: boolean): PaceGrant {
    const slot = this.#slot;
    (this.#granted[at] as number)++;
    this.#grantedTotal++;
    this.#tokens--;
    if (isRare) {
      (this.#grantedRare[at] as number)++;
      this.#grantedRareTotal++;
    }
    return {
      giveBack: () => {
        this.#tokens = Math.min(this.#burst, this.#tokens + 1);
        if (slot <= this.#slot - SLOTS) return;
        (this.#granted[at] as number)--;
        this.#grantedTotal--;
        if (!isRare) return;
        (this.#grantedRare[at] as number)--;
        this.#grantedRareTotal--;
      },
    };
  }

  get #burst(): number {
    return Math.max(1, this.#perMinute * BURST_SHARE);
  }

  #advance(now: number): void {
    if (now <= this.#entered) return;
    if (this.#entered === Number.NEGATIVE_INFINITY) {
      this.#entered = now;
      this.#slot = Math.floor(now / SLOT_MILLIS);
      return;
    }
    const worth = ((now - this.#entered) * this.#perMinute) / 60_000;
    // Rare grants may have overdrawn it by up to a minute's worth of them.
    this.#tokens = Math.min(this.#burst, Math.max(this.#tokens, -this.#perMinute * RARE_SHARE) + worth);
    const slot = Math.floor(now / SLOT_MILLIS);
    if (slot === this.#slot) {
      this.#current += worth;
    } else {
      this.#turn(slot, now);
    }
    this.#entered = now;
  }

  /** Closes the slot under way and those that passed without a call. */
  #turn(slot: number, now: number): void {
    const perMilli = this.#perMinute / 60_000;
    this.#close(this.#slot, this.#current + ((this.#slot + 1) * SLOT_MILLIS - this.#entered) * perMilli);
    for (let passed = Math.max(this.#slot + 1, slot - SLOTS); passed < slot; passed++)
      this.#close(passed, SLOT_MILLIS * perMilli);
    this.#slot = slot;
    this.#clear(slot);
    this.#current = (now - slot * SLOT_MILLIS) * perMilli;
  }

  /** The minute of entitlement is that of the slots before the one under way. */
  #close(slot: number, worth: number): void {
    this.#clear(slot + 1);
    this.#entitled[place(slot)] = worth;
    let sum = 0;
    for (let i = 0; i < SLOTS; i++) sum += this.#entitled[i] as number;
    this.#entitledTotal = sum;
  }

  /** Makes `slot` a new one, in the place of one that is more than a minute old. */
  #clear(slot: number): void {
    const at = place(slot);
    this.#entitledTotal -= this.#entitled[at] as number;
    this.#grantedTotal -= this.#granted[at] as number;
    this.#askedRareTotal -= this.#askedRare[at] as number;
    this.#grantedRareTotal -= this.#grantedRare[at] as number;
    this.#entitled[at] = 0;
    this.#granted[at] = 0;
    this.#askedRare[at] = 0;
    this.#grantedRare[at] = 0;
  }
}

function place(slot: number): number {
  return ((slot % SLOTS) + SLOTS) % SLOTS;
}
