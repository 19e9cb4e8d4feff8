import { expect, it } from 'vitest';
import { bodyBytes } from '../../src/http/message-body.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import { cutDraft } from '../../src/sensor/draft-memory.js';
import { createDrafter } from '../../src/trace/trace-builder.js';
import { client, converse, server, split } from '../support/conversation.js';

it('cuts bodies at whole bytes, whatever part of one their share of the memory ends in', () => {
  const head = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n';
  const { exchanges } = converse([
    split(client(`${head}${'x'.repeat(5000)}`), 700),
    server('HTTP/1.1 204 No Content\r\n\r\n'),
  ]);
  const draft = createDrafter({ ids: createTraceIds((bytes) => bytes.fill(1)), isLocal: () => true });
  const [exchange] = exchanges;
  if (exchange === undefined) throw new Error('there is no exchange');
  const { request } = cutDraft(draft(exchange), 1921.5);
  expect(request.keptBytes).toBe(1921);
  expect(bodyBytes(request).length).toBe(1921);
});
