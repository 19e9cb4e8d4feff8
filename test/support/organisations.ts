/**
 * Organisations of a satellite, each with traces, packets, an agent, a configuration and an order of its own, and a word that only these say.
 */
import * as wire from '@bufbuild/protobuf/wire';
import { expect } from 'vitest';
import { uuidBytes } from '../../src/enrolment/identity.js';
import { createOpampCodec } from '../../src/enrolment/opamp/codec.js';
import type { Grant, Role } from '../../src/satellite/receive/grants.js';
import { requestOf, spanOf } from './spans.js';

export const NAMES = ['acme', 'acme/payments', 'rival'] as const;
export type Name = (typeof NAMES)[number];
export const ROLES: readonly Role[] = ['ingest', 'read', 'steer'];
/** What only the traces of one say: in host, path, body, service and trace id. */
export const CANARY: Record<Name, string> = {
  acme: 'alphacanary',
  'acme/payments': 'betacanary',
  rival: 'gammacanary',
};
export const TRACE_ID: Record<Name, string> = {
  acme: 'a1'.repeat(16),
  'acme/payments': 'b2'.repeat(16),
  rival: 'c3'.repeat(16),
};
export const tokenOf = (name: Name, role: Role) => `${role}-token-of-${name.replace('/', '-')}`;
export const grants: Grant[] = NAMES.flatMap((organisation) =>
  ROLES.map((role) => ({ organisation, role, token: tokenOf(organisation, role) })),
);
const PCAP = Buffer.from('4d3cb2a1020004000000000000000000000004000100000000000000', 'hex');

const JSON_TYPE = { 'Content-Type': 'application/json' };
export const orderOf = (name: Name): string => `order-${CANARY[name]}`;

export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

export function sendTo(url: string, token: string, request: unknown, headers: Record<string, string> = {}) {
  return fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { ...JSON_TYPE, ...bearer(token), ...headers },
    body: JSON.stringify(request),
  });
}

export async function askOf(url: string, path: string, token: string | null, given: RequestInit = {}) {
  const headers = { ...(token === null ? {} : bearer(token)), ...(given.headers as Record<string, string>) };
  const response = await fetch(`${url}${path}`, { ...given, headers });
  return { status: response.status, text: await response.text() };
}

/** Out: the number of its first trace. */
export async function seedOrganisation(url: string, name: Name): Promise<number> {
  const canary = CANARY[name];
  const given = { path: `/${canary}/1`, host: `${canary}.example`, traceId: TRACE_ID[name] };
  const span = spanOf({ ...given, answered: JSON.stringify({ word: canary }) });
  const spans = [span, spanOf({ ...given, traceId: undefined! })];
  expect((await sendTo(url, tokenOf(name, 'ingest'), requestOf(spans, canary))).status).toBe(200);
  const packets = await fetch(`${url}/1.0/packets/${span.traceId}/${span.spanId}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/vnd.tcpdump.pcap', ...bearer(tokenOf(name, 'ingest')) },
    body: Buffer.concat([PCAP, Buffer.from(canary)]),
  });
  expect(packets.status).toBe(200);
  const templates = await askOf(url, '/api/templates', tokenOf(name, 'steer'), {
    method: 'PUT',
    headers: JSON_TYPE,
    body: JSON.stringify({ templates: [`/${canary}/{id}`] }),
  });
  expect(templates.status).toBe(200);
  await seedFleet(url, name);
  const { rows } = JSON.parse(
    (await askOf(url, `/api/traces?filter=id:${TRACE_ID[name]}`, tokenOf(name, 'read'))).text,
  );
  return rows[0].seq;
}

/** An agent, a configuration and an order that are its own. */
async function seedFleet(url: string, name: Name): Promise<void> {
  const canary = CANARY[name];
  const agent = await askOf(url, '/v1/opamp', tokenOf(name, 'ingest'), {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-protobuf' },
    body: Buffer.from(
      createOpampCodec(wire).writeAgentToServer({
        // The same one in each.
        instanceUid: uuidBytes('01932c07-209b-7abc-8def-012345678901'),
        agentDescription: { identifyingAttributes: [{ key: 'service.name', value: { stringValue: canary } }] },
      }),
    ),
  });
  const configurations = [{ service: canary, configuration: { 'path-exclusions': [canary] } }];
  const order = { id: orderOf(name), match: `host=${canary}`, seconds: 3600 };
  for (const [path, body] of [
    ['/api/fleet/configurations', { configurations }],
    ['/api/fleet/orders', order],
  ] as const) {
    const given = { method: 'PUT', headers: JSON_TYPE, body: JSON.stringify(body) };
    expect((await askOf(url, path, tokenOf(name, 'steer'), given)).status).toBe(200);
  }
  expect(agent.status).toBe(200);
}

/** Of which others an answer tells, but for what was asked for. */
export function crossings(name: Name, text: string, asked: string): Name[] {
  return NAMES.filter(
    (other) =>
      other !== name &&
      (text.replaceAll(asked, '').includes(CANARY[other]) || text.replaceAll(asked, '').includes(TRACE_ID[other])),
  );
}
