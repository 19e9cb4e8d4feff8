/**
 * A filter program run over packets that no kernel filters: those of a capture file.
 *
 * in: classic BPF, as libpcap compiles an expression to (Linux Documentation/networking/filter.rst; the instruction is
 * `struct sock_filter`, include/uapi/linux/filter.h), and a packet · out: whether the program takes the packet
 *
 * libpcap's programs jump only forward, so each runs at most as many steps as it has instructions. An instruction that is
 * none, or a load beyond the packet, takes nothing, as in the kernel.
 */
import type { FilterProgram } from './ring-addon.js';

/** `offset` and `captured` say where the packet lies in `bytes`; `wire` is its length before it was cut. */
export type PacketFilter = (bytes: Buffer, offset: number, captured: number, wire: number) => boolean;

const INSTRUCTION_BYTES = 8;
const SCRATCH_WORDS = 16;

/** Classes, sizes, modes and operations: include/uapi/linux/bpf_common.h. */
const LD = 0;
const LDX = 1;
const ST = 2;
const STX = 3;
const ALU = 4;
const JMP = 5;
const RET = 6;
const X = 0x08;
const A = 0x10;
const IMM = 0x00;
const ABS = 0x20;
const IND = 0x40;
const MEM = 0x60;
const LEN = 0x80;
const MSH = 0xa0;
const TXA = 0x80;

export function createPacketFilter(program: FilterProgram): PacketFilter {
  const machine = new Machine(program);
  return (bytes, offset, captured, wire) => machine.takes(bytes, offset, captured, wire);
}

class Machine {
  /** The columns of the program's instructions. */
  readonly #code: Uint16Array;
  readonly #ifTrue: Uint8Array;
  readonly #ifFalse: Uint8Array;
  readonly #k: Uint32Array;
  readonly #scratch = new Uint32Array(SCRATCH_WORDS);

  constructor(program: FilterProgram) {
    const count = program.byteLength / INSTRUCTION_BYTES;
    const words = new DataView(program);
    const at = (index: number, byte: number) => index * INSTRUCTION_BYTES + byte;
    this.#code = Uint16Array.from({ length: count }, (_, index) => words.getUint16(at(index, 0), true));
    this.#ifTrue = Uint8Array.from({ length: count }, (_, index) => words.getUint8(at(index, 2)));
    this.#ifFalse = Uint8Array.from({ length: count }, (_, index) => words.getUint8(at(index, 3)));
    this.#k = Uint32Array.from({ length: count }, (_, index) => words.getUint32(at(index, 4), true));
  }

  takes(bytes: Buffer, offset: number, captured: number, wire: number): boolean {
    const scratch = this.#scratch;
    let accumulator = 0;
    let index = 0;
    for (let at = 0; at < this.#code.length; at++) {
      const code = this.#code[at] as number;
      const k = this.#k[at] as number;
      switch (code & 7) {
        case LD:
        case LDX: {
          const mode = code & 0xe0;
          let value: number;
          if (mode === IMM) value = k;
          else if (mode === MEM) value = scratch[k % SCRATCH_WORDS] as number;
          else if (mode === LEN) value = wire;
          else if (mode === ABS || mode === IND || mode === MSH) {
            const from = mode === IND ? index + k : k;
            const size = code & 0x18;
            const length = size === 0x00 ? 4 : size === 0x08 ? 2 : 1;
            if (from + length > captured) return false;
            value = load(bytes, offset + from, length);
            if (mode === MSH) value = (value & 0xf) * 4;
          } else return false;
          if ((code & 7) === LD) accumulator = value;
          else index = value;
          break;
        }
        case ST:
          scratch[k % SCRATCH_WORDS] = accumulator;
          break;
        case STX:
          scratch[k % SCRATCH_WORDS] = index;
          break;
        case ALU: {
          const result = calculate(code & 0xf0, accumulator, (code & X) === 0 ? k : index);
          if (result < 0) return false;
          accumulator = result;
          break;
        }
        case JMP: {
          const operand = (code & X) === 0 ? k : index;
          if ((code & 0xf0) === 0) at += k;
          else at += (holds(code & 0xf0, accumulator, operand) ? this.#ifTrue : this.#ifFalse)[at] as number;
          break;
        }
        case RET:
          return ((code & A) === 0 ? k : accumulator) !== 0;
        default:
          if ((code & TXA) === 0) index = accumulator;
          else accumulator = index;
      }
    }
    return false;
  }
}

/** A number in network byte order. */
function load(bytes: Buffer, at: number, length: 1 | 2 | 4): number {
  const first = bytes[at] as number;
  if (length === 1) return first;
  const half = (first << 8) | (bytes[at + 1] as number);
  if (length === 2) return half;
  return ((half << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0;
}

/** Unsigned, modulo 2³²; -1 where the program is wrong: a division by zero, or no operation. */
function calculate(operation: number, a: number, b: number): number {
  switch (operation) {
    case 0x00:
      return (a + b) >>> 0;
    case 0x10:
      return (a - b) >>> 0;
    case 0x20:
      return Math.imul(a, b) >>> 0;
    case 0x30:
      return b === 0 ? -1 : Math.trunc(a / b);
    case 0x40:
      return (a | b) >>> 0;
    case 0x50:
      return (a & b) >>> 0;
    case 0x60:
      return b > 31 ? 0 : (a << b) >>> 0;
    case 0x70:
      return b > 31 ? 0 : a >>> b;
    case 0x80:
      return -a >>> 0;
    case 0x90:
      return b === 0 ? -1 : a % b;
    case 0xa0:
      return (a ^ b) >>> 0;
    default:
      return -1;
  }
}

function holds(comparison: number, a: number, b: number): boolean {
  switch (comparison) {
    case 0x10:
      return a === b;
    case 0x20:
      return a > b;
    case 0x30:
      return a >= b;
    default:
      return (a & b) !== 0;
  }
}
