/** What stands where a value is to be put, or is said to have been: `<token>`, `${PASSWORD}`, `[FILTERED]`, `changeme`; types and routes. */

const PLACEHOLDERS: readonly string[] = [
  'redacted',
  '\\[?(?:redacted|filtered|hidden|masked|removed|secret removed)\\]?',
  '\\[[a-z _-]{3,}\\]',
  '<[^<>]*>',
  '&lt;.*',
  // References: of shells, templates, statements with parameters, YAML's tags, ciphers of SOPS.
  '\\$(?:\\{[\\w.]*(?::?[?=-]?[a-z_-]*)?\\}?|[a-z_.:-]*\\d?)',
  '\\{\\{.*\\}\\}',
  '\\{[\\w.:-]+\\}',
  '%[\\w-]+%',
  '%[sdv]',
  '\\?',
  ':[a-z_]+',
  '![a-z]+',
  'ENC\\[.*',
  '[*•x.…#_-]{3,}',
  '\\*{3}.*',
  'n\\/?a',
  // Names of kinds and types.
  'oauth[12]?|saml2?|x509|sha-?\\d{1,3}|u?int\\d{1,3}|uuid\\d?|float\\d{2}|base64|varchar\\d{0,4}',
  'null|nil|none|undefined|true|false|yes|no|on|off|required|optional|enabled|disabled',
  '(?:string|int|float|boolean|id)!|string|integer|number|boolean|object|array',
  // Rules of a form's fields.
  '(?:required|nullable|sometimes|string|confirmed|m(?:in|ax):\\d+)(?:[|,].*)?',
  '(?:your|my|the|some|an?|enter|insert|replace|put)[ _-].*(?:here|key|token|password|secret|value|id)',
  'change[ _-]?me|todo|fixme|example',
  // Code, and the path of a route.
  '\\w+\\.\\w+\\(.*',
  '(?:process|os|import)\\.[\\w.]*env\\b.*',
  '\\/[a-z-]+(?:\\/[a-z-]+\\d?)*',
  '(?:sk|pk|rk)_(?:live|test)_?\\W*',
];
const PLACEHOLDER = new RegExp(`^(?:${PLACEHOLDERS.join('|')})$`, 'i');
/** What says so wherever it stands, in a line; `putYourTokenHere` too, but not each password that happens to have the letters. */
const INSIDE =
  /^.*(?:(?<![a-z0-9])(?:(?:add|enter|insert|paste|put|replace|set|use)[ _-]?)?your|placeholder|goes[ _-]?here|\.\.\.).*$/i;

/** Those of letters and digits alone. */
const WORDS = new Set(
  `redacted filtered hidden masked removed na oauth oauth1 oauth2 saml saml2 x509 base64 null nil none undefined true false yes no
  on off required optional enabled disabled string integer number boolean object array nullable sometimes confirmed changeme
  todo fixme example`.split(/\s+/),
);
const WORD_LENGTH_MAX = 12;
const ALNUM_FORM = /^(?:sha\d{1,3}|u?int\d{1,3}|uuid\d?|float\d{2}|varchar\d{0,4}|x{3,12})$/i;

export function isPlaceholder(text: string): boolean {
  if (!isAlnum(text)) return PLACEHOLDER.test(text) || INSIDE.test(text);
  if (text.length > WORD_LENGTH_MAX) return INSIDE.test(text) || (isX(text) && /^x*$/i.test(text));
  return WORDS.has(text.toLowerCase()) || ALNUM_FORM.test(text) || INSIDE.test(text);
}

function isX(text: string): boolean {
  return (text.charCodeAt(0) | 0x20) === 0x78;
}

function isAlnum(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const letter = code | 0x20;
    if (!((letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39)) || code >= 0x80) return false;
  }
  return text !== '';
}
