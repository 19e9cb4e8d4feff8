/**
 * Bodies laid out to be read: JSON, XML, forms, gRPC, bytes.
 *
 * in: what strangers sent, which may be cut off anywhere · out: text, never markup
 *
 * JSON and XML are laid out as text, not parsed: nothing of them changes, large numbers and doubled members least of all.
 */

const INDENT = '  ';

/** JSON with a line for each member. What stands in quotes stays as it is. */
export function prettyJson(text: string): string {
  let out = '';
  let depth = 0;
  const line = (): string => `\n${INDENT.repeat(Math.min(depth, 40))}`;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (character === '"') {
      const end = endOfString(text, i);
      out += text.slice(i, end);
      i = end - 1;
    } else if (character === '{' || character === '[') {
      const close = character === '{' ? '}' : ']';
      const next = skipSpace(text, i + 1);
      if (text[next] === close) {
        out += character + close;
        i = next;
      } else {
        depth++;
        out += character + line();
      }
    } else if (character === '}' || character === ']') {
      depth = Math.max(0, depth - 1);
      out += line() + character;
    } else if (character === ',') out += character + line();
    else if (character === ':') out += ': ';
    else if (!isSpace(character)) out += character;
  }
  return out;
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text[at] as string)) at++;
  return at;
}

const isSpace = (character: string): boolean =>
  character === ' ' || character === '\n' || character === '\r' || character === '\t';

/** XML with a line for each element. */
export function prettyXml(text: string): string {
  let depth = 0;
  let out = '';
  for (const part of text.replace(/>\s*</g, '>\n<').split('\n')) {
    const piece = part.trim();
    if (piece.startsWith('</')) depth = Math.max(0, depth - 1);
    out += `${INDENT.repeat(Math.min(depth, 40))}${piece}\n`;
    if (/^<[^!?/]/.test(piece) && !/\/>$/.test(piece) && !/<\/[^>]*>$/.test(piece)) depth++;
  }
  return out;
}

/** The fields of a form, decoded. */
export function formFields(text: string): [name: string, value: string][] {
  return text.split('&').map((pair) => {
    const equals = pair.indexOf('=');
    return equals < 0 ? [decoded(pair), ''] : [decoded(pair.slice(0, equals)), decoded(pair.slice(equals + 1))];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

export function bytesOf(content: string, encoding: 'utf8' | 'base64'): Uint8Array {
  if (encoding === 'utf8') return new TextEncoder().encode(content);
  return Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
}

const HEX_BYTES_MAX = 1 << 14;

/** Offset, bytes and characters, sixteen a line. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, HEX_BYTES_MAX); at += 16) {
    const some = [...bytes.subarray(at, at + 16)];
    const hex = some.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = some.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  if (bytes.length > HEX_BYTES_MAX) lines.push(`… ${bytes.length - HEX_BYTES_MAX} more bytes`);
  return lines.join('\n');
}

/** The messages of a gRPC body, by the fields of their wire format: five bytes before each say how long it is. */
export function grpcMessages(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: string[] = [];
  for (let at = 0; at + 5 <= bytes.length && parts.length < 1000; ) {
    const length = view.getUint32(at + 1);
    const message = bytes.subarray(at + 5, at + 5 + length);
    const cut = message.length < length ? `, of which ${message.length} are here` : '';
    const packed = bytes[at] === 1 ? ', compressed' : '';
    parts.push(
      `message ${parts.length + 1}: ${length} bytes${cut}${packed}\n${packed === '' ? protobufFields(message, 1) : hexDump(message)}`,
    );
    at += 5 + length;
  }
  return parts.join('\n');
}

const FIELD_DEPTH_MAX = 8;

/** Fields by number, as nobody here knows their names (https://protobuf.dev/programming-guides/encoding/). */
export function protobufFields(bytes: Uint8Array, depth: number): string {
  const indent = INDENT.repeat(depth);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let out = '';
  let at = 0;
  const varint = (): bigint | null => {
    let value = 0n;
    for (let shift = 0n; shift < 70n && at < bytes.length; shift += 7n) {
      const byte = bytes[at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return null;
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === null || tag >> 3n === 0n) return '';
    const type = Number(tag & 7n);
    const name = `${indent}${tag >> 3n}: `;
    if (type === 0) {
      const value = varint();
      if (value === null) return '';
      out += `${name}${value}\n`;
    } else if (type === 1 && at + 8 <= bytes.length) {
      out += `${name}${view.getFloat64(at, true)} (0x${view.getBigUint64(at, true).toString(16)})\n`;
      at += 8;
    } else if (type === 5 && at + 4 <= bytes.length) {
      out += `${name}${view.getFloat32(at, true)} (0x${view.getUint32(at, true).toString(16)})\n`;
      at += 4;
    } else if (type === 2) {
      const length = Number(varint() ?? -1n);
      if (length < 0 || at + length > bytes.length) return '';
      out += name + delimited(bytes.subarray(at, at + length), depth);
      at += length;
    } else return '';
  }
  return out;
}

/** Text where it is text, else a message where it is one, else bytes. */
function delimited(bytes: Uint8Array, depth: number): string {
  const text = textOfBytes(bytes);
  if (text !== null) return `${JSON.stringify(text)}\n`;
  const inner = depth < FIELD_DEPTH_MAX ? protobufFields(bytes, depth + 1) : '';
  if (inner !== '') return `{\n${inner}${INDENT.repeat(depth)}}\n`;
  return `${[...bytes.subarray(0, 64)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}${bytes.length > 64 ? ' …' : ''}\n`;
}

function textOfBytes(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what no text has
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}
