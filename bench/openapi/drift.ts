/**
 * Drift from a document that half of the traffic made: what the other half raises though nothing has changed, and which changes are found
 * when one is made in it. A change that is seen a few times may be luck; that is why it says of how many times each was seen.
 *
 *     bench/openapi/install                             once
 *     npm run bench:openapi-drift                       all the specifications of the benchmark
 *     npm run bench:openapi-drift -- stripe zoom        those whose name has one of the words; SEED=n for other traffic
 */
import { base, en, Faker } from '@faker-js/faker';
import { Inventory } from '../../src/satellite/endpoints/inventory.js';
import { openApiDocument } from '../../src/satellite/openapi/document.js';
import { Drift, type FindingKind } from '../../src/satellite/openapi/drift.js';
import type { Trace } from '../../src/trace/trace.js';
import { apiTrace } from '../../test/support/api-trace.js';
import { Random } from '../../test/support/random.js';
import { chosenSpecifications, readSpecification } from './specifications.js';
import { type Planned, plan } from './traffic.js';
import type { Json } from './values.js';

/** A change is made to an operation that answered well so often in each half. */
const SEEN_MIN = 5;
const CHANGED_MIN = 3;
const CHANGES_A_KIND = 12;
/** A change that is seen so often is told apart from those that are seen less. */
const OFTEN = 10;

type Change = (exchange: Planned) => Planned;
/** Makes a change of a kind to one operation, of which these are exchanges; null where it has nothing to change. */
type Changing = (exchanges: readonly Planned[], random: Random) => Change | null;

const CHANGES: Readonly<Partial<Record<FindingKind, Changing>>> = {
  'new-property': (exchanges) =>
    objectsOf(exchanges) === null ? null : answered((value) => ({ ...value, added: 'x' })),
  'missing-property': (exchanges, random) => {
    const objects = objectsOf(exchanges) ?? [];
    const always = Object.keys(objects[0] ?? {}).filter((name) => objects.every((object) => name in object));
    if (always.length === 0) return null;
    const name = random.pick(always);
    return answered(({ [name]: _, ...rest }) => rest);
  },
  'other-type': (exchanges, random) => {
    const objects = objectsOf(exchanges) ?? [];
    const plain = Object.keys(objects[0] ?? {}).filter((name) =>
      objects.every((object) => typeof object[name] === typeof objects[0]?.[name] && typeof object[name] !== 'object'),
    );
    if (plain.length === 0) return null;
    const name = random.pick(plain);
    return answered((value) => (name in value ? { ...value, [name]: { changed: true } } : value));
  },
  'new-parameter': () => (one) => ({ ...one, target: `${one.target}${one.target.includes('?') ? '&' : '?'}added=1` }),
  'new-status': () => (one) => (one.status < 300 ? { ...one, status: one.status === 202 ? 206 : 202 } : one),
  'new-media-type': () => (one) =>
    isJson(one) && one.status < 300
      ? { ...one, responseHeaders: { ...one.responseHeaders, 'content-type': 'text/csv' }, responseBody: 'a,b\n' }
      : one,
  // Nothing shorter, as the path of one operation may be a value in that of another.
  'new-endpoint': () => (one) => ({ ...one, target: `${one.target.replace(/\?.*/, '')}/added/one/more` }),
};

const isJson = ({ responseHeaders }: Planned): boolean => /json/.test(responseHeaders['content-type'] ?? '');

/** The objects that an operation answered with; null where it answers with anything else. */
function objectsOf(exchanges: readonly Planned[]): Record<string, Json>[] | null {
  const good = exchanges.filter(({ status }) => status < 300);
  if (good.length === 0 || !good.every(isJson)) return null;
  const values = good.map(({ responseBody }) => JSON.parse(responseBody));
  return values.every((value) => value !== null && typeof value === 'object' && !Array.isArray(value)) ? values : null;
}

function answered(change: (value: Record<string, Json>) => Json): Change {
  return (one) =>
    isJson(one) && one.status < 300
      ? { ...one, responseBody: JSON.stringify(change(JSON.parse(one.responseBody))) }
      : one;
}

function traceOf({ method, target, headers, body, status, responseHeaders, responseBody }: Planned): Trace {
  const trace = apiTrace({ method, target, status, sent: body === '' ? undefined : body, answer: responseBody });
  const { response } = trace;
  return {
    ...trace,
    request: { ...trace.request, headers: Object.entries(headers) },
    response: response === null ? null : { ...response, headers: Object.entries(responseHeaders) },
  };
}

function findingsOf(document: Record<string, unknown>, exchanges: readonly Planned[]) {
  const drift = new Drift(document);
  for (const exchange of exchanges) drift.add(traceOf(exchange));
  return drift.findings().filter(({ isDrift }) => isDrift);
}

interface Tally {
  made: number;
  found: number;
  madeOften: number;
  foundOften: number;
}

function measure(name: string, seed: number, tallies: Map<string, Tally>): void {
  const faker = new Faker({ locale: [en, base] });
  faker.seed(seed);
  faker.setDefaultRefDate('2026-01-01T00:00:00Z');
  const planned = plan(readSpecification(name), faker, { operations_max: 150, requests_max: 60 });
  const before = planned.filter((_, i) => i % 2 === 0);
  const after = planned.filter((_, i) => i % 2 === 1);
  const inventory = new Inventory();
  for (const exchange of before) inventory.add(traceOf(exchange));
  const document = JSON.parse(JSON.stringify(openApiDocument(inventory)));
  const raised = findingsOf(document, after);
  process.stdout.write(`${name.padEnd(24)} ${planned.length} exchanges, ${raised.length} false alarms\n`);
  for (const { kind, method, path, where } of raised.slice(0, 5))
    process.stdout.write(`    ${kind} ${method} ${path} ${where.slice(0, 100)}\n`);
  const isSeen = (operation: Planned['operation'], half: readonly Planned[]) =>
    half.filter((one) => one.operation === operation && one.status < 300).length >= SEEN_MIN;
  const operations = [...new Set(before.map(({ operation }) => operation))].filter(
    (operation) => operation !== null && isSeen(operation, before) && isSeen(operation, after),
  );
  if (operations.length === 0) return;
  const random = new Random(seed);
  for (const [kind, changing] of Object.entries(CHANGES))
    for (let i = 0; i < CHANGES_A_KIND; i++) {
      const operation = random.pick(operations);
      const change = changing(
        before.filter((one) => one.operation === operation),
        random,
      );
      if (change === null) continue;
      const changed = after.map((one) => (one.operation === operation ? change(one) : one));
      const times = changed.filter((one, at) => one !== after[at]).length;
      if (times < CHANGED_MIN) continue;
      const tally = tallies.get(kind) ?? { made: 0, found: 0, madeOften: 0, foundOften: 0 };
      tallies.set(kind, tally);
      const isFound = findingsOf(document, changed).some((finding) => finding.kind === kind);
      tally.made++;
      if (isFound) tally.found++;
      if (times < OFTEN) continue;
      tally.madeOften++;
      if (isFound) tally.foundOften++;
    }
}

const tallies = new Map<string, Tally>();
for (const name of chosenSpecifications(process.argv.slice(2))) measure(name, Number(process.env.SEED ?? 11), tallies);
for (const [kind, { made, found, madeOften, foundOften }] of tallies)
  process.stdout.write(
    `${kind.padEnd(18)} ${found} of ${made} found; ${foundOften} of ${madeOften} that were seen ${OFTEN} times or more\n`,
  );
