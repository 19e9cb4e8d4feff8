/**
 * Where traces are sent to.
 *
 * in: `POST /v1/traces` (OTLP/HTTP, JSON and protobuf, https://opentelemetry.io/docs/specs/otlp/#otlphttp) and
 * `POST /1.0/ebpf/traces` (levo), each optionally gzip; `POST /1.0/packets/TRACEID/SPANID`, a capture file · out: what became of them, in the form of the request
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fleet } from '../fleet/fleet.js';
import type { Guard } from '../fleet/guard.js';
import { type Ingest, mediaTypeOf, type Receipt, type Receive } from '../receive/ingest.js';
import { writePartialSuccess, writeStatus } from '../receive/otlp-protobuf.js';
import { isPcap, type PacketFiles, type PacketsPath, PCAP_TYPE } from '../receive/packet-files.js';
import type { Refusal } from '../receive/read-body.js';
import type { Access } from './access.js';
import { Refused, reply, replyJson } from './reply.js';

export const INGEST_PATHS: Readonly<Record<string, 'otlp' | 'levo'>> = {
  '/v1/traces': 'otlp',
  '/1.0/ebpf/traces': 'levo',
};

export interface Takes {
  readonly receive: Receive;
  readonly packets: PacketFiles;
  readonly fleet: Fleet;
}

export interface IngestContext {
  readonly ingest: Ingest;
  readonly access: Access;
  /** Null where nothing has to be signed. */
  readonly guard: Guard | null;
  /** Of one organisation, what takes its traces and its packets. */
  organisation(name: string): Takes;
  onReceived(count: number, lines: string): void;
}

export async function takeTraces(
  { ingest, access, guard, organisation, onReceived }: IngestContext,
  request: IncomingMessage,
  response: ServerResponse,
  protocol: 'otlp' | 'levo',
): Promise<void> {
  const isProtobuf = protocol === 'otlp' && mediaTypeOf(request) === 'application/x-protobuf';
  let receive: Receive;
  let name: string;
  try {
    name = access.checkSender(request);
    receive = organisation(name).receive;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { status, message } = error;
    response.setHeader('WWW-Authenticate', 'Bearer realm="satellite"');
    return refuse(response, status, message, isProtobuf);
  }
  let taken: Receipt | Refusal;
  try {
    guard?.checkHead(request);
    taken = await ingest.take(request, protocol, async (body, kind) => {
      guard?.check({ request, response, organisation: name }, body);
      return receive(body, kind);
    });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return refuse(response, error.status, error.message, isProtobuf);
  }
  if ('status' in taken) return refuse(response, taken.status, taken.reason, isProtobuf);
  const { received, rejected, reason, lines = '' } = taken;
  onReceived(received, lines);
  if (isProtobuf) {
    const { BinaryWriter } = await import('@bufbuild/protobuf/wire');
    return reply(response, 200, PROTOBUF, writePartialSuccess(new BinaryWriter(), rejected, reason));
  }
  // `ExportTraceServiceResponse`: empty when all is well; `partialSuccess` otherwise.
  const isPartial = protocol === 'otlp' && rejected > 0;
  replyJson(
    response,
    200,
    isPartial ? { partialSuccess: { rejectedSpans: String(rejected), errorMessage: reason } } : {},
  );
}

/** Takes the packets of an exchange. @throws Refused */
export async function takePackets(
  { ingest, access, guard, organisation }: Omit<IngestContext, 'onReceived'>,
  request: IncomingMessage,
  response: ServerResponse,
  path: PacketsPath,
): Promise<void> {
  const name = access.checkSender(request);
  const { packets } = organisation(name);
  guard?.checkHead(request);
  if (packets.bytesMax === 0)
    throw new Refused(403, 'no packets are taken here; --packets-max-bytes says how many may be');
  if (mediaTypeOf(request) !== PCAP_TYPE) throw new Refused(415, `packets come as ${PCAP_TYPE}`);
  const body = await ingest.takeBytes(request);
  if (!Buffer.isBuffer(body)) throw new Refused(body.status, body.reason);
  guard?.check({ request, response, organisation: name }, body);
  if (!isPcap(body)) throw new Refused(400, 'this is no capture file (pcap)');
  if (!packets.add(path, body))
    throw new Refused(413, `${body.length} bytes, and --packets-max-bytes keeps ${packets.bytesMax} of all`);
  replyJson(response, 200, {});
}

const PROTOBUF = 'application/x-protobuf';

/** The body of a failure is a `google.rpc.Status`, as the OTLP specification asks for. */
async function refuse(response: ServerResponse, code: number, message: string, isProtobuf: boolean): Promise<void> {
  const wire = isProtobuf ? await import('@bufbuild/protobuf/wire').catch(() => null) : null;
  if (wire === null) return replyJson(response, code, { message });
  reply(response, code, PROTOBUF, writeStatus(new wire.BinaryWriter(), message));
}
