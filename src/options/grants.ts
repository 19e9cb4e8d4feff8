/**
 * Which token may do what, and in which organisation: the file of `--tokens-file`.
 *
 *     # organisation[/workspace]  role  token
 *     acme           ingest  3f9c…
 *     acme           read    77b0…
 *     acme/payments  steer   e21d…
 *
 * in: its text · out: grants, one a line · pure; an error names the line, never a token
 *
 * An organisation and a workspace of it are as strange to each other as two organisations.
 */

import type { Grant, Role } from '../satellite/receive/grants.js';

export const GRANTS_MAX = 10_000;
const ROLES: readonly Role[] = ['ingest', 'read', 'steer'];
/** Such as become a directory's name. */
const ORGANISATION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,62})?$/;
/** RFC 6750 §2.1, `b64token`; one that is short can be guessed. */
const TOKEN = /^[A-Za-z0-9._~+/-]{16,512}=*$/;

/** @throws Error in words, where a line is wrong */
export function parseGrants(text: string): Grant[] {
  const grants: Grant[] = [];
  const lineOf = new Map<string, number>();
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const number = index + 1;
    const grant = grantOf(trimmed.split(/\s+/), number);
    const before = lineOf.get(grant.token);
    if (before !== undefined)
      throw new Error(`line ${number} has the token of line ${before}; give each line a token of its own`);
    lineOf.set(grant.token, number);
    grants.push(grant);
    if (grants.length > GRANTS_MAX) throw new Error(`has more than ${GRANTS_MAX} tokens; take out those not in use`);
  }
  if (grants.length === 0) throw new Error('has no token; write lines such as: acme read TOKEN');
  return grants;
}

function grantOf([organisation = '', role = '', token = '', ...more]: readonly string[], line: number): Grant {
  if (more.length > 0 || token === '')
    throw new Error(`line ${line} is not ORGANISATION ROLE TOKEN, such as: acme read TOKEN`);
  if (!ORGANISATION.test(organisation))
    throw new Error(
      `line ${line}: ${JSON.stringify(organisation.slice(0, 130))} is no organisation; give letters, digits and ._- such as acme or acme/payments`,
    );
  const known = ROLES.find((one) => one === role);
  if (known === undefined)
    throw new Error(`line ${line}: ${JSON.stringify(role.slice(0, 40))} is no role; give one of ${ROLES.join(', ')}`);
  if (!TOKEN.test(token))
    throw new Error(`line ${line} has no token of 16 characters or more such as openssl rand -hex 16 prints`);
  return { organisation, role: known, token };
}
