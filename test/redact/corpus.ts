/**
 * The tables `secrets.txt` and `look-alikes.txt`: a place and a text a line. In the first, ‹…› is around what must become
 * REDACTED and «…» around what must become 0.
 */
import { readFileSync } from 'node:fs';

export interface CorpusRow {
  place: string;
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
};

const MARKED = /‹(.*?)›|‹([^›]*)$|«(.*?)»/gs;

export function corpus(file: 'secrets.txt' | 'look-alikes.txt'): CorpusRow[] {
  return readFileSync(new URL(file, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const place = line.slice(0, 10).trim();
      const text = line.slice(11).replaceAll('␤', '\n').replaceAll('⏎', '\r\n').replaceAll('\\0', '\0');
      const secrets: string[] = [];
      const expected = text.replace(MARKED, (marked, whole, cut, number) => {
        secrets.push(whole ?? cut ?? number);
        if (marked.startsWith('«')) return '0';
        return place === 'binary' ? '*'.repeat((whole ?? cut).length) : 'REDACTED';
      });
      return { place, sent: text.replace(/[‹›«»]/g, ''), expected, secrets, line };
    });
}
