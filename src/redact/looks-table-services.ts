/** More rows of `looks-table.ts`: services that came later, and further kinds of tokens of those that were there. */
import type { LookRow } from './looks-table.js';

const scanning = 'GitHub docs, supported secret scanning patterns';
const row = (
  id: string,
  what: string,
  patterns: readonly string[],
  source: string,
  [example, counterExample]: [string, string],
): LookRow => ({ id, what, patterns, source, example, counterExample });
/** The same where words joined by marks could have the form: capitals, small letters and digits are demanded. */
const strict = (...[id, what, patterns, source, examples]: Parameters<typeof row>): LookRow => ({
  ...row(id, what, patterns, source, examples),
  isStrict: true,
});

const A = (count: number, text = 'Ab3dEf9hJk2mN4pQ') => text.repeat(Math.ceil(count / text.length)).slice(0, count);
const H = (count: number) => A(count, '0a1b2c3d4e5f6789');
const U = (count: number) => A(count, 'ABCDEFGH234567JK');
const L = (count: number) => A(count, 'abcdefgh234567jk');
const UUID = 'f058ebd6-02f7-4d3f-942e-904344e8cde5';
const PLAID = ['access', 'public', 'link', 'processor'].flatMap((kind) =>
  ['sandbox', 'production', 'development'].map((place) => `${kind}-${place}-[0-9a-f-]{36}`),
);

