/**
 * Puts pieces of text together, as WebAssembly: templates as they are, and text as it stands inside a JSON string (RFC 8259 §7),
 * sixteen bytes at once. What is written most is heads and bodies that are bytes already, and no string is made of them.
 *
 * in: places of pieces in its own memory, in order · out: the bytes of all, one behind the other, the same as `JSON.stringify`
 * makes of the same text
 *
 * Memory:
 *
 *     ESCAPES   of each byte the escape, eight bytes; then how long each is
 *     PIECES    of each piece where it is, and four times its length and its kind
 *     LETTERS   of each control character the letter of its escape, 0 where that has four digits
 *     PLACES    of eight bytes, by which of them are escaped, a bit each, which come where: 8 is a backslash
 *     TEXT      what pieces are of; whoever uses it divides it
 *     OUTPUT    the pieces, one behind the other
 */
import { lazy } from '../lazy.js';
import {
  type Code,
  either,
  get,
  i8x16,
  i32,
  i64,
  repeatWhile,
  select,
  set,
  ValueType,
  v128,
  wasmModule,
  when,
} from '../redact/wasm-code.js';

/** What becomes of a piece. */
export const Piece = {
  /** It is copied. */
  raw: 0,
  /** UTF-8 that is escaped. */
  text: 1,
  /** The same of a head, in which nothing but printable ASCII is expected. */
  value: 2,
  /** The same as `text`, and only how long it becomes is found out. */
  measured: 3,
} as const;

const ESCAPES = 64;
const ESCAPE_BYTES = 8;
const ESCAPE_LENGTHS = ESCAPES + ESCAPE_BYTES * 256;
/** Bits for a control character in a value, and 0x80 for a byte beyond ASCII; and where the output ends. */
const ODD = ESCAPE_LENGTHS + 256;
const OUTPUT_END = ODD + 4;
const PIECES = 4096;
/** One of them is none of a trace's: see `measure`. */
const PIECES_MAX = 1025;
const PIECE_BYTES = 8;
const LETTERS = PIECES + PIECES_MAX * PIECE_BYTES;
const PLACES = LETTERS + 16;
const TEXT = PLACES + 16 * 256;
/** What is read and written beyond the end of a piece. */
const SLACK = 16;
/** Bytes of text. */
export const TEXT_BYTES = 320 << 10;
/** `\u001f`: the most that a byte becomes. */
const ESCAPED_FACTOR = 6;
const OUTPUT = TEXT + TEXT_BYTES + SLACK;
/** Bytes that pieces may become: a control character becomes six. */
const OUTPUT_BYTES = 1 << 20;
/** What is measured or written at once: what it becomes has room. */
export const LONG_TEXT_MAX = Math.floor(OUTPUT_BYTES / ESCAPED_FACTOR);
const PAGES = Math.ceil((OUTPUT + OUTPUT_BYTES + SLACK) / 65_536);

/** The parameters: where the next piece is written down, and where the last ends. */
const AT = 0;
const STOP = 1;
const FROM = 2;
const KIND = 3;
const END = 4;
const OUT = 5;
const COUNT = 6;
const LEFT = 7;
const BYTE = 8;
const BYTES = 9;
const HIGH = 10;
const LOCALS = [...Array<number>(7).fill(ValueType.i32), ...Array<number>(2).fill(ValueType.v128)];
/** Bytes that are read at once. */
const AT_ONCE = 16;
const HALF = 8;

const all = (byte: number): Code => v128.const(Array<number>(16).fill(byte));
const advance = (local: number, by: Code): Code => set(local, i32.add(get(local), by));

/** A piece is copied to its last sixteen bytes or beyond, and what follows overwrites that. */
const rawPiece: Code[] = [
  repeatWhile(
    [v128.store(get(OUT), v128.load(get(FROM), 0), 0), advance(FROM, i32.const(16)), advance(OUT, i32.const(16))],
    i32.ltU(get(FROM), get(END)),
  ),
  set(OUT, i32.sub(get(OUT), i32.sub(get(FROM), get(END)))),
];

