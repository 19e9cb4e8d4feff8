/**
 * The commands that the README, docs/install.md, docs/options.md and docs/cost.md give people to type, word for word.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const FILES = ['README.md', 'docs/install.md', 'docs/options.md', 'docs/cost.md'];

/** A span of code in running text is a command if it starts with one of these and has more words, unless it is a script. */
const PROGRAMS = /^([A-Z_]+=\S+ )*((npm|curl|docker|kubectl|aws|terraform|bin\/[a-z-]+) \S|scripts\/[a-z-]+)/;

export interface Snippet {
  /** `FILE#HEADING[N]`, counting the blocks of that language under the heading; for a span, its text. */
  readonly place: string;
  readonly language: string;
  /** Without the fence; ends without a line break. */
  readonly text: string;
}

/** Fenced blocks and, as language `sh`, the spans that are commands. */
export function snippetsIn(file: string, markdown: string): Snippet[] {
  const snippets: Snippet[] = [];
  let heading = '';
  let block: { language: string; lines: string[] } | undefined;
  for (const line of markdown.split('\n')) {
    const fence = /^```(.*)$/.exec(line);
    if (block !== undefined && fence !== null) {
      const { language, lines } = block;
      const before = snippets.filter((one) => one.place.startsWith(`${file}#${heading}[`) && one.language === language);
      snippets.push({ place: `${file}#${heading}[${before.length}]`, language, text: lines.join('\n') });
      block = undefined;
    } else if (block !== undefined) {
      block.lines.push(line);
    } else if (fence !== null) {
      block = { language: fence[1] ?? '', lines: [] };
    } else if (line.startsWith('#')) {
      heading = line.replace(/^#+ /, '');
    } else {
      for (const [, text = ''] of line.matchAll(/`([^`]+)`/g)) {
        if (PROGRAMS.test(text)) snippets.push({ place: text, language: 'sh', text });
      }
    }
  }
  return snippets;
}

const snippets = FILES.flatMap((file) => snippetsIn(file, readFileSync(join(ROOT, file), 'utf8')));

/** The places of the commands, each once. */
export const commandPlaces: readonly string[] = [
  ...new Set(snippets.filter(({ language }) => language === 'sh').map(({ place }) => place)),
];

/** The text at `place`, word for word; throws if there is none. */
export function documented(place: string, language = 'sh'): string {
  const found = snippets.find((one) => one.place === place && one.language === language);
  if (found === undefined) {
    throw new Error(`there is no ${language} at ${place}; there is ${snippets.map((one) => one.place).join(', ')}`);
  }
  return found.text;
}
