/**
 * What a person is told of, and in which words.
 *
 * in: rows of endpoints, sensors · out: events, the key by which one is told once, a line of text
 *
 * An event names services, endpoints and places. No header and no body is in it, nor a value of one.
 */

import { valueKind } from '../../trace/path-values.js';
import { routeOf } from '../../trace/route.js';
import type { EndpointRow } from '../endpoints/endpoint-table.js';
import type { Finding, FindingKind } from '../openapi/drift.js';
import type { Sensor } from '../store/store.js';

export interface NewEndpoint {
  readonly kind: 'new-endpoint';
  /** When it was first called, RFC 3339. */
  readonly at: string;
  readonly service: string;
  readonly host: string;
  readonly method: string;
  readonly template: string;
  readonly graphql: string | null;
  /** Calls without any credentials, of so many. */
  readonly anonymous: number;
  readonly calls: number;
  /** Whether the document of `--spec` has it; null where there is none. */
  readonly documented: boolean | null;
}

export interface SilentSensor {
  readonly kind: 'silent-sensor';
  /** When it sent its last, RFC 3339. */
  readonly at: string;
  readonly service: string;
  readonly environment: string;
  readonly host: string;
  readonly instance: string;
  readonly version: string;
}

/** Where a trace parts from the document: so often, of so many that could have shown it. */
export interface DriftFound {
  readonly kind: 'drift';
  readonly finding: FindingKind;
  readonly method: string;
  readonly path: string;
  readonly where: string;
  readonly what: string;
  readonly count: number;
  readonly of: number;
  readonly traces: readonly string[];
}

export type NotifyEvent = NewEndpoint | SilentSensor | DriftFound;

export function newEndpoint(row: EndpointRow): NewEndpoint {
  const { service, host, method, template, graphql, anonymous, count } = row;
  const at = new Date(row.firstSeen).toISOString();
  const calls = count;
  return { kind: 'new-endpoint', at, service, host, method, template, graphql, anonymous, calls, documented: null };
}

export function silentSensor({ service, environment, host, instance, version, lastSeen }: Sensor): SilentSensor {
  const at = new Date(lastSeen / 1000).toISOString();
  return { kind: 'silent-sensor', at, service, environment, host, instance, version };
}

/** Paths that the document does not have are many, where a route is one; and a name in a body may be a value, as an id is. */
export function driftFound({ kind, method, path, where, what, count, of, traces }: Finding): DriftFound {
  return {
    kind: 'drift',
    finding: kind,
    method,
    path: kind === 'new-endpoint' ? routeOf(path) : path,
    where: where.replace(/\.[^.[\s]+/g, (name) => (isWord(name.slice(1)) ? name : '.*')),
    what,
    count,
    of,
    traces,
  };
}

const isWord = (name: string): boolean => /^[A-Za-z_][\w+-]{0,63}$/.test(name) && valueKind(name, false) === null;

/** The same for what is to be told once. */
export function keyOf(event: NotifyEvent): string {
  switch (event.kind) {
    case 'new-endpoint': {
      const { service, host, method, graphql, template } = event;
      return endpointKey(service, host, method, graphql, template);
    }
    case 'drift':
      return ['drift', event.finding, event.method, event.path, event.where, event.what].join('\n');
    case 'silent-sensor':
      // One that came back and fell silent again has another time.
      return ['silent', event.service, event.environment, event.host, event.instance, event.version, event.at].join(
        '\n',
      );
  }
}

/** The template comes last, so that it can be looked at without the rest. */
export function endpointKey(
  service: string,
  host: string,
  method: string,
  graphql: string | null,
  template: string,
): string {
  return ['endpoint', service, host, method, graphql ?? '', template].join('\n');
}

export function textOf(event: NotifyEvent): string {
  switch (event.kind) {
    case 'new-endpoint': {
      const { service, host, method, template, graphql, anonymous, calls, documented } = event;
      const what = graphql === null ? '' : ` (${graphql})`;
      const open = anonymous === calls ? ', called without credentials' : '';
      const lacks = documented === false ? ', not in the document' : '';
      return `New endpoint of ${service || 'a service without a name'}: ${method} ${host}${template}${what}${open}${lacks}`;
    }
    case 'drift': {
      const { finding, method, path, where, what, count, of } = event;
      const often = of > 0 ? `, ${count} of ${of}` : '';
      return `Drift, ${finding}: ${[method, path, where, what].filter((part) => part !== '').join(' ')}${often}`;
    }
    case 'silent-sensor': {
      const { service, environment, host, instance, at } = event;
      const where = [environment, host, instance].filter((part, i, all) => part !== '' && all.indexOf(part) === i);
      const place = where.length === 0 ? '' : ` (${where.join(', ')})`;
      return `The sensor of ${service || 'a service without a name'}${place} is silent since ${at}`;
    }
  }
}
