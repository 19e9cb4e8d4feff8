/**
 * What a header block says (RFC 9113 §8.3): its pseudo-header fields apart, the others as a list.
 *
 * in:  fields, from the decoder · out: the parts of a message's head. One object for all blocks, written anew for each.
 */
import type { HeaderList } from '../header-list.js';
import { FieldList } from './field-list.js';
import type { FieldSink } from './hpack-decoder.js';

/** What a field counts beyond its characters (§6.5.2, SETTINGS_MAX_HEADER_LIST_SIZE). */
const FIELD_BYTES = 32;
const COLON = 0x3a;
/** Strings that are held on to from one block to the next. */
const SCRATCH_FIELDS_MAX = 128;

export class HeadFields implements FieldSink {
  wantsValues = true;
  /** Null where there is none that is known. */
  method: string | null = null;
  path: string | null = null;
  authority: string | null = null;
  scheme: string | null = null;
  /** Of extended CONNECT (RFC 8441 §4). */
  protocol: string | null = null;
  /** 0 where there is none that is known. */
  status = 0;
  /** Whether there are fields that are not known. */
  hasUnknown = false;
  /** Whether the first field is one, so that it may be a pseudo-header field. */
  beginsUnknown = false;
  /** Whether fields over the cap were left out. */
  isTooLarge = false;
  malformed = false;
  readonly #bytesMax: number;
  /** Names and values in turn, written anew for each block: the first `#count` are this one's. */
  #fields: string[] = [];
  #count = 0;
  #textLength = 0;
  #bytes = 0;

  /** `bytesMax`: of the fields of one block, each counted as often as it is referred to. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether anything is known that only requests have. */
  get isRequest(): boolean {
    return this.method !== null || this.path !== null || this.scheme !== null || this.authority !== null;
  }

  /** Whether it lacks what a request has to have (§8.3.1, §8.5), though all of its fields are known. */
  get lacksRequest(): boolean {
    if (this.hasUnknown || this.isTooLarge) return false;
    const isTunnel = this.method === 'CONNECT' && this.protocol === null;
    return this.method === null || (isTunnel ? this.authority === null : this.scheme === null || !this.path);
  }

  begin(wantsValues: boolean): void {
    this.wantsValues = wantsValues;
    this.method = null;
    this.path = null;
    this.authority = null;
    this.scheme = null;
    this.protocol = null;
    this.status = 0;
    this.hasUnknown = false;
    this.beginsUnknown = false;
    this.isTooLarge = false;
    this.malformed = false;
    if (this.#fields.length > SCRATCH_FIELDS_MAX) this.#fields = [];
    this.#count = 0;
    this.#textLength = 0;
    this.#bytes = 0;
  }

  field(name: string, value: string): void {
    this.#bytes += name.length + value.length + FIELD_BYTES;
    if (this.#bytes > this.#bytesMax) {
      this.isTooLarge = true;
      return;
    }
    if (name.charCodeAt(0) === COLON) {
      this.#pseudo(name, value);
      return;
    }
    this.#fields[this.#count++] = name;
    this.#fields[this.#count++] = value;
    this.#textLength += name.length + value.length;
  }

  unknownField(): void {
    if (this.#bytes === 0) this.beginsUnknown = true;
    this.#bytes += FIELD_BYTES;
    this.hasUnknown = true;
  }

  /** The fields that are no pseudo-header fields; those of extended CONNECT begin with `:protocol`, which has no other place. */
  list(): HeaderList {
    const { protocol } = this;
    const fields = this.#fields.slice(0, this.#count);
    if (protocol === null) return new FieldList(fields, this.#textLength);
    return new FieldList([PROTOCOL, protocol, ...fields], this.#textLength + PROTOCOL.length + protocol.length);
  }

  /** The same, where they are trailers: those have no others (§8.1). */
  pairs(): [string, string][] {
    const pairs: [string, string][] = new Array(this.#count >> 1);
    const fields = this.#fields;
    for (let i = 0; i < pairs.length; i++) pairs[i] = [fields[2 * i] as string, fields[2 * i + 1] as string];
    return pairs;
  }

  #pseudo(name: string, value: string): void {
    // They come first, and each once (§8.3).
    if (this.#count > 0) this.malformed = true;
    switch (name) {
      case ':method':
        this.method = this.#once(this.method, value);
        break;
      case ':path':
        this.path = this.#once(this.path, value);
        break;
      case ':authority':
        this.authority = this.#once(this.authority, value);
        break;
      case ':scheme':
        this.scheme = this.#once(this.scheme, value);
        break;
      case PROTOCOL:
        this.protocol = this.#once(this.protocol, value);
        break;
      case ':status':
        if (this.status !== 0 || !/^[1-9][0-9]{2}$/.test(value)) this.malformed = true;
        else this.status = Number(value);
        break;
      default:
        this.malformed = true;
    }
  }

  #once(known: string | null, value: string): string {
    if (known === null) return value;
    this.malformed = true;
    return known;
  }
}

const PROTOCOL = ':protocol';
