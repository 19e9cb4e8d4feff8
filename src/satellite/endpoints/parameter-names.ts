/**
 * Names for the parameters of a template: after the word before (`users` → `userId`), by what the values are, never twice.
 */
import { parameterName } from '../../trace/parameter-name.js';
import { FORMAT_BITS } from '../openapi/formats.js';
import type { Shape } from '../openapi/shape.js';

export type NamedStep =
  | { readonly word: string }
  | { readonly suffix: string; readonly values: Shape; readonly given: string | null };

/** A name for each step that is a value. */
export function namesOfParameters(steps: readonly NamedStep[]): (string | null)[] {
  const taken = new Set<string>();
  return steps.map((step, index) => {
    if ('word' in step) return null;
    const before = steps[index - 1];
    const wanted = step.given ?? nameFor(before !== undefined && 'word' in before ? before.word : null, step.values);
    let name = wanted;
    for (let number = 2; taken.has(name); number++) name = `${wanted}${number}`;
    taken.add(name);
    return name;
  });
}

function nameFor(before: string | null, { texts }: Shape): string {
  const formats = texts === null || texts.count === 0 ? 0 : texts.formats;
  return parameterName(before, formats & FORMAT_BITS.date ? 'date' : formats & FORMAT_BITS.email ? 'email' : null);
}
