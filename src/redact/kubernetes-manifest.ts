/** The values of Kubernetes Secrets in YAML: whatever their names are, what stands under `data` and `stringData` is secret. */
import { isBlank, LINE_FEED } from './byte-text.js';
import type { Cause, View } from './edits.js';
import type { RedactionContext } from './redaction-context.js';

const CAUSE: Cause = { rule: 'name:kubernetes-secret', name: null };

/** `kind` may stand behind the data: a document between two lines `---` is read twice. */
export function redactManifests(view: View, context: RedactionContext): void {
  const { bytes } = view;
  if (!bytes.includes('kind:')) return;
  for (let start = 0; start < bytes.length; ) {
    const next = bytes.indexOf('\n---', start);
    const end = next < 0 ? bytes.length : next;
    if (/(?:^|\n)kind:[ \t]{1,8}["']?Secret["']?[ \t\r]{0,8}(?:\n|$)/.test(bytes.latin1Slice(start, end)))
      redactManifest(view, start, end, context);
    start = end + 4;
  }
}

function redactManifest(view: View, start: number, end: number, context: RedactionContext): void {
  const { bytes } = view;
  let isData = false;
  for (let line = start; line < end; ) {
    let next = bytes.indexOf(LINE_FEED, line);
    if (next < 0 || next > end) next = end;
    if (next > line && !isBlank(bytes[line]) && bytes[line] !== 0x0d)
      isData = /^(?:data|stringData):\s*$/.test(bytes.latin1Slice(line, Math.min(next, line + 32)));
    else if (isData) redactEntry(view, line, next, context);
    line = next + 1;
  }
}

/** `  name: value`, or a line of a value in several. */
function redactEntry(view: View, start: number, end: number, context: RedactionContext): void {
  const line = view.bytes.latin1Slice(start, end);
  const entry = /^[ \t]+(?:["']?[\w.-]{1,253}["']?:(?:[ \t]+|$))?/.exec(line);
  const value = line.slice(entry?.[0].length ?? line.length).trimEnd();
  if (value === '' || /^[|>][+-]?\d?$/.test(value) || value.startsWith('#')) return;
  const from = start + (entry?.[0].length ?? 0);
  context.redactText(view, from, from + value.length, CAUSE);
}
