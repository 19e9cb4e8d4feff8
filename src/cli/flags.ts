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
    alias: letters(table),
    array: names('many'),
    count: names('count'),
    boolean: [...names('switch'), 'help', 'version'],
    configuration: PARSING,
  });
  if (parsed._.length > 0 || 'help' in parsed || 'version' in parsed) return null;
  return flagValues(table, parsed, words);
}

/** The letters of a table, by option: an alias each. */
function letters(table: OptionTable): Record<string, string> {
  return Object.fromEntries(
    Object.entries(table).flatMap(([name, { letter }]) => (letter === undefined ? [] : [[name, letter]])),
  );
}

/** What was parsed, as text again: one text for each time that a flag was given, empty where its value was left out. */
export function flagValues(
  table: OptionTable,
  parsed: Readonly<Record<string, unknown>>,
  argv: readonly string[],
): FlagValues {
  const flags: Record<string, readonly string[]> = {};
  const aliases = new Set(Object.values(letters(table)));
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '_' || name === '$0' || value === undefined || aliases.has(name)) continue;
    if (table[name]?.arity === 'count') {
      const texts = countedTexts(name, value, argv);
      if (texts.length > 0) flags[name] = texts;
    } else if (table[name]?.arity === 'switch') {
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

/** How often the flag was given, or what was given for it: `--verbose=2`. Not given, it is in no flag. */
function countedTexts(name: string, value: unknown, argv: readonly string[]): string[] {
  const texts = argv.filter((word) => word.startsWith(`--${name}=`)).map((word) => word.slice(name.length + 3));
  // The parser counts none where the flag was not given.
  return texts.length > 0 || value === 0 ? texts : [String(value)];
}

/** Turns `--read -` into `--read=-`, which yargs would take for the next flag, and `-h` into `--help`. */
export function joinDashes(words: readonly string[]): string[] {
  if (words.includes('-h')) return joinDashes(words.map((word) => (word === '-h' ? '--help' : word)));
  return words.flatMap((word, index) => {
    const takesDash = (one = '') => /^--?\w/.test(one);
    if (word === '-' && takesDash(words[index - 1])) return [];
    return words[index + 1] === '-' && takesDash(word) ? [`${word}=-`] : [word];
  });
}
