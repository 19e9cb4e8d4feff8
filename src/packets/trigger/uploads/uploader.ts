/**
 * What sends captures somewhere: the shape that every kind of upload has.
 */

/** What is said of a capture where it is sent. It survives in the spool as JSON. */
export interface CaptureFile {
  readonly name: string;
  readonly bytes: number;
  /** Joined by commas; see `tags.ts`. */
  readonly tags: string;
  /** Where it goes on S3: what the configuration has, or what the message chose of what that allows. */
  readonly s3: S3Place | null;
}

export interface S3Place {
  readonly endpoint: string | null;
  readonly region: string;
  readonly bucket: string;
  readonly folder: string;
  readonly acl: string;
  readonly encryption: boolean;
}

export type UploaderName = 'local' | 'cloudshark' | 's3';

export interface Uploader {
  readonly name: UploaderName;
  /** Resolves to where the capture is. Throws an `UploadError`. */
  upload(file: CaptureFile, content: readonly Buffer[], signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

/** Why an upload failed; its message names the destination, and never a token or key. */
export class UploadError extends Error {
  /** Whether another attempt would fail alike. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal: boolean) {
    super(message);
    this.isFinal = isFinal;
  }
}

/** What became of one upload of a capture. */
export type UploadOutcome =
  | { readonly to: UploaderName; readonly state: 'done'; readonly where: string }
  | { readonly to: UploaderName; readonly state: 'spooled' | 'failed'; readonly reason: string };
