/** Objects under the name of a secret that are none: schemas, crypto assets, the tokens of language models. */
import { COMMA, isSpace, OPEN_BRACE, QUOTE } from './byte-text.js';
import { isOpaque } from './value-shapes.js';

const SCHEMA_MEMBERS = new Set([
  '$ref',
  'description',
  'format',
  'enum',
  'properties',
  'anyOf',
  'oneOf',
  'allOf',
  'required',
  'nullable',
  '$schema',
  'title',
  'in',
  'schema',
  'readOnly',
  'writeOnly',
  'minLength',
  'maxLength',
  'pattern',
  'label',
  'placeholder',
  'minimum',
  'maximum',
  'optional',
  'sensitive',
  'validate',
  'helpText',
  'help',
]);
const SCHEMA_TYPES = new Set([
  'string',
  'integer',
  'number',
  'boolean',
  'object',
  'array',
  'null',
  'password',
  'text',
  'keyword',
  'varchar',
  'SecureString',
  // Security schemes of OpenAPI, kinds of inputs.
  'apiKey',
  'http',
  'oauth2',
  'openIdConnect',
  'mutualTLS',
  'hidden',
  'email',
  'textarea',
]);

/** Whether the object that opens at `at` begins like a schema (JSON Schema, OpenAPI, a form's description of a field). */
export function isSchema(bytes: Buffer, at: number, end: number): boolean {
  if (bytes[at] !== OPEN_BRACE) return false;
  const name = stringAt(bytes, skip(bytes, at + 1, end), end);
  if (name === null) return false;
  const text = bytes.toString('latin1', name.start, name.end);
  if (text !== 'type' && text !== '@type') return SCHEMA_MEMBERS.has(text);
  let i = skip(bytes, name.end + 1, end);
  if (bytes[i] !== 0x3a) return false;
  i = skip(bytes, i + 1, end);
  const type = stringAt(bytes, i, end);
  return type !== null && SCHEMA_TYPES.has(bytes.toString('latin1', type.start, type.end));
}

function skip(bytes: Buffer, at: number, end: number): number {
  let i = at;
  const limit = Math.min(end, at + 64);
  while (i < limit && isSpace(bytes[i])) i++;
  return i;
}

function stringAt(bytes: Buffer, at: number, end: number): { start: number; end: number } | null {
  if (bytes[at] !== QUOTE) return null;
  const limit = Math.min(end, at + 24);
  for (let i = at + 1; i < limit; i++) if (bytes[i] === QUOTE) return { start: at + 1, end: i };
  return null;
}

/** Whether the object that opens at `at` is a crypto asset, or a token of a language model, as its next members say. */
export function isAsset(bytes: Buffer, at: number, end: number): boolean {
  if (bytes[at] !== OPEN_BRACE) return false;
  const start = bytes.toString('latin1', at, Math.min(end, at + ASSET_BYTES_MAX));
  const close = start.indexOf('}');
  return /"(?:symbol|decimals|ticker|chain_?id|logo_?uri|logprob)"\s*:/i.test(
    close < 0 ? start : start.slice(0, close),
  );
}

const ASSET_BYTES_MAX = 256;

const ASSET_MEMBERS = new Set([
  'symbol',
  'decimals',
  'chainid',
  'chain_id',
  'logouri',
  'ticker',
  'asset',
  'network',
  'expires_in',
  'expiresin',
  'expires_at',
  'expiresat',
  'expiry',
  'issuer',
  'algorithm',
  'alg',
  'scope',
  'scopes',
  'created_at',
  'createdat',
  'updated_at',
  'minlength',
  'maxlength',
  'description',
  'example',
  'label',
  'placeholder',
  'loc',
  'position',
  'logprob',
]);

/** Whether a member of an object under `token` or `credential` says what kind it is, and no secret. */
export function isAssetMember(bytes: Buffer, nameStart: number, nameEnd: number, start: number, end: number): boolean {
  const length = nameEnd - nameStart;
  if (length === 0 || length > 12) return false;
  const name = bytes.toString('latin1', nameStart, nameEnd).toLowerCase();
  if (ASSET_MEMBERS.has(name)) return true;
  if (name !== 'type' && name !== '@type' && name !== 'kind') return false;
  return (
    end > start &&
    /^(?:[A-Z][a-z]+){2,}[A-Z]?$|^(?:string|number|object)$/.test(
      bytes.toString('latin1', start, Math.min(end, start + 64)),
    )
  );
}

const DESCRIBING = new Set(
  'name label title description status state domain path samesite id uid uuid username email'.split(' '),
);

/** Whether a member of an object under the name of a secret says what it is, or whose, and is made of words or an id. */
export function isDescription(bytes: Buffer, nameStart: number, nameEnd: number, start: number, end: number): boolean {
  if (nameEnd - nameStart > 12 || nameEnd === nameStart) return false;
  return (
    DESCRIBING.has(bytes.latin1Slice(nameStart, nameEnd).toLowerCase()) && !isOpaque(bytes.toString('utf8', start, end))
  );
}

/** What the names of what follows begin with. */
const LOGPROB_STARTS = new Set([...'lbseop'].map((letter) => letter.charCodeAt(0)));

/** `{"token":"Hello","logprob":-0.3}`: a word of a language model. */
export function isLogprobToken(bytes: Buffer, nameStart: number, nameEnd: number, after: number): boolean {
  if (nameEnd - nameStart !== 5) return false;
  let i = after;
  const limit = after + 64;
  while (i < limit && (isSpace(bytes[i]) || bytes[i] === COMMA)) i++;
  if (bytes[i] !== QUOTE || !LOGPROB_STARTS.has(bytes[i + 1] as number)) return false;
  if (bytes.latin1Slice(nameStart, nameEnd) !== 'token') return false;
  return /^"(?:logprob|bytes|start_offset|end_offset|position|score)"/.test(bytes.toString('latin1', i, i + 16));
}