const CONTROLS_END = 0x20;
const isControl = i8x16.ltU(get(BYTES), all(CONTROLS_END));
/** A bit for each byte that is escaped. */
const escapedBits = i8x16.bitmask(
  v128.or(v128.or(i8x16.eq(get(BYTES), all(0x22)), i8x16.eq(get(BYTES), all(0x5c))), isControl),
);
const letters = i8x16.swizzle(v128.load(i32.const(0), LETTERS), get(BYTES));
/** A bit for each byte whose escape has four digits. */
const longBits = i8x16.bitmask(v128.and(isControl, i8x16.eq(letters, all(0))));
/** The same as `escapedBits`, and one behind the last. */
const escaped = i32.or(escapedBits, i32.const(1 << AT_ONCE));

/** Half of sixteen bytes that are escaped by a backslash, if at all: `BYTE` says which. */
function halfPiece(half: 0 | 1): Code[] {
  const withBackslash = i8x16.shuffle(
    get(BYTES),
    all(0x5c),
    Array.from({ length: AT_ONCE }, (_, i) => (i < HALF ? half * HALF + i : AT_ONCE)),
  );
  const places = v128.load(i32.shl(get(BYTE), i32.const(4)), PLACES);
  return [
    v128.store(get(OUT), i8x16.swizzle(withBackslash, places), 0),
    advance(OUT, i32.add(i32.bitCount(get(BYTE)), i32.const(HALF))),
  ];
}

/** Sixteen bytes, one by one. */
const oddBytes: Code[] = [
  set(LEFT, i32.add(get(FROM), i32.const(AT_ONCE))),
  repeatWhile(
    [
      set(BYTE, i32.load8(get(FROM), 0)),
      i64.store(get(OUT), i64.load(i32.shl(get(BYTE), i32.const(3)), ESCAPES), 0),
      advance(OUT, i32.load8(get(BYTE), ESCAPE_LENGTHS)),
      advance(FROM, i32.const(1)),
    ],
    i32.ltU(get(FROM), get(LEFT)),
  ),
];

/** As long as there are sixteen bytes: JSON inside of JSON has so many to escape that one after the other would take long. */
const longText: Code[] = [
  repeatWhile(
    [
      set(BYTES, v128.load(get(FROM), 0)),
      set(COUNT, escapedBits),
      either(longBits, oddBytes, [
        either(
          get(COUNT),
          [
            set(BYTES, v128.or(v128.andNot(get(BYTES), isControl), letters)),
            set(BYTE, i32.and(get(COUNT), i32.const(0xff))),
            ...halfPiece(0),
            set(BYTE, i32.shrU(get(COUNT), i32.const(HALF))),
            ...halfPiece(1),
          ],
          [v128.store(get(OUT), get(BYTES), 0), advance(OUT, i32.const(AT_ONCE))],
        ),
        advance(FROM, i32.const(AT_ONCE)),
      ]),
    ],
    i32.ltU(i32.add(get(FROM), i32.const(AT_ONCE - 1)), get(END)),
  ),
];

/** How many bytes it becomes: one more for each that is escaped, four more where its escape has digits. */
const measuredPiece: Code[] = [
  repeatWhile(
    [
      set(BYTES, v128.load(get(FROM), 0)),
      set(LEFT, i32.sub(get(END), get(FROM))),
      set(LEFT, select(get(LEFT), i32.const(AT_ONCE), i32.ltU(get(LEFT), i32.const(AT_ONCE)))),
      set(COUNT, i32.sub(i32.shl(i32.const(1), get(LEFT)), i32.const(1))),
      advance(OUT, i32.add(get(LEFT), i32.bitCount(i32.and(get(COUNT), escapedBits)))),
      advance(OUT, i32.shl(i32.bitCount(i32.and(get(COUNT), longBits)), i32.const(2))),
      advance(FROM, i32.const(AT_ONCE)),
    ],
    i32.ltU(get(FROM), get(END)),
  ),
];

