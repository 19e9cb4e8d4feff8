/** The clients: what each needs, what it can do, how it is run on a plan. */
import { join } from 'node:path';
import { GO, JAVA_CLASSES, PROGRAMS, PYTHON } from './places.js';
import type { Abilities } from './plan.js';

export interface Client {
  readonly name: string;
  readonly needs: readonly string[];
  readonly abilities: Abilities;
  command(base: string, plan: string, directory: string): string[];
}

const ALL: Abilities = {
  hasHead: true,
  hasHeaders: true,
  hasChunked: true,
  hasExpect: true,
  hasRefusal: true,
  hasFollowing: true,
  hasClosing: true,
};

const node =
  (script: string) =>
  (...args: string[]) => [process.execPath, join(PROGRAMS, 'node', script), ...args];
const python =
  (script: string) =>
  (...args: string[]) => [PYTHON, join(PROGRAMS, 'python', script), ...args];

export const CLIENTS: readonly Client[] = [
  { name: 'curl', needs: ['curl'], abilities: ALL, command: node('curl.js') },
  {
    name: 'undici',
    needs: [],
    abilities: { ...ALL, hasExpect: false, hasFollowing: false },
    command: node('undici.js'),
  },
  { name: 'node:http', needs: [], abilities: { ...ALL, hasFollowing: false }, command: node('node-http.js') },
  { name: 'requests', needs: [PYTHON], abilities: { ...ALL, hasExpect: false }, command: python('client_requests.py') },
  { name: 'httpx', needs: [PYTHON], abilities: { ...ALL, hasExpect: false }, command: python('client_httpx.py') },
  { name: 'aiohttp', needs: [PYTHON], abilities: ALL, command: python('client_aiohttp.py') },
  { name: 'go', needs: [GO], abilities: ALL, command: (...args) => [GO, 'client', ...args] },
  {
    name: 'java.net.http',
    needs: ['java', JAVA_CLASSES.split(':')[0] ?? ''],
    abilities: { ...ALL, hasRefusal: false, hasClosing: false },
    command: (...args) => [
      'java',
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      '-cp',
      JAVA_CLASSES,
      'Client',
      ...args,
    ],
  },
  {
    name: 'wrk',
    needs: ['wrk'],
    abilities: {
      hasHead: false,
      hasHeaders: false,
      hasChunked: false,
      hasExpect: false,
      hasRefusal: false,
      hasFollowing: false,
      hasClosing: false,
    },
    command: node('wrk.js'),
  },
  {
    name: 'wget',
    needs: ['wget'],
    abilities: { ...ALL, hasChunked: false, hasExpect: false },
    command: node('wget.js'),
  },
];
