/**
 * `LEVO_…` variables that no option reads. One that is close to a known name is a slip, and refused as a flag would be; one
 * close to none may be another program's, since people share environments.
 *
 * in: the environment, every option table · out: the names, with what was meant · pure
 */
import { UsageError } from '../errors.js';
import { nearest } from './names.js';
import { environmentNames, type OptionTable } from './option-row.js';

export interface UnknownVariable {
  readonly name: string;
  /** The variable that it is close to. */
  readonly meant: string | null;
}

export function unknownVariables(
  environment: Readonly<Record<string, string | undefined>>,
  tables: readonly OptionTable[],
): UnknownVariable[] {
  const known = [
    ...new Set(
      tables.flatMap((table) => Object.entries(table).flatMap(([name, option]) => environmentNames(name, option))),
    ),
  ];
  return Object.entries(environment)
    .filter(([name, value]) => /^LEVO(AI)?_/.test(name) && value !== '' && !known.includes(name))
    .map(([name]) => ({ name, meant: nearest(name, known) }));
}

/** @throws UsageError for the first that is close to a known name */
export function refuseMistyped(unknown: readonly UnknownVariable[]): void {
  const slip = unknown.find(({ meant }) => meant !== null);
  if (slip !== undefined) {
    throw new UsageError(
      `no option reads the environment variable ${slip.name}; did you mean ${slip.meant}? Set that, or unset this`,
    );
  }
}
