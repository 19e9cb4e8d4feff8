/** Orders of active response at the satellite: to whom they are told, how often, and what is remembered of what was done. */
import { describe, expect, it } from 'vitest';
import { ACTIONS, decodeOrder, ORDER } from '../../../src/respond/order.js';
import { ResponseOrders } from '../../../src/satellite/fleet/response-orders.js';

const SENSOR = { id: 'a', service: 'shop', environment: 'production', isSigned: true };
const ORDER_1 = { id: 'o-1', match: 'path=^/admin', seconds: 60, service: '' };

function setUp() {
  const time = { now: 0 };
  const orders = new ResponseOrders({ ordersMax: 2, actionsMax: 3 }, () => time.now);
  return { time, orders, ...orders.capability };
}

describe('an order', () => {
  it('is told to each sensor once, with the time that is left of it', () => {
    const { orders, pending, began, time } = setUp();
    expect(orders.give(ORDER_1)).toBeNull();
    time.now = 20_000;
    const told = pending?.(SENSOR);
    expect(told?.type).toBe(ORDER);
    expect(decodeOrder(told?.data ?? Buffer.of())).toMatchObject({ order: { id: 'o-1', seconds: 40 } });
    expect(pending?.(SENSOR)).toBeNull();
    began?.(SENSOR);
    expect(pending?.(SENSOR)).toMatchObject({ type: ORDER });
    expect(pending?.({ ...SENSOR, id: 'b' })).not.toBeNull();
    time.now = 60_000;
    expect(pending?.({ ...SENSOR, id: 'c' })).toBeNull();
    expect(orders.orders).toEqual([]);
  });

  it('is for sensors that sign, and for one service where it says so', () => {
    const { orders, pending } = setUp();
    orders.give({ ...ORDER_1, service: 'cart' });
    expect(pending?.(SENSOR)).toBeNull();
    expect(pending?.({ ...SENSOR, service: 'cart', isSigned: false })).toBeNull();
    expect(pending?.({ ...SENSOR, service: 'cart' })).not.toBeNull();
  });

  it('is taken back at those that have it, and at those that may', () => {
    const { orders, pending, began } = setUp();
    const told = (id: string) => JSON.parse(pending?.({ ...SENSOR, id })?.data.toString() ?? 'null');
    expect(orders.cancel('o-1')).toBe(false);
    orders.give(ORDER_1);
    expect(told('a')).toMatchObject({ id: 'o-1' });
    expect(orders.cancel('o-1')).toBe(true);
    expect(orders.orders).toEqual([]);
    expect(told('a')).toEqual({ cancel: 'o-1' });
    expect([told('a'), told('b')]).toEqual([null, null]);
    // It says all of itself again: whether it heard that is not known.
    began?.(SENSOR);
    expect(told('a')).toEqual({ cancel: 'o-1' });
    // Another of the same id comes behind it.
    began?.(SENSOR);
    orders.give(ORDER_1);
    expect([told('a'), told('a'), told('a')]).toEqual([
      { cancel: 'o-1' },
      expect.objectContaining({ id: 'o-1' }),
      null,
    ]);
  });

  it('that was taken back is remembered as long as it would have held, and no more than may be given', () => {
    const { orders, pending, time } = setUp();
    const told = (id: string) => pending?.({ ...SENSOR, id })?.data.toString();
    for (const id of ['o-1', 'o-2', 'o-3']) {
      orders.give({ ...ORDER_1, id });
      told(`has ${id}`);
      orders.cancel(id);
    }
    expect([told('has o-1'), told('has o-2')]).toEqual([undefined, '{"cancel":"o-2"}']);
    time.now = 60_000;
    expect(told('has o-3')).toBeUndefined();
  });

  it('is refused where it is none, or there are too many', () => {
    const { orders } = setUp();
    expect(orders.give({ ...ORDER_1, match: 'path=(' })).toContain('RE2 cannot read');
    expect(orders.give({ ...ORDER_1, seconds: 1e9 })).toContain('seconds');
    expect(orders.give(ORDER_1)).toBeNull();
    expect(orders.give({ ...ORDER_1, id: 'o-2' })).toBeNull();
    expect(orders.give({ ...ORDER_1, id: 'o-3' })).toContain('in force already');
    expect(orders.give({ ...ORDER_1, match: 'path=^/other' })).toBeNull();
  });
});

it('what sensors say that they did is remembered, the latest of it', () => {
  const { orders, handle } = setUp();
  const did = (connection: string) => ({ did: 'reset', by: 'o-1', connection });
  const say = (what: unknown) => handle(SENSOR, ACTIONS, Buffer.from(JSON.stringify(what)));
  say([did('1'), did('2'), { did: 7 }, did('x'.repeat(1000))]);
  say([did('3')]);
  say({});
  handle({ ...SENSOR, isSigned: false }, ACTIONS, Buffer.from(JSON.stringify([did('4')])));
  expect(orders.actions.map(({ sensor, connection }) => `${sensor} ${connection.slice(0, 3)}`)).toEqual([
    'a 2',
    'a ',
    'a 3',
  ]);
});
