/**
 * The agents that the satellite hears of by OpAMP, and what it tells them.
 *
 * in: `AgentToServer` messages, each with whether it was signed · out: `ServerToAgent` messages; rows about agents
 *
 * Any OpAMP agent is listed. Only those that say by a custom capability that they are sensors of this kind are offered a
 * configuration, since it would mean nothing to others. Agents are bounded in number and in what they take together: one
 * that signs nothing or has ended goes first, and else the one that was not heard of for longest.
 */
import { randomBytes } from 'node:crypto';
import { uuidBytes, uuidText, uuidVersion7 } from '../../enrolment/identity.js';
import { CustomQueue, type CustomSender, type ServerCapability as CustomServer } from '../../enrolment/opamp/custom.js';
import {
  type AgentToServer,
  REPORT_FULL_STATE,
  REQUEST_INSTANCE_UID,
  ServerCapability,
  type ServerToAgent,
} from '../../enrolment/opamp/messages.js';
import { STEERING_CAPABILITY } from '../../enrolment/remote-configuration.js';
import { Agent, type AgentRow } from './agent.js';
import { Configurations } from './configurations.js';

export interface FleetContext {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** See `enrolment/opamp/custom.ts`. */
  readonly capabilities?: readonly CustomServer[];
  /** Called every few seconds while agents call: what they are asked for may have been set elsewhere. */
  readonly refresh?: () => void;
  readonly agentsMax?: number;
  readonly bytesMax?: number;
}

const AGENTS_MAX = 10_000;
const BYTES_MAX = 64 << 20;
const REFRESH_MILLIS = 5000;
/** An agent that was not heard of for so long is forgotten. */
const FORGET_MILLIS = 24 * 3600e3;
/** `ServerErrorResponseType` */
const BAD_REQUEST = 1;

interface Known {
  readonly agent: Agent;
  readonly queue: CustomQueue;
  weight: number;
}

export class Fleet {
  readonly configurations = new Configurations();
  readonly #context: FleetContext;
  readonly #capabilities: ReadonlyMap<string, CustomServer>;
  /** In the order in which they were heard of. */
  readonly #agents = new Map<string, Known>();
  #bytes = 0;
  #evicted = 0;
  #customFailures = 0;
  #refreshed: number;

  constructor(context: FleetContext) {
    this.#context = context;
    this.#refreshed = context.now();
    this.#capabilities = new Map((context.capabilities ?? []).map((one) => [one.name, one]));
  }

  /** Agents that were forgotten to make room. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Custom messages that could not be read. */
  get customFailures(): number {
    return this.#customFailures;
  }

