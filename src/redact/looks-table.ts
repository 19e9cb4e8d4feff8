/**
 * Tokens that give themselves away by their form, wherever they stand: one row a form, with where the form is described
 * and a true and a false example, which the tests read. docs/policy.md is generated from these rows.
 *
 * A pattern is literals and classes, each class with a count; `matchPattern` in `look-pattern.ts` reads it without going
 * back. It begins at the start of a run of letters, digits and `-_.+/=~`, or after such a mark.
 */

import { SERVICE_ROWS } from './looks-table-services.js';

export interface LookRow {
  /** Names the rule: `looks:` and this. */
  readonly id: string;
  readonly what: string;
  readonly patterns: readonly string[];
  /** Where the pattern comes from. */
  readonly source: string;
  readonly example: string;
  readonly counterExample: string;
  /** It takes capitals, small letters and digits; otherwise a digit, or many letters of both cases. */
  readonly isStrict?: boolean;
}

const gitleaks = 'gitleaks default rules';
const row = (
  id: string,
  what: string,
  patterns: string | readonly string[],
  source: string,
  [example, counterExample]: [string, string],
): LookRow => ({
  id,
  what,
  patterns: typeof patterns === 'string' ? [patterns] : patterns,
  source,
  example,
  counterExample,
});

const A = (count: number, text = 'Ab3dEf9hJk2mN4pQ') => text.repeat(Math.ceil(count / text.length)).slice(0, count);
const H = (count: number) => A(count, '0a1b2c3d4e5f6789');
const U = (count: number) => A(count, 'ABCDEFGH234567JK');

