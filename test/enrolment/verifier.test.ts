import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Identity, uuidBytes, uuidText, uuidVersion7 } from '../../src/enrolment/identity.js';
import { type EnrolmentKey, instanceKey, keyOf, parseKeys } from '../../src/enrolment/keys.js';
import type { SignedRequest } from '../../src/enrolment/signature.js';
import { steadyClock } from '../../src/enrolment/steady-clock.js';
import { CLOCK_WINDOW_MILLIS, Verifier } from '../../src/enrolment/verifier.js';
import { Random, runSeed } from '../support/random.js';

const FIRST = keyOf('first-key-of-the-fleet');
const SECOND = keyOf('second-key-of-the-fleet');
const INSTANCE = '01932c07-209b-7abc-8def-0123456789ab';
const BODY = Buffer.from('{"resourceSpans":[]}');
const REQUEST: SignedRequest = { method: 'POST', path: '/v1/traces?x=1', body: BODY };

/** A satellite and a sensor whose clock may be wrong. */
interface PairSettings {
  readonly keys?: readonly EnrolmentKey[];
  readonly sensorKeys?: readonly EnrolmentKey[];
  readonly skew?: number;
  readonly noncesMax?: number;
}

function pair({ keys = [FIRST], sensorKeys = keys, skew = 0, noncesMax = 1000 }: PairSettings = {}) {
  const clock = { now: 1_700_000_000_000 };
  const verifier = new Verifier(keys, () => clock.now, noncesMax);
  clock.now += CLOCK_WINDOW_MILLIS;
  const sensor = (id = INSTANCE) =>
    new Identity(sensorKeys, { instance: id, now: () => clock.now + skew, randomBytes });
  return { clock, verifier, identity: sensor(), sensor };
}

describe('keys', () => {
  it('are read one a line', () => {
    expect(parseKeys('# old\n\n  first-key-of-the-fleet \r\nsecond-key-of-the-fleet\n').map(({ id }) => id)).toEqual([
      FIRST.id,
      SECOND.id,
    ]);
  });

  it('may be of an organisation, two of each', () => {
    const text =
      'first-key-of-the-fleet acme\nsecond-key-of-the-fleet\tglobex/eu\nthird-key-of-the-fleet acme\nkey-of-all-there-are';
    expect(parseKeys(text).map(({ organisation }) => organisation)).toEqual(['acme', 'globex/eu', 'acme', null]);
    expect(() => parseKeys(`${text}\nfourth-key-of-the-fleet acme`)).toThrow('holds 3 keys of acme; 2 count at once');
  });

  it.each([
    ['', 'holds no key'],
    ['a'.repeat(15), 'holds a key of 15 characters, which can be guessed'],
    ['first-key-of-the-fleet\nsecond-key-of-the-fleet\nthird-key-of-the-fleet', 'holds 3 keys; 2 count at once'],
    ['first-key-of-the-fleet\nfirst-key-of-the-fleet', 'holds a key twice'],
    ['with a space in the middle', 'with spaces'],
    ['x'.repeat(1025), 'holds a key of 1025 characters'],
  ])('%j is refused', (text, why) => {
    expect(() => parseKeys(text)).toThrow(why);
  });

  it('are derived for each instance as documented', () => {
    const expected = createHmac('sha256', 'first-key-of-the-fleet').update(`pcap-sensor instance 1\n${INSTANCE}`);
    expect(instanceKey(FIRST, INSTANCE)).toEqual(expected.digest());
  });
});

describe('a UUID version 7', () => {
  it('has the time first, the version and the variant', () => {
    const uuid = uuidVersion7(0x0193_2c07_209b, Buffer.alloc(10, 0xff));
    expect(uuid).toBe('01932c07-209b-7fff-bfff-ffffffffffff');
    expect(uuidText(uuidBytes(uuid))).toBe(uuid);
  });
});

