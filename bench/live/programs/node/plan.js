/** What the JavaScript clients share: the plan, and what they say they received. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , base, planFile, directory] = process.argv;

export const baseUrl = base;
export const outDirectory = directory;
export const plan = readFileSync(planFile, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

export function report(id, status, headers, body) {
  writeFileSync(join(directory, id), body);
  process.stdout.write(`${JSON.stringify({ id, status, headers })}\n`);
}

export function reportError(id, error) {
  process.stdout.write(`${JSON.stringify({ id, error: String(error) })}\n`);
}

/** `[name, value, name, value…]` as pairs. */
export function pairs(flat) {
  const found = [];
  for (let i = 0; i < flat.length; i += 2) found.push([String(flat[i]), String(flat[i + 1])]);
  return found;
}

/** A body as pieces of some size, as a program that streams it sends it. */
export function* pieces(bytes, size = 7000) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
