// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of the texts themselves
/** Messages that look as if they held secrets and hold none: what is kept of each must leave. */
import type { Random } from '../support/random.js';
import { form, header, type Invented, json, Maker, rawJson, text, to, xml } from './invented.js';
import { addLayoutsOfNone } from './invented-layouts.js';

export function inventedLookAlikes(random: Random): readonly Invented[] {
  const m = new Maker(random);
  for (const add of [ids, numbers, names, labels, pages, documents, code, places]) add(m);
  addLayoutsOfNone(m);
  return m.made;
}

function ids(m: Maker): void {
  for (const name of [
    'id',
    'orderId',
    'request_id',
    'correlationId',
    'traceId',
    'deviceId',
    'tenant_id',
    'object_key',
    'ref',
  ])
    m.add(`UUID ${name}`, () => json({ [name]: m.uuid }));
  for (const name of [
    'sha256',
    'etag',
    'commit',
    'checksum',
    'digest',
    'md5',
    'integrity_hash',
    'content_hash',
    'blobId',
  ])
    m.add(`digest ${name}`, () => json({ [name]: m.hex(64) }));
  m.add('commit in a path', () => to(`/repos/a/b/commits/${m.hex(40)}`));
  m.add('UUID in a path', () => to(`/v1/orders/${m.uuid}/items/${m.uuid}`));
  m.add('image digest', () => json({ image: m.keep(`app@sha256:${m.raw('0123456789abcdef', 64)}`) }));
  m.add('subresource integrity', () => json({ integrity: m.keep(`sha384-${m.raw('ABCDabcd0123', 64)}`) }));
  m.add('ARN of a secret', () =>
    json({ secretArn: m.keep('arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf') }),
  );
  m.add('name of a secret', () => json({ secretName: m.keep('prod/db/password'), keyVaultName: m.keep('kv-prod-01') }));
  m.add('key ids', () => json({ kid: m.keep('2026-11-key-1'), keyId: m.keep('1234abcd-12ab-34cd-56ef-1234567890ab') }));
  m.add('public keys', () => json({ public_key: m.keep('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3fQ2cG8e ann@host') }));
  m.add('certificate', () =>
    json({ cert: m.keep(`-----BEGIN CERTIFICATE-----\nMIIB${m.raw('ABCabc012', 60)}\n-----END CERTIFICATE-----`) }),
  );
  m.add('JWK public', () =>
    json({ kty: 'RSA', n: m.url64(200), e: m.keep('AQAB'), kid: m.keep('k-2026'), use: 'sig' }),
  );
  m.add('publishable key', () => json({ publishableKey: m.keep('pk_live_example'), siteKey: m.keep('site-key-1') }));
  m.add('S3 key', () =>
    json({ s3Key: m.keep('uploads/2026/11/26/report-final.pdf'), bucket: m.keep('my-bucket-prod') }),
  );
  m.add('object id', () => json({ _id: m.keep(m.raw('0123456789abcdef', 24)) }));
  m.add('ULID', () => json({ id: m.keep(`01${m.raw('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 24)}`) }));
  m.add('nano id', () => json({ slug: m.keep(m.raw('abcdefghijklmnopqrstuvwxyz0123456789', 21)) }));
  m.add('stripe ids', () =>
    json({ customer: m.keep('cus_NffrFeUfNV2Hib'), charge: m.keep('ch_3MmlLrLkdIwHu7ix0snN0B15') }),
  );
  m.add('slack ids', () =>
    json({ channel: m.keep('C024BE91L'), user: m.keep('U012AB3CD'), ts: m.keep('1503435956.000247') }),
  );
  m.add('traceparent', () => header('traceparent', m.keep(`00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`)));
  m.add('etag header', () => header('ETag', `"${m.hex(32)}"`));
  m.add('request id header', () => header('X-Request-Id', m.uuid));
  m.add('idempotency key', () => header('Idempotency-Key', m.uuid));
  m.add('websocket key', () => header('Sec-WebSocket-Key', m.keep('dGhlIHNhbXBsZSBub25jZQ==')));
  m.add('aws ids', () => json({ InstanceId: m.keep('i-0abcd1234efgh5678'), VpcId: m.keep('vpc-0a1b2c3d4e5f67890') }));
}

