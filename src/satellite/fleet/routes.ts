/**
 * Where agents call: `POST /v1/enrolment`, by which a sensor and the satellite come to know each other (`enrolment/identity.ts`), and
 * `POST /v1/opamp`, OpAMP over plain HTTP (its specification, § "Plain HTTP Transport").
 *
 * in: requests · out: JSON; protobuf
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { createOpampCodec, type OpampCodec } from '../../enrolment/opamp/codec.js';
import type { IngestContext } from '../api/ingest-routes.js';
import { Refused, reply, replyJson } from '../api/reply.js';
import { mediaTypeOf } from '../receive/ingest.js';
import { OPAMP_PATH } from './opamp-path.js';

/** Without a guard nothing can be signed, and nobody enrols. */
export type FleetRoutesContext = Omit<IngestContext, 'onReceived'>;

const PROTOBUF = 'application/x-protobuf';
const ENROLMENT_BYTES_MAX = 4096;
const MESSAGE_BYTES_MAX = 1 << 20;

type AgentRoute = (given: FleetRoutesContext, request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** What takes a `POST` to the path; null where that is none of these. */
export function agentRoute(path: string): AgentRoute | null {
  if (path === OPAMP_PATH) return takeOpamp;
  return path === '/v1/enrolment' ? takeEnrolment : null;
}

/** @throws Refused */
async function takeEnrolment(
  { ingest, access, guard }: FleetRoutesContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const organisation = access.checkSender(request);
  if (guard === null) throw new Refused(404, 'nobody enrols here: that takes --enrolment-key-file');
  guard.checkHead(request);
  const body = await ingest.takeBytes(request);
  if (!Buffer.isBuffer(body)) throw new Refused(body.status, body.reason);
  if (body.length > ENROLMENT_BYTES_MAX) throw new Refused(413, `more than ${ENROLMENT_BYTES_MAX} bytes`);
  const { step, challenge } = contentOf(body);
  if (step === 'hello') {
    const { instance } = guard.check({ request, response, organisation }, body, true);
    return replyJson(response, 200, { challenge: guard.verifier.challenge(instance) });
  }
  const { instance } = guard.check({ request, response, organisation }, body);
  if (step !== 'join' || typeof challenge !== 'string')
    throw new Refused(400, 'send {"step": "hello"}, and then {"step": "join", "challenge": "…"}');
  if (!guard.verifier.isAnswered(instance, challenge)) throw new Refused(403, 'this is no challenge of this satellite');
  replyJson(response, 200, {});
}

function contentOf(body: Buffer): { step?: unknown; challenge?: unknown } {
  try {
    return (JSON.parse(body.toString('utf8')) as object | null) ?? {};
  } catch {
    throw new Refused(400, 'what was sent is not JSON');
  }
}

/** @throws Refused */
async function takeOpamp(
  { ingest, access, guard, organisation }: FleetRoutesContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const name = access.checkSender(request);
  const { fleet } = organisation(name);
  if (mediaTypeOf(request) !== PROTOBUF) throw new Refused(415, `OpAMP messages come as ${PROTOBUF}`);
  const isSigned = guard?.isSigned(request) === true;
  if (isSigned) guard?.checkHead(request);
  const body = await ingest.takeBytes(request);
  if (!Buffer.isBuffer(body)) throw new Refused(body.status, body.reason);
  const checked = { request, response, organisation: name };
  const signedBy = isSigned && guard !== null ? guard.check(checked, body).instance : null;
  const codec = await codecOf();
  const message = codec.readAgentToServer(await unpacked(request, body));
  if (typeof message === 'string') throw new Refused(400, message);
  reply(response, 200, PROTOBUF, codec.writeServerToAgent(fleet.take(message, signedBy)));
}

/** @throws Refused */
async function unpacked({ headers }: IncomingMessage, body: Buffer): Promise<Buffer> {
  const encoding = (headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new Refused(400, `Content-Encoding ${encoding} is not gzip`);
  if (body.length > MESSAGE_BYTES_MAX) throw new Refused(413, `more than ${MESSAGE_BYTES_MAX} bytes`);
  if (encoding === 'identity') return body;
  try {
    return await promisify(gunzip)(body, { maxOutputLength: MESSAGE_BYTES_MAX });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new Refused(413, `more than ${MESSAGE_BYTES_MAX} bytes`);
    throw new Refused(400, `not gzip: ${message}`);
  }
}

async function codecOf(): Promise<OpampCodec> {
  const wire = await import('@bufbuild/protobuf/wire').catch(() => null);
  if (wire === null) throw new Refused(501, 'OpAMP takes the package @bufbuild/protobuf, which is not installed');
  return createOpampCodec(wire);
}
