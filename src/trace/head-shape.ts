/**
 * The names of a head's headers, in their order: what a sender repeats from message to message, so that all that names decide is
 * decided once for each.
 *
 * in: a `HeaderList` · out: its `HeadShape`, the same object for heads with the same names, as long as it is remembered
 */
import type { HeaderList } from '../http/header-list.js';

export interface HeadShape {
  /** As sent, in order. */
  readonly names: readonly string[];
  /** The same in small letters. */
  readonly lowercase: readonly string[];
  /** Where `Content-Type` is; -1 where there is none. */
  readonly contentType: number;
  /** Whether a name comes several times, in whatever case. */
  readonly hasRepeats: boolean;
  /** Whether it has a header that may name a client. */
  readonly mayNameClient: boolean;
}

/** Places of shapes: one that falls where another is takes its place. */
const SHAPES_MAX = 256;
const HEADERS_MAX = 64;
const NAME_LENGTH_MAX = 64;

/** Headers that `clientOf` looks for, by their beginnings. */
const CLIENT_HEADERS = /^(?:forwarded|x-forwarded-for|x-amzn-trace-id|cloudfront-viewer-address)$/;

export class HeadShapes {
  /** Of lists that messages share. */
  readonly #shared = new WeakMap<HeaderList, HeadShape | null>();
  readonly #shapes: (HeadShape | undefined)[] = new Array<HeadShape | undefined>(SHAPES_MAX).fill(undefined);

  /** Null where there are too many headers, a name is none (RFC 9110 §5.1), or there are several media types. */
  of(list: HeaderList): HeadShape | null {
    if (!list.isShared) return this.#find(list);
    let shape = this.#shared.get(list);
    if (shape === undefined) {
      shape = this.#find(list);
      this.#shared.set(list, shape);
    }
    return shape;
  }

  #find(list: HeaderList): HeadShape | null {
    const { text, spans, size: count } = list;
    // Those of HTTP/2 have no text.
    if (count > HEADERS_MAX || count !== spans.length >> 2) return null;
    let place = count;
    for (let i = 0; i < spans.length; i += 4) {
      const start = spans[i] as number;
      place = Math.imul(place, 31) + ((spans[i + 1] as number) - start) + text.charCodeAt(start);
    }
    place &= SHAPES_MAX - 1;
    const known = this.#shapes[place];
    if (known !== undefined && hasNames(known.names, text, spans)) return known;
    const shape = shapeOf(text, spans);
    if (shape !== null) this.#shapes[place] = shape;
    return shape;
  }
}

function hasNames(names: readonly string[], text: string, spans: readonly number[]): boolean {
  const { length } = names;
  if (length !== spans.length >> 2) return false;
  for (let i = 0; i < length; i++) {
    const name = names[i] as string;
    const start = spans[4 * i] as number;
    if ((spans[4 * i + 1] as number) - start !== name.length) return false;
    for (let k = 0; k < name.length; k++) if (name.charCodeAt(k) !== text.charCodeAt(start + k)) return false;
  }
  return true;
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function shapeOf(text: string, spans: readonly number[]): HeadShape | null {
  const names: string[] = [];
  for (let i = 0; i < spans.length; i += 4) {
    const name = text.slice(spans[i], spans[i + 1]);
    if (name.length > NAME_LENGTH_MAX || !NAME.test(name)) return null;
    // A copy, as a slice would keep the head it is from.
    names.push(Buffer.from(name, 'latin1').toString('latin1'));
  }
  const lowercase = names.map((name) => name.toLowerCase());
  const contentType = lowercase.indexOf('content-type');
  // Of several, each reader has its own idea of which counts.
  if (lowercase.lastIndexOf('content-type') !== contentType) return null;
  return {
    names,
    lowercase,
    contentType,
    hasRepeats: new Set(lowercase).size < lowercase.length,
    mayNameClient: lowercase.some((name) => CLIENT_HEADERS.test(name)),
  };
}
