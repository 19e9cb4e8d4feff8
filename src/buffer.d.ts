// A method of Node's Buffer that its types leave out: `toString('latin1', …)` without the look-up of the encoding.
declare global {
  interface Buffer {
    latin1Slice(start: number, end: number): string;
  }
}

export {};
