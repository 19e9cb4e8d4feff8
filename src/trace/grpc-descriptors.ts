/**
 * What messages of calls say, by a compiled set of descriptors (descriptor.proto, `FileDescriptorSet`), as
 * `protoc --include_imports --descriptor_set_out` writes it.
 *
 * in:  the set · out: messages as JSON (ProtoJSON), by the path of their call
 *
 * The library is loaded when there is a set. What it cannot read of a message is no error: that message stays as it is.
 */
import { createRequire } from 'node:module';
import type { DescMessage, FileRegistry, Message } from '@bufbuild/protobuf';
import { UsageError } from '../errors.js';
import { DEFAULT_LIMITS } from '../limits.js';

type Protobuf = typeof import('@bufbuild/protobuf');
type WellKnownTypes = typeof import('@bufbuild/protobuf/wkt');

export interface Described {
  readonly json: string;
  /** Whether it has all that the message has: fields that the set does not know are left out. */
  readonly isWhole: boolean;
}

export interface MessageDescriber {
  /** Null where the set does not know the method, or the message is none of its kind. */
  describe(path: string, isRequest: boolean, bytes: Uint8Array): Described | null;
  /** A message stays as it was sent. */
  noteUnfit(): void;
}

interface Method {
  readonly input: DescMessage;
  readonly output: DescMessage;
}

/** A set, with its name for errors; `onUnfit` is told of each message that it does not fit. */
export function openDescriptors(set: Uint8Array, name: string, onUnfit: () => void): MessageDescriber {
  const { protobuf, registry } = read(set, name);
  const methods = new Map<string, Method>();
  for (const one of registry)
    if (one.kind === 'service')
      for (const method of one.methods) methods.set(`/${one.typeName}/${method.name}`, method);
  if (methods.size === 0) throw wrong(name, 'describes no method of a service');
  return {
    noteUnfit: onUnfit,
    describe(path, isRequest, bytes) {
      const method = methods.get(path);
      return method === undefined ? null : toJson(protobuf, registry, isRequest ? method.input : method.output, bytes);
    },
  };
}

function read(set: Uint8Array, name: string): { protobuf: Protobuf; registry: FileRegistry } {
  const { protobuf, wellKnown } = load(name);
  try {
    const files = protobuf.fromBinary(wellKnown.FileDescriptorSetSchema, set);
    return { protobuf, registry: protobuf.createFileRegistry(files) };
  } catch (error) {
    throw wrong(name, `is no set of descriptors that could be read (${(error as Error).message})`);
  }
}

function load(name: string): { protobuf: Protobuf; wellKnown: WellKnownTypes } {
  const require = createRequire(import.meta.url);
  try {
    return { protobuf: require('@bufbuild/protobuf'), wellKnown: require('@bufbuild/protobuf/wkt') };
  } catch {
    throw new UsageError(
      `--grpc-descriptors ${JSON.stringify(name)} needs the package @bufbuild/protobuf, which is not here; npm install @bufbuild/protobuf, or leave the option out`,
    );
  }
}

function wrong(name: string, what: string): UsageError {
  return new UsageError(
    `--grpc-descriptors ${JSON.stringify(name)} ${what}; give a file that protoc --include_imports --descriptor_set_out=FILE, or buf build -o FILE, wrote`,
  );
}

function toJson(protobuf: Protobuf, registry: FileRegistry, schema: DescMessage, bytes: Uint8Array): Described | null {
  if (bytes.length > DEFAULT_LIMITS.grpc_json_bytes_max) return null;
  try {
    const message = protobuf.fromBinary(schema, bytes);
    const isWhole = !hasUnknown(message);
    const json = JSON.stringify(protobuf.toJson(schema, message, { registry }));
    // Nothing of it was known.
    return json === '{}' && !isWhole ? null : { json, isWhole };
  } catch {
    return null;
  }
}

/** Whether it, or a message in it, has fields that its descriptor does not name. */
function hasUnknown(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  if ('$unknown' in value && ((value as Message).$unknown?.length ?? 0) > 0) return true;
  return Object.values(value).some(hasUnknown);
}
