/** Redacts what a message carries: its body, and the messages of a stream. */
import { type EventFields, isControl } from '../http/stream-message.js';
import type { Trace, TraceBody } from '../trace/trace.js';
import type { Cause } from './edits.js';
import type { Glance } from './glance.js';
import { MediaTypes } from './media-type.js';
import { omissionReason } from './opaque-body.js';
import { redactMessagesAcross, redactStreamed, textOf } from './redact-across.js';
import type { DocumentRedactor } from './redact-document.js';
import type { Redactions } from './redactions.js';
import type { RedactionSettings } from './redactor.js';
import { isBinary } from './text-forms.js';

/** What bodies and messages of a stream have in common. */
type Content = Pick<TraceBody, 'bytes' | 'content' | 'truncated' | 'codingError' | 'omitted'>;

export interface ContentRedactor {
  /** Shows a body to `glance`; returns whether nothing is left to be done if that sees nothing. */
  show(content: Content, contentType: string, glance: Glance): boolean;
  /** `part`: what it is called where it is said what was redacted. */
  redact(content: Content, contentType: string, redactions: Redactions, part: string): void;
  redactMessages(trace: Pick<Trace, 'messages' | 'messagesSeen'>, redactions: Redactions): void;
}

const NO_CONTENT = new Uint8Array(0);

export function createContentRedactor(
  { bodies, defaults, opaqueBodies = 'searched' }: Pick<RedactionSettings, 'bodies' | 'defaults' | 'opaqueBodies'>,
  documents: DocumentRedactor,
): ContentRedactor {
  const types = new MediaTypes();

  function redact(content: Content, contentType: string, redactions: Redactions, part: string): void {
    if (!bodies) {
      content.truncated ||= content.bytes > 0;
      content.content = NO_CONTENT;
      return;
    }
    if (content.content.length === 0) return;
    const type = types.of(contentType);
    const reason = defaults ? omissionReason(content, type, opaqueBodies) : null;
    if (reason !== null) {
      content.content = NO_CONTENT;
      content.omitted = reason;
      redactions.noteOmitted(part, reason);
      return;
    }
    documents.expect(content.content.length);
    // What is cut is whole here alone: an event's or a message's part of it would not be known for one.
    if (type.streamed !== null) {
      const text = textOf(content.content);
      noteAcross(part, redactStreamed(text, type.streamed, documents), redactions);
      if (text.edits.size > 0) content.content = text.edits.apply(text.bytes);
    }
    const redacted = documents.body(content.content, type, content.truncated);
    if (redacted === null) return;
    content.content = redacted.result;
    redactions.noteAll(part, redacted);
  }

  function show(content: Content, contentType: string, glance: Glance): boolean {
    const { content: kept } = content;
    if (!bodies) return false;
    if (kept.length === 0) return true;
    const type = types.of(contentType);
    if (type.streamed !== null || !documents.isGlanceEnough(kept, type, content.truncated)) return false;
    if (defaults && omissionReason(content, type, opaqueBodies) !== null) return false;
    glance.addBytes(kept);
    return true;
  }

  /** Secrets that are cut over messages of one direction. */
  function redactAcross(
    { messages = [], messagesSeen }: Pick<Trace, 'messages' | 'messagesSeen'>,
    direction: 'request' | 'response',
    redactions: Redactions,
  ): void {
    const kept = messages.filter((one) => one.direction === direction && !isControl(one.kind));
    const parts = kept
      .filter((one) => one.content.length > 0 && one.codingError === null)
      .map((message) => ({ message, text: textOf(message.content) }))
      .filter(({ text }) => !isBinary(text.bytes));
    if (parts.length < 2) return;
    redactions.side(direction);
    const causes = redactMessagesAcross(
      parts.map(({ text }) => text),
      messagesSeen !== undefined && messagesSeen[direction].count > kept.length,
      documents,
    );
    noteAcross('message', causes, redactions);
    for (const { message, text } of parts) if (text.edits.size > 0) message.content = text.edits.apply(text.bytes);
  }

  function redactEvent({ event, id, ...fields }: EventFields, redactions: Redactions): EventFields {
    const text = (value: string, name: string): string => {
      const redacted = documents.text(value, name);
      redactions.noteAll('message', redacted);
      return redacted.result;
    };
    return {
      ...(event === undefined ? {} : { event: text(event, 'event') }),
      ...(id === undefined ? {} : { id: text(id, 'id') }),
      ...fields,
    };
  }

  return {
    show,
    redact,
    redactMessages(trace, redactions) {
      const { messages = [] } = trace;
      if (bodies && messages.length > 1) {
        redactAcross(trace, 'request', redactions);
        redactAcross(trace, 'response', redactions);
      }
      for (const message of messages) {
        redactions.side(message.direction);
        redact(message, '', redactions, 'message');
        if (message.event !== undefined) message.event = redactEvent(message.event, redactions);
      }
    },
  };
}

function noteAcross(part: string, causes: readonly Cause[], redactions: Redactions): void {
  if (causes.length > 0) redactions.noteAll(part, { causes, replaced: [] });
}