export const SERVICE_ROWS: readonly LookRow[] = [
  row('slack', 'Slack workflow token', ['xwfp-[A-Za-z0-9-]{20,300}'], 'Slack API docs, token types', [
    `xwfp-${A(24)}7`,
    'xwfp-x',
  ]),
  row(
    'stripe',
    'Stripe organization and ephemeral key',
    ['sk_org_[a-z]{4}_[A-Za-z0-9]{16,250}', 'ek_live_[A-Za-z0-9]{16,250}', 'ek_test_[A-Za-z0-9]{16,250}'],
    'Stripe docs, API keys',
    [`sk_org_live_${A(40)}`, 'sk_org_live_x'],
  ),
  row(
    'stripe',
    'Stripe client secret of an intent or a session',
    ['pi_', 'seti_', 'cs_live_', 'cs_test_', 'src_'].map(
      (kind) => `${kind}[A-Za-z0-9]{14,80}_secret_[A-Za-z0-9]{14,120}`,
    ),
    'Stripe docs, Payment Intents',
    [`pi_3${A(23)}_secret_${A(25)}`, `pi_3${A(23)}`],
  ),
  row(
    'secret-key',
    'key of a service that prefixes the kind and the place',
    [
      'sk_prod_[A-Za-z0-9_-]{40,120}',
      'sk_dev_[A-Za-z0-9_-]{40,120}',
      'sk_[a-z]{3,12}_[A-Za-z0-9]{24,250}',
      'sk_[0-9a-f]{48}',
    ],
    scanning,
    [`sk_prod_${A(60)}`, 'sk_buff_head_init'],
  ),
  row(
    'openai',
    'Firecrawl, Cerebras, Tavily, LangSmith, Weights & Biases key',
    [
      'fc-[0-9a-f]{32}',
      'csk-[a-z0-9]{48}',
      'tvly-[A-Za-z0-9]{32}',
      'tvly-[a-z]{3,4}-[A-Za-z0-9-]{20,60}',
      'lsv2_[a-z]{2}_[0-9a-f]{32}_[0-9a-f]{10}',
      'wandb_v1_[A-Za-z0-9_]{60,100}',
    ],
    scanning,
    [`lsv2_pt_${H(32)}_${H(10)}`, 'lsv2_pt_x'],
  ),
  strict(
    'voyage',
    'Voyage AI, Resend, Mandrill key',
    ['pa-[A-Za-z0-9_-]{43}', 're_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}', 'md-[A-Za-z0-9_-]{22}'],
    scanning,
    [`re_${A(8)}_${A(24)}`, 'md-button-primary-large2a'],
  ),
  row('google', 'Google API key bound to an account', ['AQ.Ab[A-Za-z0-9_-]{40,60}'], 'Gemini API docs, API keys', [
    `AQ.Ab8RN6${A(44)}`,
    'AQ.Ab8',
  ]),
  row('google-oauth', 'Google token of a service account', ['ya29.[a-z].[A-Za-z0-9_-]{20,2000}'], scanning, [
    `ya29.c.${A(120)}`,
    'ya29.c.x',
  ]),
  row('linear', 'Linear webhook secret', ['lin_wh_[A-Za-z0-9]{40}'], scanning, [`lin_wh_${A(40)}`, 'lin_wh_x']),
  row(
    'mapbox',
    'Mapbox secret or temporary token',
    ['sk.eyJ[A-Za-z0-9_-]{20,400}.[A-Za-z0-9_-]{20,40}', 'tk.eyJ[A-Za-z0-9_-]{20,600}.[A-Za-z0-9_-]{20,40}'],
    'Mapbox docs, access tokens',
    [`sk.eyJ1Ijoi${A(60)}.${A(22)}`, `pk.eyJ1Ijoi${A(60)}.${A(22)}`],
  ),
  row('square', 'Square token of a later kind', ['EAAA[Flw][A-Za-z0-9_-]{58,61}'], scanning, [
    `EAAAl${A(59)}`,
    'EAAAlx',
  ]),
  row('plaid', 'Plaid token', PLAID, 'Plaid docs, tokens', [`public-sandbox-${UUID}`, 'public-sandbox-items']),
  row(
    'vercel',
    'Vercel token',
    ['vercel_blob_rw_[A-Za-z0-9]{16}_[A-Za-z0-9]{30}', 'vc[aikr]_[A-Za-z0-9]{24,60}'],
    'Vercel docs, access tokens',
    [`vercel_blob_rw_${A(16)}_${A(30)}`, 'vercel_blob_rw_x'],
  ),
  row('netlify', 'Netlify token', ['nf[bcou]_[A-Za-z0-9]{36,40}'], 'Netlify docs, API authentication', [
    `nfo_${A(36)}`,
    'nfo_x',
  ]),
  row(
    'buildkite',
    'Buildkite agent or package token',
    ['bk[a-z]{2}_[A-Za-z0-9]{30,60}'],
    'Buildkite docs, managed tokens',
    [`bkct_${A(40)}`, 'bkct_x'],
  ),
  row('dropbox', 'Dropbox token', ['sl.u.[A-Za-z0-9_-]{60,1500}', 'sl.[A-Za-z0-9_-]{100,1500}'], scanning, [
    `sl.u.AF${A(120)}`,
    'sl.u.example',
  ]),
  row(
    'asana',
    'Asana personal token',
    ['[12]/[0-9]{14,18}:[0-9a-f]{32}', '2/[0-9]{14,18}/[0-9]{14,18}:[0-9a-f]{32}'],
    'Asana docs, personal access token',
    [`2/1201234567890123/1201234567890124:${H(32)}`, '1/1201234567890123'],
  ),
  row(
    'launchdarkly',
    'LaunchDarkly key',
    ['sdk-[0-9a-f]{8}-[0-9a-f-]{27}', 'api-[0-9a-f]{8}-[0-9a-f-]{27}'],
    'LaunchDarkly docs, keys',
    [`sdk-${UUID}`, 'sdk-2026-11-26'],
  ),
  row(
    'paseto',
    'PASETO token, PASERK key',
    [
      ...['1', '2', '3', '4'].flatMap((version) => [
        `v${version}.local.[A-Za-z0-9_-]{40,4000}.[A-Za-z0-9_-]{4,1000}`,
        `v${version}.local.[A-Za-z0-9_-]{40,4000}`,
        `v${version}.public.[A-Za-z0-9_-]{60,4000}.[A-Za-z0-9_-]{4,1000}`,
        `v${version}.public.[A-Za-z0-9_-]{60,4000}`,
        ...['local', 'secret', 'local-wrap.pie', 'secret-wrap.pie'].map(
          (kind) => `k${version}.${kind}.[A-Za-z0-9_-]{40,2000}`,
        ),
      ]),
    ],
    'PASETO and PASERK specifications',
    [`v4.local.${A(120)}`, 'v4.local.example'],
  ),
  // Base64 of "00", two digits, and "location": the first packet of a macaroon.
  row(
    'macaroon',
    'macaroon',
    ['MDA[A-Za-z0-9]{3}xvY2F0aW9u[A-Za-z0-9+/=_-]{20,4000}'],
    'libmacaroons, serialization of version 1',
    [`MDAxNWxvY2F0aW9u${A(60)}`, 'MDAxNWxv'],
  ),
  row(
    'stytch',
    'Stytch, Inngest, Trigger.dev, Neon, Sourcegraph key',
    [
      'secret-live-[A-Za-z0-9_=-]{30,60}',
      'secret-test-[A-Za-z0-9_=-]{30,60}',
      'signkey-[a-z]{4,10}-[0-9a-f]{32,64}',
      'tr_dev_[A-Za-z0-9]{20,24}',
      'tr_prod_[A-Za-z0-9]{20,24}',
      'napi_[a-z0-9]{50,70}',
      'sgp_[0-9a-z]{5,16}_[0-9a-f]{40}',
      'sgp_[0-9a-f]{40}',
      'slk_[0-9a-f]{64}',
    ],
    scanning,
    [`signkey-prod-${H(64)}`, 'secret-live-reload-server-side-rendering'],
  ),
  row(
    'infisical',
    'Infisical, Harness token',
    [
      'st.[0-9a-f]{24}.[0-9a-f]{32}.[0-9a-f]{32}',
      'pat.[A-Za-z0-9_-]{22}.[0-9a-f]{24}.[A-Za-z0-9]{20}',
      'sat.[A-Za-z0-9_-]{22}.[0-9a-f]{24}.[A-Za-z0-9]{20}',
    ],
    'Harness and Infisical docs, tokens',
    [`pat.${A(22)}.${H(24)}.${A(20)}`, 'pat.example.com'],
  ),
  row(
    'bitwarden',
    'Bitwarden access token',
    ['0.[0-9a-f]{8}-[0-9a-f-]{27}.[A-Za-z0-9]{30}:[A-Za-z0-9+/=]{24}'],
    'Bitwarden docs, access tokens',
    [`0.${UUID}.${A(30)}:${A(22)}==`, `0.${UUID}`],
  ),
  row('instagram', 'Instagram token', ['IGQV[A-Za-z0-9_-]{80,400}', 'IGAA[A-Za-z0-9_-]{80,400}'], scanning, [
    `IGQVJ${A(120)}`,
    'IGQVJx',
  ]),
  strict(
    'amazon',
    'Login with Amazon token',
    ['IwE[A-Z][A-Za-z0-9_-]{60,2000}'],
    'Login with Amazon docs, access tokens',
    [`IwEB${A(100)}`, 'IwEBx'],
  ),
  row(
    'aws-session',
    'AWS session token',
    ['IQoJb3JpZ2lu[A-Za-z0-9+/=]{100,3000}', 'FwoGZXIvYXdz[A-Za-z0-9+/=]{100,3000}'],
    'AWS STS docs, session tokens',
    [`IQoJb3JpZ2luX2VjE${A(120)}`.replace('_', '+'), 'IQoJb3JpZ2lu'],
  ),
  row(
    'paypal',
    'PayPal access token, Braintree sandbox token',
    ['A21AA[A-Za-z0-9_-]{60,200}', 'access_token$sandbox$[a-z0-9]{16}$[0-9a-f]{32}'],
    'PayPal and Braintree docs, access tokens',
    [`A21AA${A(90)}`, 'A21AAx'],
  ),
  row(
    'bitbucket',
    'Bitbucket Data Center token',
    ['BBDC-[A-Za-z0-9+/@_-]{40,60}'],
    'Atlassian docs, HTTP access tokens',
    [`BBDC-${A(44)}`, 'BBDC-x'],
  ),
  row(
    'fly',
    'Fly.io, Snyk, Figma, Clojars, PostHog key',
    [
      'fm1[ar]_[A-Za-z0-9+/=_-]{60,800}',
      'snyk_[a-z]{3}.[A-Za-z0-9_.-]{40,200}',
      'figu_[A-Za-z0-9_-]{36,60}',
      'CLOJARS_[0-9a-f]{60}',
      'ph[xs]_[A-Za-z0-9]{40,60}',
    ],
    scanning,
    [`fm1r_${A(100)}`, 'phx_x'],
  ),
  row('grafana', 'Grafana key of an older kind', ['eyJrIjoi[A-Za-z0-9]{60,400}'], 'gitleaks default rules', [
    `eyJrIjoi${A(80)}`,
    'eyJrIjoix',
  ]),
  row(
    'dynatrace',
    'Dynatrace OAuth client secret',
    ['dt0[a-z][0-9]{2}.[A-Z0-9]{8}.[A-Z0-9]{64}'],
    'Dynatrace docs, token formats',
    [`dt0s02.${U(8)}.${U(64)}`, 'dt0s02.x'],
  ),
  row(
    'mongodb',
    'MongoDB Atlas, DataStax Astra, Apify, Cal.com, Zuplo, WakaTime, Adafruit key',
    [
      'mdb_sa_sk_[A-Za-z0-9_-]{38,60}',
      'AstraCS:[A-Za-z0-9]{24}:[0-9a-f]{64}',
      'apify_api_[A-Za-z0-9]{34,40}',
      'cal_live_[0-9a-f]{32}',
      'zpka_[0-9a-f]{32}_[0-9a-f]{8}',
      'waka_[0-9a-f]{8}-[0-9a-f-]{27}',
      'aio_[A-Za-z0-9]{28}',
    ],
    scanning,
    [`apify_api_${A(36)}`, 'apify_api_x'],
  ),
  row(
    'amazon',
    'Login with Amazon client secret',
    ['amzn1.oa2-cs.v1.[0-9a-f]{64}'],
    'Login with Amazon docs, security profiles',
    [`amzn1.oa2-cs.v1.${H(64)}`, 'amzn1.oa2-cs.v1.x'],
  ),
  row('github', 'GitHub installation token of an older kind', ['v1.[0-9a-f]{40}'], 'GitHub docs, token formats', [
    `v1.${H(40)}`,
    'v1.0.0',
  ]),
  row('bitcoin', 'extended private key', ['xprv[1-9A-HJ-NP-Za-km-z]{107}'], 'BIP 32', [
    `xprv${A(107, 'Ab3dEf9hJk2mN4pQ')}`,
    'xprvx',
  ]),
  row('adyen', 'Adyen key', ['AQE[a-z]hm[A-Za-z0-9+/]{60,200}-[A-Za-z0-9+/=]{20,60}-[A-Za-z0-9+/=_]{8,40}'], scanning, [
    `AQEyhmfx${A(100)}-${A(43)}=-${A(16)}`,
    'AQEyhmfx',
  ]),
  row('jfrog', 'JFrog key', ['AKCp[A-Za-z0-9]{69}', 'cmVmdGtu[A-Za-z0-9]{56}'], scanning, [`AKCp8${A(68)}`, 'AKCp8x']),
  row('openshift', 'OpenShift token', ['sha256~[A-Za-z0-9_-]{43}'], 'OpenShift docs, OAuth tokens', [
    `sha256~${A(43)}`,
    `sha256:${H(64)}`,
  ]),
  row(
    'yandex',
    'Yandex, Scalingo, Contabo key',
    ['AQVN[A-Za-z0-9_-]{35,38}', 't1.[A-Za-z0-9_=-]{20,400}.[A-Za-z0-9_-]{86}', 'tk-us-[A-Za-z0-9_-]{48}'],
    scanning,
    [`tk-us-${A(48)}`, 'tk-us-east'],
  ),
  row(
    'aliyun',
    'Alibaba, Tencent, DigitalOcean Spaces key id',
    ['LTAI[A-Za-z0-9]{17,21}', 'AKID[A-Za-z0-9]{32}', 'DO00[A-Z0-9]{16}'],
    scanning,
    [`LTAI5t${A(18)}`, 'LTAI5t'],
  ),
  row(
    'webhook',
    'webhook of Zapier, Make, IFTTT',
    ['hooks/catch/[0-9]{4,12}/[a-z0-9]{6,12}', 'make.com/[a-z0-9]{32}', 'with/key/[A-Za-z0-9_-]{20,60}'],
    'gitleaks default rules',
    [`hooks/catch/123456/${L(7)}`, 'hooks/catch/123456'],
  ),
];
