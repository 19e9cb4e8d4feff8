/**
 * Texts that a trace has beside its messages, taken out of them: what a client calls its GraphQL operations, and the documents
 * that a server keeps for it; what a server says of a call's status, percent-encoding undone.
 *
 * in: a `Trace`, changed in place · the digest of a document hides nothing
 */
import type { Trace } from '../trace/trace.js';
import type { DocumentRedactor } from './redact-document.js';
import type { Redactions } from './redactions.js';

const DIGEST = /^(?:sha256:)?[0-9a-f]{64}$/i;

export function redactFacts(trace: Trace, documents: DocumentRedactor, redactions: Redactions): void {
  const redacted = (text: string, part: string): string => {
    if (!documents.mayHold(text)) return text;
    const found = documents.text(text, '');
    redactions.noteAll(part, found);
    return found.result;
  };
  if (trace.graphql !== undefined) {
    redactions.side('request');
    for (const operation of trace.graphql) {
      if (operation.name !== null) operation.name = redacted(operation.name, 'graphql');
      if (operation.persisted !== null && !DIGEST.test(operation.persisted))
        operation.persisted = redacted(operation.persisted, 'graphql');
    }
  }
  if (trace.statusMessage !== undefined) {
    redactions.side('response');
    trace.statusMessage = redacted(trace.statusMessage, 'rpc');
  }
}
