/** Codes that are sent to log in once, as messages tell them: "your code is 483920", "483920 is your code". */
import { IN_SENTENCE, isDigitByte, type PhraseRow, SPACE, setOf } from './phrase-row.js';

/** A run of four digits soon. */
function isBeforeDigit(bytes: Buffer, at: number): boolean {
  const limit = Math.min(bytes.length, at + 64);
  let digits = 0;
  for (let i = at; i < limit; i++) {
    const byte = bytes[i] as number;
    if (!isDigitByte(byte)) digits = 0;
    else if (++digits === CODE_DIGITS_MIN) return true;
    if (byte === 0x22 && bytes[i - 1] !== 0x3d) return false;
  }
  return digits > 0;
}

const CODE_DIGITS_MIN = 4;

/** Which code, or whose: not that of a coupon, a country, an order. */
const CODE_NAME = [
  '(?:verification|security|log[ -]?in|sign[ -]?in|access|confirmation|activation|one[ -]time|auth(?:entication)?|sms|reset)[ -]?(?:pass)?code',
  '(?:best(?:\\xc3\\xa4|ae)tigungs|sicherheits|zugangs|anmelde)code',
  "\\b(?:your|ihr|dein|votre|ton)(?: (?!zip|post|promo|discount|coupon|booking|order|area|country|voucher|gift|referral|tracking|error|status|exit|product|reference)[\\w.&'-]{1,20}){0,2} code",
  'c(?:\\xc3\\xb3|o)d(?:igo|e) de (?:v(?:\\xc3\\xa9|e)rification|verificaci(?:\\xc3\\xb3|o)n)',
  '\\botp|\\bpin',
].join('|');
const CODE_DIGITS = '[0-9]{4,8}\\b';
const CODE_HEAD = `(?<=${CODE_NAME})(?: for [a-z]{1,20}(?: [a-z]{1,20})?)?(?:${SPACE}{1,16}(?:is|ist|est|es|lautet):?|:)(?:${SPACE}|</?[a-z]{1,8}(?: [^<>]{0,96})?>){1,3}(?=${CODE_DIGITS})|(?<=\\b(?:use|enter|with)(?: the| this| your)? code)${SPACE}(?=${CODE_DIGITS} to (?:verify|log|sign|confirm|complete|reset|access|continue))`;
const CODE_BEFORE = `(?<=(?:^|[^\\w.-]|\\bG-)([0-9]{4,8}|[0-9]{3}[ -][0-9]{3}) is (?:your|the))(?= (?:[\\w&'-]{1,24} ){0,3}(?:code|otp|pin|password|passcode)\\b)|(?<=\\b(?:use|enter|code) ([0-9]{4,8}|[0-9]{3}[ -][0-9]{3}) to (?:verify|sign in|log in|confirm))`;

/** Whether a digit stands a few words before. */
function isBehindDigit(bytes: Buffer, at: number): boolean {
  for (let i = at - 1; i >= 0 && i > at - 24; i--) if (isDigitByte(bytes[i])) return true;
  return false;
}

export const CODE_PHRASES: readonly PhraseRow[] = [
  {
    id: 'code-in-words',
    words: ['code', 'otp', 'pin', 'verification', 'verificacion'],
    follows: IN_SENTENCE,
    needs: 'odd',
    mayGoOn: isBeforeDigit,
    head: CODE_HEAD,
    secret: { set: setOf('[0-9]'), min: 4 },
  },
  {
    id: 'code-in-words',
    words: ['isyour', 'isthe', 'toverify', 'tosignin', 'tologin', 'toconfirm'],
    follows: setOf('[ .,!<"\\\\\\n]'),
    mayGoOn: isBehindDigit,
    head: CODE_BEFORE,
    isBefore: true,
    secret: () => -1,
  },
];
