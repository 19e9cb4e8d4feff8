/**
 * What a person can set of the daemon: the types that the configuration and the flags become.
 */

import type { CaptureFormat } from '../../../capture/packet-encoder.js';
import type { AllowedNames, CaptureCaps } from '../message/admission.js';

export interface TriggerSettings {
  readonly node: string;
  readonly caps: CaptureCaps;
  readonly allowed: AllowedNames;
  readonly aliases: readonly InterfaceAliases[];
  readonly format: CaptureFormat;
  /** Bytes of all captures together, from the first packet until they are delivered. */
  readonly memoryBytesMax: number;
  /** Captures at once. */
  readonly capturesMax: number;
  readonly lookback: LookbackSettings | null;
  /** MiB of kernel buffer for each interface. */
  readonly ringMebibytes: number;
  /** `[HOST:]PORT` that answers GET /healthz, /readyz and /metrics; empty for none. */
  readonly health: string;
  readonly packetDebug: boolean;
  readonly logRequests: boolean;
  /** Whether traffic with the metadata and credential endpoints of a cloud is captured like any other. */
  readonly takesMetadata: boolean;
  readonly spool: SpoolSettings | null;
  /** How long an upload is tried again where there is no spool. */
  readonly retrySeconds: number;
  readonly local: LocalSettings | null;
  readonly cloudshark: CloudSharkSettings | null;
  readonly s3: S3Settings | null;
  readonly redis: RedisSettings | null;
  readonly sqs: SqsSettings | null;
  readonly kafka: KafkaSettings | null;
  readonly syslog: SyslogSettings | null;
}

export interface InterfaceAliases {
  readonly name: string;
  readonly aliases: readonly string[];
}

export interface LookbackSettings {
  /** Bytes for each interface. */
  readonly bytesMax: number;
  readonly secondsMax: number;
}

export interface SpoolSettings {
  readonly directory: string;
  readonly bytesMax: number;
}

export interface LocalSettings {
  readonly directory: string;
}

/** Keys for AWS; null takes the default chain: environment, role of the task or instance, profile. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface CloudSharkSettings {
  readonly host: string;
  readonly scheme: 'http' | 'https';
  readonly port: number;
  readonly token: string;
  readonly timeoutSeconds: number;
  /** PEM; null for the system's certificates. */
  readonly ca: string | null;
  readonly isVerified: boolean;
}

export interface S3Settings {
  readonly keys: AwsKeys | null;
  readonly region: string;
  /** Null for the region's own. */
  readonly endpoint: string | null;
  readonly bucket: string;
  readonly folder: string;
  readonly acl: string;
  readonly encryption: boolean;
}

export interface RedisSettings {
  readonly host: string;
  readonly port: number;
  readonly channels: readonly string[];
  readonly patterns: readonly string[];
  readonly user: string | null;
  readonly password: string | null;
  readonly tls: TlsSettings | null;
}

export interface TlsSettings {
  /** PEM; null for the system's certificates. */
  readonly ca: string | null;
  readonly isVerified: boolean;
}

export interface SqsSettings {
  readonly url: string;
  /** What is asked: `endpoint`, or else the host of `url`. */
  readonly endpoint: string;
  readonly region: string;
  readonly keys: AwsKeys | null;
  readonly waitSeconds: number;
  readonly chunkSize: number;
}

export interface KafkaSettings {
  readonly servers: readonly string[];
  readonly topic: string;
  readonly tls: TlsSettings | null;
  readonly sasl: { readonly mechanism: string; readonly user: string; readonly password: string } | null;
}

export interface SyslogSettings {
  /** Facility times 8 plus severity, RFC 5424 §6.2.1. */
  readonly priority: number;
  readonly tag: string;
  /** Another socket than the system's; null for /dev/log. */
  readonly socket: string | null;
}
