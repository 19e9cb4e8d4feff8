/** Secrets in the layouts of tools: tables, plans, lists of arguments, files of cookies, what clients of Redis send; and look-alikes of them. */
import { json, type Maker, rawJson, text, to } from './invented.js';

export function addLayouts(m: Maker): void {
  tables(m);
  terraform(m);
  commands(m);
  protocols(m);
  cards(m);
  others(m);
}

/** A text by itself, and in a string of JSON. */
function addBoth(m: Maker, name: string, make: () => string): void {
  m.add(name, () => text(make()));
  m.add(`${name} in JSON`, () => json({ content: make() }));
}

function tables(m: Maker): void {
  const jar = () =>
    `# Netscape HTTP Cookie File\n\n#HttpOnly_.a.example\tTRUE\t/\tTRUE\t1795000000\tsid\t${m.an(26)}\n.b.example\tTRUE\t/app\tFALSE\t0\tNID\t511=${m.url64(40)}\n`;
  addBoth(m, 'cookie jar', jar);
  m.add('cookie jar alone', () => text(`www.a.example\tFALSE\t/\tTRUE\t1795000000\tprefs\t${m.hex(32)}\n`));
  addBoth(
    m,
    'Markdown table',
    () => `Accounts:\n\n| User | Password |\n|------|:--------:|\n| bob | ${m.plainPw} |\n| ann | \`${m.pw}\` |\n`,
  );
  addBoth(m, 'Markdown table without outer pipes', () => `Service | API key\n--- | ---\npay | ${m.hex(32)}\n`);
  addBoth(
    m,
    'Markdown table of variables',
    () => `| Name | Value |\n|---|---|\n| \`DB_PASSWORD\` | \`${m.pw}\` |\n| **API_KEY** | ${m.an(24)} |\n`,
  );
}

function terraform(m: Maker): void {
  addBoth(m, 'variable of Terraform', () => `variable "db_password" {\n  type    = string\n  default = "${m.pw}"\n}\n`);
  addBoth(
    m,
    'plan of Terraform',
    () =>
      `  ~ resource "aws_db_instance" "main" {\n        id       = "db-1"\n      ~ password = "${m.plainPw}" -> "${m.pw}"\n      ~ api_key  = null -> "${m.an(30)}"\n      + token    = "${m.hex(32)}"\n    }\n`,
  );
  addBoth(
    m,
    'plan of Terraform, environment',
    () =>
      `          ~ variables = {\n              ~ "DB_PASSWORD" = "${m.plainPw}" => "${m.pw}" # forces replacement\n            }\n`,
  );
}

function commands(m: Maker): void {
  const uuid = () => m.uuid;
  const lines: [name: string, make: () => string][] = [
    ['mysql', () => `mysql -uroot -p${m.plainPw} shop`],
    ['mysqldump', () => `/usr/bin/mysqldump -h db -u root -p${m.plainPw}`],
    ['sshpass', () => `sshpass -p ${m.plainPw} ssh bob@a.example`],
    ['redis-cli', () => `redis-cli -h cache -a ${m.plainPw} ping`],
    ['curl', () => `curl -u bob:${m.plainPw} https://a.example/`],
    ['smbclient', () => `smbclient //srv/share -U bob%${m.plainPw} -c ls`],
    ['smbclient with a domain', () => `smbclient -L host -U CORP/bob%${m.plainPw}`],
    ['rpcclient', () => `rpcclient --user=bob%${m.plainPw} host`],
    ['openssl -k', () => `openssl enc -aes-256-cbc -k ${m.plainPw} -in a -out b`],
    ['openssl -K', () => `openssl enc -aes-128-cbc -K ${m.hex(32)} -iv 00`],
    ['openssl -passin', () => `openssl rsa -in k.pem -passin pass:${m.plainPw} -out o`],
    ['snyk', () => `snyk auth ${uuid()}`],
    ['_authToken', () => `npm config set _authToken ${uuid()}`],
  ];
  for (const [name, make] of lines) {
    addBoth(m, name, make);
    m.add(`${name} as a list`, () => json({ Cmd: make().split(' ') }));
    m.add(`${name} as a list with space`, () => rawJson(JSON.stringify({ args: make().split(' ') }, null, 2)));
  }
  m.add('_authToken alone', () => text(`_authToken ${uuid()}`));
}

function protocols(m: Maker): void {
  const bulk = (value: string) => `$${value.length}\r\n${value}\r\n`;
  addBoth(m, 'RESP AUTH', () => `*2\r\n$4\r\nAUTH\r\n${bulk(m.pw)}*1\r\n$4\r\nPING\r\n`);
  addBoth(m, 'RESP AUTH of a user', () => `*3\r\n$4\r\nauth\r\n$7\r\ndefault\r\n${bulk(m.pw)}`);
  addBoth(m, 'RESP HELLO', () => `*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$3\r\nann\r\n${bulk(m.pw)}`);
  addBoth(m, 'RESP CONFIG SET', () => `*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n${bulk(m.pw)}`);
  m.add('SSE cut before the colon', () =>
    text(`data: {"user":"bob","password"\ndata: :"${m.plainPw}"}\n\n`, 'text/event-stream'),
  );
  m.add('SSE deltas cut before the colon', () =>
    text(`data: {"delta":"password"}\n\ndata: {"delta":": ${m.plainPw}"}\n\n`, 'text/event-stream'),
  );
  m.add('SSE of text cut before the colon', () =>
    text(`data: api_key\n\ndata: =${m.hex(32)}\n\n`, 'text/event-stream'),
  );
}

