/**
 * What stands in the body of one request: unpacked, parsed and read, within bounds.
 *
 * in: bytes as sent, and what they are · out: traces, or a status and what is wrong
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { foreignClaim, SOLE } from './grants.js';
import { countJsonValues } from './json-text.js';
import { readOtlpProtobuf, TooManyValues } from './otlp-protobuf.js';
import { type ReadResult, readLevoTraces, readOtlpTraces } from './satellite-trace.js';

export interface BodyKind {
  readonly protocol: 'otlp' | 'levo';
  readonly isPacked: boolean;
  readonly isProtobuf: boolean;
}

export interface BodyBounds {
  /** Bytes of one body, as sent and unpacked. */
  readonly request_bytes_max: number;
  /** Arrays, objects and members of one body. */
  readonly values_max: number;
  /** Whose traces are taken: those that say that they are another's are rejected. Empty or left out takes all. */
  readonly organisation?: string;
}

export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

const unpack = promisify(gunzip);
export const TOO_LARGE = 'too large';

/** Read the request's traces; a `Refusal` where nothing of it can be read. */
export async function readBody(body: Uint8Array, kind: BodyKind, bounds: BodyBounds): Promise<ReadBody | Refusal> {
  let bytes = body;
  try {
    if (kind.isPacked) bytes = await unpack(body, { maxOutputLength: bounds.request_bytes_max });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ERR_BUFFER_TOO_LARGE'
      ? { status: 413, reason: TOO_LARGE }
      : { status: 400, reason: `not gzip: ${message}` };
  }
  const value = kind.isProtobuf ? await parseProtobuf(bytes, bounds) : parseJson(bytes, bounds);
  if ('refusal' in value) return value.refusal;
  const result = kind.protocol === 'otlp' ? readOtlpTraces(value.value) : readLevoTraces(value.value);
  rejectForeign(result, bounds.organisation ?? SOLE);
  return result.traces.length === 0 && result.rejected === 0 && result.reason !== ''
    ? { status: 400, reason: result.reason }
    : { ...result, bytes: bytes.length };
}

function rejectForeign(result: ReadResult, name: string): void {
  if (name === SOLE) return;
  result.traces = result.traces.filter(({ organization }) => {
    const foreign = foreignClaim(name, { organisation: organization });
    if (foreign === null) return true;
    result.rejected++;
    result.reason ||= `a trace of ${foreign}, sent with a token of ${name}`;
    return false;
  });
}

export interface ReadBody extends ReadResult {
  /** What it took, unpacked. */
  readonly bytes: number;
}

type Parsed = { readonly value: unknown } | { readonly refusal: Refusal };

function parseJson(bytes: Uint8Array, { values_max }: BodyBounds): Parsed {
  // Each value takes a byte at least.
  if (bytes.length > values_max && countJsonValues(bytes) > values_max)
    return { refusal: { status: 413, reason: `${TOO_LARGE}: too many values` } };
  try {
    return { value: JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) };
  } catch (error) {
    return { refusal: { status: 400, reason: `not JSON: ${(error as Error).message}` } };
  }
}

async function parseProtobuf(bytes: Uint8Array, { values_max }: BodyBounds): Promise<Parsed> {
  const wire = await import('@bufbuild/protobuf/wire').catch(() => null);
  if (wire === null)
    return {
      refusal: { status: 415, reason: 'protobuf takes the package @bufbuild/protobuf, which is not installed' },
    };
  try {
    return { value: readOtlpProtobuf(wire, bytes, values_max) };
  } catch (error) {
    if (error instanceof TooManyValues) return { refusal: { status: 413, reason: `${TOO_LARGE}: too many values` } };
    return { refusal: { status: 400, reason: `not protobuf: ${(error as Error).message}` } };
  }
}
