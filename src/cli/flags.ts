/**
 * Flags on the command line, as text for the option table.
 *
 * in: words, an option table · out: `FlagValues`
 *
 * Only the parser of yargs is used here: its help texts take 0.1 s and 10 MiB to load, and a sensor that is given right
 * flags needs none of them.
 */
import parse from 'yargs-parser';
import type { OptionTable } from '../options/option-row.js';
import type { FlagValues } from '../options/settings.js';

/** How words are split into flags. Values stay text: the option table turns them into numbers and patterns. */
export const PARSING = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'greedy-arrays': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
};

/** The flags of a subcommand, or null if the words are not flags of it alone; yargs then knows what to answer. */
export function plainFlags(words: readonly string[], table: OptionTable): FlagValues | null {
  if (words.includes('--')) return null;
  const names = (arity: string) => Object.keys(table).filter((name) => table[name]?.arity === arity);
  const parsed = parse([...words], {
    array: names('many'),
    boolean: [...names('switch'), 'help', 'version'],
    configuration: PARSING,
  });
  if (parsed._.length > 0 || 'help' in parsed || 'version' in parsed) return null;
  return flagValues(table, parsed, words);
}

/** What was parsed, as text again: one text for each time that a flag was given, empty where its value was left out. */
export function flagValues(
  table: OptionTable,
  parsed: Readonly<Record<string, unknown>>,
  argv: readonly string[],
): FlagValues {
  const flags: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '_' || name === '$0' || value === undefined) continue;
    if (table[name]?.arity === 'switch') {
      // yargs reads `--flag=maybe` as false, but the option table should see the text itself.
      const texts = argv.filter((word) => word.startsWith(`--${name}=`)).map((word) => word.slice(name.length + 3));
      flags[name] = [...texts, ...(texts.length === 0 ? [String([value].flat().at(-1))] : [])];
    } else {
      const texts = [value].flat().map((one) => (typeof one === 'string' ? one : ''));
      flags[name] = texts.length === 0 ? [''] : texts;
    }
  }
  return flags;
}

/** Turns `--read -` into `--read=-`: yargs would take the dash for the next flag. */
export function joinDashes(words: readonly string[]): string[] {
  return words.flatMap((word, index) => {
    if (word === '-' && words[index - 1]?.startsWith('--')) return [];
    return words[index + 1] === '-' && word.startsWith('--') ? [`${word}=-`] : [word];
  });
}
