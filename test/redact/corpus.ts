/**
 * Tables of texts: a place and a text a line. In those of secrets, ‹…› is around what must become REDACTED and «…» around what
 * must become 0.
 */
import { readFileSync } from 'node:fs';

export interface CorpusRow {
  place: string;
  /** What the line above says of it and of those beside it. */
  kind: string;
  /** Without marks, as it is sent. */
  sent: string;
  /** What must leave. */
  expected: string;
  /** The marked pieces. */
  secrets: string[];
  line: string;
}

export const CONTENT_TYPES: Readonly<Record<string, string>> = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson',
  sse: 'text/event-stream',
  form: 'application/x-www-form-urlencoded',
  multipart: 'multipart/form-data; boundary=XX',
  xml: 'application/xml',
  html: 'text/html',
  text: 'text/plain',
  binary: 'application/octet-stream',
  image: 'image/png',
  yaml: 'application/yaml',
  toml: 'application/toml',
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  js: 'application/javascript',
  css: 'text/css',
  markdown: 'text/markdown',
  properties: 'text/x-java-properties',
  graphql: 'application/graphql',
  jpatch: 'application/json-patch+json',
  mixed: 'multipart/mixed; boundary=XX',
  none: '',
};

const MARKED = /‹(.*?)›|‹([^›]*)$|«(.*?)»/gs;

export type CorpusFile = 'secrets.txt' | 'look-alikes.txt' | 'hostile-secrets.txt' | 'hostile-look-alikes.txt';

export function corpus(file: CorpusFile): CorpusRow[] {
  const rows: CorpusRow[] = [];
  let kind = '';
  for (const line of readFileSync(new URL(file, import.meta.url), 'utf8').split('\n')) {
    if (line.startsWith('# ')) kind = line.slice(2);
    if (line !== '' && !line.startsWith('#')) rows.push(rowOf(line, kind));
  }
  return rows;
}

function rowOf(line: string, kind: string): CorpusRow {
  const place = line.slice(0, 10).trim();
  const text = line
    .slice(11)
    .replaceAll('␤', '\n')
    .replaceAll('⏎', '\r\n')
    .replaceAll('⇥', '\t')
    .replaceAll('\\0', '\0');
  const secrets: string[] = [];
  const expected = text.replace(MARKED, (marked, whole, cut, number) => {
    secrets.push(whole ?? cut ?? number);
    if (marked.startsWith('«')) return '0';
    return place === 'binary' ? '*'.repeat((whole ?? cut).length) : 'REDACTED';
  });
  return { place, kind, sent: text.replace(/[‹›«»]/g, ''), expected, secrets, line };
}
