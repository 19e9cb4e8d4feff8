/**
 * The header section of a message: names and values as sent, in order, repeats kept (RFC 9110 §5).
 *
 * Most exchanges are dropped by a rule that looks at one or two headers, so the list keeps the head as one string
 * with the places of each name and value in it, and makes pairs only for who asks for them.
 */
export class HeaderList {
  /** The head's bytes as latin1, one character a byte. */
  readonly text: string;
  /** Four offsets into `text` a header: name start, name end, value start, value end. */
  readonly spans: readonly number[];

  constructor(text: string, spans: readonly number[]) {
    this.text = text;
    this.spans = spans;
  }

  get size(): number {
    return this.spans.length >> 2;
  }

  /** The first value of `lowercaseName`, or undefined. Names compare case-insensitively (RFC 9110 §5.1). */
  get(lowercaseName: string): string | undefined {
    const { spans, text } = this;
    for (let i = 0; i < spans.length; i += 4) {
      if (this.#isNamed(i, lowercaseName)) return valueText(text.slice(spans[i + 2], spans[i + 3]));
    }
    return undefined;
  }

  /** Every value of `lowercaseName`, in order. */
  getAll(lowercaseName: string): string[] {
    const values: string[] = [];
    for (let i = 0; i < this.spans.length; i += 4) {
      if (this.#isNamed(i, lowercaseName))
        values.push(valueText(this.text.slice(this.spans[i + 2], this.spans[i + 3])));
    }
    return values;
  }

  /** Names and values as sent, in order. */
  pairs(): [string, string][] {
    const { spans, text } = this;
    const pairs: [string, string][] = new Array(spans.length >> 2);
    for (let i = 0, n = 0; i < spans.length; i += 4, n++) {
      pairs[n] = [decodeText(text.slice(spans[i], spans[i + 1])), valueText(text.slice(spans[i + 2], spans[i + 3]))];
    }
    return pairs;
  }

  #isNamed(i: number, lowercaseName: string): boolean {
    const start = this.spans[i] as number;
    const length = (this.spans[i + 1] as number) - start;
    if (length !== lowercaseName.length) return false;
    for (let k = 0; k < length; k++) {
      let code = this.text.charCodeAt(start + k);
      if (code >= 0x41 && code <= 0x5a) code |= 0x20;
      if (code !== lowercaseName.charCodeAt(k)) return false;
    }
    return true;
  }
}

/** A field value without the white space around it and with folds undone (RFC 9112 §5, §5.2). */
function valueText(raw: string): string {
  const unfolded = raw.includes('\n') ? raw.replace(/[ \t]*\r?\n[ \t]+/g, ' ') : raw;
  const last = unfolded.charCodeAt(unfolded.length - 1);
  return decodeText(last === 0x20 || last === 0x09 ? unfolded.replace(/[ \t]+$/, '') : unfolded);
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

export const NO_HEADERS = new HeaderList('', []);
