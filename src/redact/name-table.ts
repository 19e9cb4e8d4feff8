/**
 * Which names of fields, parameters, headers, elements and options stand for a secret: one row a kind of name. Names are
 * compared by how they end, without case and punctuation, so that `access_token`, `accessToken` and `X-Access-Token`
 * are one. Where rows of several kinds fit, the longest ending decides.
 *
 * docs/policy.md is generated from these rows.
 */

/**
 * What a value under a name must look like to be replaced.
 *
 *     any     everything but a label, a placeholder or prose
 *     token   the same, but no words either: `session=morning-1`, `token: "USDC"` stay
 *     opaque  only a long run of mixed letters and digits, as a machine makes them
 *     random  the same, or a UUID
 *     code    a few digits, or what `token` takes
 *     pin     the same, but not six digits
 *     card    as many digits as a card has, or what `token` takes
 */
export type ValueTest = 'any' | 'token' | 'opaque' | 'random' | 'code' | 'pin' | 'card';

export interface NameRow {
  /** Names the rule: `name:` and this. */
  readonly id: string;
  readonly value: ValueTest;
  /** How far secrecy reaches into the value: strings, numbers too, or all that lies in an object or array. */
  readonly reach: 'strings' | 'scalars' | 'deep';
  /** Endings wherever they stand. */
  readonly ends?: readonly string[];
  /** Endings that must be a word of their own: `pin`, not `spin`. */
  readonly words?: readonly string[];
  /** The whole name. */
  readonly whole?: readonly string[];
  /** Also when a word such as `new`, `hash` or `value` follows. */
  readonly isQualified?: boolean;
}

/** Words set apart by space. */
const list = (words: string): string[] => words.trim().split(/\s+/);

