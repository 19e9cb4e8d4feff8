/**
 * A sensor's own settings, narrowed by what a server asks for.
 *
 * in: settings, a `Narrowing` · out: settings that let through no more · pure
 *
 * Lists of what is left out or redacted are joined, of numbers the lesser counts, of switches the stricter. Lists of what is kept
 * cannot be joined into one, since both have to hold: those of the server stay apart, as rules beside the sensor's own.
 */
import { bothFilters } from './filter-words.js';
import type { Narrowing } from './remote-configuration.js';

/** What of the settings may be narrowed. */
export interface SteeredSettings {
  readonly filter: string;
  readonly hostExclusions: readonly string[];
  readonly pathExclusions: readonly string[];
  /** 0 for no limit. */
  readonly rateLimit: number;
  readonly sampleRate: number;
  readonly redactHeader: readonly string[];
  readonly redactQuery: readonly string[];
  readonly redactField: readonly string[];
  readonly redactPattern: readonly string[];
  readonly redactPii: boolean;
  readonly noBodies: boolean;
  readonly opaqueBodies: 'searched' | 'drop' | 'keep';
}

/** Rules beside the sensor's own: an exchange is kept where both keep it. */
export type FurtherRules = Pick<Narrowing, 'hostAllow' | 'pathAllow' | 'methodAllow' | 'statusAllow'>;

export function narrowed<T extends SteeredSettings>(own: T, by: Narrowing | null): T {
  if (by === null) return own;
  return Object.freeze({
    ...own,
    filter: bothFilters(own.filter, by.filter),
    hostExclusions: union(own.hostExclusions, by.hostExclusions),
    pathExclusions: union(own.pathExclusions, by.pathExclusions),
    rateLimit:
      by.rateLimit === null
        ? own.rateLimit
        : own.rateLimit === 0
          ? by.rateLimit
          : Math.min(own.rateLimit, by.rateLimit),
    sampleRate: by.sampleRate === null ? own.sampleRate : Math.min(own.sampleRate, by.sampleRate),
    redactHeader: union(own.redactHeader, by.redactHeader),
    redactQuery: union(own.redactQuery, by.redactQuery),
    redactField: union(own.redactField, by.redactField),
    redactPattern: union(own.redactPattern, by.redactPattern),
    redactPii: own.redactPii || by.redactPii,
    noBodies: own.noBodies || by.noBodies,
    opaqueBodies: stricter(own.opaqueBodies, by.opaqueBodies),
  });
}

/** Null where the server keeps no less than the sensor. */
export function furtherRules(by: Narrowing | null): FurtherRules | null {
  if (by === null) return null;
  const { hostAllow, pathAllow, methodAllow, statusAllow } = by;
  const count = hostAllow.length + pathAllow.length + methodAllow.length + statusAllow.length;
  return count === 0 ? null : { hostAllow, pathAllow, methodAllow, statusAllow };
}

function union(own: readonly string[], more: readonly string[]): readonly string[] {
  return more.length === 0 ? own : [...new Set([...own, ...more])];
}

const STRICTNESS = ['keep', 'searched', 'drop'] as const;

function stricter(
  own: SteeredSettings['opaqueBodies'],
  other: Narrowing['opaqueBodies'],
): SteeredSettings['opaqueBodies'] {
  return other !== null && STRICTNESS.indexOf(other) > STRICTNESS.indexOf(own) ? other : own;
}
