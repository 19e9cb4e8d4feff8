/**
 * Classic BPF as the kernel runs it (Linux Documentation/networking/filter.rst), enough of it for what libpcap makes of
 * an expression: says how many bytes of `packet` the program takes, 0 for none.
 */
export function runFilter(program: ArrayBuffer, packet: Buffer): number {
  const code = new DataView(program);
  const scratch = new Uint32Array(16);
  let accumulator = 0;
  let index = 0;
  for (let at = 0; ; at++) {
    const operation = code.getUint16(at * 8, true);
    const k = code.getUint32(at * 8 + 4, true);
    switch (operation & 7) {
      case 0: // LD
      case 1: {
        // LDX
        let value: number;
        const mode = operation & 0xe0;
        if (mode === 0x00) value = k;
        else if (mode === 0x60) value = scratch[k] as number;
        else if (mode === 0x80) value = packet.length;
        else {
          const offset = mode === 0x40 ? index + k : k;
          const size = operation & 0x18;
          const bytes = size === 0x00 ? 4 : size === 0x08 ? 2 : 1;
          if (offset + bytes > packet.length) return 0;
          value = packet.readUIntBE(offset, bytes);
          if (mode === 0xa0) value = (value & 0xf) * 4;
        }
        if ((operation & 7) === 0) accumulator = value;
        else index = value;
        break;
      }
      case 2:
        scratch[k] = accumulator;
        break;
      case 3:
        scratch[k] = index;
        break;
      case 4: {
        const operand = operation & 8 ? index : k;
        const kind = operation & 0xf0;
        if (kind === 0x00) accumulator = (accumulator + operand) >>> 0;
        else if (kind === 0x10) accumulator = (accumulator - operand) >>> 0;
        else if (kind === 0x40) accumulator = (accumulator | operand) >>> 0;
        else if (kind === 0x50) accumulator = (accumulator & operand) >>> 0;
        else if (kind === 0x60) accumulator = (accumulator << operand) >>> 0;
        else if (kind === 0x70) accumulator = accumulator >>> operand;
        else throw new Error(`ALU operation ${kind.toString(16)} is not in this interpreter`);
        break;
      }
      case 5: {
        const operand = operation & 8 ? index : k;
        const kind = operation & 0xf0;
        if (kind === 0x00) {
          at += k;
          break;
        }
        const taken =
          kind === 0x10
            ? accumulator === operand
            : kind === 0x20
              ? accumulator > operand
              : kind === 0x30
                ? accumulator >= operand
                : (accumulator & operand) !== 0;
        at += code.getUint8(at * 8 + (taken ? 2 : 3));
        break;
      }
      case 6:
        return operation & 0x10 ? accumulator : k;
      default:
        if (operation & 0x80) accumulator = index;
        else index = accumulator;
    }
  }
}
