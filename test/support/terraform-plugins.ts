/**
 * Where Terraform's AWS provider is: a directory as `terraform providers mirror` lays it out. PCAP_SENSOR_TERRAFORM_PLUGINS names
 * it; else it is looked for where Terraform looks by itself, and under the usual prefixes.
 */
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const PROVIDER = 'registry.terraform.io/hashicorp/aws';

/** https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories */
const MIRRORS = [
  join(homedir(), '.terraform.d/plugins'),
  join(homedir(), '.terraform.d/plugin-cache'),
  join(homedir(), '.local/share/terraform/plugins'),
  '/usr/local/share/terraform/plugins',
  '/usr/share/terraform/plugins',
  '/usr/share/terraform/providers',
  process.env.TF_PLUGIN_CACHE_DIR ?? '',
];
const PREFIXES = ['/opt', '/srv', '/usr/lib', '/usr/local', '/usr/local/lib', '/usr/local/share'];

/** Null where there is none. */
export function terraformPlugins(): string | null {
  const given = process.env.PCAP_SENSOR_TERRAFORM_PLUGINS;
  if (given !== undefined) return existsSync(given) ? given : null;
  const below = PREFIXES.flatMap((prefix) => namesIn(prefix).map((name) => join(prefix, name)));
  return [...MIRRORS, ...below].find((directory) => directory !== '' && hasProvider(directory)) ?? null;
}

function hasProvider(directory: string): boolean {
  const versions = join(directory, PROVIDER);
  return namesIn(versions).some((version) =>
    namesIn(join(versions, version)).some((platform) =>
      namesIn(join(versions, version, platform)).some((name) => name.startsWith('terraform-provider-aws_v')),
    ),
  );
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
