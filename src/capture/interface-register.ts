/**
 * The interfaces captured so far: an id for each, and what each has counted over all the captures it had.
 *
 * in: interfaces as they are opened and closed · out: `CaptureInterface`s by id, `InterfaceStatistics`
 */

import { SensorError } from '../errors.js';
import type { InterfaceCapture } from './interface-capture.js';
import type { CaptureInterface, InterfaceStatistics } from './packet-batch.js';

export class InterfaceRegister {
  /** By id; grows up to the maximum, then an interface that is gone gives its id to a new one. */
  readonly interfaces: CaptureInterface[] = [];
  readonly #interfacesMax: number;
  /** What the closed captures of each id had counted. */
  readonly #closed = new Map<number, InterfaceStatistics>();

  constructor(interfacesMax: number) {
    this.#interfacesMax = interfacesMax;
  }

  /** The interface as packets name it; `open` are the captures whose ids are in use. */
  identify(name: string, linkType: number, open: Iterable<InterfaceCapture>): CaptureInterface {
    const known = this.interfaces.find((other) => other.name === name && other.linkType === linkType);
    if (known !== undefined) return known;
    if (this.interfaces.length < this.#interfacesMax) {
      const added = { id: this.interfaces.length, name, linkType };
      this.interfaces.push(added);
      return added;
    }
    const inUse = new Set([...open].map(({ capture }) => capture.id));
    const free = this.interfaces.find(({ id }) => !inUse.has(id));
    if (free === undefined) {
      throw new SensorError(`interface ${name}: ${this.#interfacesMax} interfaces are captured already`);
    }
    const replaced = { id: free.id, name, linkType };
    this.interfaces[free.id] = replaced;
    this.#closed.delete(free.id);
    return replaced;
  }

  /** Keeps the counts of a capture that has ended. */
  noteClosed(source: InterfaceCapture): void {
    const { id } = source.capture;
    this.#closed.set(id, sum(this.#closed.get(id), source.statistics()));
  }

  /** The counts by id, of the captures that are `open` and of those before them. */
  statistics(open: Iterable<InterfaceCapture>): InterfaceStatistics[] {
    const current = new Map(this.#closed);
    for (const source of open) {
      const { id } = source.capture;
      current.set(id, sum(current.get(id), source.statistics()));
    }
    return [...current].sort(([a], [b]) => a - b).map(([, statistics]) => statistics);
  }
}

function sum(a: InterfaceStatistics | undefined, b: InterfaceStatistics): InterfaceStatistics {
  if (a === undefined) return b;
  return {
    name: b.name,
    packets: a.packets + b.packets,
    dropped: a.dropped === null || b.dropped === null ? null : a.dropped + b.dropped,
    freezes: a.freezes === null || b.freezes === null ? null : a.freezes + b.freezes,
  };
}
