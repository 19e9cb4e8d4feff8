/**
 * What the values at one place have been: how many of each type, which texts, which properties how often.
 *
 * in: values of JSON · out: a `Shape`, which grows no further than its caps; two of them merge into the shape of all their values
 *
 * Every number here is a sum, a least or a greatest, and what is over a cap is over it whatever comes first. So the shape of a
 * set of values does not depend on their order, nor on how they were divided among shapes that were merged.
 */
import { valueKind } from '../../trace/path-values.js';
import { FILE } from '../endpoints/body-forms.js';
import { ALL_FORMATS, FORMAT_BITS, FORMATS, formatBits } from './formats.js';

const LAST_BODY = Symbol('last body');

export interface Shape {
  count: number;
  /** In how many bodies: in one there may be many, where lists or maps are around. */
  bodies: number;
  /** The number of the last body that it was in. A symbol's value is not written with the rest. */
  [LAST_BODY]: number;
  nulls: number;
  booleans: number;
  integers: number;
  /** Numbers that are no integers. */
  fractions: number;
  /** Least and greatest number. */
  least: number;
  greatest: number;
  /** Values that redaction replaced: that they were there is all that is known. */
  redacted: number;
  texts: TextFacts | null;
  objects: ObjectFacts | null;
  arrays: ArrayFacts | null;
}

export interface TextFacts {
  count: number;
  /** Bits of `formats.ts` that all the texts have. */
  formats: number;
  longest: number;
  /** How often each was there; null where they are too many, or one is no name. */
  values: Map<string, number> | null;
}

export interface ObjectFacts {
  count: number;
  /** Each name with what it had; names that are values by their looks are all one, `MAP_KEY`. */
  properties: Map<string, Shape>;
  /** There were more names than a type has: all are under `MAP_KEY`. */
  isMap: boolean;
  /** What the identifiers are that stand for names: bits of `formats.ts`. */
  keyFormats: number;
  /** Objects that had none but names that are values. */
  keyed: number;
}

export interface ArrayFacts {
  count: number;
  empty: number;
  items: Shape;
}

/** No name in JSON text can be confused with it: lone surrogates do not survive UTF-8. */
export const MAP_KEY = '\ud800*';

const DEPTH_MAX = 24;
const PROPERTIES_MAX = 300;
const VALUES_MAX = 32;
const NAME_LENGTH_MAX = 40;
const ITEMS_MAX = 200;

export function newShape(): Shape {
  return {
    count: 0,
    bodies: 0,
    [LAST_BODY]: 0,
    nulls: 0,
    booleans: 0,
    integers: 0,
    fractions: 0,
    least: Number.POSITIVE_INFINITY,
    greatest: Number.NEGATIVE_INFINITY,
    redacted: 0,
    texts: null,
    objects: null,
    arrays: null,
  };
}

/** Room for shapes: each has one number of how many it may still make. */
export interface Room {
  shapes: number;
  /** Properties that there was no room for. */
  refused: number;
}

/** A room whose shapes are made of bodies. */
export interface BodyRoom extends Room {
  /** How many there have been: the number of the one that is being observed. */
  bodies: number;
}

export function observe(shape: Shape, value: unknown, room: BodyRoom, depth = 0): void {
  shape.count++;
  if (shape[LAST_BODY] !== room.bodies) {
    shape[LAST_BODY] = room.bodies;
    shape.bodies++;
  }
  switch (typeof value) {
    case 'string':
      observeText(shape, value);
      return;
    case 'boolean':
      shape.booleans++;
      return;
    case 'number':
      if (Number.isInteger(value)) shape.integers++;
      else shape.fractions++;
      if (value < shape.least) shape.least = value;
      if (value > shape.greatest) shape.greatest = value;
      return;
    default:
  }
  if (value === null || value === undefined) shape.nulls++;
  else if (Array.isArray(value)) observeArray(shape, value, room, depth);
  else if (typeof value === 'object') observeObject(shape, value as Record<string, unknown>, room, depth);
}

/** A text counted already. */
function observeText(shape: Shape, text: string): void {
  if (text === REDACTED) {
    shape.redacted++;
    return;
  }
  shape.texts ??= { count: 0, formats: ALL_FORMATS, longest: 0, values: new Map() };
  const { texts } = shape;
  texts.count++;
  if (texts.formats !== 0) texts.formats &= formatBits(text);
  if (text.length > texts.longest) texts.longest = text.length;
  if (texts.values === null) return;
  const before = texts.values.get(text);
  // One that is no name is enough to know that they are no enumeration: most texts are dropped at the first.
  if (before === undefined && !isName(text)) {
    texts.values = null;
    return;
  }
  texts.values.set(text, (before ?? 0) + 1);
  if (texts.values.size > VALUES_MAX) texts.values = null;
}

const VALUE_FORMATS = FORMATS.reduce((bits, format) => bits | FORMAT_BITS[format], 0);

