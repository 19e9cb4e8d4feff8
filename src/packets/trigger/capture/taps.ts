/**
 * The taps that are open: one that keeps packets from before a message, if that is asked for, and one for each interface
 * that is captured beside it, which goes some time after its last capture.
 */
import type { ExcludedEndpoint, FilterParts } from '../../../capture/exclusions.js';
import type { LookbackSettings } from '../configuration/settings.js';
import { ANY_INTERFACE } from '../message/admission.js';
import { Tap, type TapContext, type TapSource } from './tap.js';

export interface TapsContext {
  /** Opens a live source on these interfaces; on all that are up where there are none. */
  openSource(names: readonly string[], filter: FilterParts): TapSource;
  readonly lookback: LookbackSettings | null;
  readonly takesMetadata: boolean;
  warn(message: string): void;
  onFailure(error: unknown): void;
}

/** How long a ring stays open for another message: opening one costs some 20 ms. */
const IDLE_MILLIS = 10_000;

export class Taps {
  readonly #context: TapsContext;
  readonly #byInterface = new Map<string, { readonly tap: Tap; idleSince: number | null }>();
  readonly #keeping: Tap | null;
  readonly #closing = new Set<Promise<void>>();
  #excluded: readonly ExcludedEndpoint[] = [];

  /** @throws SensorError where packets are to be kept and cannot be captured */
  constructor(context: TapsContext) {
    this.#context = context;
    this.#keeping = context.lookback === null ? null : this.#open([], context.lookback);
  }

  /** The tap of an interface. @throws SensorError where it cannot be captured */
  of(interfaceName: string): Tap {
    if (this.#keeping !== null) return this.#keeping;
    const known = this.#byInterface.get(interfaceName);
    if (known !== undefined) {
      known.idleSince = null;
      return known.tap;
    }
    const tap = this.#open(interfaceName === ANY_INTERFACE ? [] : [interfaceName], null);
    this.#byInterface.set(interfaceName, { tap, idleSince: null });
    return tap;
  }

  noteTime(): void {
    this.#keeping?.noteTime();
    for (const [name, one] of this.#byInterface) {
      one.tap.noteTime();
      if (one.tap.jobs > 0) one.idleSince = null;
      else one.idleSince ??= performance.now();
      if (one.idleSince === null || performance.now() - one.idleSince < IDLE_MILLIS) continue;
      this.#byInterface.delete(name);
      const closed = one.tap.close();
      this.#closing.add(closed);
      void closed.then(() => this.#closing.delete(closed));
    }
  }

  exclude(excluded: readonly ExcludedEndpoint[]): void {
    this.#excluded = excluded;
    for (const tap of this.#all()) tap.exclude(excluded);
  }

  /** Ends every capture, with what has been captured until now. */
  async close(): Promise<void> {
    await Promise.all([...this.#all()].map((tap) => tap.close()));
    await Promise.all(this.#closing);
    this.#byInterface.clear();
  }

  #all(): Tap[] {
    const taps = [...this.#byInterface.values()].map(({ tap }) => tap);
    return this.#keeping === null ? taps : [this.#keeping, ...taps];
  }

  #open(names: readonly string[], lookback: LookbackSettings | null): Tap {
    const { openSource, takesMetadata, warn, onFailure } = this.#context;
    const context: TapContext = {
      openSource: (filter) => openSource(names, filter),
      filter: { excluded: this.#excluded, takesMetadata },
      history: lookback === null ? null : { bytesMax: lookback.bytesMax, nanosMax: lookback.secondsMax * 1e9 },
      warn,
      onFailure,
    };
    return new Tap(context);
  }
}
