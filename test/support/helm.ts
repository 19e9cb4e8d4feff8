/** helm, where it is installed or test/support/helm/build has made it, and what it makes of a chart. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/deploy/ecs/json-value.js';

const BUILT = join(import.meta.dirname, '../../build/helm');
const PROGRAM = existsSync(BUILT) ? BUILT : 'helm';

export const helmInstalled = spawnSync(PROGRAM, ['version']).status === 0;
export const CHARTS = join(import.meta.dirname, '../../kubernetes/helm');

/** Resolves to its output; throws what it said where it fails. */
export function helm(...words: string[]): Promise<string> {
  const { KUBECONFIG: _, ...environment } = process.env;
  return run(words, environment);
}

/** The same in a cluster. */
export function helmIn(kubeconfig: string, ...words: string[]): Promise<string> {
  return run(words, { ...process.env, KUBECONFIG: kubeconfig });
}

async function run(words: string[], env: NodeJS.ProcessEnv): Promise<string> {
  return (await promisify(execFile)(PROGRAM, words, { env, maxBuffer: 16 << 20 })).stdout;
}

export async function render(chart: string, ...words: string[]): Promise<JsonObject[]> {
  const text = await helm('template', 'release', join(CHARTS, chart), '--namespace', 'levoai', ...words);
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    const value = document.toJS() as JsonValue;
    return isJsonObject(value) ? [value] : [];
  });
}