describe('a signed request', () => {
  it('is signed over the documented lines', () => {
    const { verifier, clock } = pair();
    const nonce = 'AAAAAAAAAAAAAAAAAAAAAA';
    const digest = '0a0a39c2d1e7aa9be49b1b2d3eacf7d9b1d1ef40ee1bb1ed8a2b2af2d11d7c05';
    const lines = (body: string) =>
      `pcap-sensor request 1\nPOST\n/v1/traces\n${INSTANCE}\n${clock.now}\n${nonce}\n${body}\n`;
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    const sign = (text: string) => createHmac('sha256', instanceKey(FIRST, INSTANCE)).update(text).digest('base64url');
    const header = (mac: string) =>
      `v=1, key=${FIRST.id}, instance=${INSTANCE}, time=${clock.now}, nonce=${nonce}, mac=${mac}`;
    const request = { method: 'POST', path: '/v1/traces', body: new Uint8Array() };
    expect(verifier.verify(header(sign(lines(digest))), request)).toMatchObject({ why: 'forged' });
    expect(verifier.verify(header(sign(lines(empty))), request).kind).toBe('signed');
  });

  it('is taken once', () => {
    const { verifier, identity } = pair();
    const { header } = identity.sign(REQUEST);
    expect(verifier.verify(header, REQUEST).kind).toBe('signed');
    expect(verifier.verify(header, REQUEST)).toMatchObject({ kind: 'refused', why: 'replayed' });
  });

  it('is taken with either of two keys, and with no other', () => {
    const { verifier } = pair({ keys: [FIRST, SECOND] });
    const by = (key: typeof FIRST) => pair({ sensorKeys: [key] }).identity.sign(REQUEST).header;
    expect(verifier.verify(by(FIRST), REQUEST).kind).toBe('signed');
    expect(verifier.verify(by(SECOND), REQUEST).kind).toBe('signed');
    expect(verifier.verify(by(keyOf('third-key-of-the-fleet')), REQUEST)).toMatchObject({ why: 'unknown key' });
    verifier.use([SECOND]);
    expect(verifier.verify(by(FIRST), REQUEST)).toMatchObject({ why: 'unknown key' });
  });

  it('of a wrong clock is taken once the satellite has said what time it is', () => {
    const { verifier, identity } = pair({ skew: 3_600_000 });
    const early = identity.sign(REQUEST);
    const verdict = verifier.verify(early.header, REQUEST);
    expect(verdict).toMatchObject({ kind: 'refused', why: 'clock' });
    if (verdict.kind !== 'refused' || verdict.by === null) throw new Error('the refusal is not signed');
    const body = Buffer.from('{}');
    expect(identity.verify(early, { status: 401, header: verdict.by.sign(401, body), body })).toBe(true);
    expect(verifier.verify(identity.sign(REQUEST).header, REQUEST).kind).toBe('signed');
  });

  it('from before the satellite began is not taken: whether it had been taken is not known', () => {
    const clock = { now: 1_700_000_000_000 };
    const identity = new Identity([FIRST], { instance: INSTANCE, now: () => clock.now, randomBytes });
    const { header } = identity.sign(REQUEST);
    clock.now += 2000;
    const restarted = new Verifier([FIRST], () => clock.now);
    expect(restarted.verify(header, REQUEST)).toMatchObject({ kind: 'refused', why: 'clock' });
  });

  it('keeps no more nonces than it may, and takes none again that it has forgotten', () => {
    const { verifier, identity, clock } = pair({ noncesMax: 100 });
    const taken: string[] = [];
    for (let index = 0; index < 500; index++) {
      clock.now += 100;
      const { header } = identity.sign(REQUEST);
      expect(verifier.verify(header, REQUEST).kind).toBe('signed');
      taken.push(header);
      expect(verifier.noncesHeld).toBeLessThanOrEqual(100);
    }
    for (const header of taken) expect(verifier.verify(header, REQUEST).kind).toBe('refused');
  });

  it('challenges are answered by the instance that they were made for, and soon', () => {
    const { verifier, clock } = pair({ keys: [FIRST, SECOND] });
    const challenge = verifier.challenge(INSTANCE);
    expect(verifier.isAnswered(INSTANCE, challenge)).toBe(true);
    expect(verifier.isAnswered(INSTANCE.replace('1', '2'), challenge)).toBe(false);
    for (const wrong of ['', '.', `${challenge}x`, challenge.replace(/.$/, ' ')])
      expect(verifier.isAnswered(INSTANCE, wrong)).toBe(false);
    clock.now += CLOCK_WINDOW_MILLIS + 1;
    expect(verifier.isAnswered(INSTANCE, challenge)).toBe(false);
  });
});