/** Up to the next byte that is escaped, and that byte. */
function textPiece(isValue: boolean): Code[] {
  const odd = i32.or(i32.load(i32.const(0), ODD), i32.ltU(get(BYTE), i32.const(CONTROLS_END)));
  return [
    repeatWhile(
      [
        set(BYTES, v128.load(get(FROM), 0)),
        v128.store(get(OUT), get(BYTES), 0),
        ...(isValue ? [set(HIGH, v128.or(get(HIGH), get(BYTES)))] : []),
        set(COUNT, i32.lowestBit(escaped)),
        set(LEFT, i32.sub(get(END), get(FROM))),
        set(COUNT, select(get(COUNT), get(LEFT), i32.ltU(get(COUNT), get(LEFT)))),
        advance(FROM, get(COUNT)),
        advance(OUT, get(COUNT)),
        when(i32.and(i32.ltU(get(FROM), get(END)), i32.ltU(get(COUNT), i32.const(16))), [
          set(BYTE, i32.load8(get(FROM), 0)),
          i64.store(get(OUT), i64.load(i32.shl(get(BYTE), i32.const(3)), ESCAPES), 0),
          advance(OUT, i32.load8(get(BYTE), ESCAPE_LENGTHS)),
          advance(FROM, i32.const(1)),
          ...(isValue ? [i32.store(i32.const(0), odd, ODD)] : []),
        ]),
      ],
      i32.ltU(get(FROM), get(END)),
    ),
  ];
}

const isKind = (kind: number): Code => i32.isZero(i32.xor(get(KIND), i32.const(kind)));

const program = lazy(
  () =>
    new WebAssembly.Module(
      wasmModule({
        locals: LOCALS,
        pages: PAGES,
        body: [
          i32.store(i32.const(0), i32.const(0), ODD),
          set(OUT, i32.const(OUTPUT)),
          repeatWhile(
            [
              set(FROM, i32.load(get(AT), 0)),
              set(KIND, i32.load(get(AT), 4)),
              set(END, i32.add(get(FROM), i32.shrU(get(KIND), i32.const(2)))),
              set(KIND, i32.and(get(KIND), i32.const(3))),
              advance(AT, i32.const(PIECE_BYTES)),
              when(i32.isZero(get(KIND)), rawPiece),
              when(isKind(Piece.text), [
                when(i32.ltU(i32.add(get(FROM), i32.const(AT_ONCE - 1)), get(END)), longText),
                when(i32.ltU(get(FROM), get(END)), textPiece(false)),
              ]),
              when(isKind(Piece.value), textPiece(true)),
              when(isKind(Piece.measured), measuredPiece),
            ],
            i32.ltU(get(AT), get(STOP)),
          ),
          i32.store(i32.const(0), i32.or(i32.load(i32.const(0), ODD), i8x16.bitmask(get(HIGH))), ODD),
          i32.store(i32.const(0), get(OUT), OUTPUT_END),
        ],
      }),
    ),
);

/** What is written into `text`, at places that whoever writes it chooses, is put together by `gather`. */
export class Gatherer {
  /** `TEXT_BYTES` of them. */
  readonly text: Buffer;
  readonly #memory: Buffer;
  readonly #run: (at: number, stop: number) => void;
  readonly #pieces: Int32Array;
  readonly #results: Int32Array;
  #count = 0;
  /** The most that the pieces can become. */
  #bytesMax = 0;

  /** @throws WebAssembly.CompileError where the processor has no vectors of 16 bytes */
  constructor() {
    const exports = new WebAssembly.Instance(program(), {}).exports as unknown as {
      memory: WebAssembly.Memory;
      run(at: number, stop: number): void;
    };
    const { buffer } = exports.memory;
    this.#run = exports.run;
    this.#memory = Buffer.from(buffer);
    this.text = Buffer.from(buffer, TEXT, TEXT_BYTES);
    this.#pieces = new Int32Array(buffer, PIECES, (2 * PIECE_BYTES * PIECES_MAX) / 8);
    this.#results = new Int32Array(buffer, ODD, 2);
    for (let byte = 0; byte < 256; byte++) {
      const escapedByte = JSON.stringify(String.fromCharCode(byte)).slice(1, -1);
      this.#memory.write(escapedByte, ESCAPES + ESCAPE_BYTES * byte, 'latin1');
      this.#memory[ESCAPE_LENGTHS + byte] = escapedByte.length;
      if (byte < AT_ONCE && escapedByte.length === 2) this.#memory[LETTERS + byte] = escapedByte.charCodeAt(1);
      this.#memory.set(placesOf(byte), PLACES + AT_ONCE * byte);
    }
  }