function numbers(m: Maker): void {
  m.add('phone', () => json({ phone: m.keep('+4915112345678'), fax: m.keep('+1 (555) 010-9999') }));
  m.add('phone of sixteen digits', () => json({ msisdn: m.luhn('4915', 15) }));
  m.add('order number', () => json({ orderNumber: m.luhn('4539', 16) }));
  m.add('tracking number', () => json({ tracking_number: m.luhn('4205', 16) }));
  m.add('invoice', () => json({ invoice_no: m.luhn('5500', 16) }));
  m.add('EAN', () => json({ ean: m.luhn('4006', 13), gtin: m.luhn('4012', 13) }));
  m.add('IMEI', () => json({ imei: m.luhn('35', 15) }));
  m.add('ICCID', () => json({ iccid: m.luhn('8949', 19) }));
  m.add('milliseconds', () => rawJson(`{"ts":${m.keep('1764115200000')},"us":${m.keep('1764115200000000')}}`));
  m.add('snowflake', () => json({ id: m.keep('1099999999999999999') }));
  m.add('price', () => json({ price: m.keep('1,299.00'), amount: m.keep('129900') }));
  m.add('coordinates', () => json({ lat: m.keep('52.520008'), lng: m.keep('13.404954') }));
  m.add('version', () => json({ version: m.keep('v20.19.4-rc.1+build.20261126') }));
  m.add('ISBN', () => json({ isbn: m.keep('978-3-16-148410-0') }));
  m.add('postal codes', () => json({ pin: m.keep('560001'), zip: m.keep('94016-1234') }));
  m.add('IP addresses', () => json({ ip: m.keep('10.21.33.44'), ip6: m.keep('2001:db8::8a2e:370:7334') }));
  m.add('OID', () => json({ oid: m.keep('1.3.6.1.4.1.311.21.8.4111.1111') }));
  m.add('date and time', () => json({ at: m.keep('2026-11-26T04:05:06.789123456Z'), day: m.keep('26.11.2026') }));
  m.add('MAC', () => json({ mac: m.keep('00:1b:44:11:3a:b7') }));
  m.add('account of a bank', () => json({ account_number: m.luhn('4000', 16) }));
  m.add('token counts', () => json({ prompt_tokens: 123, max_tokens: 4096, note: m.keep('4096 tokens used') }));
  m.add('numbers in a sentence', () => json({ text: m.keep('Order 4539148803436467 was shipped') }));
}

