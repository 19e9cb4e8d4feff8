/**
 * How often something must have been there, each time it could have been, before it is said to be required.
 *
 * in: what was seen at the places of a service that were seen often · out: a least number
 *
 * A property that every one of three objects had may be required, or one that is there three times of four. Which is likelier depends
 * on the service: where what is not always there is rare, or seldom there when it is, a few objects are enough. Both shares are taken
 * from the places where there is enough to tell.
 */
import type { ParameterFacts } from '../endpoints/operation-facts.js';
import type { Endpoint } from '../endpoints/templates.js';
import { MAP_KEY, type Shape } from './shape.js';

/** Places seen less often tell nothing. */
const SEEN_MIN = 8;
const LEAST = 1;
const GREATEST = 8;
/** What is assumed until so many properties have told: half may be left out, and those are there three times of four. */
const ASSUMED = { weight: 8, optional: 0.5, presence: 0.75 };

class Presence {
  #always = 0;
  #sometimes = 0;
  #presence = 0;

  add(count: number, of: number): void {
    if (of < SEEN_MIN) return;
    if (count >= of) this.#always++;
    else {
      this.#sometimes++;
      this.#presence += count / of;
    }
  }

  /** The least number at which "always" is likelier than "often, and by chance each time". */
  least(): number {
    const { weight, optional, presence } = ASSUMED;
    const share = (this.#sometimes + weight * optional) / (this.#always + this.#sometimes + weight);
    const rate = (this.#presence + weight * optional * presence) / (this.#sometimes + weight * optional);
    const needed = Math.log((1 - share) / share) / Math.log(Math.min(rate, 0.99));
    return Math.min(GREATEST, Math.max(LEAST, Math.ceil(needed)));
  }
}

export interface RequiredMin {
  readonly property: number;
  readonly parameter: number;
}

export function requiredMinOf(endpoints: readonly Endpoint[]): RequiredMin {
  const properties = new Presence();
  const parameters = new Presence();
  for (const { facts } of endpoints) {
    for (const { shape } of facts.request.values()) addShape(properties, shape);
    for (const [status, { bodies }] of facts.responses)
      if (status < '400') for (const { shape } of bodies.values()) addShape(properties, shape);
    for (const found of [facts.query, facts.cookies]) addParameters(parameters, found, facts.accepted);
  }
  return { property: properties.least(), parameter: parameters.least() };
}

function addParameters(presence: Presence, found: ReadonlyMap<string, ParameterFacts>, accepted: number): void {
  for (const { accepted: count } of found.values()) presence.add(count, accepted);
}

function addShape(presence: Presence, { objects, arrays }: Shape): void {
  if (arrays !== null) addShape(presence, arrays.items);
  if (objects === null) return;
  for (const [name, property] of objects.properties) {
    if (name !== MAP_KEY) presence.add(property.count, objects.count);
    addShape(presence, property);
  }
}
