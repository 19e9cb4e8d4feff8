/**
 * The traces that the satellite holds, as the JSON text that is served: what is held is known to the byte, and serving it
 * parses and builds nothing.
 *
 * in: traces as read · out: the newest, within a number and a number of bytes
 */
import { jsonText } from '../receive/json-text.js';
import type { SatelliteTrace } from '../receive/satellite-trace.js';

export interface StoreBounds {
  readonly traces_max: number;
  readonly bytes_max: number;
}

interface Held {
  readonly parts: readonly Buffer[];
  readonly bytes: number;
}

/** What an entry takes besides its text. */
const ENTRY_BYTES = 256;

export class TraceStore {
  readonly #bounds: StoreBounds;
  /** By number, oldest first. */
  readonly #held = new Map<number, Held>();
  #next = 0;
  #bytes = 0;

  constructor(bounds: StoreBounds) {
    this.#bounds = bounds;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#held.size;
  }

  /** Holds traces of one request, which mostly share their resource; a trace larger than all the room is not held. */
  add(traces: readonly SatelliteTrace[]): void {
    const resources = new Map<unknown, Buffer>();
    for (const { span, resource, ...head } of traces) {
      let resourceText = resources.get(resource);
      if (resourceText === undefined) {
        resourceText = Buffer.from(`${jsonText(resource)}}`);
        resources.set(resource, resourceText);
      }
      const own = `${JSON.stringify(head).slice(0, -1)},"span":${jsonText(span)},"resource":`;
      const parts = [Buffer.from(own), resourceText];
      this.#hold(parts, ENTRY_BYTES + parts.reduce((sum, { length }) => sum + length, 0));
    }
  }

  #hold(parts: readonly Buffer[], bytes: number): void {
    if (bytes > this.#bounds.bytes_max) return;
    this.#held.set(this.#next++, { parts, bytes });
    this.#bytes += bytes;
    for (const [number, { bytes: freed }] of this.#held) {
      if (this.#held.size <= this.#bounds.traces_max && this.#bytes <= this.#bounds.bytes_max) return;
      this.#held.delete(number);
      this.#bytes -= freed;
    }
  }

  /**
   * The traces held now as a JSON array, oldest first, in pieces. What is evicted before its turn is left out, so that a
   * slow reader keeps nothing from being released.
   */
  *text(): Generator<Buffer, void, undefined> {
    const end = this.#next;
    let separator = '[';
    for (const [number, { parts }] of this.#held) {
      if (number >= end) break;
      yield Buffer.concat([Buffer.from(separator), ...parts]);
      separator = ',';
    }
    yield Buffer.from(separator === '[' ? '[]' : ']');
  }

  list(): SatelliteTrace[] {
    return JSON.parse(Buffer.concat([...this.text()]).toString('utf8')) as SatelliteTrace[];
  }
}
