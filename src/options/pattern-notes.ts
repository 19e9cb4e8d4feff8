/**
 * Patterns that are RE2, and that match nothing of what whoever wrote them meant: globs, lists with commas, methods in
 * small letters.
 *
 * in: patterns by option · out: a line for each, with what to write instead · pure
 */
import { compileRe2 } from '../re2.js';
import { patternForGlob } from './glob.js';
import { settingName } from './option-row.js';
import type { Settings } from './options.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY'];

export function patternNotes(settings: Settings): string[] {
  const names = ['path-allow', 'path-exclusions', 'host-allow', 'host-exclusions', 'method-allow'] as const;
  return names.flatMap((name) =>
    (settings[settingName(name) as keyof Settings] as readonly string[]).flatMap((pattern) => {
      const shown = `--${name} ${JSON.stringify(pattern)}`;
      const meant = patternForGlob(pattern);
      if (meant !== null)
        return `${shown} is RE2, where * repeats what stands before it; for what a shell means by it, give ${JSON.stringify(meant)}`;
      const parts = listed(name, pattern);
      if (parts !== null)
        return `${shown} is one RE2 pattern, with its commas; for any of a list, give ${JSON.stringify(`^(${parts.join('|')})${name === 'method-allow' ? '$' : ''}`)}`;
      return name === 'method-allow' ? methodNote(shown, pattern) : [];
    }),
  );
}

/** The parts of a list, where a comma can be nothing else: hosts and methods have none, and paths none before a slash. */
function listed(name: string, pattern: string): string[] | null {
  if (/[\\^$|()[\]{}+*]/.test(pattern) || !(name.startsWith('path') ? /,\s*\// : /,/).test(pattern)) return null;
  const parts = pattern.split(',').map((part) => part.trim().replaceAll('.', '\\.'));
  return name === 'method-allow' ? parts.map((part) => part.toUpperCase()) : parts;
}

function methodNote(shown: string, pattern: string): string | [] {
  const re2 = compileRe2(pattern, 'u');
  const isCapital = METHODS.includes(pattern.toUpperCase()) && !METHODS.some((method) => re2.test(method));
  return isCapital
    ? `${shown} matches no method, which are in capitals; give ${JSON.stringify(`^${pattern.toUpperCase()}$`)}`
    : [];
}
