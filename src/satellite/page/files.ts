/**
 * The files of the page: a list made at the start, so that no path of a request is ever one of the file system.
 *
 * in: the path asked for · out: its bytes and type, or null
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { lazy } from '../../lazy.js';
import { STYLE } from './style.js';

export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
}

export const PAGE_PACKAGES = ['htm', 'uplot'] as const;

/** Scripts and styles come from here alone, none stands in the markup, and nothing is framed or sent elsewhere. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
};

const MARKUP = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Satellite</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page/vendor/uplot.css">
<link rel="stylesheet" href="/page/style.css">
<script type="module" src="/page/app.js"></script>
</head>
<body><div id="app"></div><noscript>This page takes JavaScript; the API is described at /api/openapi.json.</noscript></body>
</html>
`;

const SCRIPT = 'text/javascript; charset=utf-8';
const STYLES = 'text/css; charset=utf-8';

/** Where the compiler puts what runs in the browser, from here in the sources as from here in the build. */
const BROWSER_DIRECTORY = join(import.meta.dirname, '../../../dist/satellite/page/browser');

/** By path. Throws where a package is missing. */
export const pageFiles = lazy((): ReadonlyMap<string, PageFile> => {
  const files = new Map<string, PageFile>([
    ['/', { type: 'text/html; charset=utf-8', bytes: Buffer.from(MARKUP) }],
    ['/page/style.css', { type: STYLES, bytes: Buffer.from(STYLE) }],
  ]);
  for (const name of readdirSync(BROWSER_DIRECTORY))
    if (/^[a-z-]+\.js$/.test(name))
      files.set(`/page/${name}`, { type: SCRIPT, bytes: readFileSync(join(BROWSER_DIRECTORY, name)) });
  const require = createRequire(import.meta.url);
  const beside = (resolved: string, name: string): Buffer =>
    readFileSync(join(dirname(require.resolve(resolved)), name));
  files.set('/page/vendor/preact.js', { type: SCRIPT, bytes: beside('htm', '../preact/standalone.module.js') });
  files.set('/page/vendor/uplot.js', { type: SCRIPT, bytes: beside('uplot', 'uPlot.esm.js') });
  files.set('/page/vendor/uplot.css', { type: STYLES, bytes: beside('uplot', 'uPlot.min.css') });
  return files;
});

/** Whether what the page takes is installed. */
export function hasPage(): boolean {
  try {
    return pageFiles().size > 0;
  } catch {
    return false;
  }
}
