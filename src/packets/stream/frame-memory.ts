/**
 * Memory for frames until they are confirmed or dropped, used again and again: at tens of MB/s, memory of their own would be
 * garbage faster than it is collected, and the process as large as that garbage.
 *
 * in: frames of any size, one being written at a time · out: pieces of slabs, each slab free again when its frames are released
 *
 * Frames leave in about the order in which they came, so that a slab with one frame left is soon empty.
 */

export interface FramePiece {
  readonly bytes: Buffer;
  /** The piece is no longer used. To be called once. */
  release(): void;
}

export interface FrameMemory {
  /** Where a frame of at most `room` bytes may be written; valid until the next call. */
  begin(room: number): Buffer;
  /** What `begin` gave ends after `length` bytes. */
  end(length: number): FramePiece;
  /** Bytes of all slabs that have frames, and of those kept for later ones. */
  readonly bytes: number;
}

interface Slab {
  readonly memory: Buffer;
  used: number;
  frames: number;
}

const SLAB_BYTES = 512 * 1024;
/** Free slabs that are kept, as many as fill the usual queue; more are given back. */
const FREE_SLABS_MAX = 32;

export function createFrameMemory(slabBytes = SLAB_BYTES): FrameMemory {
  const free: Slab[] = [];
  let current: Slab = newSlab(slabBytes);
  let bytes = slabBytes;

  function newSlab(size: number): Slab {
    return { memory: Buffer.allocUnsafeSlow(size), used: 0, frames: 0 };
  }

  function release(slab: Slab): void {
    slab.frames--;
    if (slab.frames > 0) return;
    slab.used = 0;
    if (slab !== current) retire(slab);
  }

  /** An empty slab that is not being written to is kept, or given back. */
  function retire(slab: Slab): void {
    if (slab.memory.length === slabBytes && free.length < FREE_SLABS_MAX) free.push(slab);
    else bytes -= slab.memory.length;
  }

  return {
    get bytes() {
      return bytes;
    },
    begin(room) {
      if (room <= current.memory.length - current.used) return current.memory.subarray(current.used);
      const before = current;
      const known = room <= slabBytes ? free.pop() : undefined;
      current = known ?? newSlab(Math.max(slabBytes, room));
      if (known === undefined) bytes += current.memory.length;
      if (before.frames === 0) retire(before);
      return current.memory.subarray(0);
    },
    end(length) {
      const slab = current;
      const piece = slab.memory.subarray(slab.used, slab.used + length);
      slab.used += length;
      slab.frames++;
      return { bytes: piece, release: () => release(slab) };
    },
  };
}
