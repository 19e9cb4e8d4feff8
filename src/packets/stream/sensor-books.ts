/**
 * The books of a sensor, an account for each interface: what was captured is sent, dropped for a reason, or in flight.
 *
 * in: counts · out: accounts that add up at any moment
 */
import type { CaptureInterface } from '../../capture/packet-batch.js';

/** Why packets were not sent, as the log and the metrics say it. */
export const SENSOR_DROPS = {
  'queue-full': 'the receiver was away or slow, and the queue full',
  'spool-full': 'the receiver was away, and the spool full',
  'spool-failed': 'the spool could not be written or read',
  'not-acknowledged': 'the sensor ended before the receiver had them',
} as const;
export type SensorDrop = keyof typeof SENSOR_DROPS;

/** Packets of interfaces, by the name of each. */
export type PacketCounts = readonly (readonly [name: string, packets: number])[];

export interface Account {
  captured: number;
  sent: number;
  readonly dropped: Record<SensorDrop, number>;
}

export interface SensorBooks {
  readonly accounts: ReadonlyMap<string, Readonly<Account>>;
  capture(counts: PacketCounts): void;
  send(counts: PacketCounts): void;
  drop(counts: PacketCounts, reason: SensorDrop): void;
  /** Packets that were captured and are neither sent nor dropped. */
  inFlight(name: string): number;
}

export function createSensorBooks(): SensorBooks {
  const accounts = new Map<string, Account>();
  const account = (name: string): Account => {
    let found = accounts.get(name);
    if (found === undefined) {
      const dropped = Object.fromEntries(Object.keys(SENSOR_DROPS).map((reason) => [reason, 0]));
      found = { captured: 0, sent: 0, dropped: dropped as Record<SensorDrop, number> };
      accounts.set(name, found);
    }
    return found;
  };
  return {
    accounts,
    capture(counts) {
      for (const [name, packets] of counts) account(name).captured += packets;
    },
    send(counts) {
      for (const [name, packets] of counts) account(name).sent += packets;
    },
    drop(counts, reason) {
      for (const [name, packets] of counts) account(name).dropped[reason] += packets;
    },
    inFlight(name) {
      const { captured, sent, dropped } = account(name);
      return captured - sent - Object.values(dropped).reduce((sum, packets) => sum + packets, 0);
    },
  };
}

/** Packets taken of each interface since they were last taken away, by id. */
export interface InterfaceTally {
  add(id: number): void;
  take(interfaces: readonly CaptureInterface[]): PacketCounts;
}

export function createInterfaceTally(interfacesMax: number): InterfaceTally {
  const packets = new Uint32Array(interfacesMax);
  const touched: number[] = [];
  return {
    add(id) {
      if (packets[id] === 0) touched.push(id);
      (packets[id] as number)++;
    },
    take(interfaces) {
      const counts = touched.map((id) => [interfaces[id]?.name ?? '?', packets[id] as number] as const);
      for (const id of touched) packets[id] = 0;
      touched.length = 0;
      return counts;
    },
  };
}
