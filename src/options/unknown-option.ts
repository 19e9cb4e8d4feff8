/**
 * What is said about an option that is none, so that whoever typed it knows what to type instead.
 *
 * in: the name as given, the options there are · out: an error of one line · pure
 */
import { UsageError } from '../errors.js';
import { nearestOption } from './names.js';
import type { OptionTable } from './option-row.js';
import { SENSOR_OPTIONS } from './options.js';

/** Letters that people have from tcpdump, where a sensor needs no such option or calls it otherwise. */
const TCPDUMP_LETTERS: Readonly<Record<string, string>> = {
  A: '-vv shows bodies',
  C: '--packets-max-bytes bounds what --packets-dir keeps',
  D: 'pcap-sensor doctor names the interfaces',
  G: '--packets-dir keeps packets in files of bounded size',
  U: 'each line is written at once; leave it out',
  W: '--packets-max-bytes bounds what --packets-dir keeps',
  X: '-vv shows bodies',
  e: '--write FILE.pcap keeps the frames whole; leave it out',
  l: 'each line is written at once; leave it out',
  n: 'no name is looked up, so leave it out; --count ends after so many exchanges',
  p: 'promiscuous mode is never used; leave it out',
  q: '--log-level error says less',
  s: 'packets are captured whole; --max-http-length is what is kept of a body',
  t: 'leave it out',
  x: '-vv shows bodies',
};

/** What only commands have that print. */
const PRINTS = ['format', 'file'];

/** Names for the file that a command would write, which prints instead. */
const WRITTEN = new Set(['o', 'w', 'out', 'output', 'output-file', 'write']);

/** `shown` is the name with its dashes, or the place where it stands in a file; `prefix` goes before what was meant. */
export function unknownOption(shown: string, name: string, table: OptionTable, prefix: string): UsageError {
  return new UsageError(`${shown} is no option; ${wayOut(name, table, prefix)}`);
}

function wayOut(name: string, table: OptionTable, prefix: string): string {
  const isSensor = Object.hasOwn(table, 'interfaces');
  const letter = isSensor && Object.hasOwn(TCPDUMP_LETTERS, name) ? TCPDUMP_LETTERS[name] : undefined;
  if (letter !== undefined) return letter;
  if (PRINTS.some((option) => Object.hasOwn(table, option)) && WRITTEN.has(name))
    return 'what is printed goes to standard output: end the command with > FILE';
  const switched = name.replace(/^no-/, '');
  if (switched !== name && table[switched]?.arity === 'switch')
    return `give ${prefix}${switched}=false, or leave it out`;
  const near = nearestOption(name, table);
  if (near !== null) return `did you mean ${prefix}${near}?`;
  const isElsewhere = !isSensor && Object.hasOwn(SENSOR_OPTIONS, name);
  return `${isElsewhere ? 'apidump and watch have it; ' : ''}see --help for those there are`;
}
