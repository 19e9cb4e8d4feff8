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
  const meant = optionFor(word, table);
  if (meant !== null) return new UsageError(`${quoted} belongs to no option; did you mean --${meant} ${word}?`);
  const filters = Object.hasOwn(table, 'filter') ? ', --filter takes filters' : ', or see --help';
  return new UsageError(`${quoted} belongs to no option; quote values with spaces${filters}`);
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
