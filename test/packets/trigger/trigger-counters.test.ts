import { expect, it } from 'vitest';
import { createTriggerCounters, triggerMetrics } from '../../../src/packets/trigger/trigger-counters.js';

it('has a metric for each counter, and what is under way', () => {
  const counters = { ...createTriggerCounters(), captures_started: 5, captures_finished: 3, uploads_spooled: 1 };
  const lines = triggerMetrics(counters).split('\n');
  expect(lines).toContain('pcapdaemon_captures_started_total 5');
  expect(lines).toContain('pcapdaemon_captures_running 2');
  expect(lines).toContain('# TYPE pcapdaemon_uploads_spooled gauge');
  expect(lines.filter((line) => line.startsWith('# TYPE'))).toHaveLength(Object.keys(counters).length + 1);
});
