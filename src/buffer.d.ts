// Methods of Node's Buffer that its types leave out: `toString('latin1', …)` and `write` without the look-up of the encoding.
declare global {
  interface Buffer {
    latin1Slice(start: number, end: number): string;
    utf8Slice(start: number, end: number): string;
    latin1Write(text: string, at: number, bytesMax: number): number;
    utf8Write(text: string, at: number, bytesMax: number): number;
  }
}

export {};
