/**
 * What a satellite knows of one agent: what it has said so far, put together, within bounds.
 *
 * in: `AgentToServer` messages · out: an `AgentRow`; what is left out of a message has not changed (OpAMP § "Agent Status
 * Compression")
 */
import {
  AgentCapability,
  type AgentConfigMap,
  type AgentToServer,
  type AnyValue,
  type ComponentHealth,
  type KeyValue,
  RemoteConfigState,
} from '../../enrolment/opamp/messages.js';

export interface ComponentRow {
  readonly name: string;
  readonly healthy: boolean;
  readonly status: string;
  readonly lastError: string;
}

export interface AgentRow {
  /** The instance uid, a UUID. */
  readonly id: string;
  readonly service: string;
  readonly environment: string;
  readonly version: string;
  readonly host: string;
  /** What it says of itself. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Microseconds since 1970, by the satellite's clock. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Whether it has said that it ends. */
  readonly hasEnded: boolean;
  /** Whether it has proved that it knows a key. */
  readonly isSigned: boolean;
  readonly healthy: boolean | null;
  readonly status: string;
  readonly lastError: string;
  readonly components: readonly ComponentRow[];
  /** Custom capabilities. */
  readonly capabilities: readonly string[];
  readonly configuration: {
    readonly status: 'none' | 'applied' | 'applying' | 'failed';
    /** In hex, of the one that the status is of. */
    readonly hash: string;
    /** Why it was refused. */
    readonly refused: string;
    /** What is in force, as the agent says it; null where it does not. */
    readonly effective: string | null;
  };
}

const ATTRIBUTES_MAX = 64;
const COMPONENTS_MAX = 128;
const CAPABILITIES_MAX = 32;
const TEXT_LENGTH_MAX = 512;
/** The names of capabilities and keys are short. */
const EFFECTIVE_LENGTH_MAX = 16_384;
const HASH_BYTES_MAX = 64;

export class Agent {
  readonly id: string;
  readonly #firstSeen: number;
  #lastSeen: number;
  #isSigned: boolean;
  #sequence = 0;
  #hasDescription = false;
  #hasEnded = false;
  #bits = 0;
  #attributes: Readonly<Record<string, string>> = {};
  #health: ComponentHealth | null = null;
  #components: readonly ComponentRow[] = [];
  #capabilities: readonly string[] = [];
  #status = 0;
  #hash = '';
  #refused = '';
  #effective: string | null = null;

  /** @param now milliseconds since 1970 */
  constructor(id: string, isSigned: boolean, now: number) {
    this.id = id;
    this.#isSigned = isSigned;
    this.#firstSeen = now;
    this.#lastSeen = now;
  }

  get lastSeen(): number {
    return this.#lastSeen;
  }

  get isSigned(): boolean {
    return this.#isSigned;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get service(): string {
    return this.#attributes['service.name'] ?? '';
  }

  get environment(): string {
    return this.#attributes['deployment.environment.name'] ?? this.#attributes['deployment.environment'] ?? '';
  }

  get capabilities(): readonly string[] {
    return this.#capabilities;
  }

  /** In hex: the configuration that it last had a word on. */
  get configurationHash(): string {
    return this.#hash;
  }

