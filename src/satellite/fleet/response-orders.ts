/**
 * Orders of active response, for the sensors that take them, and what these say that they did.
 *
 * in: orders of whoever may steer, given and taken back; reports of sensors · out: each order to each sensor it is for, once, and again
 * where it may not have come: a sensor takes an order of the same id for the same. One that is taken back is taken back at those that have it
 *
 * Only sensors that signed are given orders, since others would not believe them, and only their reports are kept. What a sensor does
 * with an order is the sensor's to say: it has a switch of its own.
 */
import type { CustomContent, CustomSender, ServerCapability } from '../../enrolment/opamp/custom.js';
import { ACTIONS, decodeOrder, ORDER, RESPONSE_CAPABILITY } from '../../respond/order.js';

export interface ResponseOrder {
  readonly id: string;
  /** As `--active-response-rule` has it. */
  readonly match: string;
  /** How long it holds. */
  readonly seconds: number;
  /** The only service it is for; empty for all. */
  readonly service: string;
}

/** What a sensor did about a connection. */
export interface ReportedAction {
  readonly sensor: string;
  readonly did: string;
  readonly by: string;
  readonly connection: string;
  readonly reason: string;
}

interface Given {
  readonly order: ResponseOrder;
  readonly until: number;
  /** Sensors that have been told. */
  readonly told: Set<string>;
}

const TEXT_MAX = 200;

export class ResponseOrders {
  readonly #bounds: { readonly ordersMax: number; readonly actionsMax: number };
  readonly #now: () => number;
  readonly #given = new Map<string, Given>();
  /** Orders that were taken back, for those who were told of them and not of that. */
  readonly #takenBack = new Map<string, { readonly until: number; readonly from: Set<string> }>();
  #actions: ReportedAction[] = [];

  /** `now` in milliseconds, by a clock that nobody sets. */
  constructor(bounds: { ordersMax: number; actionsMax: number }, now: () => number) {
    this.#bounds = bounds;
    this.#now = now;
  }

  /** What is wrong with the order; null where it is given. One of the same id takes the place of an earlier one. */
  give(order: ResponseOrder): string | null {
    const { id, match, seconds } = order;
    const read = decodeOrder(Buffer.from(JSON.stringify({ id, match, seconds })));
    if ('wrong' in read) return read.wrong;
    this.#forgetOld();
    if (this.#given.size >= this.#bounds.ordersMax && !this.#given.has(id))
      return `${this.#given.size} are in force already`;
    this.#given.set(id, { order, until: this.#now() + seconds * 1000, told: new Set() });
    return null;
  }

  /** Takes an order back. Out: whether it was in force. */
  cancel(id: string): boolean {
    this.#forgetOld();
    const given = this.#given.get(id);
    if (given === undefined) return false;
    this.#given.delete(id);
    this.#takenBack.set(id, { until: given.until, from: given.told });
    const [oldest] = this.#takenBack.keys();
    if (this.#takenBack.size > this.#bounds.ordersMax && oldest !== undefined) this.#takenBack.delete(oldest);
    return true;
  }

  get orders(): readonly ResponseOrder[] {
    this.#forgetOld();
    return [...this.#given.values()].map(({ order }) => order);
  }

  /** The latest, the newest last. */
  get actions(): readonly ReportedAction[] {
    return this.#actions;
  }

  get capability(): ServerCapability {
    return {
      name: RESPONSE_CAPABILITY,
      handle: (agent, type, data) => {
        if (type === ACTIONS) this.#note(agent, data);
        return null;
      },
      pending: (agent) => this.#next(agent),
      began: (agent) => {
        this.#tellAgain(agent);
        // It may have any of them still.
        for (const { from } of this.#takenBack.values()) from.add(agent.id);
      },
      gone: (agent) => this.#tellAgain(agent),
    };
  }

  #next({ id: sensor, service, isSigned }: CustomSender): CustomContent | null {
    if (!isSigned) return null;
    this.#forgetOld();
    for (const [id, { from }] of this.#takenBack)
      if (from.delete(sensor)) return { type: ORDER, data: Buffer.from(JSON.stringify({ cancel: id })) };
    for (const { order, until, told } of this.#given.values()) {
      if (told.has(sensor) || (order.service !== '' && order.service !== service)) continue;
      told.add(sensor);
      const seconds = Math.max(1, Math.round((until - this.#now()) / 1000));
      return { type: ORDER, data: Buffer.from(JSON.stringify({ id: order.id, match: order.match, seconds })) };
    }
    return null;
  }

  #tellAgain({ id }: CustomSender): void {
    for (const { told } of this.#given.values()) told.delete(id);
  }

  #note({ id: sensor, isSigned }: CustomSender, data: Uint8Array): void {
    if (!isSigned) return;
    const list: unknown = JSON.parse(Buffer.from(data).toString('utf8'));
    if (!Array.isArray(list)) return;
    for (const one of list.slice(0, this.#bounds.actionsMax)) {
      const { did, by, connection, reason } = (one ?? {}) as Readonly<Record<string, unknown>>;
      this.#actions.push({
        sensor,
        ...{ did: textOf(did), by: textOf(by), connection: textOf(connection), reason: textOf(reason) },
      });
    }
    this.#actions = this.#actions.slice(-this.#bounds.actionsMax);
  }

  #forgetOld(): void {
    for (const orders of [this.#given, this.#takenBack])
      for (const [id, { until }] of orders) if (until <= this.#now()) orders.delete(id);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, TEXT_MAX) : '';
}