export const NAME_ROWS: readonly NameRow[] = [
  {
    id: 'password',
    value: 'any',
    reach: 'deep',
    isQualified: true,
    ends: list(`
      password passwords passwd passphrase passcode pwd pword passwort kennwort motdepasse mdp contrasena
      contrasenia senha wachtwoord losenord adgangskode salasana parola parol haslo heslo jelszo sifre
      lozinka katasandi katalaluan matkhau palavrapasse passord geslo slaptazodis parool contrasenya contrasinal
      pasahitza focalfaire lykilord fjalekalimi nenosiri wagwoord cyfrinair userpw rootpw dbpw adminpw authpw
      bindpw ldappw mailpw mysqlpw requirepass passwordresult`),
    words: ['pw', 'psw', 'pswd', 'passw'],
  },
  {
    id: 'password',
    value: 'token',
    reach: 'strings',
    isQualified: true,
    ends: list(`
      userpass dbpass oldpass newpass rootpass adminpass storepass keypass bindpass mypass loginpass
      smtppass mailpass proxypass authpass sshpass ftppass sudopass wifipass`),
    words: ['pass', 'psk', 'wpa', 'parole'],
    whole: ['masterauth'],
  },
  {
    id: 'secret',
    value: 'any',
    reach: 'deep',
    isQualified: true,
    ends: list(`
      clientsecret appsecret apisecret consumersecret webhooksecret sharedsecret signingsecret usersecret
      tokensecret totpsecret jwtsecret sessionsecret keysecret accesssecret secretstring secretbinary
      secretvalue secrettext secrethash stripesecret oauthsecret encryptionsecret cookiesecret mfasecret
      otpsecret secretkeybase clavesecreta chavesecreta clesecrete securestring totpseed otpseed mfaseed`),
  },
  { id: 'secret', value: 'token', reach: 'deep', isQualified: true, ends: ['secret'] },
  { id: 'secret', value: 'token', reach: 'strings', words: ['secrets'], ends: ['geheimnis', 'secreto'] },
  // Half of a login of Vault's; of others the name of a secret.
  { id: 'secret', value: 'random', reach: 'strings', ends: ['secretid'] },
  {
    id: 'token',
    value: 'any',
    reach: 'deep',
    isQualified: true,
    ends: list(`
      accesstoken refreshtoken authtoken bearertoken apitoken idtoken usertoken sessiontoken csrftoken
      xsrftoken securitytoken devicetoken pushtoken fcmtoken apnstoken vaulttoken roottoken bottoken
      servicetoken personaltoken privatetoken jobtoken deploytoken admintoken logintoken registrationtoken
      verificationtoken resettoken confirmationtoken invitetoken activationtoken authenticationtoken
      authenticitytoken middlewaretoken remembertoken antiforgerytoken requestverificationtoken oauthtoken
      npmtoken githubtoken gitlabtoken slacktoken subjecttoken actortoken identitytoken webidentitytoken
      binarysecuritytoken magictoken idtokenhint logintokenhint cftoken shopifyaccesstoken tokenvalue
      canarytoken jwttoken sastoken exchangetoken tokendeacesso tokendeacceso jetonacces jetondacces`),
  },
  { id: 'token', value: 'token', reach: 'deep', isQualified: true, ends: ['token'] },
  { id: 'token', value: 'opaque', reach: 'strings', ends: ['clienttoken', 'uploadtoken', 'uploadid'] },
  {
    id: 'token',
    value: 'token',
    reach: 'strings',
    words: ['bearer', 'tok', 'tkn', 'jeton'],
    ends: ['loginticket', 'authticket', 'serviceticket', 'sessionticket', 'casticket', 'oauthverifier'],
  },
  // More often counted, or the words of a text.
  { id: 'token', value: 'opaque', reach: 'strings', words: ['tokens'] },
  {
    id: 'token',
    value: 'token',
    reach: 'deep',
    words: ['jwt', 'jws', 'jwe'],
    ends: ['accessjwt', 'refreshjwt', 'userjwt', 'sessionjwt'],
  },
  { id: 'token', value: 'opaque', reach: 'strings', whole: ['access', 'refresh', 'pat', 'xpat', 'ticket'] },
  {
    id: 'csrf',
    value: 'token',
    reach: 'strings',
    words: ['csrf', 'xsrf', 'crumb'],
    ends: ['viewstate', 'eventvalidation'],
  },
  {
    id: 'api-key',
    value: 'any',
    reach: 'deep',
    isQualified: true,
    ends: list(`
      apikey apikeys accesskeyid secretkey secretaccesskey subscriptionkey functionskey functionkey
      licensekey licencekey accountkey sharedaccesskey storagekey apisign apisignature`),
  },
  {
    id: 'key',
    value: 'token',
    reach: 'deep',
    isQualified: true,
    ends: list(`
      accesskey privatekey privkey signingkey encryptionkey decryptionkey authkey sharedkey masterkey
      sessionkey sshkey hmackey webhookkey recoverykey resetkey activationkey unsealkey appkey encryptkey decryptkey cryptkey transactionkey
      applicationkey customerkey ssekey signkey cryptokey aeskey rsakey deploykey serverkey adminkey
      rootkey writekey ingestkey integrationkey developerkey devkey merchantkey unlockkey keymaterial
      clientkeydata privatekeypem privatekeydata streamkey wrappingkey datakey kek dek
      serverseed pgpkey gpgkey walletkey userkey authenticationkey verificationkey`),
  },
  { id: 'key', value: 'opaque', reach: 'strings', words: ['key', 'keys', 'pem', 'clave', 'schluessel', 'schlussel'] },
  {
    id: 'key',
    value: 'opaque',
    reach: 'strings',
    whole: list('appid apiid xprv xpriv wif plaintext keysbase dockerconfigjson netrc idrsa license licence'),
    words: ['seed'],
  },
  {
    id: 'key',
    value: 'token',
    reach: 'strings',
    ends: list('claveapi claveprivada chaveapi chaveprivada cleapi cleprivee geheimerschlussel geheimerschluessel'),
  },
  {
    id: 'credential',
    value: 'token',
    reach: 'deep',
    isQualified: true,
    ends: ['credential', 'credentials', 'creds'],
  },
  { id: 'credential', value: 'token', reach: 'strings', words: ['cred'] },
  { id: 'authorization', value: 'token', reach: 'deep', ends: ['authorization', 'authenticationinfo'] },
  {
    id: 'authorization',
    value: 'token',
    reach: 'strings',
    words: ['auth'],
    ends: list('basicauth apiauth proxyauth httpauth authheader authorizationheader authentication'),
  },
  {
    id: 'assertion',
    value: 'token',
    reach: 'deep',
    ends: list(`
      clientassertion samlassertion samlresponse samlrequest samlart jwtassertion clientprincipal codeverifier`),
  },
  { id: 'assertion', value: 'token', reach: 'strings', whole: ['assertion', 'wresult', 'wctx'] },
  {
    id: 'session',
    value: 'token',
    reach: 'deep',
    ends: list(`
      sessionid sessid sessiontoken phpsessid sessionstate sessionhash sessioncookie rememberme`),
    words: ['cookie', 'cookies'],
  },
  { id: 'session', value: 'token', reach: 'strings', words: ['session', 'sid', 'sess'] },
  {
    id: 'code',
    value: 'code',
    reach: 'scalars',
    ends: list(`
      securitycode verificationcode authorizationcode authcode mfacode otpcode onetimecode recoverycode
      recoverycodes backupcode backupcodes smscode twofactorcode tfacode totpcode unlockcode resetcode
      confirmationcode activationcode devicecode logincode accesscode invitecode 2facode scratchcode
      scratchcodes emailcode challengecode authreqid magiclink magiccode cardpin userpin atmpin newpin
      oldpin pinblock zugangscode sicherheitscode codigoseguridad codigodeseguridad codigodeseguranca
      pairingcode doorcode gatecode alarmcode lockcode keypadcode entrycode pukcode`),
    words: ['otp', 'totp', 'tan', 'puk'],
    whole: ['2fa', 'mfa', 'tfa', 'twofactor'],
  },
  { id: 'code', value: 'any', reach: 'scalars', ends: ['usercode'] },
  { id: 'code', value: 'pin', reach: 'scalars', words: ['pin'], ends: ['pincode', 'pinnumber'] },
  {
    id: 'card-code',
    value: 'code',
    reach: 'scalars',
    isQualified: true,
    ends: list(`
      cardcode cardcvv cardcvc cardsecuritycode verificationvalue cvvcode cvccode cvvnumber`),
    words: ['cvv', 'cvc', 'csc', 'cvn', 'cav'],
  },
  {
    id: 'card',
    value: 'card',
    reach: 'deep',
    ends: list(`
      creditcardnumber cardnumber ccnumber debitcardnumber primaryaccountnumber cardno ccnum cardnum
      trackdata magstripe emvdata`),
    words: ['pan'],
    whole: ['creditcard', 'track1', 'track2'],
  },
  { id: 'ssn', value: 'code', reach: 'scalars', words: ['ssn'], ends: ['socialsecuritynumber', 'socialsecurityno'] },
  // Of forms that a browser posts, URLs in parts, and tokens in parts (RFC 7515 §7.2).
  {
    id: 'signature',
    value: 'opaque',
    reach: 'strings',
    whole: list('signature xamzsignature xamzcredential xgoogsignature xgoogcredential awsaccesskeyid'),
  },
  {
    id: 'hash',
    value: 'token',
    reach: 'strings',
    words: ['salt'],
    ends: ['pwhash', 'passhash', 'passsalt', 'bcrypthash'],
  },
  {
    id: 'connection',
    value: 'opaque',
    reach: 'strings',
    ends: ['connectionstring', 'connstring', 'connstr', 'connectionuri', 'databaseurl', 'dockerauthconfig'],
    words: ['dsn'],
  },
  {
    id: 'mnemonic',
    value: 'any',
    reach: 'deep',
    ends: ['mnemonic', 'seedwords', 'seedphrase', 'recoveryphrase', 'backupphrase', 'mnemonicphrase'],
  },
];

