/** Messages with secrets: one a call, each with the kind of place that it is about. */
import type { Random } from '../support/random.js';
import { form, header, type Invented, json, Maker, rawJson, text, to, xml } from './invented.js';
import { addLayouts } from './invented-layouts.js';

export function inventedSecrets(random: Random): readonly Invented[] {
  const m = new Maker(random);
  for (const add of [headers, cookies, targets, names, otherLanguages, insideStrings, pairs, documents]) add(m);
  for (const add of [forms, xmls, settings, code, commands, connections, cloud, oauth, keys, cards, tokens, streams])
    add(m);
  addLayouts(m);
  return m.made;
}

function headers(m: Maker): void {
  const add = (name: string, value: () => string) => m.add(`header ${name}`, () => header(name, value()));
  add('Authorization', () => `Splunk ${m.uuid}`);
  add('Authorization', () => `GenieKey ${m.uuid}`);
  add('Authorization', () => `Token token="${m.hex(32)}", email="a@b.example"`);
  add('Authorization', () => `Bot ${m.an(24)}.${m.an(6)}.${m.an(27)}`);
  add('Authorization', () => `SSWS ${m.url64(40, '00')}`);
  add('Authorization', () => `PVEAPIToken=root@pam!ci=${m.uuid}`);
  add(
    'Authorization',
    () => `OAuth oauth_consumer_key="${m.an(20)}", oauth_token="${m.an(40)}", oauth_signature="${m.b64(26)}%3D"`,
  );
  add('Authorization', () => m.hex(40));
  add('X-Auth-Token', () => m.url64(60, 'gAAAAA'));
  add('X-Amz-Credential', () => `${m.up(16, 'ASIA')}/20261126/eu-west-1/s3/aws4_request`);
  add('X-Gitlab-Token', () => m.plainPw);
  add('X-Hub-Signature', () => `sha1=${m.hex(40)}`);
  add('Stripe-Signature', () => `t=1492774577,v1=${m.hex(64)}`);
  add('X-Slack-Signature', () => `v0=${m.hex(64)}`);
  add('X-Twilio-Signature', () => `${m.b64(27)}=`);
  add('X-Shopify-Hmac-Sha256', () => `${m.b64(43)}=`);
  add('X-Telegram-Bot-Api-Secret-Token', () => m.an(32));
  add('Ocp-Apim-Subscription-Key', () => m.hex(32));
  add('X-Functions-Key', () => `${m.url64(54)}==`);
  add('X-Figma-Token', () => m.url64(40));
  add('PRIVATE-TOKEN', () => m.url64(20));
  add('DD-APPLICATION-KEY', () => m.hex(40));
  add('Fastly-Key', () => m.url64(32));
  add('X-Plex-Token', () => m.an(20));
  add('X-MBX-APIKEY', () => m.an(64));
  add('X-CMC_PRO_API_KEY', () => m.uuid);
  add('OK-ACCESS-PASSPHRASE', () => m.plainPw);
  add('CB-ACCESS-SIGN', () => m.hex(64));
  add('X-Cassandra-Token', () => `AstraCS:${m.an(24)}:${m.hex(64)}`);
  add('X-Parse-Master-Key', () => m.an(40));
  add('X-Redmine-API-Key', () => m.hex(40));
  add('X-CSRFToken', () => m.an(64));
  add('X-XSRF-TOKEN', () => m.url64(100));
  add('X-Consul-Token', () => m.uuid);
  add('X-Nomad-Token', () => m.uuid);
  add('X-Rundeck-Auth-Token', () => m.an(32));
  add('X-Aws-Ec2-Metadata-Token', () => `${m.url64(54)}==`);
  add('X-Goog-Iam-Authorization-Token', () => m.url64(80));
  add('X-Forwarded-Access-Token', () => m.url64(60));
  add('Proxy-Authorization', () => `Basic ${m.b64(28)}`);
  add('Sec-WebSocket-Protocol', () => `base64url.bearer.authorization.k8s.io.${m.url64(60)}, base64.binary.k8s.io`);
  add('Forwarded', () => `for=10.0.0.1;by="${m.up(16, 'AKIA')}"`);
  add('Referer', () => `https://app.example/reset?token=${m.url64(40)}&x=1`);
  add('X-Original-URL', () => `/login?password=${m.plainPw}`);
  add('Link', () => `<https://a.example/x?access_token=${m.hex(40)}>; rel="next"`);
  add('X-Debug', () => `user=bob password=${m.plainPw} ok`);
  add('X-Context', () => `{"auth":{"token":"${m.hex(32)}"}}`);
  add('X-Context', () => encodeURIComponent(`{"password":"${m.plainPw}"}`));
  add('X-Upstream', () => `postgres://app:${m.plainPw}@db/x`);
  add('Set-Cookie', () => `__Host-session=${m.url64(40)}; Path=/; Secure`);
  add('Authentication-Info', () => `nextnonce="${m.hex(32)}", rspauth="${m.hex(32)}"`);
  add('DPoP', () => m.jwt);
  add('X-Client-Secret', () => m.an(30));
  add('x-ms-encryption-key', () => `${m.b64(43)}=`);
  add('X-Refresh', () => `Refresh ${m.jwt}`);
}

function cookies(m: Maker): void {
  const add = (value: () => string) => m.add('cookie', () => header('Cookie', value()));
  add(() => `JSESSIONID=${m.hex(32)}.node1; theme=dark`);
  add(() => `a=1;b="${m.an(30)}";c=2`);
  add(() => `remember_web_59ba36addc2b2f9401580f014c7f58ea4e30989d=${m.b64(80)}`);
  add(() => `laravel_session=${encodeURIComponent(m.b64(60))}`);
  add(() => m.url64(40));
  add(() => `.ASPXAUTH=${m.hex(120)}`);
  add(() => `wordpress_logged_in_${'ab'.repeat(16)}=admin%7C1795000000%7C${m.an(43)}%7C${m.hex(64)}`);
  m.add('cookie in JSON', () => json({ headers: { Cookie: `sid=${m.hex(32)}; lang=en` } }));
  m.add('set-cookie in JSON list', () => json({ headers: { 'set-cookie': [`session=${m.url64(40)}; Path=/`] } }));
  m.add('document.cookie', () => text(`document.cookie = "session_id=${m.an(32)}; path=/";`, 'application/javascript'));
}