function names(m: Maker): void {
  const rows: [string, string][] = [
    ['nextToken', 'page-2'],
    ['next_page_token', 'CAoQAA'],
    ['continuationToken', 'c-00012'],
    ['syncToken', 's-118'],
    ['pageToken', 'p3'],
    ['cursor', 'eyJvZmZzZXQiOjEwfQ=='],
    ['tokenType', 'Bearer'],
    ['token_type_hint', 'access_token'],
    ['token_endpoint', 'https://idp.example/oauth/token'],
    ['password_policy', 'min-length-12'],
    ['passwordChangedAt', '2026-01-01T00:00:00Z'],
    ['passwordHint', 'my first pet'],
    ['password_strength', 'strong'],
    ['passwordLastSet', '20260101'],
    ['authType', 'basic'],
    ['auth_method', 'client_secret_basic'],
    ['authProvider', 'google-oauth2'],
    ['author', 'ann-smith-42'],
    ['authority', 'api.example.com'],
    ['secretary', 'Bob Jones'],
    ['secretVersion', 'v12'],
    ['keyboard', 'qwerty-de'],
    ['keyword', 'cheap-flights-2026'],
    ['primaryKey', 'user_id'],
    ['partitionKey', 'tenant#42'],
    ['sortKey', 'order#2026-11'],
    ['cacheKey', 'user:42:profile:v3'],
    ['translationKey', 'login.password.label'],
    ['foreign_key', 'orders_user_id_fk'],
    ['routingKey', 'orders.created.v1'],
    ['sessionName', 'Morning keynote'],
    ['sessionType', 'workshop'],
    ['session', 'morning-1'],
    ['cookiePolicy', 'strict'],
    ['cookieConsent', 'accepted'],
    ['pinned', 'yes-by-ann'],
    ['spin', 'clockwise-2'],
    ['tokenSymbol', 'USDC'],
    ['token_name', 'ci-deploy'],
    ['credentialType', 'publicKey'],
    ['bypass', 'lane-4'],
    ['compass', 'north-2'],
    ['passenger', 'Ann Smith'],
    ['boardingPass', 'gate B42'],
    ['passport_country', 'DE'],
    ['oldValue', 'draft-1'],
    ['from', 'ann@example.com'],
    ['code', 'SUMMER-2026'],
    ['status_code', 'E1042'],
    ['countryCode', 'DE-BE'],
    ['data', 'report-2026.csv'],
    ['result', 'passed-12-of-12'],
    ['private', 'false-ish'],
    ['parole', 'le parole del giorno'],
    ['sensitive', 'no-1'],
    ['ticket', 'JIRA-1042'],
    ['key', 'user.name'],
    ['hash', 'main-section-2'],
    ['salted', 'butter-2'],
    ['plaintext', 'hello world'],
    ['signature_algorithm', 'rsa-sha256'],
  ];
  for (const [name, value] of rows) m.add(name, () => json({ id: 7, [name]: m.keep(value), ok: true }));
  m.add('schema', () =>
    json({
      type: 'object',
      properties: { password: { type: 'string', description: m.keep('At least 12 characters') } },
      required: [m.keep('password')],
    }),
  );
  m.add('enum', () => json({ auth: { enum: [m.keep('basic'), m.keep('bearer')] } }));
  m.add('errors', () => json({ errors: { password: [m.keep('is too short (minimum is 8 characters)')] } }));
  m.add('field errors', () =>
    json([{ field: 'password', code: m.keep('too_short'), message: m.keep('Password is too short') }]),
  );
  m.add('field of a form', () =>
    json({ fields: [{ name: m.keep('password'), label: m.keep('Your password'), type: m.keep('password') }] }),
  );
  m.add('columns', () => json({ columns: [m.keep('id'), m.keep('password'), m.keep('created_at')] }));
  m.add('scopes', () => json({ scopes: [m.keep('read:tokens'), m.keep('write:secrets')] }));
  m.add('permissions', () => json({ permissions: [m.keep('secretsmanager:GetSecretValue'), m.keep('kms:Decrypt')] }));
  m.add('booleans', () => rawJson('{"hasPassword":true,"password":null,"token":""}'));
  m.add('masked', () =>
    json({ password: m.keep('********'), token: m.keep('[FILTERED]'), secret: m.keep('<redacted>') }),
  );
  m.add('placeholders', () =>
    json({ password: m.keep('${DB_PASSWORD}'), apiKey: m.keep('{{api_key}}'), token: m.keep('<your-token-here>') }),
  );
  m.add('references', () =>
    json({ valueFrom: { secretKeyRef: { name: m.keep('db-secret'), key: m.keep('password') } } }),
  );
  m.add('config map', () =>
    json({ apiVersion: 'v1', kind: 'ConfigMap', data: { mode: m.keep('production-eu'), level: m.keep('info-2') } }),
  );
  m.add('sensitive false', () =>
    json({ outputs: { url: { sensitive: false, value: m.keep('https://a.example/x') } } }),
  );
}

function labels(m: Maker): void {
  const rows: [string, string][] = [
    ['password', 'Passwort'],
    ['forgotPassword', 'Forgot your password?'],
    ['password', 'Bitte geben Sie Ihr Passwort ein'],
    ['password', 'Introduce tu contraseña'],
    ['passwort', 'Ihr Passwort'],
    ['contraseña', 'Contraseña'],
    ['token', 'Token code'],
    ['login.password', 'Password please'],
    ['secret', 'Your secret is required'],
    ['apiKey', 'Enter your API key'],
    ['пароль', 'Пароль'],
    ['密码', '密码'],
    ['pin', 'Please enter your PIN'],
    ['otp', 'Enter the code we sent you'],
    ['invalid_token', 'The token is invalid or expired'],
  ];
  for (const [name, value] of rows) m.add(`label ${name}`, () => json({ [name]: m.keep(value) }));
  const sentences = [
    'Your password must be at least 12 characters long.',
    'The token expires in 3600 seconds.',
    'Invalid API key provided.',
    'Unexpected token < in JSON at position 0',
    'Unexpected token \'i\', "invalid" is not valid JSON',
    'password is required',
    'Please reset your password within 24 hours',
    'Use a secret manager instead of plain text',
    'Session expired, please log in again',
    'The key "user.name" was not found in section 2',
    'Access token scopes: read write admin',
    'basic auth is disabled for host 10.0.0.1',
    'Bearer authentication is required here',
    'Signature does not match expected value',
    'Card declined: insufficient funds (code 51)',
    '2 is your lucky number',
    'Room 123456 is your next stop',
  ];
  for (const sentence of sentences) {
    m.add('sentence', () => json({ message: m.keep(sentence) }));
    m.add('sentence alone', () => text(m.keep(sentence)));
  }
}