describe('an answer', () => {
  it('is believed only where it is of a satellite that knows the key, to this request, as it was sent', () => {
    const { verifier, identity } = pair();
    const sent = identity.sign(REQUEST);
    const verdict = verifier.verify(sent.header, REQUEST);
    if (verdict.kind !== 'signed') throw new Error('refused');
    const body = Buffer.from('{"a":1}');
    const header = verdict.by.sign(200, body);
    const other = identity.sign(REQUEST);
    const impostor = pair({ keys: [SECOND], sensorKeys: [SECOND] });
    const forged = impostor.verifier.verify(impostor.identity.sign(REQUEST).header, REQUEST);
    const believed = (by: typeof sent, answer: { status?: number; header?: string; body?: Buffer }) =>
      identity.verify(by, { status: 200, header, body, ...answer });
    expect(believed(sent, {})).toBe(true);
    expect(believed(other, {})).toBe(false);
    expect(believed(sent, { status: 202 })).toBe(false);
    expect(believed(sent, { body: Buffer.from('{"a":2}') })).toBe(false);
    expect(believed(sent, { header: '' })).toBe(false);
    expect(believed(sent, { header: header.replace(/time=\d/, 'time=9') })).toBe(false);
    expect(identity.verify(sent, { status: 200, header: undefined, body })).toBe(false);
    if (forged.kind === 'signed') expect(believed(sent, { header: forged.by.sign(200, body) })).toBe(false);
  });
});

describe('10,000 requests that are forged, replayed, skewed, truncated or out of order', () => {
  it('are refused, and none that is well signed', () => {
    const random = new Random(runSeed());
    const { verifier, sensor, clock } = pair({ noncesMax: 4000 });
    const sensors = Array.from({ length: 20 }, () => sensor(uuidVersion7(clock.now, randomBytes(10))));
    const taken: { header: string; request: SignedRequest }[] = [];
    const counts: Record<string, number> = {};
    let refused = 0;
    while (refused < 10_000) {
      clock.now += random.between(0, 50);
      const body = Buffer.from(`{"n":${random.next()}}`);
      const request = { method: 'POST', path: '/v1/traces', body };
      const { header } = random.pick(sensors).sign(request);
      // What is well signed may come some seconds late, and behind what was signed later.
      const isLate = random.chance(0.2);
      if (isLate) clock.now += random.between(0, 2000);
      const attack = random.pick(ATTACKS);
      const bad = attack(random, { header, request, taken, now: clock.now });
      const before = verifier.noncesHeld;
      const verdict = verifier.verify(bad.header, bad.request);
      expect(verdict.kind, attack.name).toBe('refused');
      expect(verifier.noncesHeld).toBeLessThanOrEqual(before);
      counts[attack.name] = (counts[attack.name] ?? 0) + 1;
      refused++;
      expect(verifier.verify(header, request).kind).toBe('signed');
      taken.push({ header, request });
      if (taken.length > 5000) taken.shift();
    }
    expect(Object.keys(counts)).toHaveLength(ATTACKS.length);
  });
});

interface Seen {
  readonly header: string;
  readonly request: SignedRequest;
  readonly taken: readonly { header: string; request: SignedRequest }[];
  readonly now: number;
}
type Attack = (random: Random, seen: Seen) => { header: string | undefined; request: SignedRequest };

