/** Texts by name and slot, of which the newest counts: inventories, templates, what was told. */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Connection } from './connection.js';

export interface Document {
  readonly slot: number;
  readonly text: string;
  readonly through: number;
  readonly version: number;
}

/** What a packed text may become. */
const TEXT_BYTES_MAX = 512 << 20;
const OF = 'Organisation = {organisation:String}';

export class Documents {
  readonly #connection: Connection;
  readonly #organisation: string;
  #version = 0;

  constructor(connection: Connection, organisation: string) {
    this.#connection = connection;
    this.#organisation = organisation;
  }

  /** The newest of each slot. */
  async read(name: string): Promise<Document[]> {
    const rows = await this.#connection.query<Document>(
      `SELECT Slot AS slot, argMax(Text, Version) AS text, argMax(Through, Version) AS through, max(Version) AS version
       FROM documents WHERE ${OF} AND Name = {name:String} GROUP BY Slot`,
      { organisation: this.#organisation, name },
    );
    return rows.map((row) => ({ ...row, text: unpacked(row.text) }));
  }

  /** The slots that have one, with their versions. */
  versions(name: string): Promise<{ slot: number; version: number }[]> {
    return this.#connection.query(
      `SELECT Slot AS slot, max(Version) AS version FROM documents WHERE ${OF} AND Name = {name:String} GROUP BY Slot`,
      { organisation: this.#organisation, name },
    );
  }

  async names(prefix: string): Promise<string[]> {
    const rows = await this.#connection.query<{ name: string }>(
      `SELECT DISTINCT Name AS name FROM documents WHERE ${OF} AND startsWith(Name, {prefix:String})`,
      { organisation: this.#organisation, prefix },
    );
    return rows.map(({ name }) => name);
  }

  async write(name: string, slot: number, text: string, through = 0): Promise<void> {
    // Where the clock was set back, what is written later is newer still.
    this.#version = Math.max(this.#version + 1, Date.now());
    await this.#connection.insert('documents', [
      {
        Organisation: this.#organisation,
        Name: name,
        Slot: slot,
        Text: gzipSync(text).toString('base64'),
        Through: through,
        Version: this.#version,
      },
    ]);
  }

  async forget(name: string): Promise<void> {
    await this.#connection.command(`ALTER TABLE documents DELETE WHERE ${OF} AND Name = {name:String}`, {
      organisation: this.#organisation,
      name,
    });
  }
}

function unpacked(text: string): string {
  return gunzipSync(Buffer.from(text, 'base64'), { maxOutputLength: TEXT_BYTES_MAX }).toString('utf8');
}
