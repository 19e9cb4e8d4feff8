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
 * Every endpoint has a floor: an equal part of a quarter of the allotment, of which it may save some traces up. What is within it
 * needs no turn, and as much as was lately asked for within floors is kept back for them: rare endpoints are not starved. All else is
 * paced, with room for a short burst.
 *
 * Times are in milliseconds; one that runs backwards counts as the latest seen.
 */
import type { EndpointRecord } from './endpoint-ledger.js';
import type { Pace, PaceGrant } from './pace.js';

const SLOT_MILLIS = 250;
const MINUTE_SLOTS = 60_000 / SLOT_MILLIS;
const SLOTS = MINUTE_SLOTS + 1;
/** What endpoints have in equal parts. */
const FLOOR_SHARE = 0.25;
/** Traces that an endpoint may save up of its part. */
const FLOOR_SAVED_MAX = 3;
/** What may be saved for a burst, in parts of a minute's worth; at least one trace. */
const BURST_SHARE = 0.1;
/** A sum of parts of an allotment of 1 is 1. */
const ROUNDING = 1e-6;

export class Allotment implements Pace {
  readonly #entitled = new Float64Array(SLOTS);
  readonly #granted = new Int32Array(SLOTS);
  /** Asked for within floors, and granted so. */
  readonly #askedFloor = new Int32Array(SLOTS);
  readonly #grantedFloor = new Int32Array(SLOTS);
  #entitledTotal = 0;
  #grantedTotal = 0;
  #askedFloorTotal = 0;
  #grantedFloorTotal = 0;
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
    const isDue = this.#isDue(record, activeEndpoints, now);
    const worth = Math.floor(this.#entitledTotal + ROUNDING);
    if (this.#grantedTotal < worth) {
      // One more is kept back for an endpoint that nobody has asked for yet.
      const keptBack = Math.min(Math.round(worth * FLOOR_SHARE), this.#askedFloorTotal + 1);
      const isOver = this.#grantedTotal - this.#grantedFloorTotal >= worth - keptBack;
      if (!isOver && this.#tokens >= 1) return this.#grant(record, false);
    }
    if (!isDue) return null;
    (this.#askedFloor[at] as number)++;
    this.#askedFloorTotal++;
    if (this.#grantedTotal >= worth) return null;
    return this.#grant(record, true);
  }

  async close(): Promise<void> {}

  /** Whether the endpoint has a trace left of its part. */
  #isDue(record: EndpointRecord, activeEndpoints: number, now: number): boolean {
    const floor = (this.#entitledTotal * FLOOR_SHARE) / activeEndpoints;
    record.due = Math.min(FLOOR_SAVED_MAX, record.due + (Math.max(0, now - record.dueAt) * floor) / 60_000);
    record.dueAt = now;
    return record.due >= 1;
  }

  #grant(record: EndpointRecord, isFloor: boolean): PaceGrant {
    const slot = this.#slot;
    const at = place(slot);
    // A floor is no extra: one that has more by its turns is due nothing.
    record.due = Math.max(-1, record.due - 1);
    (this.#granted[at] as number)++;
    this.#grantedTotal++;
    this.#tokens--;
    if (isFloor) {
      (this.#grantedFloor[at] as number)++;
      this.#grantedFloorTotal++;
    }
    return {
      giveBack: () => {
        record.due++;
        this.#tokens = Math.min(this.#burst, this.#tokens + 1);
        if (slot <= this.#slot - SLOTS) return;
        (this.#granted[at] as number)--;
        this.#grantedTotal--;
        if (!isFloor) return;
        (this.#grantedFloor[at] as number)--;
        this.#grantedFloorTotal--;
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
    this.#tokens = Math.min(this.#burst, Math.max(this.#tokens, -this.#perMinute * FLOOR_SHARE) + worth);
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
    this.#askedFloorTotal -= this.#askedFloor[at] as number;
    this.#grantedFloorTotal -= this.#grantedFloor[at] as number;
    this.#entitled[at] = 0;
    this.#granted[at] = 0;
    this.#askedFloor[at] = 0;
    this.#grantedFloor[at] = 0;
  }
}

function place(slot: number): number {
  return ((slot % SLOTS) + SLOTS) % SLOTS;
}
