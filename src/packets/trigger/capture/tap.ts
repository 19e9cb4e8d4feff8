/**
 * Packets of interfaces for all who want them: the captures under way, and what is kept for those to come.
 *
 * in: a live source · out: each packet to each capture of its interface · one ring for each interface, however many captures
 *
 * While every capture has a filter and nothing is kept, the kernel drops what none of them takes.
 */
import type { ExcludedEndpoint, FilterParts } from '../../../capture/exclusions.js';
import { checkFilter } from '../../../capture/exclusions.js';
import type { CaptureInterface, PacketBatch } from '../../../capture/packet-batch.js';
import type { PacketSource } from '../../../capture/packet-source.js';
import { createPacketView, viewPacket } from '../../../capture/packet-view.js';
import { PacketHistory, type PacketHistorySettings, visitMerged } from '../../packet-history.js';
import { ANY_INTERFACE } from '../message/admission.js';
import type { CaptureJob } from './capture-job.js';

/** What a tap takes of a live source. */
export interface TapSource extends PacketSource {
  readonly timeBaseSeconds: number;
  setFilter(filter: FilterParts): void;
}

export interface TapContext {
  openSource(filter: FilterParts): TapSource;
  readonly filter: TapFilter;
  /** What is kept of each interface; null for nothing. */
  readonly history: PacketHistorySettings | null;
  warn(message: string): void;
  /** The source failed, and with it every capture. */
  onFailure(error: unknown): void;
}

/** What is never captured. */
export interface TapFilter {
  readonly excluded: readonly ExcludedEndpoint[];
  readonly takesMetadata: boolean;
}

/** Interfaces that packets are kept of; of more, none are. */
const HISTORIES_MAX = 16;
/** The time that libpcap takes for a list grows with its cube. */
const UNION_CHARACTERS_MAX = 1024;
/** Keywords that shift where libpcap looks for all that follows them, so that they cannot be joined to others. */
const SHIFTING = /\b(vlan|mpls|pppoes|geneve|vxlan)\b/;

export class Tap {
  readonly #context: TapContext;
  readonly #source: TapSource;
  readonly #jobs = new Set<CaptureJob>();
  readonly #histories = new Map<string, PacketHistory>();
  readonly #view = createPacketView();
  #excluded: readonly ExcludedEndpoint[];
  #union = '';
  readonly #done: Promise<void>;

  constructor(context: TapContext) {
    this.#context = context;
    this.#excluded = context.filter.excluded;
    this.#source = context.openSource(this.#parts());
    this.#done = this.#source.run((batch) => this.#take(batch)).catch((error) => context.onFailure(error));
  }

