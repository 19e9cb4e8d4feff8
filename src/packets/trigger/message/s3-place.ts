/** Where a capture goes in S3. in: a message that was admitted, the configuration · out: a place of its own · pure */
import type { TriggerSettings } from '../configuration/settings.js';
import type { S3Place } from '../uploads/uploader.js';
import type { CaptureMessage } from './capture-message.js';

/** What the message chose, of what the configuration lets it choose. */
export function placeOf(message: CaptureMessage, { s3 }: Pick<TriggerSettings, 's3'>): S3Place | null {
  if (s3 === null) return null;
  return {
    endpoint: message.endpoint || s3.endpoint,
    region: message.region || s3.region,
    bucket: message.bucket || s3.bucket,
    folder: message.folder || s3.folder,
    acl: message.acl || s3.acl,
    encryption: s3.encryption || message.encryption,
  };
}