function pages(m: Maker): void {
  m.add('form of a login', () =>
    text(
      m.keep(
        '<form><label>Password</label><input type="password" name="password" id="password1" placeholder="Password"></form>',
      ),
      'text/html',
    ),
  );
  m.add('link to reset', () => text(m.keep('<a href="/password/reset">Forgot password?</a>'), 'text/html'));
  m.add('autocomplete', () =>
    text(m.keep('<input name="token" autocomplete="one-time-code" inputmode="numeric">'), 'text/html'),
  );
  m.add('CSS', () => text(m.keep('.password { color: #ff0000; } .token-list > li { margin: 0 }'), 'text/css'));
  m.add('SVG', () =>
    text(m.keep('<svg viewBox="0 0 24 24"><path d="M12 2L2 7v10c0 5.55 3.84 10.74 9 12"/></svg>'), 'image/svg+xml'),
  );
  m.add('comment', () => xml(m.keep('<a><!-- the password is set elsewhere --><b>1</b></a>')));
  m.add('doctype', () => xml(m.keep('<!DOCTYPE note [<!ELEMENT password (#PCDATA)>]><note/>')));
  m.add('XSD', () => xml(m.keep('<xs:element name="password" type="xs:string" minOccurs="0"/>')));
  m.add('WSDL', () => xml(m.keep('<part name="token" element="tns:GetToken"/>')));
  m.add('RSS', () =>
    xml(m.keep('<item><title>How to choose a password</title><guid>https://a.example/42</guid></item>')),
  );
}

function documents(m: Maker): void {
  m.add('OpenAPI', () =>
    json({
      paths: {
        '/login': {
          post: { parameters: [{ name: m.keep('password'), in: m.keep('query'), schema: { type: 'string' } }] },
        },
      },
    }),
  );
  m.add('GraphQL schema', () => json({ query: m.keep('type User { password: String! token(first: Int): Token }') }));
  m.add('GraphQL variables', () =>
    json({ query: m.keep('mutation($password: String!) { login(password: $password) { token } }') }),
  );
  m.add('GraphQL selection', () => json({ query: m.keep('{ viewer { login apiKeys { id name } } }') }));
  m.add('CSV', () => text(m.keep('id,name,token_type\n1,ann,bearer\n'), 'text/csv'));
  m.add('YAML', () => text(m.keep('password_policy:\n  min_length: 12\nkeys: [id, name]\n'), 'text/yaml'));
  m.add('compose', () => text(m.keep('secrets:\n  - db_password\n  - api_key\n'), 'text/yaml'));
  m.add('compose file', () => text(m.keep('db_password:\n  file: ./db_password.txt\n'), 'text/yaml'));
  m.add('environment reference', () => text(m.keep('DB_PASSWORD=${DB_PASSWORD}\nAPI_KEY=$API_KEY\n')));
  m.add('workflow', () => text(m.keep('env:\n  TOKEN: ${{ secrets.GITHUB_TOKEN }}\n'), 'text/yaml'));
  m.add('metrics', () => text(m.keep('auth_token_refresh_total{status="ok"} 12\npassword_reset_seconds_sum 3.5\n')));
  m.add('access log', () => text(m.keep('10.0.0.1 - ann [26/Nov/2026:00:00:00 +0000] "GET /token HTTP/1.1" 200 12\n')));
  m.add('stack trace', () =>
    text(m.keep('at TokenService.refresh (token-service.js:42:13)\nat Password.verify (password.js:7:1)\n')),
  );
  m.add('multipart name', () => ({
    type: 'multipart/form-data; boundary=B',
    body: `--B\r\nContent-Disposition: form-data; name="token_type"\r\n\r\n${m.keep('bearer-v2')}\r\n--B--\r\n`,
  }));
  m.add('SSE', () =>
    text(m.keep('event: token\ndata: {"delta":"Hello"}\n\nevent: done\ndata: [DONE]\n\n'), 'text/event-stream'),
  );
  m.add('logprobs', () =>
    json({
      logprobs: [
        { token: m.keep('Hello'), logprob: -0.3 },
        { token: m.keep(' world'), logprob: -1 },
      ],
    }),
  );
  m.add('tokens of a text', () => json({ tokens: [m.keep('The'), m.keep('quick'), m.keep('brown')] }));
  m.add('blob', () => json({ image: m.keep(`data:image/png;base64,iVBORw0KGgo${m.raw('ABCabc012', 80)}`) }));
  m.add('base64 of a digest', () => json({ md5: m.keep(`${m.raw('ABCabc012', 22)}==`) }));
  m.add('raw headers', () =>
    json({ rawHeaders: ['Content-Type', m.keep('text/html'), 'X-Frame-Options', m.keep('DENY-1')] }),
  );
}