  get acceptsConfiguration(): boolean {
    return (this.#bits & AgentCapability.acceptsRemoteConfig) !== 0;
  }

  get isUnwell(): boolean {
    return this.#health?.healthy === false;
  }

  get isRefusing(): boolean {
    return this.#status === RemoteConfigState.failed;
  }

  /** About what it takes in memory. */
  get weight(): number {
    const texts = Object.entries(this.#attributes).reduce((sum, [name, text]) => sum + name.length + text.length, 0);
    const components = this.#components.reduce(
      (sum, one) => sum + 100 + one.name.length + one.status.length + one.lastError.length,
      0,
    );
    return 1024 + 2 * (texts + components + (this.#effective?.length ?? 0) + this.#capabilities.join().length);
  }

  /** Takes what was said. Out: whether all that is left out as unchanged has to be asked for, as it was never heard. */
  note(message: AgentToServer, now: number): { asksForAll: boolean } {
    const {
      sequenceNum = 0,
      agentDescription,
      health,
      effectiveConfig,
      remoteConfigStatus,
      customCapabilities,
    } = message;
    const isNext = sequenceNum === this.#sequence + 1;
    this.#sequence = sequenceNum;
    this.#lastSeen = now;
    this.#hasEnded = message.agentDisconnect !== undefined;
    if (message.capabilities !== undefined) this.#bits = message.capabilities;
    if (agentDescription !== undefined) {
      this.#hasDescription = true;
      const { identifyingAttributes = [], nonIdentifyingAttributes = [] } = agentDescription;
      this.#attributes = attributesOf([...identifyingAttributes, ...nonIdentifyingAttributes]);
    }
    if (health !== undefined) {
      this.#health = { healthy: health.healthy ?? false, status: cut(health.status), lastError: cut(health.lastError) };
      this.#components = componentsOf(health);
    }
    if (customCapabilities !== undefined)
      this.#capabilities = (customCapabilities.capabilities ?? []).slice(0, CAPABILITIES_MAX).map(cut);
    if (remoteConfigStatus !== undefined) {
      const { status = 0, lastRemoteConfigHash = new Uint8Array(), errorMessage } = remoteConfigStatus;
      this.#status = status;
      this.#hash = Buffer.from(lastRemoteConfigHash.subarray(0, HASH_BYTES_MAX)).toString('hex');
      this.#refused = status === RemoteConfigState.failed ? cut(errorMessage) : '';
    }
    if (effectiveConfig !== undefined) this.#effective = effectiveText(effectiveConfig.configMap);
    return { asksForAll: !this.#hasEnded && (!this.#hasDescription || (!isNext && agentDescription === undefined)) };
  }

  get row(): AgentRow {
    const attributes = this.#attributes;
    return {
      id: this.id,
      service: this.service,
      environment: this.environment,
      version: attributes['service.version'] ?? '',
      host: attributes['host.name'] ?? '',
      attributes,
      firstSeen: this.#firstSeen * 1000,
      lastSeen: this.#lastSeen * 1000,
      hasEnded: this.#hasEnded,
      isSigned: this.#isSigned,
      healthy: this.#health?.healthy ?? null,
      status: this.#health?.status ?? '',
      lastError: this.#health?.lastError ?? '',
      components: this.#components,
      capabilities: this.#capabilities,
      configuration: {
        status: STATUSES[this.#status] ?? 'none',
        hash: this.#hash,
        refused: this.#refused,
        effective: this.#effective,
      },
    };
  }
}

const STATUSES: Readonly<Record<number, AgentRow['configuration']['status']>> = {
  [RemoteConfigState.applied]: 'applied',
  [RemoteConfigState.applying]: 'applying',
  [RemoteConfigState.failed]: 'failed',
};

function cut(text: string | undefined): string {
  // A copy, as a slice would keep the whole of it.
  const { length } = text ?? '';
  return length <= TEXT_LENGTH_MAX ? (text ?? '') : Buffer.from((text ?? '').slice(0, TEXT_LENGTH_MAX)).toString();
}

function attributesOf(pairs: readonly KeyValue[]): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs.slice(0, ATTRIBUTES_MAX).map(({ key, value }) => [cut(key), cut(textOf(value))]));
}

function textOf(value: AnyValue = {}): string {
  const { stringValue, boolValue, intValue, doubleValue, arrayValue, bytesValue } = value;
  if (arrayValue !== undefined)
    return (arrayValue.values ?? [])
      .slice(0, 16)
      .map((one) => cut(textOf(one)))
      .join(', ');
  if (bytesValue !== undefined) return Buffer.from(bytesValue.subarray(0, TEXT_LENGTH_MAX)).toString('base64');
  return String(stringValue ?? boolValue ?? intValue ?? doubleValue ?? '');
}

/** Components of components by their path, `a/b`. */
function componentsOf(health: ComponentHealth): readonly ComponentRow[] {
  const rows: ComponentRow[] = [];
  const add = (one: ComponentHealth, path: string): void => {
    for (const [name, component] of one.componentHealthMap ?? []) {
      if (rows.length >= COMPONENTS_MAX) return;
      const { healthy = false, status, lastError } = component;
      const full = cut(`${path}${name}`);
      rows.push({ name: full, healthy, status: cut(status), lastError: cut(lastError) });
      add(component, `${full}/`);
    }
  };
  add(health, '');
  return rows;
}

/** The files that are in force, as text; those of others may be anything. */
function effectiveText({ configMap = new Map() }: AgentConfigMap = {}): string {
  let text = '';
  for (const [name, { body = new Uint8Array() }] of configMap) {
    if (text.length >= EFFECTIVE_LENGTH_MAX) break;
    const heading = configMap.size > 1 ? `# ${cut(name)}\n` : '';
    text += `${text === '' ? '' : '\n'}${heading}${Buffer.from(body.subarray(0, EFFECTIVE_LENGTH_MAX)).toString('utf8')}`;
  }
  return text.slice(0, EFFECTIVE_LENGTH_MAX);
}
