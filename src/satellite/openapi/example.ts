/**
 * One body as an example, as it was after redaction; what looks personal is replaced here as well.
 */
import { bodyForm, readFields } from '../endpoints/body-forms.js';
import { isSensitive } from '../endpoints/sensitive.js';
import { KEYWORD } from './schema.js';

const TEXT_MAX = 200;
const ITEMS_MAX = 3;
const DEPTH_MAX = 8;

export function exampleOf(type: string, text: string | null): unknown {
  if (text === null) return undefined;
  const form = bodyForm(type);
  if (form === 'text') return shortened(text);
  const read = readFields(form, Buffer.from(text), []);
  return read === null || hasKeyword(read.value) ? undefined : small(read.value, '', 0);
}

/** Programs that resolve references do not know examples from schemas. */
function hasKeyword(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, member]) => KEYWORD.test(name) || hasKeyword(member));
}

function small(value: unknown, name: string, depth: number): unknown {
  if (typeof value === 'string') return isSensitive(value, name) ? 'REDACTED' : shortened(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEPTH_MAX) return Array.isArray(value) ? [] : {};
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => small(item, name, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, small(member, key, depth + 1)]));
}

const shortened = (text: string): string => (text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text);
