/**
 * The filter language, as typed into the page's box, given to the API and to `satellite delete`:
 *
 *     status>=500 method:POST,PUT host:shop path:^/cart duration>200ms body:"out of stock" -mark:gap
 *
 *     filter  = either *( either )                    all of them
 *     either  = part *( ( "OR" / "|" ) part )         one of them
 *     part    = [ "-" / "NOT" ] ( "(" filter ")" / term )
 *     term    = field operator value *( "," value ) / value
 *     operator = ":" / "=" / "!=" / ">" / ">=" / "<" / "<="
 *
 * in: text · out: a tree, or a `FilterError` with where and what is wrong · pure, linear, and bounded in depth and terms
 */
import { FIELDS, type Field } from './fields.js';

export type Operator = ':' | '=' | '!=' | '>' | '>=' | '<' | '<=';

export interface Term {
  readonly kind: 'term';
  readonly field: Field;
  readonly operator: Operator;
  /** One of them; never empty. */
  readonly values: readonly string[];
  readonly at: number;
}

export type Filter =
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Filter[] }
  | { readonly kind: 'not'; readonly part: Filter }
  | Term;

/** What a person typed and what is wrong with it, in a sentence. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
  /** Characters before what is wrong. */
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

const FILTER_CHARACTERS_MAX = 2000;
const TERMS_MAX = 50;
const VALUES_MAX = 50;
const DEPTH_MAX = 20;

interface Token {
  readonly kind: 'open' | 'close' | 'or' | 'not' | 'comma' | 'operator' | 'word' | 'text';
  readonly text: string;
  readonly at: number;
}

export function parseFilter(text: string): Filter {
  if (text.length > FILTER_CHARACTERS_MAX)
    throw new FilterError(`a filter has at most ${FILTER_CHARACTERS_MAX} characters; this has ${text.length}`, 0);
  return new Parser(tokensOf(text), text.length).whole();
}

const SPACE = /\s/;
/** What ends a value that has no quotes. */
const AFTER_VALUE = /[\s"(),|]/;
const OPERATORS: readonly Operator[] = ['>=', '<=', '!=', ':', '=', '>', '<'];

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const push = (kind: Token['kind'], length: number, value = text.slice(at, at + length)): void => {
    tokens.push({ kind, text: value, at });
    at += length;
  };
  while (at < text.length) {
    const character = text[at] as string;
    const isValue = ['operator', 'comma'].includes(tokens.at(-1)?.kind ?? '');
    if (SPACE.test(character)) at++;
    else if (character === '(') push('open', 1);
    else if (character === ')') push('close', 1);
    else if (character === '|') push('or', 1);
    else if (character === ',') push('comma', 1);
    else if (character === '"') {
      const { value, length } = quoted(text, at);
      push('text', length, value);
    } else if (character === '-' && !isValue) push('not', 1);
    else {
      const field = isValue ? null : /^([A-Za-z][A-Za-z.]*)(>=|<=|!=|:|=|>|<)/.exec(text.slice(at, at + 40));
      if (field !== null) {
        push('word', field[1]?.length ?? 0);
        const operator = OPERATORS.find((one) => text.startsWith(one, at)) ?? ':';
        push('operator', operator.length);
        continue;
      }
      let end = at;
      while (end < text.length && !AFTER_VALUE.test(text[end] as string)) end++;
      const word = text.slice(at, end);
      if (!isValue && word === 'OR') push('or', 2);
      else if (!isValue && word === 'NOT') push('not', 3);
      else if (!isValue && word === 'AND') at = end;
      else push('text', word.length);
    }
  }
  return tokens;
}

function quoted(text: string, start: number): { value: string; length: number } {
  let value = '';
  for (let i = start + 1; i < text.length; i++) {
    const character = text[i] as string;
    if (character === '"') return { value, length: i + 1 - start };
    if (character === '\\' && i + 1 < text.length) value += text[++i];
    else value += character;
  }
  throw new FilterError('a quotation mark is opened and not closed', start);
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #end: number;
  #next = 0;
  #terms = 0;

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens;
    this.#end = end;
  }

  whole(): Filter {
    const filter = this.#all(0);
    const rest = this.#tokens[this.#next];
    if (rest !== undefined) throw new FilterError('a parenthesis is closed that was not opened', rest.at);
    return filter;
  }

  #all(depth: number): Filter {
    const parts: Filter[] = [];
    for (let token = this.#peek(); token !== undefined && token.kind !== 'close'; token = this.#peek())
      parts.push(this.#any(depth));
    return one('all', parts);
  }

  #any(depth: number): Filter {
    const parts = [this.#part(depth)];
    while (this.#peek()?.kind === 'or') {
      this.#next++;
      parts.push(this.#part(depth));
    }
    return one('any', parts);
  }

  #part(depth: number): Filter {
    const token = this.#peek();
    if (depth > DEPTH_MAX) throw new FilterError(`nested more than ${DEPTH_MAX} deep`, token?.at ?? this.#end);
    if (token === undefined) throw new FilterError('something is missing at the end', this.#end);
    this.#next++;
    switch (token.kind) {
      case 'not':
        return { kind: 'not', part: this.#part(depth + 1) };
      case 'open': {
        const inside = this.#all(depth + 1);
        if (this.#peek()?.kind !== 'close') throw new FilterError('a parenthesis is opened and not closed', token.at);
        this.#next++;
        return inside;
      }
      case 'word':
        return this.#term(token);
      case 'text':
        if (token.text === '') throw new FilterError('an empty text is in everything', token.at);
        return this.#counted({ kind: 'term', field: ANYWHERE, operator: ':', values: [token.text], at: token.at });
      default:
        throw new FilterError(`"${token.text}" stands where a term such as status>=500 should be`, token.at);
    }
  }

  #term({ text, at }: Token): Filter {
    const field = FIELDS.get(text.toLowerCase());
    if (field === undefined) throw new FilterError(unknownField(text), at);
    const operator = this.#tokens[this.#next++] as Token;
    const values: string[] = [];
    do {
      const value = this.#peek();
      if (value?.kind !== 'text' || value.text === '')
        throw new FilterError(`${text}${operator.text} has no value; give it such as ${field.example}`, at);
      values.push(value.text);
      this.#next++;
    } while (this.#peek()?.kind === 'comma' && this.#next++ >= 0);
    if (values.length > VALUES_MAX) throw new FilterError(`${text} has more than ${VALUES_MAX} values`, at);
    return this.#counted({ kind: 'term', field, operator: operator.text as Operator, values, at });
  }

  #counted(term: Term): Term {
    if (++this.#terms > TERMS_MAX) throw new FilterError(`a filter has at most ${TERMS_MAX} terms`, term.at);
    return term;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }
}

const one = (kind: 'all' | 'any', parts: readonly Filter[]): Filter =>
  parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind, parts };

/** What a text without a field is looked for in. */
const ANYWHERE: Field = { name: '', type: 'anywhere', example: 'cart', help: 'path, query or host' };

function unknownField(given: string): string {
  const names = [...FIELDS.keys()];
  const near = names.find((name) => isNear(name, given.toLowerCase()));
  return `"${given}" is no field; ${near === undefined ? '' : `did you mean ${near}? `}there are ${names.join(', ')}`;
}

/** Whether two words differ by at most two letters put in, left out or replaced. */
function isNear(a: string, b: string): boolean {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return (row.at(-1) ?? 0) <= Math.min(2, Math.floor(a.length / 2));
}
