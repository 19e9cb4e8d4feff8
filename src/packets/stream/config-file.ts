/** Reads a PacketStreamer configuration from its file. */
import { readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import { reasonOf, UsageError } from '../../errors.js';
import { readStreamConfig, type StreamConfig, type StreamRole } from './config.js';

const CONFIG_BYTES_MAX = 1 << 20;

/** @throws UsageError */
export function readStreamConfigFile(path: string, role: StreamRole): StreamConfig {
  const source = `--config ${path}`;
  let tree: unknown;
  try {
    if (statSync(path).size > CONFIG_BYTES_MAX) throw new Error(`has more than ${CONFIG_BYTES_MAX} bytes`);
    tree = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${source}: could not parse the config file: ${reasonOf(error)}; give a YAML file`);
  }
  return readStreamConfig(source, tree, role);
}
