/** Bodies that leave without content, because nobody can look into them: what could not be decoded, and archives. */
import type { TraceBody } from '../trace/trace.js';
import type { MediaType } from './media-type.js';
import type { OpaqueBodies } from './redactor.js';
import { isBinary, isMostlyText } from './text-forms.js';

/** What a body that is compressed begins with, and what it is. */
const COMPRESSED: readonly (readonly [string, string])[] = [
  ['\x1f\x8b', 'gzip that no header names'],
  ['PK\x03\x04', 'an archive'],
  ['7z\xbc\xaf\x27\x1c', 'an archive'],
  ['Rar!\x1a\x07', 'an archive'],
  ['BZh', 'bzip2'],
  ['\xfd7zXZ\x00', 'xz'],
  ['\x28\xb5\x2f\xfd', 'zstd that no header names'],
  ['%PDF-', 'a document with compressed parts'],
  ['\xd0\xcf\x11\xe0', 'a document with compressed parts'],
  ['\x04\x22\x4d\x18', 'lz4'],
  ['wOFF', 'a font'],
  ['wOF2', 'a font'],
];

type OpaqueContent = Pick<TraceBody, 'content' | 'codingError'>;

/** What any of them begins with. */
const FIRST_BYTES = new Set(COMPRESSED.map(([magic]) => magic.charCodeAt(0)));

/** Why a body is to leave without content; null where it is not. */
export function omissionReason(body: OpaqueContent, type: MediaType, mode: OpaqueBodies): string | null {
  if (mode === 'keep') return null;
  const { content, codingError } = body;
  if (codingError === null && mode !== 'drop' && !type.isUnreadable && isOrdinary(content)) return null;
  const { text: contentType } = type;
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (codingError !== null && !isPlainDespite(body, bytes)) return `not decoded: ${codingError}`;
  if (type.isUnreadable || hasWideCharacters(bytes)) return 'a character encoding that is not read';
  if (FIRST_BYTES.has(bytes[0] as number)) {
    const start = bytes.toString('latin1', 0, 8);
    for (const [magic, what] of COMPRESSED) if (start.startsWith(magic)) return what;
  }
  if (bytes[0] === MQTT_CONNECT && isMqttLogin(bytes)) return 'a login of MQTT';
  if (
    mode === 'drop' &&
    (isBinary(bytes) || !isMostlyText(bytes) || /^\s*(?:image\/(?!svg)|audio|video|font)/i.test(contentType))
  )
    return 'no text';
  return null;
}

/** Whether it begins as nothing does that is looked for here: with two bytes that are neither the first of a format nor a zero. */
function isOrdinary(content: Uint8Array): boolean {
  const [first = 0, second = 0] = content;
  return first !== 0 && second !== 0 && first < 0x80 && first !== MQTT_CONNECT && !FIRST_BYTES.has(first);
}

const MQTT_CONNECT = 0x10;
const MQTT_NAMES = ['\0\x04MQTT', '\0\x06MQIsdp'];
const MQTT_PASSWORD = 0x40;

/**
 * A message of a WebSocket in which a client of MQTT says who it is (MQTT 5.0 §3.1): its password has neither a name nor a form.
 *
 *     | 0x10 | length (1 to 4) | length (16) "MQTT" | version | flags | …
 */
function isMqttLogin(bytes: Buffer): boolean {
  let at = 1;
  while (at < 4 && (bytes[at] as number) >= 0x80) at++;
  const name = MQTT_NAMES.find((one) => bytes.toString('latin1', at + 1, at + 1 + one.length) === one);
  return name !== undefined && ((bytes[at + 1 + name.length + 1] ?? 0) & MQTT_PASSWORD) !== 0;
}

function hasWideCharacters(bytes: Buffer): boolean {
  return bytes.length >= 16 && (isUtf32(bytes, 0) || isUtf32(bytes, 3));
}

/** Whether the first characters are ASCII with three zeros each, or a byte order mark; `at`: where in a character it stands. */
function isUtf32(bytes: Buffer, at: 0 | 3): boolean {
  for (let i = 0; i < 16; i += 4) {
    const isMark =
      i === 0 &&
      (at === 0
        ? bytes[0] === 0xff && bytes[1] === 0xfe && bytes[2] === 0 && bytes[3] === 0
        : bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 0xfe && bytes[3] === 0xff);
    if (isMark) continue;
    for (let j = i; j < i + 4; j++) {
      const byte = bytes[j] as number;
      if (j === i + at ? byte < 0x09 || byte > 0x7e : byte !== 0) return false;
    }
  }
  return true;
}

/** A body that is plain text although a header names a coding. */
function isPlainDespite(_body: OpaqueContent, bytes: Buffer): boolean {
  return isMostlyText(bytes) && !isBinary(bytes);
}
