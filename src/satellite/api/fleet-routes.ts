/** The routes about the fleet: the agents that the satellite hears of, and what sensors are asked for. */
import { parseConfigurations } from '../fleet/configurations.js';
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
    handle: ({ fleet }, { response }) => replyJson(response, 200, { agents: fleet.rows(), evicted: fleet.evicted }),
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
];

function configurationsOf(given: unknown): ReturnType<typeof parseConfigurations> {
  try {
    return parseConfigurations(given);
  } catch (error) {
    throw new Refused(400, (error as Error).message);
  }
}
