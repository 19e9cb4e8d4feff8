/**
 * The header section of a message: names and values as sent, in order, repeats kept (RFC 9110 §5).
 *
 * in:  a head's text and the places in it · out: values by name, or all pairs
 *
 * Most exchanges are dropped by a rule that looks at one or two headers, so the list keeps the head as one string
 * with the places of each name and value in it, and makes pairs only when they are asked for.
 */
export class HeaderList {
  /** The head's bytes as latin1, one character a byte. */
  readonly text: string;
  /** Four offsets into `text` for each header: name start, name end, value start, value end. */
  readonly spans: readonly number[];
  /** Whether the head is ASCII without folds, as nearly all are: then a slice of it is a value. */
  readonly isPlain: boolean;
  /** Bit n: whether there may be a name of n characters, modulo 32. Nearly all that is asked for is not there. */
  readonly lengths: number;

  /** Whether other messages have the same list: what is found out of it is worth remembering. */
  readonly isShared: boolean;
  /** The values that were asked for, by their places; null where the list is not shared. */
  readonly #values: (string | undefined)[] | null;

  constructor(text: string, spans: readonly number[], isPlain = false, lengths = -1, isShared = false) {
    this.text = text;
    this.spans = spans;
    this.isPlain = isPlain;
    this.lengths = lengths;
    this.isShared = isShared;
    this.#values = isShared ? new Array<string | undefined>(spans.length >> 2).fill(undefined) : null;
  }

  get size(): number {
    return this.spans.length >> 2;
  }

  /** Characters that it holds. */
  get textLength(): number {
    return this.text.length;
  }

  /** The first value of `lowercaseName`, or undefined. Names compare case-insensitively (RFC 9110 §5.1). */
  get(lowercaseName: string): string | undefined {
    const at = this.#find(lowercaseName, 0);
    return at < 0 ? undefined : this.#value(at);
  }

  /**
   * A 30-bit digest of the first value of `lowercaseName`, of its length and of characters at both ends; -1 if there is none. What
   * is rarely compared need not be made a text.
   */
  digest(lowercaseName: string): number {
    const at = this.#find(lowercaseName, 0);
    if (at < 0) return -1;
    const { spans, text } = this;
    const start = spans[at + 2] as number;
    let end = spans[at + 3] as number;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    let digest = end - start;
    const head = Math.min(end, start + DIGEST_CHARACTERS);
    for (let i = start; i < head; i++) digest = Math.imul(digest ^ text.charCodeAt(i), 0x01000193);
    for (let i = Math.max(head, end - DIGEST_CHARACTERS); i < end; i++)
      digest = Math.imul(digest ^ text.charCodeAt(i), 0x01000193);
    return digest >>> 2;
  }

  /** Every value of `lowercaseName`, in order. */
  getAll(lowercaseName: string): string[] {
    const values: string[] = [];
    for (let at = this.#find(lowercaseName, 0); at >= 0; at = this.#find(lowercaseName, at + 4)) {
      values.push(this.#value(at));
    }
    return values;
  }

  /** The value of the header at a place. */
  valueAt(index: number): string {
    return this.#value(4 * index);
  }

  /** Names and values as sent, in order. */
  pairs(): [string, string][] {
    const { spans, text } = this;
    const pairs: [string, string][] = new Array(spans.length >> 2);
    for (let i = 0, n = 0; i < spans.length; i += 4, n++) {
      const name = text.slice(spans[i], spans[i + 1]);
      pairs[n] = [this.isPlain ? name : decodeText(name), this.#value(i)];
    }
    return pairs;
  }

  /** Where in `spans` the first header named so is, from `from` on; or -1. */
  #find(lowercaseName: string, from: number): number {
    const { spans, text } = this;
    const { length } = lowercaseName;
    if (((this.lengths >>> (length & 31)) & 1) === 0) return -1;
    next: for (let i = from; i < spans.length; i += 4) {
      const start = spans[i] as number;
      if ((spans[i + 1] as number) - start !== length) continue;
      for (let k = 0; k < length; k++) {
        let code = text.charCodeAt(start + k);
        if (code >= 0x41 && code <= 0x5a) code |= 0x20;
        if (code !== lowercaseName.charCodeAt(k)) continue next;
      }
      return i;
    }
    return -1;
  }

  #value(i: number): string {
    if (this.#values === null) return this.#read(i);
    const value = this.#values[i >> 2] ?? this.#read(i);
    this.#values[i >> 2] = value;
    return value;
  }

  /** The value without the white space around it (RFC 9112 §5). */
  #read(i: number): string {
    const { spans, text } = this;
    const start = spans[i + 2] as number;
    let end = spans[i + 3] as number;
    // The parser skips the white space before a value, not behind it.
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    const value = text.slice(start, end);
    return this.isPlain ? value : decodeText(value.includes('\n') ? unfold(value) : value);
  }
}

/** An id differs from others at its beginning or its end, nearly always. */
const DIGEST_CHARACTERS = 8;

/**
 * obs-fold becomes one space (RFC 9112 §5.2). Line by line: an expression for the white space around a line break would
 * take time in the square of a long run of it.
 */
function unfold(value: string): string {
  const lines = value.split('\n');
  return lines
    .map((line, i) => {
      let start = 0;
      let end = line.length;
      if (i < lines.length - 1) {
        if (line.charCodeAt(end - 1) === 0x0d) end--;
        while (end > 0 && isBlank(line.charCodeAt(end - 1))) end--;
      }
      if (i > 0) while (start < end && isBlank(line.charCodeAt(start))) start++;
      return line.slice(start, end);
    })
    .join(' ');
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * Text of header bytes given as latin1: UTF-8 where the bytes are valid UTF-8, else one character a byte, so that
 * no byte is lost (RFC 9110 §5.5: obs-text is opaque data).
 */
export function decodeText(latin1: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the class is "any byte that is not ASCII"
  if (/^[\x00-\x7f]*$/.test(latin1)) return latin1;
  try {
    return utf8.decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return latin1;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
