/**
 * A batch of one trace that the satellite finds too large, without the trace's bodies: the exchange is reported all the same.
 *
 * in: a batch of one trace, uncompressed · out: the same without what its bodies hold, which are marked as truncated, and the
 * trace as shed; levo has no place for marks
 *
 * As in `split-batch.ts`, the places are found by what stands before them, and nothing is parsed: no name and no value can
 * hold such a beginning, as a quote inside a string is escaped.
 */
import { MARK_ROWS } from '../../pair/exchange.js';
import type { Batch } from '../relay/batch.js';
import { bareProtobuf } from './otlp/protobuf-batch.js';

const SHED = `{"stringValue":"${MARK_ROWS.shed.name}"}`;
const MARKS = '{"key":"pcap.marks","value":{"arrayValue":{"values":[';

/** Null where it has no bodies, or is no such batch. */
export function bareBatch(batch: Batch): Batch | null {
  if (batch.protocol === 'otlp-protobuf') return bareProtobuf(batch);
  if (batch.count !== 1) return null;
  const payload = batch.protocol === 'otlp' ? bareOtlp(batch.payload) : bareLevo(batch.payload);
  return payload === null ? null : { ...batch, payload };
}

function bareOtlp(payload: Buffer): Buffer | null {
  let bare = payload;
  for (const side of ['request', 'response']) {
    const start = bare.indexOf(`{"key":"http.${side}.body.content","value":{"`);
    if (start < 0) continue;
    const value = bare.indexOf(':"', bare.indexOf('"value":{"', start) + '"value":{"'.length) + 2;
    const end = stringEnd(bare, value) + '"}}'.length;
    const truncated = `{"key":"http.${side}.body.truncated","value":{"boolValue":true}}`;
    // What was cut before says so in its next attribute.
    const said = bare.toString('latin1', end + 1, end + 1 + truncated.length) === truncated;
    bare = Buffer.concat([
      bare.subarray(0, start),
      Buffer.from(said ? '' : truncated),
      bare.subarray(said ? end + 1 : end),
    ]);
  }
  if (bare === payload) return null;
  const marks = bare.indexOf(MARKS);
  if (marks >= 0) {
    const first = marks + MARKS.length;
    if (bare.indexOf(SHED, first) >= 0 && bare.indexOf(SHED, first) < bare.indexOf(']', first)) return bare;
    return Buffer.concat([bare.subarray(0, first), Buffer.from(`${SHED},`), bare.subarray(first)]);
  }
  const first = bare.indexOf('{"key":"http.request.body.size"');
  if (first < 0) return null;
  return Buffer.concat([bare.subarray(0, first), Buffer.from(`${MARKS}${SHED}]}}},`), bare.subarray(first)]);
}

const LEVO_BODY = '},"body":"';

function bareLevo(payload: Buffer): Buffer | null {
  const pieces: Buffer[] = [];
  let done = 0;
  let isChanged = false;
  for (let at = payload.indexOf(LEVO_BODY); at >= 0; at = payload.indexOf(LEVO_BODY, at + LEVO_BODY.length)) {
    const start = at + LEVO_BODY.length;
    const end = payload.indexOf('"', start);
    if (end < 0) return null;
    if (end === start) continue;
    isChanged = true;
    pieces.push(payload.subarray(done, start), Buffer.from('","truncated":true'));
    done = payload.indexOf(
      /^,"truncated":true/.test(payload.toString('latin1', end + 1, end + 18)) ? 'true' : 'false',
      end,
    );
    done += payload[done] === 0x74 ? 'true'.length : 'false'.length;
  }
  return isChanged ? Buffer.concat([...pieces, payload.subarray(done)]) : null;
}

/** Where the string that begins at `start` ends: at a quote that no backslash escapes. */
function stringEnd(bytes: Buffer, start: number): number {
  let end = bytes.indexOf('"', start);
  for (; end >= 0; end = bytes.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (bytes[end - 1 - backslashes] === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return bytes.length;
}