function code(m: Maker): void {
  const js = (line: string) => m.add('code', () => text(m.keep(line), 'application/javascript'));
  js('const password = req.body.password;');
  js('const token = await getToken(user);');
  js("const { password } = require('./config');");
  js('if (password === confirmPassword) return true;');
  js('this.token = token;');
  js('export const TOKEN_TYPE = "bearer";');
  js('const key = `${user}:${id}`;');
  js('const apiKey = process.env.API_KEY;');
  js('password: yup.string().min(8).required(),');
  js('localStorage.removeItem("access_token");');
  js('headers.get("authorization")');
  js('t("password.reset.title")');
  js('for (const key of keys) console.log(key -> value);');
  js('import { token } from "@scope/token-utils";');
  js('switch (token) { case "plus": return 1; }');
  js('x => x.token <- 3');
  js('map.set("token", "plus");');
  m.add('SQL', () => text(m.keep("SELECT id, password_hash FROM users WHERE name = 'ann'")));
  m.add('SQL schema', () => text(m.keep('CREATE TABLE users (id INT, password VARCHAR(255) NOT NULL, token TEXT)')));
  m.add('shell', () => text(m.keep('read -s PASSWORD\nexport TOKEN=$(cat token.txt)\ndate -u +%H:%M:%S\nsort -u a:b')));
  m.add('shell options', () =>
    text(m.keep('ssh -p 2222 host\nmkdir -p /var/lib/app\ncp -a a b\ndocker run -p 8080:80 -u 1000:1000 app')),
  );
  m.add('java', () => text(m.keep('String password = System.getenv("DB_PASSWORD");')));
  m.add('python', () => text(m.keep('password = getpass.getpass("Password: ")')));
  m.add('python type', () => text(m.keep('def login(user: str, password: str) -> Token:')));
  m.add('go', () => text(m.keep('token, err := jwt.Parse(tokenString, keyFunc)')));
  m.add('C arrow', () => text(m.keep('return ctx->token->value2 + node->key;')));
  m.add('rust lifetime', () => text(m.keep('fn token(&self) -> Option<&str> { self.token.as_deref() }')));
  m.add('haskell arrow', () => text(m.keep('login :: Password -> Token -> IO ()')));
}

function places(m: Maker): void {
  m.add('query', () => to(m.keep('/talks?session=morning-1&sort=key&page=2')));
  m.add('query token', () => to(m.keep('/list?pageToken=CAoQAA&pageSize=10')));
  m.add('path', () => to(m.keep('/docs/password-reset/how-to-reset-your-password')));
  m.add('path of an article', () => to(m.keep('/blog/2026/11/verify-your-email-address-in-5-steps')));
  m.add('path with a key', () => to(m.keep('/api/v1/keys/user.name/translations')));
  m.add('file', () => to(m.keep('/static/js/main.3f2a1b9c.chunk.js')));
  m.add('hook', () => to(m.keep('/hooks/github/push/events')));
  m.add('code and state', () => to(m.keep('/tax?state=CA&code=94016-US')));
  m.add('private', () => to(m.keep('/feeds?private=true&type=ics')));
  m.add('form', () => form(m.keep('name=ann&auth_type=basic&code=ABC-123&state=active')));
  m.add('user agent', () => header('User-Agent', m.keep('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36')));
  m.add('CSP', () => header('Content-Security-Policy', m.keep("default-src 'self'; script-src 'sha256-abc123='")));
  m.add('cache tags', () => header('Surrogate-Key', m.keep('product-42 category-7')));
  m.add('rate limit', () => header('X-RateLimit-Remaining-Tokens', m.keep('149984')));
  m.add('allow headers', () =>
    header('Access-Control-Allow-Headers', m.keep('Authorization, X-Api-Key, X-CSRF-Token')),
  );
  m.add('link', () => header('Link', m.keep('<https://a.example/x?page=2>; rel="next"')));
  m.add('server timing', () => header('Server-Timing', m.keep('auth;dur=12.3, token;dur=4')));
}
