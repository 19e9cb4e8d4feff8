/** The settings in force: the sensor's own, as they are read again, and what a server asks for beside them. */
import { expect, it } from 'vitest';
import { type Narrowing, readRemoteConfiguration } from '../../../src/enrolment/remote-configuration.js';
import { resolveSensorSettings } from '../../../src/options/settings.js';
import { Steering, type SteeringContext } from '../../../src/sensor/control/steering.js';

const asked = (configuration: object) =>
  (readRemoteConfiguration(JSON.stringify(configuration)) as { value: Narrowing }).value;
const own = (limit: string, filter = '') =>
  resolveSensorSettings(
    { output: ['text'], 'rate-limit': [limit], ...(filter === '' ? {} : { filter: [filter] }) },
    {},
  );

it('has the lesser limit, whichever changes, and the one before where a filter is not taken', () => {
  const context = {
    rules: () => ({}),
    policy: { update() {} },
    traces: { use() {} },
    source: {
      setPaused() {},
      setUserFilter(filter: string) {
        if (filter.includes('udp')) throw new SyntaxError('no');
      },
    },
    forgetFlows() {},
  } as unknown as SteeringContext;
  const steering = new Steering(own('100'), context);
  expect(steering.rateLimit).toBe(100);
  steering.steer(asked({ 'rate-limit': 60 }));
  expect(steering.rateLimit).toBe(60);
  steering.reload(own('50'));
  expect(steering.rateLimit).toBe(50);
  expect(() => steering.steer(asked({ 'rate-limit': 10, filter: 'udp' }))).toThrow('no');
  expect(steering.rateLimit).toBe(50);
  steering.reload(own('0'));
  expect(steering.rateLimit).toBe(60);
  steering.steer(null);
  expect(steering.rateLimit).toBe(0);
});