const swapped = (text: string, at: number): string =>
  `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;

const ATTACKS: readonly Attack[] = [
  function unsigned(_, { request }) {
    return { header: undefined, request };
  },
  function flippedMac(random, { header, request }) {
    return { header: swapped(header, header.length - 1 - random.between(0, 42)), request };
  },
  function otherBody(random, { header, request }) {
    const body = Buffer.from(request.body);
    const at = random.between(0, body.length - 1);
    body.writeUInt8(body.readUInt8(at) ^ (1 << random.between(0, 7)), at);
    return { header, request: { ...request, body } };
  },
  function cutBody(random, { header, request }) {
    return {
      header,
      request: { ...request, body: request.body.subarray(0, random.between(0, request.body.length - 1)) },
    };
  },
  function cutHeader(random, { header, request }) {
    return { header: header.slice(0, random.between(0, header.length - 1)), request };
  },
  function otherPath(_, { header, request }) {
    return { header, request: { ...request, path: '/v1/opamp' } };
  },
  function otherMethod(_, { header, request }) {
    return { header, request: { ...request, method: 'PUT' } };
  },
  function otherInstance(_, { header, request }) {
    return { header: header.replace(/instance=\w{8}/, 'instance=01932c08'), request };
  },
  function otherTime(random, { header, request }) {
    return {
      header: header.replace(/time=(\d+)/, (_, time) => `time=${Number(time) + random.between(1, 1000)}`),
      request,
    };
  },
  function otherNonce(_, { header, request }) {
    return { header: header.replace(/nonce=.{22}/, `nonce=${randomBytes(16).toString('base64url')}`), request };
  },
  function swappedNonce(random, { header, request, taken }) {
    const other =
      taken.length === 0 ? 'nonce=AAAAAAAAAAAAAAAAAAAAAA' : random.pick(taken).header.match(/nonce=.{22}/)?.[0];
    return { header: header.replace(/nonce=.{22}/, other ?? ''), request };
  },
  function replayed(random, { request, taken }) {
    return taken.length === 0 ? { header: 'v=1', request } : random.pick(taken);
  },
  function skewed(random, { request, now }) {
    const off = (CLOCK_WINDOW_MILLIS + random.between(1, 1e7)) * (random.chance(0.5) ? 1 : -1);
    const identity = new Identity([FIRST], { instance: INSTANCE, now: () => now + off, randomBytes });
    return { header: identity.sign(request).header, request };
  },
  function foreignKey(_, { request, now }) {
    const identity = new Identity([SECOND], { instance: INSTANCE, now: () => now, randomBytes });
    return { header: identity.sign(request).header, request };
  },
  function keyOfAnother(_, { header, request, now }) {
    // Somebody who has the key of one instance signs as another.
    const identity = new Identity([FIRST], { instance: INSTANCE, now: () => now, randomBytes });
    return {
      header: identity.sign(request).header.replace(/instance=\S+,/, header.match(/instance=\S+,/)?.[0] ?? ''),
      request,
    };
  },
  function reordered(_, { header, request }) {
    const parts = header.split(', ');
    return { header: [parts[0], ...parts.slice(1).reverse()].join(', '), request };
  },
];

describe('a satellite whose clock is set back', () => {
  it('goes on from where it was, and takes nothing twice', () => {
    const day = { now: 1_700_000_000_000 };
    const elapsed = { now: 5.25 };
    const now = steadyClock(
      () => day.now,
      () => elapsed.now,
    );
    const pass = (millis: number): void => {
      day.now += millis;
      elapsed.now += millis;
    };
    const verifier = new Verifier([FIRST], now, 1000);
    pass(CLOCK_WINDOW_MILLIS);
    // The sensor's clock is right, and it goes by what the satellite says.
    const identity = new Identity([FIRST], { instance: INSTANCE, now: () => day.now, randomBytes });
    const send = () => {
      const signed = identity.sign(REQUEST);
      const verdict = verifier.verify(signed.header, REQUEST);
      const header = verdict.by?.sign(200, BODY);
      if (header !== undefined) identity.verify(signed, { status: 200, header, body: BODY });
      return { header: signed.header, kind: verdict.kind };
    };
    const first = send();
    expect(first.kind).toBe('signed');
    day.now -= 3600e3;
    expect(send().kind).toBe('refused');
    expect(send().kind).toBe('signed');
    expect(verifier.verify(first.header, REQUEST)).toMatchObject({ kind: 'refused', why: 'replayed' });
    pass(3600e3);
    expect(verifier.verify(first.header, REQUEST)).toMatchObject({ kind: 'refused', why: 'clock' });
    day.now += 7200e3;
    expect(now()).toBe(day.now);
  });
});
