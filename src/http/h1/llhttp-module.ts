/**
 * The build of llhttp that undici ships and the Node.js project keeps, its version pinned exactly, with memory for our use
 * behind its own.
 */
import { createRequire } from 'node:module';

export interface LlhttpModule {
  readonly module: WebAssembly.Module;
  /** The address where our part of its memory begins, of which its allocator knows nothing. */
  readonly ours: number;
}

export const PAGE_BYTES = 65_536;

const HEADER_BYTES = 8;
const MEMORY_SECTION = 5;

/**
 * `bytes` of memory are added to what the module says it begins with. Asking its allocator for them would grow the memory,
 * which detaches the ArrayBuffer over it; and once that has happened to any buffer in a process, V8 compiles every access
 * to every typed array with a check for it. That costs a third of the speed of everything here that reads packets.
 */
export function loadLlhttp(bytes: number): LlhttpModule {
  const require = createRequire(import.meta.url);
  const binary = Uint8Array.from(require('undici/lib/llhttp/llhttp_simd-wasm.js') as Buffer);
  const pagesAt = initialPagesAt(binary);
  const pages = binary[pagesAt] as number;
  binary[pagesAt] = pages + Math.ceil(bytes / PAGE_BYTES);
  return { module: new WebAssembly.Module(binary), ours: pages * PAGE_BYTES };
}

/**
 * Where the memory section gives its minimum in pages, in one byte:
 * `5 · size · 1 (memories) · 0 (no maximum) · minimum` (https://webassembly.github.io/spec/core/binary/modules.html).
 */
function initialPagesAt(binary: Uint8Array): number {
  let at = HEADER_BYTES;
  while (at < binary.length) {
    const id = binary[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = binary[at++] as number;
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (id === MEMORY_SECTION && size === 3 && binary[at] === 1 && binary[at + 1] === 0) return at + 2;
    at += size;
  }
  throw new Error('llhttp is not the build this was written for: its memory section has another form');
}
