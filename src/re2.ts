/**
 * RE2, whose time is linear in the text, whatever the pattern. It is loaded with the first pattern, since it takes 3 MiB
 * and a sensor that has seen no traffic and was given no pattern does not need it.
 */
import { createRequire } from 'node:module';
import type RE2 from 're2';
import { lazy } from './lazy.js';

const require = createRequire(import.meta.url);

/** The class of RE2 patterns. */
export const re2 = lazy(() => require('re2') as typeof RE2);

/** @throws SyntaxError with RE2's reason */
export function compileRe2(pattern: string, flags = ''): RE2 {
  return new (re2())(pattern, flags);
}

/** What RE2 has against a pattern. What else `compileRe2` throws, such as that RE2 cannot be loaded, is thrown on. */
export function re2Reason(error: unknown): string {
  if (!(error instanceof SyntaxError)) throw error;
  return error.message.split('\n', 1)[0] as string;
}