  begin(): void {
    this.#count = 0;
    this.#bytesMax = 0;
  }

  /** The next piece: `length` bytes of `text` from `start` on. */
  add(start: number, length: number, kind: number): void {
    const at = 2 * this.#count;
    this.#pieces[at] = TEXT + start;
    this.#pieces[at + 1] = (length << 2) | kind;
    this.#count++;
    this.#bytesMax += kind === Piece.raw ? length : ESCAPED_FACTOR * length;
  }

  /** How many pieces there are. */
  get count(): number {
    return this.#count;
  }

  /** How many bytes all pieces become; -1 where they are too many or too long, or a value of a head is odd. */
  gather(): number {
    if (this.#count === 0 || this.#count >= PIECES_MAX || this.#bytesMax > OUTPUT_BYTES) return -1;
    const bytes = this.#gathered(0, this.#count);
    return this.#results[0] === 0 ? bytes : -1;
  }

  /** Writes the pieces from `from` to `to`, of those that were gathered; returns how many bytes they are. */
  write(target: Buffer, at: number, from: number, to: number): number {
    const bytes = this.#gathered(from, to);
    this.copy(target, at, bytes);
    return bytes;
  }

  /** How many bytes some of the text becomes that is no piece, as `Piece.text`; at most `LONG_TEXT_MAX` of it. */
  measure(start: number, length: number): number {
    return this.#gatherAlone(start, length, Piece.measured);
  }

  /** Writes what is measured so; returns how many bytes it is. */
  writeText(target: Buffer, at: number, start: number, length: number): number {
    const bytes = this.#gatherAlone(start, length, Piece.text);
    this.copy(target, at, bytes);
    return bytes;
  }

  /** It stands behind the pieces, and is none of them. */
  #gatherAlone(start: number, length: number, kind: number): number {
    const at = this.#count;
    this.#pieces[2 * at] = TEXT + start;
    this.#pieces[2 * at + 1] = (length << 2) | kind;
    return this.#gathered(at, at + 1);
  }

  #gathered(from: number, to: number): number {
    this.#run(PIECES + from * PIECE_BYTES, PIECES + to * PIECE_BYTES);
    return (this.#results[1] as number) - OUTPUT;
  }

  /** The first `bytes` of what was gathered. */
  copy(target: Buffer, at: number, bytes: number): void {
    this.#memory.copy(target, at, OUTPUT, OUTPUT + bytes);
  }
}

/** UTF-8 as it stands inside a JSON string, `LONG_TEXT_MAX` bytes of it at most. */
export interface JsonText {
  /** How many bytes it becomes. */
  measure(bytes: Uint8Array): number;
  /** Writes it to where there is room; returns how many bytes it is. */
  write(target: Buffer, at: number, bytes: Uint8Array): number;
}

/** Null where the processor has no vectors. */
export function openJsonText(): JsonText | null {
  try {
    const gatherer = new Gatherer();
    return {
      measure(bytes) {
        gatherer.text.set(bytes);
        return gatherer.measure(0, bytes.length);
      },
      write(target, at, bytes) {
        gatherer.text.set(bytes);
        return gatherer.writeText(target, at, 0, bytes.length);
      },
    };
  } catch {
    return null;
  }
}

/** Where the bytes and backslashes come from where those of eight bytes are escaped whose bits are set. */
function placesOf(bits: number): number[] {
  const places: number[] = [];
  for (let i = 0; i < HALF; i++) {
    if (((bits >> i) & 1) === 1) places.push(HALF);
    places.push(i);
  }
  return places;
}
