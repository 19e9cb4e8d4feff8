/**
 * A sensor that is told of at an OpAMP server, and steered by it as far as it may be.
 *
 * in: what the sensor is and does, a client that posts to the server · out: polls; what the server asks for, in force or refused
 *
 *     wait ──▸ AgentToServer ──▸ POST ──▸ ServerToAgent ──▸ configuration: APPLYING is said first, then APPLIED or FAILED ─┐
 *      ▲                                                ──▸ custom message: to its capability ─────────────────────────────┤
 *      └───────────────────────────────── at once where there is something to say ◂────────────────────────────────────────┘
 *
 * A configuration counts for its time to live after the last answer of the server that asked for it: when that has passed, the sensor
 * goes by its own options again. Without trust (see `isTrusted`) the server is told of the sensor, and what it asks for is refused.
 */
import { createHash } from 'node:crypto';
import type { Counters } from '../../counters.js';
import type { OpampCodec } from '../../enrolment/opamp/codec.js';
import { CustomQueue, type SensorCapability } from '../../enrolment/opamp/custom.js';
import {
  type AgentDescription,
  type AgentRemoteConfig,
  type ComponentHealth,
  RemoteConfigState,
  type RemoteConfigStatus,
  type ServerToAgent,
} from '../../enrolment/opamp/messages.js';
import { type Narrowing, readRemoteConfiguration, STEERING_CAPABILITY } from '../../enrolment/remote-configuration.js';
import type { Clock } from '../../output/clock.js';
import type { Log } from '../../output/log.js';
import { BackOff } from '../../output/relay/back-off.js';
import { DEFAULT_TIMING } from '../../output/relay/settings.js';
import type { Client } from '../../output/satellite/enrolment.js';
import { parseRetryAfter } from '../../output/satellite/retry-after.js';
import { redactSecrets } from '../../output/satellite/satellite-url.js';
import { asksForAll, OpampAgent } from './opamp-agent.js';
import type { StateDirectory } from './state-directory.js';
import type { Steering } from './steering.js';

/** What comes of the server by itself, over a connection that stays. */
export interface Pushes {
  nextPushed(): Buffer | null;
  /** Why the connection ended, said once; null where it is there or that was said. */
  takeEnd(): string | null;
  /** Calls `pushed` when there is something of either, and at once where there is already. */
  onPush(pushed: () => void): void;
}

export interface ControlContext {
  readonly url: string;
  readonly client: Client;
  readonly pushes?: Pushes;
  /** What goes along with each request: a token, say. */
  readonly headers: Readonly<Record<string, string>>;
  readonly codec: OpampCodec;
  readonly instance: string;
  readonly description: AgentDescription;
  /** Beyond steering; see `enrolment/opamp/custom.ts`. */
  readonly capabilities: readonly SensorCapability[];
  readonly steering: Pick<Steering, 'steer' | 'effective'>;
  readonly state: StateDirectory | null;
  readonly health: () => ComponentHealth;
  /** Whether the server's answers are signed, and so believed. */
  readonly isSigned: () => boolean;
  /** Whether it may steer all the same. */
  readonly mayBeUnsigned: boolean;
  /** Whether it may be given another id by the server: one that signs is who it is. */
  readonly takesOtherId: boolean;
  /** Whether the server has turned out to be none. */
  readonly isOver: () => boolean;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  readonly pollMillis: number;
}

export interface Control {
  /** Says goodbye, and waits for that no longer than `deadlineMillis`. */
  close(deadlineMillis: number): Promise<void>;
}

/** Polls that follow each other at once, for what is to be said. */
const EAGER_MAX = 8;
/** Health changes with each packet: it is told this often, or when a component becomes well or ill. */
const HEALTH_MILLIS = 30_000;
const WAIT_MAX_MILLIS = 300_000;
/** A server that goes on speaking by itself is heard this often. */
const PUSHES_MILLIS = 100;
/** Where connections stay, one that ends sooner than this after another counts as a failure more: a server may answer and hang up. */
const STEADY_MILLIS = 60_000;
const NANOS_PER_MILLI = 1e6;
const FAREWELL_MILLIS = 1000;

