/** What a request of the API sends. */
import type { IncomingMessage } from 'node:http';
import { Refused } from './reply.js';

/** JSON that a script of this origin sent. @throws Refused */
export async function bodyOf(request: IncomingMessage, bytes_max: number): Promise<unknown> {
  // Only such a script can send this type: a form of another site cannot.
  if (request.headers['content-type'] !== 'application/json') throw new Refused(415, 'send it as application/json');
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytes_max) throw new Refused(413, 'too large');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Refused(400, 'what was sent is not JSON');
  }
}
