/**
 * The native addon of the capture ring (`native/ring.c`), loaded on first use and given types.
 *
 * It is a prebuilt binary under `native/prebuilds` if there is one, else the one that `npm run build:native` makes.
 */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { SensorError } from '../errors.js';
import { lazy } from '../lazy.js';

/** An open ring; opaque. */
export type RingHandle = { readonly ring: unique symbol };

/** Open raw sockets; opaque. */
export type RawHandle = { readonly raw: unique symbol };

/** `struct sock_filter[]`, as `compile` returns it. */
export type FilterProgram = ArrayBuffer;

/** The functions of `native/ring.c` and `native/raw.c`; their heads say what each does. System errors carry the errno's name as `code`. */
export interface RingAddon {
  compile(expression: string, dlt: number, snapLength: number): FilterProgram;
  describe(name: string): [index: number, flags: number, hardwareType: number] | undefined;
  open(
    interfaceIndex: number,
    cooked: boolean,
    program: FilterProgram,
    blockSize: number,
    blockCount: number,
    retireMillis: number,
    ignoreOutgoing: boolean,
  ): RingHandle;
  map(handle: RingHandle): ArrayBuffer;
  poll(handle: RingHandle, callback: (status: number) => void): void;
  setFilter(handle: RingHandle, program: FilterProgram): void;
  hook(handle: RingHandle, isHooked: boolean, callback: (status: number) => void): void;
  statistics(handle: RingHandle, into: Uint32Array): void;
  close(handle: RingHandle): void;
  rawOpen(): RawHandle;
  rawSend(handle: RawHandle, packet: Uint8Array): void;
  rawClose(handle: RawHandle): void;
}

/** The addon. Throws a `SensorError` that says how to build it when there is none for this machine. */
export const loadRingAddon = lazy((): RingAddon => {
  if (process.platform !== 'linux') {
    throw new SensorError(`capture backend ring: needs Linux, this is ${process.platform}; use --capture-backend cap`);
  }
  const require = createRequire(import.meta.url);
  try {
    const load = require('node-gyp-build') as (directory: string) => RingAddon;
    return load(fileURLToPath(new URL('../../native', import.meta.url)));
  } catch (error) {
    const reason = (error as Error).message.split('\n', 1)[0];
    throw new SensorError(
      `capture backend ring: ${reason}; build it with \`npm run build:native\`, or use --capture-backend cap`,
    );
  }
});

export function ringAddonPresent(): boolean {
  try {
    loadRingAddon();
    return true;
  } catch {
    return false;
  }
}
