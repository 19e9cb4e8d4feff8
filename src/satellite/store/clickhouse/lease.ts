/**
 * The slot of a satellite: a number that no other has at the same time, so that any number of them can write beside each other.
 *
 * A slot that nobody holds is claimed, and looked at again: who sees that another claims it as well gives it up and takes another. Both may
 * see it and give up, which costs a moment; that neither sees it cannot be, as each writes before it looks. It is renewed now and then, and
 * is free again when it was not. Times are the server's.
 *
 * in: a connection · out: a slot, held until `release`
 */
import { randomUUID } from 'node:crypto';
import { SensorError } from '../../../errors.js';
import type { Connection } from './connection.js';
import { SLOTS } from './sequence.js';

const LEASE_SECONDS = 60;
const RENEW_MILLIS = 15_000;
/** Not renewed for so long, it may be another's soon. */
const SAFE_MILLIS = 40_000;
const TRIES_MAX = 20;
const RETRY_MILLIS = 50;

export class Lease {
  readonly #connection: Connection;
  readonly #organisation: string;
  readonly #satellite: string;
  readonly #timer: NodeJS.Timeout;
  readonly slot: number;
  #renewedAt: number;
  #others = 0;

  private constructor(connection: Connection, organisation: string, slot: number, satellite: string) {
    this.#connection = connection;
    this.#organisation = organisation;
    this.#satellite = satellite;
    this.slot = slot;
    this.#renewedAt = performance.now();
    this.#timer = setInterval(() => void this.renew().catch(() => {}), RENEW_MILLIS).unref();
  }

  /** @throws SensorError where there is none */
  static async take(connection: Connection, organisation: string): Promise<Lease> {
    const satellite = randomUUID();
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const held = await heldIn(connection, organisation);
      const free = Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) => !held.has(slot));
      if (free.length === 0)
        throw new SensorError(`${SLOTS} satellites write to this database already; end one, or name another database`);
      // The lowest, which somebody may have left: what it knew is gone on with. Others where that is wanted by more than one.
      const slot = (tries === 0 ? free[0] : free[Math.floor(Math.random() * free.length)]) ?? 0;
      await write(connection, { organisation, slot, satellite, seconds: LEASE_SECONDS });
      const claims = (await heldIn(connection, organisation)).get(slot) ?? [];
      if (claims.every((one) => one === satellite)) return new Lease(connection, organisation, slot, satellite);
      await write(connection, { organisation, slot, satellite, seconds: 0 });
      await new Promise((resolve) => setTimeout(resolve, Math.random() * RETRY_MILLIS * (tries + 1)));
    }
    throw new SensorError('no slot could be had: too many satellites start at once; start it again');
  }

  /** Whether a number can be given: the slot is certainly still this satellite's. */
  get isHeld(): boolean {
    return performance.now() - this.#renewedAt < SAFE_MILLIS;
  }

  /** Whether others write as well. */
  get hasOthers(): boolean {
    return this.#others > 0;
  }

  /** @throws SensorError where it is another's now, or the server does not answer */
  async renew(): Promise<void> {
    const at = performance.now();
    const claim = { organisation: this.#organisation, slot: this.slot, satellite: this.#satellite };
    await write(this.#connection, { ...claim, seconds: LEASE_SECONDS });
    const held = await heldIn(this.#connection, this.#organisation);
    // One that held it all the time may keep it; one that comes back late may not.
    if (!this.isHeld && (held.get(this.slot) ?? []).some((one) => one !== this.#satellite)) {
      await write(this.#connection, { ...claim, seconds: 0 });
      throw new SensorError('the slot of this satellite is another’s now; start it again');
    }
    this.#others = held.size - 1;
    this.#renewedAt = at;
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await write(this.#connection, {
      organisation: this.#organisation,
      slot: this.slot,
      satellite: this.#satellite,
      seconds: 0,
    });
  }
}

/** By slot, who holds or claims it. */
async function heldIn(connection: Connection, organisation: string): Promise<Map<number, string[]>> {
  const rows = await connection.queryExactly<{ slot: number; satellite: string }>(
    `SELECT Slot AS slot, Satellite AS satellite FROM leases WHERE Organisation = {organisation:String}
     GROUP BY Slot, Satellite HAVING argMax(Until, Version) > now64(3)`,
    { organisation },
  );
  const held = new Map<number, string[]>();
  for (const { slot, satellite } of rows) held.set(slot, [...(held.get(slot) ?? []), satellite]);
  return held;
}

interface Claim {
  readonly organisation: string;
  readonly slot: number;
  readonly satellite: string;
  readonly seconds: number;
}

async function write(connection: Connection, { organisation, slot, satellite, seconds }: Claim): Promise<void> {
  await connection.commandExactly(
    `INSERT INTO leases SELECT {organisation:String}, {slot:UInt8}, {satellite:String},
     now64(3) + INTERVAL {seconds:Int32} SECOND, toUnixTimestamp64Nano(now64(9))`,
    { organisation, slot, satellite, seconds },
  );
}