/** What the server asks for, and is told of as being applied. */
interface Offer {
  readonly text: string;
  readonly configHash: Uint8Array;
}

interface InForce {
  readonly text: string;
  readonly narrowing: Narrowing;
  readonly hash: string;
  since: number;
}

export function openControl(context: ControlContext): Control {
  const polling = new Polling(context);
  polling.restore();
  const done = polling.run();
  return {
    async close(deadlineMillis) {
      polling.stop();
      await done;
      await polling.sayGoodbye(Math.min(FAREWELL_MILLIS, deadlineMillis));
      context.client.close();
    },
  };
}

class Polling {
  readonly #context: ControlContext;
  readonly #agent: OpampAgent;
  readonly #queue = new CustomQueue();
  /** Custom capabilities of the server; null before it has answered. */
  #offered: ReadonlySet<string> | null = null;
  readonly #stopping = new AbortController();
  readonly #backOff: BackOff;
  /** As it is shown. */
  readonly #server: string;
  #status: RemoteConfigStatus | null = null;
  #offer: Offer | null = null;
  /** Came with the answer to what was tried last, of which the server is told first. */
  #waiting: AgentRemoteConfig | undefined;
  #inForce: InForce | null = null;
  #health: { readonly value: ComponentHealth; readonly time: number } | null = null;
  #dropped = 0;
  /** What was last said of a server that does not answer. */
  #trouble = '';
  #wasAnswered = false;
  #failedAt = Number.NEGATIVE_INFINITY;
  /** Until when what is in force is kept as counting. */
  #keptUntil = 0;