  /** Now, in nanoseconds since the source's base. */
  get now(): number {
    return (Date.now() - this.#source.timeBaseSeconds * 1e3) * 1e6;
  }

  get timeBaseSeconds(): number {
    return this.#source.timeBaseSeconds;
  }

  get jobs(): number {
    return this.#jobs.size;
  }

  /** Packets that the kernel dropped, of an interface or of any; null where that is not known. */
  dropped(interfaceName: string): number | null {
    let sum: number | null = 0;
    for (const { name, dropped } of this.#source.statistics()) {
      if (interfaceName !== ANY_INTERFACE && name !== interfaceName) continue;
      sum = sum === null || dropped === null ? null : sum + dropped;
    }
    return sum;
  }

  /** How far back packets of an interface are kept, in nanoseconds since the base; infinite where none are. */
  oldestTime(interfaceName: string): number {
    if (interfaceName !== ANY_INTERFACE)
      return this.#histories.get(interfaceName)?.oldestTime ?? Number.POSITIVE_INFINITY;
    return Math.min(Number.POSITIVE_INFINITY, ...[...this.#histories.values()].map((one) => one.oldestTime));
  }

  /** Gives the job what is kept from before it, and then what comes. */
  add(job: CaptureJob): void {
    this.#offerHistory(job);
    if (job.isFinished) return;
    this.#jobs.add(job);
    this.#narrow();
  }

  /** Ends what the clock ends. */
  noteTime(): void {
    const { now } = this;
    for (const job of this.#jobs) job.noteTime(now);
    this.#forgetFinished();
  }

  exclude(excluded: readonly ExcludedEndpoint[]): void {
    this.#excluded = excluded;
    this.#source.setFilter(this.#parts());
  }

  /** Ends every capture after what has been captured until now, and the source. */
  async close(): Promise<void> {
    this.#source.stop();
    await this.#done;
    for (const job of this.#jobs) job.finish('shutdown');
    this.#jobs.clear();
  }

  #take(batch: PacketBatch): void {
    const view = this.#view;
    for (let i = 0; i < batch.count; i++) {
      const origin = this.#source.interfaces[batch.interfaceId[i] as number];
      if (origin === undefined) continue;
      if (this.#context.history !== null) this.#historyOf(origin.name)?.push(batch, i);
      if (this.#jobs.size === 0) continue;
      viewPacket(view, batch, i);
      const time = batch.time[i] as number;
      for (const job of this.#jobs) {
        const { interfaceName } = job.plan;
        if (interfaceName === origin.name || interfaceName === ANY_INTERFACE) job.offer(view, time, origin);
      }
    }
    this.#forgetFinished();
  }

  #historyOf(name: string): PacketHistory | undefined {
    const { history, warn } = this.#context;
    const known = this.#histories.get(name);
    if (known !== undefined || history === null) return known;
    if (this.#histories.size >= HISTORIES_MAX) return undefined;
    const added = new PacketHistory(history);
    this.#histories.set(name, added);
    if (this.#histories.size === HISTORIES_MAX)
      warn(`lookback: packets of ${HISTORIES_MAX} interfaces are kept; of further ones none are`);
    return added;
  }

  /** Of several interfaces, in the order of the packets' times. */
  #offerHistory(job: CaptureJob): void {
    const { interfaceName } = job.plan;
    const histories: PacketHistory[] = [];
    const origins: CaptureInterface[] = [];
    for (const [name, history] of this.#histories) {
      if (interfaceName !== name && interfaceName !== ANY_INTERFACE) continue;
      const origin = this.#source.interfaces.findLast((one) => one.name === name);
      if (origin === undefined) continue;
      histories.push(history);
      origins.push(origin);
    }
    visitMerged(histories, job.beginTime, (view, time, which) => {
      job.offer(view, time, origins[which] as CaptureInterface);
      return !job.isFinished;
    });
  }

  #forgetFinished(): void {
    let isFewer = false;
    for (const job of this.#jobs) {
      if (!job.isFinished) continue;
      this.#jobs.delete(job);
      isFewer = true;
    }
    if (isFewer && this.#jobs.size > 0) this.#narrow();
  }

  /** Has the kernel take only what some capture wants, where that can be said in an expression. */
  #narrow(): void {
    const filters = [...new Set([...this.#jobs].map(({ plan }) => plan.filter.trim()))];
    const joined = filters.length === 1 ? (filters[0] as string) : filters.map((one) => `(${one})`).join(' or ');
    const isWide =
      this.#context.history !== null ||
      filters.includes('') ||
      filters.some((one) => SHIFTING.test(one)) ||
      joined.length > UNION_CHARACTERS_MAX;
    const union = isWide ? '' : joined;
    if (union === this.#union) return;
    const before = this.#union;
    this.#union = union;
    try {
      checkFilter(union);
      this.#source.setFilter(this.#parts());
    } catch {
      // Each is good by itself; all of them may be too much for the kernel, or have no meaning for one of the link types.
      this.#union = '';
      if (before !== '') this.#source.setFilter(this.#parts());
    }
  }

  #parts(): FilterParts {
    const { takesMetadata } = this.#context.filter;
    return { user: this.#union, satellite: this.#excluded, everyProtocol: true, takesMetadata };
  }
}
