/**
 * The operations of a GraphQL document (GraphQL, October 2021, §2): what each is called, without building a tree of it.
 *
 *     query Cart($id: ID = "a") @live { cart(id: $id) { total } }     → query Cart
 *     fragment F on Cart { total }                                    → none
 *     { me { name } }                                                 → query, without a name
 *
 * in:  a document, or the beginning of one · out: its operations, or null where it is no executable document
 *
 * One pass, whatever is in it: strings, block strings and comments are passed over, and brackets are counted, not nested. What
 * stands in a selection set is looked at no further than is needed to refuse what only looks like GraphQL, such as a
 * selector of Prometheus: `{app="shop"}`.
 */

export type OperationType = 'query' | 'mutation' | 'subscription';

export interface Operation {
  readonly type: OperationType;
  readonly name: string | null;
}

/** `isCut`: more of the document was not kept. At most `operationsMax` operations are told. */
export function readOperations(text: string, isCut: boolean, operationsMax: number): Operation[] | null {
  const operations: Operation[] = [];
  const lexer = new Lexer(text);
  for (;;) {
    const kind = lexer.next();
    if (kind === Token.end) break;
    if (kind === Token.openBrace) {
      if (operations.length < operationsMax) operations.push({ type: 'query', name: null });
    } else if (kind === Token.name) {
      const keyword = lexer.name();
      if (keyword !== 'fragment') {
        if (!isOperationType(keyword)) return null;
        const isNamed = lexer.next() === Token.name;
        if (operations.length < operationsMax) operations.push({ type: keyword, name: isNamed ? lexer.name() : null });
        if (!isNamed) lexer.again();
      }
      const opened = skipToSelection(lexer);
      if (opened === Token.end) return isCut && operations.length > 0 ? operations : null;
      if (opened !== Token.openBrace) return null;
    } else return null;
    const closed = skipSelection(lexer);
    if (closed === Token.end) return isCut ? operations : null;
    if (closed !== Token.closeBrace) return null;
  }
  return operations.length === 0 ? null : operations;
}

/** Up to the brace that opens the selection set: a fragment's type, variables, directives. */
function skipToSelection(lexer: Lexer): Token {
  for (;;) {
    const kind = lexer.next();
    if (kind === Token.openParenthesis) {
      if (!skipArguments(lexer)) return Token.end;
    } else if (kind !== Token.name && kind !== Token.at) return kind;
  }
}

/** Up to the brace that closes the selection set. Returns what it ends with instead where it is none. */
function skipSelection(lexer: Lexer): Token {
  // A set holds at least one field or fragment (§2.4).
  let isEmpty = true;
  for (let depth = 1; ; ) {
    const kind = lexer.next();
    if (kind === Token.openParenthesis) {
      if (!skipArguments(lexer)) return Token.end;
    } else if (kind === Token.openBrace) {
      depth++;
      isEmpty = true;
    } else if (kind === Token.closeBrace) {
      if (isEmpty) return Token.other;
      if (--depth === 0) return kind;
    } else if (kind === Token.name || kind === Token.spread) isEmpty = false;
    else if (kind !== Token.at && kind !== Token.colon) return kind;
  }
}

/** Values hold no parentheses, but the directives of variables do (§2.10). Returns whether they end. */
function skipArguments(lexer: Lexer): boolean {
  for (let depth = 1; depth > 0; ) {
    const kind = lexer.next();
    if (kind === Token.end) return false;
    if (kind === Token.openParenthesis) depth++;
    else if (kind === Token.closeParenthesis) depth--;
  }
  return true;
}

function isOperationType(word: string): word is OperationType {
  return word === 'query' || word === 'mutation' || word === 'subscription';
}

const Token = {
  end: 0,
  name: 1,
  openBrace: 2,
  closeBrace: 3,
  openParenthesis: 4,
  closeParenthesis: 5,
  at: 6,
  colon: 7,
  spread: 8,
  /** Strings, numbers and other marks, and what is no token. */
  other: 9,
} as const;
type Token = (typeof Token)[keyof typeof Token];

const PUNCTUATORS: Readonly<Record<number, Token>> = {
  123: Token.openBrace,
  125: Token.closeBrace,
  40: Token.openParenthesis,
  41: Token.closeParenthesis,
  64: Token.at,
  58: Token.colon,
};

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const HASH = 0x23;
const COMMA = 0x2c;
const DOT = 0x2e;
const BACKSLASH = 0x5c;
const BYTE_ORDER_MARK = 0xfeff;

/** Names are told up to here; a longer one is cut. */
const NAME_LENGTH_MAX = 128;

class Lexer {
  readonly #text: string;
  #at = 0;
  #start = 0;
  #kind: Token = Token.end;
  #isAgain = false;

  constructor(text: string) {
    this.#text = text;
  }

  /** The token that was read last, once more. */
  again(): void {
    this.#isAgain = true;
  }

  /** The name that was read last. */
  name(): string {
    return this.#text.slice(this.#start, Math.min(this.#at, this.#start + NAME_LENGTH_MAX));
  }

  next(): Token {
    if (this.#isAgain) this.#isAgain = false;
    else this.#kind = this.#read();
    return this.#kind;
  }

  #read(): Token {
    const text = this.#text;
    this.#skipIgnored();
    const start = this.#at;
    this.#start = start;
    if (start >= text.length) return Token.end;
    const code = text.charCodeAt(start);
    if (isNameStart(code)) {
      let end = start + 1;
      while (end < text.length && isNamePart(text.charCodeAt(end))) end++;
      this.#at = end;
      return Token.name;
    }
    if (code === QUOTE) return this.#skipString();
    if (code === DOT && text.startsWith('...', start)) {
      this.#at = start + 3;
      return Token.spread;
    }
    this.#at = start + 1;
    return PUNCTUATORS[code] ?? Token.other;
  }

  /** White space, line ends, commas and comments (§2.1). */
  #skipIgnored(): void {
    const text = this.#text;
    let at = this.#at;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === HASH) {
        while (at < text.length && !isLineEnd(text.charCodeAt(at))) at++;
      } else if (code !== SPACE && code !== COMMA && code !== TAB && code !== BYTE_ORDER_MARK && !isLineEnd(code))
        break;
    }
    this.#at = at;
  }

  /** §2.9.4. A string ends with its line, a block string at three quotes that no backslash precedes. */
  #skipString(): Token {
    const text = this.#text;
    if (text.startsWith('"""', this.#at)) {
      let end = text.indexOf('"""', this.#at + 3);
      while (end > 0 && text.charCodeAt(end - 1) === BACKSLASH) end = text.indexOf('"""', end + 3);
      this.#at = end < 0 ? text.length : end + 3;
      return Token.other;
    }
    let at = this.#at + 1;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === BACKSLASH) at++;
      else if (code === QUOTE || isLineEnd(code)) break;
    }
    this.#at = Math.min(at + 1, text.length);
    return Token.other;
  }
}

function isLineEnd(code: number): boolean {
  return code === LINE_FEED || code === CARRIAGE_RETURN;
}

function isNameStart(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a && code < 0x80) || code === 0x5f;
}

function isNamePart(code: number): boolean {
  return isNameStart(code) || (code >= 0x30 && code <= 0x39);
}