const ROWS: readonly LookRow[] = [
  row('aws-key-id', 'AWS access key id', '[A][KSBC][IC][A][A-Z0-9]{16}', 'AWS IAM reference, unique identifiers', [
    'AKIAIOSFODNN7EXAMPLE',
    'AKIAIOSFODNN7',
  ]),
  row('github', 'GitHub token', 'gh[pousr]_[A-Za-z0-9]{36,255}', 'GitHub docs, token formats', [
    `ghp_${A(36)}`,
    'ghp_short_name',
  ]),
  row('github', 'GitHub fine-grained token', 'github_pat_[A-Za-z0-9_]{22,255}', 'GitHub docs, token formats', [
    `github_pat_${A(82)}`,
    'github_pat_x',
  ]),
  row(
    'gitlab',
    'GitLab token',
    [
      // Those that say which part of the service they belong to have two more pieces.
      ...['pat', 'rt', 'rtr', 'dt', 'cbt', 'ptt', 'ft', 'soat', 'imt', 'agent', 'oas', 'ffct', 'wt'].flatMap((kind) => [
        `gl${kind}-[A-Za-z0-9_-]{20,300}.[0-9a-z]{2}.[0-9a-z]{7,12}`,
        `gl${kind}-[A-Za-z0-9_-]{20,300}.[0-9a-z]{9}`,
        `gl${kind}-[A-Za-z0-9_-]{20,300}`,
      ]),
      'GR1348941[A-Za-z0-9_-]{20,40}',
      '_gitlab_session=[A-Za-z0-9]{32}',
    ],
    'GitLab docs, token prefixes',
    [`glpat-${A(20)}`, 'glpat-short'],
  ),
  row(
    'slack',
    'Slack token',
    [
      'xox[abeoprscd]-[A-Za-z0-9-]{10,300}',
      'xox[abeoprs].xox[abp]-[A-Za-z0-9-]{10,300}',
      'xapp-[0-9]{1}-[A-Za-z0-9-]{10,300}',
    ],
    'Slack API docs, token types',
    [`xoxb-${A(24)}7`, 'xoxb-your-token'],
  ),
  row(
    'slack-webhook',
    'Slack webhook',
    [
      'services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{20,40}',
      'workflows/T[A-Z0-9]{8,12}/A[A-Z0-9]{8,12}/[0-9]{10,20}/[A-Za-z0-9]{20,40}',
      'triggers/T[A-Z0-9]{8,12}/[0-9]{10,20}/[A-Za-z0-9]{20,40}',
    ],
    'Slack API docs, incoming webhooks',
    [`services/T024BE7LD/B024BE7LH/${A(24)}`, 'services/T024BE7LD/B024BE7LH'],
  ),
  row(
    'discord-webhook',
    'Discord webhook',
    'webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,80}',
    'Discord developer docs, webhooks',
    [`webhooks/123456789012345678/${A(68)}`, 'webhooks/123456789012345678'],
  ),
  row('teams-webhook', 'Microsoft Teams webhook', 'IncomingWebhook/[0-9a-f]{32}/[0-9a-f-]{36}', gitleaks, [
    `IncomingWebhook/${H(32)}/f058ebd6-02f7-4d3f-942e-904344e8cde5`,
    'IncomingWebhook/x',
  ]),
  row(
    'stripe',
    'Stripe key',
    ['[sr]k_live_[A-Za-z0-9]{16,250}', '[sr]k_test_[A-Za-z0-9]{16,250}', 'whsec_[A-Za-z0-9+/=]{24,100}'],
    'Stripe docs, API keys',
    [`sk_live_${A(24)}`, 'sk_live_...'],
  ),
  row('twilio', 'Twilio API key', 'SK[0-9a-f]{32}', 'Twilio docs, API keys', [`SK${H(32)}`, `CA${H(32)}`]),
  row('sendgrid', 'SendGrid key', 'SG.[A-Za-z0-9_-]{22}.[A-Za-z0-9_-]{43}', 'SendGrid docs, API keys', [
    `SG.${A(22)}.${A(43)}`,
    'SG.short',
  ]),
  row(
    'openai',
    'OpenAI key',
    [
      'sk-proj-[A-Za-z0-9_-]{20,300}',
      'sk-svcacct-[A-Za-z0-9_-]{20,300}',
      'sk-admin-[A-Za-z0-9_-]{20,300}',
      'sk-None-[A-Za-z0-9_-]{20,300}',
      'sk-or-v1-[0-9a-f]{64}',
      'sk-lf-[0-9a-f-]{36}',
      'sess-[A-Za-z0-9]{40}',
      'sk-[A-Za-z0-9]{32,64}',
    ],
    gitleaks,
    [`sk-proj-${A(48)}`, 'sk-project-name'],
  ),
  row('anthropic', 'Anthropic key', 'sk-ant-[A-Za-z0-9_-]{20,300}', gitleaks, [
    `sk-ant-api03-${A(93)}`,
    'sk-ant-api03',
  ]),
  row(
    'groq',
    'Groq, xAI, Perplexity, Replicate, Fireworks key',
    [
      'gsk_[A-Za-z0-9]{40,60}',
      'xai-[A-Za-z0-9]{60,100}',
      'pplx-[A-Za-z0-9]{40,60}',
      'r8_[A-Za-z0-9]{37}',
      'fw_[A-Za-z0-9]{22,30}',
      'tgp_v1_[A-Za-z0-9_-]{40,60}',
      'nvapi-[A-Za-z0-9_-]{60,70}',
      'jina_[A-Za-z0-9_-]{60}',
      'pcsk_[A-Za-z0-9_]{60,80}',
    ],
    gitleaks,
    [`gsk_${A(52)}`, 'gsk_short'],
  ),
  row('npm', 'npm token', 'npm_[A-Za-z0-9]{36}', 'GitHub docs, npm token format', [
    `npm_${A(36)}`,
    'npm_config_user_agent_is_set',
  ]),
  row('pypi', 'PyPI token', 'pypi-A[A-Za-z0-9_-]{50,500}', 'PyPI docs, API tokens', [
    `pypi-AgEIcHlwaS5vcmc${A(80)}`,
    'pypi-server',
  ]),
  row('docker', 'Docker Hub token', ['dckr_pat_[A-Za-z0-9_-]{20,60}', 'dckr_oat_[A-Za-z0-9_-]{20,60}'], gitleaks, [
    `dckr_pat_${A(27)}`,
    'dckr_pat_x',
  ]),
  row(
    'rubygems',
    'RubyGems, crates.io, NuGet key',
    ['rubygems_[0-9a-f]{48}', 'cio[A-Za-z0-9]{32}', 'oy2[a-z0-9]{43}'],
    gitleaks,
    [`rubygems_${H(48)}`, 'rubygems_mirror'],
  ),
  row('huggingface', 'Hugging Face token', ['hf_[A-Za-z0-9]{30,60}', 'api_org_[A-Za-z0-9]{34}'], gitleaks, [
    `hf_${A(34)}`,
    'hf_hub_download',
  ]),
  row('digitalocean', 'DigitalOcean token', 'do[opr]_v1_[0-9a-f]{64}', 'DigitalOcean docs, personal access tokens', [
    `dop_v1_${H(64)}`,
    'dop_v1_x',
  ]),
  row('shopify', 'Shopify token', ['shp[a-z]{2,3}_[0-9a-fA-F]{32}'], 'Shopify docs, access tokens', [
    `shpat_${H(32)}`,
    'shpat_x',
  ]),
  row('mailgun', 'Mailgun key', 'key-[0-9a-f]{32}', gitleaks, [`key-${H(32)}`, 'key-value-store']),
  row(
    'brevo',
    'Brevo key',
    ['xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}', 'xsmtpsib-[0-9a-f]{64}-[A-Za-z0-9]{16}'],
    gitleaks,
    [`xkeysib-${H(64)}-${A(16)}`, 'xkeysib-x'],
  ),
  row(
    'newrelic',
    'New Relic key',
    ['NRAK-[A-Z0-9]{27}', 'NRII-[A-Za-z0-9_-]{32}', 'NRJS-[0-9a-f]{19}', 'NRAA-[0-9a-f]{27}', 'NRIQ-[A-Za-z0-9_-]{32}'],
    'New Relic docs, API keys',
    [`NRAK-${U(27)}`, 'NRAK-x'],
  ),
  row('datadog', 'Datadog key', ['ddp_[A-Za-z0-9]{36}', 'ddapp_[A-Za-z0-9]{34}'], 'Datadog docs, key formats', [
    `ddp_${A(36)}`,
    'ddp_x',
  ]),
  row(
    'grafana',
    'Grafana token',
    ['glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}', 'glc_[A-Za-z0-9+/=]{32,400}'],
    'Grafana docs, service accounts',
    [`glsa_${A(32)}_0a1b2c3d`, 'glsa_x'],
  ),
  row(
    'sentry',
    'Sentry token',
    ['sntrys_[A-Za-z0-9+/=_-]{40,500}', 'sntryu_[0-9a-f]{64}', 'sntrya_[0-9a-f]{64}'],
    'Sentry docs, auth tokens',
    [`sntryu_${H(64)}`, 'sntrys_x'],
  ),
  row(
    'atlassian',
    'Atlassian token',
    [
      'AT[A-Z]TT3xFfG[A-Za-z0-9_=-]{40,300}',
      'ATBB[A-Za-z0-9]{32}',
      'ATST[A-Za-z0-9_=-]{60,300}',
      'ATCTT3xFfG[A-Za-z0-9_=-]{40,300}',
    ],
    gitleaks,
    [`ATATT3xFfGF0${A(180)}`, 'ATATT3xFfGF0'],
  ),
  row('linear', 'Linear key', ['lin_api_[A-Za-z0-9]{40}', 'lin_oauth_[A-Za-z0-9]{40,64}'], gitleaks, [
    `lin_api_${A(40)}`,
    'lin_api_x',
  ]),
  row('notion', 'Notion token', ['ntn_[A-Za-z0-9]{40,50}', 'secret_[A-Za-z0-9]{43}'], 'Notion developer docs', [
    `ntn_${A(46)}`,
    'ntn_x',
  ]),
  row('airtable', 'Airtable token', 'pat[A-Za-z0-9]{14}.[0-9a-f]{64}', 'Airtable docs, personal access tokens', [
    `pat${A(14)}.${H(64)}`,
    `pat${A(14)}`,
  ]),
  row(
    'figma',
    'Figma token',
    ['figd_[A-Za-z0-9_-]{36,60}', 'figo_[A-Za-z0-9_-]{36,60}', 'figu[rh]_[A-Za-z0-9_-]{36,60}'],
    gitleaks,
    [`figd_${A(40)}`, 'figd_x'],
  ),
  row('postman', 'Postman key', ['PMAK-[0-9a-f]{24}-[0-9a-f]{34}', 'PMAT-[A-Z0-9]{26}'], gitleaks, [
    `PMAK-${H(24)}-${H(34)}`,
    'PMAK-x',
  ]),
  row(
    'vault',
    'HashiCorp Vault token',
    ['hvs.[A-Za-z0-9_-]{24,300}', 'hvb.[A-Za-z0-9_-]{24,300}', 'hvr.[A-Za-z0-9_-]{24,300}', 's.[A-Za-z0-9]{24}'],
    'HashiCorp docs, Vault token prefixes',
    [`hvs.${A(92)}`, 'hvs.x'],
  ),
  row(
    'doppler',
    'Doppler token',
    ['dp.[a-z]{2,6}.[A-Za-z0-9]{40,44}', 'dp.st.[a-z0-9_-]{2,35}.[A-Za-z0-9]{40,44}'],
    'Doppler docs, token formats',
    [`dp.pt.${A(43)}`, 'dp.pt.x'],
  ),
  row(
    'databricks',
    'Databricks token',
    ['dapi[0-9a-f]{32}', 'dose[0-9a-f]{32}'],
    'Databricks docs, personal access tokens',
    [`dapi${H(32)}`, 'dapi1'],
  ),
  row('supabase', 'Supabase key', ['sbp_[0-9a-f]{40}', 'sb_secret_[A-Za-z0-9_-]{20,60}'], gitleaks, [
    `sbp_${H(40)}`,
    'sbp_x',
  ]),
  row('planetscale', 'PlanetScale key', ['pscale_[a-z]{2,5}_[A-Za-z0-9_.=-]{32,64}'], gitleaks, [
    `pscale_tkn_${A(43)}`,
    'pscale_x',
  ]),
  row('age', 'age key', 'AGE-SECRET-KEY-1[A-Z0-9]{58}', 'age format C2SP', [
    `AGE-SECRET-KEY-1${U(58)}`,
    'AGE-SECRET-KEY',
  ]),
  row('google', 'Google API key', 'AIza[A-Za-z0-9_-]{35}', 'Google Cloud docs, API keys', [
    'AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY',
    'AIzaSKU-100',
  ]),
  row(
    'google-oauth',
    'Google OAuth token or secret',
    [
      'ya29.[A-Za-z0-9_-]{20,2000}',
      '1//0[A-Za-z0-9_-]{20,300}',
      'GOCSPX-[A-Za-z0-9_-]{28}',
      '4/0A[A-Za-z0-9_-]{30,200}',
    ],
    gitleaks,
    [`ya29.a0${A(120)}`, 'ya29.x'],
  ),
  row('facebook', 'Facebook token', ['EAA[A-Za-z0-9]{80,400}'], gitleaks, [`EAACEdEose0cBA${A(120)}`, 'EAACE']),
  row(
    'square',
    'Square token',
    ['EAAAE[A-Za-z0-9_-]{55,65}', 'sq0atp-[A-Za-z0-9_-]{22}', 'sq0csp-[A-Za-z0-9_-]{43}', 'sq0idp-[A-Za-z0-9_-]{22}'],
    gitleaks,
    [`sq0csp-${A(43)}`, 'sq0csp-x'],
  ),
  row('paypal', 'PayPal or Braintree token', 'access_token$production$[a-z0-9]{16}$[0-9a-f]{32}', gitleaks, [
    `access_token$production$abcdefgh12345678$${H(32)}`,
    'access_token$production',
  ]),
  row(
    'circleci',
    'CircleCI token',
    ['CCIPAT_[A-Za-z0-9_]{30,80}', 'CCIPRJ_[A-Za-z0-9_]{30,80}'],
    'CircleCI docs, API tokens',
    [`CCIPAT_Gz${A(40)}`, 'CCIPAT_x'],
  ),
  row(
    'buildkite',
    'Buildkite token',
    ['bkua_[0-9a-f]{40}', 'bkpt_[A-Za-z0-9]{30,60}', 'bkat_[A-Za-z0-9]{30,60}'],
    'Buildkite docs, API tokens',
    [`bkua_${H(40)}`, 'bkua_x'],
  ),
  row(
    'pulumi',
    'Pulumi, Fly, Render, Netlify, Vercel, Heroku token',
    [
      'pul-[0-9a-f]{40}',
      'fo1_[A-Za-z0-9_-]{43}',
      'fm2_[A-Za-z0-9+/=_-]{60,800}',
      'FlyV1',
      'rnd_[A-Za-z0-9]{26,40}',
      'nfp_[A-Za-z0-9]{36}',
      'vcp_[A-Za-z0-9]{50,60}',
      'HRKU-[0-9a-fA-F-]{36}',
      'HRKU-AA[A-Za-z0-9_-]{58}',
      'rdme_[a-z0-9]{70}',
      'tfp_[A-Za-z0-9_-]{40,60}',
    ].filter((pattern) => pattern !== 'FlyV1'),
    gitleaks,
    [`pul-${H(40)}`, 'pul-request'],
  ),
  row(
    'dynatrace',
    'Dynatrace, Elastic, Okta, Snyk, Sonar token',
    [
      'dt0[a-z][0-9]{2}.[A-Z0-9]{24}.[A-Z0-9]{64}',
      'essu_[A-Za-z0-9+/=_-]{40,120}',
      'sqp_[0-9a-f]{40}',
      'sqa_[0-9a-f]{40}',
      'squ_[0-9a-f]{40}',
      '00[A-Za-z0-9_-]{40}',
    ],
    gitleaks,
    [`dt0c01.${U(24)}.${U(64)}`, 'dt0c01.x'],
  ),
  row(
    'cloudflare',
    'Cloudflare token',
    ['v1.0-[0-9a-f]{24}-[0-9a-f]{146}', 'cfut_[A-Za-z0-9]{40,60}', 'cfat_[A-Za-z0-9]{40,60}', 'cfk_[A-Za-z0-9]{40,60}'],
    'Cloudflare docs, API tokens',
    [`v1.0-${H(24)}-${H(146)}`, 'v1.0-rc'],
  ),
  row(
    'tailscale',
    'Tailscale, Infisical, 1Password, Teleport token',
    [
      'tskey-[a-z]{3,10}-[A-Za-z0-9-]{20,80}',
      'st.[0-9a-f-]{36}.[0-9a-f]{32,64}',
      'ops_eyJ[A-Za-z0-9+/=_-]{200,2000}',
      'A3-[A-Z0-9]{6}-[A-Z0-9-]{27,32}',
    ],
    gitleaks,
    [`tskey-auth-${A(20)}-${A(20)}`, 'tskey-x'],
  ),
  row(
    'aws-bedrock',
    'AWS Bedrock key',
    ['ABSK[A-Za-z0-9+/=]{100,270}', 'bedrock-api-key-[A-Za-z0-9+/=_-]{60,2000}'],
    gitleaks,
    [`ABSK${A(120)}`, 'ABSKx'],
  ),
  row(
    'asana',
    'Asana, ClickUp, Contentful, Typeform, Intercom key',
    [
      'tfp_[A-Za-z0-9_.=-]{59}',
      'pk_[0-9]{6,12}_[A-Z0-9]{32}',
      'CFPAT-[A-Za-z0-9_-]{43}',
      'dG9rOj[A-Za-z0-9+/=]{50,80}',
    ],
    gitleaks,
    [`CFPAT-${A(43)}`, 'CFPAT-x'],
  ),
  row(
    'adobe',
    'Adobe, Lob, Plaid, EasyPost secret',
    [
      'p8e-[A-Za-z0-9]{32}',
      'live_[0-9a-f]{35}',
      'test_[0-9a-f]{35}',
      'access-sandbox-[0-9a-f-]{36}',
      'access-production-[0-9a-f-]{36}',
      'access-development-[0-9a-f-]{36}',
      'EZAK[A-Za-z0-9]{54}',
      'EZTK[A-Za-z0-9]{54}',
    ],
    gitleaks,
    [`access-production-f058ebd6-02f7-4d3f-942e-904344e8cde5`, 'access-production'],
  ),
  row(
    'duffel',
    'Duffel, Frame.io, Flutterwave, Shippo, Prefect, Readme token',
    [
      'duffel_test_[A-Za-z0-9_=-]{43}',
      'duffel_live_[A-Za-z0-9_=-]{43}',
      'fio-u-[A-Za-z0-9_=-]{64}',
      'FLWSECK-[A-Za-z0-9_-]{12,60}',
      'FLWSECK_TEST-[A-Za-z0-9_-]{12,60}',
      'shippo_live_[0-9a-f]{40}',
      'shippo_test_[0-9a-f]{40}',
      'pnu_[A-Za-z0-9]{36}',
      'pat-na1-[0-9a-f-]{36}',
      'pat-eu1-[0-9a-f-]{36}',
    ],
    gitleaks,
    [`shippo_live_${H(40)}`, 'shippo_live_x'],
  ),
];

