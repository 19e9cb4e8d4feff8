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

const contextWith = (more: Partial<SteeringContext> = {}) =>
  ({
    packets: {},
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
    ...more,
  }) as unknown as SteeringContext;

it('has the lesser limit, whichever changes, and the one before where a filter is not taken', () => {
  const steering = new Steering(own('100'), contextWith());
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

it('has packets kept that are asked for, where the sensor says that they may be', () => {
  const pushed: unknown[] = [];
  const steering = new Steering(
    own('100'),
    contextWith({ packets: { usePushed: (rules) => void pushed.push(rules) } }),
  );
  steering.steer(asked({ 'packets-on': ['status>=500', 'path~^/pay/'] }));
  expect(steering.effective).toMatchObject({ 'packets-on': ['status>=500', 'path~^/pay/'] });
  steering.steer(null);
  expect(pushed).toEqual([
    [
      { conditions: [{ kind: 'status', compare: '>=', value: 500 }] },
      { conditions: [{ kind: 'path', pattern: '^/pay/' }] },
    ],
    [],
  ]);
});

it('refuses packets that are asked for where the sensor says nothing of them, with all else that came along', () => {
  const steering = new Steering(own('100'), contextWith());
  const wanted = asked({ 'packets-on': ['status>=500'], 'rate-limit': 10 });
  expect(() => steering.steer(wanted)).toThrow('the sensor sends packets that are asked for with --packets-on pushed');
  expect([steering.rateLimit, steering.effective]).toEqual([100, expect.not.objectContaining({ 'packets-on': [] })]);
});