  /** The latest heard of first. */
  rows(): readonly AgentRow[] {
    this.#forgetOld();
    return [...this.#agents.values()].reverse().map(({ agent }) => agent.row);
  }

  /** How many have not said that they end, and how many of these say that something is wrong. */
  summary(): { readonly running: number; readonly unwell: number; readonly refusing: number } {
    const counts = { running: 0, unwell: 0, refusing: 0 };
    for (const { agent } of this.#agents.values()) {
      if (agent.hasEnded) continue;
      counts.running++;
      if (agent.isUnwell) counts.unwell++;
      if (agent.isRefusing) counts.refusing++;
    }
    return counts;
  }

  /** `signedBy`: the instance that signed the message, or null. */
  take(message: AgentToServer, signedBy: string | null): ServerToAgent {
    const { instanceUid = new Uint8Array() } = message;
    const now = this.#context.now();
    if (Math.abs(now - this.#refreshed) >= REFRESH_MILLIS) {
      this.#refreshed = now;
      this.#context.refresh?.();
    }
    if (instanceUid.length !== 16) return refusal(instanceUid, `instance_uid has ${instanceUid.length} bytes, not 16`);
    const id = uuidText(instanceUid);
    if (signedBy !== null && signedBy !== id)
      return refusal(instanceUid, `instance_uid ${id} is not the instance that signed, ${signedBy}`);
    const before = this.#agents.get(id);
    // An agent that signs cannot be spoken for by somebody who does not.
    if (before?.agent.isSigned === true && signedBy === null)
      return refusal(instanceUid, `instance_uid ${id} is that of an agent that signs what it sends`);
    const known = before?.agent.isSigned === (signedBy !== null) ? before : this.#create(id, signedBy !== null);
    const { asksForAll } = known.agent.note(message, now);
    this.#keep(id, known);
    if (message.customCapabilities !== undefined) this.#say('began', known.agent);
    this.#takeCustom(known, message);
    if (known.agent.hasEnded) {
      this.#say('gone', known.agent);
      return { instanceUid };
    }
    return this.#answer(known, message, asksForAll);
  }

  #answer({ agent, queue }: Known, message: AgentToServer, asksForAll: boolean): ServerToAgent {
    const names = agent.capabilities;
    // One may have its answer in front, poll after poll.
    for (const [name, { pending }] of this.#capabilities)
      if (pending !== undefined && queue.length < 2 && names.includes(name))
        this.#guarded(() => queue.add(name, this.#capabilities.get(name)?.pending?.(senderOf(agent))));
    const customMessage = queue.next();
    const offersConfiguration = agent.acceptsConfiguration && names.includes(STEERING_CAPABILITY);
    const offered =
      offersConfiguration && !asksForAll ? this.configurations.for(agent.service, agent.environment) : null;
    // One that never had any needs not be told that there is none.
    const isNews =
      offered !== null &&
      Buffer.from(offered.hash).toString('hex') !== agent.configurationHash &&
      (this.configurations.list.length > 0 || agent.configurationHash !== '');
    const asksForId = ((message.flags ?? 0) & REQUEST_INSTANCE_UID) !== 0;
    return {
      instanceUid: message.instanceUid ?? new Uint8Array(),
      capabilities:
        ServerCapability.acceptsStatus | ServerCapability.offersRemoteConfig | ServerCapability.acceptsEffectiveConfig,
      ...(asksForAll ? { flags: REPORT_FULL_STATE } : {}),
      ...(isNews && offered !== null
        ? {
            remoteConfig: {
              config: { configMap: new Map([['', { body: offered.body, contentType: 'application/json' }]]) },
              configHash: offered.hash,
            },
          }
        : {}),
      ...(asksForId && !agent.isSigned
        ? { agentIdentification: { newInstanceUid: uuidBytes(uuidVersion7(this.#context.now(), randomBytes(10))) } }
        : {}),
      ...(message.customCapabilities === undefined
        ? {}
        : { customCapabilities: { capabilities: [STEERING_CAPABILITY, ...this.#capabilities.keys()] } }),
      ...(customMessage === undefined ? {} : { customMessage }),
    };
  }

  #takeCustom({ agent, queue }: Known, { customMessage }: AgentToServer): void {
    const { capability = '', type = '', data = new Uint8Array() } = customMessage ?? {};
    const handler = this.#capabilities.get(capability);
    if (handler !== undefined) this.#guarded(() => queue.add(capability, handler.handle(senderOf(agent), type, data)));
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch {
      this.#customFailures++;
    }
  }

  #create(id: string, isSigned: boolean): Known {
    return { agent: new Agent(id, isSigned, this.#context.now()), queue: new CustomQueue(), weight: 0 };
  }

  #keep(id: string, known: Known): void {
    const before = this.#agents.get(id);
    if (before !== undefined) this.#bytes -= before.weight;
    this.#agents.delete(id);
    known.weight = known.agent.weight;
    this.#bytes += known.weight;
    this.#agents.set(id, known);
    const { agentsMax = AGENTS_MAX, bytesMax = BYTES_MAX } = this.#context;
    while (this.#agents.size > 1 && (this.#agents.size > agentsMax || this.#bytes > bytesMax)) this.#evictOne(id);
  }

  #evictOne(except: string): void {
    let victim = '';
    // Those that sign nothing are found near the front, unless there are none.
    for (const [id, { agent }] of this.#agents) {
      if (id === except) continue;
      victim ||= id;
      if (!agent.isSigned || agent.hasEnded) {
        victim = id;
        break;
      }
    }
    this.#forget(victim);
    this.#evicted++;
  }

  #forgetOld(): void {
    const since = this.#context.now() - FORGET_MILLIS;
    for (const [id, { agent }] of this.#agents) {
      if (agent.lastSeen >= since) return;
      this.#forget(id);
    }
  }

  #forget(id: string): void {
    const known = this.#agents.get(id);
    if (known === undefined) return;
    this.#bytes -= known.weight;
    this.#agents.delete(id);
    if (!known.agent.hasEnded) this.#say('gone', known.agent);
  }

  #say(what: 'began' | 'gone', agent: Agent): void {
    for (const [name, capability] of this.#capabilities)
      if (agent.capabilities.includes(name)) this.#guarded(() => capability[what]?.(senderOf(agent)));
  }
}

function senderOf({ id, service, environment, isSigned }: Agent): CustomSender {
  return { id, service, environment, isSigned };
}

function refusal(instanceUid: Uint8Array, errorMessage: string): ServerToAgent {
  return { instanceUid, errorResponse: { type: BAD_REQUEST, errorMessage } };
}
