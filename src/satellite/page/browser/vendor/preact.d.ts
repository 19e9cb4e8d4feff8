/** What the page uses of `htm/preact/standalone.module.js`, which the satellite serves beside it. */
export type Node = unknown;
export type Component<P> = (props: P) => Node;
export interface Ref<T> {
  current: T;
}
export function html(strings: TemplateStringsArray, ...values: unknown[]): Node;
export function render(node: Node, parent: object): void;
export function useState<T>(initial: T | (() => T)): [T, (value: T | ((before: T) => T)) => void];
export function useEffect(effect: () => undefined | (() => void), on?: readonly unknown[]): void;
export function useLayoutEffect(effect: () => undefined | (() => void), on?: readonly unknown[]): void;
export function useRef<T>(initial: T): Ref<T>;
export function useMemo<T>(make: () => T, on: readonly unknown[]): T;
