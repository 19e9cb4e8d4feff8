/**
 * What sensors are asked for: a configuration for all, for an environment, for a service, for a service of an environment.
 *
 * in: what a person sets · out: for an agent, the one that is meant for it
 *
 * One counts, the narrowest that fits: an agent is asked for nothing that is not written in one place.
 */
import { createHash } from 'node:crypto';
import { readRemoteConfiguration } from '../../enrolment/remote-configuration.js';

export interface FleetConfiguration {
  /** Empty for any. */
  readonly service: string;
  readonly environment: string;
  /** See docs/remote-configuration.schema.json. */
  readonly configuration: Readonly<Record<string, unknown>>;
}

/** A configuration as it is sent. */
export interface Offered {
  readonly body: Uint8Array;
  /** SHA-256 of the body. */
  readonly hash: Uint8Array;
}

export const CONFIGURATIONS_MAX = 500;
const NAME_LENGTH_MAX = 256;

/** What agents get for whom none is meant: it asks for nothing. */
export const NOTHING_ASKED = offer({});

/** @throws Error in words where it is none */
export function parseConfigurations(given: unknown): readonly FleetConfiguration[] {
  const list = (given as { configurations?: unknown } | null)?.configurations;
  if (!Array.isArray(list))
    throw new Error('send {"configurations": [{"service": "…", "environment": "…", "configuration": {…}}, …]}');
  if (list.length > CONFIGURATIONS_MAX)
    throw new Error(`${list.length} configurations; ${CONFIGURATIONS_MAX} may be set`);
  const seen = new Set<string>();
  return list.map((one: Partial<FleetConfiguration> | null, index) => {
    const { service = '', environment = '', configuration } = one ?? {};
    const at = `configuration ${index + 1}`;
    for (const name of [service, environment])
      if (typeof name !== 'string' || name.length > NAME_LENGTH_MAX)
        throw new Error(
          `${at}: service and environment are texts of ${NAME_LENGTH_MAX} characters at most; leave them out for any`,
        );
    const key = `${service}\n${environment}`;
    if (seen.has(key))
      throw new Error(`${at}: there is another one for the same service and environment; leave one of them out`);
    seen.add(key);
    const read = readRemoteConfiguration(JSON.stringify(configuration ?? null));
    if ('why' in read) throw new Error(`${at}: ${read.why}`);
    return { service, environment, configuration: configuration as Record<string, unknown> };
  });
}

export class Configurations {
  #list: readonly FleetConfiguration[] = [];
  #byScope: ReadonlyMap<string, Offered> = new Map();

  get list(): readonly FleetConfiguration[] {
    return this.#list;
  }

  set(list: readonly FleetConfiguration[]): void {
    this.#list = list;
    this.#byScope = new Map(
      list.map(({ service, environment, configuration }) => [`${service}\n${environment}`, offer(configuration)]),
    );
  }

  for(service: string, environment: string): Offered {
    const scopes = [`${service}\n${environment}`, `${service}\n`, `\n${environment}`, '\n'];
    return scopes.map((scope) => this.#byScope.get(scope)).find((one) => one !== undefined) ?? NOTHING_ASKED;
  }
}

function offer(configuration: object): Offered {
  const body = Buffer.from(JSON.stringify(configuration));
  return { body, hash: createHash('sha256').update(body).digest() };
}
