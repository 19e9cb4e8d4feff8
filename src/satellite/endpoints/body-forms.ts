/**
 * Bodies as values of JSON: JSON itself and what is built on it, forms, multipart.
 *
 * in: a media type and the bytes · out: a value whose properties are the fields, or null where it cannot be read
 */
import type { HeaderPair } from '../../pair/exchange.js';

export type BodyForm = 'json' | 'form' | 'multipart' | 'text' | 'opaque';

const JSON_BYTES_MAX = 4 << 20;
const FIELDS_MAX = 1000;

/** Lower case and without parameters; by its looks where none is named. */
export function mediaTypeOf(headers: readonly HeaderPair[], content: Uint8Array): string {
  const named = headers.find(([name]) => name.length === 12 && name.toLowerCase() === 'content-type')?.[1];
  const type = named?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== undefined && /^[\w!#$&^.+-]+\/[\w!#$&^.+*-]+$/.test(type) && type.length <= 100) return type;
  const first = content[0];
  return first === 0x7b || first === 0x5b ? 'application/json' : 'application/octet-stream';
}

export function bodyForm(type: string): BodyForm {
  if (
    /^[^/]+\/(?:[^/]*\+)?json(?:5|-[a-z-]+)?$/.test(type) ||
    type === 'text/json' ||
    type === 'application/csp-report'
  )
    return 'json';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  if (type === 'multipart/form-data') return 'multipart';
  return /^text\/|xml|ndjson|jsonl|yaml|javascript|graphql$/.test(type) ? 'text' : 'opaque';
}

export interface ReadBody {
  readonly value: unknown;
  readonly text: string;
}

export function readFields(form: BodyForm, content: Uint8Array, headers: readonly HeaderPair[]): ReadBody | null {
  if (content.length > JSON_BYTES_MAX) return null;
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  switch (form) {
    case 'json':
      return readJson(bytes.toString('utf8'));
    case 'form': {
      const text = bytes.toString('utf8');
      return { value: readForm(text), text };
    }
    case 'multipart':
      return { value: readMultipart(bytes.toString('latin1'), headers), text: '' };
    default:
      return { value: '', text: bytes.toString('utf8') };
  }
}

function readJson(text: string): ReadBody | null {
  try {
    return { value: JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text), text };
  } catch {
    return null;
  }
}

function readForm(text: string): Record<string, unknown> {
  const fields = fieldMap();
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    if (++count > FIELDS_MAX) break;
    addField(fields, name, typedText(value));
  }
  return fields;
}

/** Names come from strangers: `__proto__` is one among them. */
const fieldMap = (): Record<string, unknown> => Object.create(null) as Record<string, unknown>;

function addField(fields: Record<string, unknown>, name: string, value: unknown): void {
  const before = fields[name];
  if (before === undefined) fields[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else fields[name] = [before, value];
}

/** What a text of a form stands for. */
function typedText(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return text.length <= 17 && /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?$/.test(text) ? Number(text) : text;
}

/** RFC 7578. */
function readMultipart(text: string, headers: readonly HeaderPair[]): Record<string, unknown> {
  const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  const boundary = /;\s*boundary=(?:"([^"]{1,100})"|([^\s;]{1,100}))/i.exec(type);
  const fields = fieldMap();
  if (boundary === null) return fields;
  const parts = text.split(`--${boundary[1] ?? boundary[2]}`, FIELDS_MAX);
  for (const part of parts.slice(1)) {
    const end = part.indexOf('\r\n\r\n');
    if (end < 0) continue;
    const head = part.slice(0, end);
    const name = /;\s*name="([^"]{1,200})"/i.exec(head)?.[1];
    if (name === undefined) continue;
    const value = part.slice(end + 4).replace(/\r\n$/, '');
    addField(fields, name, /;\s*filename\*?=/i.test(head) ? FILE : typedText(value));
  }
  return fields;
}

/** Stands for the content of a file. */
export const FILE = '\ud800file';
