/**
 * Active response as the options say: joined to the flows and requests that the sensor sees, and to the orders of its satellite.
 *
 * The raw sockets are opened only where packets may be sent.
 */
import { loadRingAddon } from '../capture/ring-addon.js';
import type { Counters } from '../counters.js';
import type { SensorCapability } from '../enrolment/opamp/custom.js';
import { SensorError } from '../errors.js';
import type { Limits } from '../limits.js';
import type { Logger } from '../log.js';
import type { Settings } from '../options/options.js';
import type { ExchangeHooks } from '../pair/conversation.js';
import type { FlowObserver } from '../pair/exchange-assembler.js';
import { ACTIONS, ORDER, RESPONSE_CAPABILITY } from '../respond/order.js';
import { Responder } from '../respond/responder.js';

export interface ActiveResponse {
  /** Sees flows and then tells `others` of them. */
  observing(others: FlowObserver): FlowObserver;
  /** Sees requests, and then lets `hooks` decide. */
  before<T extends ExchangeHooks>(hooks: T): T;
  /** For the orders of a satellite; null where there is none to be. */
  readonly capability: SensorCapability | null;
  close(): void;
}

export interface ActiveResponseContext {
  readonly counters: Counters;
  readonly limits: Limits;
  readonly log: Logger;
}

/** @throws SensorError where the raw sockets cannot be opened */
export function openActiveResponse(settings: Settings, context: ActiveResponseContext): ActiveResponse {
  const { activeResponse: mode, activeResponseRule: rules, activeResponsePerMinute: perMinute } = settings;
  if (mode === 'off') throw new SensorError('--active-response off: nothing is to be opened; give dry-run or on');
  const { log } = context;
  const socket = mode === 'on' ? openSocket() : null;
  const timers = new Set<NodeJS.Timeout>();
  const { healthPort } = settings;
  const responder = new Responder({
    ...context,
    ...{ mode, rules, perMinute },
    ownPorts: healthPort === null || healthPort.port === 0 ? [] : [healthPort.port],
    send: (packet) => socket?.send(packet),
    now: () => performance.now(),
    after(millis, work) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        work();
      }, millis);
      timers.add(timer);
    },
  });
  const about = { mode, rules: rules.map(({ text }) => text), perMinute };
  log.warn(about, 'active response: connections that a rule or a signed order matches are reset');
  return {
    observing: (others) => observeBoth(responder, others),
    before: (hooks) => ({
      ...hooks,
      admit(exchange) {
        responder.onRequest(exchange);
        return hooks.admit(exchange);
      },
    }),
    capability: capabilityOf(responder, settings.activeResponseReportSeconds * 1000),
    close() {
      for (const timer of timers) clearTimeout(timer);
      socket?.close();
    },
  };
}

function observeBoth(responder: Responder, others: FlowObserver): FlowObserver {
  return {
    onOpened(flow) {
      responder.onOpened(flow);
      others.onOpened(flow);
    },
    onProtocol(flow, protocol) {
      responder.onProtocol(flow, protocol);
      others.onProtocol(flow, protocol);
    },
    onClosed(flow, isForgotten) {
      responder.onClosed(flow);
      others.onClosed(flow, isForgotten);
    },
  };
}

function capabilityOf(responder: Responder, reportMillis: number): SensorCapability {
  let reportedAt = Number.NEGATIVE_INFINITY;
  return {
    name: RESPONSE_CAPABILITY,
    handle(type, data, { isSigned }) {
      if (type === ORDER) responder.order(data, isSigned);
      return null;
    },
    report() {
      if (performance.now() - reportedAt < reportMillis) return null;
      const actions = responder.takeActions();
      if (actions.length === 0) return null;
      reportedAt = performance.now();
      return { type: ACTIONS, data: Buffer.from(JSON.stringify(actions)) };
    },
  };
}

function openSocket(): { send(packet: Buffer): void; close(): void } {
  const addon = loadRingAddon();
  try {
    const handle = addon.rawOpen();
    return { send: (packet) => addon.rawSend(handle, packet), close: () => addon.rawClose(handle) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SensorError(
      `--active-response: no raw socket can be opened (${code}); give the sensor CAP_NET_RAW, or --active-response=dry-run`,
    );
  }
}