  constructor(context: ControlContext) {
    this.#context = context;
    this.#server = redactSecrets(context.url);
    const { instance, description, clock, capabilities, pollMillis, pushes } = context;
    this.#agent = new OpampAgent({
      instance,
      description,
      capabilities: [STEERING_CAPABILITY, ...capabilities.map(({ name }) => name)],
      takesOtherId: context.takesOtherId,
    });
    this.#backOff = new BackOff(
      // Over a connection that stays the server speaks when it wants to, and cannot until there is another.
      pushes === undefined ? { ...DEFAULT_TIMING, backoffInitialMillis: pollMillis } : DEFAULT_TIMING,
      clock,
    );
  }

  /** What counted when the sensor ended, if it counts still. */
  restore(): void {
    const { state, url, clock, log } = this.#context;
    const kept = state?.configuration(url, clock.now()) ?? null;
    if (kept === null) return;
    const why = this.#use(kept.text, kept.hash, kept.since);
    if (why !== null) log.warn({ reason: why }, 'what the server last asked for is left out: it does not fit any more');
    else log.info({ server: this.#server }, 'what the server last asked for is in force still');
  }

  stop(): void {
    this.#stopping.abort();
  }

  async run(): Promise<void> {
    const { clock } = this.#context;
    const { signal } = this.#stopping;
    let eager = 0;
    while (!signal.aborted && !this.#context.isOver()) {
      this.#expire();
      const wait = await this.#poll();
      if (wait === 0 && ++eager < EAGER_MAX) continue;
      eager = 0;
      // Sensors that were started together do not call together.
      const spread = this.#pollMillis * (0.9 + 0.2 * clock.random());
      await this.#rest(wait === null || wait === 0 ? spread : wait, signal);
    }
  }

  /** Waits, but no longer than until the server says something by itself that is to be answered, or its connection has to be made again. */
  async #rest(millis: number, signal: AbortSignal): Promise<void> {
    const { clock, pushes } = this.#context;
    if (pushes === undefined) return clock.sleep(millis, signal);
    let until = clock.now() + millis;
    for (let left = millis; left > 0 && !signal.aborted; ) {
      await clock.sleep(Math.min(left, PUSHES_MILLIS), signal);
      const pushed = new AbortController();
      pushes.onPush(() => pushed.abort());
      await clock.sleep(Math.max(0, left - PUSHES_MILLIS), AbortSignal.any([signal, pushed.signal]));
      const wait = this.#takePushed(pushes);
      if (wait !== null) until = clock.now() + wait;
      // A clock that is set back makes it no longer.
      left = wait ?? Math.min(left, until - clock.now());
    }
  }

  /** Out: how long to wait, as `#poll` says it. */
  #takePushed(pushes: Pushes): number | null {
    for (let bytes = pushes.nextPushed(); bytes !== null; bytes = pushes.nextPushed()) {
      const message = this.#context.codec.readServerToAgent(bytes);
      const wait = typeof message === 'string' ? this.#fail(message, null) : this.#take(message, true);
      if (wait !== null) return wait;
    }
    const end = pushes.takeEnd();
    return end === null ? null : this.#fail(end, null);
  }

  get #pollMillis(): number {
    const { capabilities, pollMillis } = this.#context;
    return Math.min(pollMillis, ...capabilities.map((one) => one.pollMillis?.() ?? pollMillis));
  }

  async sayGoodbye(millis: number): Promise<void> {
    if (!this.#wasAnswered) return;
    const { codec } = this.#context;
    await this.#post(codec.writeAgentToServer(this.#agent.farewell()), AbortSignal.timeout(millis)).catch(() => {});
  }

  /** Out: how long to wait, in milliseconds; null for the usual time. */
  async #poll(): Promise<number | null> {
    const { codec, counters, capabilities } = this.#context;
    for (const capability of capabilities)
      if (this.#offered?.has(capability.name) !== false) this.#guarded(capability, () => capability.report?.() ?? null);
    const message = this.#agent.next(this.#state(), this.#queue.next());
    counters.control_polls++;
    let wait: number | null;
    try {
      const reply = await this.#post(codec.writeAgentToServer(message), this.#stopping.signal);
      const answer = reply.status === 200 ? codec.readServerToAgent(reply.body) : `status ${reply.status}`;
      if (typeof answer === 'string') {
        const asked = parseRetryAfter(reply.headers['retry-after'], this.#context.clock.now());
        return this.#fail(answer, asked);
      }
      wait = this.#take(answer);
    } catch (error) {
      return this.#fail((error as Error).message, null);
    }
    return wait;
  }

  #post(body: Uint8Array, signal: AbortSignal): ReturnType<Client['post']> {
    const { client, url, headers } = this.#context;
    const buffer = Buffer.from(body.buffer, body.byteOffset, body.length);
    return client.post(
      { url, headers: { ...headers, 'Content-Type': 'application/x-protobuf' }, body: buffer },
      signal,
    );
  }

  #fail(reason: string, askedMillis: number | null): number {
    const { counters, log } = this.#context;
    this.#agent.noteFailure();
    this.#applyOffer();
    if (this.#stopping.signal.aborted) return 0;
    counters.control_polls_failed++;
    this.#failedAt = this.#context.clock.now();
    if (reason !== this.#trouble)
      log.warn({ server: this.#server, reason }, 'the OpAMP server does not answer: asked again later');
    this.#trouble = reason;
    return Math.min(
      WAIT_MAX_MILLIS,
      this.#backOff.next(askedMillis === null ? null : Math.min(askedMillis, WAIT_MAX_MILLIS)),
    );
  }

  #take(answer: ServerToAgent, isPushed = false): number | null {
    const { log } = this.#context;
    const { errorResponse, remoteConfig, customMessage } = answer;
    const before = this.#status;
    if (isPushed) this.#agent.notePushed(answer);
    else this.#agent.noteAnswer(answer);
    if (answer.customCapabilities !== undefined || this.#offered === null)
      this.#offered = new Set(answer.customCapabilities?.capabilities ?? []);
    if (errorResponse !== undefined) {
      const { errorMessage = '', retryInfo } = errorResponse;
      const nanos = retryInfo?.retryAfterNanoseconds;
      return this.#fail(
        `it answers: ${errorMessage.slice(0, 200)}`,
        nanos === undefined ? null : nanos / NANOS_PER_MILLI,
      );
    }
    if (this.#trouble !== '' || !this.#wasAnswered) log.info({ server: this.#server }, 'the OpAMP server answers');
    this.#trouble = '';
    this.#wasAnswered = true;
    const { pushes, clock } = this.#context;
    if (pushes === undefined || clock.now() - this.#failedAt >= STEADY_MILLIS) this.#backOff.reset();
    this.#refresh();
    const next = remoteConfig ?? this.#waiting;
    this.#waiting = undefined;
    if (this.#offer !== null) {
      this.#applyOffer();
      this.#waiting = next;
    } else if (next !== undefined) this.#takeConfiguration(next);
    if (
      answer.connectionSettings !== undefined ||
      answer.packagesAvailable !== undefined ||
      answer.command !== undefined
    )
      log.warn(
        { server: this.#server },
        'the server offers connections, packages or a restart, which a sensor does not take',
      );
    if (customMessage !== undefined) this.#takeCustom(customMessage);
    const isToBeAnswered = customMessage !== undefined || (isPushed && asksForAll(answer));
    return before !== this.#status || this.#queue.length > 0 || isToBeAnswered ? 0 : null;
  }

  #takeConfiguration({ config, configHash = new Uint8Array() }: AgentRemoteConfig): void {
    const hash = Buffer.from(configHash).toString('hex');
    const isSame = Buffer.from(this.#status?.lastRemoteConfigHash ?? []).toString('hex') === hash;
    if (this.#status !== null && isSame) return;
    const files = [...(config?.configMap?.values() ?? [])];
    const text = Buffer.from(files[0]?.body ?? []).toString('utf8');
    const tooMany = files.length > 1 ? `it has ${files.length} files; a sensor takes one` : null;
    const read = readRemoteConfiguration(text);
    const why = this.#distrust() ?? tooMany ?? ('why' in read ? read.why : this.#unsignedPackets(read.value));
    this.#offer = why === null ? { text, configHash } : null;
    if (why === null) this.#status = { lastRemoteConfigHash: configHash, status: RemoteConfigState.applying };
    else this.#conclude({ text, configHash }, why);
  }

  /** The server has been told what is tried, or cannot be. */
  #applyOffer(): void {
    const offer = this.#offer;
    if (offer === null) return;
    this.#offer = null;
    const { text, configHash } = offer;
    this.#conclude(offer, this.#use(text, Buffer.from(configHash).toString('hex'), this.#context.clock.now()));
  }

  /** `why`: what is wrong with it. */
  #conclude({ text, configHash }: Offer, why: string | null): void {
    const { counters, log } = this.#context;
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
    if (why === null) {
      counters.control_configurations_applied++;
      log.info({ server: this.#server, digest, asked: text.slice(0, 2000) }, 'what the server asks for is in force');
      this.#keep();
    } else {
      counters.control_configurations_refused++;
      log.warn(
        { server: this.#server, digest, reason: why },
        'what the server asks for is refused, and what was in force stays',
      );
    }
    this.#status = {
      lastRemoteConfigHash: configHash,
      status: why === null ? RemoteConfigState.applied : RemoteConfigState.failed,
      ...(why === null ? {} : { errorMessage: why }),
    };
  }

  /** A server that may steer without signatures may only narrow. */
  #unsignedPackets({ packetsOn }: Narrowing): string | null {
    if (packetsOn.length === 0 || this.#context.isSigned()) return null;
    return '"packets-on" cannot be pushed by a server whose answers are not signed';
  }

  #distrust(): string | null {
    const { isSigned, mayBeUnsigned } = this.#context;
    return isSigned() || mayBeUnsigned
      ? null
      : 'this server’s answers are not signed: it may be told of the sensor, and not steer it without --opamp-unsigned';
  }

  /** Out: what is wrong with it; then all is as it was. */
  #use(text: string, hash: string, since: number): string | null {
    const read = readRemoteConfiguration(text);
    if ('why' in read) return read.why;
    try {
      this.#context.steering.steer(read.value);
    } catch (error) {
      return (error as Error).message;
    }
    this.#inForce = { text, narrowing: read.value, hash, since };
    this.#status = { lastRemoteConfigHash: Buffer.from(hash, 'hex'), status: RemoteConfigState.applied };
    return null;
  }

  /** The server is there, and asks for nothing else. */
  #refresh(): void {
    if (this.#inForce === null || this.#distrust() !== null) return;
    const { since, narrowing } = this.#inForce;
    const now = this.#context.clock.now();
    this.#inForce.since = now;
    // Not with each poll, as that would be a write every few seconds.
    if (now !== since && this.#keptUntil - now < (narrowing.ttlSeconds * 1000) / 2) this.#keep();
  }

  #keep(): void {
    const { state, url, log } = this.#context;
    if (state === null || this.#inForce === null) return;
    const { text, hash, since, narrowing } = this.#inForce;
    const until = since + narrowing.ttlSeconds * 1000;
    try {
      state.keep({ url, text, hash, since, until });
      this.#keptUntil = until;
    } catch (error) {
      log.warn({ reason: (error as Error).message }, '--state-dir: what the server asked for is not kept');
    }
  }

  #expire(): void {
    const { clock, steering, state, log } = this.#context;
    if (this.#inForce === null) return;
    const { since, narrowing } = this.#inForce;
    const now = clock.now();
    if (now >= since && now < since + narrowing.ttlSeconds * 1000) return;
    this.#inForce = null;
    this.#status = { lastRemoteConfigHash: new Uint8Array(), status: RemoteConfigState.unset };
    log.warn(
      { server: this.#server, seconds: narrowing.ttlSeconds },
      'the server was not heard of for as long as what it asked for counts: the sensor goes by its own options',
    );
    try {
      steering.steer(null);
      state?.keep(null);
    } catch (error) {
      log.error({ reason: (error as Error).message }, 'the sensor could not go back to its own options');
    }
  }

  #takeCustom({
    capability = '',
    type = '',
    data = new Uint8Array(),
  }: NonNullable<ServerToAgent['customMessage']>): void {
    const known = this.#context.capabilities.find(({ name }) => name === capability);
    if (known === undefined) return;
    this.#guarded(known, () => known.handle(type, data, { isSigned: this.#context.isSigned() }));
  }

  #guarded({ name }: SensorCapability, work: () => ReturnType<SensorCapability['handle']>): void {
    try {
      this.#queue.add(name, work());
    } catch (error) {
      this.#context.log.warn({ capability: name, reason: (error as Error).message }, 'a custom message is dropped');
      this.#context.counters.control_messages_dropped++;
    }
    this.#context.counters.control_messages_dropped += this.#queue.dropped - this.#dropped;
    this.#dropped = this.#queue.dropped;
  }

  #state(): Parameters<OpampAgent['next']>[0] {
    const { steering, health, clock } = this.#context;
    const value = health();
    const now = clock.now();
    const isTold = this.#health !== null && now - this.#health.time < HEALTH_MILLIS && now >= this.#health.time;
    if (!isTold || wellness(value) !== wellness(this.#health?.value)) this.#health = { value, time: now };
    const asked = this.#inForce === null ? null : (JSON.parse(this.#inForce.text.trim() || '{}') as unknown);
    return {
      health: this.#health?.value ?? value,
      effective: JSON.stringify({ inForce: steering.effective, asked }),
      configuration: this.#status,
    };
  }
}

/** Which parts are well: what is told of at once. */
function wellness(health: ComponentHealth | undefined): string {
  const parts = [...(health?.componentHealthMap ?? [])].map(([name, { healthy, status }]) => [name, healthy, status]);
  return JSON.stringify([health?.healthy, health?.status, parts]);
}
