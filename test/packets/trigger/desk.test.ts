/** The desk under messages that come faster than they are dealt with. */
import { expect, it } from 'vitest';
import { Desk, type DeskContext } from '../../../src/packets/trigger/desk.js';
import { readMessage } from '../../../src/packets/trigger/message/capture-message.js';
import { echoOf, Results } from '../../../src/packets/trigger/results.js';
import { createTriggerCounters } from '../../../src/packets/trigger/trigger-counters.js';

function deskOf() {
  const counters = createTriggerCounters();
  const told: string[] = [];
  const lines: string[] = [];
  const log = { info: () => {}, warn: (line: string) => lines.push(line), debug: () => {}, close: async () => {} };
  const source = {
    ...{ name: 'redis' as const, description: '', start: async () => {}, stop: async () => {}, close: async () => {} },
    publish: async (_to: string, text: string) => void told.push(text),
  };
  const context = {
    ...{ counters, log, interfaceNames: () => ['lo'] },
    settings: { node: 'here', logRequests: false, allowed: { replyTo: [] } },
    results: new Results([source], counters, () => {}),
  };
  return { desk: new Desk(context as unknown as DeskContext), counters, told, lines };
}

it('takes no more characters than it has room for, and says so', async () => {
  const { desk, counters } = deskOf();
  const settlements: string[] = [];
  const text = `{"node":"elsewhere","interface":["lo"],"packets":-1,"tags":"${'x'.repeat(200_000)}"}`;
  for (let i = 0; i < 100; i++) desk.accept({ text, replyTo: null, settle: (as) => settlements.push(as) });
  // One is dealt with at once, and 8 MiB wait.
  expect(settlements.filter((as) => as === 'busy')).toHaveLength(100 - 1 - Math.floor((8 << 20) / text.length));
  await desk.finish();
  expect(settlements).toHaveLength(100);
  expect(counters).toMatchObject({ messages: 100, messages_refused: settlements.filter((as) => as === 'busy').length });
  desk.accept({ text: 'x'.repeat(9 << 20), replyTo: null, settle: (as) => settlements.push(as) });
  await desk.finish();
  expect(settlements.at(-1)).toBe('refused');
});

it('repeats of a message what its sender knows it by, and no more', async () => {
  const { desk, told, lines } = deskOf();
  const long = 'y'.repeat(100_000);
  const replyTo = { source: 'redis' as const, name: 'answers' };
  for (const fields of [{ nodere: long }, { node: 'any', interface: ['lo'], alias: [long], customer: long }])
    desk.accept({ text: JSON.stringify({ packets: 1, ...fields }), replyTo, settle: () => {} });
  await desk.finish();
  expect(told).toHaveLength(2);
  for (const text of [...told, ...lines]) expect(text.length).toBeLessThan(3000);
  expect(echoOf(readMessage(`{"id":7,"customer":"c"}`))).toEqual({ id: '7', customer: 'c' });
});
