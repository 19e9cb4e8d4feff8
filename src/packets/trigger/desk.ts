/**
 * Where messages are dealt with: admitted, captured, delivered, answered, and settled with the source that they came from.
 *
 * in: messages · out: captures and results; every message is settled once
 *
 * One message after the other, with a turn of the loop between two of them: a filter of a stranger may take libpcap a while,
 * and packets wait meanwhile.
 */
import type { Captures, NamedCapture } from './capture/captures.js';
import type { TriggerSettings } from './configuration/settings.js';
import { admitMessage, type CapturePlan } from './message/admission.js';
import { type CaptureMessage, MessageError, readMessage } from './message/capture-message.js';
import { placeOf } from './message/s3-place.js';
import { tagsOf } from './message/tags.js';
import { packetLine } from './packet-line.js';
import { captureFields, echoOf, REASON_CHARACTERS_MAX, type Result, type Results } from './results.js';
import type { IncomingMessage, ReplyTarget } from './sources/source.js';
import type { TriggerCounters } from './trigger-counters.js';
import type { TriggerLog } from './trigger-log.js';
import type { Delivery } from './uploads/delivery.js';
import type { UploadOutcome } from './uploads/uploader.js';

export interface DeskContext {
  readonly settings: TriggerSettings;
  readonly captures: Captures;
  readonly delivery: Delivery;
  readonly results: Results;
  readonly counters: TriggerCounters;
  readonly log: TriggerLog;
  interfaceNames(): readonly string[];
}

/** Messages that wait for their turn; of more, the source is told that there is no room. */
const WAITING_MAX = 4096;
const WAITING_CHARACTERS_MAX = 8 << 20;
const RAW_CHARACTERS_MAX = 4096;

export class Desk {
  readonly #context: DeskContext;
  readonly #waiting: IncomingMessage[] = [];
  readonly #underWay = new Set<Promise<unknown>>();
  #waitingCharacters = 0;
  #isWorking = false;

  constructor(context: DeskContext) {
    this.#context = context;
  }

