/** The options of a satellite whose organisations see nothing of each other. */
import { readFileSync, statSync } from 'node:fs';
import { InvalidValue } from '../errors.js';
import type { Grant } from '../satellite/receive/grants.js';
import { parseGrants } from './grants.js';
import { optional } from './option-row.js';
import { existingFile, type OptionValue } from './option-values.js';

const FILE_BYTES_MAX = 8 << 20;

/** A file of organisations, roles and tokens. No error shows a token. */
const tokensFile: OptionValue<readonly Grant[]> = {
  placeholder: 'FILE',
  parse: (given) => {
    const path = existingFile(given);
    let text: string;
    try {
      if (statSync(path).size > FILE_BYTES_MAX) throw new Error('is too long; give a file with tokens alone');
      text = readFileSync(path, 'utf8');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new InvalidValue(code === undefined ? message : `cannot be read (${code}); give a readable file`);
    }
    try {
      return parseGrants(text);
    } catch (error) {
      throw new InvalidValue((error as Error).message);
    }
  },
};

export const ORGANISATION_OPTIONS = {
  'tokens-file': optional({
    group: 'Satellite:',
    value: tokensFile,
    help: 'file with lines of ORGANISATION[/WORKSPACE] ROLE TOKEN, where the role is ingest, read or steer; what one organisation sends no other sees, and every sender and reader needs a token',
  }),
};
