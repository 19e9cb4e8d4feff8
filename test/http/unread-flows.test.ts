import { expect, it } from 'vitest';
import { UnreadFlows, unreadFlowsBetween, unreadFlowsText } from '../../src/http/unread-flows.js';

it('counts connections that are not read by port, those of too many ports together', () => {
  const flows = new UnreadFlows(2);
  for (const [protocol, port] of [
    ['tls', 443],
    ['upgraded', 8000],
    ['tls', 443],
    ['unknown', 5432],
    ['unknown', 6379],
    ['http/1', 80],
    ['h2', 8080],
  ] as const)
    flows.note(protocol, port);
  const before = flows.list();
  expect(unreadFlowsText(before)).toBe(
    'TLS: 2 on port 443, no HTTP: 2 on other ports, WebSocket or another upgrade: 1 on port 8000',
  );
  flows.note('upgraded', 8000);
  expect(unreadFlowsText(unreadFlowsBetween(before, flows.list()))).toBe(
    'WebSocket or another upgrade: 1 on port 8000',
  );
  expect(unreadFlowsText([])).toBe('');
});
