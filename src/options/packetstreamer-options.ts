/** The options of `packetstreamer`, whose settings are in a file of their own. */
import { optional } from './option-row.js';
import { existingFile, text } from './option-values.js';

export const PACKETSTREAMER_OPTIONS = {
  config: optional({
    group: 'Process:',
    value: { ...text('FILE'), parse: existingFile },
    defaultText: 'required',
    help: 'YAML file with the keys of PacketStreamer; docs/packetstreamer.md has them',
  }),
};
