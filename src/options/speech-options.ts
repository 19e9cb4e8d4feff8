/** The options of what is spoken with a satellite, and how: rows of the one table. */
import { one } from './option-row.js';
import { choice } from './option-values.js';

export const SPEECH_OPTIONS = {
  'satellite-protocol': one({
    group: 'Satellite:',
    value: choice('auto', 'otlp', 'levo'),
    default: 'auto',
    takes: ['satellite'],
    help: "OTLP/HTTP, Levo's own, or the first of the two that the satellite answers",
  }),
  compression: one({
    group: 'Satellite:',
    value: choice('gzip', 'none'),
    default: 'gzip',
    takes: ['satellite', 'otlp'],
    help: 'how OTLP is compressed; a satellite that refuses gzip gets it uncompressed',
  }),
  'otlp-encoding': one({
    group: 'Satellite:',
    value: choice('auto', 'protobuf', 'json'),
    default: 'json',
    takes: ['satellite', 'otlp'],
    help: 'what OTLP is written as; auto is protobuf, and JSON for a satellite that answers 415',
  }),
  semconv: one({
    group: 'Satellite:',
    value: choice('stable', 'rpc/dup'),
    default: 'stable',
    takes: ['satellite', 'otlp'],
    help: "names of OpenTelemetry's conventions in OTLP: the stable ones, or those of calls before version 1.45 beside them",
  }),
};
