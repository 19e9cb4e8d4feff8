/**
 * This machine's AWS set-up: ~/.aws (or where AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE point) and the
 * environment, read by the SDK's own parser.
 */
import type { LocalAwsConfig } from './target.js';

/** Variables which show that credentials do not come from a profile. */
const CREDENTIAL_VARIABLES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
];

export async function localAwsConfig(environment: NodeJS.ProcessEnv): Promise<LocalAwsConfig> {
  const hasCredentials = CREDENTIAL_VARIABLES.some((name) => (environment[name] ?? '') !== '');
  const files = await import('@smithy/core/config')
    .then(({ loadSharedConfigFiles }) => loadSharedConfigFiles())
    // AWS cannot be asked without the SDK either; the first call says so.
    .catch(() => ({ configFile: {}, credentialsFile: {} }) as { configFile: Profiles; credentialsFile: Profiles });
  const profiles = [...new Set([...Object.keys(files.configFile), ...Object.keys(files.credentialsFile)])];
  return {
    profiles: profiles.filter((name) => !name.includes('.')).toSorted(),
    hasCredentials,
    regionOf: (profile) => {
      const name = profile ?? 'default';
      return files.configFile[name]?.region ?? files.credentialsFile[name]?.region;
    },
  };
}

type Profiles = Record<string, Record<string, string | undefined>>;
