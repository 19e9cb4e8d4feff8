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
  /(?<![a-z0-9])(?:(?:add|enter|insert|paste|put|replace|set|use)[ _-]?)?your|placeholder|goes[ _-]?here|\.\.\./i;
const LINE_END = /[\n\r\u2028\u2029]/;

/** Those of letters and digits alone. */
const WORDS = new Set(
  `redacted filtered hidden masked removed na oauth oauth1 oauth2 saml saml2 x509 base64 null nil none undefined true false yes no
  on off required optional enabled disabled string integer number boolean object array nullable sometimes confirmed changeme
  todo fixme example`.split(/\s+/),
);
const WORD_LENGTH_MAX = 12;
const ALNUM_FORM = /^(?:sha\d{1,3}|u?int\d{1,3}|uuid\d?|float\d{2}|varchar\d{0,4}|x{3,12})$/i;
/** Of each length, the letters that one of `WORDS` begins with. */
const WORD_STARTS: Uint32Array = new Uint32Array(WORD_LENGTH_MAX + 1);
for (const word of WORDS)
  WORD_STARTS[word.length] = (WORD_STARTS[word.length] as number) | lettersOf(word[0] as string);
/** What `ALNUM_FORM` begins with. */
const FORM_STARTS = lettersOf('suifvx');
/** Letters that a text with one of `INSIDE` has, which has no mark in it. */
const INSIDE_LETTERS: readonly number[] = ['your', 'placeholder', 'goeshere'].map(lettersOf);

export function isPlaceholder(text: string): boolean {
  const letters = alnumLetters(text);
  if (letters === NOT_ALNUM)
    return PLACEHOLDER.test(text) || (mayBeInside(lettersOf(text), text) && !LINE_END.test(text) && INSIDE.test(text));
  if (hasInsideLetters(letters) && INSIDE.test(text)) return true;
  const first = lettersOf(text[0] as string);
  if (text.length > WORD_LENGTH_MAX) return first === LETTER_X && /^x*$/i.test(text);
  if (((WORD_STARTS[text.length] as number) & first) !== 0 && WORDS.has(text.toLowerCase())) return true;
  return (FORM_STARTS & first) !== 0 && ALNUM_FORM.test(text);
}

/** Whether a text, which has these letters, may have one of `INSIDE` in it. */
function mayBeInside(letters: number, text: string): boolean {
  return hasInsideLetters(letters) || text.includes('...');
}

function hasInsideLetters(letters: number): boolean {
  for (const all of INSIDE_LETTERS) if ((letters & all) === all) return true;
  return false;
}

/** A bit each, whatever their case; digits have those of some letters. */
function lettersOf(text: string): number {
  let letters = 0;
  for (let i = 0; i < text.length; i++) letters |= 1 << (text.charCodeAt(i) & 31);
  return letters;
}

const LETTER_X = lettersOf('x');
const NOT_ALNUM = 0;

/** `lettersOf` a text of ASCII letters and digits alone; of any other, `NOT_ALNUM`. */
function alnumLetters(text: string): number {
  let letters = NOT_ALNUM;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const letter = code | 0x20;
    if (!((letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39)) || code >= 0x80) return NOT_ALNUM;
    letters |= 1 << (code & 31);
  }
  return letters;
}
