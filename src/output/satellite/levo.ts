/**
 * The levo protocol: what Levo's satellite takes on `POST <base>/1.0/ebpf/traces`.
 *
 * in: `Trace`s · out: a JSON array of entries, in the field order its own senders use
 *
 * Written by hand: `request_time_ns` is an integer literal larger than a float64 can hold. An exchange without a response
 * has status code 0 and no response headers. Bodies are those of the trace, with content codings undone.
 */
import { hostname } from 'node:os';
import { isControl } from '../../http/stream-message.js';
import type { Endpoint, HeaderPair } from '../../pair/exchange.js';
import type { Trace, TraceBody, TraceMessage } from '../../trace/trace.js';
import { asBuffer } from '../ndjson.js';
import { type JsonBatchEncoder, jsonFrame } from '../relay/batch.js';
import type { SatelliteSettings } from './settings.js';

/** The most bytes of a body that Levo's satellite takes, before base64 makes 131 068 of them. */
const BODY_BYTES_MAX = 98_301;

const FRAME = { head: Buffer.from('['), tail: Buffer.from(']') };

export interface LevoResource {
  readonly serviceName: string;
  readonly hostName: string;
  readonly environment: string;
  readonly sensorVersion: string;
}

export function levoResource(settings: SatelliteSettings): LevoResource {
  return {
    serviceName: settings.serviceName,
    hostName: hostname(),
    environment: settings.environment,
    sensorVersion: settings.sensorVersion,
  };
}

export function createLevoEncoder(resource: LevoResource): JsonBatchEncoder {
  const encodedResource = JSON.stringify({
    service_name: resource.serviceName,
    host_name: resource.hostName,
    levo_env: resource.environment,
    sensor_type: 'PCAP',
    sensor_version: resource.sensorVersion,
    telemetry_sdk_language: 'nodejs',
    telemetry_sdk_name: 'pcap-sensor',
    telemetry_sdk_version: resource.sensorVersion,
  });
  const encode = (trace: Trace): Buffer => Buffer.from(encodeEntry(trace, encodedResource));
  return Object.assign(
    jsonFrame(() => FRAME),
    {
      protocol: 'levo' as const,
      encode,
      // Bodies are cut where they would begin to take long.
      sliced_bytes_min: Number.POSITIVE_INFINITY,
      encodeSliced: async (trace: Trace) => encode(trace),
    },
  );
}

function encodeEntry(trace: Trace, resource: string): string {
  const { request, response, network, messages } = trace;
  const [local, remote] = trace.kind === 'server' ? [network.server, network.client] : [network.client, network.server];
  return (
    `{"http_scheme":"${request.scheme}"` +
    `,"request":{"headers":${headers(
      [
        [':method', request.method],
        [':path', pathWithQuery(trace)],
        [':authority', request.authority],
        [':scheme', request.scheme],
      ],
      request.headers,
    )},${body(withMessages(request.body, 'request', messages))}}` +
    `,"response":${
      response === null
        ? '{"headers":{},"body":"","truncated":false,"status_code":0}'
        : `{"headers":${headers([[':status', String(response.status)]], response.headers)},${body(withMessages(response.body, 'response', messages))}` +
          `,"status_code":${response.status}}`
    },"resource":${resource}` +
    `,"duration_ns":${Math.round(trace.durationNano)},"request_time_ns":${trace.startTimeUnixNano}` +
    `,"trace_id":"${uuid(trace.traceId)}","span_id":"${uuid(trace.spanId.padStart(32, '0'))}"` +
    `,"span_kind":"${trace.kind === 'server' ? 'SERVER' : 'CLIENT'}"` +
    `,"local_net":${net(local)},"remote_net":${net(remote)}` +
    `,"path":${JSON.stringify(request.path)},"method":${JSON.stringify(request.method)}` +
    `,"client_ip":${JSON.stringify((trace.client ?? network.client).address)}}`
  );
}

function pathWithQuery({ request }: Trace): string {
  return request.query === '' ? request.path : `${request.path}?${request.query}`;
}

function headers(pseudo: readonly HeaderPair[], sent: readonly HeaderPair[]): string {
  const joined = new Map<string, string>(pseudo);
  for (const [name, value] of sent) {
    const key = name.toLowerCase();
    // A field name cannot begin with a colon (RFC 9110 §5.1); one that does must not pass for a pseudo-header.
    if (key.startsWith(':')) continue;
    const before = joined.get(key);
    joined.set(key, before === undefined ? value : `${before},${value}`);
  }
  let text = '{';
  for (const [name, value] of joined)
    text += `${text.length > 1 ? ',' : ''}${JSON.stringify(name)}:${JSON.stringify(value)}`;
  return `${text}}`;
}

function body({ content, truncated }: TraceBody): string {
  const cut = content.length > BODY_BYTES_MAX;
  const bytes = asBuffer(cut ? content.subarray(0, BODY_BYTES_MAX) : content);
  return `"body":"${bytes.toString('base64')}","truncated":${truncated || cut}`;
}

/** There is no place for messages: those of a stream without a body are its body, a line each. */
function withMessages(body: TraceBody, side: TraceMessage['direction'], messages: Trace['messages']): TraceBody {
  if (messages === undefined || body.content.length > 0) return body;
  const contents: Uint8Array[] = [];
  for (const { direction, kind, content } of messages) {
    if (direction !== side || content.length === 0 || isControl(kind)) continue;
    if (contents.length > 0) contents.push(LINE_FEED);
    contents.push(content);
  }
  return contents.length === 0 ? body : { ...body, content: Buffer.concat(contents) };
}

const LINE_FEED = Buffer.from('\n');

const net = ({ address, port }: Endpoint): string => `{"ip":${JSON.stringify(address)},"port":${port}}`;

/** 32 hex digits in the shape of RFC 9562 §4. */
function uuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
