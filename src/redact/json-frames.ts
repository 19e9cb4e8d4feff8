/** What the JSON walk remembers of the objects and arrays it is in. */
import type { Cause } from './edits.js';
import type { NameRule } from './sensitive-names.js';

export interface Frame {
  isArray: boolean;
  /** Where its own name stands; both 0 where it has none. */
  nameStart: number;
  nameEnd: number;
  /** All that lies inside is secret, for this reason. */
  deep: Cause | null;
  /** And by this rule. */
  deepRule: NameRule | null;
  /** The elements of this array are. */
  list: NameRule | null;
  listCause: Cause | null;
  /** Elements read. */
  index: number;
  /** The next element is: `["--password", "…"]`. */
  elementRule: NameRule | null;
  /** `"name":"DB_PASSWORD"` was read. */
  namedRule: NameRule | null;
  namedCause: Cause | null;
  /** `"value":"…"` was read, before a name. */
  valueStart: number;
  valueEnd: number;
  /** A JSON Web Key: `"kty"` was read. */
  isKey: boolean;
  keySpans: [number, number][];
}

function createFrame(): Frame {
  return {
    isArray: false,
    nameStart: 0,
    nameEnd: 0,
    deep: null,
    deepRule: null,
    list: null,
    listCause: null,
    index: 0,
    elementRule: null,
    namedRule: null,
    namedCause: null,
    valueStart: 0,
    valueEnd: 0,
    isKey: false,
    keySpans: [],
  };
}

function reset(frame: Frame): void {
  frame.isArray = false;
  frame.nameStart = frame.nameEnd = 0;
  frame.deep = null;
  frame.deepRule = null;
  frame.list = null;
  frame.listCause = null;
  frame.index = 0;
  frame.elementRule = null;
  frame.namedRule = null;
  frame.namedCause = null;
  frame.valueStart = frame.valueEnd = 0;
  frame.isKey = false;
  if (frame.keySpans.length > 0) frame.keySpans = [];
}

/** Frames that are told apart. Deeper ones share one, which knows of no names beside values. */
const FRAMES_MAX = 256;
/** A stack with more is not kept for the next walk. */
const FRAMES_KEPT = 16;

/** Those that no walk has now. */
const FREE: FrameStack[] = [];
const FREE_MAX = 8;

export class FrameStack {
  readonly #frames: Frame[] = [createFrame()];
  #depth = 0;
  top: Frame = this.#frames[0] as Frame;

  /** One for a walk, which gives it back. */
  static take(): FrameStack {
    return FREE.pop() ?? new FrameStack();
  }

  giveBack(): void {
    this.#depth = 0;
    if (this.#frames.length > FRAMES_KEPT) return;
    for (const frame of this.#frames) reset(frame);
    this.top = this.#frames[0] as Frame;
    if (FREE.length < FREE_MAX) FREE.push(this);
  }

  push(isArray: boolean, list: NameRule | null, deep: Cause | null, deepRule: NameRule | null): Frame {
    this.#depth++;
    const at = Math.min(this.#depth, FRAMES_MAX);
    const frame = this.#frames[at] ?? createFrame();
    this.#frames[at] = frame;
    // Of frames that share one, the innermost secret one decides: too much is better than too little.
    if (this.#depth > FRAMES_MAX) {
      frame.deep ??= deep;
      frame.deepRule ??= deepRule;
      frame.isArray = isArray;
    } else {
      reset(frame);
      frame.isArray = isArray;
      frame.deep = deep;
      frame.deepRule = deepRule;
      frame.list = list;
    }
    this.top = frame;
    return frame;
  }

  pop(): void {
    if (this.#depth === 0) return;
    this.#depth--;
    this.top = this.#frames[Math.min(this.#depth, FRAMES_MAX)] as Frame;
  }
}