function targets(m: Maker): void {
  const add = (target: () => string) => m.add('target', () => to(target()));
  add(() => `/api?apikey=${m.hex(32)}`);
  add(() => `/api?api%5Fkey=${m.hex(32)}`);
  add(() => `/api?X-Api-Key=${m.hex(32)}`);
  add(() => `/api?auth[token]=${m.hex(32)}`);
  add(() => `/api?user%5Bpassword%5D=${m.plainPw}`);
  add(() => `/o?filter={"token":"${m.hex(32)}"}`);
  add(
    () =>
      `/bucket/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${m.up(16, 'AKIA')}%2F20261126%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=${m.hex(64)}`,
  );
  add(
    () =>
      `/b/k?GoogleAccessId=a%40b.iam.gserviceaccount.com&Expires=1795000000&Signature=${encodeURIComponent(m.b64(86))}`,
  );
  add(() => `/c/b?sv=2022-11-02&ss=b&srt=o&sp=r&se=2026-11-26T00%3A00%3A00Z&sig=${encodeURIComponent(m.b64(43))}%3D`);
  add(() => `/s?Policy=eyJTdGF0ZW1lbnQiOlt7&Signature=${m.url64(170)}__&Key-Pair-Id=APKAEXAMPLE`);
  add(() => `/account/password/edit?reset_password_token=${m.url64(20)}`);
  add(() => `/users/confirmation?confirmation_token=${m.url64(20)}`);
  add(() => `/reset-password/${m.url64(43)}`);
  add(() => `/auth/magic-link/${m.url64(32)}`);
  add(() => `/verify-email/${m.hex(40)}`);
  add(() => `/invitations/${m.url64(27)}/accept`);
  add(() => `/api/webhooks/1099999999999999999/${m.url64(68)}`);
  add(() => `/hooks/catch/1234567/${m.an(24)}/`);
  add(() => `/bot1234567890:${m.url64(33, 'AA')}/sendMessage`);
  add(() => `/services/T024BE7LD/B024BE7LH/${m.an(24)}`);
  add(() => `/app;jsessionid=${m.hex(32)}?x=1`);
  add(() => `/(S(${m.keep(m.raw('abcdefghijklmnopqrstuvwxyz012345', 24))}))/default.aspx`);
  add(() => `/cb#id_token=${m.jwt}&state=abc`);
  add(() => `/cb?code=${m.url64(43, '4/0A')}&scope=openid&state=xyz`);
  add(() => `/ws?ticket=${m.url64(40)}`);
  add(() => `/feed.ics?private=${m.hex(32)}&token=${m.hex(32)}`);
  add(() => `/v1/keys?key=${m.url64(35, 'AIza')}`);
  add(() => `/x?next=${encodeURIComponent(`https://a.example/cb?access_token=${m.hex(40)}`)}`);
  add(() => `/x?next=${encodeURIComponent(encodeURIComponent(`/cb?password=${m.plainPw}`))}`);
  add(() => `/x?otp=${m.digits(6)}`);
  add(() => `/x?a=1;password=${m.plainPw}`);
  add(() => `/x?p4ss=1&pwd=${m.plainPw}`);
  add(() => `/x?passwort=${m.plainPw}`);
  add(() => `/unsubscribe?token=${m.url64(40)}`);
  add(() => `/x?SAMLResponse=${encodeURIComponent(m.b64(120, 'PHNhbWxwOlJlc3BvbnNl'))}`);
  add(() => `/x?session_token=${m.uuid}`);
  add(() => `/x?client_secret=${m.uuid}`);
  add(() => `/graphql?query=${encodeURIComponent(`mutation{login(password:"${m.plainPw}"){id}}`)}`);
  add(() => `/share/${m.jwt}`);
}

function names(m: Maker): void {
  const list = [
    ...[
      'masterPassword',
      'wifi_password',
      'Password1',
      'passwordConfirmation',
      'user.password',
      'user[password]',
      'PASSWORD_2',
    ],
    ...[
      'newPassWord',
      'pass_word',
      'pass-phrase',
      'sudo_password',
      'encryption_passphrase',
      'rpcpassword',
      'requirepass',
    ],
    ...[
      'masterauth',
      'bindPassword',
      'sasl.jaas.password',
      'ssl.keystore.password',
      'spring.datasource.password',
      'ansible_become_pass',
    ],
    ...[
      'client-secret',
      'CLIENT_SECRET',
      'secretAccessKey',
      'aws_secret_access_key',
      'aws_session_token',
      'SecretKey',
      'secret_key_base',
    ],
    ...[
      'NEXTAUTH_SECRET',
      'JWT_SECRET',
      'jwtSigningKey',
      'session_secret',
      'cookieSecret',
      'hmacSecret',
      'webhook_signing_secret',
    ],
    ...[
      'authToken',
      'x-access-token',
      'accessTokenValue',
      'gh_token',
      'GITHUB_TOKEN',
      'npmAuthToken',
      '_authToken',
      'deviceToken',
    ],
    ...[
      'registrationToken',
      'api_secret_key',
      'apiKeySecret',
      'master_key',
      'RAILS_MASTER_KEY',
      'encryption_key',
      'ENCRYPTION_KEY',
    ],
    ...[
      'privateKey',
      'private-key',
      'signing_key',
      'stripeSecretKey',
      'twilio_auth_token',
      'sendgrid_api_key',
      'slackBotToken',
    ],
    ...[
      'mailgunApiKey',
      'openai_api_key',
      'ANTHROPIC_API_KEY',
      'datadog_app_key',
      'sentryDsnSecret',
      'azureClientSecret',
      'storageAccountKey',
    ],
    ...[
      'sharedAccessKey',
      'SAS_TOKEN',
      'kubeconfig_token',
      'vaultToken',
      'consul_http_token',
      'nomadToken',
      'random_password.result',
    ],
    ...[
      'otpSecret',
      'totpSeed',
      'mfaSecret',
      'twoFactorSecret',
      'backupCodes',
      'recovery_codes',
      'deviceCode',
      'device_code',
    ],
    ...[
      'verificationToken',
      'email_token',
      'reset_password_token',
      'remember_token',
      'oauth_verifier',
      'login_ticket',
      'impersonationToken',
    ],
    ...[
      'sessionKey',
      'sessionId',
      'session_token',
      'sid',
      'ssid_password',
      'psk',
      'preSharedKey',
      'pre_shared_key',
      'wpaPassphrase',
    ],
    ...[
      'tokenHash',
      'password_hash',
      'passwordSalt',
      'encrypted_password',
      'crypted_password',
      'bcryptHash',
      'pwdHash',
    ],
    ...[
      'cvv',
      'cvc',
      'securityCode',
      'card_security_code',
      'cardCvc',
      'pinBlock',
      'pin_code_secret',
      'bearerToken',
      'jwt',
      'accessJwt',
    ],
    ...[
      'refreshJwt',
      'idp_token',
      'exchange_token',
      'stream_key',
      'streamKey',
      'license_key',
      'activationKey',
      'serialSecret',
    ],
    ...[
      'admin_pw',
      'root_pw',
      'db_pw',
      'mysqlpwd',
      'sqlPassword',
      'ftpPass',
      'smtpPassword',
      'imap_password',
      'proxyPass',
      'sshPassword',
    ],
    ...[
      'sshPrivateKey',
      'sshkey',
      'pgpPassphrase',
      'gpg_passphrase',
      'keystorePass',
      'truststore_password',
      'pfxPassword',
      'certPassword',
    ],
    ...[
      'credentials',
      'serviceAccountKey',
      'basicAuth',
      'basic_auth',
      'authKey',
      'auth_key',
      'userKey',
      'apiAuth',
      'xApiToken',
    ],
  ];
  for (const name of new Set(list)) {
    m.add(`JSON ${name}`, () => json({ id: 7, [name]: m.plainPw, ok: true }));
    m.add(`.env ${name}`, () => text(`A=1\n${name.replace(/[^\w]/g, '_').toUpperCase()}=${m.plainPw}\nB=2\n`));
  }
}

function otherLanguages(m: Maker): void {
  const list = [
    ...[
      'hasło',
      'contraseña',
      'mot de passe',
      'mot_de_passe',
      'motDePasse',
      'passwort',
      'пароль',
      '密码',
      '密碼',
      'パスワード',
      '비밀번호',
    ],
    ...[
      'Kennwort',
      'Geheimnis',
      'senha',
      'palavra-passe',
      'palavra_passe',
      'lösenord',
      'salasana',
      'adgangskode',
      'passord',
      'wachtwoord',
    ],
    ...[
      'şifre',
      'parola',
      'heslo',
      'jelszó',
      'parolă',
      'lozinka',
      'geslo',
      'slaptažodis',
      'parole',
      'parool',
      'κωδικός',
      'συνθηματικό',
    ],
    ...[
      'סיסמה',
      'كلمة المرور',
      'رمز عبور',
      'पासवर्ड',
      'รหัสผ่าน',
      'mật khẩu',
      'mat_khau',
      'kata sandi',
      'kata_sandi',
      'kata laluan',
    ],
    ...['clave_secreta', 'clé_api', 'cle_secrete', 'chave_secreta', 'geheimer_schlüssel', 'jeton', 'jeton_acces'],
    ...[
      'zugangscode',
      'zugriffstoken',
      'sicherheitscode',
      'codigo_seguridad',
      'token_de_acesso',
      'секретный_ключ',
      'токен',
      'ключ_api',
    ],
    ...[
      'парола',
      'лозинка',
      '口令',
      '用户密码',
      '登录密码',
      '访问令牌',
      '密钥',
      'シークレット',
      'トークン',
      '暗証番号',
      '비밀번호확인',
      '인증번호',
    ],
    ...[
      'ססמה',
      'гасло',
      'құпиясөз',
      'пароль2',
      'новый пароль',
      'ПАРОЛЬ',
      'neues_passwort',
      'passwort_bestätigen',
      'nueva_contraseña',
    ],
    ...[
      'contrasenya',
      'contrasinal',
      'pasahitza',
      'focalfaire',
      'lykilorð',
      'fjalëkalimi',
      'nenosiri',
      'wagwoord',
      'cyfrinair',
    ],
  ];
  for (const name of list) m.add(`JSON ${name}`, () => json({ id: 7, [name]: m.plainPw }));
  for (const name of ['hasło', 'contraseña', 'mot de passe', 'пароль', '密码', 'lösenord', 'passwort', 'senha']) {
    m.add(`text ${name}:`, () => text(`login: bob\n${name}: ${m.plainPw}\n`));
    m.add(`form ${name}`, () => form(`user=bob&${encodeURIComponent(name)}=${m.plainPw}`));
    m.add(`CSV ${name}`, () => text(`id,${name}\n1,${m.plainPw}\n`, 'text/csv'));
  }
}

function insideStrings(m: Maker): void {
  m.add('JSON in JSON in JSON', () =>
    json({ a: JSON.stringify({ b: JSON.stringify({ c: JSON.stringify({ password: m.plainPw }) }) }) }),
  );
  m.add('log of a request', () =>
    json({ log: `POST /x HTTP/1.1\r\nHost: a\r\nX-Api-Key: ${m.hex(32)}\r\nCookie: sid=${m.hex(32)}\r\n\r\n` }),
  );
  m.add('curl -H', () =>
    json({ cmd: `curl -H 'Authorization: Bearer ${m.url64(40)}' -H "X-Api-Key: ${m.hex(32)}" https://a` }),
  );
  m.add('curl --data', () => json({ cmd: `curl -d 'user=a&password=${m.plainPw}' https://a` }));
  m.add('python repr', () => json({ e: `KeyError: {'api_key': '${m.hex(32)}', 'n': 1}` }));
  m.add('python kwargs', () => json({ e: `login(user='bob', password='${m.plainPw}', timeout=3)` }));
  m.add('ruby hash', () => json({ e: `{:user=>"bob", :password=>"${m.plainPw}"}` }));
  m.add('ruby new hash', () => json({ e: `{user: "bob", password: "${m.plainPw}"}` }));
  m.add('php array', () => json({ e: `array('password' => '${m.plainPw}')` }));
  m.add('php serialize', () => json({ e: `a:1:{s:8:"password";s:14:"${m.plainPw}";}` }));
  m.add('go struct', () => json({ e: `{User:bob Password:${m.plainPw} Age:3}` }));
  m.add('go %#v', () => json({ e: `main.Config{User:"bob", Password:"${m.plainPw}"}` }));
  m.add('java toString', () => json({ e: `User(name=bob, password=${m.plainPw}, age=3)` }));
  m.add('java toString quoted', () => json({ e: `User{name='bob', password='${m.plainPw}', age=3}` }));
  m.add('scala arrow', () => json({ e: `Map(user -> bob, password -> ${m.plainPw})` }));
  m.add('scala arrow quoted', () => json({ e: `Map("user" -> "bob", "password" -> "${m.plainPw}")` }));
  m.add('elixir map', () => json({ e: `%{password: "${m.plainPw}", user: "bob"}` }));
  m.add('elixir map arrow', () => json({ e: `%{"password" => "${m.plainPw}"}` }));
  m.add('clojure map', () => json({ e: `{:user "bob" :password "${m.plainPw}"}` }));
  m.add('rust debug', () => json({ e: `Config { user: "bob", password: Some("${m.plainPw}") }` }));
  m.add('lua table', () => json({ e: `{ ["password"] = "${m.plainPw}" }` }));
  m.add('perl hash', () => json({ e: `{ 'password' => "${m.plainPw}" }` }));
  m.add('swift', () => json({ e: `["password": "${m.plainPw}"]` }));
  m.add('powershell', () => json({ e: `$password = "${m.plainPw}"` }));
  m.add('C define', () => json({ e: `#define WIFI_PASSWORD "${m.plainPw}"` }));
  m.add('logfmt', () => json({ e: `level=info user=bob password=${m.plainPw} ok=true` }));
  m.add('logfmt quoted', () => json({ e: `level=info token="${m.hex(32)}" ok=true` }));
  m.add('url in html attribute', () =>
    json({ html: `<a href="https://a.example/reset?token=${m.url64(40)}">Reset</a>` }),
  );
  m.add('html input', () => json({ html: `<input type="hidden" name="csrf_token" value="${m.an(40)}">` }));
  m.add('html input reversed', () =>
    json({ html: `<input value="${m.an(40)}" name="authenticity_token" type=hidden>` }),
  );
  m.add('html meta', () =>
    text(`<html><head><meta name="csrf-token" content="${m.an(40)}"></head></html>`, 'text/html'),
  );
  m.add('html data attribute', () => text(`<div data-api-key="${m.hex(32)}" data-n=1></div>`, 'text/html'));
  m.add('html state', () =>
    text(`<script>window.__STATE__={"user":{"accessToken":"${m.hex(40)}"}}</script>`, 'text/html'),
  );
  m.add('html JSON script', () =>
    text(`<script type="application/json">{"sessionToken":"${m.hex(40)}"}</script>`, 'text/html'),
  );
  m.add('email of a code', () => json({ body: `Your verification code is ${m.digits(6)}. It expires soon.` }));
  m.add('email of a code first', () => json({ body: `${m.digits(6)} is your Example verification code.` }));
  m.add('email of a password', () => json({ body: `Your temporary password is ${m.pw}\nPlease change it.` }));
  m.add('email of a password quoted', () => json({ body: `Your new password: "${m.pw}".` }));
  m.add('sql', () => json({ q: `INSERT INTO users (name, password) VALUES ('bob', '${m.plainPw}')` }));
  m.add('sql update', () => json({ q: `UPDATE users SET password = '${m.plainPw}' WHERE id = 7` }));
  m.add('sql create user', () => json({ q: `CREATE USER app WITH PASSWORD '${m.plainPw}'` }));
  m.add('base64 of JSON', () => {
    const secret = m.plainPw;
    return json({ data: m.keep(Buffer.from(JSON.stringify({ user: 'bob', password: secret })).toString('base64')) });
  });
  m.add('base64 of env', () => {
    const secret = m.plainPw;
    return json({ data: m.keep(Buffer.from(`DB_HOST=x\nDB_PASSWORD=${secret}\n`).toString('base64')) });
  });
  m.add('base64url in query', () => {
    const secret = m.plainPw;
    return to(
      `/x?state=${m.keep(Buffer.from(JSON.stringify({ r: '/', client_secret: secret })).toString('base64url'))}`,
    );
  });
  m.add('data URL', () => {
    const secret = m.plainPw;
    return json({
      u: `data:application/json;base64,${m.keep(Buffer.from(JSON.stringify({ a: 1, password: secret })).toString('base64'))}`,
    });
  });
  m.add('escaped quotes thrice', () =>
    rawJson(`{"a":"{\\"b\\":\\"{\\\\\\"password\\\\\\":\\\\\\"${m.plainPw}\\\\\\"}\\"}"}`),
  );
  m.add('unicode escapes', () => rawJson(`{"a":"\\u0070assword=${m.plainPw}"}`));
  m.add('url-encoded JSON in JSON', () => json({ a: encodeURIComponent(JSON.stringify({ password: m.plainPw })) }));
  m.add('html entities', () => json({ a: `{&quot;password&quot;:&quot;${m.plainPw}&quot;}` }));
  m.add('html numeric entities', () => json({ a: `{&#34;password&#34;:&#34;${m.plainPw}&#34;}` }));
  m.add('xml in JSON', () => json({ a: `<user><password>${m.plainPw}</password></user>` }));
  m.add('yaml in JSON', () => json({ a: `db:\n  user: app\n  password: ${m.plainPw}\n` }));
  m.add('ini in JSON', () => json({ a: `[db]\nuser = app\npassword = ${m.plainPw}\n` }));
  m.add('toml in JSON', () => json({ a: `[db]\npassword = "${m.plainPw}"\n` }));
  m.add('markdown bold', () => json({ a: `**Password:** ${m.pw}` }));
  m.add('markdown code', () => json({ a: `Password: \`${m.pw}\`` }));
  m.add('slash pair', () => json({ a: `login: bob / password: ${m.pw}` }));
  m.add('parenthesised', () => json({ a: `connected (password=${m.plainPw})` }));
  m.add('stack trace', () => json({ a: `Error: auth failed\n    at login (user=bob, token=${m.hex(32)})\n` }));
  m.add('netrc', () => json({ a: `machine api.example login bob password ${m.plainPw}` }));
  m.add('npmrc', () => json({ a: `//registry.example/:_authToken=${m.uuid}` }));
  m.add('pypirc', () => json({ a: `[pypi]\nusername = __token__\npassword = ${m.an(60)}\n` }));
  m.add('htpasswd', () =>
    json({ a: `bob:$apr1$${m.raw('abcdef0123', 8)}$${m.keep(m.raw('abcdefghijklmnopqrstuvwxyz0123456789./', 22))}` }),
  );
  m.add('shadow', () =>
    json({ a: `root:$6$abcdefgh$${m.keep(m.raw('abcdefghijklmnopqrstuvwxyz0123456789./', 86))}:19000:0:99999:7:::` }),
  );
  m.add('dockerfile', () => json({ a: `FROM x\nENV DB_PASSWORD=${m.plainPw}\nARG NPM_TOKEN=${m.hex(36)}\n` }));
  m.add('dockerfile old env', () => json({ a: `FROM x\nENV DB_PASSWORD ${m.plainPw}\n` }));
  m.add('docker compose list', () => json({ a: `environment:\n  - POSTGRES_PASSWORD=${m.plainPw}\n` }));
  m.add('git remote', () => json({ a: `origin\thttps://oauth2:${m.an(30)}@git.example/a.git (fetch)` }));
  m.add('wifi QR', () => json({ a: `WIFI:S:net;T:WPA;P:${m.plainPw};;` }));
  m.add('otpauth', () => json({ a: `otpauth://totp/Ex:bob?secret=${m.up(32)}&issuer=Ex` }));
}

function pairs(m: Maker): void {
  m.add('name/value', () => json([{ name: 'DB_PASSWORD', value: m.plainPw }]));
  m.add('value/name', () => json([{ value: m.plainPw, name: 'DB_PASSWORD' }]));
  m.add('Key/Value', () => json({ Parameters: [{ ParameterKey: 'DbPassword', ParameterValue: m.plainPw }] }));
  m.add('key/value/type', () => json({ variables: [{ key: 'api_token', type: 'string', value: m.hex(32) }] }));
  m.add('id/content', () => json({ fields: [{ id: 'password', purpose: 'PASSWORD', value: m.plainPw }] }));
  m.add('label/value', () => json({ fields: [{ label: 'Password', type: 'CONCEALED', value: m.plainPw }] }));
  m.add('k/v', () => json([{ k: 'token', v: m.hex(32) }]));
  m.add('entries', () =>
    json({
      entries: [
        ['client_secret', m.an(30)],
        ['n', 1],
      ],
    }),
  );
  m.add('flat list', () => json(['password', m.plainPw]));
  m.add('argv apart', () => json({ argv: ['tool', '--api-key', m.hex(32), '--x'] }));
  m.add('argv joined', () => json({ argv: ['tool', `--token=${m.hex(32)}`] }));
  m.add('env list', () => json({ Env: ['PATH=/bin', `DB_PASSWORD=${m.plainPw}`] }));
  m.add('JSON Patch', () => json([{ op: 'replace', path: '/user/password', value: m.plainPw }]));
  m.add('JSON Patch slash last', () => json([{ op: 'add', path: '/secrets/api_key', value: m.hex(32) }]));
  m.add('attribute list', () => json({ attributes: [{ attribute: 'userPassword', values: [m.plainPw] }] }));
  m.add('headers as pairs', () =>
    json({
      headers: [
        ['X-Api-Key', m.hex(32)],
        ['Accept', '*/*'],
      ],
    }),
  );
  m.add('rawHeaders', () =>
    json({ rawHeaders: ['Host', 'a', 'Authorization', `Bearer ${m.url64(40)}`, 'X-Api-Key', m.hex(32)] }),
  );
  m.add('header object list', () => json({ header: [{ name: 'cookie', value: `sid=${m.hex(32)}` }] }));
  m.add('HAR postData', () => json({ postData: { params: [{ name: 'password', value: m.plainPw }] } }));
  m.add('variables', () =>
    json({ query: 'mutation($p:String!){login(password:$p){t}}', variables: { p: 1, input: { password: m.plainPw } } }),
  );
  m.add('GraphQL literal', () =>
    json({ query: `mutation { signIn(input: {email: "a", password: "${m.plainPw}"}) { token } }` }),
  );
  m.add('GraphQL literal single name', () => json({ query: `mutation { setApiKey(apiKey: "${m.hex(32)}") { ok } }` }));
  m.add('OpenTelemetry attributes', () =>
    json({ attributes: [{ key: 'db.password', value: { stringValue: m.plainPw } }] }),
  );
  m.add('DynamoDB', () => json({ Item: { password: { S: m.plainPw } } }));
  m.add('Firestore', () => json({ fields: { apiKey: { stringValue: m.hex(32) } } }));
  m.add('MongoDB extended', () => json({ update: { $set: { password: m.plainPw } } }));
  m.add('MongoDB dotted', () => json({ $set: { 'auth.password': m.plainPw } }));
  m.add('diff', () => json({ changes: { password: { old: m.plainPw, new: m.plainPw } } }));
  m.add('diff as list', () => json({ field: 'password', from: m.plainPw, to: m.plainPw }));
  m.add('audit', () => json({ field: 'api_key', oldValue: m.hex(32), newValue: m.hex(32) }));
  m.add('secret object', () => json({ secret: { data: m.an(40) } }));
  m.add('tokens object', () => json({ tokens: { access: m.url64(40), refresh: m.url64(40) } }));
  m.add('tokens list', () => json({ tokens: [m.url64(40), m.url64(40)] }));
  m.add('api_keys list of objects', () => json({ api_keys: [{ id: 1, key: m.hex(40) }] }));
  m.add('recovery codes', () => json({ recovery_codes: [m.an(10), m.an(10)] }));
  m.add('recovery codes dashed', () => json({ recoveryCodes: [`${m.hex(5)}-${m.hex(5)}`, `${m.hex(5)}-${m.hex(5)}`] }));
  m.add('backup codes numbers', () =>
    rawJson(`{"backup_codes":[${m.keep(`1${m.raw('0123456789', 7)}`)},${m.keep(`2${m.raw('0123456789', 7)}`)}]}`),
  );
}

function documents(m: Maker): void {
  m.add('NDJSON', () =>
    text(`{"a":1}\n{"password":"${m.plainPw}"}\n{"token":"${m.hex(32)}"}\n`, 'application/x-ndjson'),
  );
  m.add('JSON5', () => text(`{user: 'bob', password: '${m.plainPw}', // c\n}`, 'application/json5'));
  m.add('JSONP', () => text(`cb({"access_token":"${m.hex(40)}"});`, 'application/javascript'));
  m.add('JSON text sequence', () =>
    text(`\u001e{"token":"${m.hex(32)}"}\n\u001e{"token":"${m.hex(32)}"}\n`, 'application/json-seq'),
  );
  m.add('XSSI prefix', () => rawJson(`while(1);{"token":"${m.hex(32)}"}`));
  m.add('for(;;)', () => rawJson(`for (;;);{"password":"${m.plainPw}"}`));
  m.add('BOM', () => rawJson(`\ufeff{"password":"${m.plainPw}"}`));
  m.add('JSON as text', () => text(`{"password":"${m.plainPw}"}`));
  m.add('JSON no type', () => ({ body: `{"password":"${m.plainPw}"}` }));
  m.add('JSON as form', () => form(`{"password":"${m.plainPw}"}`));
  m.add('form as JSON', () => rawJson(`user=bob&password=${m.plainPw}`));
  m.add('spaces around', () => rawJson(`{ "password" \n : \n "${m.plainPw}" }`));
  m.add('comment between', () => rawJson(`{"password"/* x */:"${m.plainPw}"}`));
  m.add('number', () =>
    rawJson(`{"pin":${m.keep(`9${m.raw('0123456789', 3)}`)},"cvv":${m.keep(`7${m.raw('0123456789', 2)}`)}}`),
  );
  m.add('CSV', () => text(`name,password,age\nbob,${m.plainPw},3\nann,${m.plainPw},4\n`, 'text/csv'));
  m.add('CSV quoted', () => text(`"name","api key"\n"bob","${m.hex(32)}"\n`, 'text/csv'));
  m.add('CSV semicolons', () => text(`name;password\nbob;${m.plainPw}\n`, 'text/csv'));
  m.add('CSV no type', () => text(`id,client_secret\n1,${m.an(30)}\n2,${m.an(30)}\n`));
  m.add('TSV', () => text(`name\ttoken\nbob\t${m.hex(32)}\n`, 'text/tab-separated-values'));
  m.add('pipe table', () => text(`id|password\n1|${m.plainPw}\n`));
  m.add('mysql table', () =>
    text(
      `+----+----------------+\n| id | password       |\n+----+----------------+\n|  1 | ${m.plainPw} |\n+----+----------------+\n`,
    ),
  );
  m.add('psql table', () => text(` id |    password    \n----+----------------\n  1 | ${m.plainPw}\n`));
  m.add('kubectl env', () => text(`NAME=x\nAPI_SECRET=${m.an(30)}\n`));
  m.add('HTTP message', () => text(`POST /x HTTP/1.1\r\nAuthorization: Basic ${m.b64(28)}\r\n\r\n`, 'message/http'));
  m.add('UTF-16', () => ({
    type: 'application/json',
    body: Buffer.from(`\ufeff{"password":"${m.plainPw}"}`, 'utf16le'),
  }));
  m.add('protobuf with token', () => ({
    type: 'application/x-protobuf',
    body: Buffer.concat([Buffer.from([0, 10, 40]), Buffer.from(m.an(36, 'ghp_')), Buffer.from([18, 3, 1, 0, 2])]),
  }));
  m.add('protobuf with JWT', () => ({
    type: 'application/grpc',
    body: Buffer.concat([Buffer.from([0, 0, 0, 0, 90, 10]), Buffer.from(m.jwt), Buffer.from([0, 1])]),
  }));
  m.add('msgpack', () => ({
    type: 'application/msgpack',
    body: Buffer.concat([
      Buffer.from([0x82, 0xa2]),
      Buffer.from('id'),
      Buffer.from([0, 0xa3]),
      Buffer.from('key'),
      Buffer.from([0xd9, 40]),
      Buffer.from(m.an(36, 'npm_')),
    ]),
  }));
}

function forms(m: Maker): void {
  m.add('form', () => form(`user=bob&password=${m.plainPw}&submit=1`));
  m.add('form nested', () => form(`user[name]=bob&user[password_confirmation]=${m.plainPw}`));
  m.add('form encoded name', () => form(`a=1&user%5Bpassword%5D=${m.plainPw}`));
  m.add('form semicolons', () => form(`a=1;client_secret=${m.an(30)}`));
  m.add('form JSON value', () => form(`payload=${encodeURIComponent(JSON.stringify({ token: m.hex(32) }))}`));
  m.add('form dots', () => form(`user.password=${m.plainPw}&x=1`));
  m.add('form SAML', () => form(`RelayState=x&SAMLResponse=${encodeURIComponent(m.b64(200, 'PHNhbWxwOlJlc3BvbnNl'))}`));
  m.add('form viewstate', () =>
    form(
      `__VIEWSTATE=${encodeURIComponent(m.b64(120, '/wEPDwUK'))}&__EVENTVALIDATION=${encodeURIComponent(m.b64(60))}`,
    ),
  );
  m.add('form code', () => form(`grant_type=authorization_code&code=${m.url64(40)}&redirect_uri=x`));
  m.add('form refresh', () => form(`grant_type=refresh_token&refresh_token=${m.url64(60)}`));
  m.add('form password grant', () => form(`grant_type=password&username=a&password=${m.plainPw}`));
  m.add('form name/value', () => form(`name=password&value=${m.plainPw}`));
  m.add('form plus', () => form(`note=my+password+is+${m.plainPw}+ok`));
  m.add('form text/plain', () => text(`user=bob\r\npassword=${m.plainPw}\r\n`));
  m.add('form card', () => form(`card%5Bnumber%5D=${m.card('4539', 16)}&card%5Bcvc%5D=${m.digits(3)}`));
  m.add('form upper hex', () => form(`PASSWORD=${m.plainPw}`));
  const part = (disposition: string, value: string, more = '') =>
    `--B1\r\nContent-Disposition: form-data; ${disposition}\r\n${more}\r\n${value}\r\n--B1--\r\n`;
  const multipart = (body: string) => ({ type: 'multipart/form-data; boundary=B1', body });
  m.add('multipart', () => multipart(part('name="password"', m.plainPw)));
  m.add('multipart unquoted', () => multipart(part('name=password', m.plainPw)));
  m.add('multipart single quotes', () => multipart(part("name='password'", m.plainPw)));
  m.add('multipart name*', () => multipart(part("name*=UTF-8''pass%77ord", m.plainPw)));
  m.add('multipart upper', () => multipart(part('NAME="apiKey"', m.hex(32))));
  m.add('multipart JSON part', () =>
    multipart(part('name="meta"', `{"client_secret":"${m.an(30)}"}`, 'Content-Type: application/json\r\n')),
  );
  m.add('multipart env file', () =>
    multipart(
      part('name="f"; filename=".env"', `A=1\nSECRET_KEY=${m.an(40)}\n`, 'Content-Type: application/octet-stream\r\n'),
    ),
  );
  m.add('multipart no boundary', () => ({ type: 'multipart/form-data', body: part('name="password"', m.plainPw) }));
  m.add('multipart boundary quoted', () => ({
    type: 'multipart/form-data; boundary="B1"',
    body: part('name="token"', m.hex(32)),
  }));
  m.add('multipart mixed', () => ({
    type: 'multipart/mixed; boundary=B1',
    body: `--B1\r\nContent-Type: application/http\r\n\r\nPOST /x HTTP/1.1\r\nAuthorization: Bearer ${m.url64(40)}\r\n\r\n--B1--\r\n`,
  }));
  m.add('multipart filename in name', () => multipart(part('filename="x"; name="passwd"', m.plainPw)));
  m.add('multipart LF', () => ({
    type: 'multipart/form-data; boundary=B1',
    body: `--B1\nContent-Disposition: form-data; name="secret"\n\n${m.an(30)}\n--B1--\n`,
  }));
}

function xmls(m: Maker): void {
  m.add('element', () => xml(`<u><password>${m.plainPw}</password></u>`));
  m.add('namespace', () => xml(`<a:u xmlns:a="x"><a:Password>${m.plainPw}</a:Password></a:u>`));
  m.add('attribute', () => xml(`<user name="bob" password="${m.plainPw}"/>`));
  m.add('attribute single', () => xml(`<user name='bob' pwd='${m.plainPw}'/>`));
  m.add('CDATA', () => xml(`<u><apiKey><![CDATA[${m.hex(32)}]]></apiKey></u>`));
  m.add('entity', () => xml(`<u><password>&#x41;${m.plainPw}</password></u>`));
  m.add('nested value', () => xml(`<password><value>${m.plainPw}</value></password>`));
  m.add('name attribute', () => xml(`<property name="connection.password">${m.plainPw}</property>`));
  m.add('name/value attributes', () => xml(`<add key="ApiSecret" value="${m.an(30)}"/>`));
  m.add('key then string', () => xml(`<plist><dict><key>password</key><string>${m.plainPw}</string></dict></plist>`));
  m.add('XML-RPC', () =>
    xml(`<struct><member><name>password</name><value><string>${m.plainPw}</string></value></member></struct>`),
  );
  m.add('SOAP WSSE', () =>
    xml(
      `<soap:Envelope xmlns:soap="s"><soap:Header><wsse:UsernameToken><wsse:Username>a</wsse:Username><wsse:Password Type="x#PasswordText">${m.plainPw}</wsse:Password></wsse:UsernameToken></soap:Header></soap:Envelope>`,
    ),
  );
  m.add('SOAP binary token', () =>
    xml(`<wsse:BinarySecurityToken EncodingType="x">${m.b64(200)}</wsse:BinarySecurityToken>`),
  );
  m.add('STS XML', () =>
    xml(
      `<Credentials><AccessKeyId>${m.up(16, 'ASIA')}</AccessKeyId><SecretAccessKey>${m.b64(40)}</SecretAccessKey><SessionToken>${m.b64(200)}</SessionToken></Credentials>`,
    ),
  );
  m.add('maven settings', () =>
    xml(
      `<settings><servers><server><id>x</id><username>a</username><password>${m.plainPw}</password></server></servers></settings>`,
    ),
  );
  m.add('web.config', () =>
    xml(
      `<connectionStrings><add name="d" connectionString="Server=db;User Id=sa;Password=${m.plainPw};"/></connectionStrings>`,
    ),
  );
  m.add('jetty', () => xml(`<Set name="KeyStorePassword">${m.plainPw}</Set>`));
  m.add('android strings', () =>
    xml(`<resources><string name="google_api_key">${m.url64(35, 'AIza')}</string></resources>`),
  );
  m.add('comment', () => xml(`<a><!-- password=${m.plainPw} --></a>`));
  m.add('processing instruction', () => xml(`<?config password="${m.plainPw}"?><a/>`));
  m.add('JSON in XML', () => xml(`<a>{"token":"${m.hex(32)}"}</a>`));
  m.add('NuGet config', () =>
    xml(
      `<packageSourceCredentials><x><add key="Username" value="a" /><add key="ClearTextPassword" value="${m.plainPw}" /></x></packageSourceCredentials>`,
    ),
  );
  m.add('escaped XML', () => xml(`<a>&lt;password&gt;${m.plainPw}&lt;/password&gt;</a>`));
  m.add('SAML assertion', () =>
    xml(
      `<saml:Assertion xmlns:saml="x"><ds:SignatureValue>${m.b64(170)}</ds:SignatureValue><saml:Attribute Name="password"><saml:AttributeValue>${m.plainPw}</saml:AttributeValue></saml:Attribute></saml:Assertion>`,
    ),
  );
}

function settings(m: Maker): void {
  m.add('YAML', () => text(`db:\n  user: app\n  password: ${m.plainPw}\n`, 'application/yaml'));
  m.add('YAML quoted', () => text(`password: "${m.pw}"\n`, 'application/yaml'));
  m.add('YAML single', () => text(`api_key: '${m.hex(32)}'\n`, 'text/yaml'));
  m.add('YAML block', () => text(`private_key: |\n  ${m.an(40)}\n  ${m.an(40)}\nx: 1\n`, 'text/yaml'));
  m.add('YAML folded', () => text(`secret: >-\n  ${m.an(40)}\n`, 'text/yaml'));
  m.add('YAML flow', () => text(`db: {user: app, password: ${m.plainPw}}\n`, 'text/yaml'));
  m.add('YAML flow list', () => text(`tokens: [${m.hex(32)}, ${m.hex(32)}]\n`, 'text/yaml'));
  m.add('YAML list', () => text(`api_keys:\n  - ${m.hex(32)}\n  - ${m.hex(32)}\n`, 'text/yaml'));
  m.add('YAML name/value', () => text(`env:\n  - name: DB_PASSWORD\n    value: ${m.plainPw}\n`, 'text/yaml'));
  m.add('YAML anchor', () => text(`password: &pw ${m.plainPw}\n`, 'text/yaml'));
  m.add('YAML tag', () => text(`password: !!str ${m.plainPw}\n`, 'text/yaml'));
  m.add('k8s Secret', () =>
    text(`apiVersion: v1\nkind: Secret\ndata:\n  username: YWRtaW4=\n  password: ${m.b64(24)}\n`, 'application/yaml'),
  );
  m.add('k8s Secret neutral key', () =>
    text(`apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:\n  config: ${m.b64(44)}\n`, 'application/yaml'),
  );
  m.add('k8s Secret JSON', () =>
    json({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, data: { 'db-uri': m.b64(44) } }),
  );
  m.add('k8s Secret stringData', () => json({ kind: 'Secret', stringData: { config: m.an(30) } }));
  m.add('INI', () => text(`[db]\nuser=app\npassword=${m.plainPw}\n`));
  m.add('INI spaces', () => text(`[db]\npassword   =   ${m.plainPw}\n`));
  m.add('properties', () => text(`spring.datasource.username=a\nspring.datasource.password=${m.plainPw}\n`));
  m.add('properties colon', () => text(`db.password:${m.plainPw}\n`));
  m.add('TOML', () => text(`[db]\npassword = "${m.plainPw}"\n`, 'application/toml'));
  m.add('.env export', () => text(`export AWS_SECRET_ACCESS_KEY=${m.b64(40)}\n`));
  m.add('.env quoted', () => text(`API_KEY="${m.hex(32)}"\nOTHER='x'\n`));
  m.add('.env odd', () => text(`DATABASE_URL=postgres://app:${m.plainPw}@db/x\nSLACK_TOKEN=${m.an(40)}\n`));
  m.add('AWS credentials file', () =>
    text(`[default]\naws_access_key_id = ${m.up(16, 'AKIA')}\naws_secret_access_key = ${m.b64(40)}\n`),
  );
  m.add('nginx', () => text(`proxy_set_header Authorization "Bearer ${m.url64(40)}";\n`));
  m.add('nginx basic', () => text(`proxy_set_header X-Api-Key ${m.hex(32)};\n`));
  m.add('redis.conf', () => text(`requirepass ${m.plainPw}\nmaxmemory 1gb\n`));
  m.add('haproxy', () => text(`userlist u\n  user bob insecure-password ${m.plainPw}\n`));
  m.add('wpa_supplicant', () => text(`network={\n  ssid="x"\n  psk="${m.plainPw}"\n}\n`));
  m.add('wireguard', () => text(`[Interface]\nPrivateKey = ${m.b64(43)}=\n[Peer]\nPresharedKey = ${m.b64(43)}=\n`));
  m.add('my.cnf', () => text(`[client]\nuser = root\npassword = "${m.plainPw}"\n`));
  m.add('pgpass', () => text(`db.example:5432:app:bob:${m.plainPw}\n`));
  m.add('openvpn', () =>
    text(
      `<tls-auth>\n-----BEGIN OpenVPN Static key V1-----\n${m.hex(32)}\n${m.hex(32)}\n-----END OpenVPN Static key V1-----\n</tls-auth>\n`,
    ),
  );
  m.add('terraform tfvars', () => text(`db_password = "${m.plainPw}"\nregion = "eu"\n`));
  m.add('terraform state', () =>
    json({
      version: 4,
      resources: [
        {
          type: 'random_password',
          name: 'db',
          instances: [
            {
              attributes: {
                length: 16,
                result: m.pw,
                bcrypt_hash: `$2a$10$${m.keep(m.raw('abcdefghijklmnopqrstuvwxyz0123456789./', 53))}`,
              },
            },
          ],
        },
      ],
    }),
  );
  m.add('terraform state compact', () =>
    rawJson(
      `{"mode":"managed","type":"random_password","name":"x","instances":[{"schema_version":3,"attributes":{"id":"none","result":"${m.plainPw}"}}]}`,
    ),
  );
  m.add('terraform plan', () =>
    json({
      resource_changes: [
        {
          address: 'random_password.db',
          type: 'random_password',
          change: { after: { length: 16, result: m.plainPw } },
        },
      ],
    }),
  );
  m.add('terraform output', () =>
    json({ outputs: { db_password: { value: m.plainPw, type: 'string', sensitive: true } } }),
  );
  m.add('terraform sensitive output', () =>
    json({ outputs: { connection: { sensitive: true, type: 'string', value: m.an(30) } } }),
  );
  m.add('tls_private_key', () =>
    json({
      type: 'tls_private_key',
      instances: [
        {
          attributes: {
            private_key_pem: `-----BEGIN RSA PRIVATE KEY-----\n${m.pemLines().join('\n')}\n-----END RSA PRIVATE KEY-----\n`,
          },
        },
      ],
    }),
  );
  m.add('docker config', () => json({ auths: { 'https://index.docker.io/v1/': { auth: m.b64(32) } } }));
  m.add('docker config identity', () => json({ auths: { 'r.example': { identitytoken: m.url64(60) } } }));
  m.add('docker auth header', () =>
    header(
      'X-Registry-Auth',
      Buffer.from(JSON.stringify({ username: 'a', password: m.plainPw })).toString('base64url'),
    ),
  );
  m.add('ansible vault', () => text(`password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  ${m.hex(80)}\n`));
  m.add('kubeconfig', () =>
    text(`users:\n- name: a\n  user:\n    client-key-data: ${m.b64(200)}\n    token: ${m.an(40)}\n`),
  );
  m.add('helm values', () => text(`postgresql:\n  auth:\n    postgresPassword: ${m.plainPw}\n`));
  m.add('github actions', () => text(`env:\n  TOKEN: ${m.an(36, 'ghp_')}\n`));
  m.add('PowerShell secure', () => text(`$cred = ConvertTo-SecureString "${m.pw}" -AsPlainText -Force\n`));
}

function code(m: Maker): void {
  const js = (body: string) => text(body, 'application/javascript');
  m.add('JS const', () => js(`const password = "${m.plainPw}";`));
  m.add('JS single', () => js(`let apiKey='${m.hex(32)}'`));
  m.add('JS template', () => js(`var token = \`${m.hex(32)}\`;`));
  m.add('JS object', () => js(`config = {clientSecret: "${m.an(30)}", n: 1}`));
  m.add('JS minified', () => js(`!function(){var e={apiKey:"${m.url64(35, 'AIza')}",x:1}}();`));
  m.add('JS setter', () => js(`localStorage.setItem("access_token", "${m.hex(40)}");`));
  m.add('JS headers', () => js(`fetch(u,{headers:{"X-Api-Key":"${m.hex(32)}"}})`));
  m.add('JS header set', () => js(`xhr.setRequestHeader('Authorization', 'Bearer ${m.url64(40)}')`));
  m.add('TS type', () => js(`const secret: string = '${m.an(30)}';`));
  m.add('JS or', () => js(`const secret = process.env.SECRET || "${m.an(30)}";`));
  m.add('JS nullish', () => js(`const apiKey = process.env.API_KEY ?? '${m.hex(32)}';`));
  m.add('python assignment', () => text(`PASSWORD = "${m.plainPw}"\n`));
  m.add('python environ', () => text(`os.environ["API_KEY"] = "${m.hex(32)}"\n`));
  m.add('python getenv default', () => text(`key = os.getenv("SECRET_KEY", "${m.an(40)}")\n`));
  m.add('python f', () => text(`login(u, password="${m.plainPw}")\n`));
  m.add('java', () => text(`String password = "${m.plainPw}";\n`));
  m.add('java setter', () => text(`ds.setPassword("${m.plainPw}");\n`));
  m.add('java property', () => text(`System.setProperty("javax.net.ssl.keyStorePassword", "${m.plainPw}");\n`));
  m.add('java annotation', () => text(`@Value("password:${m.plainPw}")\n`));
  m.add('C# initializer', () => text(`new Client { ApiKey = "${m.hex(32)}" };\n`));
  m.add('go', () => text(`apiKey := "${m.hex(32)}"\n`));
  m.add('go struct', () => text(`cfg := Config{Password: "${m.plainPw}"}\n`));
  m.add('rust', () => text(`let api_key: &str = "${m.hex(32)}";\n`));
  m.add('kotlin', () => text(`val token = "${m.hex(32)}"\n`));
  m.add('scala', () => text(`Map("password" -> "${m.plainPw}")\n`));
  m.add('ruby', () => text(`config.secret_key = "${m.an(40)}"\n`));
  m.add('ruby env', () => text(`ENV['API_TOKEN'] ||= '${m.hex(32)}'\n`));
  m.add('php', () => text(`$db_password = '${m.plainPw}';\n`));
  m.add('php define', () => text(`define('DB_PASSWORD', '${m.plainPw}');\n`));
  m.add('php wp salts', () => text(`define('AUTH_KEY', '${m.an(64)}');\n`));
  m.add('perl', () => text(`my $password = "${m.plainPw}";\n`));
  m.add('shell', () => text(`PGPASSWORD=${m.plainPw} psql -h db\n`));
  m.add('shell quoted', () => text(`export TOKEN='${m.hex(32)}'\n`));
  m.add('fish', () => text(`set -x API_KEY ${m.hex(32)}\n`));
  m.add('cmd', () => text(`set DB_PASSWORD=${m.plainPw}\n`));
  m.add('powershell env', () => text(`$env:API_KEY = "${m.hex(32)}"\n`));
  m.add('lua', () => text(`password = "${m.plainPw}"\n`));
  m.add('swift', () => text(`let apiKey = "${m.hex(32)}"\n`));
  m.add('clojure', () => text(`(def config {:password "${m.plainPw}"})\n`));
  m.add('haskell', () => text(`password = "${m.plainPw}"\n`));
  m.add('R', () => text(`password <- "${m.plainPw}"\n`));
  m.add('sql set', () => text(`SET PASSWORD FOR 'bob'@'%' = '${m.plainPw}';\n`));
  m.add('sql identified', () => text(`GRANT ALL ON x.* TO 'a'@'%' IDENTIFIED BY '${m.plainPw}';\n`));
  m.add('sql alter role', () => text(`ALTER ROLE app PASSWORD '${m.plainPw}';\n`));
  m.add('sql insert', () => text(`INSERT INTO u (id, api_key) VALUES (1, '${m.hex(32)}');\n`));
  m.add('sql where', () => text(`SELECT * FROM u WHERE name='bob' AND password='${m.plainPw}'\n`));
}

function commands(m: Maker): void {
  const add = (line: () => string) => m.add('command line', () => json({ command: line() }));
  add(() => `mysql -h db -u root -p${m.plainPw} app`);
  add(() => `mysqldump --password=${m.plainPw} app`);
  add(() => `psql "host=db password=${m.plainPw}"`);
  add(() => `sshpass -p ${m.plainPw} ssh a@b`);
  add(() => `sshpass -p '${m.pw}' ssh a@b`);
  add(() => `redis-cli -a ${m.plainPw} ping`);
  add(() => `docker login -u a -p ${m.plainPw} r.example`);
  add(() => `curl -u bob:${m.plainPw} https://a`);
  add(() => `curl --user bob:${m.plainPw} https://a`);
  add(() => `curl -ubob:${m.plainPw} https://a`);
  add(() => `wget --http-password=${m.plainPw} https://a`);
  add(() => `wget --password ${m.plainPw} https://a`);
  add(() => `ldapsearch -D cn=a -w ${m.plainPw} -b x`);
  add(() => `vault login ${m.an(24, 'hvs.')}`);
  add(() => `aws configure set aws_secret_access_key ${m.b64(40)}`);
  add(() => `az login --service-principal -u a -p ${m.plainPw} --tenant t`);
  add(() => `kubectl create secret generic x --from-literal=password=${m.plainPw}`);
  add(() => `kubectl --token=${m.an(40)} get pods`);
  add(() => `helm upgrade x --set db.password=${m.plainPw}`);
  add(() => `openssl rsa -passin pass:${m.plainPw} -in a`);
  add(() => `keytool -storepass ${m.plainPw} -list`);
  add(() => `java -Djavax.net.ssl.keyStorePassword=${m.plainPw} -jar a`);
  add(() => `tool --api-key ${m.hex(32)} --verbose`);
  add(() => `tool --client-secret="${m.an(30)}"`);
  add(() => `tool -password ${m.plainPw}`);
  add(() => `net use \\\\srv\\x /user:bob ${m.plainPw}`.replace('/user:bob ', '/user:bob /password:'));
  add(() => `mongosh -u a -p ${m.plainPw} db`);
  add(() => `http -a bob:${m.plainPw} GET a`);
  add(() => `gpg --batch --passphrase ${m.plainPw} -d x`);
  add(() => `git clone https://bob:${m.plainPw}@git.example/a.git`);
  add(() => `git -c http.extraheader="AUTHORIZATION: basic ${m.b64(40)}" fetch`);
  add(() => `sqlcmd -S db -U sa -P ${m.plainPw}`);
  add(() => `PASSWORD=${m.plainPw} ./run.sh`);
  add(() => `env API_KEY=${m.hex(32)} ./run.sh`);
  add(() => `useradd -p ${m.plainPw} bob`.replace('useradd -p', 'useradd --password'));
  add(() => `zip -P ${m.plainPw} a.zip b`);
  add(() => `7z x -p${m.plainPw} a.7z`);
  add(() => `nmcli dev wifi connect x password ${m.plainPw}`);
  add(() => `rclone --sftp-pass ${m.plainPw} ls x:`);
}

function connections(m: Maker): void {
  const add = (value: () => string) => m.add('connection string', () => json({ conn: value() }));
  add(() => `Server=db;Database=x;User Id=sa;Password=${m.plainPw};Encrypt=true`);
  add(() => `Server=db;Uid=sa;Pwd=${m.plainPw};`);
  add(() => `Data Source=db;User ID=sa;Password="${m.pw}";`);
  add(() => `Driver={ODBC Driver 18};Server=db;UID=sa;PWD={${m.pw}};`);
  add(() => `jdbc:mysql://db:3306/x?user=a&password=${m.plainPw}`);
  add(() => `jdbc:postgresql://db/x?user=a&password=${m.plainPw}&ssl=true`);
  add(() => `jdbc:sqlserver://db:1433;databaseName=x;user=sa;password=${m.plainPw};`);
  add(() => `jdbc:oracle:thin:scott/${m.plainPw}@db:1521:XE`);
  add(() => `jdbc:oracle:thin:@db:1521/XE?user=scott&password=${m.plainPw}`);
  add(() => `mongodb+srv://app:${m.plainPw}@cluster0.example/x?retryWrites=true`);
  add(() => `mongodb://a:${m.plainPw}@h1:27017,h2:27017/x`);
  add(() => `amqps://guest:${m.plainPw}@mq/vhost`);
  add(() => `redis://:${m.plainPw}@r:6379/0`);
  add(() => `rediss://default:${m.an(40)}@r:6379`);
  add(() => `r.example:6380,password=${m.b64(43)}=,ssl=True,abortConnect=False`);
  add(() => `postgres://app:p%40${m.plainPw}@db/x`);
  add(() => `mysql2://app:${m.plainPw}@db/x`);
  add(() => `clickhouse://default:${m.plainPw}@ch:9000/x`);
  add(() => `snowflake://a:${m.plainPw}@acct/db`);
  add(() => `ldap://cn=admin:${m.plainPw}@ldap`);
  add(() => `smtp://a%40b.example:${m.plainPw}@mail:587`);
  add(() => `ftp://bob:${m.plainPw}@ftp.example/x`);
  add(() => `sftp://bob:${m.plainPw}@h/x`);
  add(() => `Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=${m.b64(43)}=`);
  add(() => `DefaultEndpointsProtocol=https;AccountName=a;AccountKey=${m.b64(86)}==;EndpointSuffix=core.windows.net`);
  add(() => `HostName=x.azure-devices.net;DeviceId=d;SharedAccessKey=${m.b64(43)}=`);
  add(() => `AccountEndpoint=https://x.documents.azure.com:443/;AccountKey=${m.b64(86)}==;`);
  add(() => `BlobEndpoint=https://a;SharedAccessSignature=sv=2022&ss=b&sig=${encodeURIComponent(m.b64(43))}%3D`);
  add(() => `user:${m.plainPw}@tcp(db:3306)/x?parseTime=true`);
  add(() => `host=db port=5432 user=a password='${m.pw}' dbname=x`);
  add(() => `https://${m.hex(32)}@o1.ingest.sentry.io/1`);
  add(() => `sqlserver://sa:${m.plainPw}@db?database=x`);
  add(() => `nats://${m.an(30)}@nats:4222`.replace('nats://', 'nats://token:'));
  add(
    () =>
      `kafka: org.apache.kafka.common.security.plain.PlainLoginModule required username="a" password="${m.plainPw}";`,
  );
}

function cloud(m: Maker): void {
  m.add('ECS credentials', () =>
    json({
      RoleArn: 'arn:aws:iam::1:role/x',
      AccessKeyId: m.up(16, 'ASIA'),
      SecretAccessKey: m.b64(40),
      Token: m.b64(300, 'IQoJb3JpZ2lu'),
      Expiration: '2026-11-26T00:00:00Z',
    }),
  );
  m.add('IMDS credentials', () =>
    json({
      Code: 'Success',
      Type: 'AWS-HMAC',
      AccessKeyId: m.up(16, 'ASIA'),
      SecretAccessKey: m.b64(40),
      Token: m.b64(300),
    }),
  );
  m.add('GCP metadata token', () =>
    json({ access_token: m.url64(180, 'ya29.c.'), expires_in: 3599, token_type: 'Bearer' }),
  );
  m.add('Azure MSI', () =>
    json({ access_token: m.jwt, client_id: 'x', expires_on: '1795000000', token_type: 'Bearer' }),
  );
  m.add('GCP service account', () =>
    json({
      type: 'service_account',
      private_key_id: 'ab'.repeat(20),
      private_key: `-----BEGIN PRIVATE KEY-----\n${m.pemLines().join('\n')}\n-----END PRIVATE KEY-----\n`,
      client_email: 'a@b',
    }),
  );
  m.add('Secrets Manager', () =>
    json({
      ARN: 'arn:aws:secretsmanager:eu-west-1:1:secret:x',
      Name: 'x',
      SecretString: `{"username":"a","password":"${m.plainPw}"}`,
    }),
  );
  m.add('Secrets Manager plain', () => json({ Name: 'x', SecretString: m.an(30), VersionStages: ['AWSCURRENT'] }));
  m.add('SSM SecureString', () =>
    json({ Parameter: { Name: '/prod/db/password', Type: 'SecureString', Value: m.plainPw, Version: 1 } }),
  );
  m.add('SSM SecureString neutral', () =>
    json({ Parameter: { Name: '/prod/db/conf', Type: 'SecureString', Value: m.an(30), Version: 1 } }),
  );
  m.add('SSM put', () => json({ Name: '/x/api-key', Value: m.hex(32), Type: 'SecureString' }));
  m.add('Vault KV', () => json({ request_id: 'x', data: { data: { password: m.plainPw }, metadata: { version: 1 } } }));
  m.add('Vault auth', () => json({ auth: { client_token: m.an(90, 'hvs.'), accessor: 'x', policies: ['default'] } }));
  m.add('Vault init', () => json({ keys: [m.hex(64)], keys_base64: [`${m.b64(43)}=`], root_token: m.an(24, 'hvs.') }));
  m.add('Vault wrap', () => json({ wrap_info: { token: m.an(90, 'hvs.'), ttl: 300 } }));
  m.add('Key Vault', () =>
    json({ value: m.plainPw, id: 'https://x.vault.azure.net/secrets/db-password/1', attributes: { enabled: true } }),
  );
  m.add('ECR token', () =>
    json({ authorizationData: [{ authorizationToken: m.b64(200), expiresAt: 1, proxyEndpoint: 'https://x' }] }),
  );
  m.add('Cognito', () =>
    json({ AuthenticationResult: { AccessToken: m.jwt, IdToken: m.jwt, RefreshToken: m.url64(200) } }),
  );
  m.add('Cognito challenge', () =>
    json({ ChallengeName: 'SMS_MFA', Session: m.url64(200), ChallengeResponses: { SMS_MFA_CODE: m.digits(6) } }),
  );
  m.add('IAM access key', () =>
    json({ AccessKey: { UserName: 'a', AccessKeyId: m.up(16, 'AKIA'), SecretAccessKey: m.b64(40) } }),
  );
  m.add('KMS data key', () => json({ CiphertextBlob: 'x', Plaintext: `${m.b64(43)}=`, KeyId: 'arn:aws:kms:x' }));
  m.add('RDS master', () => form(`Action=CreateDBInstance&MasterUsername=a&MasterUserPassword=${m.plainPw}`));
  m.add('Lambda env', () =>
    json({ Environment: { Variables: { STRIPE_SECRET_KEY: m.an(40), DB_URL: `postgres://a:${m.plainPw}@db/x` } } }),
  );
  m.add('CloudFormation', () =>
    json({ Parameters: [{ ParameterKey: 'MasterUserPassword', ParameterValue: m.plainPw }] }),
  );
  m.add('ECS task env', () => json({ environment: [{ name: 'NEW_RELIC_LICENSE_KEY', value: m.an(40) }] }));
  m.add('Heroku config', () => json({ DATABASE_URL: `postgres://u:${m.plainPw}@h/d`, SECRET_KEY_BASE: m.hex(128) }));
  m.add('AWS signed URL in body', () =>
    json({
      url: `https://b.s3.amazonaws.com/k?X-Amz-Credential=${m.up(16, 'AKIA')}%2F20261126&X-Amz-Signature=${m.hex(64)}`,
    }),
  );
  m.add('GCS signed URL in body', () =>
    json({
      url: `https://storage.googleapis.com/b/k?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=${m.hex(256)}`,
    }),
  );
  m.add('SAS URL in body', () =>
    json({ url: `https://a.blob.core.windows.net/c/b?sv=2022-11-02&sp=r&sig=${encodeURIComponent(m.b64(43))}%3D` }),
  );
  m.add('CloudFront signed URL in body', () =>
    json({
      url: `https://d1.cloudfront.net/x?Expires=1795000000&Signature=${m.url64(170)}__&Key-Pair-Id=K2JCJMDEHXQW5F`,
    }),
  );
  m.add('S3 POST policy', () =>
    json({ fields: { key: 'x', policy: 'eyJleHBpcmF0aW9uIjoi', 'x-amz-signature': m.hex(64) } }),
  );
}

function oauth(m: Maker): void {
  m.add('token response', () =>
    json({
      access_token: m.url64(60),
      token_type: 'Bearer',
      expires_in: 3600,
      refresh_token: m.url64(60),
      id_token: m.jwt,
    }),
  );
  m.add('device authorization', () =>
    json({ device_code: m.url64(40), verification_uri: 'https://a/device', expires_in: 900 }),
  );
  m.add('client registration', () =>
    json({ client_id: 'x', client_secret: m.an(40), registration_access_token: m.url64(40) }),
  );
  m.add('PKCE', () => json({ code_verifier: m.url64(64), code_challenge_method: 'S256' }));
  m.add('introspection', () => form(`token=${m.url64(40)}&token_type_hint=access_token`));
  m.add('token exchange', () =>
    form(
      `grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=${m.url64(60)}&subject_token_type=x`,
    ),
  );
  m.add('client assertion', () => form(`client_assertion_type=x&client_assertion=${m.jwt}`));
  m.add('authorization code JSON', () =>
    json({ grant_type: 'authorization_code', code: m.url64(40), redirect_uri: 'x' }),
  );
  m.add('Location', () => header('Location', `https://a.example/cb?code=${m.url64(40)}&state=x`));
  m.add('Location fragment', () =>
    header('Location', `https://a.example/#access_token=${m.url64(40)}&token_type=bearer`),
  );
  m.add('TOTP seed', () => json({ totp: { secret: m.up(32), uri: 'x' } }));
  m.add('TOTP seed manual', () => json({ manualEntryKey: m.up(32) }));
  m.add('magic link', () => json({ email: 'a@b', magic_link: `https://a.example/auth/${m.url64(43)}` }));
  m.add('reset link', () => json({ link: `https://a.example/reset-password/${m.url64(43)}` }));
  m.add('invite link', () => json({ link: `https://a.example/invite/${m.url64(24)}` }));
  m.add('Firebase', () => json({ idToken: m.jwt, refreshToken: m.url64(180), localId: 'x' }));
  m.add('Google oauth playground', () => json({ code: m.url64(60, '4/0A') }));
  m.add('Slack oauth', () =>
    json({
      ok: true,
      access_token: m.an(30, 'xoxb-1234567890-1234567890-'),
      incoming_webhook: { url: `https://hooks.slack.com/services/T024BE7LD/B024BE7LH/${m.an(24)}` },
    }),
  );
  m.add('Discord webhook', () => json({ url: `https://discord.com/api/webhooks/1099999999999999999/${m.url64(68)}` }));
  m.add('Teams webhook', () =>
    json({ url: `https://x.webhook.office.com/webhookb2/${m.uuid}@${m.uuid}/IncomingWebhook/${m.hex(32)}/${m.uuid}` }),
  );
  m.add('Zapier webhook', () =>
    json({ url: `https://hooks.zapier.com/hooks/catch/123456/${m.keep(m.raw('abcdefghijkmnopqrs0123456789', 7))}/` }),
  );
  m.add('IFTTT webhook', () => json({ url: `https://maker.ifttt.com/trigger/x/with/key/${m.url64(43)}` }));
  m.add('Logic App', () =>
    json({
      url: `https://prod-1.westeurope.logic.azure.com/workflows/x/triggers/manual/paths/invoke?api-version=1&sig=${m.url64(43)}`,
    }),
  );
}

function keys(m: Maker): void {
  const pem = (label: string, lines: string[]) =>
    `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
  for (const label of [
    'PRIVATE KEY',
    'RSA PRIVATE KEY',
    'EC PRIVATE KEY',
    'OPENSSH PRIVATE KEY',
    'ENCRYPTED PRIVATE KEY',
    'PGP PRIVATE KEY BLOCK',
  ]) {
    m.add(`${label} in JSON`, () => json({ k: pem(label, m.pemLines()) }));
    m.add(`${label} in text`, () => text(pem(label, m.pemLines())));
    m.add(`${label} in XML`, () => xml(`<k>${pem(label, m.pemLines())}</k>`));
    m.add(`${label} in one line`, () => text(`KEY="${pem(label, m.pemLines()).replaceAll('\n', '\\n')}"`));
  }
  m.add('PEM in a form', () => form(`k=${encodeURIComponent(pem('PRIVATE KEY', m.pemLines()))}`));
  m.add('PEM with CR LF', () => text(pem('PRIVATE KEY', m.pemLines()).replaceAll('\n', '\r\n')));
  m.add('PEM joined by spaces', () => json({ k: pem('PRIVATE KEY', m.pemLines()).replaceAll('\n', ' ') }));
  m.add('PEM without breaks', () =>
    json({ k: `-----BEGIN PRIVATE KEY-----${m.pemLines().join('')}-----END PRIVATE KEY-----` }),
  );
  m.add('PEM in YAML', () =>
    text(`tls:\n  key: |\n    ${pem('PRIVATE KEY', m.pemLines()).trim().replaceAll('\n', '\n    ')}\n`, 'text/yaml'),
  );
  m.add('PEM in lines', () => json({ lines: pem('EC PRIVATE KEY', m.pemLines()).trim().split('\n') }));
  m.add('PEM cut', () => ({ type: 'text/plain', body: `-----BEGIN PRIVATE KEY-----\n${m.pemLines().join('\n')}\n` }));
  m.add('base64 of PEM', () => json({ k: m.keep(Buffer.from(pem('PRIVATE KEY', m.pemLines())).toString('base64')) }));
  m.add('JWK RSA', () =>
    json({
      kty: 'RSA',
      n: m.raw('abcdefgh0123', 100),
      e: 'AQAB',
      d: m.url64(200),
      p: m.url64(80),
      q: m.url64(80),
      dp: m.url64(80),
      dq: m.url64(80),
      qi: m.url64(80),
    }),
  );
  m.add('JWK EC', () =>
    json({ kty: 'EC', crv: 'P-256', x: m.raw('abcdefgh0123', 43), y: m.raw('abcdefgh0123', 43), d: m.url64(43) }),
  );
  m.add('JWK oct', () => json({ kty: 'oct', k: m.url64(43), alg: 'HS256' }));
  m.add('JWK after', () => json({ d: m.url64(43), crv: 'Ed25519', x: m.raw('abcdefgh0123', 43), kty: 'OKP' }));
  m.add('ethereum', () => json({ privateKey: `0x${m.hex(64)}` }));
  m.add('mnemonic', () =>
    json({ mnemonic: m.keep('abandon ability able about above absent absorb abstract absurd abuse access accident') }),
  );
  m.add('seed phrase', () =>
    json({ seedPhrase: m.keep('legal winner thank year wave sausage worth useful legal winner thank yellow') }),
  );
  m.add('xprv', () =>
    json({
      note: m.keep(`xprv9s21ZrQH143K${m.raw('ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789', 95)}`),
    }),
  );
  m.add('age', () => json({ note: m.keep(`AGE-SECRET-KEY-1${m.raw('QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L', 58)}`) }));
}

function cards(m: Maker): void {
  const networks: [string, string, number, number[]][] = [
    ['visa', '4539', 16, [4, 4, 4, 4]],
    ['visa 19', '4539', 19, [4, 4, 4, 4, 3]],
    ['mastercard', '5425', 16, [4, 4, 4, 4]],
    ['mastercard 2', '2223', 16, [4, 4, 4, 4]],
    ['amex', '3782', 15, [4, 6, 5]],
    ['discover', '6011', 16, [4, 4, 4, 4]],
    ['discover 65', '6500', 16, [4, 4, 4, 4]],
    ['diners', '3056', 14, [4, 6, 4]],
    ['diners 38', '3852', 14, [4, 6, 4]],
    ['jcb', '3530', 16, [4, 4, 4, 4]],
    ['unionpay', '6212', 16, [4, 4, 4, 4]],
    ['maestro', '6759', 16, [4, 4, 4, 4]],
    ['mir', '2200', 16, [4, 4, 4, 4]],
    ['rupay', '6521', 16, [4, 4, 4, 4]],
    ['elo', '506710', 16, [4, 4, 4, 4]],
    ['troy', '979210', 16, [4, 4, 4, 4]],
  ];
  for (const [network, prefix, length, groups] of networks) {
    m.add(`${network} under card_number`, () => json({ card_number: m.card(prefix, length) }));
    m.add(`${network} in groups`, () => json({ note: m.card(prefix, length, groups) }));
    m.add(`${network} with hyphens`, () => json({ note: `card ${m.card(prefix, length, groups, '-')} ok` }));
    m.add(`${network} in a sentence`, () => json({ note: `Please charge my card ${m.card(prefix, length)} today` }));
  }
  m.add('number of card', () => json({ card: { number: m.card('4539', 16), cvc: m.digits(3) } }));
  m.add('number as number', () => rawJson(`{"card":{"number":${m.card('4539', 16)}}}`));
  m.add('PAN in XML', () => xml(`<pay><pan>${m.card('5425', 16)}</pan></pay>`));
  m.add('card in CSV', () => text(`name,card number\nbob,${m.card('5425', 16)}\n`, 'text/csv'));
  m.add('card in form', () => form(`ccnum=${m.card('3782', 15)}&x=1`));
  m.add('track 2', () => json({ t: `;${m.card('4539', 16)}=29121010000000000000?` }));
  m.add('track 1', () => json({ t: `%B${m.card('4539', 16)}^DOE/JOHN^29121010000000000000?` }));
  m.add('card in query', () => to(`/pay?card=${m.card('4539', 16)}`));
  m.add('card in log', () => text(`2026-11-26 payment card=${m.card('5425', 16)} ok\n`));
  m.add('account number of a card', () => json({ primaryAccountNumber: m.card('4539', 16) }));
}

function tokens(m: Maker): void {
  const list: [string, () => string][] = [
    ['aws', () => m.up(16, 'AKIA')],
    ['github', () => m.an(36, 'ghp_')],
    ['github app', () => m.an(36, 'ghs_')],
    ['gitlab', () => m.url64(20, 'glpat-')],
    ['slack', () => m.an(24, 'xoxp-123456789012-123456789012-')],
    ['stripe', () => m.an(24, 'sk_live_')],
    ['twilio', () => m.hex(32, 'SK')],
    ['sendgrid', () => `SG.${m.url64(22)}.${m.url64(43)}`],
    ['openai', () => m.url64(148, 'sk-proj-')],
    ['openai old', () => m.an(48, 'sk-')],
    ['anthropic', () => m.url64(93, 'sk-ant-api03-')],
    ['npm', () => m.an(36, 'npm_')],
    ['pypi', () => m.url64(150, 'pypi-AgEIcHlwaS5vcmc')],
    ['hugging face', () => m.an(34, 'hf_')],
    ['digitalocean', () => m.hex(64, 'dop_v1_')],
    ['shopify', () => m.hex(32, 'shpat_')],
    ['vault', () => m.an(90, 'hvs.')],
    ['google', () => m.url64(35, 'AIza')],
    ['google oauth', () => m.url64(28, 'GOCSPX-')],
    ['new relic', () => m.up(27, 'NRAK-')],
    ['okta', () => m.url64(40, '00')],
    ['atlassian', () => m.url64(180, 'ATATT3xFfGF0')],
    ['telegram', () => `${m.raw('123456789', 10)}:${m.url64(33, 'AA')}`],
    ['doppler', () => m.an(43, 'dp.st.prod.')],
    ['linear', () => m.an(40, 'lin_api_')],
    ['notion', () => m.an(46, 'ntn_')],
    ['figma', () => m.url64(40, 'figd_')],
    ['postman', () => m.hex(34, `PMAK-${'ab'.repeat(12)}-`)],
    ['databricks', () => m.hex(32, 'dapi')],
    ['grafana', () => `${m.an(32, 'glsa_')}_0a1b2c3d`],
    ['docker', () => m.url64(27, 'dckr_pat_')],
    ['airtable', () => `${m.an(14, 'pat')}.${m.hex(64)}`],
    ['groq', () => m.an(52, 'gsk_')],
    ['replicate', () => m.an(37, 'r8_')],
    ['perplexity', () => m.an(48, 'pplx-')],
    ['sentry', () => m.hex(64, 'sntryu_')],
    ['pulumi', () => m.hex(40, 'pul-')],
    ['terraform', () => `${m.an(14)}.atlasv1.${m.url64(67)}`],
    ['jwt', () => m.jwt],
  ];
  for (const [vendor, make] of list.filter(([vendor]) => vendor !== 'okta')) {
    m.add(`${vendor} in a message`, () => json({ text: `use ${make()} for now` }));
    m.add(`${vendor} in a path`, () => to(`/x/${make()}/y`));
    m.add(`${vendor} in a list`, () => text(`a\n${make()}\nb\n`));
    m.add(`${vendor} in parentheses`, () => json({ text: `(${make()})` }));
  }
}

function streams(m: Maker): void {
  const sse = (body: string) => text(body, 'text/event-stream');
  m.add('SSE', () => sse(`event: x\ndata: {"token":"${m.hex(32)}"}\n\n`));
  m.add('SSE over lines', () => sse(`data: {"user":"bob",\ndata: "password":"${m.plainPw}",\ndata: "n":1}\n\n`));
  m.add('SSE name and value apart', () => sse(`data: {"password":\ndata: "${m.plainPw}"}\n\n`));
  m.add('SSE pretty', () => sse(`data: {\ndata:   "client_secret": "${m.an(30)}"\ndata: }\n\n`));
  m.add('SSE no space', () => sse(`data:{"api_key":\ndata:"${m.hex(32)}"}\n\n`));
  m.add('SSE text', () => sse(`data: password=${m.plainPw}\n\n`));
  m.add('docker logs', () => text(`{"log":"password=${m.plainPw}\\n","stream":"stdout"}\n`, 'application/json'));
  m.add('socket.io', () => text(`42["login",{"password":"${m.plainPw}"}]`));
  m.add('engine.io', () => text(`96:0{"sid":"${m.url64(20)}","upgrades":["websocket"]}2:40`));
  m.add('GraphQL over WebSocket', () =>
    text(`{"type":"connection_init","payload":{"Authorization":"Bearer ${m.url64(40)}"}}`),
  );
  m.add('STOMP', () => text(`CONNECT\nlogin:bob\npasscode:${m.plainPw}\n\n\0`));
  m.add('SMTP', () => text(`AUTH LOGIN ${m.b64(24)}\r\n`));
  m.add('IRC', () => text(`PASS ${m.plainPw}\r\nNICK bob\r\n`));
  m.add('Prometheus', () => text(`http_requests_total{token="${m.hex(32)}",code="200"} 1\n`));
  m.add('access log', () =>
    text(`10.0.0.1 - - [26/Nov/2026:00:00:00 +0000] "GET /x?api_key=${m.hex(32)} HTTP/1.1" 200 1\n`),
  );
  m.add('syslog', () => text(`<34>1 2026-11-26T00:00:00Z h app - - - login password="${m.plainPw}"\n`));
}