  accept(message: IncomingMessage): void {
    const { counters, settings, results } = this.#context;
    counters.messages++;
    const characters = this.#waitingCharacters + message.text.length;
    if (this.#waiting.length >= WAITING_MAX || (characters > WAITING_CHARACTERS_MAX && this.#waiting.length > 0)) {
      counters.messages_refused++;
      const reason = `${this.#waiting.length} messages wait for their turn; ask again later`;
      results.tell(message.replyTo, { status: 'refused', node: settings.node, reason });
      message.settle('busy');
      return;
    }
    this.#waiting.push(message);
    this.#waitingCharacters = characters;
    if (!this.#isWorking) void this.#work();
  }

  /** Resolves when every message has been dealt with and every capture delivered; captures have to be ended by others. */
  async finish(): Promise<void> {
    while (this.#isWorking || this.#underWay.size > 0) {
      await Promise.all(this.#underWay);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (let message = this.#waiting.shift(); message !== undefined; message = this.#waiting.shift()) {
      this.#waitingCharacters -= message.text.length;
      this.#dealWith(message);
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#isWorking = false;
  }

  #dealWith(incoming: IncomingMessage): void {
    const { settings, counters, log } = this.#context;
    let message: CaptureMessage;
    try {
      message = readMessage(incoming.text);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      counters.messages_invalid++;
      this.#refuse(incoming, null, error.message);
      return;
    }
    if (settings.logRequests || message.logrequest) log.info(`message: ${incoming.text.slice(0, RAW_CHARACTERS_MAX)}`);
    const verdict = admitMessage(message, {
      node: settings.node,
      interfaces: this.#context.interfaceNames(),
      interfacesOf: (alias) =>
        settings.aliases.filter(({ aliases }) => aliases.includes(alias)).map(({ name }) => name),
      caps: settings.caps,
      allowed: settings.allowed,
    });
    if (verdict.kind === 'elsewhere') {
      counters.messages_elsewhere++;
      log.debug('message: for another node');
      incoming.settle('elsewhere');
    } else if (verdict.kind === 'refused') {
      counters.messages_refused++;
      this.#refuse(incoming, message, verdict.reason);
    } else {
      this.#capture(incoming, message, verdict);
    }
  }

  #refuse(incoming: IncomingMessage, message: CaptureMessage | null, reason: string): void {
    const { settings, log, results } = this.#context;
    log.warn(`message refused: ${reason.slice(0, REASON_CHARACTERS_MAX)}`);
    const echo = message === null ? {} : echoOf(message);
    results.tell(this.#replyTo(incoming, message), { status: 'refused', node: settings.node, ...echo, reason });
    incoming.settle('refused');
  }

  /** A name that the configuration does not allow has been refused; to that refusal, too, the usual name is the answer's. */
  #replyTo({ replyTo }: IncomingMessage, message: CaptureMessage | null): ReplyTarget | null {
    const wanted = message?.replyto ?? '';
    if (wanted === '' || !this.#context.settings.allowed.replyTo.includes(wanted)) return replyTo;
    return { source: replyTo?.source ?? 'sqs', name: wanted };
  }

  #capture(
    incoming: IncomingMessage,
    message: CaptureMessage,
    { plans, skipped }: { readonly plans: readonly CapturePlan[]; readonly skipped: readonly string[] },
  ): void {
    const { captures, counters, log, results, settings } = this.#context;
    const replyTo = this.#replyTo(incoming, message);
    for (const one of skipped) log.warn(`message: ${one}; skipped`);
    const showsPackets = settings.packetDebug || message.packetdebug;
    const running: Promise<void>[] = [];
    const refused: { plan: CapturePlan; reason: string; isFinal: boolean }[] = [];
    for (const plan of plans) {
      const { promise, resolve } = withResolver<NamedCapture>();
      const refusal = captures.begin({
        plan,
        onFinished: resolve,
        ...(showsPackets ? { onPacket: (view, origin) => log.info(packetLine(view, origin)) } : {}),
      });
      if (refusal !== null) refused.push({ plan, ...refusal });
      else running.push(promise.then((capture) => this.#conclude(message, capture, replyTo, skipped)));
    }
    // A source that can give the message again does, where nothing of it has begun and there may be room later.
    const isBusy = running.length === 0 && refused.some(({ isFinal }) => !isFinal);
    for (const { plan, reason } of refused) {
      log.warn(`interface ${plan.interfaceName}: no capture: ${reason}`);
      const fields = { interface: plan.interfaceName, reason };
      results.tell(replyTo, { status: 'refused', node: settings.node, ...echoOf(message), ...fields });
    }
    if (running.length === 0) {
      counters.messages_refused++;
      incoming.settle(isBusy ? 'busy' : 'refused');
      return;
    }
    counters.messages_accepted++;
    for (const { interfaceName, filter } of plans)
      log.info(`interface ${interfaceName}: capturing${filter === '' ? '' : ` ${JSON.stringify(filter)}`}`);
    const all = Promise.all(running).then(() => incoming.settle('done'));
    this.#underWay.add(all);
    void all.finally(() => this.#underWay.delete(all));
  }

  async #conclude(
    message: CaptureMessage,
    capture: NamedCapture,
    replyTo: ReplyTarget | null,
    skipped: readonly string[],
  ): Promise<void> {
    const { settings, counters, delivery, results, log } = this.#context;
    const fields = captureFields(capture);
    const common = { node: settings.node, ...echoOf(message), ...fields, ...(skipped.length === 0 ? {} : { skipped }) };
    if (capture.foreign > 0) log.warn(`${capture.name}: ${capture.foreign} packets of another link type are not in it`);
    if (capture.packets === 0) {
      capture.reservation.shrink(0);
      counters.captures_empty++;
      log.info(`interface ${capture.plan.interfaceName}: stopped by ${capture.reason} without a packet; no file`);
      results.tell(replyTo, { status: 'empty', ...common });
      return;
    }
    log.info(`${capture.name}: ${capture.packets} packets, stopped by ${capture.reason}`);
    const tags = tagsOf(message, capture.plan, settings.node);
    const file = { name: capture.name, bytes: capture.bytes, tags, s3: placeOf(message, settings) };
    const outcomes = await delivery.deliver({
      file,
      content: capture.pieces,
      reservation: capture.reservation,
      replyTo,
    });
    for (const outcome of outcomes) log.info(`${capture.name}: ${outcomeText(outcome)}`);
    const status = outcomes.every(({ state }) => state === 'failed') ? 'failed' : 'captured';
    const result: Result = { status, ...common, tags, uploads: outcomes };
    results.tell(replyTo, result);
  }
}

export function outcomeText(outcome: UploadOutcome): string {
  return outcome.state === 'done' ? `at ${outcome.where}` : `${outcome.to} ${outcome.state}: ${outcome.reason}`;
}

/** What `Promise.withResolvers` does from Node.js 22 on. */
function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((take) => {
    resolve = take;
  });
  return { promise, resolve };
}
