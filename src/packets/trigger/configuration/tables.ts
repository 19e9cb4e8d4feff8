/**
 * What the readers of single tables of the configuration work with, and the files that a table names.
 */
import { readFileSync, statSync } from 'node:fs';
import type { FlagValues } from './flags.js';
import type { AwsKeys, TlsSettings } from './settings.js';
import type { ConfigurationTable } from './toml-table.js';

export interface TablesContext {
  readonly flags: FlagValues;
  readonly general: ConfigurationTable;
  /** A table by its name; it is empty where the file has none. */
  table(name: string): ConfigurationTable;
}

/** The text of the PEM file that a key names; null where it names none. */
export function pemFile(table: ConfigurationTable, key: string): string | null {
  const path = table.text(key);
  if (path === null || path === '') return null;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw table.fault(key, path, `${(error as Error).message}; name a PEM file that can be read`);
  }
}

export function requireDirectory(table: ConfigurationTable, key: string, path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw table.fault(key, path, 'no such directory; make it, or name another');
  return path;
}

/** Both keys, or null for the default chain. */
export function awsKeys(table: ConfigurationTable): AwsKeys | null {
  const accessKeyId = table.text('accessid') ?? '';
  const secretAccessKey = table.text('accesskey') ?? '';
  if (accessKeyId === '' && secretAccessKey === '') return null;
  if (accessKeyId === '' || secretAccessKey === '')
    throw table.fault(
      'accessid',
      accessKeyId,
      'accessid and accesskey go together; give both, or neither for the default chain',
    );
  return { accessKeyId, secretAccessKey };
}

/** `tls = true`, with the certificate that it is checked by; null without it. */
export function tlsSettings(table: ConfigurationTable): TlsSettings | null {
  const isWanted = table.flag('tls') ?? false;
  const ca = pemFile(table, 'ca');
  const isVerified = !(table.flag('insecure') ?? false);
  if (isWanted) return { ca, isVerified };
  if (ca !== null) throw table.fault('ca', 'given', 'there is no tls = true beside it; give both, or neither');
  return null;
}
