/**
 * A word that belongs to no option, and what it was meant as.
 *
 * in: the words of the command line, the options of its command · out: an error of one line
 */
import { statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { UsageError } from '../errors.js';
import type { OptionTable } from '../options/option-row.js';

const TRACES = /\.(?:pcap|pcapng|cap|har|ndjson|jsonl)$/i;
const DOCUMENT = /\.(?:ya?ml|json)$/i;
const ADDRESS = /^https?:\/\/|^\[?[\w.:-]+\]?:\d{1,5}(?:\/|$)/i;

export function surplusWord(word: string, words: readonly string[], table: OptionTable): UsageError {
  const at = words.indexOf(word);
  const quoted = JSON.stringify(word);
  const [before, beforeThat] = [words[at - 1] ?? '', words[at - 2] ?? ''];
  const arityOf = (flag: string) => (flag.startsWith('--') ? table[flag.slice(2)]?.arity : undefined);
  if (['switch', 'count'].includes(arityOf(before) ?? ''))
    return new UsageError(`${before} takes no value, and ${quoted} is one; give ${before} alone, or leave it out`);
  if (arityOf(beforeThat) === 'many')
    return new UsageError(
      `${quoted} belongs to no option; ${beforeThat} is given once for each value: ${beforeThat} ${before} ${beforeThat} ${word}`,
    );
  const typed = mistyped(word, words);
  if (typed !== null) return new UsageError(`${quoted} ${typed}`);
  const meant = optionFor(word, table);
  const letter = meant === null ? undefined : table[meant]?.letter;
  const isGiven = words.some((one) => one === `--${meant}` || one.startsWith(`--${meant}=`) || one === `-${letter}`);
  if (meant !== null && isGiven && table[meant]?.arity === 'one')
    return new UsageError(`${quoted} belongs to no option; --${meant} takes one value: give the command once for each`);
  if (meant !== null) return new UsageError(`${quoted} belongs to no option; did you mean --${meant} ${word}?`);
  const filters = Object.hasOwn(table, 'filter') ? ', --filter takes filters' : ', or see --help';
  return new UsageError(`${quoted} belongs to no option; quote values with spaces${filters}`);
}

/** What editors make of hyphens and quotes. */
function mistyped(word: string, words: readonly string[]): string | null {
  const [, name] = /^[\u2010-\u2015\u2212]+-?([a-z][\w-]*)/i.exec(word) ?? [];
  if (name !== undefined)
    return `begins with ${JSON.stringify(word.charAt(0))}, which is no hyphen; did you mean --${name}?`;
  return words.some((one) => /[\u2018-\u201f]/.test(one))
    ? 'belongs to no option, and there are curly quotes, which mean nothing to the shell; type straight ones'
    : null;
}

/** The option of `table` that such a value is for. */
function optionFor(word: string, table: OptionTable): string | null {
  const first = (...names: string[]) => names.find((name) => Object.hasOwn(table, name)) ?? null;
  const kind = kindOf(word);
  if (TRACES.test(word)) return first('read', 'explain');
  if (ADDRESS.test(word)) return first('satellite-url', 'url');
  if (DOCUMENT.test(word)) return first('spec', 'config', 'read', 'explain', 'file');
  if (kind === 'file') return first('read', 'explain');
  if (kind === 'directory') return first('data');
  if (/^\d{1,5}$/.test(word)) return first('port');
  return Object.hasOwn(networkInterfaces(), word) ? first('interfaces') : null;
}

function kindOf(path: string): 'file' | 'directory' | null {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return null;
  return status.isDirectory() ? 'directory' : 'file';
}
