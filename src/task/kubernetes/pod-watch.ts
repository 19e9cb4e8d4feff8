/**
 * Keeps a `PodIndex` as the API server has it: lists the pods, then watches what changes
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes).
 *
 * in: an API server, the node whose pods are wanted · out: an index that is current while the server answers, and the last that
 * was known while it does not
 */
import { setTimeout } from 'node:timers/promises';
import type { PodLookup } from '../../pair/pod.js';
import { ApiError, type ApiServer, getJson, getLines } from './api-server.js';
import { PodIndex } from './pod-index.js';

export interface PodWatchContext {
  server: ApiServer;
  /** Only pods of this node; all of the cluster where it is null. */
  node: string | null;
  pods_max: number;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** A number from 0 to 1. */
  random: () => number;
}

export interface PodWatch {
  readonly lookup: PodLookup;
  /** Resolves when the pods are known, or could not be asked for the first time. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

const PAGE = 500;
const WATCH_SECONDS = 300;
const BACK_OFF_MILLIS = 1000;
const BACK_OFF_MILLIS_MAX = 60_000;

type Json = Readonly<Record<string, unknown>>;

export function watchPods(context: PodWatchContext): PodWatch {
  const index = new PodIndex(context.pods_max);
  const stop = new AbortController();
  let isReady: () => void = () => {};
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const ended = follow(index, context, stop.signal, isReady).finally(isReady);
  return {
    lookup: index.lookup,
    ready,
    async close() {
      stop.abort();
      await ended;
    },
  };
}

/** Goes on until it is told to stop. Never rejects. */
async function follow(
  index: PodIndex,
  context: PodWatchContext,
  signal: AbortSignal,
  isReady: () => void,
): Promise<void> {
  const { log, server, random } = context;
  let failures = 0;
  while (!signal.aborted) {
    try {
      let version = await list(index, context, signal);
      if (failures > 0) log.info({ pods: index.size }, 'the API server answers again; traces have their pods');
      if (index.evicted > 0)
        log.warn({ pods_max: context.pods_max }, 'there are more pods than are remembered; some traces lack theirs');
      failures = 0;
      isReady();
      while (!signal.aborted) version = await watch(index, context, version, signal);
    } catch (error) {
      if (signal.aborted) return;
      isReady();
      // What the watch began from is too long ago: the pods are listed again.
      if (error instanceof ApiError && error.status === 410) continue;
      if (failures === 0)
        log.warn(
          { url: server.origin, reason: reasonOf(error) },
          'the API server does not tell of pods; traces lack them, or have those last known',
        );
      failures++;
      const wait = Math.min(BACK_OFF_MILLIS * 2 ** Math.min(failures - 1, 10), BACK_OFF_MILLIS_MAX);
      await setTimeout(wait * (0.5 + random() / 2), undefined, { signal }).catch(() => {});
    }
  }
}

function reasonOf(error: unknown): string {
  const { status = 0, message } = error as Partial<ApiError> & Error;
  if (status === 401 || status === 403)
    return `${message}: the service account may not list and watch pods; bind it to the role of the chart`;
  return message;
}

/** Resolves to the version from which to watch. */
async function list(index: PodIndex, { server, node }: PodWatchContext, signal: AbortSignal): Promise<string> {
  const pods: unknown[] = [];
  let version = '';
  let next = '';
  do {
    const query = new URLSearchParams({
      ...selection(node),
      limit: String(PAGE),
      ...(next === '' ? {} : { continue: next }),
    });
    const page = (await getJson(server, `/api/v1/pods?${query}`, signal)) as Json;
    const metadata = (page.metadata ?? {}) as Json;
    pods.push(...(Array.isArray(page.items) ? page.items : []));
    version = String(metadata.resourceVersion ?? '');
    next = typeof metadata.continue === 'string' ? metadata.continue : '';
  } while (next !== '');
  index.replace(pods);
  return version;
}

/** Until the server ends it, as it does after some minutes; resolves to the version to go on from. */
async function watch(
  index: PodIndex,
  { server, node }: PodWatchContext,
  from: string,
  signal: AbortSignal,
): Promise<string> {
  let version = from;
  const query = new URLSearchParams({
    ...selection(node),
    ...{ watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(WATCH_SECONDS), resourceVersion: from },
  });
  for await (const line of getLines(server, `/api/v1/pods?${query}`, signal)) {
    const { type, object } = line as { type?: string; object?: Json };
    if (type === 'ERROR') throw new ApiError(Number(object?.code ?? 0), String(object?.message ?? 'the watch failed'));
    if (type === 'ADDED' || type === 'MODIFIED') index.put(object);
    if (type === 'DELETED') index.remove(object);
    const given = (object?.metadata as Json | undefined)?.resourceVersion;
    if (typeof given === 'string') version = given;
  }
  return version;
}

function selection(node: string | null): Record<string, string> {
  return node === null ? {} : { fieldSelector: `spec.nodeName=${node}` };
}
