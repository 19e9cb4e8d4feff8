/**
 * What a message came to, told where it asked for it: one result a capture, and one for a message that is refused.
 *
 * in: outcomes · out: JSON through the source that the message came from · never waits, and never holds anything up
 */
import type { NamedCapture } from './capture/captures.js';
import type { CaptureMessage } from './message/capture-message.js';
import type { MessageSource, ReplyTarget } from './sources/source.js';
import type { TriggerCounters } from './trigger-counters.js';
import type { UploadOutcome } from './uploads/uploader.js';

/** `captured`: a file was made, and went somewhere or waits on disk; `failed`: it went nowhere; `uploaded`: from the disk, later. */
export type ResultStatus = 'captured' | 'empty' | 'failed' | 'refused' | 'uploaded';

export interface Result {
  readonly status: ResultStatus;
  readonly node: string;
  /** What the sender calls the message; left out where it says nothing. */
  readonly id?: string;
  readonly interface?: string;
  readonly file?: string;
  /** What ended the capture, or why there is none. */
  readonly reason: string;
  readonly packets?: number;
  readonly bytes?: number;
  readonly linkType?: number | null;
  /** When the first and the last packet were captured, in seconds since 1970 with nine decimals. */
  readonly first?: string | null;
  readonly last?: string | null;
  /** Seconds before the message from which on packets were there to be taken. */
  readonly before?: number;
  /** Packets that the kernel dropped meanwhile; null where that is not known. */
  readonly dropped?: number | null;
  readonly customer?: string;
  readonly alertid?: number;
  readonly tags?: string;
  readonly skipped?: readonly string[];
  readonly uploads?: readonly UploadOutcome[];
}

export const REASON_CHARACTERS_MAX = 500;
/** What a result repeats of a message. */
const ECHO_CHARACTERS_MAX = 1000;
/** Results that wait to be told; further ones are lost, and counted. */
const WAITING_MAX = 1000;

export class Results {
  readonly #sources: ReadonlyMap<string, MessageSource>;
  readonly #counters: TriggerCounters;
  readonly #warn: (message: string) => void;
  readonly #waiting = new Set<Promise<void>>();
  #said = '';

  constructor(sources: readonly MessageSource[], counters: TriggerCounters, warn: (message: string) => void) {
    this.#sources = new Map(sources.map((source) => [source.name, source]));
    this.#counters = counters;
    this.#warn = warn;
  }

  tell(to: ReplyTarget | null, result: Result): void {
    const source = to === null ? undefined : this.#sources.get(to.source);
    if (to === null || source === undefined) return;
    if (this.#waiting.size >= WAITING_MAX) {
      this.#counters.results_lost++;
      return;
    }
    const tags = result.tags === undefined ? {} : { tags: result.tags.slice(0, ECHO_CHARACTERS_MAX) };
    const text = JSON.stringify({ ...result, ...tags, reason: result.reason.slice(0, REASON_CHARACTERS_MAX) });
    const told = this.#publish(source, to.name, text);
    this.#waiting.add(told);
    void told.then(() => this.#waiting.delete(told));
  }

  /** Waits for what is being told, for so long. */
  async close(deadlineMillis: number): Promise<void> {
    let deadline: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      deadline = setTimeout(resolve, deadlineMillis);
    });
    await Promise.race([Promise.all(this.#waiting), over]);
    clearTimeout(deadline);
  }

  async #publish(source: MessageSource, name: string, text: string): Promise<void> {
    try {
      await source.publish(name, text);
      this.#counters.results_published++;
      this.#said = '';
    } catch (error) {
      this.#counters.results_lost++;
      const reason = `a result for ${name} was not taken: ${(error as Error).message}`;
      if (reason !== this.#said) this.#warn(reason);
      this.#said = reason;
    }
  }
}

/** What of a message its results repeat, so that the sender knows them. */
export function echoOf({ id, customer, alertid }: CaptureMessage): Partial<Result> {
  return {
    ...(id === '' ? {} : { id }),
    ...(customer === '' ? {} : { customer: customer.slice(0, ECHO_CHARACTERS_MAX) }),
    ...(alertid === 0 ? {} : { alertid }),
  };
}

export function captureFields(capture: NamedCapture): Partial<Result> & { readonly reason: string } {
  const { plan, name, packets, bytes, linkType, timeBaseSeconds, dropped, beforeSeconds } = capture;
  const time = (one: number | null) => (one === null ? null : timeText(timeBaseSeconds, one));
  return {
    interface: plan.interfaceName,
    ...(packets === 0 ? {} : { file: name, bytes }),
    reason: capture.reason,
    ...{ packets, linkType, dropped },
    first: time(capture.firstTime),
    last: time(capture.lastTime),
    ...(plan.beforeSeconds === 0 ? {} : { before: Math.round(beforeSeconds * 1000) / 1000 }),
  };
}

function timeText(base: number, nanos: number): string {
  const seconds = Math.floor(nanos / 1e9);
  const rest = Math.min(Math.floor(nanos - seconds * 1e9), 999_999_999);
  return `${base + seconds}.${String(rest).padStart(9, '0')}`;
}
