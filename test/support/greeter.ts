/**
 * A service for tests of calls, as a compiled set of descriptors and as bytes, made by a library that is not the sensor's:
 *
 *     package demo;
 *     message Note { string text = 1; string password = 2; bytes blob = 3; int64 big = 4; repeated Note notes = 5; Kind kind = 6; }
 *     service Greeter { rpc Say (Note) returns (Note); rpc Chat (stream Note) returns (stream Note); … }
 */
import { create, createFileRegistry, type DescService, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';

const { STRING, BYTES, INT64, MESSAGE, ENUM } = FieldDescriptorProto_Type;

const FILE = create(FileDescriptorProtoSchema, {
  name: 'demo.proto',
  package: 'demo',
  syntax: 'proto3',
  messageType: [
    {
      name: 'Note',
      field: [
        { name: 'text', number: 1, type: STRING },
        { name: 'password', number: 2, type: STRING },
        { name: 'blob', number: 3, type: BYTES },
        { name: 'big', number: 4, type: INT64 },
        {
          name: 'notes',
          number: 5,
          type: MESSAGE,
          typeName: '.demo.Note',
          label: FieldDescriptorProto_Label.REPEATED,
        },
        { name: 'kind', number: 6, type: ENUM, typeName: '.demo.Kind' },
      ].map((field) => ({ label: FieldDescriptorProto_Label.OPTIONAL, jsonName: field.name, ...field })),
    },
  ],
  enumType: [
    {
      name: 'Kind',
      value: [
        { name: 'PLAIN', number: 0 },
        { name: 'LOUD', number: 1 },
      ],
    },
  ],
  service: [
    {
      name: 'Greeter',
      method: [
        ['Say', false, false],
        ['Collect', true, false],
        ['List', false, true],
        ['Chat', true, true],
      ].map(([name, clientStreaming, serverStreaming]) => ({
        name: name as string,
        inputType: '.demo.Note',
        outputType: '.demo.Note',
        clientStreaming: clientStreaming as boolean,
        serverStreaming: serverStreaming as boolean,
      })),
    },
  ],
});

const SET = create(FileDescriptorSetSchema, { file: [FILE] });

/** What `protoc --descriptor_set_out` writes of it. */
export function greeterDescriptors(): Uint8Array {
  return toBinary(FileDescriptorSetSchema, SET);
}

const REGISTRY = createFileRegistry(SET);
const NOTE = REGISTRY.getMessage('demo.Note');

export function greeterService(): DescService {
  const service = REGISTRY.getService('demo.Greeter');
  if (service === undefined) throw new Error('demo.Greeter is not there');
  return service;
}

/** A message of it. */
export function note(fields: JsonObject): Buffer {
  if (NOTE === undefined) throw new Error('demo.Note is not there');
  return Buffer.from(toBinary(NOTE, fromJson(NOTE, fields)));
}

/** A message behind its prefix; `length`: what that says, if it is not true. */
export function callFrame(flags: number, content: Buffer | string, length?: number): Buffer {
  const bytes = Buffer.from(content as string);
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(length ?? bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}
