/** `satellite mcp`: a running satellite for coding agents. */
import { UsageError } from '../../errors.js';
import { SATELLITE_MCP_OPTIONS } from '../../options/satellite-options.js';
import { type FlagValues, resolveSettings } from '../../options/settings.js';
import { serveMcp } from '../../satellite/mcp/server.js';
import { SENSOR_VERSION } from '../../version.js';

export async function satelliteMcp(flags: FlagValues): Promise<number> {
  const { url, tokenFile } = resolveSettings(SATELLITE_MCP_OPTIONS, flags, process.env);
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new UsageError(`--url ${JSON.stringify(url)} is no address; give it such as http://127.0.0.1:9999`);
  await serveMcp({ url: url.replace(/\/+$/, ''), token: tokenFile, version: SENSOR_VERSION });
  return 0;
}