/** Whether a text may be the name of one thing among a few. What its form tells to be a value is none; `FILE` stands for itself. */
function isName(text: string): boolean {
  if (text === FILE) return true;
  return (
    text.length > 0 &&
    text.length <= NAME_LENGTH_MAX &&
    /^[\p{L}\p{N}_](?:[\p{L}\p{N}_.:/+ -]*[\p{L}\p{N}_+*)])?$/u.test(text) &&
    !/^\d{5,}$/.test(text) &&
    (formatBits(text) & VALUE_FORMATS) === 0
  );
}

/** The text of a parameter. */
export function observeParameter(shape: Shape, text: string): void {
  shape.count++;
  observeText(shape, text);
}

const REDACTED = 'REDACTED';

function observeArray(shape: Shape, value: readonly unknown[], room: BodyRoom, depth: number): void {
  shape.arrays ??= { count: 0, empty: 0, items: newShape() };
  const { arrays } = shape;
  arrays.count++;
  if (value.length === 0) arrays.empty++;
  if (depth >= DEPTH_MAX) return;
  const end = Math.min(value.length, ITEMS_MAX);
  for (let i = 0; i < end; i++) observe(arrays.items, value[i], room, depth + 1);
}

function observeObject(shape: Shape, value: Record<string, unknown>, room: BodyRoom, depth: number): void {
  shape.objects ??= { count: 0, properties: new Map(), isMap: false, keyFormats: ALL_FORMATS, keyed: 0 };
  const { objects } = shape;
  objects.count++;
  if (depth >= DEPTH_MAX) return;
  let identifiers = 0;
  let names = 0;
  for (const name of Object.keys(value)) {
    names++;
    const isValue = isKey(name);
    if (isValue) {
      identifiers++;
      objects.keyFormats &= formatBits(name);
    }
    const property = propertyOf(objects, isValue || objects.isMap ? MAP_KEY : name, room);
    if (property !== null) observe(property, value[name], room, depth + 1);
  }
  if (identifiers > 0 && identifiers === names) objects.keyed++;
  if (objects.properties.size > PROPERTIES_MAX) foldProperties(objects, room);
}

/** Whether the name of a property is a value: an identifier, a number, a date. */
function isKey(name: string): boolean {
  const kind = valueKind(name, false);
  if (kind === null || kind === 'text' || kind === 'number') return false;
  return kind !== 'token' || !/[-_.]\d+$/.test(name);
}

function propertyOf(objects: ObjectFacts, name: string, room: Room): Shape | null {
  let property = objects.properties.get(name);
  if (property === undefined) {
    if (room.shapes <= 0) {
      room.refused++;
      return null;
    }
    room.shapes--;
    property = newShape();
    objects.properties.set(name, property);
  }
  return property;
}

function foldProperties(objects: ObjectFacts, room: Room): void {
  objects.isMap = true;
  const all = newShape();
  for (const property of objects.properties.values()) mergeShape(all, property, room);
  objects.properties = new Map([[MAP_KEY, all]]);
}

/** Adds what `from` has seen to `into`; `from` stays as it is. */
export function mergeShape(into: Shape, from: Shape, room: Room): void {
  into.count += from.count;
  into.bodies += from.bodies;
  into.nulls += from.nulls;
  into.booleans += from.booleans;
  into.integers += from.integers;
  into.fractions += from.fractions;
  into.redacted += from.redacted;
  into.least = Math.min(into.least, from.least);
  into.greatest = Math.max(into.greatest, from.greatest);
  if (from.texts !== null) mergeTexts(into, from.texts);
  if (from.arrays !== null) {
    into.arrays ??= { count: 0, empty: 0, items: newShape() };
    into.arrays.count += from.arrays.count;
    into.arrays.empty += from.arrays.empty;
    mergeShape(into.arrays.items, from.arrays.items, room);
  }
  if (from.objects !== null) mergeObjects(into, from.objects, room);
}

function mergeTexts(into: Shape, from: TextFacts): void {
  into.texts ??= { count: 0, formats: ALL_FORMATS, longest: 0, values: new Map() };
  const { texts } = into;
  texts.count += from.count;
  texts.formats &= from.formats;
  texts.longest = Math.max(texts.longest, from.longest);
  if (texts.values === null) return;
  if (from.values === null) {
    texts.values = null;
    return;
  }
  for (const [text, count] of from.values) texts.values.set(text, (texts.values.get(text) ?? 0) + count);
  if (texts.values.size > VALUES_MAX) texts.values = null;
}

function mergeObjects(into: Shape, from: ObjectFacts, room: Room): void {
  into.objects ??= { count: 0, properties: new Map(), isMap: false, keyFormats: ALL_FORMATS, keyed: 0 };
  const { objects } = into;
  objects.count += from.count;
  objects.keyed += from.keyed;
  objects.keyFormats &= from.keyFormats;
  if (from.isMap && !objects.isMap) foldProperties(objects, room);
  for (const [name, property] of from.properties) {
    const target = propertyOf(objects, objects.isMap ? MAP_KEY : name, room);
    if (target !== null) mergeShape(target, property, room);
  }
  if (objects.properties.size > PROPERTIES_MAX) foldProperties(objects, room);
}
