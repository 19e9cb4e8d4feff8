/** The routes about the fleet: the agents that the satellite hears of, and what sensors are asked for. */

import { parseConfigurations } from '../fleet/configurations.js';
import type { ResponseOrder, ResponseOrders } from '../fleet/response-orders.js';
import { serviceMap } from '../fleet/service-map.js';
import type { Route } from './api.js';
import { bodyOf } from './body.js';
import { Refused, replyJson } from './reply.js';

const CONFIGURATIONS_BYTES_MAX = 2 << 20;

export const FLEET_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/fleet',
    summary: 'Agents that call by OpAMP: who they are, how they are, and which configuration is in force or refused',
    parameters: [],
    answers: { 'application/json': 'Fleet' },
    handle: async ({ fleet, large }, { response }) => {
      await large.take(response);
      replyJson(response, 200, { agents: fleet.rows(), evicted: fleet.evicted });
    },
  },
  {
    method: 'GET',
    path: '/api/fleet/configurations',
    summary: 'What sensors are asked for: of those that fit one, the narrowest counts',
    parameters: [],
    answers: { 'application/json': 'Configurations' },
    handle: ({ fleet }, { response }) => replyJson(response, 200, { configurations: fleet.configurations.list }),
  },
  {
    method: 'PUT',
    path: '/api/fleet/configurations',
    summary:
      'Says what sensors are asked for, in place of what they were; it can narrow what they send, and nothing else',
    parameters: [],
    body: 'Configurations',
    role: 'steer',
    answers: { 'application/json': 'Configurations' },
    handle: async ({ fleet, store }, { request, response }) => {
      const configurations = configurationsOf(await bodyOf(request, CONFIGURATIONS_BYTES_MAX));
      await store.setConfigurations(JSON.stringify({ configurations }));
      fleet.configurations.set(configurations);
      replyJson(response, 200, { configurations });
    },
  },
  {
    method: 'GET',
    path: '/api/fleet/budgets',
    summary: 'Budgets of --fleet-rate: what sensors ask of each, may keep of it, and keep',
    parameters: [],
    answers: { 'application/json': 'FleetBudgets' },
    handle: ({ matters }, { response }) => replyJson(response, 200, { budgets: matters.budget.status }),
  },
  {
    method: 'GET',
    path: '/api/map',
    summary:
      'Which service calls which, how often and with how many errors, of the newest 20,000 traces that pass a filter',
    parameters: ['filter'],
    answers: { 'application/json': 'ServiceMap' },
    handle: async ({ store, fleet }, { response, given }) =>
      replyJson(response, 200, serviceMap(await store.calls(given.filter), fleet.rows())),
  },
  {
    method: 'GET',
    path: '/api/fleet/connections',
    summary: 'Sensors that see the same connections, and share them so that each is told of once',
    parameters: [],
    answers: { 'application/json': 'FleetConnections' },
    handle: ({ matters }, { response }) => replyJson(response, 200, matters.division.status),
  },
  {
    method: 'GET',
    path: '/api/fleet/orders',
    summary: 'Orders of active response that hold, and what sensors say that they did',
    parameters: [],
    answers: { 'application/json': 'ResponseOrders' },
    handle: ({ matters }, { response }) => replyJson(response, 200, ordersOf(matters.orders)),
  },
  {
    method: 'PUT',
    path: '/api/fleet/orders',
    summary: 'Gives an order of active response to enrolled sensors; those with --active-response follow it',
    parameters: [],
    body: 'ResponseOrder',
    role: 'steer',
    answers: { 'application/json': 'ResponseOrders' },
    handle: async ({ matters }, { request, response }) => {
      const wrong = matters.orders.give(orderOf(await bodyOf(request, ORDER_BYTES_MAX)));
      if (wrong !== null) throw new Refused(400, `the order cannot be given: ${wrong}`);
      replyJson(response, 200, ordersOf(matters.orders));
    },
  },
  {
    method: 'DELETE',
    path: '/api/fleet/orders',
    summary: 'Takes an order of active response back, also at sensors that have it',
    parameters: ['id'],
    role: 'steer',
    answers: { 'application/json': 'ResponseOrders' },
    handle: ({ matters }, { response, given }) => {
      if (!matters.orders.cancel(given.id ?? ''))
        throw new Refused(404, `order ${JSON.stringify(given.id ?? '')} is not in force, or not any more`);
      replyJson(response, 200, ordersOf(matters.orders));
    },
  },
];

const ORDER_BYTES_MAX = 4096;

function ordersOf({ orders, actions }: ResponseOrders): object {
  return { orders, actions };
}

/** What is not as it should be is refused by who reads it. */
function orderOf(given: unknown): ResponseOrder {
  const { id, match, seconds, service = '' } = (given ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof service !== 'string') throw new Refused(400, 'the service of an order is a text; give its name, or none');
  return { id: id as string, match: match as string, seconds: seconds as number, service };
}

function configurationsOf(given: unknown): ReturnType<typeof parseConfigurations> {
  try {
    return parseConfigurations(given);
  } catch (error) {
    throw new Refused(400, (error as Error).message);
  }
}
