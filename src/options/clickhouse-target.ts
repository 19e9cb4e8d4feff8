/**
 * Which ClickHouse: `clickhouse://USER:PASSWORD@HOST:PORT/DATABASE?secure&cluster=NAME&replicated`.
 *
 * in: the text of an option · out: where it is, how it is entered and how tables are made there · pure; no error shows a password
 *
 * It is spoken to over HTTP: port 8123, and with `secure` 8443.
 */
import type { ClickHouseTarget } from '../satellite/store/clickhouse/target.js';

const SCHEME = /^clickhouse(s)?:\/\//i;
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
const CLUSTER = /^[A-Za-z_][A-Za-z0-9_.-]{0,62}$/;
const SWITCHES = ['secure', 'replicated'] as const;
const PARAMETERS: readonly string[] = [...SWITCHES, 'cluster'];
export const CLICKHOUSE_EXAMPLE = 'clickhouse://user:password@host:8123/sensor';

/** @throws Error in words */
export function parseClickHouse(given: string): ClickHouseTarget {
  if (!SCHEME.test(given)) throw new Error(`is no store; give a URL such as ${CLICKHOUSE_EXAMPLE}`);
  let url: URL;
  try {
    // A scheme that URLs know, since the parser takes hosts and ports of others as they come.
    url = new URL(given.replace(SCHEME, 'http://'));
  } catch {
    throw new Error(`is no URL; give one such as ${CLICKHOUSE_EXAMPLE}`);
  }
  for (const name of url.searchParams.keys())
    if (!PARAMETERS.includes(name))
      throw new Error(`has the parameter ${JSON.stringify(name.slice(0, 40))}; there are ${PARAMETERS.join(', ')}`);
  const isOn = (name: (typeof SWITCHES)[number]): boolean => {
    const text = url.searchParams.get(name);
    if (text !== null && !/^(?:|1|true|0|false)$/.test(text))
      throw new Error(`has ${name}=${JSON.stringify(text.slice(0, 40))}; give true or false`);
    return text !== null && !/^(?:0|false)$/.test(text);
  };
  const isSecure = SCHEME.exec(given)?.[1] !== undefined || isOn('secure');
  const database = decoded(url.pathname.slice(1)) || 'default';
  if (!NAME.test(database))
    throw new Error(`has the database ${JSON.stringify(database.slice(0, 80))}; give letters, digits and _`);
  const cluster = url.searchParams.get('cluster');
  if (cluster !== null && !CLUSTER.test(cluster))
    throw new Error(`has the cluster ${JSON.stringify(cluster.slice(0, 80))}; give letters, digits and _.-`);
  if (url.hostname === '') throw new Error(`has no host; give a URL such as ${CLICKHOUSE_EXAMPLE}`);
  // A port that is the scheme's own is left out by the parser.
  const port = url.port !== '' ? url.port : /:80(?:[/?]|$)/.test(given) ? '80' : isSecure ? '8443' : '8123';
  return {
    url: `${isSecure ? 'https' : 'http'}://${url.hostname}:${port}`,
    username: decoded(url.username) || 'default',
    password: decoded(url.password),
    database,
    cluster,
    isReplicated: isOn('replicated'),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error('has a % that begins no code; write % as %25');
  }
}

/** What may be shown of it. */
export function showClickHouse(given: string): string {
  return given.replace(/\/\/[^@/]*@/, '//…@');
}
