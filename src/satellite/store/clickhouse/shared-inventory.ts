/**
 * The inventory of what services offer, of all satellites: each keeps that of the traces it took, and what is shown is all of them merged,
 * which is what one would have made of all the traces.
 *
 * in: each trace once · out: endpoints, OpenAPI documents
 *
 * It belongs to a slot: a satellite that takes a slot goes on with the slot's inventory, and reads again the traces behind it.
 */
import type { Trace } from '../../../trace/trace.js';
import { type EndpointRow, endpointTable } from '../../endpoints/endpoint-table.js';
import { Inventory, type InventoryLimits, type Selection } from '../../endpoints/inventory.js';
import { openApiDocument } from '../../openapi/document.js';
import { traceOf } from '../../receive/trace-of.js';
import type { Before } from '../kept-inventory.js';
import { chooseSnapshot, DAY_MILLIS, SNAPSHOTS_MAX } from '../kept-snapshots.js';
import type { Documents } from './documents.js';
import type { Reader } from './reader.js';
import { SLOTS } from './sequence.js';

const LIMITS: InventoryLimits = { shapes_max: 200_000, nodes_max: 30_000, hosts_max: 500 };
const SAVE_MILLIS = 30_000;
/** How long the inventories of others are taken to be as they were. */
const OTHERS_MILLIS = 10_000;
const NAME = 'inventory';
const DAILY = 'inventory@';
const TEMPLATES = 'templates';
const TOLD = 'told';
const CONFIGURATIONS = 'configurations';

export class SharedInventory {
  readonly #documents: Documents;
  readonly #slot: number;
  #own: Inventory;
  #through: number;
  #savedThrough: number;
  #savedAt = Date.now();
  #keptOn = '';
  /** Those of the other slots, merged, and which they were. */
  #others: { readonly at: number; readonly key: string; readonly inventory: Inventory | null } = {
    at: 0,
    key: '',
    inventory: null,
  };

  private constructor(documents: Documents, slot: number, own: Inventory, through: number) {
    this.#documents = documents;
    this.#slot = slot;
    this.#own = own;
    this.#through = through;
    this.#savedThrough = through;
  }

  static async open(documents: Documents, reader: Reader, slot: number): Promise<SharedInventory> {
    const kept = (await documents.read(NAME)).find((one) => one.slot === slot);
    const own = kept === undefined ? null : parsed(kept.text);
    const inventory = new SharedInventory(
      documents,
      slot,
      own ?? new Inventory(LIMITS),
      own === null ? 0 : (kept?.through ?? 0),
    );
    for await (const { seq, received, service } of reader.ofSlot(slot, inventory.#through, SLOTS))
      inventory.add(seq, traceOf(received), service);
    return inventory;
  }

  add(seq: number, trace: Trace, service: string): void {
    this.#through = seq;
    this.#own.add(trace, { service });
  }

  async save(nowMillis: number, isLast = false): Promise<void> {
    if (this.#through === this.#savedThrough || (!isLast && nowMillis - this.#savedAt < SAVE_MILLIS)) return;
    const through = this.#through;
    this.#savedAt = nowMillis;
    await this.#documents.write(NAME, this.#slot, this.#own.serialise(), through);
    this.#savedThrough = through;
  }

  /** Keeps it as it is once a day; those before the last eight days go. */
  async keepDaily(nowMillis: number): Promise<void> {
    const day = new Date(nowMillis).toISOString().slice(0, 10);
    if (day === this.#keptOn || this.#own.traces === 0) return;
    this.#keptOn = day;
    const name = DAILY + Date.parse(day);
    const names = await this.#documents.names(DAILY);
    if (!(await this.#documents.versions(name)).some(({ slot }) => slot === this.#slot))
      await this.#documents.write(name, this.#slot, this.#own.serialise(), this.#through);
    const days = [...new Set([...names, name])].sort();
    for (const old of days.slice(0, Math.max(0, days.length - SNAPSHOTS_MAX))) await this.#documents.forget(old);
  }

  async endpoints(selection: Selection): Promise<EndpointRow[]> {
    return endpointTable(await this.#merged(), selection, await this.templates());
  }

  async openApi(selection: Selection): Promise<object> {
    return openApiDocument(await this.#merged(), selection, { overrides: await this.templates() });
  }

  /** What there was at least so long ago, or as long ago as it is known. */
  async before(ageMillis: number, nowMillis: number): Promise<Before> {
    const days = (await this.#documents.names(DAILY)).map((name) => Number(name.slice(DAILY.length)));
    // A day that has just begun is no time ago.
    const snapshots = days.filter((millis) => millis < nowMillis - DAY_MILLIS).sort((a, b) => a - b);
    const since = chooseSnapshot(snapshots, ageMillis, nowMillis);
    if (since === null) return { since: null, snapshots, document: null, silent: [] };
    const then = new Inventory(LIMITS);
    for (const { text } of await this.#documents.read(DAILY + since)) {
      const one = parsed(text);
      if (one !== null) then.merge(one);
    }
    const now = await this.endpoints({});
    const overrides = [...new Set([...(await this.templates()), ...now.map(({ template }) => template)])];
    const silent = now
      .filter(({ lastSeen, count, unanswered }) => lastSeen <= since && count > unanswered)
      .map(({ method, template, lastSeen }) => ({ method, path: template, lastSeen }));
    return { since, snapshots, document: JSON.stringify(openApiDocument(then, {}, { overrides })), silent };
  }

  async templates(): Promise<string[]> {
    return this.#list(TEMPLATES).then((list) => list ?? []);
  }

  setTemplates(templates: readonly string[]): Promise<void> {
    return this.#documents.write(TEMPLATES, 0, JSON.stringify(templates));
  }

  told(): Promise<string[] | null> {
    return this.#list(TOLD);
  }

  setTold(keys: readonly string[]): Promise<void> {
    return this.#documents.write(TOLD, 0, JSON.stringify(keys));
  }

  async configurations(): Promise<string | null> {
    const [document] = await this.#documents.read(CONFIGURATIONS);
    return document?.text ?? null;
  }

  setConfigurations(text: string): Promise<void> {
    return this.#documents.write(CONFIGURATIONS, 0, text);
  }

  async #list(name: string): Promise<string[] | null> {
    const [document] = await this.#documents.read(name);
    return document === undefined ? null : (JSON.parse(document.text) as string[]);
  }

  /** Of all satellites. */
  async #merged(): Promise<Inventory> {
    const others = await this.#ofOthers();
    if (others === null) return this.#own;
    const all = new Inventory(LIMITS);
    all.merge(this.#own);
    all.merge(others);
    return all;
  }

  async #ofOthers(): Promise<Inventory | null> {
    if (Date.now() - this.#others.at < OTHERS_MILLIS) return this.#others.inventory;
    const versions = (await this.#documents.versions(NAME)).filter(({ slot }) => slot !== this.#slot);
    const key = versions
      .map(({ slot, version }) => `${slot}@${version}`)
      .sort()
      .join(' ');
    let { inventory } = this.#others;
    if (key !== this.#others.key) {
      inventory = versions.length === 0 ? null : new Inventory(LIMITS);
      for (const { slot, text } of versions.length === 0 ? [] : await this.#documents.read(NAME)) {
        const one = slot === this.#slot ? null : parsed(text);
        if (one !== null) inventory?.merge(one);
      }
    }
    this.#others = { at: Date.now(), key, inventory };
    return inventory;
  }
}

/** Null where it was written by another version. */
function parsed(text: string): Inventory | null {
  try {
    return Inventory.parse(text, LIMITS);
  } catch {
    return null;
  }
}
