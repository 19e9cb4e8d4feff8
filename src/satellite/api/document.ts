/** The API's own description, OpenAPI 3.1, made of the table of routes. */
import type { Route } from './api.js';
import { PARAMETERS, type Parameter } from './parameters.js';
import { SCHEMAS } from './schemas.js';

export function apiDocument(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = paths[route.path] ?? {};
    paths[route.path] = path;
    path[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'pcap-sensor satellite', version, description: 'What the satellite holds, and its tail.' },
    servers: [{ url: '/' }],
    security: [{ token: [] }, { session: [] }, {}],
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: 'pcap_sensor_satellite' },
      },
    },
  };
}

const FAILURES = {
  '400': 'What was asked is wrong',
  '401': 'Reading takes the token',
  '403': "This is not of the token's role",
  '404': 'It is not here',
};

function operationOf({ method, path, summary, parameters, body, answers, ...route }: Route): object {
  const content = (schema: string): object => ({ schema: { $ref: `#/components/schemas/${schema}` } });
  return {
    operationId: `${method.toLowerCase()}${path.replace(/^\/api/, '').replace(/[^A-Za-z]+(.?)/g, (_, next: string) => next.toUpperCase())}`,
    summary,
    // What the token has to be for, where there are organisations.
    ...(route.isOpen === true ? {} : { 'x-role': route.role ?? 'read' }),
    parameters: parameters.map((name) => parameterOf(name, PARAMETERS[name])),
    ...(body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': content(body) } } }),
    responses: {
      '200': {
        description: summary,
        content: Object.fromEntries(Object.entries(answers).map(([type, schema]) => [type, content(schema)])),
      },
      ...Object.fromEntries(
        Object.entries(FAILURES).map(([code, description]) => [
          code,
          { description, content: { 'application/json': content('Failure') } },
        ]),
      ),
    },
  };
}

function parameterOf(name: string, row: Parameter): object {
  const range = { minimum: row.min ?? 0, maximum: row.max };
  const fallback = row.default === null || row.in === 'path' ? {} : { default: row.default };
  return {
    name,
    in: row.in,
    required: row.in === 'path',
    description: row.help,
    schema: row.max === undefined ? { type: 'string', ...fallback } : { type: 'integer', ...range, ...fallback },
  };
}
