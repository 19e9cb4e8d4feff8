import { expect, it } from 'vitest';
import { readMessage } from '../../../../src/packets/trigger/message/capture-message.js';
import { placeOf } from '../../../../src/packets/trigger/message/s3-place.js';

const OWN = { endpoint: null, region: 'eu-west-1', bucket: 'b', folder: '', acl: 'private', encryption: true };
const settings = { s3: { ...OWN, keys: null, buckets: [], endpoints: [], acls: [] } } as never;
const placed = (fields: object) => placeOf(readMessage(JSON.stringify({ node: 'any', ...fields })), settings);

it('is what the message says, and says nothing of where the next one goes (bug 9)', () => {
  const theirs = { bucket: 'c', region: 'us-east-1', endpoint: 'https://x', folder: 'f', acl: 'public-read' };
  // It cannot switch encryption off.
  expect(placed({ ...theirs, encryption: false })).toEqual({ ...theirs, encryption: true });
  expect(placed({})).toEqual(OWN);
});
