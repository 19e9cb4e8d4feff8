/** The options of what is done with what a satellite keeps. */
import { many, one, optional } from './option-row.js';
import { age, bearerTokenFile, text } from './option-values.js';
import { DATA_DIRECTORY } from './options.js';
import { ERROR_FORMAT_OPTION } from './process-options.js';

const DATA = one({
  ...DATA_DIRECTORY,
  default: '',
  defaultText: 'required',
  help: 'directory in which the satellite keeps traces',
});

export const SATELLITE_BACKUP_OPTIONS = {
  data: DATA,
  to: optional({
    group: 'Satellite:',
    value: text('FILE'),
    defaultText: 'required',
    help: 'file that the copy is written to, which must not be there; as traces.sqlite in a directory it is --data for a satellite',
  }),
  ...ERROR_FORMAT_OPTION,
};

export const SATELLITE_DELETE_OPTIONS = {
  data: DATA,
  trace: many({
    group: 'Satellite:',
    value: text('ID'),
    default: [],
    help: 'trace id of what is to be forgotten',
  }),
  where: optional({
    group: 'Satellite:',
    value: text('FILTER'),
    alsoCalled: ['filter'],
    help: "filter that finds what is to be forgotten, in the page's language",
  }),
  'older-than': optional({
    group: 'Satellite:',
    value: age('a time such as 12h or 30d'),
    help: 'time since they came, from which on traces are forgotten',
  }),
  ...ERROR_FORMAT_OPTION,
};

export const SATELLITE_MCP_OPTIONS = {
  url: one({
    group: 'Satellite:',
    value: text('URL'),
    default: 'http://127.0.0.1:9999',
    help: 'address of the satellite that is asked',
  }),
  'token-file': optional({
    group: 'Satellite:',
    value: bearerTokenFile,
    help: 'file with the token that reading takes there',
  }),
  ...ERROR_FORMAT_OPTION,
};
