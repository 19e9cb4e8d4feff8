/**
 * The messages of OpAMP that a sensor and its server exchange, as values. What is left out here (packages, connection settings,
 * commands, certificates) a sensor neither offers nor takes, and the codec passes over.
 *
 * https://github.com/open-telemetry/opamp-spec/blob/main/specification.md; the fields are those of its `proto/opamp.proto`. Absent
 * is undefined: OpAMP leaves out what has not changed (§ "Agent Status Compression").
 */

/** `AgentCapabilities`, bits. */
export const AgentCapability = {
  reportsStatus: 0x1,
  acceptsRemoteConfig: 0x2,
  reportsEffectiveConfig: 0x4,
  reportsHealth: 0x800,
  reportsRemoteConfig: 0x1000,
  reportsHeartbeat: 0x2000,
} as const;

/** `ServerCapabilities`, bits. */
export const ServerCapability = {
  acceptsStatus: 0x1,
  offersRemoteConfig: 0x2,
  acceptsEffectiveConfig: 0x4,
} as const;

/** `RemoteConfigStatuses`. */
export const RemoteConfigState = { unset: 0, applied: 1, applying: 2, failed: 3 } as const;

/** `ServerToAgentFlags`: the server asks for all that the agent leaves out as unchanged. */
export const REPORT_FULL_STATE = 0x1;
/** `AgentToServerFlags`: the agent asks for an id of the server's choice. */
export const REQUEST_INSTANCE_UID = 0x1;

/** One of its members is there. */
export interface AnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: bigint;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values?: readonly AnyValue[] };
  readonly kvlistValue?: { readonly values?: readonly KeyValue[] };
  readonly bytesValue?: Uint8Array;
}

export interface KeyValue {
  readonly key?: string;
  readonly value?: AnyValue;
}

export interface AgentDescription {
  readonly identifyingAttributes?: readonly KeyValue[];
  readonly nonIdentifyingAttributes?: readonly KeyValue[];
}

export interface ComponentHealth {
  readonly healthy?: boolean;
  readonly startTimeUnixNano?: bigint;
  readonly lastError?: string;
  readonly status?: string;
  readonly statusTimeUnixNano?: bigint;
  readonly componentHealthMap?: ReadonlyMap<string, ComponentHealth>;
}

export interface AgentConfigFile {
  readonly body?: Uint8Array;
  readonly contentType?: string;
}

export interface AgentConfigMap {
  readonly configMap?: ReadonlyMap<string, AgentConfigFile>;
}

export interface RemoteConfigStatus {
  readonly lastRemoteConfigHash?: Uint8Array;
  /** See `RemoteConfigState`. */
  readonly status?: number;
  readonly errorMessage?: string;
}

export interface CustomCapabilities {
  /** Names in reverse FQDN, such as `io.opentelemetry.custom`. */
  readonly capabilities?: readonly string[];
}

export interface CustomMessage {
  readonly capability?: string;
  readonly type?: string;
  readonly data?: Uint8Array;
}

export interface AgentToServer {
  /** 16 bytes, a UUID version 7. */
  readonly instanceUid?: Uint8Array;
  readonly sequenceNum?: number;
  readonly agentDescription?: AgentDescription;
  /** See `AgentCapability`. */
  readonly capabilities?: number;
  readonly health?: ComponentHealth;
  readonly effectiveConfig?: { readonly configMap?: AgentConfigMap };
  readonly remoteConfigStatus?: RemoteConfigStatus;
  /** There, though empty, in the last message of an agent. */
  readonly agentDisconnect?: object;
  readonly flags?: number;
  readonly customCapabilities?: CustomCapabilities;
  readonly customMessage?: CustomMessage;
}

export interface AgentRemoteConfig {
  readonly config?: AgentConfigMap;
  readonly configHash?: Uint8Array;
}

export interface ServerErrorResponse {
  /** 0 unknown, 1 bad request, 2 unavailable. */
  readonly type?: number;
  readonly errorMessage?: string;
  readonly retryInfo?: { readonly retryAfterNanoseconds?: number };
}

export interface ServerToAgent {
  readonly instanceUid?: Uint8Array;
  readonly errorResponse?: ServerErrorResponse;
  readonly remoteConfig?: AgentRemoteConfig;
  /** What a server offers there is not taken; that it did is said. */
  readonly connectionSettings?: object;
  readonly packagesAvailable?: object;
  /** See `REPORT_FULL_STATE`. */
  readonly flags?: number;
  /** See `ServerCapability`. */
  readonly capabilities?: number;
  readonly agentIdentification?: { readonly newInstanceUid?: Uint8Array };
  /** A restart, which a sensor does not do. */
  readonly command?: object;
  readonly customCapabilities?: CustomCapabilities;
  readonly customMessage?: CustomMessage;
}