/** Parameters of queries and forms only: the OpenTelemetry list (`url.query`) and its likes of other clouds. */
export const QUERY_ROWS: readonly NameRow[] = [
  {
    id: 'signature',
    value: 'token',
    reach: 'strings',
    whole: list(`
      signature sig xgoogsignature xamzsignature xamzcredential awsaccesskeyid oauthsignature hmac
      xgoogcredential oauthverifier policysignature`),
  },
  { id: 'signature', value: 'opaque', reach: 'strings', whole: ['sign'], words: ['signature', 'hmac'] },
  // Of a redirection (RFC 6749 §4.1.2); most other codes are shorter.
  { id: 'oauth-code', value: 'opaque', reach: 'strings', whole: ['code'] },
  // Of links in mails, and of a login elsewhere.
  { id: 'token', value: 'opaque', reach: 'strings', whole: list('magic confirmation invitation invite ott otk sso') },
  // Addresses of calendars and feeds that whoever has them may read.
  { id: 'token', value: 'opaque', reach: 'strings', whole: ['private'] },
];

/** Headers only: each name that ends in one of these words. */
export const HEADER_ROWS: readonly NameRow[] = [
  {
    id: 'header',
    value: 'any',
    reach: 'strings',
    isQualified: true,
    words: list(`
      key token secret password passphrase sign pat auth credential credentials assertion jwt session
      apikey sessionid otp pin csrf xsrf cookie`),
    whole: list('xhoneycombteam xjfrogartapi xzumomaster'),
    ends: list(`
      signature clientprincipal authenticationinfo hmac hubsignature256 signaturev1 hmacsha
      signatureed signaturesha transmissionsig`),
  },
];

