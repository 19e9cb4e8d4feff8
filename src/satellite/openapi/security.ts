/**
 * Security schemes, from the kinds of credentials seen (`credentials.ts`).
 *
 * in: `http bearer`, `apiKey header x-api-key` · out: a name and a scheme of OpenAPI 3.1
 */
import type { OperationFacts } from '../endpoints/operation-facts.js';
import type { Schema } from './schema.js';

export function schemeOf(kind: string): { name: string; scheme: Schema } {
  const [type = '', place = '', ...rest] = kind.split(' ');
  if (type === 'http') return { name: place.replace(/[^\w.-]/g, '_'), scheme: { type: 'http', scheme: place } };
  const key = rest.join(' ');
  return { name: `${place}_${key}`.replace(/[^\w.-]/g, '_'), scheme: { type: 'apiKey', in: place, name: key } };
}

/** What a request must have: what all had, together; else any of what they had, or nothing where some had nothing. */
export function securityOf({ count, credentials, anonymous }: OperationFacts): Schema[] {
  const kinds = [...credentials.keys()].sort();
  const always = kinds.filter((kind) => credentials.get(kind) === count);
  if (always.length > 0) return [Object.fromEntries(always.map((kind) => [schemeOf(kind).name, []]))];
  const requirements: Schema[] = kinds.map((kind) => ({ [schemeOf(kind).name]: [] }));
  return anonymous > 0 && kinds.length > 0 ? [...requirements, {}] : requirements;
}
