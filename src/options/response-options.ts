/** The options of active response, and of what the satellite may be sent: rows of the one table. */

import { InvalidValue } from '../errors.js';
import { type Match, parseMatch } from '../respond/match.js';
import { many, type Option, one, optional } from './option-row.js';
import { bytes, number, type OptionValue } from './option-values.js';

export type ResponseMode = 'off' | 'dry-run' | 'on';

const responseMode: OptionValue<ResponseMode> = {
  placeholder: 'dry-run|on',
  parse: (given) => {
    const lower = given.trim().toLowerCase();
    if (lower === 'dry-run') return 'dry-run';
    if (['on', 'true', 'yes', '1'].includes(lower)) return 'on';
    if (['off', 'false', 'no', '0'].includes(lower)) return 'off';
    throw new InvalidValue('is none of dry-run, on and off; give one of those');
  },
};

const responseRule: OptionValue<Match> = { placeholder: 'RULE', parse: parseMatch };

const activeResponse: Option<ResponseMode> = {
  arity: 'switch',
  group: 'Policy:',
  value: responseMode,
  default: 'off',
  takes: ['live', 'orders'],
  alsoCalled: ['antigena', 'reset', 'block'],
  help: 'end connections that a rule or a signed order of the satellite matches, by resets to both ends; =dry-run only says which',
};

export const RESPONSE_OPTIONS = {
  'active-response': activeResponse,
  'active-response-rule': many({
    group: 'Policy:',
    value: responseRule,
    default: [],
    takes: ['live', 'response'],
    help: 'connections to be reset: client=ADDRESS, client=NETWORK/BITS, host=RE2, path=RE2 or connection=ADDRESS:PORT-ADDRESS:PORT',
  }),
  'active-response-per-minute': one({
    group: 'Policy:',
    value: number('N', { min: 1, max: 6000, integer: true, example: 'connections a minute such as 60' }),
    default: 60,
    takes: ['live', 'response'],
    help: 'connections that are reset in a minute at most',
  }),
  'active-response-report-seconds': one({
    group: 'Policy:',
    value: number('SECONDS', { min: 0.1, max: 86_400, example: 'seconds such as 5' }),
    default: 5,
    takes: ['live', 'response', 'satellite'],
    help: 'seconds between reports to the satellite of what was reset and refused',
  }),
};

export const EXPORT_BYTES_OPTIONS = {
  'export-bytes-per-minute': optional({
    group: 'Satellite:',
    value: bytes({ min: 65_536, max: 1e12, example: 'a number of bytes such as 10MB' }),
    defaultText: 'no limit',
    takes: ['satellite'],
    alsoCalled: ['max-export-bytes', 'bandwidth', 'egress'],
    help: 'bytes sent to the satellite in a minute at most; what is beyond is dropped, and counted',
  }),
};
