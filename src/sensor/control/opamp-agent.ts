/**
 * The agent of OpAMP: what a sensor tells its server, and what it makes of the answers.
 *
 * in: the state of the sensor, answers · out: `AgentToServer` messages; no I/O, no clock
 *
 * What has not changed since the last message that was answered is left out (OpAMP § "Agent Status Compression"). After a
 * message without an answer, and where the server asks for it, all of it is told again.
 */
import { uuidBytes, uuidText } from '../../enrolment/identity.js';
import {
  AgentCapability,
  type AgentDescription,
  type AgentToServer,
  type AnyValue,
  type ComponentHealth,
  type CustomMessage,
  type KeyValue,
  REPORT_FULL_STATE,
  type RemoteConfigStatus,
  type ServerToAgent,
} from '../../enrolment/opamp/messages.js';

export interface AgentState {
  readonly health: ComponentHealth;
  /** JSON of what is in force. */
  readonly effective: string;
  readonly configuration: RemoteConfigStatus | null;
}

interface Told {
  readonly health: string;
  readonly effective: string;
  readonly configuration: string;
}

export interface OpampAgentContext {
  /** A UUID version 7. */
  readonly instance: string;
  readonly description: AgentDescription;
  /** Custom capabilities. */
  readonly capabilities: readonly string[];
  /** Whether the server may give it another id, as one may to whom it is nobody in particular. */
  readonly takesOtherId: boolean;
}

const BITS =
  AgentCapability.reportsStatus |
  AgentCapability.acceptsRemoteConfig |
  AgentCapability.reportsEffectiveConfig |
  AgentCapability.reportsHealth |
  AgentCapability.reportsRemoteConfig |
  AgentCapability.reportsHeartbeat;

export class OpampAgent {
  readonly #context: OpampAgentContext;
  #instance: string;
  #sequence = 0;
  #tellsAll = true;
  /** As they were last told. */
  #told: Told = { health: '', effective: '', configuration: '' };
  #telling = this.#told;

  constructor(context: OpampAgentContext) {
    this.#context = context;
    this.#instance = context.instance;
  }

  get instance(): string {
    return this.#instance;
  }

  /** The next message. One of `noteAnswer` and `noteFailure` has to follow it. */
  next(state: AgentState, customMessage: CustomMessage | undefined): AgentToServer {
    const { description, capabilities } = this.#context;
    const { health, effective, configuration } = state;
    this.#sequence++;
    this.#telling = { health: textOf(health), effective, configuration: textOf(configuration) };
    const isNews = (name: keyof Told): boolean => this.#tellsAll || this.#told[name] !== this.#telling[name];
    return {
      instanceUid: uuidBytes(this.#instance),
      sequenceNum: this.#sequence,
      capabilities: BITS,
      ...(this.#tellsAll ? { agentDescription: description, customCapabilities: { capabilities } } : {}),
      ...(isNews('health') ? { health } : {}),
      ...(isNews('effective') ? { effectiveConfig: effectiveConfig(effective) } : {}),
      ...(configuration !== null && isNews('configuration') ? { remoteConfigStatus: configuration } : {}),
      ...(customMessage === undefined ? {} : { customMessage }),
    };
  }

  /** The last message. */
  farewell(): AgentToServer {
    this.#sequence++;
    return {
      instanceUid: uuidBytes(this.#instance),
      sequenceNum: this.#sequence,
      capabilities: BITS,
      agentDisconnect: {},
    };
  }

  noteAnswer(answer: ServerToAgent): void {
    if (answer.errorResponse === undefined) {
      this.#told = this.#telling;
      this.#tellsAll = false;
    }
    this.notePushed(answer);
  }

  /** What the server says by itself, which says nothing of what it was told. */
  notePushed(pushed: ServerToAgent): void {
    if (pushed.errorResponse !== undefined || asksForAll(pushed)) this.noteFailure();
    if (pushed.errorResponse !== undefined) return;
    const { newInstanceUid } = pushed.agentIdentification ?? {};
    if (!this.#context.takesOtherId || newInstanceUid?.length !== 16) return;
    this.#instance = uuidText(newInstanceUid);
  }

  noteFailure(): void {
    this.#tellsAll = true;
  }
}

export function asksForAll({ flags = 0 }: ServerToAgent): boolean {
  return (flags & REPORT_FULL_STATE) !== 0;
}

/** By name; what is empty is left out. */
type Attributes = Readonly<Record<string, string | readonly string[]>>;

/** What identifies the agent, and what describes it besides. */
export function describeAgent(identifying: Attributes, others: Attributes): AgentDescription {
  return { identifyingAttributes: pairsOf(identifying), nonIdentifyingAttributes: pairsOf(others) };
}

function pairsOf(attributes: Attributes): readonly KeyValue[] {
  return Object.entries(attributes)
    .filter(([, value]) => value.length > 0)
    .map(([key, value]) => ({ key, value: anyValueOf(value) }));
}

function anyValueOf(value: string | readonly string[]): AnyValue {
  if (typeof value === 'string') return { stringValue: value };
  return { arrayValue: { values: value.map((stringValue) => ({ stringValue })) } };
}

function effectiveConfig(text: string): NonNullable<AgentToServer['effectiveConfig']> {
  return { configMap: { configMap: new Map([['', { body: Buffer.from(text), contentType: 'application/json' }]]) } };
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    one instanceof Map ? [...one] : typeof one === 'bigint' ? String(one) : one,
  );
}
