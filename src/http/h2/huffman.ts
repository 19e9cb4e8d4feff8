/**
 * The Huffman code of header strings (RFC 7541 §5.2, Appendix B), undone half a byte at a time.
 *
 * in:  the encoded bytes of a string · out: its bytes, or that they are no code
 *
 * Every code is at least five bits long, so half a byte ends one at most. A state is a place inside the tree of codes; the
 * table has, for each state and half byte, the next state and the symbol that ended on the way.
 */

/** Lengths of the codes in bits, by symbol; the last is EOS. The codes follow from them: by length, then by symbol, counting up. */
const CODE_LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];
const EOS = 256;

/** A step: the next state in the low bits, the symbol above them, and what there is to say of both. */
const SYMBOL_SHIFT = 8;
const STATE_MASK = 0xff;
const ENDS_SYMBOL = 1 << 16;
/** The string may end in the next state: what it is in is padding, fewer than eight bits of EOS. */
const MAY_END = 1 << 17;
const IS_INVALID = 1 << 18;

const STEPS = stepTable();

/** A string of `length` encoded bytes has at most as many bytes: the shortest code has five bits. */
export function decodedBytesMax(length: number): number {
  return Math.floor((length * 8) / 5);
}

/** Decodes `bytes[start, end)` into `out`, which has room for it. Returns how many bytes they are; -1 where they are no code. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let step = MAY_END;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    step = STEPS[((step & STATE_MASK) << 4) | (byte >> 4)] as number;
    if ((step & ENDS_SYMBOL) !== 0) out[length++] = step >> SYMBOL_SHIFT;
    let invalid = step;
    step = STEPS[((step & STATE_MASK) << 4) | (byte & 15)] as number;
    if ((step & ENDS_SYMBOL) !== 0) out[length++] = step >> SYMBOL_SHIFT;
    invalid |= step;
    if ((invalid & IS_INVALID) !== 0) return -1;
  }
  return (step & MAY_END) === 0 ? -1 : length;
}

/** A place in the tree of codes: what follows on each bit, a place or a symbol. */
interface Node {
  readonly state: number;
  /** Bits on the way to it, and whether all of them are ones. */
  readonly depth: number;
  readonly isOnes: boolean;
  readonly next: [Node | number, Node | number];
}

function stepTable(): Int32Array {
  const nodes: Node[] = [];
  const create = (depth: number, isOnes: boolean): Node => {
    const node: Node = { state: nodes.length, depth, isOnes, next: [-1, -1] };
    nodes.push(node);
    return node;
  };
  const root = create(0, true);
  for (const { symbol, code, length } of codes()) {
    let node = root;
    for (let bit = length - 1; bit > 0; bit--) {
      const one = (code >> bit) & 1;
      const known = node.next[one as 0 | 1];
      const next: Node = typeof known === 'number' ? create(node.depth + 1, node.isOnes && one === 1) : known;
      node.next[one as 0 | 1] = next;
      node = next;
    }
    node.next[(code & 1) as 0 | 1] = symbol;
  }
  const steps = new Int32Array(nodes.length << 4);
  for (const node of nodes)
    for (let half = 0; half < 16; half++) steps[(node.state << 4) | half] = stepOf(root, node, half);
  return steps;
}

function stepOf(root: Node, from: Node, half: number): number {
  let node = from;
  let step = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = node.next[((half >> bit) & 1) as 0 | 1];
    if (typeof next !== 'number') {
      node = next;
      continue;
    }
    // EOS inside a string is an error (§5.2).
    if (next === EOS) return IS_INVALID;
    step = ENDS_SYMBOL | (next << SYMBOL_SHIFT);
    node = root;
  }
  return step | node.state | (node.depth < 8 && node.isOnes ? MAY_END : 0);
}

function codes(): { symbol: number; code: number; length: number }[] {
  const symbols = CODE_LENGTHS.map((length, symbol) => ({ symbol, length, code: 0 }));
  symbols.sort((a, b) => a.length - b.length || a.symbol - b.symbol);
  let code = 0;
  let before = 0;
  return symbols.map(({ symbol, length }) => {
    code <<= length - before;
    before = length;
    return { symbol, length, code: code++ };
  });
}
