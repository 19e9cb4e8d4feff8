/** What the page uses of uPlot, which the satellite serves beside it. */
declare class uPlot {
  constructor(options: object, data: readonly (readonly (number | null)[])[], parent: object);
  setData(data: readonly (readonly (number | null)[])[]): void;
  setSize(size: { width: number; height: number }): void;
  destroy(): void;
}

export { uPlot as default };