export const LOOK_ROWS: readonly LookRow[] = [...ROWS, ...SERVICE_ROWS];

/** Forms that take more than a pattern; `find-looks.ts` and `phrases.ts` have the code. */
export const OTHER_LOOKS: readonly LookRow[] = [
  row('jwt', 'JSON Web Token, signed or encrypted', [], 'RFC 7519, RFC 7516', [
    'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4fwpM',
    'eyJwYWdlIjoyfQ.next.page',
  ]),
  row('mailchimp', 'Mailchimp key', [], gitleaks, [`${H(32)}-us12`, `${H(32)}-usage`]),
  row('telegram', 'Telegram bot token', [], 'Telegram Bot API', [`1234567890:AA${A(33)}`, '1234567890:AAb']),
  row('discord', 'Discord bot token', [], gitleaks, [`MTA5OTk5OTk5OTk5OTk5OTk5.GabCde.${A(38)}`, 'MTA5OTk5.abc.def']),
  row('terraform', 'Terraform Cloud token', [], 'HashiCorp docs, API tokens', [
    `${A(14)}.atlasv1.${A(67)}`,
    'x.atlasv1.y',
  ]),
  row('azure-secret', 'Entra ID client secret', [], gitleaks, [`abC8Q~${A(34)}`, '8Q~x']),
  row('azure-key', 'Azure storage or service key', [], 'Microsoft docs, storage account keys', [
    `${A(43)}/${A(42)}==`,
    `${A(40)}==`,
  ]),
  row('azure-ado', 'Azure DevOps token', [], 'Microsoft docs, Azure DevOps token format', [
    `${A(76)}AZDO${A(4)}`,
    'AZDOx',
  ]),
  row(
    'azure-key',
    'Azure key with a signature of the kind it is of',
    [],
    'Microsoft security utilities, identifiable keys',
    [`${A(52)}JQQJ99BAACYeBjFXJ3w3AAABACOG${A(4)}`, `${A(52)}JQQJ0`],
  ),
  row('newrelic', 'New Relic license key', [], 'New Relic docs, API keys', [`${H(36)}NRAL`, `${H(36)}`]),
  row('mailgun', 'Mailgun key of an older kind', [], gitleaks, [`${H(32)}-${H(8)}-${H(8)}`, `${H(32)}-${H(8)}`]),
];