/** Endings of names that only resemble a secret's: they page, deduplicate, mark the end of a sentence, are public. */
export const HARMLESS_ENDS: readonly string[] = [
  ...list(`
      next page paging pagination continuation previous prev cursor start starting sync marker request
      clientrequest idempotency eos bos pad unk sep cls mask stop per username forward backward
      nextforward nextbackward resume skip delta scroll change last first nextpage nextsync lp erc20 base
      input output prompt completion
      quote resumption list offset end concurrency fencing special image cancellation cancel design`).map(
    (word) => `${word}token`,
  ),
  ...list(`
      max min num total prompt completion input output cached reasoning used remaining special stop
      context design accepted rejected audio text`).map((word) => `${word}tokens`),
  ...list(`
      public primary foreign sort partition idempotency cache object row group hash range surrogate unique
      composite index registry translation i18n message label hot mon tur don jira issue project space
      bucket s3 map dict lookup join shard dedup deduplication react item natural business publishable
      site event aggregate config query sitemap state tree node locale string column field property metric
      tag consumer kms ssekms`).flatMap((word) => [`${word}key`, `${word}keys`]),
  ...list(`
    secwebsocketkey compass bypass trespass surpass overpass underpass encompass boardingpass seasonpass
    skipass canauth hasauth usesauth requiresauth hassecret haspassword usepassword showpassword
    forgotpassword resetpassword lostpassword nopassword requirepassword changepassword hastoken
    invalidtoken expiredtoken missingtoken usessession`),
];

/** Words that may follow the name of a secret without changing what it is. */
export const QUALIFIERS: readonly string[] = list(`
      new old again confirm confirmation confirmed repeat repeated current previous hash hashed salt
      digest value text string plain plaintext raw clear cleartext encrypted enc b64 base64 pem data
      material bin binary json verify verification retype copy input md5 sha1 sha256 bcrypt env eq exact iexact
      bestatigen bestaetigen wiederholen confirmar nueva neu`);

/** Names in scripts that have no Latin letters; another word may stand before them, and one of two letters behind. */
export const OTHER_SCRIPTS: Readonly<Record<string, string>> = {
  пароль: 'password',
  парольпользователя: 'password',
  паролі: 'password',
  парола: 'password',
  лозинка: 'password',
  гасло: 'password',
  құпиясөз: 'password',
  密码: 'password',
  密碼: 'password',
  口令: 'password',
  パスワード: 'password',
  暗証番号: 'password',
  비밀번호: 'password',
  암호: 'password',
  كلمةالمرور: 'password',
  كلمةالسر: 'password',
  رمزعبور: 'password',
  رمزالمرور: 'password',
  סיסמה: 'password',
  סיסמא: 'password',
  ססמה: 'password',
  κωδικος: 'password',
  συνθηματικο: 'password',
  पासवर्ड: 'password',
  รหัสผ่าน: 'password',
  秘密: 'secret',
  密钥: 'secret',
  密鑰: 'secret',
  シークレット: 'secret',
  секрет: 'secret',
  секретныйключ: 'secret',
  令牌: 'token',
  トークン: 'token',
  토큰: 'token',
  токен: 'token',
  ключapi: 'api-key',
  apiключ: 'api-key',
  인증번호: 'code',
  подтверждения: 'code',
  验证码: 'code',
  驗證碼: 'code',
  認証コード: 'code',
};

/** Members that name what stands beside them: `{"name":"DB_PASSWORD","value":"…"}`. */
export const NAMING = new Set(
  list(`
      name key field path param parameter header property id k n type fieldname attribute attr label claim
      variable var env parametername headername keyname code target parameterkey option setting fieldid
      attributename paramname propertyname optionname variablename settingname configname title`),
);
/** Members that hold what another one names. */
export const VALUING = new Set(
  list(`
      value val v content text default defaultvalue stringvalue data values parametervalue headervalue
      string newvalue oldvalue raw plaintext secretvalue defaultval stringval current initialvalue old new
      before after from to fieldvalue attributevalue attrvalue paramvalue propertyvalue optionvalue
      variablevalue settingvalue configvalue example answer lhs rhs`),
);