function cards(m: Maker): void {
  const four = [4, 4, 4, 4];
  for (const [name, mark] of [
    ['no-break spaces', '\u00a0'],
    ['narrow no-break spaces', '\u202f'],
    ['thin spaces', '\u2009'],
    ['no-break hyphens', '\u2011'],
  ] as const) {
    addBoth(m, `card with ${name}`, () => `Karte: ${m.card('4', 16, four, mark)} gültig bis 11/27`);
    m.add(`card with ${name} by its name`, () => json({ card: m.card('51', 16, four, mark) }));
  }
  m.add('card with no-break spaces, escaped', () => rawJson(`{"note":"${m.card('4', 16, four, '\\u00a0')}"}`));
  addBoth(m, 'card in groups of 6 and 13', () => `UnionPay card ${m.card('62', 19, [6, 13])}, exp 11/27`);
  m.add('card in groups of 6 and 13 by its name', () => json({ card_number: m.card('62', 19, [6, 13]) }));
  addBoth(m, 'Visa of 13 digits', () => `please charge my card ${m.card('4', 13)} today`);
  m.add('Visa of 13 digits by its name', () => json({ pan: m.card('4', 13) }));
}

function others(m: Maker): void {
  const letters = (count: number) => m.raw('BCDFGHJKLMNPQRSTVWXZ', count);
  m.add('device authorization', () =>
    json({ device_code: m.url64(40), user_code: m.keep(`${letters(4)}-${letters(4)}`), expires_in: 1800 }),
  );
  m.add('device authorization, complete', () =>
    json({ verification_uri_complete: `https://a.example/device?user_code=${m.keep(`${letters(4)}-${letters(4)}`)}` }),
  );
  addBoth(
    m,
    'device authorization on a terminal',
    () => `open https://a.example/devicelogin and enter the code ${m.keep(letters(9))} to authenticate.`,
  );
  const base64 = (value: string) => m.keep(Buffer.from(value).toString('base64'));
  const chosen = () => `${m.raw('abcdefghijklmnop', 5)}-2!`;
  m.add('new version of a secret', () => json({ payload: { data: base64(chosen()) } }));
  m.add('version of a secret', () =>
    json({ name: 'projects/1/secrets/db/versions/3', payload: { data: base64(chosen()), dataCrc32c: '12345' } }),
  );
  addBoth(m, 'Basic', () => `Dim dbPassword As String = "${m.pw}"\nPrivate Const ApiKey As String = "${m.an(30)}"\n`);
  m.add('target without a scheme', () => to(`//bob:${m.plainPw}@a.example/x`));
  m.add('target without a scheme, with a query', () => to(`//bob:${m.plainPw}@a.example/x?y=1`));
}

/** What is laid out like that and holds no secret. */
export function addLayoutsOfNone(m: Maker): void {
  addBoth(m, 'Markdown table of parameters', () =>
    m.keep(
      '| Name | Type | Description |\n|---|---|---|\n| password | string | The password of the user |\n| api_key | string | required |\n',
    ),
  );
  addBoth(
    m,
    'Markdown table of counts',
    () => `| Token | Count |\n|---|---|\n| ${m.keep('GetOrders')} | ${m.keep('1204')} |\n`,
  );
  m.add('tabs', () => text(`name\tTRUE\t${m.keep('seven of nine')}\tTRUE\t12\tnote\t${m.keep('as it was')}\n`));
  addBoth(m, 'variable of Terraform', () => `variable "region" {\n  default = "${m.keep('eu-west-1a2')}"\n}\n`);
  addBoth(
    m,
    'plan of Terraform',
    () => `      ~ instance_type = "${m.keep('t3.micro')}" -> "${m.keep('t3.large2')}"\n`,
  );
  addBoth(
    m,
    'plan of Terraform, hidden',
    () => `      ~ password = ${m.keep('(sensitive value)')}\n      + token = ${m.keep('(known after apply)')}\n`,
  );
  for (const list of [
    ['mkdir', '-p/srv/data1/x2'],
    ['ssh', '-p', '2222a', 'host1'],
    ['curl', '-k', 'https://a1.example/v1'],
    ['docker', 'run', '-p', '8080:80', 'app:v1'],
    ['tar', '-a', 'archive1.tgz'],
  ])
    m.add(`list of ${list[0]}`, () => rawJson(m.keep(JSON.stringify(list))));
  m.add('command of net', () => text(m.keep('format -U 50%full2 disk')));
  m.add('RESP', () => text(m.keep('*3\r\n$3\r\nSET\r\n$4\r\nlang\r\n$5\r\nen-US\r\n')));
  m.add('payload of a message', () =>
    json({ topic: 'a', message: 1, payload: { data: m.keep('b3JkZXItMTIz'), kind: 'x' } }),
  );
  m.add('French number', () => json({ text: `total ${m.keep('4\u00a0111\u00a0111\u00a0111\u00a0111')} ok` }));
  m.add('Basic', () =>
    text(`Dim userName As String = "${m.keep('bob-the-2nd')}"\nDim count As Integer = ${m.keep('12')}\n`),
  );
  m.add('target without a scheme', () => to(m.keep('//cdn.example/a@2x.png')));
  addBoth(m, 'code to enter', () => `enter the code ${m.keep('below')} or ${m.keep('INVALID_CODE')} to go on`);
}
